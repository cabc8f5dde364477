"""What was seen and decided: the tables of the first schema."""

from typing import Final

from alembic import op
from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    PrimaryKeyConstraint,
)
from sqlalchemy.sql.schema import SchemaItem

from bot_runtime.journal.column_types import TEXT, PodUid, Rules
from bot_runtime.journal.columns import key_ms, money, ms, real, run, text, word

revision = "0001"
down_revision = None

TABLES: Final[dict[str, tuple[SchemaItem, ...]]] = {
    "names": (
        Column("id", Integer, primary_key=True),
        Column("name", TEXT, nullable=False, unique=True),
    ),
    "configurations": (
        Column("id", Integer, primary_key=True),
        Column("run_digest", TEXT, nullable=False, unique=True),
        text("configuration"),
    ),
    "journal": (
        Column("one", Integer, CheckConstraint("one = 1"), primary_key=True, autoincrement=False),
        text("journal_id"),
        text("namespace"),
        text("bot"),
        text("exchange"),
        text("mode"),
        text("quote"),
        ms("created_ms"),
    ),
    "runs": (
        Column("run_id", Integer, primary_key=True),
        word("purpose"),
        Column("pod_uid", PodUid, nullable=False),
        Column("configuration_id", Integer, ForeignKey("configurations.id"), nullable=False),
        word("model_version", unset=True),
        word("git_commit"),
        ms("started_ms"),
        ms("ended_after_ms", unset=True),
        word("ended_verdict", unset=True),
        text("ended_reason", unset=True),
    ),
    "candles": (
        word("symbol"),
        ms("candle_ms"),
        run(),
        real("open"),
        real("high"),
        real("low"),
        real("close"),
        real("volume"),
        word("outcome", unset=True),
        word("side", unset=True),
        real("share", unset=True),
        word("regime", unset=True),
        real("prob_up", unset=True),
        real("p10", unset=True),
        real("p50", unset=True),
        real("p90", unset=True),
        real("risk_score", unset=True),
        real("volatility", unset=True),
        PrimaryKeyConstraint("symbol", "candle_ms"),
    ),
    "explanations": (
        word("symbol"),
        ms("candle_ms"),
        run(),
        text("reason", unset=True),
        Column("rules", Rules),
        PrimaryKeyConstraint("symbol", "candle_ms"),
        ForeignKeyConstraint(["symbol", "candle_ms"], ["candles.symbol", "candles.candle_ms"]),
    ),
    "markets": (
        word("symbol"),
        ms("since_ms"),
        run(),
        money("tick"),
        money("lot"),
        money("min_quantity"),
        money("min_notional"),
        PrimaryKeyConstraint("symbol", "since_ms"),
    ),
    "equity": (
        key_ms("candle_ms"),
        run(),
        money("cash"),
        money("equity"),
    ),
    "accounts": (
        key_ms("candle_ms"),
        run(),
        text("state"),
    ),
    "limits": (
        Column("limit_id", Integer, primary_key=True),
        run(),
        word("limit"),
        word("event"),
        word("symbol", unset=True),
        real("value"),
        real("threshold"),
        ms("at_ms"),
        ms("resets_ms", unset=True),
    ),
    "outbox": (
        Column("key", TEXT, primary_key=True),
        run(),
        word("kind"),
        text("text"),
        ms("created_ms"),
        ms("sent_ms", unset=True),
        Column("attempts", Integer, nullable=False),
        Index("outbox_by_sending", "sent_ms"),
    ),
}
WITHOUT_ROWID: Final = {"candles", "explanations", "markets"}


def upgrade() -> None:
    """Make the tables."""
    for name, columns in TABLES.items():
        op.create_table(name, *columns, sqlite_with_rowid=name not in WITHOUT_ROWID)
