import os
from pathlib import Path

import pytest

from tests.cluster import binaries, packages, requirements
from tests.cluster.__main__ import EXIT_REQUIREMENTS, main
from tests.cluster.errors import RequirementsMissing
from tests.cluster.requirements import Requirement


def test_what_is_missing_is_named_with_its_remedy() -> None:
    found = [
        Requirement("root", met=False, found="user id 1000", remedy="run as root (sudo -E)"),
        Requirement("runc", met=True, found="", remedy="apt-get install runc"),
    ]
    message = requirements.explain("a Kubernetes node", found)
    assert message is not None
    assert "a Kubernetes node cannot run on this machine" in message
    assert "root: user id 1000\n      run as root (sudo -E)" in message
    assert "runc" not in message


def test_nothing_missing_is_nothing_to_explain() -> None:
    assert requirements.explain("a node", [Requirement("x", met=True, found="", remedy="")]) is None


def test_a_user_who_is_not_root_gets_exit_code_3_and_the_reason(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert main(["check"]) == EXIT_REQUIREMENTS
    assert "MISSING  root" in capsys.readouterr().out
    assert main(["up", "--name", "never"]) == EXIT_REQUIREMENTS
    assert "root: user id 1000" in capsys.readouterr().err


def test_missing_commands_are_named_with_their_packages(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("tests.cluster.processes.which", {}.get)
    monkeypatch.setattr("tests.cluster.node.CNI_FOLDERS", (tmp_path,))
    with pytest.raises(RequirementsMissing) as caught:
        requirements.require(control_plane_only=False)
    assert "runc: missing: runc\n      apt-get install runc" in str(caught.value)
    assert "containernetworking-plugins: missing: bridge" in str(caught.value)
    expected = {"runc", "containerd", "nftables", "buildah", "etcd-server"}
    assert expected <= set(packages.missing(images=True))


def test_another_operating_system_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "darwin")
    found = requirements.check(control_plane_only=True)
    assert [(r.name, r.met, r.found) for r in found] == [("Linux", False, "darwin")]


def test_too_little_disk_is_told_with_what_is_free(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr("tests.cluster.requirements.FREE_GIGABYTES_CONTROL_PLANE", 10**9)
    disk = {r.name: r for r in requirements.check(control_plane_only=True)}["disk"]
    assert not disk.met
    assert "GB free" in disk.found


def test_a_users_own_programs_are_taken_first(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(tmp_path))
    for name in ("etcd", "kube-apiserver", "kubelet"):
        (tmp_path / name).write_text("#!/bin/sh\n")
        (tmp_path / name).chmod(0o755)
    assert binaries.locate("etcd") == tmp_path / "etcd"
    assert binaries.locate("kube-apiserver") == tmp_path / "kube-apiserver"
    assert binaries.locate("kubelet") != tmp_path / "kubelet"


def test_a_go_that_is_too_old_is_not_taken(tmp_path: Path) -> None:
    go = tmp_path / "go"
    go.write_text("#!/bin/sh\necho go1.19.8\n")
    go.chmod(0o755)
    assert binaries.go_version(go) == (1, 19)
    assert binaries.go_version(tmp_path / "absent") is None


def test_the_release_is_the_one_that_the_module_pins() -> None:
    found = binaries.release()
    assert found.version.startswith("v1.34.")
    assert f"gitVersion={found.version}" in found.linker_flags
    assert found.digest in str(found.folder)
