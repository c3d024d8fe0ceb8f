"""No attack of the suite can speak in the model's own tokens: counted on a real llama.cpp."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from consumer.classifier.prompt import context_part, system_message, user_message
from consumer.classifier.request import request_body
from consumer.commands.evaluate.attacks import Attack, attacks_on, bases_of
from consumer.commands.evaluate.cases.own import read_cases
from consumer.domain.messages.context import Context, Line
from consumer.domain.messages.message import Fact
from consumer.domain.policy import Policy
from consumer.inference.wires.format import RequestFormat
from consumer.registry.load import load_catalogue
from tests.servers.llama import LlamaServer
from tests.servers.vocabulary import CONTROLS, vocabulary

pytestmark = pytest.mark.llama

ROOT = Path(__file__).parents[2]
MARKER = "0123456789"


def shipped() -> Iterator[Attack]:
    """Every attack on every policy that is live."""
    for binding in load_catalogue(ROOT / "policies").bindings:
        cases = read_cases(ROOT / "policies", binding.live)
        for policy in binding.live.policies:
            yield from attacks_on(bases_of(policy, cases)[0])


class Tokens:
    """What the server makes of a prompt: the chat template's text, and the tokens of that."""

    def __init__(self, server: LlamaServer) -> None:
        self._url = urlsplit(server.base_url)
        self._controls = frozenset(vocabulary().controls)

    def of(self, policy: Policy, *users: str) -> list[int]:
        """The tokens of a prompt with the policy and these user messages."""
        messages = [{"role": "system", "content": system_message(policy)}]
        messages += [{"role": "user", "content": user} for user in users]
        asked = {"messages": messages, "reasoning_effort": policy.effort.value}
        text = self.post("/apply-template", asked)["prompt"]
        whole = {"content": text, "add_special": False, "parse_special": True}
        tokens: list[int] = self.post("/tokenize", whole)["tokens"]
        return tokens

    def added(self, policy: Policy, *users: str) -> int:
        """How many control tokens a prompt has beyond those of the template itself."""
        found = sum(token in self._controls for token in self.of(policy, *users))
        return found - len(TEMPLATE_TOKENS) - len(MESSAGE_TOKENS) * (len(users) - 1)

    def post(self, path: str, document: object) -> Any:
        body = document if isinstance(document, bytes) else json.dumps(document).encode()
        connection = http.client.HTTPConnection(self._url.netloc, timeout=60)
        try:
            connection.request("POST", path, body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            found = json.loads(answer.read())
            assert answer.status == 200, found
            return found
        finally:
            connection.close()


def test_no_attack_adds_a_control_token(llama: LlamaServer) -> None:
    """A prompt has the template's own control tokens and no other, whatever the user wrote."""
    tokens = Tokens(llama)
    attacks: dict[Policy, list[Attack]] = {}
    for attack in shipped():
        attacks.setdefault(attack.policy, []).append(attack)
    assert sum(map(len, attacks.values())) >= 400
    for policy, suite in attacks.items():
        assert tokens.added(policy, user_message("hello", MARKER)) == 0
        # All in one prompt, a message each: a request for each takes half a minute.
        users = [user_message(attack.text, MARKER) for attack in suite]
        if tokens.added(policy, *users):
            guilty = [
                a.id for a, user in zip(suite, users, strict=True) if tokens.added(policy, user)
            ]
            pytest.fail(f"these became control tokens: {guilty}")


def test_no_attack_adds_a_control_token_as_context(llama: LlamaServer) -> None:
    """Said before the message, or in a fact about its author, it is no more than text either."""
    tokens = Tokens(llama)
    first = next(shipped()).policy
    told = replace(first, with_context=True)
    parts = [
        context_part(Context((Fact("role", attack.text[:80]),), (Line("B", attack.text),)))
        for attack in shipped()
        if attack.policy.name == first.name
    ]
    assert len(parts) >= 20
    users = [user_message("hello", MARKER, part) for part in parts]
    assert tokens.added(told, *users) == 0


def test_without_neutralisation_they_would(llama: LlamaServer) -> None:
    """The count sees what it looks for: sent as it is, harmony text becomes control tokens."""
    tokens = Tokens(llama)
    first = next(shipped()).policy
    added = {
        attack.id.rpartition("/")[2]: tokens.added(attack.policy, attack.text)
        for attack in shipped()
        if attack.policy.name == first.name
        and attack.family == "control tokens"
        and any(control in attack.text for control in CONTROLS)
    }
    assert len(added) >= 7
    assert all(count > 0 for count in added.values()), added
    assert added["harmony-final"] == 5
    assert added["harmony-constrained"] == 6


def test_the_prompt_counted_is_the_prompt_answered(llama: LlamaServer) -> None:
    """The server's own usage for a completion is the number of tokens counted above."""
    tokens = Tokens(llama)
    # With the schema, so that nothing is said in the prompt in its stead.
    format = RequestFormat(llama.model, tokens_max=8)
    wanted = {"harmony-final", "full-width", "zero-width", "null-inside", "ignore-zh"}
    first = next(shipped()).policy
    chosen = [
        a for a in shipped() if a.policy.name == first.name and a.id.rpartition("/")[2] in wanted
    ]
    assert len(chosen) == len(wanted)
    for attack in chosen:
        user = user_message(attack.text, MARKER)
        body = request_body(attack.policy, user, format)
        answer = tokens.post("/v1/chat/completions", body)
        assert answer["usage"]["prompt_tokens"] == len(tokens.of(attack.policy, user))


MESSAGE_TOKENS = ("<|start|>", "<|message|>", "<|end|>")
TEMPLATE_TOKENS = (*MESSAGE_TOKENS * 3, "<|start|>")
"""System, developer and user message, and the beginning of the answer."""
