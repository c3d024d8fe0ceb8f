"""Settings: every name and value that the shipped files tell a worker is one that it takes."""

from __future__ import annotations

import re
from collections.abc import Iterator

from consumer.errors import InvalidSettings
from consumer.settings.settings import Settings
from consumer.worker.serve import GRACE_S
from consumer.worker.wiring import check_budgets
from tests.deploy.shipped import Shipped

LOOPBACK = ("127.", "localhost", "::1")
SECRET = re.compile(r"(password|secret|token|api_?key)\b", re.IGNORECASE)


def faults(shipped: Shipped) -> Iterator[str]:
    yield from _names(shipped)
    services = [name for name, each in shipped.compose()["services"].items() if _is_ours(each)]
    places = {
        "Dockerfile": shipped.settings_of_image,
        "safeguard.service": shipped.settings_of_unit,
        "workers.yaml": shipped.settings_of_pod,
    } | {
        f"compose.yaml: {name}": (lambda n=name: shipped.settings_of_compose(n))
        for name in services
    }
    for place, read in places.items():
        try:
            settings = read()
            check_budgets(settings)
        except InvalidSettings as error:
            yield f"{place}: {error}"
            continue
        yield from _reachable(place, settings)
    try:
        yield from _stops(shipped)
        yield from _ports(shipped)
    except InvalidSettings:
        # Told above.
        return


def _is_ours(service: dict[str, object]) -> bool:
    return str(service["image"]).startswith("safeguard-consumer:") and "environment" in service


def _names(shipped: Shipped) -> Iterator[str]:
    """A name without a section is passed over by the loader; here it is a slip of the pen."""
    for name in (
        "compose.yaml",
        "Dockerfile",
        "kubernetes/workers.yaml",
        "systemd/safeguard.service",
    ):
        for found in re.findall(r"\bSAFEGUARD_\w+(?=[:=]|\n)", shipped.text(name)):
            if "__" not in found and found != "SAFEGUARD_MODEL":
                yield f"{name}: {found} names no section, so no setting"
    for name in ("compose.yaml", "Dockerfile", "kubernetes/workers.yaml", "safeguard.toml"):
        for line in shipped.text(name).splitlines():
            key, _, value = line.partition("=") if "=" in line else line.partition(":")
            # A file's name, a switch, or the head of a table is none.
            is_named = "/" in value or value.strip() in ("", "true", "false")
            if SECRET.search(key) and not key.lstrip().startswith("#") and not is_named:
                yield f"{name}: a secret by value: {key.strip()}"


def _reachable(place: str, settings: Settings) -> Iterator[str]:
    host = settings.telemetry.health_host
    if place != "safeguard.service" and host.startswith(LOOPBACK):
        yield f"{place}: /livez listens on {host}, where nobody outside the container reaches it"


def _stops(shipped: Shipped) -> Iterator[str]:
    """Who stops a worker from outside must leave it the time that its drain may take."""
    unit = {name: value for _, name, value in shipped.unit()}
    compose = shipped.compose()["services"]["worker"]
    given = [
        (
            "workers.yaml: terminationGracePeriodSeconds",
            float(shipped.pod().get("terminationGracePeriodSeconds", 30)),
            shipped.settings_of_pod(),
        ),
        (
            "compose.yaml: stop_grace_period",
            float(str(compose.get("stop_grace_period", "10s")).removesuffix("s")),
            shipped.settings_of_compose("worker"),
        ),
        (
            "safeguard.service: TimeoutStopSec",
            float(unit.get("TimeoutStopSec", "90")),
            shipped.settings_of_unit(),
        ),
    ]
    for name, seconds, settings in given:
        needed_s = settings.pipeline.drain_s + GRACE_S
        if seconds <= needed_s:
            yield f"{name} is {seconds:g} s; a stop may take {needed_s:g} s"


def _ports(shipped: Shipped) -> Iterator[str]:
    """Where it listens is where it is asked."""
    port = shipped.settings_of_pod().telemetry.health_port
    (container,) = shipped.pod()["containers"]
    told = {
        "workers.yaml: containerPort": container["ports"][0]["containerPort"],
        "compose.yaml: worker": shipped.settings_of_compose("worker").telemetry.health_port,
    }
    scraped = re.findall(r"port: (\d+)", shipped.text("prometheus/prometheus.yaml"))
    exposed = re.findall(r"^EXPOSE (\d+)", shipped.text("Dockerfile"), re.MULTILINE)
    told |= {"prometheus.yaml": int(scraped[0]), "Dockerfile: EXPOSE": int(exposed[0])}
    for name, found in told.items():
        if found != port:
            yield f"{name} is {found}; the worker listens on {port}"
