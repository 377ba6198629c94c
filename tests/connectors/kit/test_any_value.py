"""Whatever JSON value stands in a record: events or a reject, nothing else."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lgsp.domain.errors import RejectedRecord
from lgsp.domain.event import DossierEvent
from lgsp_connectors.kit.contract import Connector, Record
from lgsp_connectors.kit.registry import read_config
from lgsp_connectors.kit.usable import usable_events

NOW = 1_720_200_000_000
STEPS = """\
connector: files
portal: p
province: H37
source: {path: "x/*"}
shape: SHAPE
dossier_code_pattern: any
missing: ["-", "31/12/9999"]
case: fold
mapping:
  dossier_code: a
  agency: b
  procedure: c
  domain: d
  national_code: e
  channel: {field: f, map: {x: ONLINE}, default: DIRECT}
  service_level: g
  status: {field: h, map: {x: 4}, default: 2}
  occurred_at: {field: i, timezone: Asia/Ho_Chi_Minh, format: [iso, excel, "%d/%m/%Y %I:%M %p"]}
  received_at: {field: j, timezone: Asia/Ho_Chi_Minh}
  due_at: {field: k, timezone: Asia/Ho_Chi_Minh, format: ["%d/%m/%Y", excel]}
  sequence: l
  fee: m
  supplements: n
  vneid_verified: o
  sealed: {owner_name: p, phone: q}
"""
OPENCPS = """\
connector: opencps
portal: p
province: H37
source: {url: "http://127.0.0.1:1", group_id: "1", auth: {user: a, password: b}}
dossier_code_pattern: any
sub_statuses: {x: 5}
"""
FILE_KEYS = "abcdefghijklmnopq"
OPENCPS_KEYS = (
    "dossierNo", "govAgencyCode", "serviceCode", "domainCode", "dossierStatus",
    "dossierSubStatus", "modifiedDate", "submitDate", "receiveDate", "dueDate", "releaseDate",
    "finishDate", "online", "viaPostal", "serviceLevel", "applicantName", "contactTelNo",
)  # fmt: skip
texts = st.text(max_size=20) | st.sampled_from(
    ["x", "\ufeffx", "a\0b", "\ud83d", "31/12/9999", "01/01/0001", "2024-07-05",
     "05/07/2024 24:00", "45292", "done", "true", "9" * 5000, "y" * 2_000_000,
     "a\u0301\u0316" * 100_000, "1" * 21]
)  # fmt: skip
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts | st.just(10**4000),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=4,
)


@pytest.fixture(scope="module")
def connectors(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Connector]:
    folder: Path = tmp_path_factory.mktemp("any")
    made = {}
    for name, text in (
        ("dossiers", STEPS.replace("SHAPE", "dossiers")),
        ("steps", STEPS.replace("SHAPE", "steps")),
        ("opencps", OPENCPS),
    ):
        file = folder / f"{name}.yaml"
        file.write_text(text, "utf-8")
        made[name] = read_config(file).build(lambda: NOW, lambda _person, _code: b"sealed")
    return made


def outcome(connector: Connector, row: dict[str, Any]) -> tuple[list[DossierEvent], str]:
    """The events of a row, or the message of its reject; nothing else may come of it."""
    try:
        return list(usable_events(connector, Record("row 1", row, NOW), NOW)), ""
    except RejectedRecord as error:
        return [], str(error)


@pytest.mark.parametrize("name", ["dossiers", "steps", "opencps"])
@given(data=st.data())
def test_any_value_gives_events_or_a_reject(
    connectors: dict[str, Connector], name: str, data: st.DataObject
) -> None:
    keys = OPENCPS_KEYS if name == "opencps" else FILE_KEYS
    row: dict[str, Any] = (
        {"dossierNo": "1", "govAgencyCode": "H37", "dossierStatus": "processing",
         "modifiedDate": "05/07/2024 08:00:00", "receiveDate": "05/07/2024 08:00:00"}
        if name == "opencps"
        else {"a": "1", "b": "H37", "i": "2024-07-05T08:00", "j": "2024-07-05T08:00", "h": "x"}
    )  # fmt: skip
    for key in data.draw(st.sets(st.sampled_from(list(keys)), min_size=1, max_size=2)):
        row[key] = data.draw(values)
    events, message = outcome(connectors[name], row)
    assert bool(message) != bool(events) or name == "opencps"  # one without its number is none yet
    assert message.encode("utf-8", "strict").decode() == message


@pytest.mark.parametrize("name", ["dossiers", "steps"])
@pytest.mark.parametrize(
    "value",
    [10**5000, "y" * 2_000_000, [["a"]], "a\ud83d", float("nan")],
    ids=["digits", "giant", "list", "surrogate", "nan"],
)
def test_what_no_attribute_holds_is_a_reject_that_does_not_quote_it(
    connectors: dict[str, Connector], name: str, value: Any
) -> None:
    row = {"a": "1", "b": value, "i": "2024-07-05T08:00", "j": "2024-07-05T08:00", "h": "x"}
    with pytest.raises(RejectedRecord) as caught:
        usable_events(connectors[name], Record("row 1", row, NOW), NOW)
    assert caught.value.field == "b"
    assert len(str(caught.value)) < 120


def test_a_record_that_is_no_object_is_a_reject(connectors: dict[str, Connector]) -> None:
    for data in (None, 5, "x", ["a"]):
        with pytest.raises(RejectedRecord, match="no object"):
            usable_events(connectors["dossiers"], Record("row 1", data, NOW), NOW)
