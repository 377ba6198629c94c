"""How the national portal is reached: TLS files, the proxy, and what fails on the way to it."""

import ssl
from pathlib import Path

import aiohttp
from aiohttp.http_exceptions import HttpProcessingError
from cryptography import x509

from lgsp.domain.errors import ConfigurationError
from lgsp.runtime import metrics
from lgsp.runtime.settings import Settings

_CA, _CERT, _KEY = (
    "LGSP_NATIONAL_CA_FILE",
    "LGSP_NATIONAL_CERT_FILE",
    "LGSP_NATIONAL_KEY_FILE",
)
_PROXY = "LGSP_NATIONAL_PROXY"
_ENDED, _HOST_DIFFERS, _NOT_YET = 10, 62, 9  # OpenSSL's verification results
_OTHER_ADDRESS = 64
_ASKS_FOR_OURS = ("CERTIFICATE_REQUIRED", "HANDSHAKE_FAILURE", "BAD_CERTIFICATE", "UNKNOWN_CA")


class _Noting(ssl.SSLObject):
    """A TLS connection that notes in the metrics when the portal's certificate ends."""

    def do_handshake(self) -> None:
        super().do_handshake()
        shown = self.getpeercert() or {}
        if ends := shown.get("notAfter"):
            metrics.NATIONAL_CERTIFICATE.labels("portal").set(ssl.cert_time_to_seconds(str(ends)))


def tls_context(settings: Settings) -> ssl.SSLContext | None:
    """Return how to verify the portal and to show who we are, None for a portal without TLS.

    Notes the end of our certificate in the metrics.

    Raises:
        ConfigurationError: a file is not readable, is not what its setting says, does not fit the
            others, or is set for a portal without TLS.
    """
    files = {
        _CA: settings.national_ca_file,
        _CERT: settings.national_cert_file,
        _KEY: settings.national_key_file,
    }
    given = [name for name, file in files.items() if file is not None]
    if not settings.national_base.startswith("https://"):
        if given:
            raise ConfigurationError(
                f"{given[0]} is set, and LGSP_NATIONAL_URL is no https:// address"
            )
        return None
    for name, file in files.items():
        if file is not None:
            _read(name, file)
    ca, cert, key = files.values()
    if key is not None and cert is None:
        raise ConfigurationError(f"{_KEY} is set without {_CERT}")
    try:
        context = ssl.create_default_context(cafile=ca)
    except ssl.SSLError as error:
        raise ConfigurationError(f"{_CA}: {ca} holds no certificates in PEM") from error
    context.sslobject_class = _Noting
    if cert is not None:
        _show_who_we_are(context, cert, key, settings.national_key_password.get_secret_value())
    return context


def connection_trouble(error: Exception) -> str:
    """Say in one line why there is no connection, with the way out; no secret is in it."""
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return _unverified(error.host, error.certificate_error)
    if isinstance(error, aiohttp.ClientHttpProxyError):
        return f"the proxy refuses to connect (HTTP {error.status}): check {_PROXY}"
    if isinstance(error, aiohttp.ClientProxyConnectionError):
        return f"the proxy {error.host}:{error.port} does not answer: check {_PROXY}"
    reason = getattr(error, "reason", "") or ""
    if any(mark in f"{reason}" for mark in _ASKS_FOR_OURS):
        return _asks_for_ours()
    if isinstance(error, aiohttp.ClientConnectorSSLError):
        return (
            f"{error.host}:{error.port} answers without TLS, or with one that we do not speak"
            f" ({reason}): check LGSP_NATIONAL_URL"
        )
    return f"{error}" or type(error).__name__


def lost_connection(error: Exception, *, unnamed: bool) -> str:
    """Say why a connection was lost once it stood.

    Args:
        error: what aiohttp raised.
        unnamed: over TLS, at the first call, without a certificate of ours: a TLS 1.3 server that
            asks for one ends it so.
    """
    quotes = isinstance(error, aiohttp.ClientResponseError | HttpProcessingError)
    said = "the answer is not HTTP" if quotes else f"{error}"  # the library shows what came
    text = f"{type(error).__name__}: {said}".rstrip(": ")
    if "SSL" in text and any(mark in text for mark in _ASKS_FOR_OURS):
        return f"{_asks_for_ours()} ({type(error).__name__})"
    return f"{text}; if the portal asks for a certificate, set {_CERT}" if unnamed else text


def _asks_for_ours() -> str:
    return f"the portal does not accept our certificate, or asks for one: check {_CERT}, {_KEY}"


def _unverified(host: str, error: Exception) -> str:
    number = getattr(error, "verify_code", 0)
    said = getattr(error, "verify_message", "") or "certificate verify failed"
    if number in {_ENDED, _NOT_YET}:
        out = "the portal has to renew it, unless the clock of this machine is wrong"
    elif number in {_HOST_DIFFERS, _OTHER_ADDRESS}:
        out = "LGSP_NATIONAL_URL must name the host as the certificate does"
    else:
        out = f"set {_CA} to a PEM file with the authority that signed it"
    return f"the certificate of {host} is not trusted ({said.rstrip('.')}): {out}"


def _read(name: str, file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"{name}: {file} cannot be read: {error.strerror}") from error


def _show_who_we_are(context: ssl.SSLContext, cert: Path, key: Path | None, password: str) -> None:
    try:
        # A function, so that a locked key without its password asks nobody at a terminal.
        context.load_cert_chain(cert, key, password=lambda: password)
    except (ssl.SSLError, ValueError, OSError) as error:
        mismatch = "KEY_VALUES_MISMATCH" in str(error)
        why = (
            f"the key does not belong to the certificate {cert}"
            if mismatch
            else f"{cert} and {key or 'its key'} are no certificate and key in PEM, or the key is"
            " locked by another password than LGSP_NATIONAL_KEY_PASSWORD"
        )
        raise ConfigurationError(f"{_CERT}, {_KEY}: {why}") from error
    ends = min(c.not_valid_after_utc for c in x509.load_pem_x509_certificates(cert.read_bytes()))
    metrics.NATIONAL_CERTIFICATE.labels("client").set(ends.timestamp())
