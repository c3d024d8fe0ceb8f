"""`safeguard doctor` tells what the endpoint can do, plainly where nobody looks at a terminal."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from consumer.commands.doctor import Checks
from consumer.dev.safeguard.behaviour import Behaviour
from consumer.dev.safeguard.faults.faults import FaultName
from consumer.dev.safeguard.server import StandInSafeguard
from consumer.settings.load import load_settings


async def told(behaviour: Behaviour, *, is_terminal: bool = False, **inference: str) -> str:
    async with StandInSafeguard(behaviour) as server:
        flags = {"endpoint": server.base_url, "model": "stand-in-safeguard"} | inference
        settings = load_settings(None, {f"inference.{name}": flags[name] for name in flags}, {})
        sheet = io.StringIO()
        console = Console(file=sheet, width=120, force_terminal=is_terminal, no_color=True)
        await Checks(console).endpoint(settings)
        return sheet.getvalue()


@pytest.mark.parametrize("is_terminal", [False, True])
async def test_capabilities_are_told_in_a_table(is_terminal: bool) -> None:
    """Profile, one line for each capability, notes; frames and colours on a terminal alone."""
    text = await told(Behaviour(), is_terminal=is_terminal)
    assert "unknown server (inference.profile generic)" in text
    for word in ("JSON schema", "priority", "logprobs", "cached tokens", "markers in text"):
        assert word in text
    assert "note: name it in inference.profile" in text
    assert "MEND" not in text
    assert "switched off" not in text
    assert ("┃" in text) == is_terminal


async def test_what_was_switched_off_is_told() -> None:
    """By the names of the request's fields."""
    text = await told(Behaviour(faults={FaultName.HTTP_400_UNKNOWN_PARAMETER: 1.0}))
    assert "switched off: response_format, reasoning_effort" in text


async def test_the_settings_choose_profile_and_api() -> None:
    """What an operator names is what is probed."""
    text = await told(Behaviour(), profile="vllm", api="responses")
    assert "vLLM (inference.profile vllm)" in text
    assert "POST /responses" in text
    assert "--scheduling-policy priority" in text


async def test_a_server_that_cuts_prompts_is_to_be_mended() -> None:
    """Texts would be judged in part, and nobody would know."""
    text = await told(Behaviour(faults={FaultName.PROMPT_TRUNCATED: 1.0}))
    assert "MEND long prompts: cut without an error" in text


@pytest.mark.parametrize("is_terminal", [False, True])
def test_a_long_finding_is_one_line_in_a_pipe_and_indented_on_a_terminal(
    is_terminal: bool,
) -> None:
    """Whoever looks for it with `grep` finds all of it; brackets in it are its own."""
    sheet = io.StringIO()
    console = Console(file=sheet, width=80, force_terminal=is_terminal, no_color=True)
    Checks(console)._say(False, "broker", "[SSL] " + "does not answer " * 8)
    head, *more = sheet.getvalue().splitlines()
    assert head.startswith("MEND broker: [SSL] does not")
    if not is_terminal:
        assert more == []
        return
    assert len(head) <= 80
    assert more
    assert all(line.startswith("     ") and len(line) <= 80 for line in more)
