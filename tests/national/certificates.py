"""Certificates of made-up authorities, written as PEM files."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID

HERE = x509.IPAddress(ip_address("127.0.0.1"))


@dataclass
class Authority:
    """An authority and the folder of its files; `pem` is its certificate."""

    folder: Path
    name: str = "authority"

    def __post_init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.pem = self.folder / f"{self.name}.pem"
        self.certificate = self._signed(self.name, self.key, None, timedelta(days=365))
        self.pem.write_bytes(self.certificate.public_bytes(Encoding.PEM))

    def issue(
        self,
        name: str,
        *,
        of: x509.GeneralName = HERE,
        days: float = 30,
        password: bytes = b"",
    ) -> tuple[Path, Path]:
        """Write a certificate and its key; negative `days`: it has ended."""
        key = ec.generate_private_key(ec.SECP256R1())
        found = self._signed(name, key, of, timedelta(days=days))
        files = self.folder / f"{name}.crt", self.folder / f"{name}.key"
        files[0].write_bytes(found.public_bytes(Encoding.PEM))
        lock = BestAvailableEncryption(password) if password else NoEncryption()
        files[1].write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, lock))
        return files

    def _signed(
        self,
        name: str,
        key: ec.EllipticCurvePrivateKey,
        of: x509.GeneralName | None,
        life: timedelta,
    ) -> x509.Certificate:
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        issuer = subject if of is None else self.certificate.subject
        now = datetime.now(UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=400))
            .not_valid_after(now + life)
            .add_extension(x509.BasicConstraints(ca=of is None, path_length=None), critical=True)
        )
        if of is not None:
            builder = builder.add_extension(x509.SubjectAlternativeName([of]), critical=False)
        return builder.sign(self.key, hashes.SHA256())
