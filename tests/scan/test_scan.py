"""kube-score and checkov find nothing in what is installed and in what the operator makes of a bot.

Exceptions stand in kube-score.yaml and checkov.yaml beside this file, each with its reason; one
that nothing needs any more is a failure too.
"""

from pathlib import Path

import pytest
import yaml

from tests.integration.operator_process import ROOT, running
from tests.integration.stage import Stage
from tests.scan import findings, programs

HERE = Path(__file__).parent
MANIFESTS = ROOT / "manifests"
KINDS = "tradingbots,modeltrainings,jobs,cronjobs,pods,configmaps,persistentvolumeclaims,events"
LISTED = "app.kubernetes.io/managed-by=botcripto-operator"


def _everything(stage: Stage, folder: Path) -> Path:
    """Write manifests and live objects to a folder, a file each, and return it."""
    kubectl = stage.plane.kubectl
    operator, runtime = (_network(name) for name in ("operator", "runtime"))
    for path in (MANIFESTS / "base", *sorted((MANIFESTS / "overlays").iterdir())):
        text = f"{kubectl('kustomize', str(path))}\n---\n{operator.replace('SPACE', 'botcripto')}"
        (folder / f"{path.name}.yaml").write_text(text, encoding="utf-8")
    for path in (MANIFESTS / "roles", MANIFESTS / "policies"):
        text = kubectl("kustomize", str(path))
        (folder / f"{path.name}.yaml").write_text(text, encoding="utf-8")
    with stage.kubelet, running(stage.operator):
        stage.add_bot()
        stage.wait_for("ModelAvailable", ("True", "ModelPromoted"))
        stage.fire()
        stage.wait_for("Ready", ("True", "BotReady"))
    space = f"--namespace={stage.namespace}"
    listed = yaml.safe_load(kubectl("get", KINDS, space, f"--selector={LISTED}", "-o", "yaml"))
    bots = yaml.safe_load(kubectl("get", "tradingbots", space, "-o", "yaml"))
    assert {o["kind"] for o in listed["items"]} >= {"Job", "CronJob", "Pod", "ConfigMap"}
    text = yaml.safe_dump_all([*listed["items"], *bots["items"]])
    text = f"{text}\n---\n{runtime.replace('SPACE', stage.namespace)}"
    (folder / "live.yaml").write_text(text, encoding="utf-8")
    return folder


def _network(name: str) -> str:
    """Return a NetworkPolicy of the component, in namespace SPACE."""
    path = MANIFESTS / "components" / "network-policies" / f"{name}.yaml"
    policy = yaml.safe_load(path.read_text(encoding="utf-8"))
    policy["metadata"]["namespace"] = "SPACE"
    return yaml.safe_dump(policy)


@pytest.mark.timeout(1800)
def test_the_scanners_find_nothing(stage: Stage, tmp_path: Path) -> None:
    """One test for both: what they look at is made once."""
    score, check = programs.kube_score(print), programs.checkov(print)
    (tmp_path / "scanned").mkdir()
    folder = _everything(stage, tmp_path / "scanned")
    scored = [f for p in sorted(folder.iterdir()) for f in findings.run_kube_score(score, p)]
    checked = list(findings.run_checkov(check, folder))
    problems = [
        *_problems(scored, HERE / "kube-score.yaml"),
        *_problems(checked, HERE / "checkov.yaml"),
    ]
    assert problems == [], "\n".join(problems)


def _problems(found: list[findings.Finding], file: Path) -> list[str]:
    exceptions = findings.load_exceptions(file)
    left = {f"{f.check}: {f.kind}: {f.said}" for f in findings.unexcepted(found, exceptions)}
    stale = findings.unused(found, exceptions)
    return [
        *sorted(left),
        *(f"{file.name}: {check} is not found on {kind}" for check, kind in stale),
    ]
