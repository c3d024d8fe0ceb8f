"""The learned filter switched off by a person, and on again: by the command, under traffic."""

from __future__ import annotations

import subprocess
import sys
from typing import Literal

from tests.chaos import scene
from tests.chaos.crew import ROOT
from tests.chaos.kind import Fault, Kind, Rhythm
from tests.chaos.storm import Storm

COMMAND_S = 60.0
TRIES = 10
"""A broker may be away just then."""


def strike(storm: Storm, fault: Fault) -> bool:
    """All workers ask the model about everything for a while; then the filter settles again."""
    is_off = _says(storm, "off")
    storm.sleep(fault.lasts_s if is_off else 0.0)
    return _says(storm, "on") and is_off


def _says(storm: Storm, word: Literal["on", "off"]) -> bool:
    command = [sys.executable, "-m", "consumer", "prefilter", word, "--topic", scene.TOPIC]
    for _ in range(TRIES):
        found = subprocess.run(
            [*command, "--config", str(storm.crew.config)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=COMMAND_S,
            check=False,
        )
        if found.returncode == 0:
            storm.tell(f"a person switches the filter {word}")
            return True
        storm.sleep(1.0)
    return False


SWITCH = Kind(
    "switch",
    "the learned filter switched off, and on again",
    (3.0, 6.0),
    strike,
    Rhythm(first_s=(8.0, 12.0), gap_s=(40.0, 70.0)),
)
