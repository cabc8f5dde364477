"""The report's page, from what evaluation found: `versions/<version>/report.html`."""

import math
from collections.abc import Sequence
from typing import Any

from bot_runtime.contract.skillstatus import LEAST_BLOCKS
from bot_runtime.evaluation.gate import Duel
from bot_runtime.learning.choice import Choice
from bot_runtime.learning.refit import Compared
from bot_runtime.market.candles import utc
from bot_runtime.report.findings import Champion, Findings
from bot_runtime.report.pictures import draw_pictures
from bot_runtime.report.rendering import number, render

REPORT_FILE = "report.html"
DUEL = ("loss", "against", "version", "reference", "gain", "standard error", "blocks")


def render_report(findings: Findings) -> str:
    """Return the page: one file, its pictures within it, no script and no address in it."""
    return render(
        "page.html",
        title=findings.result.version,
        reasons=findings.reasons,
        judged=_facts(findings),
        tables={
            objective: {
                "names": list(next(iter(table.values()))),
                "rows": [[name, *map(number, row.values())] for name, row in table.items()],
            }
            for objective, table in findings.tables.items()
        },
        candidates=[
            row for objective, found in findings.choices.items() for row in _rows(objective, found)
        ],
        choices={
            objective: _told(found)
            for objective, found in findings.choices.items()
            if not math.isnan(found.lead)
        },
        duels=_duels(findings.duels),
        refits=[_refit(compared) for compared in findings.refits],
        champion=findings.champion,
        skill=_skill(findings.champion),
        pictures=draw_pictures(findings),
    )


def _facts(findings: Findings) -> dict[str, str]:
    data, record, account = findings.data, findings.record, findings.performance
    times = data.time_ms[findings.rows]
    hits = "" if record.hit_rate is None else f", {record.hit_rate:.1%} the right way"
    binding = record.binding_threshold or "none"
    return {
        "symbols": ", ".join(data.symbols),
        "unseen candles": f"{record.rows:,}, {utc(int(times[0]))} to {utc(int(times[-1]))}",
        "horizon": f"{data.horizon_steps} candles of {data.interval_ms // 60_000} minutes",
        "assembled": findings.result.trained_at,
        "traded": f"{record.tradable_share:.2%} of them: {record.longs} long, {record.shorts} "
        f"short{hits}",
        "binding threshold": binding,
        "account": f"{account.net_return:+.2%} by {account.trades} trades, after fees of "
        f"{account.fees:.2%}; deepest fall {account.drawdown:.2%}",
        "Sharpe ratio": f"{number(account.sharpe)} a year; probability of skill (deflated) "
        f"{number(account.deflated_sharpe)}",
        "other thresholds": findings.frontier.sentence,
    }


def _duels(duels: Sequence[Duel]) -> dict[str, list[Any]]:
    """Return the table's head and rows, with a column for champions that are served otherwise."""
    names, rows = list(DUEL), [_duel(duel) for duel in duels]
    if any(duel.as_served is not None for duel in duels):
        names.append("reference as served")
        for row, duel in zip(rows, duels, strict=True):
            row.append("" if duel.as_served is None else number(duel.as_served))
    return {"names": names, "rows": rows}


def _duel(duel: Duel) -> list[str]:
    found = duel.comparison
    numbers = (duel.loss, duel.reference, found.gain, found.standard_error)
    return [duel.name, duel.against, *map(number, numbers), str(found.blocks)]


def _refit(found: Compared) -> list[str]:
    compared = found.comparison
    numbers = (found.judged, found.refitted, compared.gain, compared.standard_error, found.distance)
    return [found.objective, *map(number, numbers)]


def _skill(champion: Champion | None) -> list[list[str]]:
    """Return a row for each loss; one that says so where the version has served too short."""
    if champion is None:
        return []
    losses = champion.skill.losses
    rows = [
        [name, found.lead, found.error, "yes" if found.watched else "no"]
        for name, found in losses.items()
    ]
    return rows or [[f"not yet: {LEAST_BLOCKS} blocks are needed", "", "", ""]]


def _rows(objective: str, choice: Choice) -> list[list[str]]:
    """Return the candidates of an objective, the one that was taken first."""
    ordered = sorted(choice.losses, key=lambda algorithm: algorithm != choice.taken)
    return [
        [
            objective,
            algorithm,
            number(choice.losses[algorithm]),
            "yes" if algorithm == choice.taken else choice.dropped.get(algorithm, "no"),
        ]
        for algorithm in ordered
    ]


def _told(choice: Choice) -> str:
    return (
        f"{choice.taken} leads by {choice.lead:.2%}; the choice would not hold elsewhere with a "
        f"probability of {choice.overfitting:.0%} (luck alone gives 50%)"
    )
