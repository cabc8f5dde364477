"""What the markets of a paper account take, as its journal has it and as the exchange tells now."""

from bot_runtime.journal.entries import MarketRow
from bot_runtime.process.errors import ConfigurationError
from bot_runtime.trading.markets import finest_filters
from bot_runtime.trading.precision import Costs, Market
from bot_runtime.trading.session_news import News


def market_row(symbol: str, known: MarketRow | None, news: News) -> MarketRow | None:
    """Return what a market takes from now on: the row that is known, where nothing has changed.

    Where the exchange tells nothing, what was known stays, or else the finest steps that the prices
    need are taken. None where there are no prices either.
    """
    filters, candles = news.filters.get(symbol), news.candles.get(symbol)
    if filters is None and (known is not None or candles is None or len(candles) == 0):
        return known
    if filters is None:
        assert candles is not None, "without candles what is known was returned"
        filters = finest_filters(candles)
    steps = (filters.tick, filters.lot, filters.min_quantity, filters.min_notional)
    row = MarketRow(symbol, news.oldest_ms, *steps)
    return known if known is not None and known[2:] == row[2:] else row


def market_of_row(row: MarketRow, costs: Costs) -> Market:
    """Return a market at some costs.

    Raises ConfigurationError where its steps are finer than money.
    """
    try:
        return Market.of(row.tick, row.lot, costs, row.min_quantity, row.min_notional)
    except ValueError as e:
        raise ConfigurationError(
            f"symbols: {row.symbol}: {e}; nothing can be counted in such steps: leave it out"
        ) from e
