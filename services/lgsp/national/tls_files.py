"""The TLS files of the way to the national portal, read again when they were renewed."""

import ssl
import time
from collections.abc import Callable
from pathlib import Path

import structlog

from lgsp.domain.errors import ConfigurationError
from lgsp.national.transport import tls_context
from lgsp.runtime.settings import Settings

_LOOK_EVERY = 30.0  # seconds


class TlsFiles:
    """Gives the newest TLS context that the files make.

    Files that do not fit each other, as in the middle of a renewal, leave the one before in force.

    Args:
        settings: names the files.
        clock: monotonic seconds.

    Raises:
        ConfigurationError: they do not fit at the start.
    """

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.monotonic) -> None:
        self._settings = settings
        self._clock = clock
        given = (
            settings.national_ca_file,
            settings.national_cert_file,
            settings.national_key_file,
        )
        self._files = [file for file in given if file is not None]
        self._stamps = self._stamped()
        self._context = tls_context(settings)
        self._look_at = clock() + _LOOK_EVERY

    @property
    def context(self) -> ssl.SSLContext | None:
        """How to verify the portal and to show who we are, None for a portal without TLS."""
        if self._files and self._clock() >= self._look_at:
            self._look_at = self._clock() + _LOOK_EVERY
            self._look()
        return self._context

    def _look(self) -> None:
        stamps = self._stamped()
        if stamps == self._stamps:
            return
        self._stamps = stamps
        log = structlog.get_logger()
        try:
            self._context = tls_context(self._settings)
        except ConfigurationError as error:
            log.warning("national_tls_files_not_taken", reason=str(error))
        else:
            log.info("national_tls_files_renewed")

    def _stamped(self) -> list[tuple[int, ...]]:
        return [_stamp(file) for file in self._files]


def _stamp(file: Path) -> tuple[int, ...]:
    try:
        found = file.stat()
    except OSError:
        return ()
    return (found.st_mtime_ns, found.st_size, found.st_ino)
