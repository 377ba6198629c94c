import base64
import errno
import json
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lgsp.domain.errors import ConfigurationError, RejectedRecord, RejectReason
from lgsp.runtime.sealing import Sealer, load, load_or_create

KEY_1, KEY_2 = bytes(32), bytes(range(32))


@given(st.binary(), st.text(), st.text())
def test_opens_for_its_own_record_only(data: bytes, code: str, other: str) -> None:
    sealer = Sealer({"k1": KEY_1}, "k1")
    blob = sealer.seal(data, code)

    assert data == sealer.open(blob, code)
    if other != code:
        with pytest.raises(RejectedRecord, match="of another record"):
            sealer.open(blob, other)


@given(st.data())
def test_a_changed_byte_is_noticed(data: st.DataObject) -> None:
    sealer = Sealer({"k1": KEY_1}, "k1")
    blob = bytearray(sealer.seal({"owner_name": "NGUYEN VAN TEST"}, "code"))
    at = data.draw(st.integers(0, len(blob) - 1))
    blob[at] ^= data.draw(st.integers(1, 255))

    with pytest.raises(RejectedRecord) as caught:
        sealer.open(bytes(blob), "code")

    assert RejectReason.UNREADABLE == caught.value.reason


@given(st.binary(max_size=60))
def test_bytes_that_are_no_seal_are_rejected(blob: bytes) -> None:
    with pytest.raises(RejectedRecord):
        Sealer({"k1": KEY_1}, "k1").open(blob, "code")


def test_after_a_rotation_old_seals_open_and_pseudonyms_stay() -> None:
    before = Sealer({"k1": KEY_1}, "k1")
    after = Sealer({"k1": KEY_1, "k2": KEY_2}, "k2")
    old, new = before.seal(b"old", "c"), after.seal(b"new", "c")

    assert [b"old", b"new"] == [after.open(old, "c"), after.open(new, "c")]
    assert before.pseudonym(b"x") == after.pseudonym(b"x")
    with pytest.raises(RejectedRecord, match="key 'k2', which is not in the key file"):
        before.open(new, "c")


def test_a_mapping_is_sealed_as_json() -> None:
    sealer = Sealer({"k1": KEY_1}, "k1")
    person = {"owner_name": "NGUYỄN VĂN TEST", "owner_id": "000000000001"}

    assert person == json.loads(sealer.open(sealer.seal(person, "c"), "c"))


def test_no_key_is_ever_shown() -> None:
    shown = repr(Sealer({"k1": KEY_2}, "k1"))

    assert "Sealer(current='k1', keys=['k1'])" == shown


def test_the_file_is_made_once_and_only_its_owner_can_read_it(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "seal.json"
    first = load_or_create(path)
    blob = first.seal(b"data", "c")

    assert b"data" == load_or_create(path).open(blob, "c")
    assert 0o600 == stat.S_IMODE(path.stat().st_mode)
    assert [path] == list(path.parent.iterdir())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "are not JSON"),
        ("[]", "needs"),
        ('{"current": "k1", "keys": {}}', "current is 'k1'"),
        ('{"current": "k1", "keys": {"k1": "%%"}}', "keys.k1 is not base64"),
        ('{"current": "k1", "keys": {"k1": "QUJD"}}', "keys.k1 has 3 bytes, not 32"),
    ],
)
def test_a_bad_key_file_is_named_with_its_fault(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "seal.json"
    path.write_text(text)
    path.chmod(0o600)

    with pytest.raises(ConfigurationError, match=f"{path}.*{message}"):
        load(path)


def test_keys_that_others_can_read_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "seal.json"
    key = base64.b64encode(KEY_1).decode()
    path.write_text(json.dumps({"current": "k1", "keys": {"k1": key}}))
    path.chmod(0o644)

    with pytest.raises(ConfigurationError, match="chmod 600"):
        load(path)
    with pytest.raises(ConfigurationError, match="No such file"):
        load(tmp_path / "absent.json")


def test_keys_in_a_folder_that_may_not_be_entered_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def exists(_path: Path) -> bool:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "exists", exists)
    with pytest.raises(
        ConfigurationError, match="cannot read the sealing keys: Permission denied"
    ):
        load_or_create(tmp_path / "keys" / "seal.json")
