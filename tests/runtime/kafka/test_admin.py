import pytest
from kafka.admin import ConfigResource, ConfigResourceType

from lgsp.domain.errors import FatalError
from lgsp.runtime.kafka.admin import Difference, apply_topics, diff_topics
from lgsp.runtime.kafka.cluster import open_admin
from lgsp.runtime.settings import Settings, load_settings

pytestmark = pytest.mark.kafka


@pytest.fixture
def settings(broker: str) -> Settings:
    return load_settings(broker=broker, partitions=8)


def test_nothing_differs_after_apply(settings: Settings) -> None:
    apply_topics(settings)

    assert [] == diff_topics(settings)
    assert [] == apply_topics(settings)


def test_a_missing_topic_is_made_again(settings: Settings) -> None:
    with open_admin(settings.bootstrap) as admin:
        admin.delete_topics(["sync-results"])

    changes = apply_topics(settings)

    assert [("sync-results", Difference.MISSING)] == [(c.topic, c.kind) for c in changes]
    assert [] == diff_topics(settings)


def test_what_somebody_set_by_hand_is_seen_and_set_back(settings: Settings) -> None:
    tampered = {"retention.ms": "1000", "max.message.bytes": "2000"}
    with open_admin(settings.bootstrap) as admin:
        resource = ConfigResource(ConfigResourceType.TOPIC, "dossier-events", tampered)
        admin.alter_configs([resource])

    found = {(c.name, c.actual, c.wanted) for c in diff_topics(settings)}
    apply_topics(settings)

    assert {("max.message.bytes", "2000", None), ("retention.ms", "1000", "-1")} == found
    assert [] == diff_topics(settings)


def test_more_partitions_are_refused_and_nothing_else_is_changed(settings: Settings) -> None:
    more = settings.model_copy(update={"partitions": 12})

    with pytest.raises(
        FatalError, match=r"dossier-events has 8 partitions, not 12.*another partition"
    ):
        apply_topics(more)

    assert [] == diff_topics(settings)
