"""Kubernetes: objects by their schemas, and a pod that can be watched, stopped and trusted."""

from __future__ import annotations

from collections.abc import Iterator

import kubernetes_validate
import yaml

from tests.deploy.maps import manifests
from tests.deploy.shipped import Shipped, Tree

VERSION = "1.34"
PROBES = {"startupProbe": "/livez", "livenessProbe": "/livez", "readinessProbe": "/readyz"}
RIGHTS = {
    ("allowPrivilegeEscalation",): False,
    ("readOnlyRootFilesystem",): True,
    ("capabilities", "drop"): ["ALL"],
}


def faults(shipped: Shipped) -> Iterator[str]:
    misshapen = list(_by_schema(shipped))
    yield from misshapen
    if misshapen:
        return
    for name, text in manifests(shipped.root).items():
        if shipped.text(f"kubernetes/{name}") != text:
            yield f"kubernetes/{name} is stale: `make schemas` writes it anew"
    pod = shipped.pod()
    (container,) = pod["containers"]
    yield from _probes(container)
    yield from _rights(pod, container)
    yield from _mounts(shipped, pod, container)
    yield from _copies(shipped)
    if not {"cpu", "memory"} <= set(container.get("resources", {}).get("requests", ())):
        yield "workers.yaml: no requests, so the scheduler knows nothing of it"


def _by_schema(shipped: Shipped) -> Iterator[str]:
    for place, document in shipped.manifests():
        try:
            kubernetes_validate.validate(document, VERSION, strict=True)
        except kubernetes_validate.ValidationError as error:
            where = ".".join(str(step) for step in error.path)
            yield f"{place}: {document['kind']} {where}: {error.message}"
        except kubernetes_validate.SchemaNotFoundError as error:
            yield f"{place}: {error.message}"


def _probes(container: Tree) -> Iterator[str]:
    ports = {port["name"] for port in container.get("ports", ())}
    for name, path in PROBES.items():
        asked = container.get(name, {}).get("httpGet")
        if asked is None:
            yield f"workers.yaml: no {name}"
        elif (asked["path"], asked["port"] in ports) != (path, True):
            yield f"workers.yaml: {name} asks {asked['port']}{asked['path']}"


def _rights(pod: Tree, container: Tree) -> Iterator[str]:
    context = pod.get("securityContext", {})
    if not context.get("runAsNonRoot") or not context.get("runAsUser"):
        yield "workers.yaml: may run as root"
    for path, wanted in RIGHTS.items():
        found: object = container.get("securityContext", {})
        for step in path:
            found = found.get(step) if isinstance(found, dict) else None
        if found != wanted:
            yield f"workers.yaml: {'.'.join(path)} is {found}, not {wanted}"
    if pod.get("automountServiceAccountToken", True):
        yield "workers.yaml: holds a key of the cluster that it does not need"


def _mounts(shipped: Shipped, pod: Tree, container: Tree) -> Iterator[str]:
    """What the settings name is mounted."""
    settings = shipped.settings_of_pod()
    places = {mount["mountPath"]: mount for mount in container["volumeMounts"]}
    volumes = {volume["name"] for volume in pod["volumes"]}
    if str(settings.policies.folder) not in places:
        yield f"workers.yaml: nothing is mounted at policies.folder = {settings.policies.folder}"
    for name, file in settings.kafka.client_files.items():
        if str(file.parent) not in places:
            yield f"workers.yaml: nothing is mounted for kafka.client_files.{name} = {file}"
    for path, mount in places.items():
        if mount["name"] not in volumes:
            yield f"workers.yaml: {path} mounts {mount['name']}, which is no volume"
        if "subPath" in mount:
            yield f"workers.yaml: {path} by subPath never sees a change"


def _copies(shipped: Shipped) -> Iterator[str]:
    deployment = shipped.manifest("Deployment", "safeguard")["spec"]
    budget = shipped.manifest("PodDisruptionBudget", "safeguard")["spec"]
    if deployment["replicas"] < 2:
        yield "workers.yaml: one worker alone; nobody takes over"
    if budget["selector"] != deployment["selector"]:
        yield "disruption.yaml: bounds no pod of ours"
    if budget.get("maxUnavailable") not in range(1, deployment["replicas"]):
        yield "disruption.yaml: either no node can be drained, or all workers may go at once"
    names = yaml.safe_load(shipped.text("kubernetes/kustomization.yaml"))
    files = {file.name for file in (shipped.deploy / "kubernetes").iterdir()}
    for name in sorted(files - {"kustomization.yaml", *names["resources"]}):
        yield f"kubernetes/{name} is not named in kustomization.yaml"
