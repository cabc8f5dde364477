"""x."""

from bot_runtime.backtest.result import Backtest


def render_backtest(backtest: Backtest) -> str:
    """X."""
    return "x"
