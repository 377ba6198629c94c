from pathlib import Path

import pytest

from lgsp.domain.errors import ConfigurationError
from lgsp.runtime.settings import load_settings


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (
        "LGSP_CONFIG",
        "LGSP_SECRETS_DIR",
        "LGSP_BROKER",
        "LGSP_PARTITIONS",
        "LGSP_STORE",
    ):
        monkeypatch.delenv(name, raising=False)


def test_arguments_win_over_the_environment_over_the_file_over_secrets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    (secrets / "LGSP_NATIONAL_PASSWORD").write_text("from-secrets")
    (secrets / "LGSP_STORE").write_text("from-secrets")
    file = tmp_path / "lgsp.yaml"
    file.write_text("store: from-file\nprovince: H10\npartitions: 3\n")
    monkeypatch.setenv("LGSP_CONFIG", str(file))
    monkeypatch.setenv("LGSP_SECRETS_DIR", str(secrets))
    monkeypatch.setenv("LGSP_PROVINCE", "H20")
    monkeypatch.setenv("LGSP_PARTITIONS", "4")

    found = load_settings(partitions=5, broker=None)

    assert (5, "H20", "from-file") == (found.partitions, found.province, found.store)
    assert "from-secrets" == found.national_password.get_secret_value()


def test_every_fault_is_named_with_its_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LGSP_PARTITIONS", "none")
    monkeypatch.setenv("LGSP_LOG_LEVEL", "loud")

    with pytest.raises(ConfigurationError) as caught:
        load_settings()

    assert "LGSP_PARTITIONS" in str(caught.value)
    assert "'none'" in str(caught.value)
    assert "LGSP_LOG_LEVEL" in str(caught.value)


def test_an_unknown_key_of_the_file_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "lgsp.yaml"
    file.write_text("partition: 3\n")
    monkeypatch.setenv("LGSP_CONFIG", str(file))

    with pytest.raises(ConfigurationError, match="LGSP_PARTITION"):
        load_settings()


def test_a_missing_file_and_a_missing_variable_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LGSP_CONFIG", str(tmp_path / "absent.yaml"))
    with pytest.raises(ConfigurationError, match=r"absent.yaml: no such file"):
        load_settings()

    file = tmp_path / "lgsp.yaml"
    file.write_text("store: postgresql://${NO_SUCH_VARIABLE}/lgsp\n")
    monkeypatch.setenv("LGSP_CONFIG", str(file))
    with pytest.raises(ConfigurationError, match=r"lgsp.yaml: .*NO_SUCH_VARIABLE"):
        load_settings()


def test_a_port_that_cannot_be_and_a_missing_folder_of_secrets_are_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LGSP_FEED_PORT", "99999")
    with pytest.raises(ConfigurationError, match=r"LGSP_FEED_PORT: .*65535"):
        load_settings()
    monkeypatch.setenv("LGSP_SECRETS_DIR", "/nowhere")
    with pytest.raises(ConfigurationError, match="LGSP_SECRETS_DIR=/nowhere: no such folder"):
        load_settings()


def test_a_password_is_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LGSP_NATIONAL_PASSWORD", "hunter2")

    assert "hunter2" not in repr(load_settings())


def test_a_misspelt_variable_is_refused_with_the_likely_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LGSP_PARTITION", "3")

    with pytest.raises(
        ConfigurationError, match=r"LGSP_PARTITION: .*did you mean LGSP_PARTITIONS"
    ):
        load_settings()
