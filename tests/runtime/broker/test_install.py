import re
from pathlib import Path

import pytest

from lgsp.domain.errors import ConfigurationError
from lgsp.runtime.broker import install
from lgsp.runtime.broker.config import server_properties
from lgsp.runtime.broker.install import DIST, find_java, kafka_version, libraries

WAYS_OUT = ("openjdk-17-jre-headless", "docker compose up", "LGSP_BROKER")


@pytest.fixture
def commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is all of PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    return folder


def _command(path: Path, text: str) -> None:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def test_without_java_the_ways_out_are_named(commands: Path) -> None:
    assert commands.is_dir()

    with pytest.raises(ConfigurationError) as caught:
        find_java()

    assert [way for way in WAYS_OUT if way not in str(caught.value)] == []


def test_an_old_java_is_refused_and_a_new_one_found(commands: Path) -> None:
    java = commands / "java"
    _command(java, "echo 'openjdk version \"11.0.2\" 2019-01-15' >&2")
    with pytest.raises(ConfigurationError, match="is Java 11, too old"):
        find_java()

    _command(java, "echo 'openjdk version \"21.0.1\" 2023-10-17' >&2")
    assert str(java) == find_java()


def test_java_home_wins_and_is_named_when_it_is_wrong(
    commands: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _command(commands / "java", "echo 'openjdk version \"21\" 2023-09-19' >&2")
    monkeypatch.setenv("JAVA_HOME", str(commands.parent))
    assert str(commands / "java") == find_java()

    monkeypatch.setenv("JAVA_HOME", "/nowhere")
    with pytest.raises(ConfigurationError, match="no java in JAVA_HOME=/nowhere"):
        find_java()


def test_without_maven_the_ways_out_are_named(commands: Path, tmp_path: Path) -> None:
    assert commands.is_dir()

    with pytest.raises(ConfigurationError, match=r"no Maven on PATH.*LGSP_BROKER"):
        libraries(tmp_path / "cache")


def test_a_failed_fetch_leaves_nothing_behind_and_says_why(commands: Path, tmp_path: Path) -> None:
    _command(commands / "mvn", "echo 'no route to the repository'; exit 1")
    cache = tmp_path / "cache"

    with pytest.raises(ConfigurationError, match="no route to the repository"):
        libraries(cache)

    assert [] == list(cache.iterdir())


def test_a_fetch_without_end_is_ended_and_leaves_nothing_behind(
    commands: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _command(commands / "mvn", "exec /bin/sleep 600")
    monkeypatch.setattr(install, "_FETCHED_WITHIN", 0.2)
    cache = tmp_path / "cache"

    with pytest.raises(ConfigurationError, match=r"mvn did not end within 0.2 s.*LGSP_BROKER"):
        libraries(cache)

    assert [] == list(cache.iterdir())


def test_what_was_fetched_is_not_fetched_again(commands: Path, tmp_path: Path) -> None:
    _command(
        commands / "mvn",
        'for a; do case "$a" in -DoutputDirectory=*) /bin/mkdir "${a#*=}";; esac; done',
    )
    cache = tmp_path / "cache"
    first = libraries(cache)
    (commands / "mvn").unlink()

    assert first == libraries(cache)
    assert first.name.startswith(f"kafka-{kafka_version()}-")
    assert [first] == list(cache.iterdir())


def test_every_version_is_pinned_and_no_host_is_named() -> None:
    pom = (DIST / "pom.xml").read_text()

    assert re.fullmatch(r"4\.\d+\.\d+", kafka_version())
    assert pom.count("<artifactId>") - 1 == pom.count("<version>") - 1
    assert ["http://maven.apache.org/POM/4.0.0"] == re.findall(r"https?://[^\"<]+", pom)


def test_listens_on_the_loopback_only_and_makes_no_topic_by_itself() -> None:
    text = server_properties(port=9092, logs="data")
    found = dict(line.split("=", 1) for line in text.splitlines() if re.match(r"[a-z]", line))

    assert "PLAINTEXT://127.0.0.1:9092,CONTROLLER://127.0.0.1:9093" == found["listeners"]
    assert "false" == found["auto.create.topics.enable"]
