"""The tables of a journal: which rows there are, and what makes each of them one of a kind.

Rows are only ever added (append_only.py), and every row names its run. `names` and `configurations`
keep what is said over and over, once. A candle and what was decided at its close are one row: they
have the key and the run in common. An idle candle leaves that row and its run's, because an
explanation, the equity, the account and a market are stored where they change.
"""

from typing import Final

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
)

from bot_runtime.journal.column_types import TEXT, PodUid, Rules
from bot_runtime.journal.columns import key_ms, metadata, money, ms, real, run, text, word

SCHEMA: Final = "0002"
"""The newest migration (migrations/versions)."""

names = Table(
    "names",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", TEXT, nullable=False, unique=True),
)
configurations = Table(
    "configurations",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("run_digest", TEXT, nullable=False, unique=True),
    text("configuration"),
)
journal = Table(
    "journal",
    metadata,
    Column("one", Integer, CheckConstraint("one = 1"), primary_key=True, autoincrement=False),
    text("journal_id"),
    text("namespace"),
    text("bot"),
    text("exchange"),
    text("mode"),
    text("quote"),
    ms("created_ms"),
)
runs = Table(
    "runs",
    metadata,
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
)
candles = Table(
    "candles",
    metadata,
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
    sqlite_with_rowid=False,
)
explanations = Table(
    "explanations",
    metadata,
    word("symbol"),
    ms("candle_ms"),
    run(),
    text("reason", unset=True),
    Column("rules", Rules),
    PrimaryKeyConstraint("symbol", "candle_ms"),
    ForeignKeyConstraint(["symbol", "candle_ms"], ["candles.symbol", "candles.candle_ms"]),
    sqlite_with_rowid=False,
)
markets = Table(
    "markets",
    metadata,
    word("symbol"),
    ms("since_ms"),
    run(),
    money("tick"),
    money("lot"),
    money("min_quantity"),
    money("min_notional"),
    PrimaryKeyConstraint("symbol", "since_ms"),
    sqlite_with_rowid=False,
)
equity = Table(
    "equity",
    metadata,
    key_ms("candle_ms"),
    run(),
    money("cash"),
    money("equity"),
)
accounts = Table(
    "accounts",
    metadata,
    key_ms("candle_ms"),
    run(),
    text("state"),
)
limits = Table(
    "limits",
    metadata,
    Column("limit_id", Integer, primary_key=True),
    run(),
    word("limit"),
    word("event"),
    word("symbol", unset=True),
    real("value"),
    real("threshold"),
    ms("at_ms"),
    ms("resets_ms", unset=True),
)
outbox = Table(
    "outbox",
    metadata,
    Column("key", TEXT, primary_key=True),
    run(),
    word("kind"),
    text("text"),
    ms("created_ms"),
    ms("sent_ms", unset=True),
    Column("attempts", Integer, nullable=False),
    Index("outbox_by_sending", "sent_ms"),
)
