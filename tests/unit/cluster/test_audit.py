from pathlib import Path

from tests.cluster.audit import read_calls


def test_a_line_that_is_being_written_is_left_out(tmp_path: Path) -> None:
    log = tmp_path / "audit.log"
    log.write_bytes(b'{"verb": "get"}\n{"verb": "cre')
    assert [call["verb"] for call in read_calls(log)] == ["get"]
    with log.open("ab") as file:
        file.write(b'ate"}\n')
    assert [call["verb"] for call in read_calls(log)] == ["get", "create"]


def test_it_reads_from_a_position_on(tmp_path: Path) -> None:
    log = tmp_path / "audit.log"
    log.write_bytes(b'{"verb": "get"}\n')
    start = log.stat().st_size
    with log.open("ab") as file:
        file.write(b'{"verb": "create"}\n')
    assert [call["verb"] for call in read_calls(log, start)] == ["create"]
