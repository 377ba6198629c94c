"""A connector's YAML: every fault at once, with the nearest right key, and no secret in any."""

from pathlib import Path

import pytest

from lgsp.domain.errors import ConfigurationError, Fault
from lgsp.runtime.clock import now_ms
from lgsp_connectors.kit.registry import read_config

WRONG = """\
connector: files
portal: My Portal
provnce: H37
source:
  pth: ./inbox/*.csv
  page_rows: 0
run:
  poll_second: 5
  pages_per_second: .inf
dossier_code_pattern: "["
shape: dossiers
mapping:
  dosier_code: MaHoSo
  agency: {feld: DonVi}
  channel: {field: KenhNop, map: {"truc tuyen": ONLIN, "buu chinh": POSTAL}, default: DIRCT}
  received_at: {field: NgayTiepNhan, format: "%d/%m/%Y", timezone: Asia/Hanoi}
  status: {field: TrangThai, map: {"moi": 11}}
  sealed: {owner: Ten, fone: DienThoai}
"""
OPENCPS = """\
connector: opencps
portal: p
province: H37
source:
  url: http://127.0.0.1:1
  group_id: "1"
  auth: {auth}
"""


def faults_of(file: Path) -> list[Fault]:
    with pytest.raises(ConfigurationError) as caught:
        read_config(file)
    return list(caught.value.faults)


def test_all_faults_of_a_file_are_named_at_once(tmp_path: Path) -> None:
    file = tmp_path / "p.yaml"
    file.write_text(WRONG, "utf-8")
    found = [(fault.line, fault.key, fault.message) for fault in faults_of(file)]

    assert [(line, key) for line, key, _ in sorted(found)] == [
        (1, "province"),
        (2, "portal"),
        (3, "provnce"),
        (4, "source.path"),
        (5, "source.pth"),
        (6, "source.page_rows"),
        (8, "run.poll_second"),
        (9, "run.pages_per_second"),
        (10, "dossier_code_pattern"),
        (12, "mapping"),
        (13, "mapping.dosier_code"),
        (14, "mapping.agency.feld"),
        (15, "mapping.channel.default"),
        (15, "mapping.channel.map.truc tuyen"),
        (16, "mapping.received_at"),
        (17, "mapping.status.map.moi"),
        (18, "mapping.sealed.fone"),
        (18, "mapping.sealed.owner"),
    ]
    hints = {key: message for _, key, message in found}
    for key, near in {
        "provnce": "province",
        "source.pth": "path",
        "run.poll_second": "poll_seconds",
        "mapping.dosier_code": "dossier_code",
        "mapping.agency.feld": "field",
        "mapping.channel.default": "DIRECT",
        "mapping.channel.map.truc tuyen": "ONLINE",
        "mapping.sealed.fone": "phone",
    }.items():
        assert hints[key].endswith(f"did you mean {near}?"), hints[key]
    assert f"{file}:6: source.page_rows: " in "\n".join(map(str, faults_of(file)))


def test_a_variable_that_is_not_set_is_named_once_beside_the_others(tmp_path: Path) -> None:
    file = tmp_path / "p.yaml"
    text = WRONG.replace("portal: My Portal", "portal: ${NO_SUCH_A}-${NO_SUCH_B}")
    file.write_text(text, "utf-8")
    found = [(fault.key, fault.message) for fault in faults_of(file)]

    assert [m for k, m in found if k == "portal"] == [
        "environment variable NO_SUCH_A, NO_SUCH_B is not set"
    ]
    assert "source.page_rows" in dict(found)


@pytest.mark.parametrize(
    "auth",
    [
        "{user: lgsp, password: [hunter2]}",
        "{user: lgsp, pasword: hunter2}",
        "{user: [lgsp], token: {a: hunter2}}",
        '"lgsp:hunter2"',
        "[hunter2]",
        "{user: lgsp, password: *hunter2}",
        "{user: lgsp, password: !hunter2 x}",
        "{user: lgsp, password: &hunter2 a, token: &hunter2 b, password: c}",
        "{user: lgsp, password: ${SECRET}, password: 1}",
        "{user: lgsp}\n  page_rows: ${SECRET}",
        "{user: lgsp}\nsub_statuses: {a: '${SECRET}'}",
        "{user: lgsp}\nstatuses: {a: 'http://u:hunter2@h/'}",
    ],
)
def test_no_fault_shows_a_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, auth: str
) -> None:
    monkeypatch.setenv("SECRET", "hunter2")
    file = tmp_path / "p.yaml"
    file.write_text(OPENCPS.format(auth=auth), "utf-8")

    shown = str(faults_of(file))

    assert "hunter2" not in shown
    assert "p.yaml" in shown


def test_a_file_of_secrets_that_cannot_be_read_is_told_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "p.yaml"
    file.write_text(OPENCPS.format(auth="{password_file: /nowhere/x}"), "utf-8")
    (fault,) = faults_of(file)

    assert (fault.line, fault.key) == (7, "source.auth.password_file")
    assert "/nowhere/x cannot be read: No such file or directory" in fault.message


def test_what_is_right_makes_a_connector(tmp_path: Path) -> None:
    file = tmp_path / "p.yaml"
    file.write_text(
        OPENCPS.format(auth="{user: a, password: b}") + "statuses: {x: 4, y: PROCESSED}"
    )
    assert read_config(file).build(now_ms, None).name == "opencps"


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ("http://127.0.0.1:1", "http://127.0.0.1:99999", "source.url"),
        ("http://127.0.0.1:1", "http://[", "source.url"),
        ("http://127.0.0.1:1", "http:///path", "source.url"),
        ('group_id: "1"', 'group_id: "1\\n2"', "source.group_id"),
        ("auth: {auth}", 'auth: {{user: "a:b", password: x}}', "source.auth.user"),
        ("auth: {auth}", 'auth: {{token: "hunter2\\n"}}', "source.auth.token"),
    ],
)
def test_what_no_request_can_carry_is_refused_before_any(
    tmp_path: Path, old: str, new: str, key: str
) -> None:
    file = tmp_path / "p.yaml"
    file.write_text(OPENCPS.replace(old, new).format(auth="{user: a}"))
    (fault,) = faults_of(file)
    assert fault.key == key
    assert "hunter2" not in str(fault)
