"""Known servers are recognised by what they say of themselves, and nothing else is one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumer.domain.policy import Effort
from consumer.errors import InferenceUnavailable
from consumer.inference.profiles import LM_STUDIO, PROFILES, Profile
from consumer.inference.recognition import models_in, profile_of_host, recognise
from consumer.inference.transports.reply import Reply
from consumer.settings.inference import InferenceSettings

HERE = "http://127.0.0.1:8000/v1"


class Paths:
    """A server with a few paths; None is one that does not answer there."""

    def __init__(self, paths: Mapping[str, Reply | None] = {}) -> None:
        self._paths = paths
        self.asked: list[str] = []

    async def get(self, path: str, timeout_s: float) -> Reply:
        self.asked.append(path)
        found = self._paths.get(path, Reply(404, {}, b""))
        if found is None:
            raise InferenceUnavailable
        return found

    async def post(self, path: str, body: bytes, timeout_s: float) -> Reply:
        raise AssertionError("recognising only reads")

    async def close(self) -> None: ...


async def found(models: bytes, paths: Paths | None = None, endpoint: str = HERE) -> str:
    return (await recognise(endpoint, models, paths or Paths(), 1.0)).name


def listing(*owners: object) -> bytes:
    return orjson.dumps({"data": [{"id": "m", "owned_by": owner} for owner in owners]})


@pytest.mark.parametrize(
    ("owner", "name"),
    [
        ("vllm", "vllm"),
        ("sglang", "sglang"),
        ("llamacpp", "llama.cpp"),
        ("library", "ollama"),
        ("organization_owner", "lm-studio"),
        ("stand-in", "generic"),
        ("openai", "generic"),
        (None, "generic"),
        ([], "generic"),
    ],
)
async def test_by_the_owner_of_its_models(owner: object, name: str) -> None:
    """Each writes its own name into the list of models, or what stands for it."""
    assert await found(listing(owner)) == name
    assert await found(listing(owner, owner)) == name


async def test_a_gateway_to_several_servers_is_none_of_them() -> None:
    """Which of them answers for our model cannot be told."""
    assert await found(listing("vllm", "sglang")) == "generic"


@pytest.mark.parametrize(
    ("endpoint", "name"),
    [
        ("https://api.groq.com/openai/v1", "groq"),
        ("https://openrouter.ai/api/v1", "openrouter"),
        ("https://API.GROQ.COM/openai/v1", "groq"),
        ("https://notgroq.com/v1", None),
        ("https://groq.com.example.org/v1", None),
        ("http://127.0.0.1/openrouter.ai", None),
        ("http://[broken/v1", None),
        ("", None),
    ],
)
def test_by_the_host(endpoint: str, name: str | None) -> None:
    """Hosts are known by their names, whatever their servers are."""
    profile = profile_of_host(endpoint)
    assert (None if profile is None else profile.name) == name


async def test_ollama_by_its_own_interface() -> None:
    """Its models may belong to anybody, its version is its own."""
    paths = Paths({"/../api/version": Reply(200, {}, b'{"version":"0.32.9"}')})
    assert await found(listing("somebody"), paths) == "ollama"
    assert await found(listing("vllm"), Paths({"/../api/version": None})) == "vllm"


@pytest.mark.parametrize("body", [b"", b"<html>version</html>", b"[]", b'{"version":1}'])
async def test_odd_answers_are_no_evidence(body: bytes) -> None:
    """A page that answers everything with 200 is not taken for a server that we know."""
    assert await found(b"{}", Paths({"/../api/version": Reply(200, {}, body)})) == "generic"


async def test_a_path_that_does_not_answer_is_no_error() -> None:
    """Recognising is a courtesy and fails nothing."""
    assert await found(b"{}", Paths({"/../api/version": None})) == "generic"


async def test_who_says_it_is_not_asked_again() -> None:
    """A server that names itself costs no request more."""
    paths = Paths()
    await found(listing("vllm"), paths)
    assert paths.asked == []


ODD = st.recursive(
    st.none() | st.integers(-9, 9) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["data", "id", "owned_by"]), inner, max_size=3)
    ),
)


@given(ODD.map(orjson.dumps))
async def test_any_list_of_models(body: bytes) -> None:
    """Whatever stands where models should be, there is a profile."""
    assert await found(body) == "generic"
    assert all(isinstance(model, dict) for model in models_in(body))


def test_the_setting_names_every_profile() -> None:
    """What can be recognised can be said, and what can be said is known."""
    annotation: Any = InferenceSettings.model_fields["profile"].annotation
    assert set(get_args(annotation)) == {"auto", *PROFILES}


@pytest.mark.parametrize("profile", PROFILES.values(), ids=list(PROFILES))
def test_a_profile_covers_what_we_send(profile: Profile) -> None:
    """Every effort of a policy is known there, and the format is asked for over a known API."""
    assert {effort.value for effort in Effort} <= set(profile.efforts)
    assert profile.api in ("chat", "responses")
    assert set(profile.busy_statuses) <= {429, 503}
    assert profile.notes
    assert profile.with_schema is not (profile is LM_STUDIO)
