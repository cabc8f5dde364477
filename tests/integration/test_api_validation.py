"""What the API server refuses, and that its answer names the field and the remedy."""

import json
from pathlib import Path
from random import Random

import pytest

from bot_runtime.contract.cron import fires_finer_than
from bot_runtime.contract.intervals import TIMEFRAMES
from tests.cluster.errors import ClusterError
from tests.integration.api import MERGE, Refused
from tests.integration.stage import ControlPlane
from tests.refusals import ACCEPTED, ACCEPTED_SCHEDULES, REFUSALS, Refusal
from tests.resources import EXAMPLES, bot, changed, example, training


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda refusal: refusal.name)
def test_a_wrong_value_is_refused_with_the_field_and_the_remedy(
    control_plane: ControlPlane, refusal: Refusal
) -> None:
    with pytest.raises(Refused) as refused:
        control_plane.api.create(changed(bot(), refusal.changes), "default", dry_run=True)
    assert refused.value.code == 422
    for words in refusal.words:
        assert words in refused.value.message


@pytest.mark.parametrize("changes", ACCEPTED, ids=lambda changes: json.dumps(changes)[:80])
def test_what_is_valid_is_accepted(control_plane: ControlPlane, changes: dict[str, object]) -> None:
    control_plane.api.create(changed(bot(), changes), "default", dry_run=True)


@pytest.mark.parametrize(("timeframe", "schedule"), ACCEPTED_SCHEDULES)
def test_a_schedule_no_finer_than_the_timeframe_is_accepted(
    control_plane: ControlPlane, timeframe: str, schedule: str
) -> None:
    wanted = bot(timeframe=timeframe, inference={"schedule": schedule})
    control_plane.api.create(wanted, "default", dry_run=True)


def _random_field(random: Random, size: int) -> str:
    first, last = sorted(random.choices(range(size), k=2))
    span = random.choice(["*", f"{first}", f"{first}-{last}"])
    return span + random.choice(["", "", "/2", "/5", "/10", "/15", "/30", "/45"])


def test_the_server_and_python_agree_on_what_is_finer(control_plane: ControlPlane) -> None:
    random = Random(7)
    disagreed = []
    for _ in range(120):
        minute = ",".join(_random_field(random, 60) for _ in range(random.choice([1, 1, 2, 3])))
        schedule = f"{minute} {_random_field(random, 24)} * * *"
        timeframe = random.choice(TIMEFRAMES)
        wanted = bot(timeframe=timeframe, inference={"schedule": schedule})
        try:
            control_plane.api.create(wanted, "default", dry_run=True)
        except Refused as e:
            refused = "finer than the timeframe" in e.message
        else:
            refused = False
        if refused != fires_finer_than(schedule, timeframe):
            disagreed.append((schedule, timeframe, refused))
    assert disagreed == []


def test_the_longest_schedule_stays_within_the_cost_budget(control_plane: ControlPlane) -> None:
    wanted = bot(inference={"schedule": "*,*,*,*,*,*,*,*,*,*,*,0-59/59 */23 */31 */12 0-6"})
    assert len(wanted["spec"]["inference"]["schedule"]) == 48
    with pytest.raises(Refused, match="finer than the timeframe"):
        control_plane.api.create(wanted, "default", dry_run=True)


@pytest.mark.parametrize("path", ["spec.colour", "spec.decision.feeBps", "spec.training.calendar"])
def test_an_unknown_field_is_refused_under_strict_validation(
    control_plane: ControlPlane, path: str
) -> None:
    with pytest.raises(Refused, match=f'unknown field "{path}"'):
        control_plane.api.create(changed(bot(), {path: 1}), "default", dry_run=True)


def test_kubectl_apply_shows_every_mistake_at_once(control_plane: ControlPlane) -> None:
    wrong = changed(bot(), {"spec.images.training": "x:latest", "spec.symbols": ["BTCUSDT"]})
    with pytest.raises(ClusterError) as failed:
        control_plane.kubectl("apply", "--server-side", "-f", "-", stdin=json.dumps(wrong))
    assert "spec.images.training" in str(failed.value)
    assert "spec.symbols[0]" in str(failed.value)


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.yaml")), ids=lambda path: path.name)
def test_the_examples_are_accepted_under_strict_validation(
    control_plane: ControlPlane, path: str
) -> None:
    control_plane.kubectl(
        "apply", "--server-side", "--dry-run=server", "--validate=strict", f"--filename={path}"
    )


def test_a_training_is_immutable(control_plane: ControlPlane, namespace: str) -> None:
    api = control_plane.api
    api.create(training(), namespace)
    path = f"/apis/botcripto.io/v1alpha1/namespaces/{namespace}/modeltrainings/study"
    for change in ({"lookback": "30d"}, {"symbols": ["ETH/USDT"]}, {"gate": {"margin": 0.1}}):
        with pytest.raises(Refused, match="spec is immutable"):
            api.request("PATCH", path, {"spec": change}, MERGE)
    api.request("PATCH", path, {"metadata": {"labels": {"team": "quant"}}}, MERGE)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"metadata.name": "t" * 53}, "at most 52 characters"),
        ({"metadata.name": "Study"}, "a-z first"),
        ({"spec.image": "x"}, "no tag and no digest"),
        ({"spec.championVersion": "V 1"}, "is not a version"),
        ({"spec.botRef": {"name": "My Bot"}}, "is not the name of a bot"),
        ({"spec.botRef": {"name": "b" * 41}}, "may not be more than 40"),
    ],
)
def test_a_wrong_training_is_refused(
    control_plane: ControlPlane, changes: dict[str, object], words: str
) -> None:
    with pytest.raises(Refused, match=words):
        control_plane.api.create(changed(training(), changes), "default", dry_run=True)


def test_resources_may_be_selected_by_mode_and_by_bot(
    control_plane: ControlPlane, namespace: str
) -> None:
    api = control_plane.api
    api.create(bot("paper"), namespace)
    api.create(bot("live", mode="Live", exchange={"id": "x1", "credentialsSecret": "s"}), namespace)
    api.create(training("of-paper", botRef={"name": "paper"}), namespace)
    names = "-o=name", f"--namespace={namespace}"
    kubectl = control_plane.kubectl
    assert kubectl("get", "bot", "--field-selector=spec.mode=Live", *names).split() == [
        "tradingbot.botcripto.io/live"
    ]
    assert kubectl("get", "mt", "--field-selector=spec.botRef.name=paper", *names).split() == [
        "modeltraining.botcripto.io/of-paper"
    ]
    assert len(kubectl("get", "botcripto", *names).split()) == 3


def test_explain_reads_like_documentation(control_plane: ControlPlane, tmp_path: Path) -> None:
    # A cache of its own: kubectl may have looked before the CRDs were there.
    text = control_plane.kubectl("explain", "bot.spec.decision", f"--cache-dir={tmp_path}")
    assert "feesBps\t<number>" in text
    assert "basis points" in text
    assert "Default: 10." in text


def test_the_study_example_is_a_training_of_its_own() -> None:
    assert "botRef" not in example("study.yaml")["spec"]
