"""Layouts of evidence: moved on in place with every row, or refused with the way out."""

import pytest
from sqlalchemy import Engine, text

from lgsp.delivery.evidence.verifying import verify_all
from lgsp.domain.errors import ConfigurationError
from lgsp.domain.evidence.row import EvidenceEntry, EvidenceKind
from lgsp.store.evidence import opening
from lgsp.store.evidence.keeping import append
from lgsp.store.evidence.opening import move_on, open_evidence, open_kept_evidence


def test_a_store_of_another_layout_is_refused_and_one_of_before_is_moved_on(
    store_url: str, evidence: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    with evidence.begin() as connection:
        append(connection, [EvidenceEntry(1, EvidenceKind.READ, "H37", "s")] * 3, 1)
        connection.execute(text("ALTER TABLE evidence_head DROP COLUMN at"))
        connection.execute(text("UPDATE evidence_head SET layout = 0"))
    evidence.dispose()
    for open_one in (open_evidence, open_kept_evidence):
        with pytest.raises(
            ConfigurationError, match=r"is of layout 0.*`lgsp upgrade` moves it on"
        ):
            open_one(store_url)

    column = "ALTER TABLE evidence_head ADD COLUMN at BIGINT NOT NULL DEFAULT 0"
    monkeypatch.setattr(opening, "MIGRATIONS", {0: [column]})
    assert (0, 1) == move_on(store_url)
    assert (1, 1) == move_on(store_url)
    opened = open_evidence(store_url)
    found = verify_all(opened, [])
    assert (3, True) == (found.rows, found.good)
    with opened.begin() as connection:
        connection.execute(text("UPDATE evidence_head SET layout = 2"))
    opened.dispose()
    with pytest.raises(ConfigurationError, match="later version has written it"):
        open_evidence(store_url)
    with pytest.raises(ConfigurationError, match="later version has written it"):
        move_on(store_url)


def test_there_is_no_evidence_before_the_first_call(store_url: str) -> None:
    with pytest.raises(ConfigurationError, match="no evidence yet"):
        open_kept_evidence(store_url)
