"""What the portal does with a call: sessions, the five services, the answer's code and message.

Like the real one it accepts an older state over a newer one and keeps repeated progress steps: it
is the caller who must not send them; the log shows what was sent. A progress step is history, the
dossier's status is that of its record.
"""

import hashlib
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import orjson

from lgsp.mocks.national.catalogue import Catalogue
from lgsp.mocks.national.contract import fault_of_record, fault_of_step
from lgsp.mocks.national.store import Call, PortalStore

LOGIN = "login"
_ENVELOPE = {"session", "madonvi", "service", "isUpdating", "data", "mahoso", "maTTHC"}
_RECORD_FACTS = (
    "TrangThaiHoSo",
    "NgayNopHoSo",
    "NgayTiepNhan",
    "NgayHenTra",
    "NgayKetThucXuLy",
    "NgayTra",
    "NgayTuChoi",
)
_STEP_FACTS = ("TrangThai", "ThoiDiemXuLy")


@dataclass(frozen=True, kw_only=True)
class Codes:
    """The answer's error codes; the official list is not public, so they can be changed."""

    ok: str = "0"
    session: str = "1"
    exists: str = "3"
    absent: str = "4"
    invalid: str = "-1"


class PortalAnswer(NamedTuple):
    """The body of an answer, before it is written as JSON."""

    error_code: str
    message: str
    result: list[Any] | None = None
    session: str | None = None

    def body(self) -> bytes:
        """Return the JSON body."""
        found: dict[str, Any] = {"error_code": self.error_code, "message": self.message}
        if self.session is not None:
            found["session"] = self.session
        else:
            found["result"] = self.result or []
        return orjson.dumps(found)


@dataclass(kw_only=True)
class Portal:
    """The portal's rules over its store; no HTTP here.

    Args:
        store: where dossiers, steps and calls are kept.
        clock: gives now in ms UTC.
        user: the one account.
        password: its password.
        catalogue: the procedures.
        session_ttl: seconds that a session is good for.
        codes: error codes to answer with.
    """

    store: PortalStore
    clock: Callable[[], int]
    user: str = "lgsp"
    password: str = field(default="lgsp", repr=False)
    catalogue: Catalogue = field(default_factory=Catalogue)
    session_ttl: float = 600
    codes: Codes = field(default_factory=Codes)

    def __post_init__(self) -> None:
        self._sessions: dict[str, int] = {}  # session -> end, ms UTC
        self._services: Mapping[str, Callable[[dict[str, Any]], PortalAnswer]] = {
            "TraCuuHoSo": self._look_up,
            "LayThuTuc": self._procedure,
            "LayDanhSachTTHC": self._procedures,
            "DongBoHoSoMC": self._save_records,
            "CapNhatTienDoHoSoMC": self._save_steps,
        }

    def expire_sessions(self) -> None:
        """End every session now."""
        self._sessions.clear()

    def login(self, body: object) -> PortalAnswer:
        """Answer a login with a new session."""
        given = body if isinstance(body, dict) else {}
        user, password = str(given.get("username", "")), str(given.get("password", ""))
        same = secrets.compare_digest(user.encode(), self.user.encode())
        if not (secrets.compare_digest(password.encode(), self.password.encode()) and same):
            return PortalAnswer(self.codes.invalid, "Sai tên đăng nhập hoặc mật khẩu", session="")
        session = secrets.token_hex(16)
        now = self.clock()
        self._sessions = {s: end for s, end in self._sessions.items() if end > now}
        self._sessions[session] = now + int(self.session_ttl * 1000)
        return PortalAnswer(self.codes.ok, "Đăng nhập thành công", session=session)

    def call(self, body: object) -> PortalAnswer:
        """Answer one call of a service; the caller commits the store and logs the call."""
        if not isinstance(body, dict):
            return PortalAnswer(self.codes.invalid, "Nội dung gọi không phải là JSON hợp lệ")
        if self._sessions.get(str(body.get("session")), 0) <= self.clock():
            return PortalAnswer(self.codes.session, "Phiên làm việc không hợp lệ hoặc đã hết hạn")
        extra = next((name for name in body if name not in _ENVELOPE), None)
        if extra is not None:
            return PortalAnswer(self.codes.invalid, f"Trường không có trong hợp đồng: {extra}")
        if not isinstance(body.get("madonvi"), str) or not body["madonvi"]:
            return PortalAnswer(self.codes.invalid, "Thiếu trường bắt buộc madonvi")
        service = self._services.get(str(body.get("service")))
        if service is None:
            return PortalAnswer(
                self.codes.invalid, f"service: không có dịch vụ {body.get('service')!r}"
            )
        return service(body)

    def _look_up(self, body: dict[str, Any]) -> PortalAnswer:
        code = body.get("mahoso")
        if not isinstance(code, str) or not code:
            return PortalAnswer(self.codes.invalid, "Thiếu trường bắt buộc mahoso")
        record = self.store.record(code)
        if record is None:
            return PortalAnswer(self.codes.ok, "Tra cứu thành công, không có hồ sơ")
        record["DanhSachTienDo"] = self.store.steps(code)
        return PortalAnswer(self.codes.ok, "Tra cứu thành công", [record])

    def _procedure(self, body: dict[str, Any]) -> PortalAnswer:
        code = body.get("maTTHC")
        if not isinstance(code, str) or not code:
            return PortalAnswer(self.codes.invalid, "Thiếu trường bắt buộc maTTHC")
        found = self.catalogue.find(code)
        return PortalAnswer(self.codes.ok, "Lấy thủ tục thành công", [found] if found else [])

    def _procedures(self, _body: dict[str, Any]) -> PortalAnswer:
        return PortalAnswer(self.codes.ok, "Lấy danh sách thành công", self.catalogue.all())

    def _save_records(self, body: dict[str, Any]) -> PortalAnswer:
        updating = body.get("isUpdating")
        if updating not in {"True", "False"}:
            return PortalAnswer(self.codes.invalid, "isUpdating: phải là True hoặc False")
        records = body.get("data")
        if fault := _fault_of_all(records, fault_of_record):
            return PortalAnswer(self.codes.invalid, fault)
        assert isinstance(records, list)  # noqa: S101 - just checked
        for record in records:
            code = record["MaHoSo"]
            known = self.store.exists(code)
            if known and updating == "False":
                return PortalAnswer(self.codes.exists, f"Hồ sơ {code} đã tồn tại")
            if not known and updating == "True":
                return PortalAnswer(self.codes.absent, f"Hồ sơ {code} không tồn tại")
            if self.catalogue.find(record["MaTTHC"]) is None:
                return PortalAnswer(
                    self.codes.invalid, f"MaTTHC: không tồn tại ({record['MaTTHC']})"
                )
        now = self.clock()
        for record in records:
            self.store.save(record, now)
        return PortalAnswer(self.codes.ok, "Đồng bộ thành công")

    def _save_steps(self, body: dict[str, Any]) -> PortalAnswer:
        steps = body.get("data")
        if fault := _fault_of_all(steps, fault_of_step):
            return PortalAnswer(self.codes.invalid, fault)
        assert isinstance(steps, list)  # noqa: S101 - just checked
        for code in dict.fromkeys(step["MaHoSo"] for step in steps):
            if not self.store.exists(code):
                return PortalAnswer(self.codes.absent, f"Hồ sơ {code} không tồn tại")
        self.store.add_steps(steps, self.clock())
        return PortalAnswer(self.codes.ok, "Cập nhật tiến độ thành công")

    def log(self, body: object, answer: PortalAnswer | None, *, fault: str = "") -> None:
        """Append the call to the log: statuses and dates as sent, nothing personal.

        `answer` None: the scripted fault kept the call from being worked on.
        """
        given = body if isinstance(body, dict) else {}
        service = str(given.get("service", "")) or LOGIN
        data = given.get("data")
        items = [i for i in data if isinstance(i, dict)] if isinstance(data, list) else []
        names = _STEP_FACTS if service == "CapNhatTienDoHoSoMC" else _RECORD_FACTS
        facts = [{n: str(i[n])[:20] for n in names if n in i} for i in items]
        hashed = b"" if service == LOGIN else orjson.dumps(items or dossier_of(given))
        updating = {"True": 1, "False": 0}.get(str(given.get("isUpdating")))
        self.store.log(
            Call(
                self.clock(),
                service[:50],
                dossier_of(given),
                updating,
                hashlib.sha256(hashed).hexdigest() if hashed else "",
                orjson.dumps(facts),
                answer.error_code if answer else "",
                answer.message if answer else "",
                fault,
            )
        )


def dossier_of(body: object) -> str:
    """Return the dossier that a call is about, "" when it names none."""
    if not isinstance(body, dict):
        return ""
    code = body.get("mahoso")
    data = body.get("data")
    if not code and isinstance(data, list) and data and isinstance(data[0], dict):
        code = data[0].get("MaHoSo")
    return code[:60] if isinstance(code, str) else ""


def status_of(item: object) -> str:
    """Return the status of a record or step that is sent, "" when it names none."""
    found = item.get("TrangThaiHoSo") or item.get("TrangThai") if isinstance(item, dict) else ""
    return found if isinstance(found, str) else ""


def statuses_of(body: object) -> set[str]:
    """Return the statuses of what a call sends."""
    data = body.get("data") if isinstance(body, dict) else None
    return set(map(status_of, data)) if isinstance(data, list) else set()


def _fault_of_all(items: object, fault_of: Callable[[object], str | None]) -> str | None:
    if not isinstance(items, list) or not items:
        return "data: phải là một danh sách không rỗng"
    return next(filter(None, map(fault_of, items)), None)
