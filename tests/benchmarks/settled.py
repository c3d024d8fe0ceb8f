"""
What the filter of a topic settles: its messages, and the filter, learned from others of their kind.

The words are made up and come as often as words do, so that most texts hold some that are rare.
What is judged bad has one of a few words of its own, so that the filter learns it at once: what is
measured here is what a settled message costs, not how many are settled.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from itertools import accumulate, islice
from pathlib import Path

from consumer.classifier.prompt import template_of
from consumer.domain.binding import Binding
from consumer.inference.wires.format import RequestFormat
from consumer.screening.prefilter.artefact import FilterArtefact
from consumer.screening.prefilter.example import FilterExample
from consumer.screening.prefilter.prefilter import Prefilter
from consumer.screening.prefilter.train import Purpose, train

WORDS = 20_000
BAD_WORDS = 20
WORDS_OF_TEXT = (6, 24)
"""Fewest and most: 80 characters on average, as in chats."""
LEARNED = 6_000
BAD_SHARE = 0.1
RECALL = 0.9
AUDITED = 0.01
"""The share of what is settled that goes to the model all the same; the default's floor."""
SETTINGS = """
[screening.prefilter]
file = "f"
recall = {recall}
salt_file = "{salt}"
floor = {audited}
near = {audited}
"""


class Talk:
    """Texts by seed."""

    def __init__(self, seed: int) -> None:
        naming = random.Random(1)
        self._dice = random.Random(seed)
        made = {_word(naming) for _ in range(WORDS * 2)}
        self._words = sorted(made)[:WORDS]
        naming.shuffle(self._words)
        self._odds = list(accumulate(1 / (at + 10) for at in range(WORDS)))
        self._bad = [f"{_word(naming)}x" for _ in range(BAD_WORDS)]

    def text(self, *, is_bad: bool = False) -> str:
        """Of some words; a bad one has a word that no other has."""
        count = self._dice.randint(*WORDS_OF_TEXT)
        words = self._dice.choices(self._words, cum_weights=self._odds, k=count)
        if is_bad:
            words[self._dice.randrange(count)] = self._dice.choice(self._bad)
        return " ".join(words)


def learned_filter(binding: Binding, topic: str, model: str) -> FilterArtefact:
    """The filter of a topic's live version, for a model that is asked in the usual way."""
    talk, dice = Talk(2), random.Random(3)
    examples = []
    for at in range(LEARNED):
        is_bad = dice.random() < BAD_SHARE
        text = talk.text(is_bad=is_bad)
        examples.append(FilterExample(text, is_bad, 1.0, 1_000 * at, "en"))
    live, spoken = binding.live, [RequestFormat(model).spoken]
    template = template_of(binding, spoken)
    made_at = "2026-01-15T12:00:00Z"
    return train(
        examples, Purpose(topic, live.id, live.digest, model, template, made_at, recall=RECALL)
    )


def settled_values(artefact: FilterArtefact, count: int) -> Iterator[bytes]:
    """So many messages that the filter settles, as an application would write them."""
    prefilter, talk, dice = Prefilter(artefact), Talk(4), random.Random(5)
    texts = (text for text in iter(talk.text, None) if prefilter.look(text).is_settled)
    for number, text in enumerate(islice(texts, count)):
        yield json.dumps(
            {
                "id": f"m-{number:08d}",
                "text": text,
                "author": {"id": f"u-{dice.randrange(50_000)}", "role": "member"},
                "room": f"room-{dice.randrange(500)}",
                "lang": "en",
                "sent_at": "2026-01-15T12:00:00.000Z",
            }
        ).encode()


def terms(salt: Path) -> str:
    """What the topic's file says of the filter."""
    return SETTINGS.format(recall=RECALL, salt=salt, audited=AUDITED)


def _word(dice: random.Random) -> str:
    return "".join(
        dice.choice("bdfghklmnprstvw") + dice.choice("aeiou") for _ in range(dice.randint(1, 4))
    )
