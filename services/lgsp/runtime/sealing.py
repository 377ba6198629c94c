"""Seals personal data: AES-256-GCM under a named key, bound to the record it belongs to.

Layout: version (1 byte) | length of the key id (1 byte) | key id | nonce (12 bytes) | ciphertext
and tag. Rotation: add a key to the file and make it `current`; older ones still open old seals.
"""

import base64
import hashlib
import hmac
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from lgsp.domain.errors import ConfigurationError, RejectedRecord, RejectReason
from lgsp.runtime.disk import refused
from lgsp.runtime.settings import Settings

_VERSION = 1
_NONCE = 12
_KEY = 32


class Sealer:
    """Seals with the current key and opens with any key it holds; never shows a key.

    Args:
        keys: key id (at most 255 bytes of UTF-8) -> 32 bytes.
        current: id of the key that seals.
    """

    def __init__(self, keys: Mapping[str, bytes], current: str) -> None:
        self._ciphers = {name: AESGCM(key) for name, key in keys.items()}
        self._current = current
        first = next(iter(keys.values()))
        self._pseudonym_key = hashlib.blake2b(b"lgsp pseudonym", key=first).digest()
        name = current.encode()
        self._header = bytes([_VERSION, len(name)]) + name

    def __repr__(self) -> str:
        return f"Sealer(current={self._current!r}, keys={sorted(self._ciphers)})"

    def seal(self, data: Mapping[str, Any] | bytes, aad: str) -> bytes:
        """Seal `data` (a mapping is sealed as JSON) for the record named by `aad`.

        The nonce is random: sealing the same data twice gives different bytes.
        """
        clear = data if isinstance(data, bytes) else _to_json(data)
        nonce = os.urandom(_NONCE)
        sealed = self._ciphers[self._current].encrypt(nonce, clear, self._bind(self._header, aad))
        return self._header + nonce + sealed

    def open(self, blob: bytes, aad: str) -> bytes:
        """Return the clear bytes of a seal made for `aad`.

        Raises:
            RejectedRecord: UNREADABLE; the detail says which: not a seal, an unknown key id, or
                changed or of another record.
        """
        name_end = 2 + blob[1] if len(blob) > 2 and blob[0] == _VERSION else len(blob)
        if len(blob) < name_end + _NONCE + 16:
            raise _unreadable("not a seal of ours: wrong version or too short")
        name = blob[2:name_end].decode(errors="replace")
        cipher = self._ciphers.get(name)
        if cipher is None:
            raise _unreadable(f"sealed with the key {name!r}, which is not in the key file")
        nonce = blob[name_end : name_end + _NONCE]
        try:
            return cipher.decrypt(
                nonce, blob[name_end + _NONCE :], self._bind(blob[:name_end], aad)
            )
        except InvalidTag:
            raise _unreadable(
                f"the seal does not fit {aad!r}: changed, of another record, or of another key"
                f" named {name!r}"
            ) from None

    def pseudonym(self, data: bytes) -> str:
        """Return 32 hex digits that stand for `data`; not to be guessed back without the key.

        The first key of the file makes them, so they stay the same when keys are rotated.
        """
        return hmac.new(self._pseudonym_key, data, hashlib.sha256).hexdigest()[:32]

    @staticmethod
    def _bind(header: bytes, aad: str) -> bytes:
        return header + aad.encode()


def key_file(settings: Settings) -> Path:
    """Return the file of the sealing keys of this installation."""
    return settings.seal_key_file or settings.data / "keys" / "seal.json"


def load(path: Path) -> Sealer:
    """Read the key file: `{"current": "k1", "keys": {"k1": "<base64 of 32 bytes>"}}`.

    Raises:
        ConfigurationError: the file is missing, readable by others, or not of that form.
    """
    try:
        readable_by_others = path.stat().st_mode & 0o077
        found = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise ConfigurationError(_refused(path, "read", error)) from error
    except ValueError as error:
        raise ConfigurationError(
            f"{path}: the sealing keys are not JSON: bring the file back from a backup; without it"
            " nothing can be opened that it has sealed"
        ) from error
    if readable_by_others:
        raise ConfigurationError(f"{path}: others can read the sealing keys: chmod 600 it")
    return _sealer(found, path)


def load_or_create(path: Path) -> Sealer:
    """Read the key file; make one with a new random key, readable by its owner only, if absent.

    Several processes may do so at once: they all end up with the same file.

    Raises:
        ConfigurationError: as `load`; or the file cannot be written.
    """
    try:
        there = path.exists()
    except OSError as error:  # in a folder that we may not enter
        raise ConfigurationError(_refused(path, "read", error)) from error
    if not there:
        _create(path)
    return load(path)


def _create(path: Path) -> None:
    key = base64.b64encode(os.urandom(_KEY)).decode()
    part = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            json.dump({"current": "k1", "keys": {"k1": key}}, file)
            file.flush()
            os.fsync(file.fileno())  # a power cut must not take the key of what it has sealed
        try:
            os.link(part, path)  # fails when another process was quicker: then its key stands
        except FileExistsError:
            return
        finally:
            part.unlink()
    except OSError as error:
        raise ConfigurationError(_refused(path, "write", error)) from error


def _refused(path: Path, what: str, error: OSError) -> str:
    said = f"{path}: cannot {what} the sealing keys: {error.strerror}"
    way = "" if isinstance(error, FileNotFoundError) else refused(path)
    return f"{said}: {way}" if way else said


def _sealer(found: Any, path: Path) -> Sealer:
    if not isinstance(found, dict) or not isinstance(found.get("keys"), dict):
        raise ConfigurationError(f'{path}: needs {{"current": id, "keys": {{id: base64}}}}')
    keys: dict[str, bytes] = {}
    for name, text in found["keys"].items():
        try:
            keys[name] = base64.b64decode(text, validate=True)
        except (TypeError, ValueError):
            raise ConfigurationError(f"{path}: keys.{name} is not base64") from None
        if len(keys[name]) != _KEY:
            raise ConfigurationError(
                f"{path}: keys.{name} has {len(keys[name])} bytes, not {_KEY}"
            )
        if not 0 < len(name.encode()) <= 255:
            raise ConfigurationError(f"{path}: the key id {name!r} is not 1 to 255 bytes long")
    if found.get("current") not in keys:
        raise ConfigurationError(
            f"{path}: current is {found.get('current')!r}, which is not one of {sorted(keys)}"
        )
    return Sealer(keys, found["current"])


def _to_json(data: Mapping[str, Any]) -> bytes:
    return json.dumps(data, ensure_ascii=False, sort_keys=True).encode()


def _unreadable(detail: str) -> RejectedRecord:
    return RejectedRecord(RejectReason.UNREADABLE, field="sealed", detail=detail)
