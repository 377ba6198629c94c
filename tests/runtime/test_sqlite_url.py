"""A path is the file that is opened, whatever letters it has."""

from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from lgsp.runtime.settings import Settings
from lgsp.runtime.sqlite_url import file_of, url_of
from lgsp.store.engine import hide_password, open_store

ODD = "dữ liệu, a?b%20c#d\\x:y@z&e='f\""


def test_a_url_names_the_file_and_nothing_else() -> None:
    for path in (f"/tmp/{ODD}/rates.db", f"{ODD}/rates.db"):
        url = url_of(Path(path))
        assert make_url(url).database == str(file_of(url)) == path
        assert hide_password(url) == f"sqlite:///{path}"
    assert file_of("sqlite:///plain.db?timeout=5") == Path("plain.db")


@pytest.mark.filterwarnings("error")
def test_the_stores_of_a_folder_stand_in_it(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path / ODD)
    for url in (settings.rates_store, settings.sync_store):
        open_store(url).dispose()
    assert {"rates.db", "sync.db"} <= {file.name for file in (tmp_path / ODD).iterdir()}
    assert [ODD] == [folder.name for folder in tmp_path.iterdir()]
