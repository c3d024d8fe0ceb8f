"""
The ConfigMaps of `deploy/kubernetes/`, made of `deploy/safeguard.toml` and of `policies/`.

`make schemas` writes them anew; a test fails when they are stale.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from consumer.registry.lists import list_files
from consumer.registry.load import is_policy, set_folders, version_folders

BYTES_MAX = 1_000_000
"""A ConfigMap holds 1 MiB, names and all."""
SETTINGS, POLICIES, WORKERS = "settings.yaml", "policies.yaml", "workers.yaml"
BEGIN, END = "# <items>\n", "            # </items>\n"


def policy_files(folder: Path) -> dict[str, Path]:
    """
    What a worker reads of the policies: path below the folder -> file.

    Cases are for `safeguard evaluate`, and no worker reads them.
    """
    found: list[Path] = []
    for set_folder in set_folders(folder):
        # What binds them, and their pins.
        found += sorted(set_folder.glob("*.toml"))
        found += list_files(set_folder)
        for version in version_folders(set_folder).values():
            found += sorted(file for file in version.iterdir() if is_policy(file.name))
    return {str(file.relative_to(folder)): file for file in found}


def key_of(path: str) -> str:
    """A ConfigMap's keys have no slashes."""
    return path.replace("/", "--")


def manifests(root: Path) -> dict[str, str]:
    """File name in `deploy/kubernetes/` -> its text, made of the other files below a root."""
    files = policy_files(root / "policies")
    policies = {key_of(path): file.read_text() for path, file in files.items()}
    settings = {"safeguard.toml": (root / "deploy" / "safeguard.toml").read_text()}
    workers = (root / "deploy" / "kubernetes" / WORKERS).read_text()
    return {
        SETTINGS: _config_map("safeguard-settings", "deploy/safeguard.toml", settings),
        POLICIES: _config_map("safeguard-policies", "policies/", policies),
        WORKERS: _with_items(workers, list(files)),
    }


def _config_map(name: str, source: str, data: dict[str, str]) -> str:
    assert sum(len(key) + len(text.encode()) for key, text in data.items()) < BYTES_MAX
    document = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "labels": {"app.kubernetes.io/name": "safeguard"}},
        "data": data,
    }
    text = yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=10_000)
    return f"# Made of {source} by `make schemas`: change it there.\n{text}"


def _with_items(workers: str, paths: list[str]) -> str:
    lines = [f"              - {{ key: {key_of(path)}, path: {path} }}\n" for path in paths]
    head, _, rest = workers.partition(BEGIN)
    return f"{head}{BEGIN}            items:\n{''.join(lines)}{END}{rest.partition(END)[2]}"


class _Dumper(yaml.SafeDumper):
    """Texts of several lines as they are, so that a person can read them."""


def _text(dumper: yaml.SafeDumper, text: str) -> Any:
    return dumper.represent_scalar(
        "tag:yaml.org,2002:str", text, style="|" if "\n" in text else None
    )


_Dumper.add_representer(str, _text)


def write(root: Path) -> None:
    for name, text in manifests(root).items():
        (root / "deploy" / "kubernetes" / name).write_text(text)
