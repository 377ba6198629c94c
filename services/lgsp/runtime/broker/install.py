"""Finds Java and brings Apache Kafka to this machine, once, with the ordinary Maven client."""

import functools
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from importlib.resources import files
from pathlib import Path

from lgsp.domain.errors import ConfigurationError

DIST = Path(str(files("lgsp.runtime").joinpath("broker", "dist")))
MIN_JAVA = 17
_VERSION_WITHIN = 60.0  # seconds; a Java that has not said its version by then is no Java
_FETCHED_WITHIN = 1800.0  # seconds for 44 MB: a slow line may have them, a dead one ends
INSTALL_HINT = (
    "the embedded broker needs Java 17 and Maven (Debian: apt-get install openjdk-17-jre-headless"
    " maven); or run `docker compose up`; or point LGSP_BROKER at a Kafka that runs already"
)


@functools.cache
def kafka_version() -> str:
    """Return the version of Apache Kafka pinned in pom.xml."""
    pom = (DIST / "pom.xml").read_text("utf-8")
    found = re.search(r"<kafka\.version>([^<]+)<", pom)
    assert found is not None  # noqa: S101 - the pom is ours
    return found[1]


def find_java() -> str:
    """Return the path of a `java` that is new enough: JAVA_HOME's, else the one on PATH.

    Raises:
        ConfigurationError: there is none, or it is too old; names the ways out.
    """
    home = os.environ.get("JAVA_HOME")
    java = shutil.which("java", path=str(Path(home) / "bin")) if home else shutil.which("java")
    if java is None:
        where = f"in JAVA_HOME={home}" if home else "on PATH"
        raise ConfigurationError(f"no java {where}: {INSTALL_HINT}")
    said = _run([java, "-version"], _VERSION_WITHIN)
    version = re.search(r'version "(\d+)', said.stderr + said.stdout)
    if said.returncode != 0 or version is None:
        raise ConfigurationError(f"{java} -version does not work: {said.stderr.strip()[:200]}")
    if int(version[1]) < MIN_JAVA:
        raise ConfigurationError(f"{java} is Java {version[1]}, too old: {INSTALL_HINT}")
    return java


def libraries(cache: Path | None) -> Path:
    """Return the folder of Kafka's jars, fetching them when they are not there (about 44 MB).

    Args:
        cache: folder that keeps them; None: `mini-lgsp` under the user's cache folder.

    Raises:
        ConfigurationError: Maven is missing or cannot fetch them; names the ways out.
    """
    pom = DIST / "pom.xml"
    digest = hashlib.sha256(pom.read_bytes()).hexdigest()[:8]
    folder = (cache or _user_cache()) / f"kafka-{kafka_version()}-{digest}"
    if not folder.is_dir():
        _fetch(pom, folder)
    return folder


def _user_cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "mini-lgsp"


def _fetch(pom: Path, folder: Path) -> None:
    maven = shutil.which("mvn")
    if maven is None:
        raise ConfigurationError(
            f"Apache Kafka is not in {folder.parent} yet, and there is no Maven on PATH"
            f" to fetch it: {INSTALL_HINT}"
        )
    _progress(f"fetching Apache Kafka {kafka_version()} with Maven (44 MB, once) ...")
    began = time.monotonic()
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".part-", dir=folder.parent) as part:
        jars = Path(part, "jars")
        command = [
            *[maven, "--quiet", "--batch-mode", "--strict-checksums", "-Dstyle.color=never"],
            *["--file", str(pom), "dependency:copy-dependencies"],
            *["-DincludeScope=runtime", f"-DoutputDirectory={jars}"],
        ]
        # In the part folder, because Maven leaves its `target` beside the pom otherwise.
        said = _run(command, _FETCHED_WITHIN, part)
        if said.returncode != 0:
            last = "\n".join((said.stdout + said.stderr).strip().splitlines()[:5])
            raise ConfigurationError(f"Maven could not fetch Apache Kafka: {last}\n{INSTALL_HINT}")
        try:
            jars.rename(folder)
        except OSError:
            if not folder.is_dir():  # else another process was quicker, with the same jars
                raise
    _progress(f"fetched Apache Kafka in {time.monotonic() - began:.0f} s: {folder}")


def _run(
    command: list[str], seconds: float, folder: str | None = None
) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            command, capture_output=True, text=True, check=False, cwd=folder, timeout=seconds
        )
    except subprocess.TimeoutExpired as error:
        raise ConfigurationError(
            f"{command[0]} did not end within {seconds:g} s: {INSTALL_HINT}"
        ) from error


def _progress(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()
