"""The tests of rules, sizes, limits and fills find faults: each planted one fails a test."""

from dataclasses import replace

import pytest

from tests.unit.bot_runtime.mutants import Mutant, run_test_on

AGREES = "test_walk.test_the_walk_agrees_with_the_reference_on_markets_that_take_every_branch"
EACH_THRESHOLD = "test_decision.test_a_number_at_its_threshold_passes_and_one_beyond_does_not"
REGIME = "test_decision.test_a_regime_makes_entries_harder_and_never_exits"
STOP_AND_TARGET = "test_fills.test_stop_and_target"
KELLY = "test_sizing.test_kelly"
BOUNDS = "test_sizing.test_every_bound_by_hand"
HELD = "test_volatility_managed.test_held_changes_only_where_wanted_moved_by_more_than_the_band"
ROOM = "test_exposure.test_room"
SHORT = "test_actions.test_a_short_view_sells_what_is_held_and_no_limit_stops_it"
REFUSES = "test_actions.test_each_rule_refuses_an_entry_and_is_the_one_that_is_told"
SOLD = (
    "test_changed_settings.test_what_is_held_of_a_symbol_that_is_removed_is_sold_at_the_last_price"
)
STEPS = "test_changed_settings.test_a_coarser_step_cuts_lots_and_rounds_prices_against_the_account"
PIECE = (
    "test_account_state.test_an_account_that_is_resumed_at_every_candle_has_the_rows_of_one_piece"
)
RECORDS = "test_account.test_records_are_what_was_filled_and_what_was_closed"

RULES = [
    Mutant(
        "a risk at riskMax is refused",
        "trading.decision",
        "risk <= thresholds.risk_max)",
        "risk < thresholds.risk_max)",
        EACH_THRESHOLD,
    ),
    Mutant(
        "a probability at probMin is refused",
        "trading.decision",
        "probability >= asked",
        "probability > asked",
        EACH_THRESHOLD,
    ),
    Mutant(
        "fees are asked for once",
        "trading.decision",
        "2.0 * thresholds.fees_bps",
        "thresholds.fees_bps",
        EACH_THRESHOLD,
    ),
    Mutant(
        "a SHORT view asks for a rise",
        "trading.decision",
        "np.where(up, predictions.p50, -predictions.p50)",
        "predictions.p50",
        EACH_THRESHOLD,
    ),
    Mutant(
        "a regime stops exits",
        "trading.decision",
        'np.where(up, strategy.of_regime("entries", regimes), 1.0)',
        'strategy.of_regime("entries", regimes)',
        REGIME,
    ),
    Mutant(
        "a regime asks for no more probability",
        "trading.decision",
        'np.where(up, strategy.of_regime("prob_min_add", regimes), 0.0)',
        "0.0",
        REGIME,
    ),
    Mutant(
        "a regime does not change the size",
        "trading.decision",
        ' * strategy.of_regime("size", regimes[sized])',
        "",
        "test_decision.test_a_regime_scales_the_share",
    ),
    Mutant(
        "the rule that binds is the last one",
        "trading.rule_results",
        "(rule for rule in rules if not rule.passed)",
        "(rule for rule in reversed(tuple(rules)) if not rule.passed)",
        "test_actions.test_the_first_rule_that_refuses_is_the_one_that_binds",
    ),
]

SIZES = [
    Mutant(
        "Kelly's weights are swapped", "trading.sizing", "(0.3, 0.4, 0.3)", "(0.4, 0.3, 0.3)", KELLY
    ),
    Mutant(
        "Kelly's other root",
        "trading.sizing",
        "2.0 * c / (root - b)",
        "2.0 * c / (-root - b)",
        KELLY,
    ),
    Mutant(
        "Kelly's sum has one term less", "trading.sizing", "x * (total - x)", "x * total", KELLY
    ),
    Mutant(
        "all of Kelly is taken", "trading.sizing", "risk.kelly_fraction * kelly", "kelly", BOUNDS
    ),
    Mutant(
        "the tail is p10 itself",
        "trading.sizing",
        "TAIL: Final = 1.37",
        "TAIL: Final = 1.0",
        BOUNDS,
    ),
    Mutant(
        "the volatility is that of one candle",
        "trading.strategy",
        "return volatility * math.sqrt(self.horizon_steps)",
        "return volatility",
        BOUNDS,
    ),
    Mutant(
        "slippage is no cost",
        "trading.strategy",
        "self.decision.fees_bps + self.decision.slippage_bps) / 1e4",
        "self.decision.fees_bps) / 1e4",
        "test_sizing.test_costs_are_taken_off_every_outcome",
    ),
    Mutant(
        "a stop has no largest distance",
        "trading.sizing",
        "volatility, stop.min, stop.max)",
        "volatility, stop.min, None)",
        "test_sizing.test_stop_and_target_follow_the_volatility_over_the_horizon",
    ),
    Mutant(
        "a managed share moves at the band",
        "trading.volatility_managed",
        "abs(wanted - held) > band",
        "abs(wanted - held) >= band",
        HELD,
    ),
    Mutant(
        "a managed share within the band stays where nothing is wanted",
        "trading.volatility_managed",
        " or wanted == 0.0",
        "",
        HELD,
    ),
    Mutant(
        "a managed share forgets at each chain",
        "trading.volatility_managed",
        "older = newer if number is not None and chain == number + 1 else share",
        "older = share",
        "test_volatility_managed.test_one_candle_less_than_its_memory_is_too_few",
    ),
    Mutant(
        "a hedge is relied upon",
        "trading.exposure",
        "max(0.0, min(1.0, float(np.corrcoef(np.stack(returns))[0, 1])))",
        "float(np.corrcoef(np.stack(returns))[0, 1])",
        "test_exposure.test_correlation",
    ),
    Mutant(
        "markets of which nothing is known are unrelated",
        "trading.exposure",
        "        return 1.0\n",
        "        return 0.0\n",
        "test_exposure.test_markets_are_one_where_nothing_is_known_of_them",
    ),
    Mutant(
        "weights add up to more than 1", "trading.exposure", "1.0 - float(w.sum())", "1.0", ROOM
    ),
    Mutant(
        "others count as unrelated", "trading.exposure", "float(w @ found[:-1, -1])", "0.0", ROOM
    ),
]

LIMITS = [
    Mutant(
        "a fall has to exceed its cap",
        "trading.limits",
        "if self.equity <= limit.floor and",
        "if self.equity < limit.floor and",
        "test_limits.test_a_day_trips_at_its_cap_and_not_before",
    ),
    Mutant(
        "a week begins on Sunday",
        "trading.limits",
        "(time_ms // DAY_MS + 3) // 7",
        "(time_ms // DAY_MS + 4) // 7",
        "test_limits.test_days_and_weeks_begin_at_midnight_and_on_monday",
    ),
    Mutant(
        "a week that trips resets on Sunday",
        "trading.limits",
        "(week_of(close_ms) * 7 + 4) * DAY_MS",
        "(week_of(close_ms) * 7 + 3) * DAY_MS",
        "test_limits.test_a_week_resets_on_monday_and_not_on_sunday",
    ),
    Mutant(
        "a day begins with its first mark",
        "trading.limits",
        "self._day.begin(equity if begins else self.equity)",
        "self._day.begin(equity)",
        "test_limits.test_whoever_was_not_marked_at_midnight_has_stood_there_as_before",
    ),
    Mutant(
        "a limit is told at every candle",
        "trading.limits",
        " and limit.until_ms <= self.now_ms",
        "",
        "test_limits.test_a_limit_that_stands_is_told_once_and_does_not_go_when_the_equity_is_back",
    ),
    Mutant(
        "a drawdown is one from the capital",
        "trading.limits",
        "        self._peak.begin(peak)\n",
        "",
        "test_limits.test_a_drawdown_is_measured_from_the_highest_equity_and_stands_for_good",
    ),
    Mutant(
        "resumeAfter forgives and still measures from before",
        "trading.limits",
        "            self._peak.start = 0\n",
        "            pass\n",
        "test_limits.test_resume_after_forgives_drawdowns_of_before_and_measures_anew",
    ),
    Mutant(
        "what loses nothing is a loss",
        "trading.limits",
        "trade.profit < 0",
        "trade.profit <= 0",
        "test_limits.test_losses_in_a_row_stop_every_symbol_for_a_while",
    ),
    Mutant(
        "a cooldown is a candle short",
        "trading.limits",
        "close_ms + candles * self.interval_ms",
        "close_ms + (candles - 1) * self.interval_ms",
        "test_limits.test_a_stop_keeps_its_symbol_out_for_a_while",
    ),
    Mutant(
        "every exit cools down",
        "trading.limits",
        "trade.purpose is Purpose.STOP and ",
        "",
        "test_limits.test_a_stop_keeps_its_symbol_out_for_a_while",
    ),
    Mutant(
        "a limit stops an exit",
        "trading.actions",
        "    if intent.side < 0:\n",
        "    if intent.side < 0 and binding(limits) is None:\n",
        SHORT,
    ),
    Mutant(
        "a limit stops no entry",
        "trading.actions",
        "        *limits,\n",
        "",
        "test_actions.test_each_limit_refuses_an_entry",
    ),
]

PLANS = [
    Mutant(
        "data of 1.5 candles is not stale",
        "trading.actions",
        "seen.age < STALE",
        "seen.age <= STALE",
        REFUSES,
    ),
    Mutant(
        "a share without growth is taken",
        "trading.actions",
        "intent.growth > 0.0",
        "intent.growth >= 0.0",
        REFUSES,
    ),
    Mutant(
        "a position is held a candle longer",
        "trading.actions",
        "seen.close_ms >= position.until_ms",
        "seen.close_ms > position.until_ms",
        "test_actions.test_a_position_is_sold_when_its_time_is_over",
    ),
    Mutant(
        "an entry takes more than exposure leaves",
        "trading.actions",
        "min(intent.share, account.room, affordable)",
        "min(intent.share, affordable)",
        "test_actions.test_an_entry_is_cut_to_the_room_and_to_the_cash",
    ),
    Mutant(
        "a decrease that the exchange refuses is ordered",
        "trading.actions",
        "        if any_refuses((rule,)):\n",
        "        if False:\n",
        "test_actions.test_a_change_that_is_too_small_for_an_order_is_not_made",
    ),
    Mutant(
        "equity leaves dust out",
        "trading.symbol",
        "(dust.lots if position is None else position.lots)",
        "(0 if position is None else position.lots)",
        AGREES,
    ),
    Mutant(
        "an order of another symbol reserves nothing",
        "trading.walk",
        "self._cash - sum(ordered)",
        "self._cash",
        AGREES,
    ),
    Mutant(
        "an order that has expired still reserves its cash",
        "trading.symbol",
        " or order.placed_ms != at_ms",
        "",
        AGREES,
    ),
    Mutant(
        "correlations know the candles to come",
        "trading.symbol",
        "return Closes(time_ms[:end], close[:end])",
        "return Closes(time_ms, close)",
        AGREES,
    ),
    Mutant(
        "a trade that is closed counts for no limit",
        "trading.walk",
        "            self._limits.closed(symbol.name, part.close_ms[place], trade)\n",
        "",
        AGREES,
    ),
    Mutant(
        "a stop that is just reached is passed over",
        "trading.symbol",
        "low[touched] <= stop",
        "low[touched] < stop",
        "test_symbol.test_who_holds_acts_where_stop_or_target_is_just_reached_and_at_a_short_view",
    ),
    Mutant(
        "a SHORT view is passed over while something is held",
        "trading.symbol",
        "end = self._refused.first(row)",
        "end = len(self._side)",
        AGREES,
    ),
    Mutant(
        "a position is passed over the end of its time",
        "trading.symbol",
        "self._place_at(position.until_ms, place)",
        "self._place_at(position.until_ms + 1, place)",
        AGREES,
    ),
    Mutant(
        "what is held does not change in value while nothing is done",
        "trading.equity",
        "* prices",
        "* prices[0]",
        AGREES,
    ),
    Mutant(
        "a highest equity is passed over",
        "trading.limits",
        "        if is_higher:\n            self._rise(most)\n",
        "",
        "test_limits.test_a_span_that_is_marked_at_once_is_as_if_each_candle_had_been",
    ),
    Mutant(
        "a fall is passed over",
        "trading.limits",
        "close_ms >= self._next_ms or least <= floor",
        "close_ms >= self._next_ms",
        "test_limits.test_a_span_that_is_marked_at_once_is_as_if_each_candle_had_been",
    ),
]

FILLS = [
    Mutant(
        "a purchase is a slippage cheaper",
        "trading.precision",
        "-(-ticks * (_BPS + self.slippage) // _BPS)",
        "-(-ticks * (_BPS - self.slippage) // _BPS)",
        "test_fills.test_a_purchase_costs_the_open_plus_slippage_and_its_fee",
    ),
    Mutant(
        "a sale is rounded to the dearer tick",
        "trading.precision",
        "max(1, ticks * (_BPS - self.slippage) // _BPS)",
        "-(-ticks * (_BPS - self.slippage) // _BPS)",
        "test_fills.test_prices_between_two_ticks_are_rounded_against_the_account",
    ),
    Mutant(
        "a fee is rounded down",
        "trading.precision",
        "-(-notional * self.fee // (_BPS * _FEE_UNIT)) * _FEE_UNIT",
        "notional * self.fee // (_BPS * _FEE_UNIT) * _FEE_UNIT",
        "test_precision.test_a_fee_is_rounded_up_to_what_exchanges_book",
    ),
    Mutant(
        "a fee is taken once",
        "trading.positions",
        "(-notional if fill.purpose.is_buy else notional) - fill.fee",
        "-notional - fill.fee if fill.purpose.is_buy else notional",
        "test_fills.test_a_sale_brings_the_open_less_slippage_and_its_fee",
    ),
    Mutant(
        "cash pays for lots and not for their fee",
        "trading.precision",
        "dearest = price_of_a_lot + -(-price_of_a_lot * self.fee // _BPS)",
        "dearest = price_of_a_lot",
        "test_fills.test_a_purchase_is_cut_to_the_cash",
    ),
    Mutant(
        "the target comes before the stop",
        "trading.fills",
        "if bar.low <= position.stop:",
        "if bar.low <= position.stop and bar.high < position.target:",
        STOP_AND_TARGET,
    ),
    Mutant(
        "a low at the stop does not hit it",
        "trading.fills",
        "bar.low <= position.stop",
        "bar.low < position.stop",
        STOP_AND_TARGET,
    ),
    Mutant(
        "a gap is sold at the stop",
        "trading.fills",
        "min(bar.open, position.stop)",
        "position.stop",
        STOP_AND_TARGET,
    ),
    Mutant(
        "a target brings a better open",
        "trading.fills",
        "Purpose.TARGET, position.target",
        "Purpose.TARGET, max(bar.open, position.target)",
        STOP_AND_TARGET,
    ),
    Mutant(
        "a purchase leaves the room as it was",
        "trading.fills",
        "room -= 0 if bought is None else bought.lots",
        "room -= 0",
        "test_fills.test_fills_of_one_candle_share_its_volume",
    ),
    Mutant(
        "a purchase goes over a missing candle",
        "trading.fills",
        "bar.open_ms != order.placed_ms",
        "False",
        "test_fills.test_a_missing_candle_fills_nothing",
    ),
    Mutant(
        "what a purchase leaves works on",
        "trading.fills",
        "        return Book(opened(order, fill, market, book.dust))\n",
        "        return Book(opened(order, fill, market, book.dust), order)\n",
        "test_fills.test_a_purchase_is_cut_to_the_volume_and_what_is_left_expires",
    ),
    Mutant(
        "what an exit leaves expires",
        "trading.fills",
        "None if order.purpose is Purpose.TARGET else order._replace(lots=left)",
        "None",
        "test_fills.test_what_an_exit_leaves_is_sold_at_the_next_opens",
    ),
    Mutant(
        "what a target leaves is sold at the open",
        "trading.fills",
        "None if order.purpose is Purpose.TARGET else order._replace(lots=left)",
        "order._replace(lots=left)",
        "test_fills.test_what_a_target_leaves_waits_for_it",
    ),
    Mutant(
        "a decrease that is too small bars every exit",
        "trading.fills",
        "if left == 0 or ends:",
        "if left == 0:",
        "test_fills.test_a_decrease_ends_where_what_is_left_is_too_small_for_an_order",
    ),
    Mutant(
        "dust is a position",
        "trading.fills",
        "position.lots > 0 and market.takes(position.lots, bar.close)",
        "position.lots > 0",
        "test_fills.test_what_is_left_and_too_small_for_an_order_is_dust",
    ),
    Mutant(
        "dust has cost nothing",
        "trading.positions",
        "Dust(position.lots, cost)",
        "Dust(position.lots, 0)",
        "test_positions.test_a_trade_is_what_its_fills_add_up_to",
    ),
    Mutant(
        "one bot is the market",
        "trading.fills",
        "MAX_VOLUME_SHARE: Final = 0.1",
        "MAX_VOLUME_SHARE: Final = 1.0",
        AGREES,
    ),
    Mutant(
        "a stop is rounded towards the price",
        "trading.positions",
        "moved(ticks, order.stop, up=False)",
        "moved(ticks, -order.stop, up=True)",
        "test_fills.test_stop_and_target_are_judged_in_the_entrys_own_candle",
    ),
    Mutant(
        "a fill after the end of an order is not late",
        "trading.orders",
        " and executed > seen.executed",
        " and executed < seen.executed",
        "test_orders.test_state_is_the_fold_of_events",
    ),
]

FIGURES = [
    Mutant(
        "exposure counts the cash",
        "trading.account",
        "1.0 - self.cash / self.equity",
        "self.cash / self.equity",
        RECORDS,
    ),
    Mutant(
        "fees are those of one side",
        "trading.performance",
        'account.fills["fee"].sum()',
        'account.fills["fee"][::2].sum()',
        RECORDS,
    ),
    Mutant(
        "the capital is no height to fall from",
        "scoring.ratios",
        "np.maximum(np.maximum.accumulate(equity), capital)",
        "np.maximum.accumulate(equity)",
        "test_ratios.test_drawdowns_are_from_the_highest_so_far_and_from_the_capital",
    ),
    Mutant(
        "Sortino divides by the losses alone",
        "scoring.ratios",
        "np.mean(np.minimum(net, 0.0) ** 2)",
        "np.mean(net[net < 0.0] ** 2)",
        "test_ratios.test_sortino_takes_the_losses_alone_over_all_returns",
    ),
]
RESUMED = [
    Mutant(
        "a deposit is a profit",
        "trading.changed_settings",
        "moved(state.limits, given) if given else state.limits",
        "state.limits",
        "test_changed_settings.test_neither_a_deposit_nor_a_withdrawal_trips_a_limit",
    ),
    Mutant(
        "a withdrawal is a loss",
        "trading.changed_settings",
        "start * after // before",
        "start + after - before",
        "test_changed_settings.test_neither_a_deposit_nor_a_withdrawal_trips_a_limit",
    ),
    Mutant(
        "a deposit is no cash",
        "trading.changed_settings",
        "cash=cash + given",
        "cash=cash",
        "test_changed_settings.test_a_capital_that_changes_moves_cash_and_is_told",
    ),
    Mutant(
        "a managed position keeps the share of another equity",
        "trading.changed_settings",
        "if given and strategy.is_managed:",
        "if False:",
        "test_changed_settings.test_a_managed_position_follows_its_share_of_the_new_equity",
    ),
    Mutant(
        "a stop stays where the policy has none",
        "trading.changed_settings",
        "position._replace(stop=0, target=NEVER, until_ms=NEVER)",
        "position._replace(until_ms=NEVER)",
        "test_changed_settings.test_a_position_of_thresholds_follows_its_share_under_volatility_managed",
    ),
    Mutant(
        "a holding time has begun before",
        "trading.changed_settings",
        "until_ms=at_ms + strategy.holding_ms",
        "until_ms=position.opened_ms + strategy.holding_ms",
        "test_changed_settings.test_a_managed_position_gets_a_holding_time_under_thresholds",
    ),
    Mutant(
        "what is removed is sold without slippage",
        "trading.changed_settings",
        "costs.sold_at(int(market.ticks(np.array([close]))[0]))",
        "int(market.ticks(np.array([close]))[0])",
        SOLD,
    ),
    Mutant(
        "an order of what is removed goes on",
        "trading.changed_settings",
        "    if book.order is not None:\n",
        "    if False:\n",
        SOLD,
    ),
    Mutant(
        "dust of what is removed is lost",
        "trading.changed_settings",
        "    if position.lots == 0:\n",
        "    if book.position is None:\n",
        "test_changed_settings.test_dust_of_a_symbol_that_is_removed_is_sold_as_a_trade_of_its_own",
    ),
    Mutant(
        "lots are rounded to the dearer step",
        "trading.changed_settings",
        "lots = math.floor(before * lot)",
        "lots = math.ceil(before * lot)",
        STEPS,
    ),
    Mutant(
        "a stop is rounded towards the price by another tick",
        "trading.changed_settings",
        "max(1, math.floor(stop * tick))",
        "max(1, math.ceil(stop * tick))",
        STEPS,
    ),
    Mutant(
        "what is cut off is not told",
        "trading.changed_settings",
        "        if lost:\n",
        "        if False:\n",
        STEPS,
    ),
    Mutant(
        "a week is measured from the day's equity",
        "trading.limits",
        "limits._week.begin(state.week)",
        "limits._week.begin(state.day)",
        PIECE,
    ),
    Mutant(
        "a row of losses is forgotten",
        "trading.limits",
        "state.now_ms, state.streak)",
        "state.now_ms, 0)",
        PIECE,
    ),
    Mutant(
        "what stands is forgotten",
        "trading.limits",
        "            limits._stand(limits._by_resume(trip))\n",
        "            pass\n",
        PIECE,
    ),
    Mutant(
        "a time of resume before the trip forgives",
        "trading.limits",
        "self._resume_ms if self._resume_ms > trip.at_ms else FOREVER",
        "self._resume_ms or FOREVER",
        "test_limits.test_a_time_of_resume_before_the_trip_forgives_nothing",
    ),
    Mutant(
        "a time of resume that has passed measures from before",
        "trading.limits",
        "            self._rise(self.equity)\n",
        "            pass\n",
        "test_limits.test_a_time_of_resume_that_has_passed_forgives_at_once_and_measures_anew",
    ),
    Mutant(
        "a reset is told at every part",
        "trading.limits",
        "{k: t for k, t in self._standing.items() if t.resets_ms > until_ms}",
        "dict(self._standing)",
        "test_limits.test_a_reset_is_told_once_by_its_time",
    ),
    Mutant(
        "a reset is lost where the limit trips again",
        "trading.limits",
        "            self.resets.append(before)\n",
        "            pass\n",
        "test_limits.test_a_limit_that_trips_again_has_reset_before",
    ),
    Mutant(
        "the last close is forgotten",
        "trading.symbol",
        "            self._close = int(self.market.ticks(closes.close[-1:])[0])\n",
        "",
        PIECE,
    ),
    Mutant(
        "closes of before are forgotten",
        "trading.symbol",
        "            self._history = closes\n",
        "",
        PIECE,
    ),
    Mutant("cash begins anew", "trading.walk", "        walk._cash = now.state.cash\n", "", PIECE),
    Mutant(
        "a limit that stops an entry is not told",
        "trading.walk",
        "symbol.look(place + 1, 0 if part.is_told else free_ms)",
        "symbol.look(place + 1, free_ms)",
        "test_worked_orders.test_what_is_told_of_an_order_is_the_same_in_any_parts",
    ),
    Mutant(
        "nothing is divided by",
        "trading.actions",
        "if account.equity > 0 else 0.0",
        "if account.equity > 0 else 1.0",
        "test_actions.test_an_account_that_is_worth_nothing_buys_nothing",
    ),
    Mutant(
        "what is left of a purchase works on",
        "trading.worked_orders",
        "OrderState.EXPIRED if left else OrderState.FILLED",
        "OrderState.PARTIAL if left else OrderState.FILLED",
        "test_worked_orders.test_each_fill_belongs_to_one_order_and_the_events_add_up_to_it",
    ),
    Mutant(
        "what is left of a target has expired",
        "trading.worked_orders",
        "if order is None and not waits:",
        "if order is None:",
        "test_worked_orders.test_each_fill_belongs_to_one_order_and_the_events_add_up_to_it",
    ),
    Mutant(
        "an exit is another order each time",
        "trading.ids",
        "Purpose.INCREASE, Purpose.DECREASE)",
        "Purpose.INCREASE, Purpose.DECREASE, Purpose.TIME)",
        "test_ids.test_every_exit_of_a_position_is_the_same_order_whenever_it_is_placed",
    ),
    Mutant(
        "a managed share is computed from one candle",
        "trading.signal_views",
        "    if not strategy.is_managed:\n",
        "    if True:\n",
        "test_parity_of_runs.test_a_managed_share_is_the_signals_own",
    ),
]
MUTANTS = [*RULES, *SIZES, *LIMITS, *PLANS, *FILLS, *FIGURES, *RESUMED]


@pytest.mark.parametrize("mutant", MUTANTS, ids=[mutant.name for mutant in MUTANTS])
def test_each_planted_fault_fails_a_test(mutant: Mutant) -> None:
    with pytest.raises(AssertionError):
        run_test_on(mutant)


def test_without_a_fault_the_same_tests_pass() -> None:
    for test in {mutant.test for mutant in MUTANTS} - {AGREES, PIECE}:
        run_test_on(replace(MUTANTS[0], now=MUTANTS[0].was, test=test))
