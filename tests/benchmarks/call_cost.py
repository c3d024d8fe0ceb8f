"""CPU time of one call by client, each in a process of its own, by turns; see `calls`."""

from __future__ import annotations

import json
from statistics import median

from tests.benchmarks.calls import CLIENTS
from tests.benchmarks.children import Child, module
from tests.benchmarks.scene import Scene

FAST = ("judged", "record", "direct", "aiohttp")


def measure(scene: Scene) -> None:
    """Fill in `call_cpu_ms`, `call_vs_bare_aiohttp` and `call_vs_asyncopenai`; all are medians."""
    rounds: dict[str, list[float]] = {client: [] for client in CLIENTS}
    for number in range(scene.scale.rounds):
        for client in CLIENTS:
            scene.say(f"CPU time of one call, round {number + 1}: {client}")
            rounds[client].append(_one(scene, client))
    costs = {client: median(found) for client, found in rounds.items()}
    scene.figures.values["call_cpu_ms"] = {client: round(cost, 3) for client, cost in costs.items()}
    scene.figures.details["call_cpu_ms_rounds"] = {
        client: [round(cost, 3) for cost in found] for client, found in rounds.items()
    }
    for name, other in (
        ("call_vs_bare_aiohttp", "aiohttp"),
        ("call_vs_asyncopenai", "asyncopenai"),
    ):
        scene.figures.values[name] = round(costs["judged"] / costs[other], 3)


def _one(scene: Scene, client: str) -> float:
    """Milliseconds of CPU time."""
    count = scene.scale.calls if client in FAST else scene.scale.calls // 5
    with scene.server(0.0) as endpoint:
        command = module(
            "calls",
            *("--client", client, "--endpoint", endpoint),
            *("--body", str(scene.workload.body), "--count", str(count)),
        )
        with Child(scene.name(f"calls-{client}"), command, scene.workload.folder) as child:
            return float(json.loads(child.wait(120))["cpu_ms"])
