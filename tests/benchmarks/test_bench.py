"""The figures are computed and written right; nothing here is timed."""

from __future__ import annotations

import json

import pytest
from rich.console import Console

from tests.benchmarks.report import KEYS, Figures, percentile, percentiles
from tests.benchmarks.server import ANSWERED, request_size


def test_percentiles_are_nearest_rank() -> None:
    values = [float(value) for value in range(100, 0, -1)]
    assert percentiles(values) == {"p50": 50.0, "p95": 95.0, "p99": 99.0}
    assert percentiles([3.0]) == {"p50": 3.0, "p95": 3.0, "p99": 3.0}
    assert percentile([1.0, 2.0, 3.0, 4.0], 0.5) == 2.0
    assert percentile([1.0, 2.0, 3.0, 4.0], 0.51) == 3.0
    with pytest.raises(ValueError, match="no values"):
        percentile([], 0.5)


def test_the_document_has_every_key_whether_measured_or_not() -> None:
    figures = Figures(machine={"cpu": "test"}, values={"rss_mb_1024": 90.5})
    document = json.loads(figures.as_json())
    assert set(KEYS) <= set(document)
    assert document["machine"] == {"cpu": "test"}
    assert document["rss_mb_1024"] == 90.5
    assert document["call_cpu_ms"] is None


def test_the_table_has_a_row_for_every_figure() -> None:
    latency = {"p50": 1.0, "p95": 2.0, "p99": 12.34}
    console = Console(width=160, record=True, quiet=True)
    figures = Figures(values={"own_latency_ms": latency, "share_of_bare_200ms_256": 0.9712})
    with console.capture() as capture:
        console.quiet = False
        console.print(figures.table())
    text = capture.get()
    assert all(key in text for key in KEYS if key != "machine")
    assert "p99 12.34" in text
    assert "0.971" in text


def test_the_server_finds_the_end_of_a_request() -> None:
    request = b"POST /v1/chat/completions HTTP/1.1\r\nContent-Length: 5\r\nHost: x\r\n\r\nhello"
    assert request_size(request + b"POST") == len(request)
    assert request_size(request[:40]) is None
    assert request_size(b"GET /v1/models HTTP/1.1\r\n\r\n") == 27
    assert request_size(b"POST / HTTP/1.1\r\ncontent-length: 2\r\n\r\nhi") == 40
    assert ANSWERED.startswith(b"HTTP/1.1 200")
