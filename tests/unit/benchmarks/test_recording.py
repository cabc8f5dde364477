"""What is replayed is what was written: these requests and no others, moved to another place."""

import json
from pathlib import Path
from typing import Any

from benchmarks.client import APPLY, JSON, MERGE
from benchmarks.recording import Move, Recording

USER = "system:serviceaccount:first:botcripto-operator"
OLD, NEW = "11111111-2222-3333-4444-555555555555", "66666666-7777-8888-9999-000000000000"


def call(verb: str = "patch", **changes: Any) -> dict[str, Any]:
    return {
        "verb": verb,
        "user": {"username": USER},
        "requestURI": "/apis/botcripto.io/v1alpha1/namespaces/first/tradingbots/a/status"
        "?fieldManager=botcripto-operator&force=true",
        "objectRef": {"resource": "tradingbots"},
        "responseStatus": {"code": 200},
        "requestObject": {
            "apiVersion": "botcripto.io/v1alpha1",
            "metadata": {"namespace": "first", "uid": OLD, "resourceVersion": "7"},
        },
        "stageTimestamp": "2026-11-22T10:00:00.250000Z",
        **changes,
    }


def recorded(tmp_path: Path, *calls: dict[str, Any]) -> Recording:
    log = tmp_path / "audit.log"
    log.write_text(json.dumps(call()) + "\n", encoding="utf-8")
    recording = Recording.begin(log)
    with log.open("a", encoding="utf-8") as lines:
        lines.writelines(json.dumps(c) + "\n" for c in calls)
    return recording


def test_reads_refusals_strangers_the_lease_and_what_was_before_are_left_out(
    tmp_path: Path,
) -> None:
    recording = recorded(
        tmp_path,
        call("get"),
        call(responseStatus={"code": 409}),
        call(user={"username": "admin"}),
        call(objectRef={"resource": "leases"}),
        call("delete", requestObject={}, requestURI="/x"),
    )
    (write,) = recording.writes(USER)
    assert (write.request.method, write.request.path) == ("DELETE", "/x")
    assert write.answered_at == 1795341600.25


def test_a_patch_is_replayed_as_the_kind_of_patch_it_was(tmp_path: Path) -> None:
    merge = {"spec": {"suspend": False}}
    recording = recorded(tmp_path, call(), call(requestObject=merge), call("create"))
    types = [write.request.content_type for write in recording.writes(USER)]
    assert types == [APPLY, MERGE, JSON]


def test_a_request_is_moved_with_the_uids_of_the_other_place(tmp_path: Path) -> None:
    (write,) = recorded(tmp_path, call()).writes(USER)
    moved = Move("first", "second", {OLD: NEW}).of(write.request)
    assert "/namespaces/second/tradingbots/a/status?" in moved.path
    assert json.loads(moved.body)["metadata"] == {"namespace": "second", "uid": NEW}
    assert moved.content_type == APPLY
