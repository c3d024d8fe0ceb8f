"""What the figures were measured on."""

from __future__ import annotations

import os
import platform
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import confluent_kafka


def describe() -> dict[str, Any]:
    """CPU, cores, system, Python and the libraries that matter."""
    described: dict[str, Any] = {
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "memory_gb": _memory_gb(),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "librdkafka": confluent_kafka.libversion()[0],
    }
    for name in ("confluent-kafka", "aiohttp", "openai", "uvloop"):
        described[name] = version(name)
    return described


def _cpu() -> str:
    file = Path("/proc/cpuinfo")
    if sys.platform == "linux" and file.exists():
        for line in file.read_text().splitlines():
            name, _, content = line.partition(":")
            if name.strip() == "model name":
                return content.strip()
    return platform.processor() or platform.machine()


def _memory_gb() -> int:
    return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9)
