"""The store: whole files or none, and messages when the volume does not take them."""

import errno
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bot_runtime.contract.exitcodes import ExitCode
from bot_runtime.process.errors import ArtifactInvalidError, StoreUnavailableError
from bot_runtime.store.files import load_json, new_directory, save_bytes, save_json, sha256_of
from bot_runtime.store.layout import Store
from tests.eventually import eventually


def publish(target: Path, write: Callable[[Path], object]) -> None:
    with new_directory(target, keep_existing=True) as folder:
        write(folder)


def end_badly(folder: Path) -> None:
    (folder / "manifest.json").write_text("{}", encoding="utf-8")
    raise RuntimeError("killed")


def test_paths_are_those_of_the_layout() -> None:
    store = Store(Path("/s"))
    assert store.candles("t", "BTC/USDT") == Path("/s/trainings/t/candles/BTC-USDT.parquet")
    assert store.objective("t", "Risk") == Path("/s/trainings/t/objectives/Risk")
    assert store.signal("BTC/USDT") == Path("/s/signals/BTC-USDT.json")
    assert store.version("v") == Path("/s/versions/v")
    assert store.result("t", "Data") == Path("/s/trainings/t/result-Data.json")


def test_environment_names_the_store(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOTCRIPTO_STORE", "/elsewhere")
    assert Store.from_environment().root == Path("/elsewhere")
    monkeypatch.delenv("BOTCRIPTO_STORE")
    assert Store.from_environment().root == Path("/var/lib/botcripto")


def test_json_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "value.json"
    save_json(path, {"b": 1.5, "a": ["ä"]})
    assert load_json(path) == {"b": 1.5, "a": ["ä"]}
    assert [p.name for p in path.parent.iterdir()] == ["value.json"]


def test_number_that_is_none_is_not_written(tmp_path: Path) -> None:
    path = tmp_path / "value.json"
    save_json(path, {"a": 1})
    with pytest.raises(ValueError, match="JSON"):
        save_json(path, {"a": float("nan")})
    assert load_json(path) == {"a": 1}


WRITER = """
import sys
from pathlib import Path
from bot_runtime.store.files import new_file
path = Path(sys.argv[1])
with new_file(path) as temporary:
    with temporary.open("wb") as file:
        file.write(b"half")
        file.flush()
        print("written", flush=True)
        sys.stdin.read()
"""


def test_process_killed_while_writing_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "value.json"
    save_bytes(path, b"old and whole")
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[3])},
    ) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"written\n"
        assert path.read_bytes() == b"old and whole"
        writer.send_signal(signal.SIGKILL)
    assert path.read_bytes() == b"old and whole"


def test_volume_that_is_full_says_so(tmp_path: Path) -> None:
    # /dev/full answers every write as a full volume does.
    (tmp_path / "full").symlink_to("/dev/full")
    with pytest.raises(
        StoreUnavailableError, match=r"No space left on device.*make room"
    ) as caught:
        publish(tmp_path / "version", lambda _: (tmp_path / "full").write_bytes(b"x" * 100_000))
    assert caught.value.exit_code == ExitCode.STORE_UNAVAILABLE
    assert not (tmp_path / "version").exists()


def test_what_says_nothing_of_the_volume_is_not_put_down_to_it(tmp_path: Path) -> None:
    def lack_a_temporary_folder(_: Path) -> None:
        raise FileNotFoundError(errno.ENOENT, "No usable temporary directory found in ['/tmp']")

    with pytest.raises(FileNotFoundError, match="No usable temporary directory"):
        publish(tmp_path / "version", lack_a_temporary_folder)
    assert not (tmp_path / "version").exists()


def test_volume_that_is_a_file_is_not_available(tmp_path: Path) -> None:
    (tmp_path / "root").write_text("x", encoding="utf-8")
    with pytest.raises(StoreUnavailableError, match=r"signals/BTC-USDT\.json: cannot be written"):
        save_json(Store(tmp_path / "root").signal("BTC/USDT"), {})


def test_volume_without_permission_is_not_available() -> None:
    # /proc takes no file, not even from root.
    with pytest.raises(StoreUnavailableError, match="cannot be written"):
        save_bytes(Path("/proc/sys/value.json"), b"x")


def test_library_that_cannot_be_loaded_is_no_fault_of_the_volume(tmp_path: Path) -> None:
    def load(_: Path) -> None:
        raise OSError("libgomp.so.1: cannot open shared object file")

    with pytest.raises(OSError, match=r"libgomp.so.1"):
        publish(tmp_path / "version", load)


def test_directory_is_there_whole_or_not_at_all(tmp_path: Path) -> None:
    target = tmp_path / "versions" / "v1"
    with pytest.raises(RuntimeError):
        publish(target, end_badly)
    assert not target.exists()
    assert list(target.parent.iterdir()) == []


def test_published_directory_is_kept(tmp_path: Path) -> None:
    target = tmp_path / "v1"
    for text in ("first", "second"):
        with new_directory(target, keep_existing=True) as folder:
            (folder / "a").write_text(text, encoding="utf-8")
    assert (target / "a").read_text(encoding="utf-8") == "first"
    assert list(tmp_path.iterdir()) == [target]


def test_repeated_step_replaces_its_directory(tmp_path: Path) -> None:
    target = tmp_path / "Trend"
    for name in ("first", "second"):
        with new_directory(target, keep_existing=False) as folder:
            (folder / name).touch()
    assert [p.name for p in target.iterdir()] == ["second"]
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize(("text", "what"), [("{", "is not JSON"), ("[]", "found list")])
def test_file_that_is_no_object_is_an_invalid_artifact(
    tmp_path: Path, text: str, what: str
) -> None:
    path = tmp_path / "dataset.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ArtifactInvalidError, match=what):
        load_json(path)


def test_missing_file_is_an_invalid_artifact(tmp_path: Path) -> None:
    with pytest.raises(ArtifactInvalidError, match=r"dataset\.json: is not in the store"):
        load_json(tmp_path / "dataset.json")
    with pytest.raises(ArtifactInvalidError):
        sha256_of(tmp_path / "graph.onnx")


def test_digest_is_the_sha256_of_the_bytes(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"abc")
    assert sha256_of(path).startswith("ba7816bf8f01cfea")


def test_reader_never_sees_a_half_written_file(tmp_path: Path) -> None:
    path = tmp_path / "value.json"
    script = (
        "import sys; from pathlib import Path; from bot_runtime.store.files import save_json\n"
        "for i in range(200): save_json(Path(sys.argv[1]), {'i': i, 'pad': 'x' * 100_000})"
    )
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[3])}
    with subprocess.Popen([sys.executable, "-c", script, str(path)], env=environment) as writer:
        eventually(path.exists, every=0.01)
        while writer.poll() is None:
            assert len(json.loads(path.read_bytes())["pad"]) == 100_000
    assert writer.returncode == 0


def test_the_store_lists_what_it_has_and_what_is_half_written_apart(tmp_path: Path) -> None:
    store = Store(tmp_path)
    assert (store.versions(), store.trainings(), store.unfinished()) == ([], [], [])
    for folder in (store.version("b"), store.version("a"), store.training("t")):
        folder.mkdir(parents=True)
    half = store.version(".a.x1")
    half.mkdir()
    (store.version("a").parent / "file").touch()
    assert store.versions() == [store.version("a"), store.version("b")]
    assert store.trainings() == [store.training("t")]
    assert store.unfinished() == [half]
