"""
Messages per CPU-second against a server that answers at once: the worker beside its peers.

A CPU-second is user and system time of the worker process alone, all its threads included, from a
tenth of the messages on (start-up is left out). Everybody reads the same backlog, sends the same
prompt and schema, and publishes a verdict envelope with headers. Workers and peers take turns; the
figures are medians. FastStream is measured in both modes that it allows, and the better one counts.
"""

from __future__ import annotations

from statistics import median

from tests.benchmarks.scene import Scene, Steady

TIMEOUT_S = 120.0


def measure(scene: Scene) -> None:
    """Fill in `model_path_vs_faststream` and `model_path_vs_aiokafka`."""
    found: dict[str, list[Steady]] = {}
    for number in range(scene.scale.rounds):
        for who in ("worker", "aiokafka", "faststream-batch", "faststream-workers"):
            scene.say(f"messages per CPU-second, round {number + 1}: {who}")
            found.setdefault(who, []).append(_one(scene, who))
    per_cpu_s = {who: median(each.per_cpu_s for each in steady) for who, steady in found.items()}
    faststream = max(per_cpu_s["faststream-batch"], per_cpu_s["faststream-workers"])
    values, details = scene.figures.values, scene.figures.details
    values["model_path_vs_faststream"] = round(per_cpu_s["worker"] / faststream, 2)
    values["model_path_vs_aiokafka"] = round(per_cpu_s["worker"] / per_cpu_s["aiokafka"], 2)
    details["messages_per_cpu_s"] = {who: round(value) for who, value in per_cpu_s.items()}
    details["cpu_ms_per_message"] = {
        who: round(1_000 / value, 3) for who, value in per_cpu_s.items()
    }
    details["messages_per_s_0ms"] = {
        who: round(median(each.per_s for each in steady)) for who, steady in found.items()
    }
    details["messages_per_cpu_s_rounds"] = {
        who: [round(each.per_cpu_s) for each in steady] for who, steady in found.items()
    }


def _one(scene: Scene, who: str) -> Steady:
    scale = scene.scale
    with scene.server(0.0) as endpoint:
        if who == "worker":
            with scene.worker(endpoint) as child:
                return scene.steady(child, scale.own_messages, TIMEOUT_S)
        script, _, mode = who.partition("-")
        with scene.peer(f"{script}_peer", endpoint, mode or "batch") as child:
            return scene.steady(child, scale.peer_messages, TIMEOUT_S)
