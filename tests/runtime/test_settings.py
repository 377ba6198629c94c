import os
from pathlib import Path

import pytest

from lgsp.domain.errors import ConfigurationError, Fault
from lgsp.domain.profiles.registry import PROFILES
from lgsp.runtime.settings import Settings, load_settings


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


def faults() -> dict[str, Fault]:
    with pytest.raises(ConfigurationError) as caught:
        load_settings()
    return {fault.key: fault for fault in caught.value.faults}


def test_every_fault_of_every_source_is_named_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "lgsp.yaml"
    file.write_text(
        "provnce: H10\nmock_port: many\nfeed_port: 99999\nstore: ${NO_SUCH_VARIABLE}\n"
        "national_rate: -1\nnational_rate: 2\nfeed_hots: x\n"
    )
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    (secrets / "lgsp_national_pasword").write_text("hunter2")
    (secrets / "lgsp_batch_events").write_text("hunter2")
    (secrets / "lgsp_national_user").write_bytes(b"\xff")
    (secrets / "others_password").write_text("x")
    monkeypatch.setenv("LGSP_CONFIG", str(file))
    monkeypatch.setenv("LGSP_SECRETS_DIR", str(secrets))
    monkeypatch.setenv("LGSP_PARTITIONS", "abc")
    monkeypatch.setenv("LGSP_NONSENSE", "hunter2")
    monkeypatch.setenv("LGSP_FOLD", "x")
    monkeypatch.setenv("LGSP_BROKER", "kafka")
    monkeypatch.setenv("LGSP_NATIONAL_TIMEOUT", "inf")
    monkeypatch.setenv("LGSP_MOCK_PORT", "few")
    monkeypatch.setenv("LGSP_FEED_HOST", os.fsdecode(b"\xff"))

    with pytest.raises(ConfigurationError) as caught:
        load_settings(metrics_port=99999)

    lines = str(caught.value).replace(str(tmp_path), "").splitlines()
    assert sorted(lines) == sorted(
        [
            "LGSP_NONSENSE: no such setting: see docs/settings.md",
            "LGSP_FEED_HOST: is not UTF-8",
            "/lgsp.yaml:4: store: environment variable NO_SUCH_VARIABLE is not set",
            "/lgsp.yaml:6: national_rate: the key is written twice",
            "/lgsp.yaml:7: feed_hots: unknown key; did you mean feed_host?",
            "/secrets/lgsp_national_pasword: no such setting;"
            " did you mean LGSP_NATIONAL_PASSWORD?",
            "/secrets/lgsp_national_user: is not UTF-8",
            "LGSP_METRICS_PORT (command line): Input should be less than or equal to 65533;"
            " the default is '17100' (got '99999')",
            "LGSP_PARTITIONS: Input should be a valid integer, unable to parse string as an"
            " integer; the default is '8' (got 'abc')",
            "LGSP_FOLD: Input should be 'fast' or 'plain'; the default is 'fast' (got 'x')",
            "LGSP_BROKER: not of the form host:port,host:port; the default is '' (got 'kafka')",
            "LGSP_NATIONAL_TIMEOUT: Input should be a finite number; the default is '60'"
            " (got 'inf')",
            "LGSP_MOCK_PORT: Input should be a valid integer, unable to parse string as an"
            " integer; the default is '8090' (got 'few')",
            "/lgsp.yaml:3: feed_port: Input should be less than or equal to 65535;"
            " the default is '8080' (got '99999')",
            "/lgsp.yaml:1: provnce: unknown key; did you mean province?",
            "/secrets/lgsp_batch_events: batch_events: Input should be a valid integer, unable to"
            " parse string as an integer; the default is '5000' (got '***')",
        ]
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "cannot be read: No such file or directory"),
        ("- a\n", "1: a mapping of keys is expected"),
        ("store: [\n", "2: not valid YAML"),
        ("a: 1\nb: \x01\n", "2: not valid YAML: the character U+0001"),
        (b"\xff", "not UTF-8: byte 1 is 0xFF"),
    ],
)
def test_a_settings_file_that_cannot_be_read_hides_no_other_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str | bytes | None, said: str
) -> None:
    file = tmp_path / "lgsp.yaml"
    if text is not None:
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
    monkeypatch.setenv("LGSP_CONFIG", str(file))
    monkeypatch.setenv("LGSP_PARTITIONS", "abc")

    found = faults()

    assert "LGSP_PARTITIONS" in found
    assert said in "\n".join(map(str, found.values()))


def test_a_missing_folder_of_secrets_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LGSP_SECRETS_DIR", "/nowhere")
    assert faults()["LGSP_SECRETS_DIR"].value == "/nowhere"


@pytest.mark.parametrize("name", ["LGSP_FEED_HOST", "LGSP_METRICS_HOST"])
def test_an_empty_address_opens_nothing_to_everybody(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, "")

    assert "every address of the machine" in str(faults()[name])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LGSP_NATIONAL_PASWORD", "hunter2"),
        ("LGSP_NATIONAL_URL", "ftp://lgsp:hunter2@portal"),
        ("LGSP_BROKER", "password=hunter2"),
        ("LGSP_BROKER", "lgsp:hunter2@host:9092,host2:9092"),
        ("LGSP_NATIONAL_URL", "lgsp:hunter2@portal"),
        ("LGSP_NATIONAL_PROXY", "lgsp:hunter2@proxy:3128"),
        ("LGSP_FEED_TRUSTED_PROXIES", "10.0.0.1, lgsp:hunter2@proxy"),
    ],
)
def test_a_fault_shows_no_secret(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    shown = "".join(map(str, faults().values()))
    assert name in shown
    assert "hunter2" not in shown


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


def test_an_unknown_profile_is_a_fault_that_names_the_known_ones(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LGSP_PROFILE", "qd766")

    assert ", ".join(sorted(PROFILES)) in faults()["LGSP_PROFILE"].message


NUMBERS = sorted(
    name for name, field in Settings.model_fields.items() if field.annotation in (int, float)
)


@pytest.mark.parametrize("value", ["1e300", str(10**30), "-1e300", "nan", "", "1,5", "0x10"])
def test_a_number_that_makes_no_sense_is_one_line(
    monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    for name in NUMBERS:
        monkeypatch.setenv(f"LGSP_{name.upper()}", value)
    found = faults()
    assert sorted(found) == [f"LGSP_{name.upper()}" for name in NUMBERS]
    assert not any("\n" in str(fault) for fault in found.values())


def test_a_fraction_is_a_number_where_a_time_or_a_rate_is_set(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in NUMBERS:
        share = name == "national_read_back"
        monkeypatch.setenv(f"LGSP_{name.upper()}", "0.5" if share else "2.5")
    whole = [n for n in NUMBERS if Settings.model_fields[n].annotation is int]
    assert sorted(faults()) == [f"LGSP_{name.upper()}" for name in whole]


OPTIONAL = [
    name for name, field in Settings.model_fields.items() if "None" in str(field.annotation)
]


@pytest.mark.parametrize("name", OPTIONAL)
def test_an_empty_path_is_none(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"LGSP_{name.upper()}", "")
    assert getattr(load_settings(), name) is None


def test_the_folder_of_the_state_is_never_by_accident_the_one_we_stand_in(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LGSP_DATA", "")
    assert faults()["LGSP_DATA"].message.startswith("a folder is expected")
