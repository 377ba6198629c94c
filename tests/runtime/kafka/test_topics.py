from hypothesis import given
from hypothesis import strategies as st

from lgsp.runtime.kafka.admin import Actual, Difference, compare
from lgsp.runtime.kafka.topics import topics
from lgsp.runtime.settings import load_settings

WANTED = topics(load_settings(broker="x:1", partitions=8, replication=1))
AS_WANTED = {
    topic.name: Actual(
        partitions=topic.partitions, replication=topic.replication, config=topic.config
    )
    for topic in WANTED
}


def test_nothing_differs_from_itself_whatever_else_is_there() -> None:
    others = {"somebody-else-s": Actual(partitions=1, replication=1, config={})}

    assert [] == compare(WANTED, AS_WANTED | others)


@given(st.sets(st.sampled_from([topic.name for topic in WANTED])))
def test_exactly_what_is_missing_is_missing(gone: set[str]) -> None:
    left = {name: actual for name, actual in AS_WANTED.items() if name not in gone}

    found = compare(WANTED, left)

    assert gone == {change.topic for change in found}
    assert all(change.kind is Difference.MISSING and not change.refused for change in found)


def test_other_replication_is_refused_and_says_how_to_go_on() -> None:
    (first, *_rest) = WANTED
    three = {first.name: Actual(partitions=8, replication=3, config=first.config)}

    (change,) = compare(WANTED, AS_WANTED | three)

    assert (Difference.REPLICATION, "3", "1") == (change.kind, change.actual, change.wanted)
    assert "LGSP_REPLICATION=3" in change.refused


def test_one_replica_may_be_lost_of_three() -> None:
    three = topics(load_settings(broker="x:1", replication=3))

    assert {"2"} == {topic.config["min.insync.replicas"] for topic in three}


def test_the_log_is_kept_for_ever() -> None:
    config = {topic.name: topic.config for topic in WANTED}["dossier-events"]

    assert ("-1", "-1") == (config["retention.ms"], config["retention.bytes"])
    assert "cleanup.policy" not in config
