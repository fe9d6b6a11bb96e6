"""Dashboards and alerts use existing metrics, and every metric is documented."""

import json
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any, NamedTuple

import promql_parser
import pytest
import yaml
from pydantic import SecretStr

from chat_sessions.dev.embedded.machine import free_port
from chat_sessions.settings import Settings
from tests.listening import following, on_a_socket
from tests.scrape import Scrape, scrape
from tests.service import Caller, Service, running
from tests.waiting import until
from tests.webhook_receiver import SECRET

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "monitoring"
SOURCE = ROOT / "src" / "chat_sessions"
DASHBOARD = json.loads((FOLDER / "grafana" / "dashboard.json").read_text())
RULES = yaml.safe_load((FOLDER / "prometheus" / "alerts.yaml").read_text())["groups"][0]["rules"]
TABLE = (FOLDER / "README.md").read_text()
# Labels that Prometheus adds, and the label of one worker among several.
FROM_OUTSIDE = {"job", "instance", "worker"}
# Its level depends on the request.
LOGGED_OTHERWISE = {"request"}
SUFFIXES = ("_bucket", "_count", "_sum")


def panels() -> Iterator[dict[str, Any]]:
    yield from (panel for panel in DASHBOARD["panels"] if panel["type"] != "row")


def without_variables(expression: str) -> str:
    return expression.replace("$__rate_interval", "5m").replace("$instance", ".*")


EXPRESSIONS: Mapping[str, str] = {
    **{rule["alert"]: rule["expr"] for rule in RULES},
    **{
        f"{panel['title']}/{target['refId']}": without_variables(target["expr"])
        for panel in panels()
        for target in panel["targets"]
    },
}


class Selector(NamedTuple):
    """A metric that an expression selects."""

    name: str
    matchers: tuple[tuple[str, str, str], ...]


class Query(NamedTuple):
    """What an expression reads: metrics, and the labels that distinguish their series."""

    selectors: set[Selector]
    labels: set[str]


def parsed(expression: str) -> Query:
    found = Query(set(), set())
    _collect(promql_parser.parse(expression), found)
    return found


def _collect(node: Any, found: Query) -> None:  # noqa: ANN401  any part of an expression
    if isinstance(node, promql_parser.VectorSelector):
        matchers = tuple((each.name, str(each.op), each.value) for each in node.matchers.matchers)
        found.selectors.add(Selector(str(node.name), matchers))
    if isinstance(node, promql_parser.AggregateExpr) and node.modifier is not None:
        found.labels.update(node.modifier.labels)
    inner = [getattr(node, name, None) for name in ("lhs", "rhs", "expr", "vector_selector", "param")]
    for each in (*inner, *getattr(node, "args", ())):
        if each is not None:
            _collect(each, found)


@pytest.fixture(scope="module")
async def service(settings: Settings) -> AsyncIterator[Service]:
    """A worker with a webhook receiver, which is away."""
    receiver = f"http://127.0.0.1:{free_port()}/webhooks"
    given = {"webhook_url": (receiver,), "webhook_secret": (SecretStr(SECRET),), "webhook_private": True}
    async with running(settings.model_copy(update=given)) as worker:
        yield worker


@pytest.fixture(scope="module")
async def busy(service: Service) -> Scrape:
    """The metrics of a service after a call of each kind."""
    async with on_a_socket(service) as url, service.client("ada") as client:
        ada = Caller(client)
        async with following(url):
            pass
        session_id = (await ada.create("Lisbon"))["id"]
        await ada.append(session_id, "hi")

        async def cached() -> bool:
            await ada.get(session_id)
            await ada.page()
            now = await scrape(ada)
            followed = now.sum("chat_http_requests_total", route="/api/chat/sessions/events") > 0
            return followed and now.sum("chat_cache_reads_total", result="hit") >= 2 and _has_receivers(now)

        await until(cached)
        await ada.delete(session_id)
        await ada.http.get("/nowhere")

        async def tried() -> bool:
            return (await scrape(ada)).sum("chat_webhook_deliveries_total", result="failed") > 0

        await until(tried)
        return await scrape(ada)


def _has_receivers(scraped: Scrape) -> bool:
    """Return whether the service has stored its receivers and measured their queues."""
    return next(scraped.series("chat_webhook_waiting"), None) is not None


def labels_of(scraped: Scrape, name: str) -> dict[str, set[str]]:
    """Return the values of each label of a metric."""
    values: dict[str, set[str]] = {}
    for labels, _ in scraped.series(name):
        for label, value in labels.items():
            values.setdefault(label, set()).add(value)
    return values


@pytest.mark.parametrize("name", EXPRESSIONS)
async def test_every_selected_metric_exists(busy: Scrape, name: str) -> None:
    wanted = parsed(EXPRESSIONS[name])
    known = set(FROM_OUTSIDE)
    for selector in wanted.selectors:
        assert list(busy.series(selector.name)), f"there is no {selector.name}"
        values = labels_of(busy, selector.name)
        known |= set(values)
        for label, operator, value in selector.matchers:
            if label not in FROM_OUTSIDE:
                # Not every status occurs in a test.
                there = values[label] | ({str(int(each)) for each in HTTPStatus} if label == "status" else set())
                assert matches(there, operator, value), (label, value)
    assert wanted.selectors
    assert wanted.labels <= known


def matches(there: set[str], operator: str, value: str) -> bool:
    """Return whether a matcher finds something; one that excludes must exclude something."""
    return any(re.fullmatch(value if "Re" in operator else re.escape(value), each) for each in there)


async def test_each_metric_is_documented_with_its_labels(busy: Scrape) -> None:
    rows = dict(re.findall(r"^\| `([a-z_*]+)` \| (.*?) \|", TABLE, re.MULTILINE))
    for metric in busy.metrics:
        name = f"{metric.name}_total" if metric.type == "counter" else metric.name
        kept = next((each for each in rows if re.fullmatch(each.replace("*", ".*"), name)), None)
        assert kept, f"{name} is not in the table"
        if "*" not in kept:
            labels = {label for sample in metric.samples for label in sample.labels} - {"le"}
            assert set(re.findall(r"`(\w+)`", rows[kept])) == labels, name


async def test_the_table_has_no_unknown_metric(busy: Scrape) -> None:
    names = {f"{each.name}_total" if each.type == "counter" else each.name for each in busy.metrics}
    for row in re.findall(r"^\| `((?:chat|process)_[a-z_*]+)`", TABLE, re.MULTILINE):
        assert [name for name in names if re.fullmatch(row.replace("*", ".*"), name)], row


def test_the_table_of_log_events_is_complete() -> None:
    logged = re.compile(r"log\.(?:info|warning|error|critical|exception)\(\s*\"([a-z_.]+)\"")
    events = {event for module in SOURCE.rglob("*.py") for event in logged.findall(module.read_text())}
    _, table = TABLE.split("## Logs")
    rows = re.findall(r"^\| (`.*?`) \|", table, re.MULTILINE)
    assert {event for row in rows for event in re.findall(r"`([a-z_.]+)`", row)} == events | LOGGED_OTHERWISE


async def test_each_of_our_metrics_is_on_the_dashboard(busy: Scrape) -> None:
    shown = {selector.name for panel in panels() for each in panel["targets"] for selector in selectors(each)}
    bases = {re.sub(f"({'|'.join(SUFFIXES)})$", "", name) for name in shown} | shown
    ours = {f"{each.name}_total" if each.type == "counter" else each.name for each in busy.metrics}
    missing = {name for name in ours if name.startswith("chat_") and "_process_" not in name} - bases
    assert missing == set()


def selectors(target: dict[str, Any]) -> set[Selector]:
    return parsed(without_variables(target["expr"])).selectors


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_each_alert_has_a_meaning_and_an_action(rule: dict[str, Any]) -> None:
    assert rule["labels"]["severity"] in {"critical", "warning"}
    assert rule["annotations"]["summary"].endswith(".")
    assert len(rule["annotations"]["runbook"].split()) >= 8


def test_each_alert_has_a_reason_for_its_threshold() -> None:
    text = (FOLDER / "prometheus" / "alerts.yaml").read_text()
    blocks = text.split("- alert: ")[1:]
    assert [block.splitlines()[0] for block in blocks if not block.splitlines()[1].strip().startswith("# ")] == []


def test_panels_do_not_share_titles_or_positions() -> None:
    titles = [panel["title"] for panel in panels()]
    assert len(titles) == len(set(titles))
    places = {(each["gridPos"]["x"], each["gridPos"]["y"]) for each in panels()}
    assert len(places) == len(titles)
    assert all(each["gridPos"]["x"] + each["gridPos"]["w"] <= 24 for each in panels())
