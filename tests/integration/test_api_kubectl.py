"""What people and GitOps tools see through kubectl: documentation, empty diffs, selections."""

import copy
import json
import re
from pathlib import Path
from typing import Any

import pytest

from bot_runtime.contract.crd import KINDS, TRADING_BOT, Kind, build_crd
from tests.cluster.errors import ClusterError
from tests.integration.stage import ControlPlane
from tests.resources import EXAMPLES, Object, bot, changed, training

EVERY_EXAMPLE = pytest.mark.parametrize(
    "path", sorted(EXAMPLES.glob("*.yaml")), ids=lambda path: path.name
)


@EVERY_EXAMPLE
def test_a_diff_of_what_was_applied_is_empty(
    control_plane: ControlPlane, namespace: str, path: Path
) -> None:
    """As Argo CD and Flux ask: defaults and status are no difference."""
    kubectl, where = control_plane.kubectl, (f"--namespace={namespace}", f"--filename={path}")
    kubectl("apply", "--server-side", *where)
    assert kubectl("diff", "--server-side", *where) == ""
    dry = ("apply", "--server-side", "--dry-run=server", "--output=json", *where)
    first, second = (json.loads(kubectl(*dry)) for _ in range(2))
    assert first == second
    assert first["metadata"]["generation"] == 1


@EVERY_EXAMPLE
def test_a_diff_of_what_was_applied_by_the_client_is_empty(
    control_plane: ControlPlane, namespace: str, path: Path
) -> None:
    where = (f"--namespace={namespace}", f"--filename={path}")
    control_plane.kubectl("apply", *where)
    assert control_plane.kubectl("diff", *where) == ""


def test_a_diff_tells_a_change(control_plane: ControlPlane, namespace: str) -> None:
    where = ("--server-side", f"--namespace={namespace}", "--filename=-")
    control_plane.kubectl("apply", *where, stdin=json.dumps(bot()))
    with pytest.raises(ClusterError):
        control_plane.kubectl("diff", *where, stdin=json.dumps(bot(suspend=True)))


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("bot.spec.training", ("lookback <string>", "Default: 180d.", "in seconds")),
        ("bot.spec.inference", ("schedule <string>", "Cron schedule", "Default: Etc/UTC.")),
        ("bot.status", ("activeModel <Object>", "Version that the bot serves.")),
        ("mt.status.steps", ("state <string>", "enum: Pending, Running")),
    ],
)
def test_explain_reads_like_documentation(
    control_plane: ControlPlane, tmp_path: Path, path: str, told: tuple[str, ...]
) -> None:
    # A cache of its own: kubectl may have looked before the CRDs were there.
    cache = f"--cache-dir={tmp_path}"
    text = control_plane.kubectl("explain", path, cache)
    unwrapped = " ".join(text.split())
    for words in told:
        assert words in unwrapped, text
    listed = control_plane.kubectl("explain", path, "--recursive", cache)
    assert told[0] in " ".join(listed.split())


def test_bots_are_selected_by_mode_and_state(control_plane: ControlPlane, namespace: str) -> None:
    api = control_plane.api
    for name, state in (("deciding", "Deciding"), ("waiting", "WaitingForSecrets")):
        api.create(bot(name), namespace)
        api.apply_status(bot(name), {"observedGeneration": 1, "state": state}, namespace)
    api.create(training(), namespace)
    api.apply_status(training(), {"observedGeneration": 1, "state": "Failed"}, namespace)

    def names(kind: str, selector: str) -> list[str]:
        answer = control_plane.kubectl(
            "get", kind, f"--namespace={namespace}", "--output=name", f"--field-selector={selector}"
        )
        return [line.rsplit("/", 1)[1] for line in answer.split()]

    assert names("bots", "spec.mode=Paper") == ["deciding", "waiting"]
    assert names("bots", "spec.mode=Live") == []
    assert names("bots", "status.state=Deciding") == ["deciding"]
    assert names("mt", "status.state=Failed") == ["study"]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_no_rule_costs_more_than_three_quarters_of_what_the_api_server_allows(
    control_plane: ControlPlane, kind: Kind
) -> None:
    """It estimates the cost of each rule, and of all, when a CRD is applied: here, twice each."""
    try:
        _create_crd(control_plane, _with_rules(build_crd(kind), times=2))
        answer = ""
    except ClusterError as e:
        answer = str(e)
    excess = [float(factor) for factor in re.findall(r"by factor of ([0-9.]+)x", answer)]
    assert bool(excess) == bool(answer), answer
    assert max(excess, default=0) / 2 < 0.75


def test_a_rule_that_costs_too_much_is_seen(control_plane: ControlPlane) -> None:
    with pytest.raises(ClusterError, match="exceeds budget by factor of"):
        _create_crd(control_plane, _with_rules(build_crd(TRADING_BOT), times=3))


def _create_crd(control_plane: ControlPlane, crd: Object) -> None:
    crd = changed(crd, {"metadata.name": f"{crd['spec']['names']['plural']}.double.example"})
    crd["spec"]["group"] = "double.example"
    control_plane.kubectl("create", "--dry-run=server", "--filename=-", stdin=json.dumps(crd))


def _with_rules(crd: Object, times: int) -> Object:
    result = copy.deepcopy(crd)

    def visit(schema: Any) -> None:
        if isinstance(schema, dict):
            for entry in schema.get("x-kubernetes-validations", ()):
                entry["rule"] = " && ".join([f"({entry['rule']})"] * times)
            for inner in schema.values():
                visit(inner)

    visit(result["spec"]["versions"][0]["schema"]["openAPIV3Schema"])
    return result
