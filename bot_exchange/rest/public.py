"""Answers of the public market data routes: each takes a request's parameters and returns JSON."""

from collections.abc import Callable
from typing import Any

import numpy as np

from bot_exchange.market.candles import INTERVALS_MS, Candles
from bot_exchange.market.symbols import SymbolRules
from bot_exchange.rest.parameters import Parameters, read_depth, read_span, read_symbol
from bot_exchange.rest.spoiled import spoil_rows
from bot_exchange.venue.exchange import Exchange
from bot_exchange.venue.view import NothingTradedError


def money(value: float) -> str:
    """Return a number as Binance writes it, with eight decimals."""
    return f"{value:.8f}"


def ping(_exchange: Exchange, _parameters: Parameters) -> Any:
    """Answer nothing: the server is there."""
    return {}


def server_time(exchange: Exchange, _parameters: Parameters) -> Any:
    """Answer the exchange's time."""
    return {"serverTime": exchange.server_time_ms()}


def klines(exchange: Exchange, parameters: Parameters) -> Any:
    """Answer the candles of one interval, twelve columns each, the still open one included."""
    rules = read_symbol(parameters, exchange)
    span = read_span(parameters, exchange.feed.market.timeframe_ms)
    rows = _rows(exchange.feed.candles(rules.symbol, span), span.interval_ms)
    return spoil_rows(rows, exchange.faults)


def _rows(candles: Candles, length: int) -> list[list[Any]]:
    """Return Binance's rows; what the market's candles do not tell is estimated.

    Quote volume is at the mean of the four prices, the buyers' share follows from where the candle
    closed.
    """
    span = np.where(candles.high > candles.low, candles.high - candles.low, 1.0)
    bought = candles.volume * (0.5 + 0.25 * (candles.close - candles.open) / span)
    mean = (candles.open + candles.high + candles.low + candles.close) / 4
    columns = (candles.open, candles.high, candles.low, candles.close, candles.volume)
    texts = [[money(value) for value in column.tolist()] for column in columns]
    return [
        [open_ms, *prices, open_ms + length - 1, money(turnover), trades, buy, money(quote), "0"]
        for open_ms, prices, turnover, trades, buy, quote in zip(
            candles.open_ms.tolist(),
            zip(*texts, strict=True),
            (candles.volume * mean).tolist(),
            _trades(candles),
            [money(value) for value in bought.tolist()],
            (bought * mean).tolist(),
            strict=True,
        )
    ]


def _trades(candles: Candles) -> list[int]:
    return [1 + int(volume**0.5 * 20) if volume > 0 else 0 for volume in candles.volume.tolist()]


def _tickers(
    exchange: Exchange, parameters: Parameters, one: Callable[[Exchange, SymbolRules], Any]
) -> Any:
    if "symbol" in parameters:
        return one(exchange, read_symbol(parameters, exchange))
    return [one(exchange, rules) for rules in exchange.rules.values()]


def ticker_24hr(exchange: Exchange, parameters: Parameters) -> Any:
    """Answer the last 24 hours of one symbol or of all."""
    return _tickers(exchange, parameters, _day_ticker)


def ticker_price(exchange: Exchange, parameters: Parameters) -> Any:
    """Answer the last price of one symbol or of all."""
    return _tickers(exchange, parameters, _price_ticker)


def book_ticker(exchange: Exchange, parameters: Parameters) -> Any:
    """Answer the best bid and ask of one symbol or of all."""
    return _tickers(exchange, parameters, _book_ticker)


def _day_ticker(exchange: Exchange, rules: SymbolRules) -> dict[str, Any]:
    day, base = exchange.feed.day(rules.symbol)
    book = exchange.feed.book(rules, 1)
    mean = (base.open + base.high + base.low + base.close) / 4
    turnover, volume = float((mean * base.volume).sum()), float(day.volume[0])
    first, last = float(day.open[0]), float(day.close[0])
    return {
        "symbol": rules.market_id,
        "priceChange": money(last - first),
        "priceChangePercent": f"{(last / first - 1) * 100:.3f}",
        "weightedAvgPrice": money(turnover / volume if volume else last),
        "prevClosePrice": money(first),
        "lastPrice": money(last),
        "lastQty": money(book.bids[0][1]),
        **_best(rules, exchange),
        "openPrice": money(first),
        "highPrice": money(float(day.high[0])),
        "lowPrice": money(float(day.low[0])),
        "volume": money(volume),
        "quoteVolume": money(turnover),
        "openTime": int(base.open_ms[0]),
        "closeTime": exchange.feed.faults.visible_until(exchange.clock.now_ms()),
        "firstId": 0,
        "lastId": sum(_trades(base)) - 1,
        "count": sum(_trades(base)),
    }


def _price_ticker(exchange: Exchange, rules: SymbolRules) -> dict[str, Any]:
    return {"symbol": rules.market_id, "price": money(exchange.feed.last_price(rules.symbol))}


def _book_ticker(exchange: Exchange, rules: SymbolRules) -> dict[str, Any]:
    return {"symbol": rules.market_id, **_best(rules, exchange)}


def _best(rules: SymbolRules, exchange: Exchange) -> dict[str, str]:
    book = exchange.feed.book(rules, 1)
    (bid, bid_amount), (ask, ask_amount) = book.bids[0], book.asks[0]
    return {
        "bidPrice": money(bid),
        "bidQty": money(bid_amount),
        "askPrice": money(ask),
        "askQty": money(ask_amount),
    }


def depth(exchange: Exchange, parameters: Parameters) -> Any:
    """Answer the order book, best prices first."""
    rules = read_symbol(parameters, exchange)
    book = exchange.feed.book(rules, read_depth(parameters))
    return {
        "lastUpdateId": book.update_id,
        "bids": [[money(price), money(amount)] for price, amount in book.bids],
        "asks": [[money(price), money(amount)] for price, amount in book.asks],
    }


def average_price(exchange: Exchange, parameters: Parameters) -> Any:
    """Answer the mean price of the last five minutes, or of the last candle where one is longer."""
    rules = read_symbol(parameters, exchange)
    feed = exchange.feed
    seen = feed.faults.visible_until(exchange.clock.now_ms())
    length = max(INTERVALS_MS["5m"], feed.market.timeframe_ms)
    recent = feed.base_candles(rules.symbol, seen - length, seen + 1, seen)
    if len(recent) == 0:
        raise NothingTradedError(rules.symbol)
    return {"mins": 5, "price": money(float(recent.close.mean())), "closeTime": seen}
