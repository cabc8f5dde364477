"""Whatever is applied is refused by the API server or served: no traceback, no restart, no gap.

`make fuzz` runs 5,000 resources; here are as many as fit the tests' time. The seed is printed, and
`BOTCRIPTO_FUZZ_SEED` repeats it; with `BOTCRIPTO_FUZZ_FROM` a run that was stopped goes on.
"""

import os
import random
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from typing import Any
from urllib.error import URLError

import pytest

from bot_runtime.contract.conditions import BotCondition, TrainingCondition
from bot_runtime.contract.crd import KINDS, TRADING_BOT
from bot_runtime.contract.exchange_secret import EXCHANGE_SECRET
from tests.eventually import eventually
from tests.fuzz import draw_many, odd_statuses_of, resources_of
from tests.integration.api import APPLY, MERGE, PLURALS, Refused
from tests.integration.fake_kubelet import failed
from tests.integration.operator_process import running
from tests.integration.stage import Stage
from tests.resources import bot, changed, training

Object = dict[str, Any]

COUNT = int(os.environ.get("BOTCRIPTO_FUZZ", "60"))
SEED = int(os.environ.get("BOTCRIPTO_FUZZ_SEED") or random.SystemRandom().randrange(10**9))
FROM = int(os.environ.get("BOTCRIPTO_FUZZ_FROM") or 0)
"""Resources at the beginning that an earlier run with this seed has done; full batches count."""
BATCH = 250
AT_ONCE = 8
ROOT = "/apis/botcripto.io/v1alpha1"
CONDITIONS = {
    "TradingBot": {c.value for c in BotCondition},
    "ModelTraining": {c.value for c in TrainingCondition},
}


@dataclass
class Tally:
    """What became of the resources."""

    accepted: Counter[str] = field(default_factory=Counter)
    refused: Counter[int] = field(default_factory=Counter)
    states: Counter[str] = field(default_factory=Counter)


@pytest.mark.timeout(180 + 2 * COUNT)
def test_generated_resources_are_refused_or_end_in_conditions(stage: Stage) -> None:
    print(f"BOTCRIPTO_FUZZ_SEED={SEED} BOTCRIPTO_FUZZ={COUNT}")
    _prepare(stage)
    # A slow machine is no reason to give the lead away here: nobody starts the process again.
    stage.operator.environment["BOTCRIPTO_LEASE_SECONDS"] = "60"
    tally = Tally()
    with stage.kubelet, running(stage.operator):
        for number, batch in islice(enumerate(_batches(COUNT)), FROM // BATCH, None):
            _apply(stage, batch, tally, number)
            _assert_all_come_to_rest(stage, seconds=60 + len(batch))
            _overwrite_statuses(stage, number)
            _assert_all_come_to_rest(stage, seconds=60 + len(batch))
            print(f"{number * BATCH + len(batch)} resources", flush=True)
            tally.states.update(o["status"].get("state", "") for o in _owners(stage))
            _assert_the_operator_is_well(stage)
            _clear(stage)
    print(tally)
    assert tally.refused.keys() <= {400, 409, 413, 422}, tally  # 409: a name was drawn twice
    done = COUNT - FROM // BATCH * BATCH
    assert sum(tally.accepted.values()) > done / 10, tally
    assert sum(tally.refused.values()) > done / 10, tally


def _assert_all_come_to_rest(stage: Stage, seconds: int) -> None:
    eventually(lambda: _all_are_served(stage), timeout=seconds, every=1)
    eventually(lambda: _writes_nothing_for_a_second(stage), timeout=seconds)
    assert _all_are_served(stage)


def _batches(count: int) -> Iterator[list[Object]]:
    for start in range(0, count, BATCH):
        size = min(BATCH, count - start)
        yield [
            resource
            for share, kind in zip((size - size // 3, size // 3), KINDS, strict=True)
            for resource in draw_many(resources_of(kind), share, SEED + start)
        ]


def _prepare(stage: Stage) -> None:
    """Make what generated specs name: a StorageClass that waits for pods, and credentials."""
    with suppress(Refused):  # it is there from another test
        body = {
            "metadata": {"name": "fuzz"},
            "provisioner": "kubernetes.io/no-provisioner",
            "volumeBindingMode": "WaitForFirstConsumer",
        }
        stage.api.request("POST", "/apis/storage.k8s.io/v1/storageclasses", body)
    stage.add_secret("keys", {"apiKey": "k9Zq1", "apiSecret": "s8Xw2"})
    for name, kind in (
        ("sh.helm.release.v1.app.v1", "helm.sh/release.v1"),
        ("bootstrap-token-abc", "Opaque"),
    ):
        secret = {
            "metadata": {"name": name},
            "type": kind,
            "stringData": {"release": "do-not-tell"},
        }
        stage.api.request("POST", f"/api/v1/namespaces/{stage.namespace}/secrets", secret)


def _apply(stage: Stage, batch: list[Object], tally: Tally, number: int) -> None:
    def create(position: int, resource: Object) -> tuple[str, int]:
        if resource["metadata"].get("name") == "fuzz":
            resource["metadata"]["name"] = f"fuzz-{number}-{position}"
        if position % 4:  # the others show what wrong storage does; these come further
            resource["spec"]["storage"] = {"storageClassName": "fuzz"}
            resource["spec"].pop("suspend", None)
        path = f"{ROOT}/namespaces/{stage.namespace}/{PLURALS[resource['kind']]}"
        try:
            stage.api.request("POST", path, resource)
        except Refused as e:
            refusal = e
        else:
            return resource["kind"], 0
        assert "cost" not in refusal.message, refusal.message
        return resource["kind"], refusal.code

    with ThreadPoolExecutor(AT_ONCE) as pool:
        for kind, code in pool.map(create, range(len(batch)), batch):
            if code:
                tally.refused[code] += 1
            else:
                tally.accepted[kind] += 1


def _owners(stage: Stage) -> list[Object]:
    return [
        {**item, "kind": kind}
        for kind, plural in PLURALS.items()
        for item in stage.list(f"{ROOT}:{plural}")
        if not item["metadata"].get("deletionTimestamp")
    ]


def _all_are_served(stage: Stage) -> bool:
    for owner in _owners(stage):
        name, status = owner["metadata"]["name"], owner["status"]
        assert status.get("observedGeneration") == owner["metadata"]["generation"], name
        conditions = {c["type"]: c for c in status.get("conditions", ())}
        assert set(conditions) == CONDITIONS[owner["kind"]], name
        observed = {c["observedGeneration"] for c in conditions.values()}
        assert observed == {owner["metadata"]["generation"]}, name
        pair = {conditions[kind]["status"] for kind in ("Stalled", "Reconciling")}
        assert pair <= {"True", "False"}, name
        assert pair != {"True"}, name
    return True


def _overwrite_statuses(stage: Stage, number: int) -> None:
    """Write nonsense over every second status, as a person with rights to it could."""
    owners = _owners(stage)[::2]
    for kind in KINDS:
        ours = [o for o in owners if o["kind"] == kind.name]
        for owner, status in zip(
            ours, draw_many(odd_statuses_of(kind), len(ours), SEED + number), strict=False
        ):
            path = f"{ROOT}/namespaces/{stage.namespace}/{kind.plural}/{owner['metadata']['name']}"
            with suppress(Refused):  # what the schema does not allow
                stage.api.request("PATCH", f"{path}/status", {"status": status}, MERGE)


def _assert_the_operator_is_well(stage: Stage) -> None:
    process = stage.operator.process
    assert process is not None
    assert process.poll() is None, "the operator has ended"
    wrong = [
        line
        for line in stage.operator.lines()
        if line["level"] not in {"info", "warning"} or "exception" in line
    ]
    assert wrong == []
    assert "do-not-tell" not in stage.operator.log.read_text(encoding="utf-8")


def _clear(stage: Stage) -> None:
    for plural in PLURALS.values():
        stage.api.request("DELETE", f"{ROOT}/namespaces/{stage.namespace}/{plural}")
        for item in stage.list(f"{ROOT}:{plural}"):
            with suppress(Refused):  # those that somebody had written finalizers on
                path = f"{ROOT}/namespaces/{stage.namespace}/{plural}/{item['metadata']['name']}"
                stage.api.request("PATCH", path, {"metadata": {"finalizers": None}}, MERGE)
    eventually(lambda: not _owners(stage), timeout=60)


REFUSED_AT_ONCE: tuple[tuple[str, Object], ...] = (
    ("a name of 253 characters", {"metadata.name": "n" * 253}),
    ("a name in unicode", {"metadata.name": "bót"}),
    ("a symbol in unicode", {"spec.symbols": ["\u0412\u0422\u0421/USDT"]}),
    ("a symbol with a line break", {"spec.symbols": ["BTC/USDT\n"]}),
    ("20,000 symbols", {"spec.symbols": ["BTC/USDT"] * 20_000}),
    ("20,000 tolerations", {"spec.pod.tolerations": [{"operator": "Exists"}] * 20_000}),
    ("every minute on 5m candles", {"spec.inference.schedule": "* * * * *"}),
    ("another namespace's secret", {"spec.exchange.credentialsSecret": "kube-system/token"}),
    ("a path as a secret", {"spec.exchange.credentialsSecret": "../keys"}),
    ("an image that injects", {"spec.images.training": "x:1; rm -rf /"}),
    ("annotations of 300 KiB", {"metadata.annotations": {"note": "n" * 300 * 1024}}),
    ("a spec of 4 MiB", {"spec.exchange.id": "b" * 4 * 2**20}),
)


@pytest.mark.parametrize(("what", "changes"), REFUSED_AT_ONCE, ids=[w for w, _ in REFUSED_AT_ONCE])
def test_malicious_resources_are_refused_at_once(stage: Stage, what: str, changes: Object) -> None:
    refusal = _refusal_of(stage, changed(bot(), changes))
    assert refusal is not None, "accepted"
    assert refusal.code in {400, 413, 422}, what


def _refusal_of(stage: Stage, resource: Object) -> Refused | None:
    """Return how the API server refuses a resource, None where it takes it.

    Of a body beyond its limit it leaves the rest unread and closes the connection; a client that is
    still sending then sees the end of the connection and, one time in three, not the answer.
    """
    for _ in range(50):
        try:
            stage.api.create(resource, stage.namespace, dry_run=True)
        except Refused as e:
            return e
        except URLError:
            continue
        return None
    pytest.fail("no answer at all")


@pytest.mark.timeout(120)
def test_malicious_resources_that_are_valid_are_served_and_disturb_nobody(stage: Stage) -> None:
    _prepare(stage)
    secret = {"metadata": {"name": "system"}, "type": "Opaque", "stringData": {"t": "do-not-tell"}}
    stage.api.request("POST", f"/api/v1/namespaces/{stage.namespace}/secrets", secret)
    junk: Any = 1
    for _ in range(400):
        junk = {"a": junk}
    storage = {"storageClassName": "fuzz"}
    exchange = {"id": "binance", "credentialsSecret": "system"}
    with stage.kubelet, running(stage.operator):
        big = {"metadata.annotations": {"note": "n" * 200 * 1024}}
        stage.api.create(changed(bot("annotated", storage=storage), big), stage.namespace)
        stage.api.create(bot("system-secret", exchange=exchange, storage=storage), stage.namespace)
        path = f"{ROOT}/namespaces/{stage.namespace}/tradingbots"
        stage.api.request("POST", path, bot("junk", storage=storage, junk=junk))  # not strict
        stage.api.create(training("stranger", botRef={"name": "annotated"}), stage.namespace)
        stage.wait_for("ModelAvailable", ("True", "ModelPromoted"), "annotated")
        stage.wait_for("ModelAvailable", ("True", "ModelPromoted"), "junk")
        stage.wait_for("SecretsValid", ("False", "SecretWrongType"), "system-secret")
        eventually(lambda: _all_are_served(stage))
        _assert_the_operator_is_well(stage)
    assert "do-not-tell" not in str(_owners(stage))
    assert EXCHANGE_SECRET.type in str(_owners(stage))
    assert stage.status("annotated")["activeModel"]["training"] != "stranger"


NONSENSE: tuple[Object, ...] = (
    {"conditions": []},
    {"observedGeneration": 99, "state": "Deciding"},
    {"activeModel": None, "signals": None, "lastSignal": None, "candidateTraining": None},
    {"candidateTraining": {"name": "nobody", "attempt": 2_000_000_000}},
    {"children": {"cronJob": "x" * 63, "claim": "another"}},
    {
        "lastFailure": {
            "step": "Data",
            "class": "Crash",
            "message": "made up",
            "time": "2026-01-02T03:04:05Z",
            "retryable": False,
        }
    },
    {
        "lastSignal": {
            "symbol": "BTC/USDT",
            "decision": "LONG",
            "reason": "made up",
            "ts": ["the API server takes", "a list for a date"],
            "model_version": "none",
            "git_commit": "none",
            "run_digest": "none",
            "producedBy": "nobody",
        }
    },
    {"lastFailure": None, "images": {"training": "nonsense", "inference": "x" * 512}},
)


@pytest.mark.timeout(120)
def test_a_failure_in_any_script_is_told_as_it_is(stage: Stage) -> None:
    """What is applied is read as YAML, which takes fewer characters than JSON does."""
    text = "\U0001f98a \u6f22 \u00df \ufeff\ufffe boom"
    _prepare(stage)
    stage.kubelet.outcomes["Trend"] = lambda _: failed(1, text)
    with stage.kubelet, running(stage.operator):
        stage.api.create(bot(storage={"storageClassName": "fuzz"}), stage.namespace)
        failure = eventually(lambda: stage.status()["lastFailure"])
        eventually(lambda: _all_are_served(stage))
        _assert_the_operator_is_well(stage)
    assert "\U0001f98a \u6f22 \u00df" in failure["message"]
    assert failure["message"].endswith("boom")


@pytest.mark.timeout(120)
def test_an_amount_that_the_api_server_caps_is_written_once(stage: Stage) -> None:
    resources = {"requests": {"memory": "999999999Ti"}}
    _prepare(stage)
    with stage.kubelet, running(stage.operator):
        made = bot(inference={"resources": resources}, storage={"storageClassName": "fuzz"})
        stage.api.create(made, stage.namespace)
        stage.wait_for("ModelAvailable", ("True", "ModelPromoted"))
        _assert_all_come_to_rest(stage, seconds=20)


@pytest.mark.timeout(120)
def test_a_status_that_somebody_wrote_over_comes_back(stage: Stage) -> None:
    _prepare(stage)
    with stage.kubelet, running(stage.operator):
        stage.api.create(bot(storage={"storageClassName": "fuzz"}), stage.namespace)
        stage.wait_for("ModelAvailable", ("True", "ModelPromoted"))
        before = stage.status()
        for plural, name in (("tradingbots", "btc-paper"), ("modeltrainings", "")):
            for nonsense in NONSENSE:
                found = name or stage.list(f"{ROOT}:{plural}")[0]["metadata"]["name"]
                path = f"{ROOT}/namespaces/{stage.namespace}/{plural}/{found}/status"
                with suppress(Refused):  # fields of the other kind are pruned or refused
                    stage.api.request("PATCH", path, {"status": nonsense}, MERGE)
                eventually(lambda: _all_are_served(stage))
                eventually(lambda: _writes_nothing_for_a_second(stage))
        assert "made up" not in str(_owners(stage))
        eventually(lambda: stage.status()["activeModel"] == before["activeModel"])
        assert stage.condition("ModelAvailable") == ("True", "ModelPromoted")
        _assert_the_operator_is_well(stage)
    assert len(stage.calls.created_jobs()) == 5


@pytest.mark.timeout(120)
def test_half_a_failure_that_somebody_wrote_over_goes_with_the_failure(stage: Stage) -> None:
    """Somebody owns one of its fields then, which stays where a status without it is applied."""
    _prepare(stage)
    stage.kubelet.outcomes["Data"] = lambda _: failed(69, "no answer")
    with stage.kubelet:
        with running(stage.operator):
            stage.api.create(bot(storage={"storageClassName": "fuzz"}), stage.namespace)
            trainings = f"{ROOT}:modeltrainings"
            name = eventually(
                lambda: next(
                    o["metadata"]["name"]
                    for o in stage.list(trainings)
                    if "lastFailure" in o["status"]
                )
            )
        path = f"{ROOT}/namespaces/{stage.namespace}/modeltrainings/{name}/status"
        made_up = {"status": {"lastFailure": {"message": "made up"}}}
        stage.api.request("PATCH", path, made_up, MERGE)
        del stage.kubelet.outcomes["Data"]
        jobs = "/apis/batch/v1:jobs"
        eventually(lambda: stage.list(jobs)[0]["status"].get("succeeded"))  # its second try
        with running(stage.operator):
            stage.wait_for("ModelAvailable", ("True", "ModelPromoted"))
            _assert_all_come_to_rest(stage, seconds=20)
            assert "lastFailure" not in stage.list(trainings)[0]["status"]
            _assert_the_operator_is_well(stage)


def test_a_status_is_never_written_onto_another_object_of_the_name(stage: Stage) -> None:
    stage.api.create(bot(), stage.namespace)
    path = f"{ROOT}/namespaces/{stage.namespace}/tradingbots/btc-paper/status"
    status = {**_bare(bot()), "status": {"observedGeneration": 1, "state": "Deciding"}}
    for content, force in ((APPLY, "&force=true"), (MERGE, "")):
        given = {**status, "metadata": {"name": "btc-paper", "resourceVersion": "1"}}
        with pytest.raises(Refused) as refused:
            stage.api.request("PATCH", f"{path}?fieldManager=m{force}", given, content)
        assert refused.value.code == 409
    assert "state" not in stage.status()


def _bare(resource: Object) -> Object:
    return {key: resource[key] for key in ("apiVersion", "kind")}


def _writes_nothing_for_a_second(stage: Stage) -> bool:
    before = len(stage.calls.writes())
    time.sleep(1)
    return len(stage.calls.writes()) == before


def test_the_kinds_are_fuzzed_both() -> None:
    drawn = draw_many(resources_of(TRADING_BOT), 20, 7)
    assert drawn == draw_many(resources_of(TRADING_BOT), 20, 7), "a seed repeats"
    assert len({str(value) for value in drawn}) > 15
