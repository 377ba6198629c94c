"""The deployment files fit the code: metrics, commands, secrets, ports."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.metrics import MetricWrapperBase

from lgsp.runtime import metrics
from lgsp.runtime.exposed import OF_EACH
from lgsp.runtime.settings import Settings
from tests.programs import program

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
TOOLS = ROOT / ".venv-tools/bin"
FOLDER = DEPLOY / "prometheus"


def declared_series() -> set[str]:
    names = set(OF_EACH)
    for value in vars(metrics).values():
        if isinstance(value, MetricWrapperBase):
            (family,) = value.describe()
            suffixes = {
                "counter": ["_total"],
                "histogram": ["_bucket", "_sum", "_count"],
            }.get(family.type, [""])
            names |= {family.name + suffix for suffix in suffixes}
    return names


def named_series(*expressions: str) -> set[str]:
    return {name for text in expressions for name in re.findall(r"\blgsp_\w+", text)}


def rules() -> list[dict[str, Any]]:
    groups = yaml.safe_load((FOLDER / "alerts.yml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def compose() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    return document


def test_alerts_watch_metrics_that_exist() -> None:
    watched = named_series(*(rule["expr"] for rule in rules()))
    assert watched
    assert set() == watched - declared_series()


def test_compose_runs_the_kafka_that_the_embedded_broker_is() -> None:
    pom = (ROOT / "services/lgsp/runtime/broker/dist/pom.xml").read_text()
    (pinned,) = re.findall("<kafka.version>(.*)</kafka.version>", pom)
    assert f"apache/kafka:{pinned}" == compose()["services"]["kafka"]["image"]


def test_dashboard_shows_metrics_that_exist() -> None:
    panels = json.loads((DEPLOY / "grafana/lgsp.json").read_text())["panels"]
    named = named_series(*(t["expr"] for panel in panels for t in panel["targets"]))
    assert named
    assert set() == named - declared_series()


def test_each_alert_has_its_section_in_the_runbook() -> None:
    sections = re.findall(r"^## (\w+)$", (ROOT / "docs/runbook.md").read_text(), re.MULTILINE)
    wanted = [rule["alert"] for rule in rules()]
    links = [rule["annotations"]["runbook"] for rule in rules()]
    assert wanted == sections
    assert [f"docs/runbook.md#{name.lower()}" for name in wanted] == links


def test_each_alert_has_a_unit_test() -> None:
    tests = yaml.safe_load((FOLDER / "alerts_test.yml").read_text())["tests"]
    fired = {
        case["alertname"]
        for test in tests
        for case in test["alert_rule_test"]
        if case.get("exp_alerts")
    }
    assert {rule["alert"] for rule in rules()} == fired


@pytest.mark.parametrize(
    "command", [["check", "config", "prometheus.yml"], ["test", "rules", "alerts_test.yml"]]
)
def test_prometheus_accepts_the_rules(command: list[str]) -> None:
    promtool = program("promtool", "make check")
    done = subprocess.run(
        [promtool, *command], cwd=FOLDER, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_real_compose_parser_accepts_the_file() -> None:
    parser = program("docker-compose", "make check", TOOLS)
    done = subprocess.run(
        [parser, "-f", ROOT / "docker-compose.yml", "config", "--quiet"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_every_long_running_service_has_a_health_check_and_restarts() -> None:
    once = {"topics"}
    without = {
        name
        for name, service in compose()["services"].items()
        if name not in once
        and ("healthcheck" not in service or service.get("restart") != "unless-stopped")
    }
    assert set() == without


def test_what_a_connector_knows_outlives_its_container() -> None:
    """Without it a dossier that the portal has taken out meanwhile would count for ever."""
    volumes = compose()["services"]["connector"]["volumes"]
    assert any(str(volume).endswith(":/data") for volume in volumes)
    assert not any("/data" in place for place in compose()["services"]["connector"]["tmpfs"])


def test_no_secret_stands_in_the_compose_file() -> None:
    document = compose()
    in_clear = [
        (name, key)
        for name, service in document["services"].items()
        for key in service.get("environment", {})
        if re.search("PASSWORD|TOKEN|SECRET|STORE$", key) and not key.endswith(("_FILE", "_DIR"))
    ]
    assert any(service.get("environment") for service in document["services"].values())
    assert in_clear == []
    used = {s for service in document["services"].values() for s in service.get("secrets", [])}
    assert set(document["secrets"]) == used


def test_only_the_loopback_interface_is_published() -> None:
    published = [p for s in compose()["services"].values() for p in s.get("ports", [])]
    assert published
    assert [port for port in published if not port.startswith("127.0.0.1:")] == []


def test_settings_named_by_the_deployment_exist() -> None:
    known = {f"LGSP_{name.upper()}" for name in Settings.model_fields}
    known |= {"LGSP_SECRETS_DIR", "LGSP_CONFIG"}
    files = [ROOT / "docker-compose.yml", DEPLOY / "Dockerfile", *DEPLOY.glob("systemd/*")]
    named = {name for file in files for name in re.findall(r"\bLGSP_[A-Z_]+", file.read_text())}
    assert named
    assert set() == named - known


def test_prometheus_scrapes_the_ports_that_compose_probes() -> None:
    scraped = {
        tuple(target.split(":"))
        for job in yaml.safe_load((FOLDER / "prometheus.yml").read_text())["scrape_configs"]
        if job["job_name"] == "lgsp"
        for config in job["static_configs"]
        for target in config["targets"]
    }
    probed = {
        (name, re.findall(r"127\.0\.0\.1:(\d+)/(?:readyz|healthz)", probe)[0])
        for name, service in compose()["services"].items()
        if service.get("image") == "mini-lgsp" and "healthcheck" in service
        for probe in [str(service["healthcheck"]["test"])]
    }
    assert scraped == probed


def test_each_scraped_target_is_a_service_of_compose() -> None:
    config = yaml.safe_load((FOLDER / "prometheus.yml").read_text())
    alertmanagers = config["alerting"]["alertmanagers"]
    targets = {
        target.split(":")[0]
        for block in [*config["scrape_configs"], *alertmanagers]
        for static in block["static_configs"]
        for target in static["targets"]
    }
    assert {"alertmanager", "kafka-exporter", "postgres-exporter", "node-exporter"} < targets
    assert set() == targets - set(compose()["services"])


def test_the_alertmanager_accepts_its_routes_and_knows_the_alerts() -> None:
    amtool = program("amtool", "make check")
    file = FOLDER / "alertmanager.yml"
    done = subprocess.run(
        [amtool, "check-config", file], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    named = {
        name
        for rule in yaml.safe_load(file.read_text())["inhibit_rules"]
        for matcher in [*rule["source_matchers"], *rule["target_matchers"]]
        for name in re.findall(r"[A-Z]\w+", matcher)
    }
    assert named
    assert set() == named - {rule["alert"] for rule in rules()}
    for severity, receiver in (("page", "on-call"), ("warn", "office")):
        routed = subprocess.run(
            [amtool, "config", "routes", "test", "--config.file", file, f"severity={severity}"],
            capture_output=True,
            text=True,
            check=True,
        )
        assert routed.stdout.strip() == receiver


def test_secrets_script_makes_what_compose_reads_and_keeps_it(tmp_path: Path) -> None:
    script = DEPLOY / "secrets.sh"
    subprocess.run([script, tmp_path], check=True, capture_output=True)
    made = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert {0o600} == {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
    assert {Path(s["file"]).name for s in compose()["secrets"].values()} == set(made)
    assert made["postgres_password"] in made["lgsp_store"]
    subprocess.run([script, tmp_path], check=True, capture_output=True)
    assert made == {path.name: path.read_text() for path in tmp_path.iterdir()}


def test_settings_come_from_the_secret_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lgsp.runtime.settings import load_settings

    subprocess.run([DEPLOY / "secrets.sh", tmp_path], check=True, capture_output=True)
    for name in Settings.model_fields:
        monkeypatch.delenv(f"LGSP_{name.upper()}", raising=False)
    monkeypatch.setenv("LGSP_SECRETS_DIR", str(tmp_path))
    settings = load_settings()
    assert (tmp_path / "lgsp_store").read_text() == settings.store
    assert settings.national_password.get_secret_value() == "lgsp"


def test_sealing_keys_of_the_secrets_script_work(tmp_path: Path) -> None:
    from lgsp.runtime.sealing import load

    subprocess.run([DEPLOY / "secrets.sh", tmp_path], check=True, capture_output=True)
    sealer = load(tmp_path / "seal_keys")
    assert sealer.open(sealer.seal(b"x", "H37.1"), "H37.1") == b"x"


def test_lock_files_hold_hashes_and_no_addresses() -> None:
    locks = list((ROOT / "requirements").glob("*.txt"))
    assert locks
    for lock in locks:
        text = lock.read_text()
        assert "://" not in text, lock
        assert text.count("==") <= text.count("--hash=sha256:"), lock


def units() -> list[Path]:
    return sorted((DEPLOY / "systemd").glob("*.service"))


def test_every_unit_is_watched_bounded_and_of_one_user(tmp_path: Path) -> None:
    """One user: they share a folder whose files only their owner reads.

    Where systemd is, it has read them, too.
    """
    for unit in units():
        text = unit.read_text()
        assert {
            "Type=notify",
            "WatchdogSec=30",
            "WatchdogSignal=SIGTERM",
            "TimeoutStopSec=30",
            "Restart=always",
            "User=lgsp",
            "UMask=0077",
            "NoNewPrivileges=yes",
            "ProtectSystem=strict",
        } <= set(text.splitlines()), unit.name
        here = re.sub(r"^ExecStart=\S+", "ExecStart=/bin/true", text, flags=re.M)
        (tmp_path / unit.name).write_text(here)
    if systemd := shutil.which("systemd-analyze"):
        said = subprocess.run(
            [systemd, "verify", "--man=no", "--recursive-errors=no", *tmp_path.iterdir()],
            capture_output=True,
            text=True,
            check=False,
        )
        assert (said.returncode, said.stderr) == (0, "")


def lgsp_run(etc: Path, *command: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {
        "ETC": str(etc),
        "BIN": "/nowhere",
        "RUN_AS": "nobody",
        "STATE_DIRECTORY": "/var/lib/lgsp",
    }
    for name in [name for name in environment if name.startswith("LGSP_")]:
        del environment[name]
    return subprocess.run(
        [DEPLOY / "systemd/lgsp-run", *command],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_command_by_hand_runs_as_the_units_do(tmp_path: Path) -> None:
    subprocess.run([DEPLOY / "secrets.sh", tmp_path / "secrets"], check=True, capture_output=True)
    (tmp_path / "env").write_text("# settings\nLGSP_BROKER=kafka:9092\n")
    asked = (
        'id -un; echo "$LGSP_BROKER $LGSP_DATA"; ls "$LGSP_SECRETS_DIR"; echo "$LGSP_SECRETS_DIR";'
        ' cat "$LGSP_SECRETS_DIR/lgsp_national_password" "$LGSP_SEAL_KEY_FILE"; exit 3'
    )
    done = lgsp_run(tmp_path, "sh", "-c", asked)
    if os.geteuid() != 0:  # only root becomes another user
        assert (done.returncode, done.stdout) == (2, "")
        return
    user, settings, *secrets, folder, values = done.stdout.splitlines()
    assert (done.returncode, done.stderr) == (3, "")
    assert (user, settings) == ("nobody", "kafka:9092 /var/lib/lgsp")
    assert secrets == ["lgsp_national_password", "lgsp_store", "seal_keys"]
    assert values.startswith('lgsp{"current"')
    assert not Path(folder).exists()


def test_a_command_by_hand_says_what_it_wants(tmp_path: Path) -> None:
    done = lgsp_run(tmp_path)
    assert done.returncode == 2
    assert "lgsp-run: " in done.stderr


def test_what_the_how_to_installs_is_there() -> None:
    text = (ROOT / "docs/how-to/install-with-systemd.md").read_text()
    named = set(re.findall(r"(?:deploy|requirements)/[\w./-]+\w|\.env\.example", text))
    assert {"requirements/server.txt", "deploy/systemd/lgsp-run", "deploy/secrets.sh"} <= named
    assert {name for name in named if not (ROOT / name).exists()} == set()
