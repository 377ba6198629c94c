"""Kafka Streams (Java): builds it once, exports our rules' tables for it, and becomes it."""

import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import lgsp_schemas
from benchmarks.contenders.process import read_task
from benchmarks.dataset import cache_folder
from benchmarks.job import PROFILE
from lgsp.domain.errors import ConfigurationError
from lgsp.domain.status import Status
from lgsp.runtime.broker.install import find_java
from lgsp.runtime.calendar.vietnam import load_calendar

SOURCE = Path(__file__).parents[1] / "kstreams"


def build() -> Path:
    """Return the folder of classes and jars, made when the sources have changed.

    Raises:
        ConfigurationError: Maven or the Java compiler is missing, or refuses.
    """
    sources = [SOURCE / "pom.xml", *sorted(SOURCE.glob("src/*.java"))]
    digest = hashlib.sha256(b"".join(file.read_bytes() for file in sources)).hexdigest()[:10]
    folder = cache_folder() / f"kstreams-{digest}"
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as part:
            _run(
                *["mvn", "--quiet", "--batch-mode", "--file", str(sources[0])],
                *["dependency:copy-dependencies", f"-DoutputDirectory={part}/made"],
                folder=part,
            )
            _run(
                *["javac", "-cp", f"{part}/made/*", "-d", f"{part}/made"],
                *map(str, sources[1:]),
                folder=part,
            )
            Path(part, "made").rename(folder)
    return folder


def write_rules(file: Path) -> None:
    """Export the working days and which status takes effect after which, as Rules.java reads."""
    calendar = load_calendar()
    days = range(calendar.first, calendar.last + 1)
    takes = "".join(
        str(int(old is not Status.UNKNOWN and PROFILE.statuses.takes[reopens][old][new]))
        for old in Status
        for new in Status
        for reopens in (False, True)
    )
    worked = "".join(str(int(calendar.is_working(day))) for day in days)
    file.write_text(f"{calendar.first}\n{worked}\n{takes}\n", "ascii")


def _run(*command: str, folder: str) -> None:
    if shutil.which(command[0]) is None:
        raise ConfigurationError(f"kafka-streams: no {command[0]} on PATH (`make bench` installs)")
    said = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)
    if said.returncode != 0:
        raise ConfigurationError(f"kafka-streams: {(said.stdout + said.stderr)[:1000]}")


def main() -> None:
    """Replace this process by the Java one."""
    task = read_task()
    folder = build()
    task.work.mkdir(parents=True, exist_ok=True)
    rules = task.work / "rules.txt"
    write_rules(rules)
    schema = Path(lgsp_schemas.__file__).parent / "dossier_event.avsc"
    java = find_java()
    os.execv(  # noqa: S606 - the harness waits for this process
        java,
        [
            *[java, "-Xmx2g", "-cp", f"{folder}{os.sep}*{os.pathsep}{folder}", "Main"],
            *[task.bootstrap, task.topic, str(task.events), str(task.now)],
            *map(str, (task.work, schema, rules)),
        ],
    )


if __name__ == "__main__":
    main()
