"""Why nothing, or so little, was traded: what refused the decisions, and the entries after them."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from bot_runtime.contract.trading import RuleName
from bot_runtime.trading.account import Track
from bot_runtime.trading.actions import AccountSeen, MarketSeen, plan_trade
from bot_runtime.trading.decision import Views, views_of
from bot_runtime.trading.precision import to_money
from bot_runtime.trading.rule_results import binding
from bot_runtime.trading.strategy import Strategy


@dataclass(frozen=True, slots=True)
class Refusals:
    """The decisions of a backtest, of all symbols together.

    Attributes:
        refused: how many of them each rule refused first.
    """

    decisions: int
    longs: int
    shorts: int
    refused: Counter[RuleName]


def refusals_of(tracks: Mapping[str, Track], strategy: Strategy) -> Refusals:
    """Return what became of every prediction before anything was known of the account."""
    decisions = longs = shorts = 0
    refused = Counter[RuleName]()
    for _, views in _views_of(tracks, strategy):
        decisions += len(views)
        longs += int((views.side > 0).sum())
        shorts += int((views.side < 0).sum())
        refused += views.refused
    return Refusals(decisions, longs, shorts, refused)


def entry_refusals_of(tracks: Mapping[str, Track], strategy: Strategy) -> Counter[RuleName]:
    """Return which rule refused each LONG first, of an account that has never traded."""
    capital = to_money(Decimal(strategy.settings.capital))
    account = AccountSeen(capital, capital, min(1.0, strategy.risk.max_exposure))
    refused = Counter[RuleName]()
    for track, views in _views_of(tracks, strategy):
        closes, close_ms = track.market.ticks(track.candles.close), track.candles.close_time_ms
        for view in (views.side > 0).nonzero()[0].tolist():
            row = track.rows[view]
            seen = MarketSeen(
                track.market, int(close_ms[row]), int(closes[row]), int(views.regimes[view])
            )
            refusal = binding(plan_trade(views.intent(view), None, account, (), seen).rules)
            if refusal is not None:
                refused[refusal.rule] += 1
    return refused


def _views_of(tracks: Mapping[str, Track], strategy: Strategy) -> Iterator[tuple[Track, Views]]:
    for track in tracks.values():
        number = track.candles.open_time_ms[track.rows] // strategy.interval_ms
        yield track, views_of(track.predictions, strategy, track.regimes, number)
