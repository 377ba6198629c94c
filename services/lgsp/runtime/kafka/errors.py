"""The errors of both Kafka clients as ours."""

from collections.abc import Iterator
from contextlib import contextmanager

from aiokafka.errors import KafkaError as AiokafkaError
from kafka.errors import KafkaError

from lgsp.domain.errors import RetryableError


@contextmanager
def as_retryable(what: str) -> Iterator[None]:
    """Raise any error of a Kafka client inside as a RetryableError that begins with `what`.

    For questions that are asked again and again: no answer now is no answer, whatever the cause.
    """
    try:
        yield
    except (AiokafkaError, KafkaError) as error:
        raise RetryableError(f"{what}: {type(error).__name__}: {error}") from error
