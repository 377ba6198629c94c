"""The data folder of `lgsp up`: one at a time, and only what is ours is ever deleted."""

from pathlib import Path

import pytest

from lgsp.cli.up import claim
from lgsp.domain.errors import ConfigurationError
from lgsp.runtime.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data=tmp_path / "data")


@pytest.mark.parametrize("fresh", [True, False])
def test_a_second_one_on_the_same_folder_is_refused_and_deletes_nothing(
    settings: Settings, *, fresh: bool
) -> None:
    with claim(settings, fresh=False):
        (settings.data / "rates.db").touch()
        with pytest.raises(ConfigurationError, match="runs already on"):
            claim(settings, fresh=fresh)
    assert (settings.data / "rates.db").exists()
    claim(settings, fresh=fresh).close()


def test_fresh_empties_our_folder_and_no_other(settings: Settings) -> None:
    claim(settings, fresh=True).close()
    (settings.data / "broker").mkdir()
    (settings.data / "broker" / "log").touch()
    claim(settings, fresh=True).close()
    assert ["lgsp-data"] == [path.name for path in settings.data.iterdir()]

    (settings.data / "lgsp-data").unlink()
    (settings.data / "letter.txt").touch()
    with pytest.raises(ConfigurationError, match="not deleted"):
        claim(settings, fresh=True)
    assert (settings.data / "letter.txt").exists()


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match=r"LGSP_DATA=.*file/data: Not a directory"):
        claim(Settings(data=tmp_path / "file" / "data"), fresh=False)
