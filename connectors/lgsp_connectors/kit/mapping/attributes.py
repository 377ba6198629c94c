"""The attributes that a mapping may name: what each is, and the words of its values."""

from collections.abc import Mapping
from enum import IntEnum

from lgsp.domain.details import Answer, Details, FilingPlace, Payment
from lgsp.domain.event import Channel, ServiceLevel
from lgsp.domain.status import Status

TEXTS = ("dossier_code", "agency", "procedure", "domain")
ENUMS: dict[str, type[IntEnum]] = {
    "service_level": ServiceLevel,
    "channel": Channel,
    "status": Status,
}
DATES = ("occurred_at", "submitted_at", "received_at", "due_at", "finished_at", "returned_at")
DETAILS: dict[str, type[IntEnum] | None] = {
    "filing_place": FilingPlace,
    "payment": Payment,
    "fee": None,
    "fee_waived": Answer,
    "components_digitised": None,
    "components_reused": None,
    "components_from_store": None,
    "supplements": None,
    "vneid_verified": Answer,
    "electronic_result": Answer,
}
"""The items of an event's details; None: a whole number."""

ATTRIBUTES = (*TEXTS, "national_code", *ENUMS, *DATES, "sequence", *DETAILS)
PERSONAL = ("owner_name", "owner_id", "owner_kind", "phone", "email")
"""What may stand under `sealed`."""

OF_FILE = "_of_file"
"""Ends the key that says what the file's name tells of an attribute where the row does not."""

_NATIONAL = (Status, Channel, ServiceLevel, FilingPlace)  # their numbers are the national codes
_BOOLEANS = {"true": Answer.YES, "1": Answer.YES, "false": Answer.NO, "0": Answer.NO}


def enum_of_attribute(name: str) -> type[IntEnum] | None:
    """Give the enumeration that an attribute's values come from; None when it has none."""
    return ENUMS.get(name) or DETAILS.get(name)


def words_of(kind: type[IntEnum]) -> Mapping[str, IntEnum]:
    """Give the words by which the values of an enumeration are known without a map.

    They are our names, and the numbers where those are national codes. Yes and no are also known
    as true and false, 1 and 0. A status is always known: it has no word for UNKNOWN.
    """
    members = [member for member in kind if member or kind is not Status]
    words: dict[str, IntEnum] = {member.name: member for member in members}
    if kind in _NATIONAL:
        words |= {str(int(member)): member for member in members}
    return words | _BOOLEANS if kind is Answer else words


def is_number(name: str) -> bool:
    """Tell whether an attribute is a whole number."""
    return name == "sequence" or (name in DETAILS and DETAILS[name] is None)


assert tuple(DETAILS) == Details._fields  # noqa: S101 - they are built by position
