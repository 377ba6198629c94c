"""`lgsp docs`: writes the tables of docs/ that are made from the code (`make docs`)."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from prometheus_client.metrics import MetricWrapperBase
from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from lgsp.domain.reasons import Reason, templates
from lgsp.runtime import metrics
from lgsp.runtime.commands.options import Data, Json, begin
from lgsp.runtime.commands.output import emit_json, say
from lgsp.runtime.documents.setting_files import CONFIG_VARIABLE, SECRETS_VARIABLE
from lgsp.runtime.kafka.topics import topics
from lgsp.runtime.settings import Settings

_MADE = "<!-- Written by `make docs` from {source}; change that file, not this one. -->"


def register(app: typer.Typer) -> None:
    """Add the hidden `lgsp docs`."""

    @app.command("docs", hidden=True)
    def docs(
        folder: Annotated[Path, typer.Option(help="The checkout.")] = Path(),
        *,
        check: Annotated[bool, typer.Option(help="Write nothing; fail when stale.")] = False,
        data: Data = None,
        json: Json = False,
    ) -> None:
        """Write the generated files of the checkout, or tell which ones are stale."""
        begin("docs", data, shares=True)
        generated = pages()
        stale = [name for name, text in generated.items() if _read(folder / name) != text]
        if not check:
            for name in stale:
                (folder / name).write_text(generated[name], "utf-8")
        if json:
            emit_json({"stale" if check else "written": stale})
        else:
            for name in stale:
                say(f"{name}: {'stale, run `make docs`' if check else 'written'}")
        raise typer.Exit(1 if check and stale else 0)


def pages() -> dict[str, str]:
    """Return every generated file: its path in the checkout and its text."""
    return {
        "docs/settings.md": settings_page(),
        "docs/metrics.md": metrics_page(),
        "docs/topics.md": topics_page(),
        "docs/trust.md": trust_page(),
        ".env.example": env_example(),
    }


def settings_page() -> str:
    """Return docs/settings.md."""
    rows = [
        (f"`LGSP_{name.upper()}`", _code(_default(field)), field.description or "")
        for name, field in Settings.model_fields.items()
    ]
    intro = (
        "Each setting is an environment variable; or a key of the YAML file named by"
        f" `{CONFIG_VARIABLE}` (lower case, without the prefix, `${{NAME}}` stands for an"
        f" environment variable that must exist); or a file of the folder named by"
        f" `{SECRETS_VARIABLE}` (file name: the variable in lower case). The first of these that"
        " knows it wins. All faults are reported together, before any work starts (exit 2)."
    )
    return _page("Settings", "services/lgsp/runtime/settings.py", intro, [
        _table(("Variable", "Default", "Meaning"), rows),
    ])  # fmt: skip


def metrics_page() -> str:
    """Return docs/metrics.md."""
    rows = []
    for value in vars(metrics).values():
        if isinstance(value, MetricWrapperBase):
            (family,) = value.describe()
            name = family.name + ("_total" if family.type == "counter" else "")
            labels = ", ".join(f"`{label}`" for label in value._labelnames)
            rows.append((f"`{name}`", family.type, labels, family.documentation))
    intro = (
        "Served at `/metrics` of the processes that have them (ports: [settings](settings.md))."
        " Labels come from closed sets: never a code, never a person. Those of a connector carry"
        " the label `portal`, too. Every process shows `lgsp_build_info` (`version`, `python`),"
        " and workers and connectors `lgsp_ready` (`check`): 1 where a check of `/readyz` holds."
        " Alerts: [runbook](runbook.md)."
    )
    return _page("Metrics", "services/lgsp/runtime/metrics.py", intro, [
        _table(("Name", "Type", "Labels", "Meaning"), rows),
    ])  # fmt: skip


def topics_page() -> str:
    """Return docs/topics.md."""
    rows = [
        (
            f"`{topic.name}`",
            topic.purpose,
            topic.key,
            str(topic.partitions),
            ", ".join(f"`{name}={value}`" for name, value in sorted(topic.config.items())),
        )
        for topic in topics(Settings.model_construct())
    ]
    intro = (
        "What `lgsp topics apply` makes with the default settings, and `lgsp topics diff` compares"
        " with the broker. Values are Avro in Confluent framing except for checkpoints,"
        " statuses of connectors and heads of evidence (JSON); brokers must not create topics by"
        " themselves."
    )
    return _page("Topics", "services/lgsp/runtime/kafka/topics.py", intro, [
        _table(("Topic", "Carries", "Key", "Partitions", "Configuration"), rows),
    ])  # fmt: skip


def trust_page() -> str:
    """Return docs/trust.md."""
    names = {"portal": " PORTAL", "detail": " (…)", "words": "…", "number": "N", "at": "TIME"}
    rows = [
        (f"`{reason}`", *(words.format(**names) for words in templates(reason)))
        for reason in Reason
    ]
    intro = (
        "Why a figure is less than `full`: the codes of `trust_findings` in the feed's documents"
        " and `lgsp indicators --json`, with the words that page and command show. All that hold"
        " at a time are told. What they mean and what to do: [how-to](how-to/trust.md)."
    )
    return _page("Reasons of trust", "services/lgsp/domain/reasons.py", intro, [
        _table(("Code", "English", "Vietnamese"), rows),
    ])  # fmt: skip


def env_example() -> str:
    """Return .env.example: every variable, commented out, with its default."""
    lines = [
        "# Copy to .env and uncomment what differs here. Written by `make docs`.",
        "# Never put a password in this file: use LGSP_SECRETS_DIR (docs/settings.md).",
    ]
    for name, field in Settings.model_fields.items():
        secret = isinstance(field.default, SecretStr)
        value = "" if secret else _default(field)
        lines += ["", f"# {field.description}", f"#LGSP_{name.upper()}={value}"]
    return "\n".join(lines) + "\n"


def _default(field: FieldInfo) -> str:
    value: Any = field.default
    if value is None or value is PydanticUndefined:
        return ""
    return value.get_secret_value() if isinstance(value, SecretStr) else str(value)


def _code(text: str) -> str:
    return f"`{text}`" if text else ""


def _page(title: str, source: str, intro: str, tables: Iterable[str]) -> str:
    return "\n\n".join([f"# {title}", _MADE.format(source=source), intro, *tables]) + "\n"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _read(path: Path) -> str | None:
    return path.read_text("utf-8") if path.exists() else None
