"""Orders, what came of them, and the money that they moved."""

from typing import Final

from alembic import op
from sqlalchemy import (
    Boolean,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    PrimaryKeyConstraint,
    UniqueConstraint,
)
from sqlalchemy.sql.schema import SchemaItem

from bot_runtime.journal.column_types import TEXT
from bot_runtime.journal.columns import money, ms, order, real, run, text, word

revision = "0002"
down_revision = "0001"

TABLES: Final[dict[str, tuple[SchemaItem, ...]]] = {
    "orders": (
        Column("client_order_id", TEXT, primary_key=True),
        run(),
        text("position_id"),
        word("purpose"),
        word("symbol"),
        money("quantity"),
        real("share"),
        word("regime"),
        real("stop", unset=True),
        real("target", unset=True),
        ms("holding_ms"),
        ms("candle_ms"),
        Index("orders_by_candle", "candle_ms"),
        Index("orders_by_position", "position_id"),
    ),
    "order_events": (
        Column("event_id", Integer, primary_key=True),
        run(),
        order(),
        ms("at_ms"),
        word("state"),
        money("executed"),
        money("quote_executed"),
        word("source"),
        text("code", unset=True),
        text("text", unset=True),
        UniqueConstraint("client_order_id", "state", "executed", "source"),
    ),
    "fills": (
        word("symbol"),
        text("trade_id"),
        run(),
        order(),
        word("side"),
        money("price"),
        money("quantity"),
        money("quote_quantity"),
        money("fee"),
        word("fee_asset"),
        money("fee_quote"),
        Column("maker", Boolean, nullable=False),
        money("model_price"),
        ms("at_ms"),
        ms("candle_ms"),
        ms("market_ms"),
        PrimaryKeyConstraint("symbol", "trade_id"),
        ForeignKeyConstraint(["symbol", "candle_ms"], ["candles.symbol", "candles.candle_ms"]),
        ForeignKeyConstraint(["symbol", "market_ms"], ["markets.symbol", "markets.since_ms"]),
        Index("fills_by_order", "client_order_id"),
    ),
    "ledger": (
        text("source"),
        word("asset"),
        run(),
        money("delta"),
        PrimaryKeyConstraint("source", "asset"),
    ),
    "trades": (
        Column("position_id", TEXT, ForeignKey("orders.client_order_id"), primary_key=True),
        run(),
        word("symbol"),
        ms("opened_ms"),
        ms("closed_ms"),
        money("quantity"),
        money("paid"),
        money("received"),
        money("fees"),
        money("profit"),
        word("reason"),
        Column("candles", Integer, nullable=False),
        word("regime"),
        Index("trades_by_closing", "closed_ms"),
    ),
}
WITHOUT_ROWID: Final = {"ledger"}


def upgrade() -> None:
    """Make the tables."""
    for name, columns in TABLES.items():
        op.create_table(name, *columns, sqlite_with_rowid=name not in WITHOUT_ROWID)
