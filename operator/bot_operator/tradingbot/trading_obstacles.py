"""Obstacles: why the pods of a bot that decides have no container that trades. Pure."""

from bot_operator.signs.credentials import find_fault
from bot_operator.tradingbot.findings import Context
from bot_operator.tradingbot.images import kept_images
from bot_operator.tradingbot.models import Cause
from bot_runtime.contract.assets import quote_assets
from bot_runtime.contract.conditions import Reason

_OF_TRADING = "capital"
"""The newer field that came with the container that trades: who reads it, has that."""


def find_obstacle(context: Context) -> Cause | None:
    """Return what keeps a bot from trading until somebody changes it; None where nothing does."""
    if _OF_TRADING not in context.images.reads:
        kept = ", ".join(kept_images(context.images, context.release))
        text = (
            f"the bot's images are of an earlier release ({kept}), which decides and does not "
            f"trade; take those of this release: kubectl patch bot {context.name} --type merge "
            """-p '{"spec":{"updateStrategy":"Auto"}}'"""
        )
        return Reason.IMAGE_TOO_OLD, text
    return _find_obstacle_of_journal(context) or _find_obstacle_of_symbols(context)


def is_journal_away(context: Context) -> bool:
    """Tell whether the journal is in a PostgreSQL whose secret cannot be used."""
    return find_fault(context.seen.journal_secret, context.namespace) is not None


def _find_obstacle_of_journal(context: Context) -> Cause | None:
    fault = find_fault(context.seen.journal_secret, context.namespace)
    if fault is not None:
        text = f"{fault}; until then the bot decides and does not trade"
        return Reason.JOURNAL_UNAVAILABLE, text
    is_file = context.spec.journal.postgres_secret is None
    if is_file and context.spec.storage.access_mode == "ReadWriteMany":
        text = (
            "the journal is a file that one node alone may write, and storage.accessMode is "
            "ReadWriteMany; the bot decides and does not trade. Name a PostgreSQL in "
            "journal.postgresSecret, or make the bot again with storage.accessMode: ReadWriteOnce"
        )
        return Reason.JOURNAL_UNAVAILABLE, text
    return None


def _find_obstacle_of_symbols(context: Context) -> Cause | None:
    quotes = quote_assets(context.spec.symbols)
    if len(quotes) > 1:
        text = (
            f"symbols are paid for in {' and '.join(quotes)}, and an account has one asset; the "
            "bot decides and does not trade. Make a bot for each of them"
        )
        return Reason.QUOTE_ASSETS_DIFFER, text
    return None
