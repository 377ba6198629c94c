"""Settings: environment `LGSP_*`, then a YAML file, then secret files; read once by the CLI."""

import os
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from lgsp.domain.errors import Fault
from lgsp.runtime.documents.faults import HIDDEN, Faults, Keys, faults_of
from lgsp.runtime.documents.setting_files import (
    PREFIX,
    read_setting_files,
    refuse_unknown,
)
from lgsp.runtime.documents.setting_kinds import (
    FolderPath,
    Host,
    OptionalPath,
    ProfileName,
    ProxyAddress,
    ProxyList,
    Servers,
    TopicName,
    WebAddress,
)
from lgsp.runtime.sqlite_url import url_of


class Settings(BaseSettings):
    """Everything that differs between installations; `docs/settings.md` is generated from here."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, extra="forbid", frozen=True, allow_inf_nan=False
    )

    data: FolderPath = Field(Path(".lgsp"), description="Folder of all local state.")
    broker: Servers = Field(
        "", description="Kafka bootstrap servers `host:port,…`; empty: the embedded Apache Kafka."
    )
    broker_port: int = Field(
        9092,
        ge=1,
        le=65534,
        description="Port of the embedded broker; its controller listens on the next one.",
    )
    broker_cache: OptionalPath = Field(
        None,
        description="Folder that keeps the fetched Apache Kafka; empty: `mini-lgsp` under the"
        " user's cache folder.",
    )
    partitions: int = Field(
        8, ge=1, le=10_000, description="Partitions of `dossier-events`, fixed for its life."
    )
    events_topic: TopicName = Field(
        "dossier-events",
        description="Topic of the log; another one after `lgsp topics repartition` only.",
    )
    replication: int = Field(1, ge=1, le=100, description="Replication factor of the topics.")
    store: str = Field(
        "",
        description="SQLAlchemy URL of the store (PostgreSQL); empty: SQLite files under `data`.",
    )
    profile: ProfileName = Field(
        "simple",
        description="Rule profile by which figures are counted, published and shown; a store"
        " belongs to the one that it was first counted by.",
    )
    calendar_file: OptionalPath = Field(
        None, description="Extra working-day decisions (YAML) on top of the shipped calendar."
    )
    portals: str = Field(
        "",
        description="Ids of the portals that must be read, with commas: one of which no connector"
        " ever spoke lowers the trust, too.",
    )
    province: str = Field("H37", description="Code of the province served.")
    national_url: WebAddress = Field(
        "", description="Adapter URL of the national portal; empty: our mock."
    )
    national_ca_file: OptionalPath = Field(
        None,
        description="File (PEM) with the authorities that sign the national portal's certificate;"
        " empty: those of the system.",
    )
    national_cert_file: OptionalPath = Field(
        None, description="File (PEM) with the certificate by which the national portal knows us."
    )
    national_key_file: OptionalPath = Field(
        None, description="File (PEM) with its key; empty: in the same file."
    )
    national_key_password: SecretStr = Field(
        SecretStr(""), description="Password of that key, when it is locked."
    )
    national_proxy: ProxyAddress = Field(
        SecretStr(""),
        description="Proxy on the way to the national portal, `http://[user:password@]host:port`;"
        " empty: none, whatever other variables of the system say.",
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
        0, ge=0, le=100_000, description="Most calls a second to the national portal; 0: no limit."
    )
    national_concurrency: int = Field(
        64,
        ge=1,
        le=1000,
        description="Dossiers pushed at once; a quarter at most are of those that go on failing.",
    )
    national_timeout: float = Field(
        60, gt=0, le=3600, description="Seconds to wait for one answer."
    )
    national_read_back: float = Field(
        0.02,
        ge=0,
        le=1,
        description="Share of pushes after which the portal is asked whether it kept them; what"
        " it did not is sent again.",
    )
    national_retry_days: float = Field(
        3, gt=0, le=250, description="Working days for which a failing dossier is tried again."
    )
    national_retry_longest: float = Field(
        900, gt=0, le=86_400, description="Most seconds between two attempts for a dossier."
    )
    feed_host: Host = Field("127.0.0.1", description="Address the IOC feed listens on.")
    feed_port: int = Field(8080, ge=0, le=65535, description="Port of the IOC feed.")
    feed_trusted_proxies: ProxyList = Field(
        "",
        description="Reverse proxies in front of the IOC feed whose `X-Forwarded-For` is believed,"
        " addresses or networks with commas between; empty: none, so that all behind one proxy"
        " are one client.",
    )
    mock_port: int = Field(8090, ge=0, le=65535, description="Port of the national mock.")
    metrics_host: Host = Field(
        "127.0.0.1", description="Address of the workers' metrics and health."
    )
    metrics_port: int = Field(
        17100,
        ge=0,
        le=65533,
        description="First port of metrics and health: rates; national-sync the next one.",
    )
    seal_key_file: OptionalPath = Field(
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
        le=1800,
        description="Seconds after which a silent worker loses its partitions; a killed one that"
        " is started again waits as long (Kafka's own brokers allow no less than 6).",
    )
    batch_events: int = Field(
        5000,
        ge=1,
        le=1_000_000,
        description="Most events that the national sync takes in one transaction.",
    )
    replay_events: int = Field(
        100_000,
        ge=1,
        le=10_000_000,
        description="The same for the rates; so many are met only with a long backlog.",
    )
    fold: Literal["fast", "plain"] = Field(
        "fast",
        description="How rates are counted: many dossiers at once, or one by one (the same"
        " figures; the plain way is the readable rule).",
    )
    keep_dossiers: int = Field(
        200_000,
        ge=0,
        le=1_000_000_000,
        description="Most dossiers a rates worker holds in memory (400 bytes each at most in the"
        " fast fold), and one batch more; others are loaded when an event names them.",
    )

    @property
    def bootstrap(self) -> str:
        """Bootstrap servers to use: the configured ones or the embedded broker's."""
        return self.broker or f"127.0.0.1:{self.broker_port}"

    @property
    def expected_portals(self) -> tuple[str, ...]:
        """The portals that must be read."""
        return tuple(name.strip() for name in self.portals.split(",") if name.strip())

    @property
    def rates_store(self) -> str:
        """SQLAlchemy URL of dossiers and cells."""
        return self.store or url_of(self.data / "rates.db")

    @property
    def sync_store(self) -> str:
        """SQLAlchemy URL of the sync queue (a file of its own in SQLite: one writer each)."""
        return self.store or url_of(self.data / "sync.db")

    @property
    def evidence_store(self) -> str:
        """SQLAlchemy URL of the evidence: with SQLite always a file of its own."""
        own = f"sqlite:///{self.data / 'evidence.db'}"
        return own if self.sync_store.startswith("sqlite") else self.sync_store

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
        files = read_setting_files(settings_cls.model_fields)
        return (
            init_settings,
            env_settings,
            InitSettingsSource(settings_cls, files.document.data if files.document else {}),
            InitSettingsSource(settings_cls, files.secrets),
        )


def load_settings(**overrides: Any) -> Settings:
    """Read the settings once; `overrides` (command-line options) win where they are not None.

    Raises:
        ConfigurationError: with every fault of every source: the variable, or file, line and key;
            the value, unless it is a secret; and what would be right.
    """
    given = {name: value for name, value in overrides.items() if value is not None}
    files = read_setting_files(Settings.model_fields)
    faults = Faults()
    refuse_unknown(os.environ, Settings.model_fields, faults)
    faults.found += files.faults.found
    settings = None

    def place(keys: Keys) -> tuple[str, int, str]:
        """Return file, line and key of the value that counts, in the order of the sources."""
        name = str(keys[0])
        variable = f"{PREFIX}{name.upper()}"
        if name in given:
            return "", 0, f"{variable} (command line)"
        written = [each for each in os.environ if each.upper() == variable]
        return ("", 0, written[0]) if written else files.place(keys)

    try:
        settings = Settings(**given)
    except ValidationError as error:
        known = {fault.key for fault in files.faults.found}
        found = faults_of(error, Settings, place)
        faults.found += [
            replace(fault, value=HIDDEN) if fault.key in files.secret_files else fault
            for fault in map(_with_default, found)
            if fault.key not in known
        ]
    faults.raise_all()
    if settings is None:
        raise AssertionError  # without settings there are faults
    return settings


def _with_default(fault: Fault) -> Fault:
    name = fault.key.partition(" ")[0].lower().removeprefix(PREFIX.lower())
    field = Settings.model_fields.get(name)
    if field is None or isinstance(field.default, SecretStr):
        return fault
    return replace(fault, message=f"{fault.message}; the default is {str(field.default or '')!r}")
