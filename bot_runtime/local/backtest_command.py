"""`backtest`: what a bot's decisions would have earned on past candles, with a report."""

import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from bot_runtime.backtest.assemble import Asked, run_backtest
from bot_runtime.backtest.result import Backtest
from bot_runtime.backtest.versions import Term, terms_of, terms_of_version
from bot_runtime.contract.runconfig import inference_run
from bot_runtime.local.bot_file import Bot, load_bot
from bot_runtime.local.local_store import local_store
from bot_runtime.local.newer_candles import NewerCandles
from bot_runtime.local.progress_line import ProgressLine
from bot_runtime.local.time_option import ms_of
from bot_runtime.market.candles import Candles, utc
from bot_runtime.market.filters import known_filters
from bot_runtime.market.stored_candles import stored_candles
from bot_runtime.process.errors import ConfigurationError, DataUnusableError, StepError
from bot_runtime.report.backtest_page import render_backtest
from bot_runtime.store.files import save_bytes
from bot_runtime.store.layout import Store
from bot_runtime.trading.strategy import Strategy

REPORT_FILE: Final = "backtest.html"


@dataclass(frozen=True, slots=True)
class BacktestAsked:
    """What the command line asks for.

    Attributes:
        endpoint: replaces spec.exchange.endpoint, as for `run`.
        begin, end: times as people write them.
        offline: ask no exchange for candles that closed since the last training.
    """

    file: Path
    store: Path | None
    endpoint: str | None
    begin: str | None
    end: str | None
    version: str | None
    offline: bool = False


def backtest(asked: BacktestAsked) -> int:
    """Run a backtest, print what came of it, and return the exit code."""
    line = ProgressLine(sys.stdout)
    try:
        bot = load_bot(asked.file, asked.endpoint)
        store = local_store(asked.store, bot.name)
        strategy = Strategy.of(
            bot.spec.decision, bot.spec.model, bot.spec.timeframe, bot.spec.settings
        )
        candles = {
            symbol: stored_candles(store, bot.spec.exchange, symbol, bot.spec.timeframe)
            for symbol in bot.spec.symbols
        }
        newer = NewerCandles(store, bot.spec)
        if not asked.offline:
            candles = newer.add_to(candles, line.show)
        from_ms, to_ms = _span(asked, candles)
        terms = _terms(asked, bot, store, to_ms)
        filters = known_filters(store, candles)
        what = Asked(bot.name, strategy, candles, filters, terms, from_ms, to_ms)
        found = run_backtest(what, line.show)
        found = replace(found, notes=(*newer.notes, *found.notes))
        line.show("writing the report", 0.95)
        path = store.root / REPORT_FILE
        save_bytes(path, render_backtest(found).encode())
    except StepError as e:
        line.end(f"bot-runtime: {e}")
        return int(e.exit_code)
    except KeyboardInterrupt:
        line.end("interrupted; nothing was written")
        return 130
    line.end(_summary(found, path))
    return 0


def _terms(asked: BacktestAsked, bot: Bot, store: Store, end_ms: int) -> tuple[Term, ...]:
    """Return the terms of the version that is named or pinned, else of all that were promoted."""
    named = asked.version or bot.spec.model.pinned_version
    run = inference_run(bot.namespace, bot.name, bot.spec, named or "promoted")
    if named is not None:
        return terms_of_version(store, run, named, end_ms)
    return terms_of(store, run, end_ms)


def _span(asked: BacktestAsked, candles: dict[str, Candles]) -> tuple[int, int]:
    """Return the closes [from, to] in ms that are asked for; raises ConfigurationError."""
    first = min(int(part.close_time_ms[0]) for part in candles.values())
    last = max(int(part.close_time_ms[-1]) for part in candles.values())
    from_ms = first if asked.begin is None else ms_of("--from", asked.begin)
    to_ms = last if asked.end is None else ms_of("--to", asked.end)
    if from_ms > to_ms and asked.begin is not None and asked.end is not None:
        raise ConfigurationError(f"--from {asked.begin} is after --to {asked.end}; swap them")
    if from_ms > last:
        raise DataUnusableError(
            f"--from: {asked.begin} is after the newest candle in the store, {utc(last)}; name an "
            "earlier time"
        )
    if to_ms < first:
        raise DataUnusableError(
            f"--to: {asked.end} is before the first candle in the store, {utc(first)}; name a "
            "later time"
        )
    return max(from_ms, first), min(to_ms, last)


def _summary(found: Backtest, report: Path) -> str:
    """Return what is printed at the end."""
    own = found.performance
    held_return, held_sharpe, held_fall = found.held_performance
    begin, end = found.spans[0].begin_ms, found.spans[-1].end_ms
    rows = [
        ("candles", f"{len(found.account.close_ms):,} from {utc(begin)} to {utc(end)}"),
        ("versions", ", ".join(span.version for span in found.spans)),
        ("trades", f"{own.trades:,}, fees {own.fees:.2%} of the capital"),
        ("the bot", _figures(own.net_return, own.sharpe, own.drawdown)),
        ("holding", _figures(held_return, held_sharpe, held_fall)),
        *(("note", note) for note in found.notes),
        ("report", str(report)),
    ]
    return "\n".join(f"{name:9} {text}" for name, text in rows)


def _figures(earned: float, sharpe: float, fall: float) -> str:
    return f"{earned:+.2%} after costs, Sharpe ratio {sharpe:.2f} a year, deepest fall {fall:.2%}"
