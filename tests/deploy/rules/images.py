"""Images: what is built and what is fetched is pinned, and ours runs as nobody in particular."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.deploy.shipped import Shipped

PINNED = re.compile(r"[\w./-]+:v?\d+\.\d+\.\d+[\w.-]*(@sha256:[0-9a-f]{64})?")


def faults(shipped: Shipped) -> Iterator[str]:
    text = shipped.text("Dockerfile")
    stages = re.findall(r"^FROM (\S+)", text, re.MULTILINE)
    images = {f"Dockerfile: FROM {name}": name for name in stages}
    for service, each in shipped.compose()["services"].items():
        images[f"compose.yaml: {service}"] = each["image"]
    for container in shipped.pod()["containers"]:
        images["workers.yaml"] = container["image"]
    for place, image in images.items():
        if not PINNED.fullmatch(image):
            yield f"{place}: {image} is not pinned to a version"
    if len(stages) < 2:
        yield "Dockerfile: what builds is part of what runs"
    yield from _last_stage(text)
    yield from _linted(shipped.deploy / "Dockerfile")


def _last_stage(text: str) -> Iterator[str]:
    last = text.rpartition("\nFROM ")[2]
    users = re.findall(r"^USER (\S+)", last, re.MULTILINE)
    # By number: Kubernetes cannot see that a name is not root.
    if not users or not re.fullmatch(r"[1-9]\d*(:[1-9]\d*)?", users[-1]):
        yield f"Dockerfile: runs as {users[-1] if users else 'root'}, not as a numbered user"
    if not re.search(r"^ENTRYPOINT \[", last, re.MULTILINE):
        yield "Dockerfile: a shell would be process 1 and keep SIGTERM to itself"
    if "pip install" in text and "--require-hashes" not in text:
        yield "Dockerfile: packages are installed without their hashes"


def _linted(file: Path) -> Iterator[str]:
    program = Path(sys.executable).parent / "hadolint"
    found = subprocess.run(
        [str(program), "--no-color", str(file)], capture_output=True, text=True, check=False
    )
    if found.returncode:
        yield from (found.stdout or found.stderr).splitlines()
