"""CPU time of one call by client, each in a process of its own; see `calls`."""

from __future__ import annotations

import json

from tests.benchmarks.calls import CLIENTS
from tests.benchmarks.children import Child, module
from tests.benchmarks.scene import Scene

FAST = ("judged", "record", "direct", "aiohttp")


def measure(scene: Scene) -> None:
    """Fill in `call_cpu_ms`, `call_vs_bare_aiohttp` and `call_vs_asyncopenai`."""
    costs: dict[str, float] = {}
    for client in CLIENTS:
        scene.say(f"CPU time of one call: {client}")
        count = scene.scale.calls if client in FAST else scene.scale.calls // 5
        with scene.server(0.0) as endpoint:
            command = module(
                "calls",
                *("--client", client, "--endpoint", endpoint),
                *("--body", str(scene.workload.body), "--count", str(count)),
            )
            with Child(scene.name(f"calls-{client}"), command, scene.workload.folder) as child:
                costs[client] = round(float(json.loads(child.wait(120))["cpu_ms"]), 3)
    scene.figures.values["call_cpu_ms"] = costs
    for name, other in (
        ("call_vs_bare_aiohttp", "aiohttp"),
        ("call_vs_asyncopenai", "asyncopenai"),
    ):
        scene.figures.values[name] = round(costs["judged"] / costs[other], 3)
