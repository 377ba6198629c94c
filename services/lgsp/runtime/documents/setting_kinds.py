"""Kinds of settings: what may stand in one, and what is said of anything else."""

import re
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, SecretStr

from lgsp.domain.errors import ConfigurationError
from lgsp.domain.profiles.registry import profile_named
from lgsp.runtime.serving.proxies import Proxies

_SERVER = r"(?:\[[0-9A-Fa-f:.]+\]|[^\s,:\[\]/]+):\d{1,5}"
_SERVERS = re.compile(rf"{_SERVER}(?:,{_SERVER})*")
_TOPIC = re.compile(r"[A-Za-z0-9._-]{1,249}")


def _servers(text: str) -> str:
    if text and not _SERVERS.fullmatch(text):
        raise ValueError("not of the form host:port,host:port")
    return text


def _topic_name(text: str) -> str:
    if not _TOPIC.fullmatch(text):
        raise ValueError("no topic's name: letters, digits and . _ - only, 1 to 249 of them")
    return text


def _web_address(text: str) -> str:
    if text and not text.startswith(("http://", "https://")):
        raise ValueError("not an http:// or https:// address")
    return text


def _proxy(address: SecretStr) -> SecretStr:
    _web_address(address.get_secret_value())
    return address


def _host(text: str) -> str:
    if not text.strip():
        raise ValueError("empty would be every address of the machine: 0.0.0.0 and :: say so")
    return text


def _proxies(text: str) -> str:
    Proxies(text)
    return text


def _known_profile(name: str) -> str:
    try:
        return profile_named(name).name
    except ConfigurationError as error:
        raise ValueError(str(error)) from error


def _folder(text: object) -> object:
    if text == "":  # to pathlib that is the folder one happens to stand in
        raise ValueError("a folder is expected")
    return text


Servers = Annotated[str, AfterValidator(_servers)]
TopicName = Annotated[str, AfterValidator(_topic_name)]
WebAddress = Annotated[str, AfterValidator(_web_address)]
ProxyAddress = Annotated[SecretStr, AfterValidator(_proxy)]
Host = Annotated[str, AfterValidator(_host)]
ProxyList = Annotated[str, AfterValidator(_proxies)]
ProfileName = Annotated[str, AfterValidator(_known_profile)]
FolderPath = Annotated[Path, BeforeValidator(_folder)]
OptionalPath = Annotated[Path | None, BeforeValidator(lambda text: None if text == "" else text)]
"""A file or folder; the empty text of a variable names none."""
