"""`journal why`: one decision in words, with its rules, its order, and the limits that stood."""

import json
import sys
from dataclasses import dataclass

from bot_runtime.contract.intervals import seconds_of
from bot_runtime.journal.explaining import Why, why
from bot_runtime.journal.opening import read_journal
from bot_runtime.journal.reading import Reader
from bot_runtime.local.journal_place import JournalAsked, journal_of
from bot_runtime.local.journal_words import words_of
from bot_runtime.local.time_option import ms_of
from bot_runtime.market.candles import utc
from bot_runtime.process.errors import ConfigurationError, StepError
from bot_runtime.process.output import write_out


@dataclass(frozen=True, slots=True)
class WhyAsked:
    """What the command line asks for; `time` is a candle's close, or any time within it."""

    journal: JournalAsked
    symbol: str
    time: str


def explain_decision(asked: WhyAsked) -> int:
    """Print why a decision was taken, and return the exit code."""
    try:
        at_ms = ms_of("TIME", asked.time)
        with read_journal(journal_of(asked.journal)) as reader:
            found = _found(reader, asked.symbol, at_ms)
        write_out(sys.stdout, "".join(f"{line}\n" for line in words_of(found)))
    except StepError as e:
        print(f"bot-runtime: {e}", file=sys.stderr)
        return int(e.exit_code)
    return 0


def _found(reader: Reader, symbol: str, at_ms: int) -> Why:
    """Return the candle of a time; raises ConfigurationError where the journal has none."""
    newest = reader.last_settled(symbol)
    if newest is None:
        raise ConfigurationError(
            f"SYMBOL: the journal has no candle of {symbol[:40]}; write it as in the bot's spec: "
            "BTC/USDT"
        )
    found = why(reader, symbol, at_ms)
    if found is None:
        raise ConfigurationError(
            f"TIME: the newest candle of {symbol} in the journal closed at {utc(newest)}; name an "
            "earlier time"
        )
    closed_ms = found.candle.candle_ms
    interval_ms = 1000 * seconds_of(json.loads(found.configuration)["timeframe"])
    if at_ms <= closed_ms - interval_ms:
        raise ConfigurationError(
            f"TIME: the journal has no candle of {symbol} then; the next one closed at "
            f"{utc(closed_ms)}"
        )
    return found
