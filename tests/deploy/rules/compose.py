"""Compose: the file is one by its specification, its names lead somewhere, and nothing is open."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from compose_spec import PyCompose

from consumer.errors import InvalidSettings
from tests.deploy.shipped import Shipped, Tree

PROFILES = {"stand-in", "ollama", "vllm"}


def faults(shipped: Shipped) -> Iterator[str]:
    tree = shipped.compose()
    try:
        PyCompose.from_json(json.dumps(tree)).validate()
    except ValueError as error:
        yield f"compose.yaml: {error}"
    for name, service in tree["services"].items():
        for fault in _service(name, service, tree, shipped.deploy):
            yield f"compose.yaml: {name}: {fault}"
    yield from _model(shipped, tree)


def _service(name: str, service: Tree, tree: Tree, folder: Path) -> Iterator[str]:
    for other in service.get("depends_on", ()):
        if other not in tree["services"]:
            yield f"depends on {other}, which is no service"
    for port in service.get("ports", ()):
        if not str(port).startswith("127.0.0.1:"):
            yield f"port {port} is open to every network of the machine"
    for mount in service.get("volumes", ()):
        source = mount.partition(":")[0]
        if source.startswith("."):
            if not (folder / source).exists():
                yield f"{source} is not there"
        elif source not in tree["volumes"]:
            yield f"{source} is no volume"
    if service["image"].startswith("safeguard-consumer:"):
        if str(service.get("user", "0")).startswith(("0", "root")):
            yield "runs as root"
        if not service.get("read_only") or service.get("cap_drop") != ["ALL"]:
            yield "may write to its root, or has rights that it does not need"
    if name == "worker" and service.get("restart") not in ("unless-stopped", "always"):
        yield "is not started again"


def _model(shipped: Shipped, tree: Tree) -> Iterator[str]:
    """Whichever profile is chosen, the endpoint is there."""
    try:
        endpoint = urlsplit(shipped.settings_of_compose("worker").inference.endpoint)
    except InvalidSettings:
        return
    servers = {
        profile: [
            name
            for name, each in tree["services"].items()
            if profile in each.get("profiles", ()) and _is_called(each, endpoint.hostname)
        ]
        for profile in PROFILES
    }
    for profile, names in sorted(servers.items()):
        if len(names) != 1:
            yield f"compose.yaml: {len(names)} services of profile {profile} are {endpoint.netloc}"


def _is_called(service: Tree, host: str | None) -> bool:
    networks = service.get("networks", {})
    return isinstance(networks, dict) and any(
        host in (each or {}).get("aliases", ()) for each in networks.values()
    )
