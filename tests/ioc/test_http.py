"""The feed and RFC 9110: HEAD, entity tags, conditional requests, what may be kept."""

import json
import urllib.parse
from http.client import HTTPConnection

import pytest
from tests.ioc.feeds import Feed

from lgsp.ioc.conditional import matches

ROUTES = (
    "/",
    "/page/app.js",
    "/openapi.json",
    "/healthz",
    "/readyz",
    "/metrics",
    "/api/v1/indicators",
    "/api/v1/indicators?as_of=2024-02-01",
    "/api/v1/indicators/units",
    "/api/v1/indicators/months",
    "/api/v1/explain?figure=open",
    "/api/v1/transitions",
    "/api/v1/stream",
    "/api/v1/streams?q=unit%3DH37",
)
TAGGED = tuple(path for path in ROUTES if "/api/v1/" in path and "stream" not in path)


def ask(feed: Feed, method: str, path: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
    connection = HTTPConnection("127.0.0.1", feed.port, timeout=10)
    connection.request(method, path, headers=headers)
    answer = connection.getresponse()
    try:
        found = {name.lower(): value for name, value in answer.getheaders()}
        return answer.status, found, b"" if "/stream" in path else answer.read()
    finally:
        answer.close()
        connection.close()


@pytest.mark.parametrize("path", ROUTES)
def test_head_is_get_without_the_body(feed: Feed, path: str) -> None:
    got, get, _body = ask(feed, "GET", path)
    headed, head, nothing = ask(feed, "HEAD", path)

    assert (200, 200, b"") == (got, headed, nothing)
    left_out = {"date", "transfer-encoding"} | (
        {"content-length"} if path == "/metrics" else set()
    )
    assert get.keys() - left_out == head.keys() - left_out
    assert get["content-type"] == head["content-type"]
    assert get.get("etag") == head.get("etag")


def test_head_of_a_question_that_is_refused_is_refused(feed: Feed) -> None:
    assert (400, b"") == ask(feed, "HEAD", "/api/v1/indicators?period=x")[::2]
    assert (404, b"") == ask(feed, "HEAD", "/nothing/here")[::2]
    status, headers, _body = ask(feed, "POST", "/api/v1/indicators")
    assert (405, "GET, HEAD") == (status, headers["allow"])


@pytest.mark.parametrize("path", TAGGED)
def test_tags_are_strong_and_matched_as_the_standard_says(feed: Feed, path: str) -> None:
    _status, headers, _body = ask(feed, "GET", path)
    tag = headers["etag"]

    assert tag.startswith('"')
    for given in (tag, f"W/{tag}", f'"other", {tag}', f'W/"a,b" ,W/{tag}', "*"):
        for method in ("GET", "HEAD"):
            status, answered, body = ask(feed, method, path, **{"If-None-Match": given})
            assert (304, b"", tag) == (status, body, answered["etag"]), given
            assert answered["cache-control"] == "no-cache"
            assert "content-type" not in answered
    for given in ('"other"', tag.strip('"'), f'"x{tag[1:]}', "", '"', f"{tag[:-1]}"):
        assert 200 == ask(feed, "GET", path, **{"If-None-Match": given})[0], given


def test_several_header_lines_are_one_list(feed: Feed) -> None:
    tag = ask(feed, "GET", "/api/v1/indicators")[1]["etag"]
    connection = HTTPConnection("127.0.0.1", feed.port, timeout=10)
    connection.putrequest("GET", "/api/v1/indicators")
    connection.putheader("If-None-Match", '"one"')
    connection.putheader("If-None-Match", tag)
    connection.endheaders()
    status = connection.getresponse().status
    connection.close()

    assert 304 == status


def test_files_of_the_page_are_asked_about_with_their_tag(feed: Feed) -> None:
    _status, headers, _body = ask(feed, "GET", "/page/app.js")
    tag = headers["etag"]

    assert "no-cache" == headers["cache-control"]
    assert 304 == ask(feed, "GET", "/page/app.js", **{"If-None-Match": f"W/{tag}"})[0]
    changed = {"If-None-Match": '"other"', "If-Modified-Since": headers["last-modified"]}
    assert 200 == ask(feed, "GET", "/page/app.js", **changed)[0]  # the tag outweighs the date


def test_a_refusal_is_no_representation_to_match(feed: Feed) -> None:
    for path in ("/api/v1/indicators?period=x", "/nothing/here"):
        status, headers, _body = ask(feed, "GET", path, **{"If-None-Match": "*"})

        assert status in {400, 404}
        assert "no-store" == headers["cache-control"]
    assert "no-store" == ask(feed, "GET", "/readyz")[1]["cache-control"]


def test_equal_tags_mean_equal_bytes(feed: Feed) -> None:
    answers = [ask(feed, "GET", "/api/v1/indicators") for _ in range(20)]

    assert 1 == len({headers["etag"] for _status, headers, _body in answers}) or len(
        {body for _status, _headers, body in answers}
    ) == len({headers["etag"] for _status, headers, _body in answers})


def test_a_tag_with_odd_bytes_breaks_nothing() -> None:
    assert matches('W/"a", "b c"', '"b c"')
    assert not matches("garbage, *", '"b"')


def test_every_path_parameter_is_answered(feed: Feed) -> None:
    for code in ("x", "%00", "%ff", "a" * 2000, "Hồ sơ", "..%2f..", "%0d%0aSet-Cookie: a=b"):
        path = urllib.parse.quote(code, safe="%")
        status, _headers, body = ask(feed, "GET", f"/api/v1/transitions/{path}")

        assert status in {400, 404}
        assert "detail" in json.loads(body)


def test_the_page_keeps_no_connection_and_others_may(feed: Feed) -> None:
    for path in ("/", "/page/app.js"):
        assert "close" == ask(feed, "GET", path)[1]["connection"]
    of_page = ask(feed, "GET", "/api/v1/indicators", **{"lgsp-page": "1"})[1]

    assert "close" == of_page["connection"]
    assert of_page["lgsp-page"] == ask(feed, "GET", "/page/live.js")[1]["lgsp-page"]
    assert "connection" not in ask(feed, "GET", "/api/v1/indicators")[1]


@pytest.mark.parametrize("path", ["/healthz/", "/api/v1/indicators/", "/page", "//evil.example/"])
def test_no_answer_leads_to_the_host_that_a_request_names(feed: Feed, path: str) -> None:
    status, headers, _body = ask(feed, "GET", path, Host="evil.example")

    assert 404 == status
    assert "location" not in headers


@pytest.mark.parametrize("path", ["/api/v1/stream", "/api/v1/streams?q=unit%3DH37"])
def test_a_stream_is_neither_kept_nor_packed_on_the_way(feed: Feed, path: str) -> None:
    headers = ask(feed, "GET", path)[1]

    assert "no-store, no-transform" == headers["cache-control"]
    assert "no" == headers["x-accel-buffering"]


def test_a_request_for_another_protocol_is_answered_as_any_other(feed: Feed) -> None:
    upgrade = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version": "13",
    }
    status, headers, _body = ask(feed, "GET", "/healthz", **upgrade)

    assert 200 == status
    assert "nosniff" == headers["x-content-type-options"]
