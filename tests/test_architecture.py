"""The code, its contracts and its documents tell one story."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from consumer.commands.keys import keys_page
from tests import generated, rooms

ROOT = generated.ROOT
LIMITS_SAY_WHY = (
    "classifier",
    "inference",
    "cli",
    "commands",
    "dev",
    "domain",
    "kafka",
    "pipeline",
    "registry",
    "screening",
    "settings",
    "telemetry",
    "worker",
)
"""Rooms in which every limit is explained."""


def test_the_import_contracts_hold() -> None:
    """Arrows point down, neighbours do not know each other, and a stray module is a fault."""
    command = [str(Path(sys.executable).parent / "lint-imports"), "--no-logo"]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert found.returncode == 0, found.stdout
    assert "0 broken" in found.stdout


def test_the_schemas_are_those_of_the_models() -> None:
    """`deploy/schemas/` is up to date; `make schemas` writes it anew."""
    for name, schema in generated.schemas().items():
        assert (generated.SCHEMAS / name).read_text() == schema
    assert {file.name for file in generated.SCHEMAS.iterdir()} == set(generated.schemas())


def test_the_readmes_tables_and_the_page_of_files_are_those_of_the_code() -> None:
    """Every room, module, setting and metric is told of; `make schemas` writes them anew."""
    text = generated.README.read_text()

    assert generated.readme(text) == text
    assert generated.files_page() == generated.FILES.read_text()
    assert keys_page() == generated.TOPIC.read_text()


def test_the_picture_is_that_of_the_imports() -> None:
    """`make picture` draws it anew."""
    assert rooms.PICTURE.read_text() == rooms.picture()


def test_every_arrow_of_the_picture_points_down() -> None:
    """A room imports only rooms of lower layers, so that the picture can be read from the top."""
    layer_of = {room: at for at, row in enumerate(rooms.layers()) for room in row}
    assert rooms.arrows()
    for here, there in rooms.arrows():
        if here in layer_of and there in layer_of:
            assert layer_of[here] < layer_of[there], f"{here} imports {there}"


def test_the_readmes_commands_are_targets_of_the_makefile() -> None:
    """What the README tells people to type exists."""
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    for name in re.findall(r"`?make ([a-z-]+)", generated.README.read_text()):
        assert name in targets, f"make {name}"


def test_ci_calls_the_readmes_own_test_command() -> None:
    """CI is no more lenient than what a reader runs."""
    script = (ROOT / ".ci" / "run").read_text()

    assert "exec make test" in script
    assert "make test" in generated.README.read_text()


def test_every_module_says_what_it_is_for() -> None:
    """A file opens with one sentence; there is no file for odds and ends."""
    for file in (ROOT / "consumer").rglob("*.py"):
        assert file.stem not in {"utils", "helpers", "common", "manager", "base", "core"}
        if file.name != "__main__.py":
            assert file.read_text().startswith('"""'), file


def test_one_class_name_has_one_meaning() -> None:
    """Whoever reads a name knows what it is without looking where it was imported from."""
    places: defaultdict[str, list[str]] = defaultdict(list)
    for file in (ROOT / "consumer").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.ClassDef):
                places[node.name].append(str(file.relative_to(ROOT)))
    shared = {name: sorted(files) for name, files in places.items() if len(files) > 1}

    assert shared == {}


def test_no_constructor_takes_more_than_seven_things() -> None:
    """What needs more is two classes, or its arguments belong together and have a name."""
    long = [
        f"{file.relative_to(ROOT)}: {node.name} takes {count}"
        for file in (ROOT / "consumer").rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.ClassDef)
        for method in node.body
        if isinstance(method, ast.FunctionDef) and method.name == "__init__"
        if (count := len(method.args.args) + len(method.args.kwonlyargs) - 1) > 7
    ]
    assert long == []


def test_every_limit_that_is_no_setting_says_what_it_is_for() -> None:
    """A number that bounds or times something has a comment; `settings` has one for each field."""
    limit = re.compile(r"[A-Z0-9_]*(_S|_MS|_MAX|_KEPT|BATCH|TRIES)")
    silent = [
        f"{file.relative_to(ROOT)}: {name}"
        for room in LIMITS_SAY_WHY
        for file in (ROOT / "consumer" / room).rglob("*.py")
        for name, is_told in _constants(ast.parse(file.read_text()).body)
        if limit.fullmatch(name) and not is_told
    ]
    assert silent == []


def _constants(body: list[ast.stmt]) -> Iterator[tuple[str, bool]]:
    """The numbers of a module by name, each with whether a comment follows it."""
    for at, line in enumerate(body):
        match line:
            case ast.Assign(targets=[ast.Name(name)], value=ast.Constant(int() | float())):
                following = body[at + 1 :]
                yield name, bool(following) and isinstance(following[0], ast.Expr)


def test_every_file_that_is_named_exists() -> None:
    """What moves is followed by the words that tell of it; history (DECISIONS) is left alone."""
    told = [generated.README, ROOT / "deploy" / "README.md", *(ROOT / "consumer").rglob("*.py")]
    known = [
        "/" + str(file.relative_to(ROOT))
        for room in ("consumer", "tests")
        for file in (ROOT / room).rglob("*.py")
    ]
    for page in told:
        for name in re.findall(r"`([\w/]+\.py)`", page.read_text()):
            assert any(file.endswith("/" + name) for file in known), f"{page.name} names {name}"
