import errno
import os
import socket
from pathlib import Path

import pytest

from lgsp.domain.errors import ConfigurationError
from lgsp.runtime.ports import holder_of, http_url, listen, port_refused


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_who_listens_on_a_port_is_named(host: str) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, 0), family=family) as listener:
        port = listener.getsockname()[1]
        program = Path("/proc/self/comm").read_text("ascii").strip()
        assert holder_of(port) == f"process {os.getpid()} ({program})"
    assert f"process {os.getpid()} " not in holder_of(port)  # it may be another program's by now


def test_a_taken_port_is_told_with_who_has_it_and_the_way_out() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(OSError, match="in use") as caught:
            socket.create_server(("127.0.0.1", port))
        said = str(port_refused("the feed", "127.0.0.1", port, caught.value, "LGSP_FEED_PORT"))
    assert said.startswith(f"cannot serve the feed on 127.0.0.1:{port}: process {os.getpid()} (")
    assert said.endswith("listens there: stop it, or set LGSP_FEED_PORT")


def test_another_fault_is_told_as_the_system_says_it() -> None:
    error = OSError(errno.EADDRNOTAVAIL, "Cannot assign requested address")
    said = str(port_refused("the feed", "203.0.113.1", 80, error, "LGSP_FEED_HOST"))
    assert "203.0.113.1:80: Cannot assign requested address, or set LGSP_FEED_HOST" in said


@pytest.mark.parametrize(
    ("host", "reached"),
    [("127.0.0.1", "127.0.0.1"), ("localhost", "127.0.0.1"), ("::1", "::1"), ("::", "127.0.0.1")],
)
def test_addresses_of_both_families_are_listened_on(host: str, reached: str) -> None:
    with listen("the feed", host, 0, "LGSP_FEED_HOST") as listener:
        port = listener.getsockname()[1]
        socket.create_connection((reached, port), timeout=30).close()
        with pytest.raises(ConfigurationError, match=f":{port}: process {os.getpid()} "):
            listen("the feed", host, port, "LGSP_FEED_HOST")


def test_a_url_has_an_address_of_ipv6_in_brackets() -> None:
    assert (http_url("::1", 80), http_url("here", 80)) == ("http://[::1]:80", "http://here:80")


def test_a_host_that_is_not_known_is_told() -> None:
    with pytest.raises(ConfigurationError, match=r"the feed on no\.such\.host\.invalid:80: .*SET"):
        listen("the feed", "no.such.host.invalid", 80, "SET")
