import hashlib
import io
import json
import tarfile
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.x509.oid import ExtensionOID

from tests.cluster import certificates, controlplane, oci, storage
from tests.cluster.layout import Layout, Network


def resources(rule: dict[str, Any]) -> set[tuple[str, str]]:
    return {(r["group"], n) for r in rule.get("resources", []) for n in r.get("resources", ["*"])}


def test_every_request_is_in_the_audit_log_at_least_by_its_metadata() -> None:
    rules = controlplane.audit_policy(bodies=False)["rules"]
    assert rules[-1] == {"level": "Metadata"}
    silent = [rule for rule in rules if rule["level"] == "None"]
    assert all("nonResourceURLs" in r or r["users"] for r in silent)


def test_bodies_never_hold_secrets_or_tokens() -> None:
    rules = controlplane.audit_policy(bodies=True)["rules"]
    recorded = [r for rule in rules if rule["level"] == "Request" for r in resources(rule)]
    assert ("batch", "*") in recorded
    assert ("botcripto.io", "*") in recorded
    core = {name for group, name in recorded if group == ""}
    assert core
    assert not core & {"*", "secrets", "serviceaccounts/token"}


def test_the_api_server_is_reached_by_pods_only_where_there_is_a_node(tmp_path: Path) -> None:
    alone = Layout("0" * 8, tmp_path, Network(1), control_plane_only=True)
    whole = Layout("0" * 8, tmp_path, Network(1), control_plane_only=False)
    assert alone.api_url.startswith("https://127.0.0.1:")
    assert whole.api_url.startswith("https://10.201.1.1:")


def test_a_server_certificate_names_all_addresses_and_is_signed(tmp_path: Path) -> None:
    authority = certificates.Authority(tmp_path)
    authority.issue_server("apiserver", ["kubernetes"], ["10.203.1.1", "127.0.0.1"])
    signer = x509.load_pem_x509_certificate((tmp_path / "ca.crt").read_bytes())
    found = x509.load_pem_x509_certificate((tmp_path / "apiserver.crt").read_bytes())
    found.verify_directly_issued_by(signer)
    names = found.extensions.get_extension_for_oid(ExtensionOID.SUBJECT_ALTERNATIVE_NAME).value
    assert isinstance(names, x509.SubjectAlternativeName)
    assert [str(a) for a in names.get_values_for_type(x509.IPAddress)] == [
        "10.203.1.1",
        "127.0.0.1",
    ]


def test_keys_and_tokens_are_for_their_owner_alone(tmp_path: Path) -> None:
    certificates.Authority(tmp_path).issue_client("kubelet-client", "kube-apiserver", "g")
    tokens = certificates.write_tokens(tmp_path, {"admin": ("system:masters",)})
    certificates.write_kubeconfig(
        tmp_path / "kubeconfig", "https://x", tmp_path / "ca.crt", tokens["admin"]
    )
    for name in ("kubelet-client.key", "tokens.csv", "kubeconfig"):
        assert (tmp_path / name).stat().st_mode & 0o077 == 0


def test_an_image_archive_holds_what_its_digests_say(tmp_path: Path) -> None:
    program = tmp_path / "pause"
    program.write_bytes(b"\x7fELF")
    with tarfile.open(fileobj=io.BytesIO(oci.program_image(program, "localhost/x:1"))) as tar:
        files = {m.name: tar.extractfile(m).read() for m in tar.getmembers()}  # type: ignore[union-attr] # all members are files
    for path, content in files.items():
        if path.startswith("blobs/sha256/"):
            assert hashlib.sha256(content).hexdigest() == path.rpartition("/")[2]
    entry = json.loads(files["index.json"])["manifests"][0]
    manifest = json.loads(files[oci.blob_path(entry["digest"])])
    assert entry["annotations"][oci.NAME] == "localhost/x:1"
    assert {oci.blob_path(layer["digest"]) for layer in manifest["layers"]} <= set(files)


def test_there_is_one_default_class_and_a_folder_for_every_volume(tmp_path: Path) -> None:
    layout = Layout("0" * 8, tmp_path, Network(1), control_plane_only=False)
    storage.make_folders(layout)
    first, *volumes = storage.objects(layout)
    assert first["kind"] == "StorageClass"
    assert len(volumes) == storage.COUNT
    assert all(Path(v["spec"]["local"]["path"]).is_dir() for v in volumes)
