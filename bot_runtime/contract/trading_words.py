"""Purchases, sales and limits in words, which Events and messages have in common. Pure."""

from typing import Final

from bot_runtime.contract.tradingstatus import ActionStatus, LimitStatus, OrderPurpose

_WHY_SOLD: Final[dict[OrderPurpose, str]] = {
    "Signal": "by a signal",
    "Time": "at the end of its holding time",
    "Target": "at its target",
    "Stop": "as its stop was hit",
    "Decrease": "to hold less",
    "Removed": "as the symbol left the spec",
}


def tell_action(action: ActionStatus) -> str:
    """Return what was bought, or sold and why, and what the trade that it closed has brought."""
    what = f"{action.quantity} of {action.symbol} at {action.price}, candle {action.time}"
    if action.is_purchase:
        return f"bought {what}"
    text = f"sold {what}, {_WHY_SOLD[action.purpose]}"
    return text if action.profit is None else f"{text}; profit {action.profit}"


def tell_tripped(limit: LimitStatus) -> str:
    """Return which limit has tripped by how much, and how long it stands."""
    until = "until risk.resumeAfter" if limit.resets_at is None else f"until {limit.resets_at}"
    found = f"{limit.value}, allowed {limit.threshold}"
    return f"{_describe(limit)}: {found}; nothing is bought {until}"


def tell_reset(limit: LimitStatus) -> str:
    """Return which limit stands no more."""
    return f"{_describe(limit)} stands no more; it tripped at {limit.tripped_at}"


def _describe(limit: LimitStatus) -> str:
    return limit.limit if limit.symbol is None else f"{limit.limit} of {limit.symbol}"
