"""The files connector keeps the contract, and its own promises about files."""

import csv
import gzip
import io
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from lgsp.domain.errors import ConfigurationError, RejectReason
from lgsp.domain.event import Channel
from lgsp.domain.status import Status
from lgsp.runtime.clock import now_ms
from lgsp_connectors.kit.bench import Bench
from lgsp_connectors.kit.contract import Connector
from lgsp_connectors.kit.registry import read_config
from lgsp_connectors.kit.suite import ConnectorContract

CONFIG = """\
connector: files
portal: my-portal
province: H37
source: {path: "inbox/*", page_rows: 4, settle_seconds: 0}
shape: dossiers
mapping:
  dossier_code: MaHoSo
  agency: {field: DonVi}
  channel: {field: Kenh, map: {"trực tuyến": ONLINE, "bưu chính": POSTAL}, default: DIRECT}
  service_level: {const: FULL}
  received_at: {field: Nhan, format: "%d/%m/%Y %H:%M", timezone: Asia/Ho_Chi_Minh}
  due_at: {field: Hen, format: "%d/%m/%Y %H:%M", timezone: Asia/Ho_Chi_Minh}
  finished_at: {field: Xong, format: "%d/%m/%Y %H:%M", timezone: Asia/Ho_Chi_Minh}
  status: {field: TrangThai, map: {"da xong": 9, "moi": 2, "dang xu ly": 4}, default: reject}
"""
HEADER = "MaHoSo,DonVi,Kenh,Nhan,Hen,Xong,TrangThai,Ghi chu\n"


def code(i: int) -> str:
    return f"H37.12-240705-{i:04d}"


def row(i: int, *, finished: str = "", status: str = "dang xu ly", received: str = "") -> str:
    received = received or "05/07/2024 08:15"
    return (
        f"{code(i)},H37.12,trực tuyến,{received},10/07/2024 17:00,{finished},{status},"
        f'"NGUYEN VAN TEST, 0912345678"\n'
    )


class FilesRig:
    """A folder with three files: plain and gzipped CSV, and JSON lines."""

    secrets = ("NGUYEN VAN TEST", "0912345678")

    def __init__(self, base: Path, config: str = CONFIG) -> None:
        self.base, self.inbox = base, base / "inbox"
        self.inbox.mkdir()
        (base / "c.yaml").write_text(config, "utf-8")
        self.codes = {code(i) for i in range(12)}
        self.write("a.csv", "\ufeff" + HEADER + "".join(row(i) for i in range(5)))
        self.write("b.csv.gz", HEADER + "".join(row(i) for i in range(5, 9)))
        names = HEADER.strip().split(",")
        self.write(
            "c.jsonl",
            "".join(
                json.dumps(dict(zip(names, row(i).strip().split(",", 7), strict=True))) + "\n"
                for i in range(9, 12)
            ),
        )

    def write(self, name: str, text: str | bytes, *, mode: str = "wb") -> None:
        data = text.encode() if isinstance(text, str) else text
        with (self.inbox / name).open(mode) as file:
            file.write(gzip.compress(data) if name.endswith(".gz") else data)

    def connector(self) -> Connector:
        return read_config(self.base / "c.yaml").build(now_ms, None)

    def change(self) -> str:
        self.write("a.csv", row(3, finished="09/07/2024 10:00", status="da xong"), mode="ab")
        return code(3)

    def spoil(self) -> None:
        self.write("d.csv", HEADER + row(98, received="31/02/2024 08:00") + row(99))
        self.codes = self.codes | {code(99)}

    def spoil_all(self) -> None:
        for name in ("a.csv", "b.csv.gz", "c.jsonl"):
            (self.inbox / name).unlink()
        self.write("a.csv", HEADER + "".join(row(i, status="la") for i in range(8)))


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., FilesRig]:
    return lambda config=CONFIG: FilesRig(tmp_path, config)


class TestContract(ConnectorContract):
    @pytest.fixture
    def rig(self, make: Callable[..., FilesRig]) -> FilesRig:
        return make()


async def test_maps_what_a_row_says(make: Callable[..., FilesRig]) -> None:
    rig, bench = make(), Bench()
    rig.change()
    await bench.run(rig.connector())
    events = [e for e in bench.sink.events if e.dossier_code == code(3)]
    last = next(e for e in events if e.status is Status.PROCESSED)
    assert last.finished_at == last.occurred_at == 1720494000000  # 2024-07-09T10:00+07:00
    assert last.channel == Channel.ONLINE
    assert {"da xong"} == {e.source_status for e in events if e.status is Status.PROCESSED}


async def test_rewritten_file_is_read_again_without_new_facts(
    make: Callable[..., FilesRig],
) -> None:
    rig, bench = make(), Bench()
    await bench.run(rig.connector())
    known = bench.sink.ids()
    rig.write("a.csv", HEADER + "".join(row(i) for i in reversed(range(5))))
    report = await bench.run(rig.connector())
    assert report.records == 5
    assert known == bench.sink.ids()


async def test_grown_gzip_goes_on_where_it_stood(make: Callable[..., FilesRig]) -> None:
    rig, bench = make(), Bench()
    await bench.run(rig.connector())
    rig.write("b.csv.gz", row(50), mode="ab")
    report = await bench.run(rig.connector())
    assert report.records == 1
    assert code(50) in bench.sink.codes()


async def test_truncated_gzip_counts_the_good_rows(make: Callable[..., FilesRig]) -> None:
    rig, bench = make(), Bench()
    # Rows that do not compress away, so that the cut falls among them.
    text = HEADER + "".join(row(1000 + i * 7919 % 8999) for i in range(3000))
    packed = gzip.compress(text.encode())
    (rig.inbox / "t.csv.gz").write_bytes(packed[: len(packed) // 2])
    report = await bench.run(rig.connector())
    record, error = bench.sink.rejects[0]
    assert error.reason == RejectReason.TRUNCATED
    line = int(record.origin.removeprefix("inbox/t.csv.gz:"))
    assert 1000 < line < 3000
    assert line - 2 == report.records - 12 - 1  # all lines before it, but the header


async def test_damaged_gzip_is_told(make: Callable[..., FilesRig]) -> None:
    rig, bench = make(), Bench()
    packed = bytearray(gzip.compress((HEADER + row(70)).encode()))
    packed[-6] ^= 1  # the checksum
    (rig.inbox / "t.csv.gz").write_bytes(packed)
    await bench.run(rig.connector())
    assert [e.reason for _, e in bench.sink.rejects] == [RejectReason.UNREADABLE]
    assert rig.codes == bench.sink.codes()


async def test_broken_encoding_names_line_and_byte(make: Callable[..., FilesRig]) -> None:
    rig, bench = make(), Bench()
    bad = row(80).encode().replace("trực".encode(), b"tr\xfcc")
    rig.write("e.csv", HEADER.encode() + bad + row(81).encode())
    await bench.run(rig.connector())
    record, error = bench.sink.rejects[0]
    assert record.origin == "inbox/e.csv:2"
    assert error.value == "0xFC"
    assert "position 29" in error.detail
    assert code(81) in bench.sink.codes()


@pytest.mark.parametrize(
    ("line", "reason", "field", "value"),
    [
        ("H37.12-240705-0001,H37.12\n", RejectReason.UNREADABLE, "", ""),
        (
            row(1).replace("08:15", "25:15"),
            RejectReason.BAD_DATE,
            "Nhan",
            "05/07/2024 25:15",
        ),
        (
            row(1, received="05/07/2094 08:15"),
            RejectReason.BAD_DATE,
            "Nhan",
            "05/07/2094 08:15",
        ),
        (
            row(1, received="05/07/1924 08:15"),
            RejectReason.BAD_DATE,
            "Nhan",
            "05/07/1924 08:15",
        ),
        (row(1, status="la"), RejectReason.UNMAPPED_STATUS, "TrangThai", "la"),
        (row(1, status="da xong"), RejectReason.FINISHED_WITHOUT_DATE, "TrangThai", "da xong"),
        (row(1).replace(code(1), "X1"), RejectReason.BAD_CODE, "MaHoSo", "X1"),
        (row(1).replace("H37.12,", "H37\0,"), RejectReason.BAD_VALUE, "DonVi", ""),
        (row(1).replace(code(1), ""), RejectReason.MISSING_FIELD, "MaHoSo", ""),
    ],
)
async def test_bad_rows_name_line_field_and_value(
    make: Callable[..., FilesRig], line: str, reason: RejectReason, field: str, value: str
) -> None:
    rig, bench = make(), Bench()
    rig.write("e.csv", HEADER + row(81) + line + row(82))
    await bench.run(rig.connector())
    record, error = bench.sink.rejects[0]
    assert ("inbox/e.csv:3", reason, field, value) == (
        record.origin,
        error.reason,
        error.field,
        error.value,
    )
    assert {code(81), code(82)} <= bench.sink.codes()


async def test_open_quote_costs_one_line(make: Callable[..., FilesRig]) -> None:
    rig, bench = make(), Bench()
    rig.write("e.csv", HEADER + row(81).replace('678"', "678") + row(82) + row(83))
    await bench.run(rig.connector())
    assert [record.origin for record, _ in bench.sink.rejects] == ["inbox/e.csv:2"]
    assert {code(82), code(83)} <= bench.sink.codes()


async def test_quoted_line_end_is_part_of_the_cell(make: Callable[..., FilesRig]) -> None:
    rig, bench = make(), Bench()
    rig.write("e.csv", HEADER + row(81).replace("TEST, ", 'TEST\n""x"" ') + row(82))
    await bench.run(rig.connector())
    assert {code(81), code(82)} <= bench.sink.codes()


@pytest.mark.parametrize("delimiter", list(",;\t|"))
async def test_a_header_may_be_quoted_whatever_separates(
    make: Callable[..., FilesRig], delimiter: str
) -> None:
    rig, bench, text = make(), Bench(), io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, quoting=csv.QUOTE_ALL)
    writer.writerows(csv.reader(io.StringIO(HEADER + row(81) + row(82))))
    rig.write("e.csv", text.getvalue())
    await bench.run(rig.connector())

    assert {code(81), code(82)} <= bench.sink.codes()


@pytest.mark.parametrize("written", [0, 1e8, 4e9], ids=["1970", "1973", "2096"])
async def test_a_file_of_any_time_is_read(make: Callable[..., FilesRig], written: float) -> None:
    rig, bench = make(), Bench()
    rig.write("e.csv", HEADER + row(81))
    os.utime(rig.inbox / "e.csv", (written, written))
    report = await bench.run(rig.connector())

    assert code(81) in bench.sink.codes()
    assert 0 == report.rejected


async def test_wrong_header_is_one_reject_until_mapping_or_file_changes(
    make: Callable[..., FilesRig],
) -> None:
    rig, bench = make(), Bench()
    rig.write("e.csv", HEADER.replace("Xong", "KetThuc") + row(81))
    first = await bench.run(rig.connector())
    record, error = bench.sink.rejects[0]
    assert (first.rejected, record.origin, error.field) == (1, "inbox/e.csv:1", "Xong")
    assert "KetThuc" in error.detail
    again = await bench.run(rig.connector())
    assert again.rejected == 0
    rig.write("e.csv", HEADER + row(81))
    await bench.run(rig.connector())
    assert code(81) in bench.sink.codes()


async def test_each_file_that_cannot_be_used_has_a_letter_of_its_own(
    make: Callable[..., FilesRig],
) -> None:
    rig, bench = make(), Bench()
    wrong = HEADER.replace("Xong", "KetThuc") + row(81)
    cut = gzip.compress((HEADER + row(82)).encode())[:-20]
    for name, data in {"w1.csv": wrong, "w2.csv": wrong}.items():
        rig.write(name, data)
    for name in ("x1.csv.gz", "x2.csv.gz"):
        (rig.inbox / name).write_bytes(cut)
    report = await bench.run(rig.connector())
    places = [record.origin.partition(":")[0] for record, _ in bench.sink.rejects]
    assert ["inbox/w1.csv", "inbox/w2.csv", "inbox/x1.csv.gz", "inbox/x2.csv.gz"] == places
    assert report.rejected == 4


async def test_a_mapped_column_that_stands_twice_is_not_chosen(
    make: Callable[..., FilesRig],
) -> None:
    rig, bench = make(), Bench()
    rig.write("e.csv", HEADER.replace("Ghi chu", "TrangThai") + row(81))
    await bench.run(rig.connector())
    record, error = bench.sink.rejects[0]
    assert ("inbox/e.csv:1", "TrangThai") == (record.origin, error.field)
    assert "the header repeats: TrangThai" in error.detail


async def test_a_header_that_cannot_be_decoded_is_told_of_line_1(
    make: Callable[..., FilesRig],
) -> None:
    rig, bench = make(), Bench()
    rig.write("e.csv", HEADER.replace("Ghi chu", "Ghi chú").encode("latin-1") + row(81).encode())
    await bench.run(rig.connector())
    assert ["inbox/e.csv:1"] == [record.origin for record, _ in bench.sink.rejects]


async def test_backfill_reads_files_changed_since(make: Callable[..., FilesRig]) -> None:
    rig = make()
    connector = rig.connector()
    assert not (await connector.fetch(connector.start(now_ms() + 60_000))).records
    assert (await connector.fetch(connector.start(now_ms() - 60_000))).records
    await connector.close()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("  dossier_code:", "  dossier_cod:", "c.yaml:7: mapping.dossier_cod: unknown attribute"),
        ("  status:", "  # status:", None),
        ('"moi": 2', '"moi": 12', "c.yaml:14: mapping.status.map.moi: no status"),
        ("{const: FULL}", "{const: 4}", "c.yaml:10: mapping.service_level.const: no"),
        ("{field: DonVi}", "{feld: DonVi}", "c.yaml:8: mapping.agency.feld: unknown key"),
        ("province: H37", "province: 37", "c.yaml:3: province: "),
        ("shape: dossiers", "shape: rows", "c.yaml:5: shape: "),
        ("page_rows: 4", "pages: 4", "c.yaml:4: source.pages: unknown key"),
        ("connector: files", "connector: xlsx", "c.yaml:1: connector: no connector 'xlsx'"),
        ("Asia/Ho_Chi_Minh", "Asia/Hanoi", "c.yaml:11: mapping.received_at: unknown timezone"),
        (", timezone: Asia/Ho_Chi_Minh", "", "needs a timezone"),
        ('"inbox/*"', '"${NO_SUCH_NAME}"', "c.yaml:4: source.path: environment variable"),
        (
            "shape: dossiers",
            "shape: dossiers\nshape: steps",
            "c.yaml:6: shape: the key is written",
        ),
        ("%d/%m/%Y %H:%M", "%d/%m/%Q", "c.yaml:11: mapping.received_at: 'Q' is a bad directive"),
        ("{const: FULL}", "{const: [FULL]}", "c.yaml:10: mapping.service_level.const: a single"),
        ("mapping:", "mapping:\n  sealed: {name: Ten}", "c.yaml:7: mapping.sealed.name: unknown;"),
        ("province: H37", "province: !x H37", "c.yaml:3: not valid YAML: could not determine"),
        ("province: H37", "province: !!int abc", "c.yaml:3: province: String should match"),
        ("province: H37", "? [province]\n: H37", "c.yaml:3: a key is one word"),
        ("province: H37", "province: \1", "c.yaml:3: not valid YAML: the character U+0001"),
        ("province: H37", "province: &a {b: *a}", "c.yaml:1: an alias contains itself"),
        (
            "province: H37",
            "a: &a [x, x, x, x]\n"
            + "".join(
                f"a{i}: &a{i} [{', '.join([f'*a{i - 1}' if i else '*a'] * 9)}]\n" for i in range(9)
            )
            + "province: H37",
            "c.yaml:1: its aliases stand for more than 300,000 values",
        ),
        ("province: H37", "province: " + "[" * 5000 + "]" * 5000, "nested too deeply"),
        ("shape: dossiers", "shape: steps", "needs the attribute occurred_at"),
        ("mapping:", "dossier_code_pattern: '['\nmapping:", "c.yaml:6: dossier_code_pattern: not"),
    ],
)
def test_configuration_faults_name_file_line_and_key(
    tmp_path: Path, old: str, new: str, message: str | None
) -> None:
    file = tmp_path / "c.yaml"
    file.write_text(CONFIG.replace(old, new), "utf-8")
    if message is None:
        read_config(file).build(now_ms, None)
        return
    with pytest.raises(ConfigurationError) as caught:
        read_config(file).build(now_ms, None)
    assert message in str(caught.value)


async def test_a_dossier_that_a_complete_export_no_longer_has_is_removed(
    make: Callable[..., FilesRig],
) -> None:
    rig, bench = make(CONFIG.replace("source: {", "source: {complete: true, ")), Bench()
    for file in rig.inbox.iterdir():
        file.unlink()
    rig.write("x-1.csv", HEADER + "".join(row(i) for i in range(8)))
    await bench.run(rig.connector())
    rig.write("x-2.csv", HEADER + "".join(row(i) for i in range(8) if i != 3))
    report = await bench.run(rig.connector())
    rig.write("x-3.csv", HEADER + "".join(row(i) for i in range(8)))
    again = await bench.run(rig.connector())

    assert (1, 1, "") == (report.removed, report.events, report.not_removed)
    assert [code(3)] == [e.dossier_code for e in bench.sink.events if e.removed]
    assert {code(3)} == {e.dossier_code for e in bench.sink.events[-again.events :]}
    assert again.events

    rig.write("w.csv", HEADER + "".join(row(i) for i in range(7)))
    os.utime(rig.inbox / "w.csv", (1.7e9, 1.7e9))
    late = await bench.run(rig.connector())
    assert (0, "") == (late.removed, late.not_removed), "a late file is an old statement"
