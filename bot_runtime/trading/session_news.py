"""What a paper account's run has found: candles, markets, and the signals of the newest candle."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from bot_runtime.contract.signal import Signal
from bot_runtime.market.candles import Candles, ms_of
from bot_runtime.market.filters import Filters


@dataclass(frozen=True, slots=True)
class News:
    """What a run has found.

    Attributes:
        candles: of every symbol, those after the newest settled one; at least one has some.
        filters: what the exchange said of the markets, of those that it told of.
        signals: of the newest candle; empty where the inference has brought none.
        may_enter: whether what a signal asks for may be bought.
        decides: whether the run is one of the newest candle; False where it makes good a part of
            a long pause, and later candles are to come.
    """

    candles: Mapping[str, Candles]
    filters: Mapping[str, Filters]
    signals: Mapping[str, Signal] = field(default_factory=dict)
    may_enter: bool = True
    decides: bool = True

    @property
    def oldest_ms(self) -> int:
        """Return the close of the oldest candle of all symbols."""
        return min(int(part.close_time_ms[0]) for part in self.candles.values() if len(part))

    @property
    def newest_ms(self) -> int:
        """Return the close of the newest candle of all symbols."""
        return max(int(part.close_time_ms[-1]) for part in self.candles.values() if len(part))

    def signal_of(self, symbol: str) -> Signal | None:
        """Return a symbol's signal, where both it and the symbol's last candle are the newest.

        One that the inference wrote without a candle says why it has none.
        """
        signal, candles = self.signals.get(symbol), self.candles[symbol]
        if signal is None or len(candles) == 0 or int(candles.close_time_ms[-1]) != self.newest_ms:
            return None
        closed = signal.bar_close_ts
        return signal if closed is None or ms_of(closed) == self.newest_ms else None

    def leaves_out(self, side: str | None) -> bool:
        """Tell whether a view is not followed, for it asks for a purchase."""
        return side == "LONG" and not self.may_enter
