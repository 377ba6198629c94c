"""Which addresses are those of proxies that are believed."""

import pytest

from lgsp.runtime.serving.proxies import Proxies, plain_address


@pytest.mark.parametrize(
    ("text", "address", "is_one"),
    [
        ("", "127.0.0.1", False),
        (" , ", "127.0.0.1", False),
        ("127.0.0.1", "127.0.0.1", True),
        ("10.1.0.0/16, ::1", "10.1.255.7", True),
        ("10.1.0.0/16, ::1", "0:0:0:0:0:0:0:1", True),
        ("10.1.0.0/16, ::1", "10.2.0.1", False),
        ("10.1.0.0/16", "::ffff:10.1.255.7", True),
        ("10.1.0.0/16", "proxy.example", False),
        ("10.1.0.0/16", "", False),
    ],
)
def test_an_address_is_a_proxys_when_it_is_named(text: str, address: str, is_one: bool) -> None:
    assert (address in Proxies(text)) is is_one


@pytest.mark.parametrize("text", ["*", "proxy.example", "10.1.0.7/16", "0.0.0.0/0", "10.1.0"])
def test_what_names_no_proxy_or_everybody_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"no address and no network|believe everybody"):
        Proxies(f"10.0.0.1, {text}")


def test_a_client_has_one_form() -> None:
    forms = ["10.0.0.7", "::ffff:10.0.0.7", "0:0::1", "unknown", "10.0.0.7:80", ""]

    assert ["10.0.0.7", "10.0.0.7", "::1", "", "", ""] == [plain_address(form) for form in forms]


def test_a_proxy_of_ipv4_is_known_on_a_socket_of_both_families() -> None:
    assert ["10.1.0.0/16", "::ffff:10.1.0.0/112", "::1/128"] == list(
        Proxies("10.1.0.0/16,::1").names()
    )
