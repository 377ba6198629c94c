"""Our own services are asked directly, whatever the environment says of proxies."""

import os
import socket
import subprocess
import sys

import pytest

from lgsp.domain.errors import RetryableError
from lgsp.runtime.health import serve_health
from lgsp.runtime.httpget import answers_200, get_json


def test_only_an_answer_of_200_is_an_answer() -> None:
    state = {"loop": True}
    server = serve_health("127.0.0.1", 0, lambda: {}, lambda: state)
    url = f"http://127.0.0.1:{server.port}/healthz"
    assert answers_200(url)
    state["loop"] = False
    assert not answers_200(url)
    server.close()
    assert not answers_200(url)
    with socket.create_server(("127.0.0.1", 0)) as silent:  # connects and never answers
        assert not answers_200(f"http://127.0.0.1:{silent.getsockname()[1]}/healthz")


def test_a_proxy_of_the_environment_is_not_asked() -> None:
    server = serve_health("127.0.0.1", 0, lambda: {})
    url = f"http://127.0.0.1:{server.port}/healthz"
    ask = (
        "import sys; from lgsp.runtime.httpget import answers_200, get_json;"
        "assert answers_200(sys.argv[1]); print(get_json(sys.argv[1], {})['ok'])"
    )
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        address = f"http://127.0.0.1:{proxy.getsockname()[1]}"
        said = subprocess.run(
            [sys.executable, "-c", ask, url],
            env=os.environ | {"http_proxy": address, "HTTP_PROXY": address, "no_proxy": ""},
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
    server.close()
    assert said.stdout == "True\n"


def test_what_is_no_document_may_be_had_later() -> None:
    server = serve_health("127.0.0.1", 0, lambda: {})
    with pytest.raises(RetryableError, match="/metrics: unexpected character"):
        get_json(f"http://127.0.0.1:{server.port}/metrics", {})
    server.close()
