"""Certificates for the faults of TLS, each signed by itself: made once a process."""

from __future__ import annotations

import datetime as dt
import ipaddress
import tempfile
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from threading import Lock

CAN_BE_MADE = find_spec("cryptography") is not None
_LOCK = Lock()
_made: dict[tuple[str, bool], str] = {}


def certificate(host: str, *, expired: bool = False) -> str:
    """The path of a file with a certificate for an address, and its key."""
    with _LOCK:
        if (host, expired) not in _made:
            _made[host, expired] = _make(host, expired=expired)
        return _made[host, expired]


@cache
def _place() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="certificates-")


def _make(host: str, *, expired: bool) -> str:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "tests")])
    now = dt.datetime.now(dt.UTC)
    until = now - dt.timedelta(days=1) if expired else now + dt.timedelta(days=1)
    address = x509.IPAddress(ipaddress.ip_address(host))
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=30))
        .not_valid_after(until)
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(
        pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file = Path(_place().name) / f"{host}-{expired}.pem"
    file.write_bytes(private + signed.public_bytes(pem))
    return str(file)
