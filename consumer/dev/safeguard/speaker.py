"""Speaker: what the stand-in says when nothing goes wrong."""

from __future__ import annotations

from consumer.dev.safeguard.behaviour import Dice, Generation
from consumer.dev.safeguard.completion import Completion, lengthened
from consumer.dev.safeguard.judge import StandInAnswer, read_policy, text_of

PREFIXES_KEPT = 256
"""More policies than a demonstration has; further prompts are never cached."""


class Speaker:
    """Judges by the policy's own words, as the dice fall, and remembers the prompts it has seen."""

    def __init__(self) -> None:
        self._prefixes: set[str] = set()

    def __repr__(self) -> str:
        return f"<Speaker, {len(self._prefixes)} prompts seen>"

    def say(
        self,
        number: int,
        dice: Dice,
        system: str,
        user: str,
        generation: Generation,
        content: str | None = None,
    ) -> Completion:
        """The answer to one request; `content` is said instead of a judgement, where given."""
        policy = read_policy(system)
        cached = len(system) if system in self._prefixes else 0
        if not cached and len(self._prefixes) < PREFIXES_KEPT:
            self._prefixes.add(system)
        characters = len(system) + len(user)
        if policy is None:
            content = _NO_ANSWER if content is None else content
            return Completion(number, _NO_POLICY, (), characters, cached, content)
        decision = policy.judge(text_of(user))
        label = dice.label(decision.label, policy.labels, generation.wrong_rate)
        if label != decision.label:
            # A contested text is not told by the model's own word, a flip is.
            word = "low" if generation.wrong_rate is None else decision.confidence
            decision = decision._replace(label=label, rules=(), confidence=word)
        reasoning = lengthened(decision.reasoning, generation.reasoning_tokens)
        decision = decision._replace(reasoning=reasoning)
        return Completion(number, decision, policy.labels, characters, cached, content)


_NO_POLICY = StandInAnswer(
    "", (), "low", "", "This is a stand-in, and no policy that it can read came."
)
_NO_ANSWER = "This is a stand-in: the system message names no labels, so it cannot answer."
