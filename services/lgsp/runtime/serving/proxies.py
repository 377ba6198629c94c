"""Reverse proxies in front of a port: of whom the requests are that they pass on.

What `X-Forwarded-For` says is believed of the proxies that are named, and of nobody else: whoever
could choose an address there would be as many clients as he likes. Each proxy adds the address
that it saw at the end, so the client is the last one that is not a named proxy's.
"""

from collections.abc import Iterable
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)


class Proxies:
    """The proxies that are believed.

    Args:
        text: addresses and networks with commas between (`10.1.0.7, 10.2.0.0/24`); empty: none.

    Raises:
        ValueError: one of them is neither.
    """

    def __init__(self, text: str = "") -> None:
        self._networks = tuple(_network(part) for part in text.split(",") if part.strip())

    def __bool__(self) -> bool:
        return bool(self._networks)

    def __contains__(self, address: object) -> bool:
        """Tell whether an address, as a socket gives it, is one of theirs."""
        found = _read(str(address))
        return found is not None and any(found in network for network in self._networks)

    def names(self) -> Iterable[str]:
        """Give the networks as texts; those of IPv4 also as a socket of both families has them."""
        for network in self._networks:
            yield str(network)
            if network.version == 4:
                yield f"::ffff:{network.network_address}/{96 + network.prefixlen}"


def plain_address(text: str) -> str:
    """Return an address in its one form; "" when it is none, as `unknown` and invented words."""
    found = _read(text)
    return "" if found is None else str(found)


def _read(text: str) -> IPv4Address | IPv6Address | None:
    """Read an address; one of IPv4 that a socket of both families gives is one of IPv4."""
    try:
        found = ip_address(text)
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found


def _network(part: str) -> IPv4Network | IPv6Network:
    try:
        network = ip_network(part.strip())
    except ValueError:  # its words repeat the value, which may be a secret in the wrong place
        raise ValueError("one of them is no address and no network, as names and * are") from None
    if network.prefixlen == 0:
        raise ValueError("one of them would believe everybody")
    return network
