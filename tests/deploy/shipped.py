"""The files of `deploy/` below a root, read: the checkout's own, or a copy with a fault planted."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from consumer.settings.load import load_settings
from consumer.settings.settings import Settings

Tree = dict[str, Any]


class Shipped:
    """Reads one file of `deploy/` when it is asked for."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.deploy = root / "deploy"

    def __repr__(self) -> str:
        return f"<Shipped {self.deploy}>"

    def text(self, name: str) -> str:
        return (self.deploy / name).read_text()

    def compose(self) -> Tree:
        """With anchors and merges resolved."""
        tree: Tree = yaml.safe_load(self.text("compose.yaml"))
        return tree

    def manifests(self) -> Iterator[tuple[str, Tree]]:
        """The Kubernetes objects that the kustomization names, each with its file."""
        listed = yaml.safe_load(self.text("kubernetes/kustomization.yaml"))["resources"]
        for name in listed:
            for document in yaml.safe_load_all(self.text(f"kubernetes/{name}")):
                yield f"kubernetes/{name}", document

    def manifest(self, kind: str, name: str) -> Tree:
        for _, document in self.manifests():
            if (document["kind"], document["metadata"]["name"]) == (kind, name):
                return document
        raise LookupError(f"deploy/kubernetes/ has no {kind} {name}")

    def pod(self) -> Tree:
        spec: Tree = self.manifest("Deployment", "safeguard")["spec"]["template"]["spec"]
        return spec

    def unit(self) -> list[tuple[str, str, str]]:
        """Section, directive and value of each line of the systemd unit, in its order."""
        section, found = "", []
        for line in self.text("systemd/safeguard.service").splitlines():
            if line.startswith("["):
                section = line.strip("[]")
            elif line and not line.startswith("#"):
                name, _, value = line.partition("=")
                found.append((section, name, value))
        return found

    def alerts(self) -> list[Tree]:
        groups = yaml.safe_load(self.text("prometheus/alerts.yaml"))["groups"]
        return [rule for group in groups for rule in group["rules"]]

    def dashboard(self) -> Tree:
        tree: Tree = json.loads(self.text("grafana/safeguard.json"))
        return tree

    # What a worker is told where: each raises InvalidSettings where it could not start with that.

    def settings_of_compose(self, service: str) -> Settings:
        return self._settings(self.environment_of(service))

    def environment_of(self, service: str) -> dict[str, str]:
        """As compose gives it where nobody said otherwise: `${NAME:-default}` is its default."""
        told = self.compose()["services"][service].get("environment", {})
        return {
            name: re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", str(value)) for name, value in told.items()
        }

    def settings_of_pod(self) -> Settings:
        (container,) = self.pod()["containers"]
        told = {each["name"]: each["value"] for each in container["env"]}
        return self._settings(told, self.manifest("ConfigMap", "safeguard-settings")["data"])

    def settings_of_unit(self) -> Settings:
        lines = [value for _, name, value in self.unit() if name == "Environment"]
        told = dict(pair.split("=", 1) for line in lines for pair in line.split())
        return self._settings(told, {"safeguard.toml": self.text("safeguard.toml")})

    def settings_of_image(self) -> Settings:
        return self._settings(
            dict(re.findall(r"^\s*(?:ENV )?(SAFEGUARD_\w+)=(\S+)", self.text("Dockerfile"), re.M))
        )

    def _settings(self, environment: Mapping[str, str], files: Mapping[str, str] = {}) -> Settings:
        file = None
        if files:
            file = self.root / "read.toml"
            file.write_text(files["safeguard.toml"])
        try:
            return load_settings(file, {}, environment)
        finally:
            if file is not None:
                file.unlink()
