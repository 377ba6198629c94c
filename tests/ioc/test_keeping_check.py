"""A log that Kafka takes records from is told before any of them is gone."""

import pytest
from kafka.admin import AlterConfigOp, ConfigResource, ConfigResourceType
from tests.conftest import MakeTopic
from tests.waiting import wait_until

from lgsp.domain.errors import FatalError
from lgsp.domain.reasons import Reason
from lgsp.ioc.keeping_check import KeepingCheck
from lgsp.runtime.kafka.admin import loses
from lgsp.runtime.kafka.cluster import open_admin

pytestmark = pytest.mark.kafka
KEPT = {"retention_ms": "-1", "retention_bytes": "-1"}


def test_a_log_that_is_not_kept_for_ever_is_a_finding_until_it_is(
    broker: str, make_topic: MakeTopic
) -> None:
    topic, now = make_topic(**KEPT), 0.0
    check = KeepingCheck(broker, topic, clock=lambda: now)
    assert list(check()) == []
    set_policy(broker, topic, "compact")
    wait_until("it is set", lambda: loses(broker, topic) == ["cleanup.policy=compact"])
    assert list(check()) == []  # the last answer stands
    now = 30.0
    (finding,) = check()
    assert finding.reason is Reason.LOG_NOT_KEPT
    assert f"{topic} has cleanup.policy=compact: `lgsp topics apply`" in finding.english()
    set_policy(broker, topic, "delete")
    wait_until("it is set back", lambda: not loses(broker, topic))
    now = 60.0
    assert list(check()) == []


def test_a_topic_made_by_hand_is_kept_for_a_week(broker: str, make_topic: MakeTopic) -> None:
    assert loses(broker, make_topic()) == ["retention.ms=604800000"]
    assert loses(broker, make_topic(cleanup_policy="compact,delete", **KEPT)) == [
        "cleanup.policy=compact,delete"
    ]


def test_brokers_that_do_not_tell_find_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> list[str]:
        raise FatalError("TopicAuthorizationFailedError")

    monkeypatch.setattr("lgsp.ioc.keeping_check.loses", refuse)
    assert list(KeepingCheck("nowhere:1", "t")()) == []


def set_policy(broker: str, topic: str, policy: str) -> None:
    entries = {"cleanup.policy": (AlterConfigOp.SET, policy)}
    with open_admin(broker) as admin:
        admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, entries)])
