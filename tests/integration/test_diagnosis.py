"""Why a pod does not run or what it said, as the real API server and controllers leave it."""

import time
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from bot_operator.api.resources import name_of, to_time
from tests.eventually import eventually
from tests.integration.api import MERGE
from tests.integration.fake_kubelet import ended, failed, several
from tests.integration.operator_process import running
from tests.integration.stage import Stage

Object = dict[str, Any]
NEVER = {"schedule": "0 0 1 1 *"}
"""A schedule that does not fire while a test runs: runs are started by hand."""


def serve(stage: Stage, name: str = "btc-paper") -> None:
    """Have a bot whose model is active and that has decided once."""
    stage.add_bot(name, inference=NEVER)
    stage.wait_for("ModelAvailable", ("True", "ModelPromoted"), name)
    stage.fire(name)
    stage.wait_for("Ready", ("True", "BotReady"), name)
    wait_for_next_second()


def wait_for_next_second() -> None:
    """A schedule starts no two runs in a second, and times have no parts of one."""
    last = to_time(datetime.now(UTC))
    eventually(lambda: to_time(datetime.now(UTC)) > last)


def failure_of(stage: Stage, expected: str) -> Object:
    """Wait for a failure of this class, and return it."""

    def look() -> Object:
        failure: Object = stage.status()["lastFailure"]
        assert failure["class"] == expected
        return failure

    return eventually(look, timeout=30)


def create_job(stage: Stage, name: str, pod_spec: Object) -> None:
    """Create a Job of the bot's CronJob, with `pod_spec` merged into that of its pods."""
    cron_job = stage.list("/apis/batch/v1:cronjobs")[0]
    template = cron_job["spec"]["jobTemplate"]
    pod = template["spec"]["template"]
    owner = {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "name": cron_job["metadata"]["name"],
        "uid": cron_job["metadata"]["uid"],
        "controller": True,
    }
    metadata = {**template["metadata"], "name": name, "ownerReferences": [owner]}
    changed = {**pod, "spec": {**pod["spec"], **pod_spec}}
    job = {"metadata": metadata, "spec": {**template["spec"], "template": changed}}
    stage.api.request("POST", f"/apis/batch/v1/namespaces/{stage.namespace}/jobs", job)


def delete_job(stage: Stage, name: str) -> None:
    """Delete a Job and its pods."""
    path = f"/apis/batch/v1/namespaces/{stage.namespace}/jobs/{name}"
    stage.api.request("DELETE", path, {"propagationPolicy": "Background"})


@pytest.mark.timeout(120)
def test_each_admission_that_refuses_a_run_has_its_class_and_recovery_clears_it(
    stage: Stage,
) -> None:
    core = f"/api/v1/namespaces/{stage.namespace}"
    with stage.kubelet, running(stage.operator):
        serve(stage)
        labels = {"labels": {"pod-security.kubernetes.io/enforce": "restricted"}}
        stage.api.request("PATCH", core, {"metadata": labels}, MERGE)
        create_job(stage, "open", {"hostNetwork": True})
        failure = failure_of(stage, "PodSecurity")
        assert "host namespaces" in failure["message"]
        assert (failure["step"], failure["job"], failure["retryable"]) == (
            "Inference",
            "open",
            False,
        )
        delete_job(stage, "open")
        limit = {"limits": [{"type": "Container", "max": {"memory": "32Mi"}}]}
        stage.api.request(
            "POST", f"{core}/limitranges", {"metadata": {"name": "small"}, "spec": limit}
        )
        create_job(stage, "large", {})
        assert (
            "maximum memory usage per Container is 32Mi"
            in failure_of(stage, "LimitRange")["message"]
        )
        stage.api.request("DELETE", f"{core}/limitranges/small")
        delete_job(stage, "large")
        stage.fire()
        eventually(lambda: "lastFailure" not in stage.status(), timeout=20)
        stage.wait_for("Stalled", ("False", "BotReady"))


@pytest.mark.timeout(120)
def test_what_a_pod_says_is_status_within_two_seconds_even_where_it_is_deleted_at_once(
    stage: Stage,
) -> None:
    ended: list[float] = []

    def end_and_delete(pod: Object) -> Object | None:
        message = stage.kubelet.message(pod, "Inference")
        path = f"/api/v1/namespaces/{stage.namespace}/pods/{pod['metadata']['name']}"
        terminated = {"exitCode": 0, "reason": "Completed", "message": message}
        state = {"name": "runtime", "image": "x:1", "imageID": "", "ready": False}
        container = {**state, "restartCount": 0, "state": {"terminated": terminated}}
        status = {"phase": "Succeeded", "containerStatuses": [container]}
        stage.api.request("PATCH", f"{path}/status", {"status": status}, MERGE)
        ended.append(time.monotonic())
        stage.api.request("DELETE", f"{path}?gracePeriodSeconds=0")
        return None

    with stage.kubelet, running(stage.operator):
        serve(stage)
        before = stage.status()["lastSignal"]["producedBy"]
        stage.kubelet.outcomes["Inference"] = end_and_delete
        stage.fire()
        eventually(lambda: stage.status()["lastSignal"]["producedBy"] != before, every=0.1)
        assert time.monotonic() - ended[0] < 2
        assert stage.status()["lastRun"]["outcome"] == "Signal"
        assert stage.status()["unseenRuns"] == 0
        del stage.kubelet.outcomes["Inference"]
        stage.kubelet.outcomes["Inference"] = lambda _: failed(139, "Fatal Python error")
        stage.fire()
        failure = failure_of(stage, "Crash")
        assert (failure["signal"], failure["exitCode"]) == (11, 139)


RUNNING: Object = {"runtime": {"running": {}}, "trade": {"running": {}}}


@pytest.mark.timeout(120)
def test_a_decision_counts_whatever_becomes_of_the_container_that_trades(stage: Stage) -> None:
    """Its pod runs on, then fails, and with it its Job."""
    states, phase = dict(RUNNING), ["Running"]
    with stage.kubelet, running(stage.operator):
        serve(stage)
        stage.kubelet.outcomes["Inference"] = lambda _: several(phase[0], states)
        create_job(stage, "decides", {})
        pod = pod_of(stage, "decides")
        states["runtime"] = ended(0, stage.kubelet.message(pod, "Inference"), "Completed")
        uid = pod["metadata"]["uid"]
        eventually(lambda: stage.status()["lastSignal"]["producedBy"] == uid, timeout=20)
        assert pod_of(stage, "decides")["status"]["phase"] == "Running"
        stage.wait_for("TradingAllowed", ("True", "EntriesAllowed"))
        states["trade"], phase[0] = ended(74, "the disk is full"), "Failed"
        wait_for_failed_job(stage, "decides")
        stage.wait_for("TradingAllowed", ("False", "TradeFailed"))
        stage.wait_for("Reconciled", ("False", "JournalUnavailable"))
        assert stage.status()["lastRun"]["outcome"] == "Signal"
        assert "lastFailure" not in stage.status()
        stage.wait_for("Ready", ("True", "BotReady"))


@pytest.mark.timeout(120)
def test_the_deadline_of_a_pod_goes_before_the_exit_code_of_its_container(stage: Stage) -> None:
    with stage.kubelet, running(stage.operator):
        serve(stage)
        stage.kubelet.outcomes["Inference"] = lambda _: several("Running", RUNNING)
        create_job(stage, "too-late", {})
        limit = pod_of(stage, "too-late")["spec"]["activeDeadlineSeconds"]
        began = to_time(datetime.now(UTC) - timedelta(seconds=limit))
        killed = several(
            "Failed",
            {"runtime": ended(143), "trade": ended(143)},
            reason="DeadlineExceeded",
            startTime=began,
        )
        stage.kubelet.outcomes["Inference"] = lambda _: killed
        failure = failure_of(stage, "Deadline")
        assert f"longer than its {limit} s" in failure["message"]
        assert "exitCode" not in failure
        stage.wait_for("TradingAllowed", ("False", "TradeFailed"))


@pytest.mark.timeout(120)
def test_what_a_run_that_trades_tells_stands_in_the_status_and_its_columns(stage: Stage) -> None:
    """The real API server takes every field, and a second look writes nothing."""
    at = to_time(datetime.now(UTC))
    entry = {
        "order": "b7",
        "symbol": "BTC/USDT",
        "purpose": "Entry",
        "quantity": "0.0371",
        "price": "27000.13",
        "time": at,
    }
    position = {"symbol": "BTC/USDT", "quantity": "0.0371", "entryPrice": "27000", "openedAt": at}
    limit = {"limit": "Drawdown", "value": "0.16", "threshold": "0.15", "trippedAt": at}
    with stage.kubelet, running(stage.operator):
        serve(stage)
        stage.wait_for("Reconciled", ("True", "AsExpected"))
        state = {"positions": [position], "limits": [limit], "lastAction": entry}
        doubt = {"reason": "Drawdown", "message": "16 % below the highest equity, allowed 15 %"}
        stage.kubelet.trades = {"state": state, "actions": [entry], "entries": doubt}
        stage.fire()
        stage.wait_for("TradingAllowed", ("False", "Drawdown"))
        trading = stage.status()["trading"]
        assert {key: trading[key] for key in state} == state
        row = stage.plane.kubectl("get", "bot", f"--namespace={stage.namespace}")
        assert "BTC/USDT 0.0371" in row
        assert "10000" in row
        reasons = {event["reason"] for event in stage.list("/api/v1:events")}
        assert reasons >= {"EntryFilled", "LimitTripped"}
        before = stage.status()
    with running(stage.operator):
        stage.change_bot("btc-paper", {"decision": {"riskMax": 0.4}})
        eventually(lambda: stage.status()["observedGeneration"] > before["observedGeneration"])
        assert stage.status()["trading"] == before["trading"]
        stage.wait_for("TradingAllowed", ("False", "Drawdown"))
        told = [e for e in stage.list("/api/v1:events") if e["reason"] == "EntryFilled"]
        assert [event["count"] for event in told] == [1]


@pytest.mark.timeout(120)
def test_positions_come_and_go_as_often_as_they_like(stage: Stage) -> None:
    """The operator applies them, and applying cannot empty twice what is merged by keys."""
    at = to_time(datetime.now(UTC))
    held = {"symbol": "BTC/USDT", "quantity": "1", "entryPrice": "27000", "openedAt": at}
    with stage.kubelet, running(stage.operator):
        serve(stage)
        for trades in range(1, 4):
            for positions in ([held], []):
                stage.kubelet.trades = {
                    "state": {"positions": positions, "totals": {"trades": trades}}
                }
                stage.fire()
                eventually(partial(_holds, stage, trades, positions), timeout=20)


def _holds(stage: Stage, trades: int, positions: list[Object]) -> bool:
    trading = stage.status()["trading"]
    return bool(trading["totals"]["trades"] == trades and trading["positions"] == positions)


def pod_of(stage: Stage, job: str) -> Object:
    """Wait for the pod of a Job, and return it."""
    label = "batch.kubernetes.io/job-name"

    def look() -> Object:
        pods = stage.list("/api/v1:pods")
        return next(pod for pod in pods if pod["metadata"]["labels"][label] == job)

    return eventually(look)


def wait_for_failed_job(stage: Stage, name: str) -> None:
    """Wait until the Job's controller has counted its pod as failed."""

    def look() -> bool:
        job = next(j for j in stage.list("/apis/batch/v1:jobs") if name_of(j) == name)
        conditions = job.get("status", {}).get("conditions", ())
        return any(c["type"] == "Failed" and c["status"] == "True" for c in conditions)

    eventually(look, timeout=30)


@pytest.mark.timeout(120)
def test_runs_that_end_while_the_operator_is_down_are_caught_up_or_counted_as_unseen(
    stage: Stage,
) -> None:
    with stage.kubelet:
        with running(stage.operator):
            serve(stage)
        before = stage.status()["lastSignal"]["producedBy"]
        _run_once(stage)
        with running(stage.operator):
            eventually(lambda: stage.status()["lastSignal"]["producedBy"] != before, timeout=20)
            assert stage.status()["unseenRuns"] == 0
        _run_once(stage)
        stage.api.request("DELETE", f"/api/v1/namespaces/{stage.namespace}/pods")
        eventually(lambda: not stage.list("/api/v1:pods"))
        with running(stage.operator):
            failure_of(stage, "OutcomeLost")
            assert stage.status()["unseenRuns"] == 1
            assert stage.status()["lastRun"]["outcome"] == "Unseen"


def _run_once(stage: Stage) -> None:
    """Start a run and wait for the end of its Job; those before it have ended, too."""

    def open_runs() -> list[str]:
        jobs = stage.list("/apis/batch/v1:jobs")
        return [name_of(j) for j in jobs if not j.get("status", {}).get("completionTime")]

    eventually(lambda: not open_runs())
    wait_for_next_second()
    stage.fire()
    eventually(lambda: not open_runs())
