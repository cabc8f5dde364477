"""The cluster's own certificate authority, key pairs and tokens; made anew for every cluster."""

import datetime
import ipaddress
import json
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

LIFETIME = datetime.timedelta(days=365)
CLOCK_TOLERANCE = datetime.timedelta(hours=1)

# user name → groups; each gets a kubeconfig with a token of its own
USERS: Mapping[str, Sequence[str]] = {
    "admin": ("system:masters",),
    "system:kube-controller-manager": (),
    "system:kube-scheduler": (),
    "system:kube-proxy": (),
}


def _write_private(path: Path, content: bytes) -> None:
    path.touch(mode=0o600)
    path.write_bytes(content)


def _write_key(path: Path, key: ec.EllipticCurvePrivateKey) -> None:
    encoding = serialization.Encoding.PEM
    form = serialization.PrivateFormat.TraditionalOpenSSL
    _write_private(path, key.private_bytes(encoding, form, serialization.NoEncryption()))


def _name(common: str, organization: str | None = None) -> x509.Name:
    attributes = [x509.NameAttribute(NameOID.COMMON_NAME, common)]
    if organization is not None:
        attributes.append(x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization))
    return x509.Name(attributes)


class Authority:
    """A certificate authority that writes certificates and keys into one folder."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name("botcripto test cluster")
        builder = self._builder(self._name, self._key.public_key()).add_extension(
            x509.BasicConstraints(ca=True, path_length=0), critical=True
        )
        certificate = builder.sign(self._key, hashes.SHA256())
        (folder / "ca.crt").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))

    def _builder(
        self, subject: x509.Name, public_key: ec.EllipticCurvePublicKey
    ) -> x509.CertificateBuilder:
        now = datetime.datetime.now(datetime.UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(public_key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - CLOCK_TOLERANCE)
            .not_valid_after(now + LIFETIME)
        )

    def issue_server(self, name: str, dns_names: Sequence[str], addresses: Sequence[str]) -> None:
        """Write `<name>.crt` and `<name>.key` for a server under all its names and addresses."""
        alternatives: list[x509.GeneralName] = [x509.DNSName(n) for n in dns_names]
        alternatives += [x509.IPAddress(ipaddress.ip_address(a)) for a in addresses]
        extension = x509.SubjectAlternativeName(alternatives)
        self._issue(name, _name(name), extension, ExtendedKeyUsageOID.SERVER_AUTH)

    def issue_client(self, name: str, common: str, organization: str) -> None:
        """Write `<name>.crt` and `<name>.key` for a user (`common`) of a group (`organization`)."""
        subject = _name(common, organization)
        self._issue(name, subject, None, ExtendedKeyUsageOID.CLIENT_AUTH)

    def _issue(
        self,
        name: str,
        subject: x509.Name,
        alternatives: x509.SubjectAlternativeName | None,
        usage: x509.ObjectIdentifier,
    ) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        builder = self._builder(subject, key.public_key())
        builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        if alternatives is not None:
            builder = builder.add_extension(alternatives, critical=False)
        certificate = builder.sign(self._key, hashes.SHA256())
        _write_key(self._folder / f"{name}.key", key)
        public = certificate.public_bytes(serialization.Encoding.PEM)
        (self._folder / f"{name}.crt").write_bytes(public)


def write_signing_key(folder: Path) -> None:
    """Write `service-accounts.key`, which signs the service accounts' tokens."""
    _write_key(folder / "service-accounts.key", ec.generate_private_key(ec.SECP256R1()))


def write_tokens(folder: Path, users: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Write `tokens.csv`, the API server's list of users, and return user → token."""
    tokens = {user: secrets.token_hex(24) for user in users}
    lines = [f'{tokens[user]},{user},{user},"{",".join(users[user])}"' for user in users]
    _write_private(folder / "tokens.csv", ("\n".join(lines) + "\n").encode())
    return tokens


def write_kubeconfig(path: Path, server: str, authority: Path, token: str) -> None:
    """Write a kubeconfig with one context, `botcripto`."""
    text = f"""\
apiVersion: v1
kind: Config
current-context: botcripto
clusters:
  - name: botcripto
    cluster: {{server: {json.dumps(server)}, certificate-authority: {json.dumps(str(authority))}}}
users:
  - name: botcripto
    user: {{token: {json.dumps(token)}}}
contexts:
  - name: botcripto
    context: {{cluster: botcripto, user: botcripto}}
"""
    _write_private(path, text.encode())
