"""What deploy/ starts fits together: files that are mounted exist, and each configuration is one its program takes."""

import subprocess
from pathlib import Path
from typing import Any

import yaml

from dashboards.__main__ import HERE as DASHBOARDS
from gateway.config import load
from tests.dashboards.prometheus import NEEDED

DEPLOY = Path(__file__).parents[2] / "deploy"
GIVEN = {"CLOVERLEAF_KEY": "k", "CLOVERLEAF_ADMIN_TOKEN": "t"}


def read(name: str) -> Any:
    return yaml.safe_load((DEPLOY / name).read_text())


COMPOSE = read("compose.yaml")
SERVICES: dict[str, Any] = COMPOSE["services"]


def mounts(service: str) -> dict[str, Path]:
    """Where in the container, and what of ours."""
    pairs = [volume.split(":") for volume in SERVICES[service].get("volumes", [])]
    return {parts[1]: (DEPLOY / parts[0]).resolve() for parts in pairs if parts[0].startswith(".")}


def test_every_file_that_is_mounted_exists_and_every_volume_is_declared() -> None:
    for name, service in SERVICES.items():
        assert all(path.exists() for path in mounts(name).values())
        named = {volume.split(":")[0] for volume in service.get("volumes", []) if not volume.startswith(".")}
        assert named <= set(COMPOSE["volumes"])
        assert set(service.get("secrets", [])) <= set(COMPOSE["secrets"])
        assert ":" in service.get("image", "built:here"), "an image is pinned"
    assert (DEPLOY / SERVICES["gateway"]["build"]["context"] / SERVICES["gateway"]["build"]["dockerfile"]).is_file()


def test_the_gateway_takes_its_configuration_and_is_where_others_look_for_it() -> None:
    config = load(mounts("gateway")["/etc/cloverleaf.yaml"], GIVEN)
    assert set(GIVEN) == set(SERVICES["gateway"]["environment"])
    scraped = read("prometheus.yaml")["scrape_configs"][0]
    assert scraped["static_configs"] == [{"targets": [f"gateway:{config.admin.port}"]}]
    receiver = read("collector.yaml")["receivers"]["otlp"]["protocols"]["http"]["endpoint"]
    assert config.telemetry.otlp == f"http://collector:{receiver.split(':')[1]}"
    assert config.server.drain < int(SERVICES["gateway"]["stop_grace_period"].removesuffix("s"))
    assert str(config.telemetry.ledger).startswith("/var/lib/cloverleaf/")


def test_the_collector_s_pipelines_are_of_parts_it_has() -> None:
    collector = read("collector.yaml")
    for pipeline in collector["service"]["pipelines"].values():
        for kind, parts in pipeline.items():
            assert set(parts) <= set(collector[kind])


def test_grafana_finds_the_dashboards_and_a_prometheus() -> None:
    path = read("grafana/dashboards.yaml")["providers"][0]["options"]["path"]
    assert mounts("grafana")[path] == DASHBOARDS / "grafana"
    (source,) = read("grafana/datasources.yaml")["datasources"]
    assert (source["type"], source["url"]) == ("prometheus", "http://prometheus:9090")


@NEEDED
def test_promtool_takes_prometheus_configuration(tmp_path: Path) -> None:
    text = (DEPLOY / "prometheus.yaml").read_text()
    (tmp_path / "token").write_text("t")
    for inside, ours in {**mounts("prometheus"), "/run/secrets/admin_token": tmp_path / "token"}.items():
        text = text.replace(inside, str(ours))
    (tmp_path / "prometheus.yaml").write_text(text)
    told = subprocess.run(
        ("promtool", "check", "config", str(tmp_path / "prometheus.yaml")), capture_output=True, text=True, check=False
    )
    assert told.returncode == 0, told.stdout + told.stderr
    assert "rules found" in told.stdout
