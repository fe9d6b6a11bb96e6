"""The manifests, the compose file and the versions match the service."""

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import kubernetes_validate  # type: ignore[import-untyped]
import pytest
import typer
import yaml

from chat_sessions import cli
from chat_sessions.settings import Settings, load_settings
from tests.test_wheels import PYTHONS

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "deploy" / "kubernetes"
MANIFESTS = {
    str(path.relative_to(FOLDER)): yaml.safe_load(path.read_text())
    for path in sorted(FOLDER.rglob("*.yaml"))
    if path.name != "kustomization.yaml"
}
KUSTOMIZATIONS = {path.parent: yaml.safe_load(path.read_text()) for path in FOLDER.rglob("kustomization.yaml")}
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text())
NPM_PACKAGES = ("frontend", "clients/ai-sdk", "clients/assistant-ui")
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
PATHS = json.loads((ROOT / "openapi.json").read_text())["paths"]

KUBERNETES = "1.37"
# Custom resources, for which Kubernetes has no schema.
CUSTOM = {"ServiceMonitor"}
# Seconds for the query engine to end, and for the kubelet.
MARGIN = 5

Manifest = dict[str, Any]


def manifest(kind: str) -> Manifest:
    found: list[Manifest] = [each for each in MANIFESTS.values() if each["kind"] == kind]
    assert len(found) == 1
    return found[0]


def templates() -> Iterator[tuple[str, Manifest]]:
    for name, each in MANIFESTS.items():
        spec = each["spec"].get("jobTemplate", each).get("spec", {})
        if "template" in spec:
            yield name, spec["template"]


PODS = {name: template["spec"] for name, template in templates()}
CONTAINERS = {name: container for name, pod in PODS.items() for container in pod["containers"]}
SERVICE = CONTAINERS["deployment.yaml"]


def settings_of_the_manifests() -> Mapping[str, str]:
    lines = (FOLDER / "settings.env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def seconds(duration: str) -> int:
    (count,) = re.findall(r"^(\d+)s$", duration)
    return int(count)


def matches(selector: Mapping[str, str], labels: Mapping[str, str]) -> bool:
    return selector.items() <= labels.items()


@pytest.mark.parametrize("name", [name for name, each in MANIFESTS.items() if each["kind"] not in CUSTOM])
def test_each_manifest_is_valid(name: str) -> None:
    kubernetes_validate.validate(MANIFESTS[name], KUBERNETES, strict=True)


@pytest.mark.parametrize("folder", KUSTOMIZATIONS, ids=lambda path: str(path.relative_to(FOLDER.parent)))
def test_each_kustomization_lists_the_manifests_beside_it(folder: Path) -> None:
    beside = {path.name for path in folder.glob("*.yaml")} - {"kustomization.yaml"}
    assert set(KUSTOMIZATIONS[folder]["resources"]) == beside


def test_purging_is_off_by_default() -> None:
    base = KUSTOMIZATIONS[FOLDER]
    assert "components" not in base
    assert {MANIFESTS[name]["kind"] for name in base["resources"]} == {
        "Deployment",
        "Service",
        "PodDisruptionBudget",
        "Job",
    }


def test_purges_never_overlap() -> None:
    assert manifest("CronJob")["spec"]["concurrencyPolicy"] == "Forbid"


@pytest.mark.parametrize("probe", ["startupProbe", "livenessProbe", "readinessProbe"])
def test_each_probe_calls_an_existing_path(probe: str) -> None:
    request = SERVICE[probe]["httpGet"]
    assert "get" in PATHS[request["path"]]
    assert request["port"] == SERVICE["ports"][0]["name"]


def test_only_readiness_depends_on_the_database() -> None:
    probes = ("startupProbe", "livenessProbe", "readinessProbe")
    assert [SERVICE[probe]["httpGet"]["path"] for probe in probes] == ["/healthz", "/healthz", "/readyz"]


def test_the_port_is_the_images_port() -> None:
    (exposed,) = re.findall(r"^EXPOSE (\d+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    port = SERVICE["ports"][0]
    assert port["containerPort"] == int(exposed)
    assert [each["targetPort"] for each in manifest("Service")["spec"]["ports"]] == [port["name"]]


def test_service_and_disruption_budget_select_exactly_the_services_pods() -> None:
    selectors = [
        manifest("Deployment")["spec"]["selector"]["matchLabels"],
        manifest("Service")["spec"]["selector"],
        manifest("PodDisruptionBudget")["spec"]["selector"]["matchLabels"],
        *(each["labelSelector"]["matchLabels"] for each in PODS["deployment.yaml"]["topologySpreadConstraints"]),
    ]
    for selector in selectors:
        selected = {name for name, template in templates() if matches(selector, template["metadata"].get("labels", {}))}
        assert selected == {"deployment.yaml"}


def test_the_monitor_scrapes_the_service() -> None:
    monitor, service = manifest("ServiceMonitor"), manifest("Service")
    (endpoint,) = monitor["spec"]["endpoints"]
    assert matches(monitor["spec"]["selector"]["matchLabels"], service["metadata"]["labels"])
    assert endpoint["port"] in {port["name"] for port in service["spec"]["ports"]}
    assert "get" in PATHS[endpoint["path"]]


def test_a_pod_has_time_to_drain_and_finish() -> None:
    drain = float(settings_of_the_manifests()["CHAT_DRAIN_SECONDS"])
    needed = drain + cli.SHUTDOWN_SECONDS + MARGIN
    assert PODS["deployment.yaml"]["terminationGracePeriodSeconds"] >= needed


def test_compose_leaves_time_to_drain_and_finish() -> None:
    needed = Settings.model_fields["drain_seconds"].default + cli.SHUTDOWN_SECONDS + MARGIN
    assert seconds(COMPOSE["services"]["service"]["stop_grace_period"]) >= needed


def test_a_rollout_stops_no_pod_before_another_is_ready() -> None:
    assert manifest("Deployment")["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 0


@pytest.mark.parametrize("name", PODS)
def test_each_pod_may_run_in_a_restricted_namespace(name: str) -> None:
    pod, container = PODS[name]["securityContext"], CONTAINERS[name]["securityContext"]
    (uid,) = re.findall(r"^USER (\d+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert pod["runAsNonRoot"] is True
    assert pod["runAsUser"] == int(uid)
    assert pod["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert PODS[name]["automountServiceAccountToken"] is False


@pytest.mark.parametrize("name", PODS)
def test_no_service_link_can_become_a_setting(name: str) -> None:
    assert PODS[name]["enableServiceLinks"] is False


@pytest.mark.parametrize("name", CONTAINERS)
def test_each_container_has_a_memory_limit(name: str) -> None:
    assert set(CONTAINERS[name]["resources"]) == {"requests", "limits"}
    assert "memory" in CONTAINERS[name]["resources"]["limits"]


@pytest.mark.parametrize("name", [name for name in CONTAINERS if "args" in CONTAINERS[name]])
def test_each_job_runs_an_existing_command(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHAT_DATABASE_URL", "postgresql://")
    command, *arguments = CONTAINERS[name]["args"]
    group = typer.main.get_command(cli.app)
    assert isinstance(group, typer.core.TyperGroup)
    group.commands[command].make_context(command, arguments)


def test_the_manifests_set_only_existing_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    given = settings_of_the_manifests()
    assert set(given) <= {f"CHAT_{field.upper()}" for field in Settings.model_fields}
    for name, value in {**given, **secrets(), "CHAT_JWT_SECRET": "x" * 32}.items():
        monkeypatch.setenv(name, value)
    assert load_settings().drain_seconds == float(given["CHAT_DRAIN_SECONDS"])


def secrets() -> Mapping[str, str]:
    """The contents of the Secret in deploy/README.md."""
    page = (ROOT / "deploy" / "README.md").read_text()
    return dict(re.findall(r"--from-literal=(CHAT_[A-Z_]+)=\"?([^\s\"]+)", page))


def test_compose_sets_only_existing_settings() -> None:
    given = set(COMPOSE["x-service"]["environment"])
    assert given <= {f"CHAT_{field.upper()}" for field in Settings.model_fields}


def test_no_manifest_holds_a_secret() -> None:
    secret = {f"CHAT_{name.upper()}" for name, field in Settings.model_fields.items() if "SecretStr" in repr(field)}
    assert secret >= {"CHAT_DATABASE_URL", "CHAT_REDIS_URL", "CHAT_JWT_SECRET", "CHAT_WEBHOOK_SECRET"}
    assert not secret & set(settings_of_the_manifests())
    assert "Secret" not in {each["kind"] for each in MANIFESTS.values()}
    assert [each for each in CONTAINERS.values() if "env" in each] == []


def test_every_file_has_the_same_version() -> None:
    packages = [json.loads((ROOT / folder / "package.json").read_text()) for folder in NPM_PACKAGES]
    sidebar = json.loads((ROOT / "frontend" / "package-lock.json").read_text())
    adapters = json.loads((ROOT / "clients" / "package-lock.json").read_text())["packages"]
    locked = [sidebar, sidebar["packages"][""], adapters["ai-sdk"], adapters["assistant-ui"]]
    client = tomllib.loads((ROOT / "clients" / "python" / "pyproject.toml").read_text())["project"]
    (image,) = KUSTOMIZATIONS[FOLDER]["images"]
    written = {each["version"] for each in (*packages, *locked, client)} | {image["newTag"]}
    assert written == {VERSION}


@pytest.mark.parametrize("package", [*NPM_PACKAGES, "clients/python"])
def test_each_package_has_the_services_licence(package: str) -> None:
    assert (ROOT / package / "LICENSE").read_text() == (ROOT / "LICENSE").read_text()


def test_the_kustomization_names_the_image_of_every_container() -> None:
    (image,) = KUSTOMIZATIONS[FOLDER]["images"]
    assert {each["image"] for each in CONTAINERS.values()} == {image["name"]}


def test_the_config_maps_that_pods_reference_are_generated() -> None:
    generated = {each["name"] for each in KUSTOMIZATIONS[FOLDER]["configMapGenerator"]}
    referenced = {
        source["configMapRef"]["name"]
        for each in CONTAINERS.values()
        for source in each["envFrom"]
        if "configMapRef" in source
    }
    assert referenced == generated


def test_ci_runs_on_each_supported_python() -> None:
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text())
    tested = workflow["jobs"]["everything"]["strategy"]["matrix"]["python"]
    assert tested == [f"{major}.{minor}" for major, minor in PYTHONS]
