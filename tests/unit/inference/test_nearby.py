"""Servers of this machine: which model is offered, and that a stand-in is never taken for one."""

from __future__ import annotations

from consumer.inference.nearby import STAND_IN, NearbyServer


def test_a_safeguard_model_comes_before_any_other_gpt_oss() -> None:
    models = ("llama-3", "gpt-oss:20b", "gpt-oss-safeguard:20b")
    assert NearbyServer("Ollama", "http://127.0.0.1:11434/v1", models).fitting == models[2]
    assert NearbyServer("Ollama", "http://127.0.0.1:11434/v1", models[:1]).fitting is None


def test_a_stand_in_says_so_though_its_model_fits_by_name() -> None:
    """Whoever offers a real model leaves it out."""
    found = NearbyServer(STAND_IN, "http://127.0.0.1:8089/v1", ("stand-in-safeguard",))
    assert found.is_stand_in
    assert found.fitting is not None
    assert not NearbyServer("vLLM", "http://127.0.0.1:8000/v1", ("gpt-oss:20b",)).is_stand_in
