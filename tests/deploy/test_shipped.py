"""What is shipped in `deploy/` is without fault, and a fault of each kind would be found."""

from __future__ import annotations

import shutil
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import pytest

from tests.deploy.rules import compose, configuration, images, kubernetes, queries, systemd
from tests.deploy.shipped import Shipped
from tests.generated import ROOT

RULES: tuple[ModuleType, ...] = (compose, configuration, images, kubernetes, queries, systemd)


class Planted(NamedTuple):
    """A fault: what stands in a file, what stands there instead, and what is said of it."""

    file: str
    old: str
    new: str
    rule: ModuleType
    said: str


def planted() -> list[Planted]:
    table = tomllib.loads(Path(__file__).with_name("planted.toml").read_text())
    names = {rule.__name__.rpartition(".")[2]: rule for rule in RULES}
    return [Planted(rule=names[name], **fault) for name in table for fault in table[name]]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The checkout's files that are shipped, where a fault can be planted."""
    for folder in ("deploy", "policies"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    return tmp_path


def found(rule: ModuleType, root: Path) -> list[str]:
    look: Callable[[Shipped], Iterator[str]] = rule.faults
    try:
        return list(look(Shipped(root)))
    except LookupError as error:
        return [str(error)]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__.rpartition(".")[2])
def test_what_is_shipped_is_without_fault(rule: ModuleType, copy: Path) -> None:
    """Settings, images, compose, Kubernetes, systemd and queries, by their schemas and by sense."""
    assert found(rule, copy) == []


@pytest.mark.parametrize("fault", planted(), ids=lambda fault: f"{fault.file}: {fault.said}")
def test_a_planted_fault_is_found(fault: Planted, copy: Path) -> None:
    """Each rule is seen to catch what it is there for, and says what is wrong."""
    file = copy / "deploy" / fault.file
    text = file.read_text()
    assert fault.old in text
    file.write_text(text.replace(fault.old, fault.new))

    said = found(fault.rule, copy)

    assert any(fault.said in line for line in said), said
