"""The mock over HTTP: codes and messages, sessions, faults, its log and its read interface."""

import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import aiohttp
import pytest

from lgsp.domain.errors import ConfigurationError
from lgsp.mocks.national.catalogue import load_catalogue
from lgsp.mocks.national.faults import load_faults
from lgsp.runtime.httpget import answers_200
from tests.national.harness import CALL, LOGIN, RunningPortal, running_portal
from tests.simulation.records import RECORD, STEP
from tests.waiting import until

CODE = RECORD["MaHoSo"]


def save(updating: str = "False", **changes: str) -> dict[str, object]:
    return {"isUpdating": updating, "data": [RECORD | changes]}


async def test_answers_a_dossier_s_life_as_the_contract_says(tmp_path: Path) -> None:
    async with running_portal(tmp_path) as portal:
        absent = await portal.call("TraCuuHoSo", mahoso=CODE)
        early = await portal.call("DongBoHoSoMC", **save("True"))
        created = await portal.call("DongBoHoSoMC", **save())
        again = await portal.call("DongBoHoSoMC", **save())
        updated = await portal.call("DongBoHoSoMC", **save("True", TrangThaiHoSo="9"))
        progress = await portal.call("CapNhatTienDoHoSoMC", data=[STEP])
        found = await portal.call("TraCuuHoSo", mahoso=CODE)

        assert ("0", []) == (absent["error_code"], absent["result"])
        assert ("4", f"Hồ sơ {CODE} không tồn tại") == (early["error_code"], early["message"])
        assert ("0", "Đồng bộ thành công") == (created["error_code"], created["message"])
        assert ("3", f"Hồ sơ {CODE} đã tồn tại") == (again["error_code"], again["message"])
        assert "thành công" in updated["message"]
        assert "thành công" in progress["message"]
        assert found["result"][0]["TrangThaiHoSo"] == "9"
        assert [STEP] == found["result"][0]["DanhSachTienDo"]
        assert {"9": 1} == (await portal.get("/api/summary"))["by_status"]


async def test_refuses_the_whole_array_for_one_bad_item(tmp_path: Path) -> None:
    async with running_portal(tmp_path) as portal:
        await portal.call("DongBoHoSoMC", **save())
        answer = await portal.call("CapNhatTienDoHoSoMC", data=[STEP, STEP | {"TrangThai": "0"}])

        assert ("-1", "TrangThai: giá trị không hợp lệ (0)") == (
            answer["error_code"],
            answer["message"],
        )
        assert [] == (await portal.dossier(CODE))["steps"]


async def test_takes_an_older_state_and_its_log_shows_it(tmp_path: Path) -> None:
    async with running_portal(tmp_path) as portal:
        await portal.call("DongBoHoSoMC", **save(TrangThaiHoSo="9"))
        await portal.call("DongBoHoSoMC", **save("True", TrangThaiHoSo="4"))
        log = await portal.log(dossier=CODE, service="DongBoHoSoMC")

        assert ["9", "4"] == [line["facts"][0]["TrangThaiHoSo"] for line in log]
        assert [0, 1] == [line["updating"] for line in log]
        assert all(len(line["payload_hash"]) == 64 for line in log)


async def test_keeps_persons_out_of_log_and_read_interface(tmp_path: Path) -> None:
    async with running_portal(tmp_path) as portal:
        await portal.call("DongBoHoSoMC", **save())
        await portal.call("CapNhatTienDoHoSoMC", data=[STEP])
        for path in ("/api/log", "/api/dossiers", f"/api/dossiers/{CODE}", "/metrics"):
            async with portal.http.get(portal.url + path) as response:
                text = await response.text()

            assert response.status == 200
            assert path == "/metrics" or CODE in text
            assert "NGUYEN VAN TEST" not in text
            assert not re.search(r"(?<!\d)000000000001(?!\d)", text)  # no part of a longer number


async def test_refuses_a_wrong_password_and_an_ended_session(tmp_path: Path) -> None:
    async with running_portal(tmp_path, session_ttl=0) as portal:
        wrong = await portal.post(LOGIN, {"username": "lgsp", "password": "x"})
        ended = await portal.call("TraCuuHoSo", mahoso=CODE)

        assert "-1" == wrong["error_code"]
        assert "1" == ended["error_code"]


async def test_refuses_what_is_not_in_the_envelope(tmp_path: Path) -> None:
    async with running_portal(tmp_path) as portal:
        extra = await portal.call("TraCuuHoSo", mahoso=CODE, MaHoSo=CODE)
        service = await portal.call("KhongCo")
        unknown = await portal.call("TraCuuHoSo")

        assert "Trường không có trong hợp đồng: MaHoSo" == extra["message"]
        assert "service: không có dịch vụ 'KhongCo'" == service["message"]
        assert "Thiếu trường bắt buộc mahoso" == unknown["message"]


async def test_knows_procedures_but_not_the_listed_unknown_ones(tmp_path: Path) -> None:
    async with running_portal(tmp_path, unknown=["1.009999"]) as portal:
        known = await portal.call("LayThuTuc", maTTHC="1.001612")
        unknown = await portal.call("LayThuTuc", maTTHC="1.009999")
        listed = await portal.call("LayDanhSachTTHC")

        assert "Thủ tục 1.001612" == known["result"][0]["TENTTHC"]
        assert [] == unknown["result"]
        assert ["1.001612"] == [p["MATTHC"] for p in listed["result"]]


async def test_pages_dossiers_by_code(tmp_path: Path) -> None:
    async with running_portal(tmp_path) as portal:
        codes = [f"H37.{n}-240705-0001" for n in (1, 2, 3)]
        for code in codes:
            await portal.call("DongBoHoSoMC", **save(MaHoSo=code))
        first = await portal.get("/api/dossiers", limit=2)
        second = await portal.get("/api/dossiers", limit=2, after=first["next"])
        one = await portal.get("/api/dossiers", agency="H37.2", status=4)

        assert codes == [d["code"] for d in first["items"] + second["items"]]
        assert second["next"] is None
        assert ["H37.2-240705-0001"] == [d["code"] for d in one["items"]]


@pytest.mark.parametrize(
    ("do", "status", "saved"),
    [
        ({"http": 503, "retry_after": 2}, 503, False),
        ({"drop": "before"}, 0, False),
        ({"drop": "after"}, 0, True),
        ({"truncate": True}, 0, True),
        ({"html": True}, 200, False),
        ({"error_code": "-9", "message": "không thành công"}, 200, False),
        ({"delay": 0.01}, 200, True),
    ],
)
async def test_plays_the_scripted_fault_on_the_nth_call(
    tmp_path: Path, do: dict[str, object], status: int, saved: bool
) -> None:
    faults = [{"match": {"service": "DongBoHoSoMC", "nth": 1}, "do": do}]
    async with running_portal(tmp_path, faults) as portal:
        assert status == await _status_of_a_save(portal)
        assert saved == bool((await portal.get("/api/dossiers"))["items"])
        assert 200 == await _status_of_a_save(portal)


async def _status_of_a_save(portal: RunningPortal) -> int:
    body = {"session": await portal.session(), "madonvi": "H37", "service": "DongBoHoSoMC"}
    try:
        async with portal.http.post(portal.url + CALL, json=body | save()) as response:
            await response.read()
            return response.status
    except aiohttp.ClientError:
        return 0


def test_names_file_line_and_key_of_every_fault_of_a_script(tmp_path: Path) -> None:
    script = tmp_path / "faults.yaml"
    script.write_text("- do: {http: 503}\n- do: {htpp: 1}\n- match: {nth: x}\n  do: {}\n- 5\n")

    with pytest.raises(ConfigurationError) as caught:
        load_faults(script)
    assert str(caught.value).replace(str(script), "s").splitlines() == [
        "s:2: 1.do.htpp: unknown key; did you mean http?",
        "s:3: 2.match.nth: Input should be a valid integer, unable to parse string as an integer"
        " (got 'x')",
        "s:4: 2.do: names no fault (got '{}')",
        "s:5: 3: a mapping of keys is expected (got '5')",
    ]


async def test_keeps_what_it_answered_over_a_kill(tmp_path: Path) -> None:
    async with aiohttp.ClientSession() as http:
        process, portal = await _started(tmp_path, http)
        created = await portal.call("DongBoHoSoMC", **save())
        process.send_signal(signal.SIGKILL)
        process.wait(20)
        process, portal = await _started(tmp_path, http)
        try:
            assert "0" == created["error_code"]
            assert 4 == (await portal.dossier(CODE))["status"]
            assert ["login", "DongBoHoSoMC"] == [c["service"] for c in await portal.log()]
        finally:
            process.terminate()
            assert 0 == process.wait(20)


async def _started(
    folder: Path, http: aiohttp.ClientSession
) -> tuple[subprocess.Popen[bytes], RunningPortal]:
    """Start the mock as a process of its own on a port that was free a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    code = (
        "import pathlib, sys\n"
        "from lgsp.mocks.national.app import make_app, run\n"
        "from lgsp.mocks.national.store import PortalStore\n"
        "app = make_app(PortalStore(pathlib.Path(sys.argv[1])))\n"
        "sys.exit(run(app, '127.0.0.1', int(sys.argv[2])))\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code, str(folder / "kept.db"), str(port)])
    await until("the mock answers", lambda: answers_200(f"http://127.0.0.1:{port}/readyz"), 60)
    return process, RunningPortal(f"http://127.0.0.1:{port}", http)


def test_names_every_fault_of_a_catalogue(tmp_path: Path) -> None:
    file = tmp_path / "catalogue.yaml"
    file.write_text(
        "procedures:\n- {code: 1.001612, name: A, domain: B, domain_name: C}\n- {code: x}\n"
        "unknwn: [y]\n"
    )
    with pytest.raises(ConfigurationError) as caught:
        load_catalogue(file)
    assert str(caught.value).replace(str(file), "c").splitlines() == [
        "c:3: procedures.1.name: this key is required",
        "c:3: procedures.1.domain: this key is required",
        "c:3: procedures.1.domain_name: this key is required",
        "c:4: unknwn: unknown key; did you mean unknown?",
    ]


def test_a_catalogue_knows_its_procedures(tmp_path: Path) -> None:
    file = tmp_path / "catalogue.yaml"
    file.write_text(
        "procedures:\n- {code: 1.001612, name: A, domain: B, domain_name: C}\nunknown: [1.5]\n"
    )
    catalogue = load_catalogue(file)
    assert [entry["MATTHC"] for entry in catalogue.all()] == ["1.001612"]
    assert catalogue.find("1.5") is None
