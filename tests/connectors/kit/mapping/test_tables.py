"""What a mapping can say, each in at most three lines, and what it says of its own faults."""

import json
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lgsp.domain.details import Answer, Details, FilingPlace, Payment
from lgsp.domain.dossier import merge_all
from lgsp.domain.errors import ConfigurationError, RejectedRecord, RejectReason
from lgsp.domain.event import Channel, DossierEvent
from lgsp.domain.profiles.simple import SIMPLE
from lgsp.domain.standing import State
from lgsp.domain.status import Status
from lgsp.runtime.calendar.vietnam import load_calendar
from lgsp.runtime.clock import now_ms
from lgsp_connectors.kit.contract import Record
from lgsp_connectors.kit.mapping.times import compile_iso
from lgsp_connectors.kit.registry import read_config

CODE = "H37.12-240705-0001"
BASE = {
    "dossier_code": "Ma",
    "agency": "DonVi",
    "received_at": "{field: Nhan, timezone: Asia/Ho_Chi_Minh}",
}
ROW = {"Ma": CODE, "DonVi": "H37.12", "Nhan": "2024-07-05T08:15:00"}
at = compile_iso("Asia/Ho_Chi_Minh")

Mapped = Callable[..., DossierEvent]


def config(folder: Path, mapping: dict[str, str], rest: str = "") -> Path:
    file = folder / "c.yaml"
    block = "".join(f"  {key}: {form}\n" for key, form in (BASE | mapping).items() if form)
    file.write_text(
        "connector: files\nportal: my-portal\nprovince: H37\nsource: {path: './*.csv'}\n"
        f"shape: dossiers\nmapping:\n{block}{rest}",
        "utf-8",
    )
    return file


@pytest.fixture
def mapped(tmp_path: Path) -> Mapped:
    """Return `mapped(mapping, row, rest, file) -> the last event of the row`."""

    def run(
        mapping: dict[str, str], row: dict[str, Any], rest: str = "", file: str = "a.csv"
    ) -> DossierEvent:
        connector = read_config(config(tmp_path, mapping, rest)).build(now_ms, None)
        events = connector.to_events(Record("a.csv:2", ROW | row, now_ms(), file=file))
        return events[-1]

    return run


def faults_of(folder: Path, mapping: dict[str, str], rest: str = "") -> dict[str, str]:
    with pytest.raises(ConfigurationError) as caught:
        read_config(config(folder, mapping, rest))
    return {fault.key: str(fault) for fault in caught.value.faults}


def test_a_due_date_without_a_time_means_the_end_of_that_day(mapped: Mapped) -> None:
    form = '{field: Hen, format: ["%d/%m/%Y %H:%M", "%d/%m/%Y", excel], timezone: ZONE}'
    mapping = {"due_at": form.replace("ZONE", "Asia/Ho_Chi_Minh")}
    end = at("2024-03-10T23:59:59.999")
    assert mapped(mapping, {"Hen": "10/03/2024"}).due_at == end
    assert mapped(mapping, {"Hen": 45361}).due_at == end
    assert mapped(mapping, {"Hen": "10/03/2024 09:00"}).due_at == at("2024-03-10T09:00")
    start = {"due_at": mapping["due_at"].replace("}", ", date_only: start_of_day}")}
    assert mapped(start, {"Hen": "10/03/2024"}).due_at == at("2024-03-10T00:00")


def test_a_dossier_finished_on_the_day_it_is_due_is_on_time(tmp_path: Path) -> None:
    forms = "['%d/%m/%Y %H:%M', '%d/%m/%Y'], timezone: Asia/Ho_Chi_Minh"
    columns = {"received_at": "Nhan", "due_at": "Hen", "finished_at": "Xong"}
    mapping = {key: f"{{field: {column}, format: {forms}}}" for key, column in columns.items()}
    row = ROW | {"Nhan": "01/03/2024", "Hen": "10/03/2024", "Xong": "10/03/2024 09:00"}
    connector = read_config(config(tmp_path, mapping)).build(now_ms, None)
    (dossier,) = merge_all(connector.to_events(Record("a.csv:2", row, now_ms()))).values()
    assert SIMPLE.standing(dossier, load_calendar(), now_ms()).state is State.ON_TIME


def test_the_other_dates_without_a_time_mean_the_start_unless_said(mapped: Mapped) -> None:
    form = '{field: Xong, format: "%d/%m/%Y", timezone: Asia/Ho_Chi_Minh}'
    row = {"Xong": "10/07/2024"}
    assert mapped({"finished_at": form}, row).finished_at == at("2024-07-10T00:00")
    ends = {"finished_at": form.replace("}", ", date_only: end_of_day}")}
    assert mapped(ends, row).finished_at == at("2024-07-10T23:59:59.999")


@pytest.mark.parametrize("cell", ["-", "NULL", "31/12/9999", " - "])
def test_missing_words_mean_not_known_in_every_column(mapped: Mapped, cell: str) -> None:
    mapping = {
        "procedure": "MaTTHC",
        "due_at": '{field: Hen, format: "%d/%m/%Y", timezone: Asia/Ho_Chi_Minh}',
        "channel": "{field: Kenh, map: {a: ONLINE}}",
        "sequence": "STT",
    }
    row = {"MaTTHC": cell, "Hen": cell, "Kenh": cell, "STT": cell}
    event = mapped(mapping, row, 'missing: ["-", "NULL", "31/12/9999"]\n')
    assert (event.procedure, event.due_at, event.channel) == ("", None, Channel.UNKNOWN)
    with pytest.raises(RejectedRecord):
        mapped(mapping, row)


def test_a_missing_word_of_a_needed_attribute_rejects_the_row(mapped: Mapped) -> None:
    with pytest.raises(RejectedRecord) as caught:
        mapped({}, {"DonVi": "-"}, 'missing: ["-"]\n')
    assert (caught.value.reason, caught.value.field) == (RejectReason.MISSING_FIELD, "DonVi")


@pytest.mark.parametrize(
    "word",
    ["Trực tuyến", "TRỰC TUYẾN", "trực  tuyến", "Trực\u00a0tuyến"],
)
def test_folded_words_are_one_word_in_any_case_and_form(mapped: Mapped, word: str) -> None:
    mapping = {"channel": '{field: Kenh, map: {"trực tuyến": ONLINE}}'}
    for form in ("NFC", "NFD"):
        cell = unicodedata.normalize(form, word)
        assert mapped(mapping, {"Kenh": cell}, "case: fold\n").channel is Channel.ONLINE
    if word != "trực tuyến":
        with pytest.raises(RejectedRecord):
            mapped(mapping, {"Kenh": word})


def test_folded_words_keep_their_diacritics(mapped: Mapped) -> None:
    mapping = {"channel": '{field: Kenh, map: {"trực tuyến": ONLINE}}'}
    with pytest.raises(RejectedRecord):
        mapped(mapping, {"Kenh": "truc tuyen"}, "case: fold\n")


def test_folding_holds_for_our_own_names_and_for_missing_words(mapped: Mapped) -> None:
    rest = 'case: fold\nmissing: ["Không có"]\n'
    assert mapped({"channel": "Kenh"}, {"Kenh": "online"}, rest).channel is Channel.ONLINE
    assert mapped({"procedure": "M"}, {"M": "KHÔNG CÓ"}, rest).procedure == ""


@pytest.mark.parametrize("text", ["word,value\r\n", "", "\n\n"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_map_may_stand_in_a_file_beside_the_yaml(
    mapped: Mapped, tmp_path: Path, text: str, delimiter: str
) -> None:
    rows = '"UBND xã A; B, C",H37.1\nSở Tư pháp,H37.2\n'
    if delimiter != ",":
        rows = rows.replace(",H37", f"{delimiter}H37").replace("; B, C", " B")
    (tmp_path / "units.csv").write_text(text.replace(",", delimiter) + rows, "utf-8-sig")
    mapping = {"agency": "{field: DonVi, map_file: units.csv}"}
    assert mapped(mapping, {"DonVi": "Sở Tư pháp"}).agency == "H37.2"
    with pytest.raises(RejectedRecord) as caught:
        mapped(mapping, {"DonVi": "Sở Y tế"})
    assert caught.value.reason is RejectReason.UNMAPPED_VALUE


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"a,ONLINE\nb,ONLIN\n", "channels.csv:2: no channel; did you mean ONLINE?"),
        (b"a,ONLINE\n\nb\n", "channels.csv:3: two columns are expected (word, value), not 1"),
        (b"a,ONLINE\na,POSTAL\n", "channels.csv:2: means the same as 'a', with another value"),
        (b"a,ONLINE\nb\xff,POSTAL\n", "channels.csv:2: not UTF-8"),
        (b'a,ONLINE\n"b,POSTAL\n', "channels.csv:2: unexpected end of data"),
        (None, "channels.csv: cannot be read: No such file or directory"),
    ],
)
def test_faults_of_a_map_file_name_its_line(
    tmp_path: Path, content: bytes | None, fault: str
) -> None:
    if content is not None:
        (tmp_path / "channels.csv").write_bytes(content)
    found = faults_of(tmp_path, {"channel": "{field: Kenh, map_file: channels.csv}"})
    assert fault in found["mapping.channel.map_file"]
    assert "c.yaml:10: " in found["mapping.channel.map_file"]


def test_a_unit_may_stand_in_the_name_of_the_file(mapped: Mapped) -> None:
    form = '{file_name: "don-vi-(?P<agency>H37[.0-9]+)"}'
    file = "inbox/don-vi-H37.12.5-thang-7.csv"
    assert mapped({"agency": form}, {}, file=file).agency == "H37.12.5"
    with pytest.raises(RejectedRecord) as caught:
        mapped({"agency": form}, {}, file="inbox/khac.csv")
    assert (caught.value.reason, caught.value.field) == (RejectReason.MISSING_FIELD, "file name")


def test_what_the_files_name_tells_fills_in_what_the_row_does_not(mapped: Mapped) -> None:
    mapping = {
        "agency_of_file": '{file_name: "don-vi-(?P<agency>H37[.0-9]+)"}',
        "received_at_of_file": '{file_name: "(\\\\d{8})", format: "%Y%m%d", timezone: UTC}',
        "channel_of_file": '{file_name: "(truc-tuyen|quay)", map: {truc-tuyen: ONLINE}}',
    }
    file = "don-vi-H37.9-20240705-truc-tuyen.csv"
    event = mapped(mapping, {"DonVi": "", "Nhan": ""}, file=file)
    assert (event.agency, event.channel) == ("H37.9", Channel.ONLINE)
    assert event.received_at == compile_iso("UTC")("2024-07-05")
    assert mapped(mapping, {}, file=file).agency == "H37.12"
    assert mapped({"agency": "", **mapping}, {"Nhan": ""}, file=file).agency == "H37.9"


def test_a_constant_stands_for_every_row(mapped: Mapped) -> None:
    event = mapped({"agency": "{const: H37.5}", "status": "{const: 4}"}, {"DonVi": ""})
    assert (event.agency, event.status) == ("H37.5", Status.PROCESSING)


DETAILS = {
    "national_code": "MaQG",
    "filing_place": "{field: Noi, map: {DVCQG: NATIONAL_PORTAL, tinh: LOCAL}}",
    "payment": "{field: TT, map: {DVCQG: ONLINE_NATIONAL, quay: OFFLINE}}",
    "fee": "Phi",
    "fee_waived": "MienPhi",
    "components_digitised": "SoHoa",
    "components_reused": "DungLai",
    "components_from_store": "TuKho",
    "supplements": "BoSung",
    "vneid_verified": "{field: VNeID, map: {co: true, khong: false}}",
    "electronic_result": "KetQua",
}


def test_what_the_indices_ask_besides_can_be_mapped(mapped: Mapped) -> None:
    row = {
        "MaQG": "H37.12-240705-0009", "Noi": "DVCQG", "TT": "quay", "Phi": "50.000 đ",
        "MienPhi": "0", "SoHoa": "3", "DungLai": 2, "TuKho": "0", "BoSung": 1, "VNeID": "co",
        "KetQua": True,
    }  # fmt: skip
    event = mapped(DETAILS, row)
    assert event.national_code == "H37.12-240705-0009"
    assert event.details == Details(
        FilingPlace.NATIONAL_PORTAL, Payment.OFFLINE, 50_000, Answer.NO, 3, 2, 0, 1,
        Answer.YES, Answer.YES,
    )  # fmt: skip


def test_what_is_unknown_is_never_false(mapped: Mapped) -> None:
    event = mapped(DETAILS, {})
    assert (event.national_code, event.details) == ("", None)
    details = mapped(DETAILS, {"Phi": "0", "KetQua": "false"}).details
    assert details == Details(fee=0, electronic_result=Answer.NO)


@pytest.mark.parametrize(
    ("row", "field", "reason"),
    [
        ({"MaQG": "12345"}, "MaQG", RejectReason.BAD_CODE),
        ({"Phi": "-5"}, "Phi", RejectReason.BAD_VALUE),
        ({"Phi": "1.5"}, "Phi", RejectReason.BAD_VALUE),
        ({"SoHoa": "nhiều"}, "SoHoa", RejectReason.BAD_VALUE),
        ({"KetQua": "x"}, "KetQua", RejectReason.UNMAPPED_VALUE),
        ({"MienPhi": "2"}, "MienPhi", RejectReason.UNMAPPED_VALUE),
    ],
)
def test_a_detail_of_the_wrong_form_rejects_the_row(
    mapped: Mapped, row: dict[str, Any], field: str, reason: RejectReason
) -> None:
    with pytest.raises(RejectedRecord) as caught:
        mapped(DETAILS, row)
    assert (caught.value.field, caught.value.reason) == (field, reason)


@pytest.mark.parametrize(
    ("key", "form", "fault"),
    [
        ("due_at", "{field: H, format: []}", "a format, or a list of them, is expected"),
        ("due_at", "{field: H, format: [iso, 5]}", "a format, or a list of them, is expected"),
        ("due_at", "{field: H, date_only: end_of_dya}", "did you mean end_of_day?"),
        ("due_at", "{field: H, format: excel}", "excel needs a timezone"),
        ("due_at", "{field: H, map: {a: 1}}", "a date takes"),
        ("due_at", "{field: H, formt: iso}", "did you mean format?"),
        ("agency", "{field: H, format: iso}", "only dates take"),
        ("agency", "{field: H, default: x}", "do not go together"),
        ("agency", "{field: H, map: {a: b}, map_file: u.csv}", "do not go together"),
        ("agency", "{const: a, map: {a: b}}", "do not go together"),
        ("agency", "{field: H, file_name: '(a)'}", "do not go together"),
        ("agency", "{map_file: u.csv}", "do not go together"),
        ("agency", "{field: H, map_file: 5}", "the name of a file is expected"),
        ("agency", "{file_name: '('}", "not a regular expression"),
        ("agency", "{file_name: 'abc'}", "a group (?P<agency>"),
        ("agency", "{file_name: '(a)(b)'}", "a group (?P<agency>"),
        ("agency_of_file", "{field: H}", "{file_name: EXPRESSION} is expected"),
        ("channel", "{field: H, map: {A: ONLINE, a: POSTAL}}", "means the same as 'A'"),
        ("channel", '{field: H, map: {"-": ONLINE}}', "stands among the words of `missing`"),
        ("payment", "{field: H, map: {a: ONLIN}}", "no payment"),
        ("fee", "{field: H, map: {a: many}}", "a whole number is expected"),
        ("sealed", "{owner_name: {field: H, map: {a: b}}}", "a column name is expected"),
    ],
)
def test_a_form_that_means_nothing_is_a_fault_of_its_key(
    tmp_path: Path, key: str, form: str, fault: str
) -> None:
    found = faults_of(tmp_path, {key: form}, 'missing: ["-"]\ncase: fold\n')
    (message,) = [text for name, text in found.items() if name.startswith(f"mapping.{key}")]
    assert fault in message


@pytest.mark.parametrize(
    ("rest", "key", "fault"),
    [
        ("missing: [null]\n", "missing.0", 'a word in quotes is expected: "null"'),
        ('missing: ["", "-"]\n', "missing.0", "not known anyway"),
        ("missing: [[a]]\n", "missing.0", "a single value is expected"),
        ("case: folded\n", "case", "'exact' or 'fold'"),
    ],
)
def test_the_keys_for_all_columns_are_checked(
    tmp_path: Path, rest: str, key: str, fault: str
) -> None:
    assert fault in faults_of(tmp_path, {}, rest)[key]


def test_numbers_and_booleans_of_json_are_exact_texts(mapped: Mapped) -> None:
    row = json.loads('{"MaTTHC": 123456789012345678901, "Kenh": true}')
    event = mapped({"procedure": "MaTTHC", "channel": "{field: Kenh, map: {true: ONLINE}}"}, row)
    assert (event.procedure, event.channel) == ("123456789012345678901", Channel.ONLINE)


def local(folder: Path, portal: str, rest: str = "", code: str = "12") -> str:
    folder.mkdir(exist_ok=True)
    file = config(folder, {}, f"dossier_code_pattern: any\n{rest}")
    file.write_text(file.read_text("utf-8").replace("my-portal", portal), "utf-8")
    connector = read_config(file).build(now_ms, None)
    record = Record("a.csv:2", ROW | {"Ma": code}, now_ms())
    return connector.to_events(record)[0].dossier_code


def test_equal_local_codes_of_two_portals_stay_two_dossiers(tmp_path: Path) -> None:
    assert local(tmp_path / "a", "one") == "one:12"
    assert local(tmp_path / "b", "two") == "two:12"
    assert local(tmp_path / "b", "two", code="one:12") == "two:one:12"


def test_portals_that_are_said_to_hold_the_same_dossiers_share_them(tmp_path: Path) -> None:
    rest = "same_dossiers_as: [one]\n"
    assert local(tmp_path / "b", "two", rest) == local(tmp_path / "a", "one") == "one:12"


def test_a_national_code_names_one_dossier_everywhere(tmp_path: Path) -> None:
    assert local(tmp_path / "a", "one", code=CODE) == CODE


def test_portals_of_same_dossiers_are_portal_ids(tmp_path: Path) -> None:
    found = faults_of(tmp_path, {}, "same_dossiers_as: [Old Portal]\n")
    assert "same_dossiers_as.0" in found
