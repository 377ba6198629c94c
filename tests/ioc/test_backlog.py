import pytest
from sqlalchemy import Engine
from tests.conftest import MakeTopic
from tests.ioc.conftest import EVENTS
from tests.store.filled import fill
from tests.store.rates.history import NOW

from lgsp.ioc.backlog import count_backlog
from lgsp.runtime.avro.codec import encode_event
from lgsp.runtime.kafka.client import make_producer

pytestmark = pytest.mark.kafka


def test_what_is_on_the_log_and_not_in_the_store_is_the_backlog(
    broker: str, make_topic: MakeTopic, store: Engine
) -> None:
    topic = make_topic(partitions=1)
    producer = make_producer(broker)
    for event in EVENTS[:10]:
        producer.send(topic, event.dossier_code.encode(), encode_event(event))
    producer.flush()
    producer.close()

    at_first = count_backlog(broker, store, topic)
    fill(store, EVENTS[:7], NOW, topic)
    later = count_backlog(broker, store, topic)

    assert (at_first, later) == (10, 3)
