"""
How much of a server with 200 ms latency the worker keeps busy, beside a bare aiohttp loop.

Both keep 256 calls in flight against servers of the same kind in the same run, and take turns.
"""

from __future__ import annotations

import json
from statistics import median

from tests.benchmarks.children import Child, module
from tests.benchmarks.scene import Scene

LATENCY_S = 0.2
CALLS = 256
SETTINGS = {"inference.calls_max": CALLS, "pipeline.in_flight_max": 320}


def measure(scene: Scene) -> None:
    """Fill in `share_of_bare_200ms_256`."""
    own: list[float] = []
    bare: list[float] = []
    for number in range(scene.scale.rounds):
        with scene.server(LATENCY_S) as endpoint:
            scene.say(f"200 ms, 256 in flight, round {number + 1}: bare aiohttp loop")
            bare.append(_bare(scene, endpoint))
            scene.say(f"200 ms, 256 in flight, round {number + 1}: worker")
            own.append(_own(scene, endpoint))
    scene.figures.values["share_of_bare_200ms_256"] = round(median(own) / median(bare), 4)
    scene.figures.details["messages_per_s_200ms_256"] = {
        "worker": [round(each, 1) for each in own],
        "bare": [round(each, 1) for each in bare],
        "ideal": CALLS / LATENCY_S,
    }


def _own(scene: Scene, endpoint: str) -> float:
    count = int(scene.scale.throughput_s * CALLS / LATENCY_S)
    with scene.worker(endpoint, SETTINGS) as child:
        return scene.steady(child, count, 90.0).per_s


def _bare(scene: Scene, endpoint: str) -> float:
    seconds = scene.scale.throughput_s
    command = module(
        "bare_http",
        *("--endpoint", endpoint, "--body", str(scene.workload.body)),
        *("--in-flight", str(CALLS), "--seconds", str(seconds)),
    )
    with Child(scene.name("bare-http"), command, scene.workload.folder) as child:
        return float(json.loads(child.wait(seconds + 30))["per_s"])
