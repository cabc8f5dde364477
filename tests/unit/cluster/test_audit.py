import json
from pathlib import Path

from tests.cluster.audit import read_calls


def line(verb: str, **user: str) -> bytes:
    return json.dumps({"verb": verb, "user": user}).encode() + b"\n"


def verbs(log: Path, start: int = 0) -> list[str]:
    return [call["verb"] for call in read_calls(log, "ann", start)]


def test_a_line_that_is_being_written_is_left_out(tmp_path: Path) -> None:
    log = tmp_path / "audit.log"
    first, second = line("get", username="ann"), line("create", username="ann")
    log.write_bytes(first + second[:-5])
    assert verbs(log) == ["get"]
    log.write_bytes(first + second)
    assert verbs(log) == ["get", "create"]
    assert verbs(log, len(first)) == ["create"]


def test_calls_of_others_and_of_nobody_are_left_out(tmp_path: Path) -> None:
    log = tmp_path / "audit.log"
    log.write_bytes(line("get", username="bob") + line("list") + line("create", username="ann"))
    assert verbs(log) == ["create"]
