"""One real server for all peers: plain, STARTTLS with a password, and implicit TLS with a password."""

from __future__ import annotations

import datetime
import hashlib
import ipaddress
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.peers.house import PASSWORD, USER, House
from tests.support.server import RunningServer

CONFIGURATION = """
[[smtp.listeners]]
name = "plain"
port = 0

[[smtp.listeners]]
name = "submission"
port = 0
tls = "required"
certificate = "{certificate}"
certificate_key = "{key}"
require_auth = true

[[smtp.listeners]]
name = "smtps"
port = 0
tls = "implicit"
certificate = "{certificate}"
certificate_key = "{key}"
require_auth = true

[archive]
path = "{folder}/data"

[viewer]
port = 0

[[application]]
name = "shop"
username = "{user}"
secret_hash = "sha256:{secret}"
"""


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("peers")
    certificate, key = make_certificate(folder)
    secret = hashlib.sha256(PASSWORD.encode()).hexdigest()
    text = CONFIGURATION.format(certificate=certificate, key=key, folder=folder, user=USER, secret=secret)
    with RunningServer(folder, text, own_tables=True) as server:
        ports = {name: int(address.rpartition(":")[2]) for name, address in server.status["smtp"]}
        yield House(
            archive=server.archive_path / "archive.db",
            config=server.config_file,
            certificate=certificate,
            **ports,
        )


def make_certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate for localhost and 127.0.0.1 that signs itself, and its key, as PEM files."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    today = datetime.datetime.now(datetime.UTC)
    names: list[x509.GeneralName] = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(today - datetime.timedelta(hours=1))
        .not_valid_after(today + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    paths = folder / "certificate.pem", folder / "key.pem"
    paths[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return paths
