"""Settings: environment `LGSP_*`, then a YAML file, then secret files; read once by the CLI."""

import difflib
import os
import string
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SecretsSettingsSource,
    SettingsConfigDict,
    YamlConfigSettingsSource,
)

from lgsp.domain.errors import ConfigurationError

CONFIG_VARIABLE = "LGSP_CONFIG"
SECRETS_VARIABLE = "LGSP_SECRETS_DIR"
_OTHER_VARIABLES = {CONFIG_VARIABLE, SECRETS_VARIABLE, "LGSP_BENCH_CACHE"}


class Settings(BaseSettings):
    """Everything that differs between installations; `docs/settings.md` is generated from here."""

    model_config = SettingsConfigDict(env_prefix="LGSP_", extra="forbid", frozen=True)

    data: Path = Field(Path(".lgsp"), description="Folder of all local state.")
    broker: str = Field(
        "", description="Kafka bootstrap servers `host:port,…`; empty: the embedded Apache Kafka."
    )
    broker_port: int = Field(
        9092,
        ge=1,
        le=65534,
        description="Port of the embedded broker; its controller listens on the next one.",
    )
    broker_cache: Path | None = Field(
        None,
        description="Folder that keeps the fetched Apache Kafka; empty: `mini-lgsp` under the"
        " user's cache folder.",
    )
    partitions: int = Field(
        8, ge=1, description="Partitions of `dossier-events`, fixed for its life."
    )
    replication: int = Field(1, ge=1, description="Replication factor of the topics.")
    store: str = Field(
        "",
        description="SQLAlchemy URL of the store (PostgreSQL); empty: SQLite files under `data`.",
    )
    profile: str = Field("simple", description="Rule profile behind the published cells.")
    calendar_file: Path | None = Field(
        None, description="Extra working-day decisions (YAML) on top of the shipped calendar."
    )
    province: str = Field("H37", description="Code of the province served.")
    national_url: str = Field(
        "", description="Adapter URL of the national portal; empty: our mock."
    )
    national_user: str = Field("lgsp", description="User name at the national portal.")
    national_password: SecretStr = Field(
        SecretStr("lgsp"), description="Password at the national portal."
    )
    national_dstcode: str = Field(
        "VN:GOV:000.00.00.G22:vpcpdvcprovider",
        description="Address of the national service (dstcode).",
    )
    national_endpoint: str = Field(
        "mapi/g", description="Call path behind the adapter (not confirmed officially)."
    )
    national_agency: str = Field("H37", description="Agency code sent as `madonvi`.")
    national_rate: float = Field(
        0, ge=0, description="Most calls a second to the national portal; 0: no limit."
    )
    national_concurrency: int = Field(8, ge=1, description="Dossiers pushed at once.")
    national_timeout: float = Field(60, gt=0, description="Seconds to wait for one answer.")
    national_retry_days: float = Field(
        3, gt=0, description="Working days for which a failing dossier is tried again."
    )
    national_retry_longest: float = Field(
        900, gt=0, description="Most seconds between two attempts for a dossier."
    )
    feed_host: str = Field("127.0.0.1", description="Address the IOC feed listens on.")
    feed_port: int = Field(8080, ge=0, le=65535, description="Port of the IOC feed.")
    mock_port: int = Field(8090, ge=0, le=65535, description="Port of the national mock.")
    metrics_host: str = Field(
        "127.0.0.1", description="Address of the workers' metrics and health."
    )
    metrics_port: int = Field(
        9100,
        ge=0,
        le=65533,
        description="First port of metrics and health: rates; national-sync the next one.",
    )
    seal_key_file: Path | None = Field(
        None,
        description="File with the sealing keys; empty: `data/keys/seal.json`, made when absent.",
    )
    log_format: Literal["auto", "json", "console"] = Field(
        "auto", description="`auto`: console on a terminal, JSON elsewhere."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="Least level logged."
    )
    session_timeout: float = Field(
        6,
        gt=1,
        description="Seconds after which a silent worker loses its partitions; a killed one that"
        " is started again waits as long (Kafka's own brokers allow no less than 6).",
    )
    batch_events: int = Field(5000, ge=1, description="Most events folded in one transaction.")
    replay_events: int = Field(
        100_000,
        ge=1,
        description="The same for the fast fold of the rates, met only with a long backlog.",
    )
    fold: Literal["fast", "plain"] = Field(
        "fast",
        description="How rates are counted: many dossiers at once, or one by one (the same"
        " figures; the plain way is the readable rule).",
    )
    keep_dossiers: int = Field(
        200_000,
        ge=0,
        description="Most dossiers a rates worker holds in memory (400 bytes each at most in the"
        " fast fold), and one batch more; others are loaded when an event names them.",
    )

    @property
    def bootstrap(self) -> str:
        """Bootstrap servers to use: the configured ones or the embedded broker's."""
        return self.broker or f"127.0.0.1:{self.broker_port}"

    @property
    def rates_store(self) -> str:
        """SQLAlchemy URL of dossiers and cells."""
        return self.store or f"sqlite:///{self.data / 'rates.db'}"

    @property
    def sync_store(self) -> str:
        """SQLAlchemy URL of the sync queue (a file of its own in SQLite: one writer each)."""
        return self.store or f"sqlite:///{self.data / 'sync.db'}"

    @property
    def national_base(self) -> str:
        """URL of the national portal's adapter: the configured one or our mock's."""
        return self.national_url or f"http://127.0.0.1:{self.mock_port}"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Order the sources: arguments, environment, YAML file, secret files."""
        sources = [init_settings, env_settings]
        if path := os.environ.get(CONFIG_VARIABLE):
            if not Path(path).is_file():
                raise ConfigurationError(f"{CONFIG_VARIABLE}={path}: no such file")
            sources.append(_ExpandedYaml(settings_cls, yaml_file=path))
        if folder := os.environ.get(SECRETS_VARIABLE):
            if not Path(folder).is_dir():
                raise ConfigurationError(f"{SECRETS_VARIABLE}={folder}: no such folder")
            sources.append(SecretsSettingsSource(settings_cls, secrets_dir=folder))
        return tuple(sources)


class _ExpandedYaml(YamlConfigSettingsSource):
    """A YAML file in which `${VAR}` stands for an environment variable that must exist."""

    def _read_file(self, file_path: Any) -> dict[str, Any]:
        return {
            key: _expand(value, str(file_path))
            for key, value in super()._read_file(file_path).items()
        }


def _expand(value: Any, where: str) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return string.Template(value).substitute(os.environ)
    except (KeyError, ValueError) as error:
        raise ConfigurationError(f"{where}: cannot expand {value!r}: {error}") from error


def load_settings(**overrides: Any) -> Settings:
    """Read the settings once; `overrides` (command-line options) win where they are not None.

    Raises:
        ConfigurationError: naming every setting at fault, its value and the rule it breaks.
    """
    given = {name: value for name, value in overrides.items() if value is not None}
    _refuse_unknown(os.environ)
    try:
        return Settings(**given)
    except ValidationError as error:
        faults = "; ".join(
            f"LGSP_{'_'.join(map(str, fault['loc'])).upper()}: {fault['msg']}"
            f" (got {_shown(fault)})"
            for fault in error.errors()
        )
        raise ConfigurationError(faults) from error


def _refuse_unknown(environment: Mapping[str, str]) -> None:
    """A misspelt variable would leave its setting at the default, and nobody would notice."""
    known = {f"LGSP_{name.upper()}" for name in Settings.model_fields} | _OTHER_VARIABLES
    unknown = [n for n in sorted(environment) if n.startswith("LGSP_") and n not in known]
    if unknown:
        near = difflib.get_close_matches(unknown[0], known, n=1)
        hint = f"; did you mean {near[0]}?" if near else ": see docs/settings.md"
        raise ConfigurationError(f"{', '.join(unknown)}: no such setting{hint}")


def _shown(fault: Any) -> str:
    return "***" if "password" in str(fault["loc"]) else repr(fault["input"])
