"""Which column of a list holds what: by a mapping file, else by the words of its header. Pure."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from lgsp.domain.reconciliation.held import Claim
from lgsp.domain.status import OFFICIAL_WORDS, Status
from lgsp.runtime.personal import plain_words

CODE = "code"
DATE_COLUMNS = ("submitted_at", "received_at", "due_at", "finished_at", "returned_at")
_Column = Literal[
    "code",
    "status",
    "claim",
    "place",
    "unit",
    "submitted_at",
    "received_at",
    "due_at",
    "finished_at",
    "returned_at",
]


class ListMapping(BaseModel):
    """A mapping file: what the header's words do not say by themselves."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    columns: dict[_Column, str] = {}
    persons: list[str] = []
    claim: Claim | None = None
    claims: dict[str, Claim] = {}
    statuses: dict[str, Annotated[int, Field(ge=1, le=10)]] = {}
    sheet: str = ""
    encoding: str = ""


def _any(text: str) -> tuple[str, ...]:
    return tuple(text.split("|"))


# Whole headers first, then how one begins; the more telling one stands earlier.
_GUESSES = (
    (
        CODE,
        _any(
            "ma ho so|mahoso|so ho so|ma so ho so|ma hs|mahs|so hs|dossier code|dossier_code"
            "|dossiercode|dossier|code"
        ),
    ),
    (
        "submitted_at",
        _any("ngay nop|thoi gian nop|ngaynop|ngay dang ky|ngay gui|submitted"),
    ),
    (
        "received_at",
        _any("ngay tiep nhan|thoi gian tiep nhan|thoi diem tiep nhan|ngaytiepnhan|received"),
    ),
    (
        "due_at",
        _any(
            "ngay hen tra|thoi gian hen tra|hen tra|ngayhentra|han tra|han xu ly|han giai quyet"
            "|thoi han|due"
        ),
    ),
    (
        "finished_at",
        _any(
            "ngay ket thuc|ngay xu ly xong|ngay hoan thanh|ngayketthuc|ngay co ket qua"
            "|ngay giai quyet|thoi gian ket thuc|ngay xong|finished"
        ),
    ),
    ("returned_at", _any("ngay tra|ngaytra|thoi gian tra|returned")),
    ("status", _any("trang thai|trangthai|status")),
    (
        "claim",
        _any(
            "tinh trang|phan loai|ket qua giai quyet|ket qua xu ly|loai|ghi nhan|tien do"
            "|claim|class"
        ),
    ),
    ("place", _any("noi nop|noinop")),
    ("unit", _any("don vi|co quan|donvi|unit|agency")),
)
_PERSONS = _any(
    "ho ten|ho va ten|chu ho so|chuhoso|nguoi nop|nguoi yeu cau|to chuc|cccd|cmnd|cmt"
    "|so giay to|sogiayto|dinh danh|dien thoai|sodienthoai|so dt|sdt|email|thu dien tu"
    "|dia chi|diachi|ngay sinh|doi tuong|trich yeu|noi dung|can bo|nguoi xu ly|owner"
    "|applicant|phone|address|name|ten ca nhan"
)
_CLAIMS = (
    (
        Claim.RECEIVED_LATE,
        _any(
            "cham tiep nhan|tiep nhan cham|tiep nhan muon|tiep nhan qua han|qua han tiep nhan"
            "|muon tiep nhan|chua tiep nhan|tre han tiep nhan|received_late"
        ),
    ),
    (
        Claim.ON_TIME,
        _any("dung han|truoc han|trong han|som han|chua den han|on_time"),
    ),
    (Claim.LATE, _any("qua han|tre han|cham muon|muon han|cham|tre")),
)
_WORDS = {plain_words(word): status for status, word in OFFICIAL_WORDS.items()} | {
    "moi dang ky": Status.REGISTERED,
    "da tiep nhan": Status.RECEIVED,
    "tu choi": Status.REFUSED,
    "cho bo sung": Status.SUPPLEMENT_REQUIRED,
    "yeu cau bo sung": Status.SUPPLEMENT_REQUIRED,
    "da rut": Status.WITHDRAWN,
    "rut ho so": Status.WITHDRAWN,
    "da xu ly": Status.PROCESSED,
    "da tra": Status.RESULT_RETURNED,
}


class ListColumns:
    """The columns of one list by what they hold; `persons` are the indices that are masked."""

    def __init__(self, header: Sequence[str], mapping: ListMapping) -> None:
        self.header = tuple(header)
        plain = [plain_words(name) for name in header]
        self.at: dict[str, int] = {}
        for column, wanted in mapping.columns.items():
            if plain_words(wanted) in plain:
                self.at[column] = plain.index(plain_words(wanted))
        taken = set(self.at.values())
        for name, words in _GUESSES:
            if name not in mapping.columns:
                at = _best(plain, words, taken)
                if at is not None:
                    self.at[name] = at
                    taken.add(at)
        masked = [plain_words(name) for name in mapping.persons]
        self.persons = frozenset(
            i
            for i, name in enumerate(plain)
            if i not in taken and (name in masked or any(word in name for word in _PERSONS))
        )

    def missing(self, mapping: ListMapping) -> list[str]:
        """Name the columns of the mapping that the header lacks."""
        plain = {plain_words(name) for name in self.header}
        return [each for each in mapping.columns.values() if plain_words(each) not in plain]


def _best(plain: Sequence[str], words: Sequence[str], taken: set[int]) -> int | None:
    for fits in (str.__eq__, str.startswith):
        for word in words:
            for at, name in enumerate(plain):
                if at not in taken and name and fits(name, word):
                    return at
    return None


def claim_in(text: str, own: Mapping[str, Claim] | None = None) -> Claim | None:
    """Return what a text claims of a dossier; None: nothing that is known."""
    plain = plain_words(text)
    for words, claim in (own or {}).items():
        if plain_words(words) in plain:
            return claim
    return next((claim for claim, known in _CLAIMS if any(w in plain for w in known)), None)


def status_in(text: str, own: Mapping[str, int]) -> Status | None:
    """Return the status that a text names by its number or its words; None: none that is known."""
    plain = plain_words(text)
    for words, number in own.items():
        if plain_words(words) == plain:
            return Status(number)
    if plain.isdigit() and len(plain) <= 2 and 1 <= int(plain) <= 10:
        return Status(int(plain))
    return _WORDS.get(plain) or next(
        (status for word, status in _WORDS.items() if plain.startswith(word)), None
    )
