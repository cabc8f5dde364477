"""Whole stories with an API server in memory: what the operator does, step by step."""

import json
from typing import Any

import pytest

from bot_operator.api.resources import (
    CLAIMS,
    CONFIG_MAPS,
    CRON_JOBS,
    EVENTS,
    JOBS,
    MODEL_TRAININGS,
    PODS,
    SECRETS,
    TRADING_BOTS,
    Manifest,
    name_of,
    to_time,
    uid_of,
)
from bot_operator.tradingbot.timetable import check_schedule
from bot_runtime.contract.exchange_secret import EXCHANGE_SECRET
from bot_runtime.contract.exitcodes import ExitCode
from bot_runtime.contract.intervals import seconds_of
from bot_runtime.contract.results import StepResult, to_message
from bot_runtime.contract.runconfig import RunConfiguration
from tests import resources
from tests.operator_messages import inference_message
from tests.unit.bot_operator.world import NAMESPACE, World

SECRET = {"exchange.credentialsSecret": "keys"}


async def ready_world() -> World:
    world = World()
    world.add_bot()
    await world.settle()
    world.fire()
    await world.settle()
    assert world.condition("Ready") == ("True", "BotReady")
    return world


def add_bot_with_secret(world: World) -> None:
    world.add_bot()
    world.change_bot(exchange__credentialsSecret="keys")


async def test_one_yaml_ends_in_a_ready_bot_after_exactly_five_job_creations() -> None:
    world = World()
    world.add_bot()
    await world.settle()
    assert world.condition("ModelAvailable") == ("True", "ModelPromoted")
    assert world.condition("Ready") == ("False", "WaitingForSignal")
    world.fire()
    await world.settle()
    assert world.condition("Ready") == ("True", "BotReady")
    assert len(world.kube.created(JOBS)) == 5
    pod = next(p for p in world.kube.all(PODS) if "infer" in name_of(p))
    assert world.status()["lastSignal"]["producedBy"] == uid_of(pod)
    model = world.status()["activeModel"]
    assert model["objectives"][0]["metrics"]["logLoss"] == "0.68"
    assert (model["tradableShare"], model["bindingThreshold"]) == ("0.23", "probMin")
    assert world.status()["state"] == "Deciding"


async def test_objectives_start_together_once_the_data_step_has_ended() -> None:
    world = World(running=False)
    world.add_bot()
    await world.settle()
    assert [n.rsplit("-", 1)[1] for n in world.kube.created(JOBS)] == ["data"]
    world.running = True
    data = world.kube.all(JOBS)[0]
    assert world._run_job(data)
    world.running = False
    await world.settle()
    assert {n.rsplit("-", 1)[1] for n in world.kube.created(JOBS)} == {
        "data", "trend", "return", "risk",
    }  # fmt: skip


async def test_no_job_runs_before_its_uid_is_in_the_status() -> None:
    world = World()
    world.add_bot()
    for _ in range(200):
        if not await world.operate() and not world.step():
            break
        for job in world.kube.all(JOBS):
            recorded = world.training().get("status", {}).get("steps", [])
            if not job["spec"]["suspend"]:
                assert uid_of(job) in {step.get("jobUID") for step in recorded}
    assert world.condition("ModelAvailable")[0] == "True"


async def test_missing_secret_names_the_command_and_heals_by_itself() -> None:
    world = World()
    add_bot_with_secret(world)
    await world.settle()
    assert world.condition("SecretsValid") == ("False", "SecretMissing")
    assert world.condition("Stalled") == ("True", "SecretMissing")
    assert world.condition("Reconciling")[0] == "False"
    assert EXCHANGE_SECRET.create_command(NAMESPACE, "keys") in world.message_of("SecretsValid")
    assert world.kube.all(PODS) == world.kube.all(JOBS) == world.kube.all(MODEL_TRAININGS) == []
    told = [e for e in world.kube.all(EVENTS) if e["reason"] == "SecretMissing"]
    assert len(told) == 1
    world.add_secret("keys")
    world.pass_time(5)
    await world.settle()
    assert world.condition("SecretsValid") == ("True", "AsExpected")
    assert world.condition("ModelAvailable")[0] == "True"


@pytest.mark.parametrize(
    ("values", "kind", "reason", "named"),
    [
        ({"apiKey": "k9Zq1"}, "botcripto.io/exchange", "SecretKeyMissing", "apiSecret"),
        (
            {"apiKey": "replace-me", "apiSecret": "s8Xw2"},
            "botcripto.io/exchange",
            "SecretPlaceholder",
            "apiKey",
        ),
        (
            {"apiKey": "k9Zq1", "apiSecret": "\ufeffs8Xw2"},
            "botcripto.io/exchange",
            "SecretMalformed",
            "apiSecret: begins with a byte order mark",
        ),
        (
            {"apiKey": "-----BEGIN PRIVATE KEY-----\nk9Zq1", "apiSecret": "s8\nXw2"},
            "botcripto.io/exchange",
            "SecretMalformed",
            "apiKey: a private key; exchange the values of apiKey and apiSecret; apiSecret: a line",
        ),
        ({"apiKey": "k9Zq1", "apiSecret": "s8Xw2"}, "Opaque", "SecretWrongType", "Opaque"),
    ],
)
async def test_unusable_secret_is_refused_by_name_and_never_by_value(
    values: dict[str, str], kind: str, reason: str, named: str
) -> None:
    world = World()
    world.add_secret("keys", kind, **values)
    add_bot_with_secret(world)
    await world.settle()
    assert world.condition("SecretsValid") == ("False", reason)
    assert named in world.message_of("SecretsValid")
    everything = json.dumps([o for o in world.kube.objects.values() if o["kind"] != "Secret"])
    assert not any(value in everything for value in values.values())
    assert world.kube.all(JOBS) == []


async def test_only_the_preflight_container_of_the_data_job_mounts_the_secret() -> None:
    world = World()
    world.add_secret("keys")
    add_bot_with_secret(world)
    await world.settle()
    for job in world.kube.all(JOBS):
        pod = job["spec"]["template"]["spec"]
        has_preflight = "initContainers" in pod
        assert has_preflight == name_of(job).endswith("-data")
        mounts = [m["name"] for c in pod["containers"] for m in c["volumeMounts"]]
        assert "credentials" not in mounts
    cron_job = world.kube.all(CRON_JOBS)[0]
    assert "credentials" not in json.dumps(
        cron_job["spec"]["jobTemplate"]["spec"]["template"]["spec"]["volumes"]
    )


async def test_rejected_version_is_not_served_and_the_numbers_are_told() -> None:
    world = World(promoted=False)
    world.add_bot()
    await world.settle()
    assert world.condition("Ready") == ("False", "NotBetterThanNaive")
    assert world.condition("Stalled") == ("True", "NotBetterThanNaive")
    assert "0.701 is worse than naive 0.693" in world.message_of("ModelAvailable")
    assert world.status()["state"] == "Rejected"
    assert world.kube.all(CRON_JOBS) == []


async def test_deleting_a_rejected_training_trains_again() -> None:
    world = World(promoted=False)
    world.add_bot()
    await world.settle()
    world.promoted = True
    world.remove(world.training())
    await world.settle()
    assert world.condition("ModelAvailable") == ("True", "ModelPromoted")
    assert len(world.kube.created(MODEL_TRAININGS)) == 2


async def test_a_study_without_a_bot_has_its_own_claim_and_verdict() -> None:
    world = World()
    study = resources.training()
    study["metadata"]["namespace"] = NAMESPACE
    world.kube.put(study)
    await world.settle()
    assert world.training()["status"]["state"] == "Promoted"
    assert [name_of(c) for c in world.kube.all(CLAIMS)] == ["study-store"]
    assert len(world.kube.created(JOBS)) == 5
    world.remove(world.training())
    assert {o["kind"] for o in world.kube.objects.values()} <= {"Event"}


async def test_a_step_that_is_tried_again_says_why() -> None:
    world = World(running=False)
    world.add_bot()
    await world.settle()
    pod = world.kube.all(PODS)[0]
    terminated = {"exitCode": 69, "message": "binance: no answer"}
    container = {"name": "runtime", "state": {"terminated": terminated}}
    world.kube.put({**pod, "status": {"phase": "Failed", "containerStatuses": [container]}})
    await world.settle()
    step = world.training()["status"]["steps"][0]
    assert step["state"] == "Running"
    assert step["message"] == "a pod failed and is tried again (Exchange): binance: no answer"


async def test_a_warning_of_the_preflight_reaches_the_status() -> None:
    world = World(running=False)
    world.add_secret("keys")
    add_bot_with_secret(world)
    await world.settle()
    job = world.kube.all(JOBS)[0]
    world.running = True
    world._run_job(job)
    run = json.loads(world._run_configuration(job))
    digest = RunConfiguration.model_validate(run).digest
    text = to_message(StepResult(step="Preflight", run_digest=digest, warnings=("may withdraw",)))
    pod = world.kube.all(PODS)[0]
    terminated = {"exitCode": 0, "message": text}
    status = {
        **pod["status"],
        "initContainerStatuses": [{"name": "preflight", "state": {"terminated": terminated}}],
    }
    world.kube.put({**pod, "status": status})
    await world.settle()
    assert world.training()["status"]["steps"][0]["message"].endswith("; may withdraw")


async def test_gate_off_serves_what_the_gate_would_reject() -> None:
    world = World(promoted=False)
    world.add_bot()
    world.change_bot(training__gate__mode="Off")
    await world.settle()
    assert world.condition("ModelAvailable") == ("True", "ModelPromoted")


async def test_suspended_bot_starts_no_training_and_is_ready() -> None:
    world = World()
    world.add_bot()
    world.change_bot(suspend=True)
    await world.settle()
    assert world.condition("Ready") == ("True", "Suspended")
    assert world.condition("Stalled")[0] == world.condition("Reconciling")[0] == "False"
    assert world.status()["state"] == "Suspended"
    assert world.kube.all(MODEL_TRAININGS) == []
    assert [name_of(c) for c in world.kube.all(CLAIMS)] == ["btc-paper-store"]


async def test_suspending_a_ready_bot_stops_its_cron_job_and_resuming_starts_it() -> None:
    world = await ready_world()
    world.change_bot(suspend=True)
    await world.settle()
    assert world.kube.all(CRON_JOBS)[0]["spec"]["suspend"] is True
    world.change_bot(suspend=False)
    await world.settle()
    assert world.kube.all(CRON_JOBS)[0]["spec"]["suspend"] is False
    assert len(world.kube.created(JOBS)) == 5


async def test_suspended_bot_lets_a_running_training_end() -> None:
    world = World(running=False)
    world.add_bot()
    await world.settle()
    world.change_bot(suspend=True)
    world.running = True
    await world.settle()
    assert world.training()["status"]["state"] == "Promoted"
    assert world.condition("Ready") == ("True", "Suspended")


async def test_live_mode_is_refused_and_nothing_of_it_runs() -> None:
    world = await ready_world()
    world.change_bot(mode="Live", exchange__credentialsSecret="keys")
    await world.settle()
    assert world.condition("Ready") == ("False", "LiveNotAvailable")
    assert world.kube.all(CRON_JOBS) == []


async def test_a_broken_spec_names_the_field_and_disturbs_no_other_bot() -> None:
    world = World()
    world.add_bot("broken", timeframe="7m")
    world.add_bot()
    await world.settle()
    assert world.condition("Stalled", "broken") == ("True", "InvalidSpec")
    assert "spec.timeframe" in world.message_of("Ready", "broken")
    assert world.condition("ModelAvailable")[0] == "True"


async def test_deleting_a_bot_removes_everything_but_a_retained_claim() -> None:
    world = World()
    world.add_bot()
    world.add_bot("keeper")
    world.change_bot("keeper", storage__reclaimPolicy="Retain")
    await world.settle()
    for name in ("btc-paper", "keeper"):
        world.remove(world.kube.one(TRADING_BOTS, name))
    await world.settle()
    left = [(o["kind"], name_of(o)) for o in world.kube.objects.values() if o["kind"] != "Event"]
    assert left == [("PersistentVolumeClaim", "keeper-store")]


async def test_a_retained_claim_is_not_taken_over_unasked() -> None:
    world = World()
    world.add_bot()
    world.change_bot(storage__reclaimPolicy="Retain")
    await world.settle()
    world.remove(world.kube.one(TRADING_BOTS, "btc-paper"))
    world.add_bot()
    await world.settle()
    assert world.condition("StorageReady") == ("False", "ClaimForeign")
    world.change_bot(storage__existingClaim="btc-paper-store")
    world.pass_time(5)
    await world.settle()
    assert world.condition("StorageReady") == ("True", "ClaimBound")


async def test_failed_training_that_waiting_heals_is_tried_again_with_backoff() -> None:
    world = World()
    world.failing["Data"] = {"exitCode": 69, "reason": "Error", "message": "no answer"}
    world.add_bot()
    await world.settle()
    assert world.condition("Ready") == ("False", "TrainingFailed")
    assert world.condition("Reconciling")[0] == "True"
    failure = world.status()["lastFailure"]
    assert (failure["class"], failure["exitCode"], failure["message"]) == (
        "Exchange",
        69,
        "no answer",
    )
    assert world.status()["candidateTraining"]["nextAttemptTime"] == "2026-03-01T12:01:00Z"
    del world.failing["Data"]
    world.pass_time(59)
    await world.settle()
    assert len(world.kube.created(MODEL_TRAININGS)) == 1
    world.pass_time(1)
    await world.settle()
    assert world.kube.created(MODEL_TRAININGS)[1].endswith("-2")
    assert world.condition("ModelAvailable")[0] == "True"
    assert "lastFailure" not in world.status()


async def test_a_failure_noted_by_a_clock_years_ahead_does_not_keep_a_bot_for_years() -> None:
    world = World()
    world.failing["Data"] = {"exitCode": 69, "reason": "Error", "message": "no answer"}
    world.add_bot()
    await world.settle()
    failed = world.training()
    ahead = {**failed["status"], "completionTime": "2036-03-01T12:00:00Z"}
    world.kube.put({**failed, "status": ahead})
    del world.failing["Data"]
    await world.settle()
    assert world.status()["candidateTraining"]["nextAttemptTime"] == "2026-03-01T12:01:00Z"
    world.pass_time(60)
    await world.settle()
    assert world.condition("ModelAvailable")[0] == "True"


async def test_training_out_of_memory_waits_for_more_memory_and_then_trains_again() -> None:
    world = World()
    world.failing["Trend"] = {"exitCode": 137, "reason": "OOMKilled"}
    world.add_bot()
    await world.settle()
    assert world.condition("Stalled") == ("True", "TrainingFailed")
    assert world.status()["lastFailure"]["class"] == "OutOfMemory"
    assert "limit of 4Gi" in world.status()["lastFailure"]["message"]
    assert world.status()["state"] == "Failed"
    world.pass_time(7 * 3600)
    await world.settle()
    assert len(world.kube.created(MODEL_TRAININGS)) == 1
    world.failing.clear()
    world.change_bot(training__resources={"limits": {"memory": "8Gi"}})
    await world.settle()
    assert world.condition("ModelAvailable")[0] == "True"


async def test_failed_step_ends_the_steps_beside_it() -> None:
    world = World()
    world.failing["Return"] = {"exitCode": 67, "message": "no parity"}
    world.add_bot()
    await world.settle()
    steps = {s["name"]: s["state"] for s in world.training()["status"]["steps"]}
    assert steps["Return"] == "Failed"
    assert steps["Evaluation"] == "Skipped"
    unfinished = [j for j in world.kube.all(JOBS) if not j["status"].get("conditions")]
    assert unfinished == []


async def test_a_corrected_image_replaces_the_training_that_could_not_pull_the_old_one() -> None:
    world = World(running=False)
    world.add_bot()
    world.change_bot(images={"training": "example.org/typo:1.0.0"})
    await world.settle()
    waiting = {"reason": "ImagePullBackOff", "message": "not found"}
    pod = world.kube.all(PODS)[0]
    container = {
        "name": "runtime",
        "image": "example.org/typo:1.0.0",
        "state": {"waiting": waiting},
    }
    world.kube.put({**pod, "status": {"phase": "Pending", "containerStatuses": [container]}})
    await world.settle()
    assert world.condition("Stalled") == ("True", "ImagePullFailed")
    assert "example.org/typo:1.0.0" in world.message_of("Stalled")
    world.running = True
    world.change_bot(images={"training": "example.org/train:1.0.1"})
    await world.settle()
    assert world.condition("ModelAvailable")[0] == "True"
    assert len(world.kube.all(MODEL_TRAININGS)) == 1


async def test_pinning_serves_that_version_and_unpinning_the_promoted_one() -> None:
    world = await ready_world()
    promoted = world.status()["activeModel"]["version"]
    world.change_bot(model__pinnedVersion="btc-paper-older-12345678")
    await world.settle()
    assert world.condition("ModelAvailable") == ("True", "VersionPinned")
    assert world.condition("Ready") == ("False", "WaitingForSignal")
    world.change_bot(model__pinnedVersion=None)
    await world.settle()
    assert world.status()["activeModel"]["version"] == promoted
    assert world.condition("Ready") == ("True", "BotReady")


async def test_a_rejected_version_can_be_pinned_and_is_stopped_when_it_no_longer_is() -> None:
    world = World(promoted=False)
    world.add_bot()
    await world.settle()
    version = world.training()["status"]["version"]["version"]
    world.change_bot(model__pinnedVersion=version)
    await world.settle()
    assert world.condition("ModelAvailable") == ("True", "VersionPinned")
    assert len(world.kube.all(CRON_JOBS)) == 1
    world.change_bot(model__pinnedVersion=None)
    await world.settle()
    assert world.condition("ModelAvailable") == ("False", "NotBetterThanNaive")
    assert world.kube.all(CRON_JOBS) == []


async def test_a_new_market_is_served_only_by_a_version_trained_on_it() -> None:
    world = await ready_world()
    world.promoted = False
    world.change_bot(symbols=["ETH/USDT"])
    await world.settle()
    newest = max(world.kube.all(CONFIG_MAPS), key=lambda c: int(c["metadata"]["resourceVersion"]))
    assert len(world.kube.all(MODEL_TRAININGS)) == 2
    served = _served(world)
    assert served["symbols"] == ["BTC/USDT"]
    assert world.condition("Degraded") == ("True", "CandidateRejected")
    assert newest["immutable"] is True


async def test_new_thresholds_reach_the_served_version_at_once_without_training() -> None:
    world = await ready_world()
    world.change_bot(decision__probMin=0.7)
    await world.settle()
    assert _served(world)["decision"]["probMin"] == 0.7
    assert len(world.kube.all(MODEL_TRAININGS)) == 1


async def test_only_the_last_three_run_configurations_stay() -> None:
    world = await ready_world()
    for n in range(5):
        world.pass_time(60)
        world.change_bot(decision__probMin=0.6 + n / 100)
        await world.settle()
    served = [c for c in world.kube.all(CONFIG_MAPS) if name_of(c).startswith("btc-paper-run-")]
    assert len(served) == 3


async def test_failed_run_degrades_the_bot_and_the_next_good_one_clears_it() -> None:
    world = await ready_world()
    world.pass_time(300)
    world.failing["Inference"] = {"exitCode": 1, "message": "Traceback\nValueError: odd"}
    world.fire()
    await world.settle()
    assert world.condition("Degraded") == ("True", "RunFailed")
    assert world.condition("Ready") == ("True", "BotReady")
    assert world.status()["lastFailure"]["message"] == "ValueError: odd"
    world.failing.clear()
    world.pass_time(300)
    world.fire()
    await world.settle()
    assert world.condition("Degraded") == ("False", "AsExpected")
    assert "lastFailure" not in world.status()


async def test_corrupt_artifact_keeps_the_last_signal_and_says_so() -> None:
    world = await ready_world()
    before = world.status()["lastSignal"]
    world.failing["Inference"] = {"exitCode": 66, "message": "trend.onnx: sha256 differs"}
    world.pass_time(300)
    world.fire()
    await world.settle()
    assert world.condition("Ready") == ("False", "VersionUnusable")
    assert world.condition("Stalled") == ("True", "VersionUnusable")
    assert world.status()["lastSignal"] == before
    world.pass_time(900)
    await world.settle()
    assert world.condition("SignalFresh") == ("False", "RunFailed")
    assert "sha256 differs" in world.message_of("SignalFresh")


async def test_signal_goes_stale_after_two_schedules_without_a_wake_up() -> None:
    world = await ready_world()
    assert world.condition("SignalFresh") == ("True", "SignalReceived")
    world.pass_time(900)
    await world.settle()
    assert world.condition("SignalFresh") == ("False", "SignalStale")
    assert world.condition("Ready") == ("True", "BotReady")


async def test_feed_trouble_degrades_the_bot_and_is_no_failure() -> None:
    world = await ready_world()

    def stale(job: Manifest) -> str:
        run = json.loads(world._run_configuration(job))
        return inference_message(run, world.at, reason="FeedStale newest candle 900 s old")

    world.messages["Inference"] = stale
    world.pass_time(300)
    world.fire()
    await world.settle()
    assert world.condition("Degraded") == ("True", "FeedTrouble")
    assert world.condition("SignalFresh")[0] == "True"
    assert world.status()["lastSignal"]["decision"] == "NO_TRADE"


def _forge(changes: dict[str, Any]) -> Any:
    def forged(world: World, job: Manifest) -> str:
        message = json.loads(inference_message(json.loads(world._run_configuration(job)), world.at))
        return json.dumps({**message, **changes})

    return forged


@pytest.mark.parametrize(
    ("message", "told"),
    [
        (_forge({"runDigest": "f" * 64}), "speaks for run configuration ffffffffff"),
        (_forge({"modelVersion": "another-1"}), "speaks for version another-1"),
        (_forge({"contractVersion": 99, "new": 1}), "contract version 99"),
        (_forge({"step": "Data", "signals": []}), "left the result of step Data"),
        (lambda *_: "\u00c3\u00a9\x00 not JSON", "left no readable result"),
        (lambda *_: "", "left no result"),
    ],
)
async def test_a_message_that_may_not_speak_for_the_bot_is_not_believed(
    message: Any, told: str
) -> None:
    world = await ready_world()
    before = world.status()["lastSignal"]
    world.messages["Inference"] = lambda job: str(message(world, job))
    world.pass_time(300)
    world.fire()
    await world.settle()
    assert world.condition("Degraded") == ("True", "RunFailed")
    assert told in world.status()["lastFailure"]["message"]
    assert world.status()["lastSignal"] == before


async def test_a_pod_outside_the_owner_chain_cannot_speak_for_the_bot() -> None:
    world = await ready_world()
    before = world.status()["lastSignal"]
    world.pass_time(300)
    job = world.fire()
    stranger = {**job["metadata"], "name": "stranger", "uid": "uid-x", "ownerReferences": []}
    world.kube.remove(job)
    world.kube.put({**job, "metadata": stranger})
    await world.settle()
    assert world.status()["lastSignal"] == before


def _served(world: World) -> dict[str, Any]:
    cron_job = world.kube.one(CRON_JOBS, "btc-paper-infer")
    volumes = cron_job["spec"]["jobTemplate"]["spec"]["template"]["spec"]["volumes"]
    name = next(v["configMap"]["name"] for v in volumes if "configMap" in v)
    served: dict[str, Any] = json.loads(world.kube.one(CONFIG_MAPS, name)["data"]["run.json"])
    return served


@pytest.mark.parametrize(("timeframe", "zone"), [("4h", "Europe/Madrid"), ("1h", "Asia/Kolkata")])
async def test_without_a_schedule_it_fires_at_every_close_in_any_time_zone(
    timeframe: str, zone: str
) -> None:
    world = World()
    world.add_bot(timeframe=timeframe, inference={"timeZone": zone})
    await world.settle()
    spec = world.kube.one(CRON_JOBS, "btc-paper-infer")["spec"]
    timetable = check_schedule("inference", spec["schedule"], spec["timeZone"], world.at)
    assert not isinstance(timetable, str)
    at = timetable.firing(world.at, 1)
    assert at.timestamp() % seconds_of(timeframe) == 0, at


@pytest.mark.parametrize("code", [ExitCode.CREDENTIALS_REJECTED, ExitCode.CONFIGURATION])
async def test_a_secret_corrected_while_the_old_one_is_tried_is_tried_too(code: ExitCode) -> None:
    world = World(running=False)
    world.failing["Data"] = {"exitCode": int(code), "message": "key refused"}
    world.add_secret("keys")
    world.add_bot(exchange={"id": "binance", "credentialsSecret": "keys"})
    await world.settle()  # the pod has mounted the secret, and pulls its image
    world.pass_time(20)
    secret = world.kube.one(SECRETS, "keys")
    written = [{"manager": "kubectl", "time": to_time(world.at)}]
    world.kube.put({**secret, "metadata": {**secret["metadata"], "managedFields": written}})
    world.pass_time(20)
    world.running = True
    assert world.step()  # the exchange refuses the key that the pod has mounted
    world.failing.clear()  # and would take the one that is there now
    await world.settle()
    world.pass_time(86_400)
    world.wake_all()
    await world.settle()
    assert world.condition("ModelAvailable") == ("True", "ModelPromoted")
