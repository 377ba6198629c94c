"""For every suite: how properties are tried, one real broker a session, topics of a test's own."""

import logging
import os
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import structlog
from hypothesis import HealthCheck, Phase, settings

from lgsp.domain.errors import ConfigurationError
from lgsp.runtime.broker.embedded import EmbeddedBroker
from lgsp.runtime.kafka.admin import apply_topics
from lgsp.runtime.kafka.cluster import open_admin
from lgsp.runtime.settings import load_settings
from tests.ports import free_port_pair
from tests.programs import missing

MakeTopic = Callable[..., str]
_UNCLOSED = "Exception ignored in. <socket:pytest.PytestUnraisableExceptionWarning"

# The one profile: no test sets its own. A loaded machine fails nothing by being slow; CI draws the
# same examples each time, and a failure prints the line that repeats it anywhere.
# There, and for a mutant, the first counter-example will do: a shorter one takes minutes, for each
# property that fails. `CI=true HYPOTHESIS_NO_SHRINK= pytest` looks for it.
_CI = os.environ.get("CI", "")
_NO_SHRINK = os.environ.get("HYPOTHESIS_NO_SHRINK", _CI)
_LEFT_OUT = {Phase.shrink, Phase.explain} if _NO_SHRINK else set()
settings.register_profile(
    "suite",
    deadline=None,
    derandomize=bool(_CI),
    max_examples=int(os.environ.get("HYPOTHESIS_EXAMPLES", "100")),
    print_blob=True,
    phases=set(Phase) - _LEFT_OUT,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("suite")


@pytest.fixture(autouse=True)
def logs_as_they_were() -> Iterator[None]:
    """Give logs and umask back as a test found them; many run in one process."""
    root, before = logging.getLogger(), structlog.get_config()
    handlers, level = root.handlers[:], root.level
    umask = os.umask(0o022)
    os.umask(umask)
    yield
    os.umask(umask)
    structlog.configure(**before)
    root.handlers[:], root.level = handlers, level


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of the broker.

    They stay on one worker of `--dist loadgroup`: one broker serves them. kafka-python leaves the
    sockets of refused connections unclosed, and whichever test makes many objects finds them.
    """
    for item in items:
        if item.get_closest_marker("kafka"):
            item.add_marker(pytest.mark.xdist_group("kafka"))
            item.add_marker(pytest.mark.filterwarnings(f"ignore:{_UNCLOSED}"))


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Bootstrap address of a real Apache Kafka with the project's topics (8 partitions)."""
    data: Path = tmp_path_factory.mktemp("broker")
    settings = load_settings(data=data, broker="", broker_port=free_port_pair(), partitions=8)
    running = EmbeddedBroker(settings)
    try:
        running.start()
    except ConfigurationError as error:
        missing(f"no real broker: {error}")
    try:
        apply_topics(settings)
        yield running.bootstrap
    finally:
        running.stop()


@pytest.fixture
def make_topic(broker: str) -> MakeTopic:
    """Return `make(partitions=1, **config) -> name`: a new topic; write `_` for `.` in names."""

    def make(partitions: int = 1, **config: str) -> str:
        name = f"test-{uuid.uuid4().hex[:12]}"
        configs = {key.replace("_", "."): value for key, value in config.items()}
        with open_admin(broker) as admin:
            admin.create_topics({name: {"num_partitions": partitions, "configs": configs}})
            admin.wait_for_topics([name])
        return name

    return make
