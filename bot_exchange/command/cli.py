"""The command line: flags, their checks, and what is built from them."""

import argparse
import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from bot_exchange.command import flags, serve
from bot_exchange.command.logs import start_logging
from bot_exchange.market import candle_files
from bot_exchange.market.candles import INTERVALS_MS, Market
from bot_exchange.market.file_rows import CandleFileError
from bot_exchange.market.generated import GeneratedMarket
from bot_exchange.market.replay import Position, ReplayMarket
from bot_exchange.market.signals import FLAVOURS
from bot_exchange.market.symbols import rules_of
from bot_exchange.venue.clock import Clock
from bot_exchange.venue.credentials import ApiKey, CredentialsError, parse_keys
from bot_exchange.venue.exchange import Exchange
from bot_exchange.venue.faults import Faults
from bot_exchange.venue.limits import WeightLimiter
from bot_exchange.venue.view import Feed

_MISUSE = 2
_INTERRUPTED = 128 + signal.SIGINT


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command; a flag that cannot be used ends it with a message and exit code 2."""
    parser = _build_parser()
    options = parser.parse_args(arguments)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        options.run(options)
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)
    except (CandleFileError, CredentialsError, serve.ServeError, _FlagError) as e:
        _end(str(e))


class _FlagError(ValueError):
    """A combination of flags that cannot be used."""


def _end(message: str) -> NoReturn:
    print(f"bot-exchange: {message}", file=sys.stderr)
    sys.exit(_MISUSE)


def _serve(options: argparse.Namespace) -> None:
    clock = Clock(options.speed, options.start)
    market = _build_market(options, clock.now_ms())
    rules = [rules_of(symbol) for symbol in market.symbols]
    exchange = Exchange(
        Feed(market, clock, Faults()),
        {rule.market_id: rule for rule in rules},
        WeightLimiter(options.weight_limit, time.time),
        _load_keys(options),
    )
    start_logging(verbose=options.verbose)
    serve.run(exchange, serve.Address(options.host, options.port), control=options.control)


def _generate(options: argparse.Namespace) -> None:
    if len(options.symbols) != 1:
        raise _FlagError(f"--symbols: found {len(options.symbols)}; a file holds exactly one")
    market = _generated(options)
    end = (options.end // market.timeframe_ms) * market.timeframe_ms
    candles = market.candles(options.symbols[0], end - options.bars * market.timeframe_ms, end)
    if len(candles) < options.bars:
        raise _FlagError(f"--bars: found {options.bars}; the market is only {len(candles)} old")
    candle_files.save_candles(candles, options.out)


def _build_market(options: argparse.Namespace, now_ms: int) -> Market:
    if not options.candles:
        return _generated(options)
    files = {symbol or options.symbols[0]: path for symbol, path in options.candles}
    if len(files) < len(options.candles):
        raise _FlagError("--candles: the same symbol is given twice; write SYMBOL=FILE for each")
    loaded = {symbol: candle_files.load_candles(path, symbol) for symbol, path in files.items()}
    try:
        market = ReplayMarket(loaded, options.replay_now, options.replay_at or now_ms)
    except ValueError as e:
        raise _FlagError(f"--candles: {e}") from e
    if options.timeframe not in (None, market.timeframe_ms):
        raise _FlagError(
            f"--timeframe: found {options.timeframe // 1000} s, but the candles of --candles are "
            f"{market.timeframe_ms // 1000} s long; leave it out"
        )
    return market


def _generated(options: argparse.Namespace) -> GeneratedMarket:
    return GeneratedMarket(
        seed=options.seed,
        strength=options.strength,
        flavour=options.flavour,
        timeframe_seconds=(options.timeframe or INTERVALS_MS["1m"]) // 1000,
        symbols=options.symbols,
        volatility_bps=options.volatility_bps,
    )


def _load_keys(options: argparse.Namespace) -> dict[str, ApiKey]:
    if options.credentials_file is not None:
        try:
            text = options.credentials_file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as e:
            reason = e.strerror if isinstance(e, OSError) else "not UTF-8"
            raise CredentialsError(f"{options.credentials_file}: {reason}") from None
        return parse_keys(text, str(options.credentials_file))
    if options.credentials_env is not None:
        document = os.environ.get(options.credentials_env)
        if document is None:
            raise CredentialsError(f"--credentials-env: {options.credentials_env} is not set")
        return parse_keys(document, options.credentials_env)
    return {}


def _build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="bot-exchange",
        description="A test exchange that speaks Binance's spot REST.",
        allow_abbrev=False,
    )
    commands = parser.add_subparsers(required=True, metavar="serve | generate")
    _add_serve(
        commands.add_parser("serve", help="serve a market until SIGTERM", allow_abbrev=False)
    )
    _add_generate(
        commands.add_parser(
            "generate", help="write the generated market to a file", allow_abbrev=False
        )
    )
    return parser


def _add_serve(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    parser.set_defaults(run=_serve)
    add("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
    add(
        "--port",
        type=flags.integer(0, 65535),
        default=8080,
        help="0: any free one; the first line of the output says which (%(default)s)",
    )
    _add_market(parser)
    add(
        "--candles",
        type=flags.candle_file,
        action="append",
        metavar="[SYMBOL=]FILE",
        help="replay a csv, parquet or feather file; repeat for more symbols",
    )
    add(
        "--replay-now",
        type=flags.position,
        default=Position(),
        metavar="POSITION",
        help="what of the file is now: end, end-N (N candles are yet to come), or a date",
    )
    add("--replay-at", type=flags.moment, help="when that is now; default: when the server starts")
    add("--speed", type=flags.decimal(0, 100_000), default=1.0, help="of the clock; 0: it stands")
    add(
        "--start",
        type=flags.moment,
        metavar="TIME",
        help="what the clock starts with; default: now",
    )
    keys = parser.add_mutually_exclusive_group()
    keys.add_argument("--credentials-file", type=Path, help="JSON with the API keys")
    keys.add_argument("--credentials-env", metavar="NAME", help="variable that holds that JSON")
    add("--weight-limit", type=flags.integer(1, 10**9), default=6000, help="a minute, per address")
    add("--control", action="store_true", help="serve /_control/clock and /_control/faults")
    add("--verbose", action="store_true", help="log every request, not only the refused ones")


def _add_generate(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(run=_generate)
    _add_market(parser, symbols="BTC/USDT")
    add = parser.add_argument
    add("--bars", type=flags.integer(1, 5_000_000), required=True, help="number of candles")
    add(
        "--end",
        type=flags.moment,
        default=int(time.time() * 1000),
        help="close of the last; default now",
    )
    add("--out", type=Path, required=True, help="FILE.csv, FILE.parquet or FILE.feather")


def _add_market(parser: argparse.ArgumentParser, symbols: str = "BTC/USDT,ETH/USDT") -> None:
    add = parser.add_argument
    add(
        "--symbols",
        type=flags.symbols,
        default=flags.symbols(symbols),
        metavar="LIST",
        help=symbols,
    )
    add("--timeframe", type=flags.timeframe, help="of a candle; default: 1m, or what the file has")
    add("--seed", type=flags.integer(0, 2**63), default=7, help="of the market (%(default)s)")
    add("--strength", type=flags.decimal(0, 1), default=1.0, help="of the signal, 0: none, to 1")
    add(
        "--flavour",
        choices=sorted(FLAVOURS),
        default="momentum",
        help="; ".join(f"{name}: {flavour.summary}" for name, flavour in FLAVOURS.items()),
    )
    add("--volatility-bps", type=flags.decimal(0.1, 500), default=25.0, help="of a candle's return")
