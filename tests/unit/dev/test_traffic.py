"""The invented traffic is repeatable, mixed as promised, and what the shipped policies look for."""

from __future__ import annotations

from collections import Counter
from itertools import islice
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml

from consumer.classifier.prompt import system_message
from consumer.dev.safeguard.judge import PolicyReading, read_policy
from consumer.dev.traffic import (
    BROKEN,
    HARMLESS,
    Contribution,
    chat_messages,
    comments,
    labelled_chat,
    labelled_comments,
)
from consumer.domain.policy import Example, Outcome, Policy

POLICIES = Path(__file__).parents[3] / "policies"
SAMPLE = 6_000


def chat(seed: int = 1, count: int = SAMPLE) -> list[tuple[str, Contribution]]:
    return list(islice(labelled_chat(seed), count))


def commenting(seed: int = 1, count: int = SAMPLE) -> list[tuple[str, Contribution]]:
    return list(islice(labelled_comments(seed), count))


def fields(contribution: Contribution) -> dict[str, Any]:
    assert contribution.value is not None
    document: dict[str, Any] = orjson.loads(contribution.value)
    return document


@pytest.mark.parametrize("generate", [chat_messages, comments])
def test_same_seed_same_traffic(generate: Any) -> None:
    """The same seed gives the same records, another seed gives others."""
    first, again, other = (list(islice(generate(seed), 200)) for seed in (5, 5, 6))
    assert first == again
    assert first != other


def test_shapes() -> None:
    """Chat is keyed by room and comments by article, with the fields that topic.toml names."""
    message = next(c for kind, c in chat() if kind == HARMLESS)
    assert set(fields(message)) >= {"id", "room", "author", "lang", "text", "sent_at"}
    assert (message.key.decode(), message.topic) == (fields(message)["room"], "chat.messages")
    comment = next(c for kind, c in commenting() if kind == HARMLESS)
    names = {"comment_id", "article", "author", "role", "lang", "title", "body"}
    assert set(fields(comment)) >= names
    assert (comment.key.decode(), comment.topic) == (fields(comment)["article"], "comments.posted")


@pytest.mark.parametrize("sample", [chat, commenting])
def test_mix(sample: Any) -> None:
    """Most is harmless, every harmful kind comes up, and one record in about 150 is broken."""
    kinds = Counter(kind for kind, _ in sample())
    assert 0.85 <= kinds[HARMLESS] / SAMPLE <= 0.90
    assert 1 / 300 <= kinds[BROKEN] / SAMPLE <= 1 / 100
    harmful = {kind: count for kind, count in kinds.items() if kind not in (HARMLESS, BROKEN)}
    assert len(harmful) >= 4
    assert min(harmful.values()) > SAMPLE / 200


@pytest.mark.parametrize(("sample", "text"), [(chat, "text"), (commenting, "body")])
def test_variety(sample: Any, text: str) -> None:
    """Texts come in at least eight languages and seldom twice."""
    documents = [fields(c) for kind, c in sample() if kind != BROKEN]
    assert len({document["lang"] for document in documents}) >= 8
    assert len({document[text] for document in documents}) > len(documents) / 2


def test_authors_and_edits() -> None:
    """A few authors are staff or bots, who write nothing harmful, and a few messages are edits."""
    said = [(kind, fields(c)) for kind, c in chat() if kind != BROKEN]
    spared = [kind for kind, document in said if document["author"]["role"] != "user"]
    assert 0 < len(spared) < SAMPLE / 20
    assert set(spared) == {HARMLESS}
    ids = Counter(document["id"] for _, document in said)
    assert 0 < sum(count - 1 for count in ids.values()) < SAMPLE / 50


@pytest.mark.parametrize("sample", [chat, commenting])
def test_broken_records(sample: Any) -> None:
    """Broken records are tombstones, half a JSON document, or lack a text."""
    broken = [c.value for kind, c in sample() if kind == BROKEN]
    assert None in broken
    assert any(value and not value.endswith(b"}") for value in broken)
    whole = [orjson.loads(value) for value in broken if value and value.endswith(b"}")]
    assert whole
    assert not any((one.get("text") or one.get("body") or "").strip() for one in whole)


@pytest.mark.parametrize("sample", [chat, commenting])
def test_policies_recognise_it(sample: Any) -> None:
    """Under the live policies harmless texts get the first labels and harmful ones do not."""
    readings = shipped_policies(sample()[0][1].topic)
    for kind, contribution in sample():
        if kind == BROKEN:
            continue
        document = fields(contribution)
        text = document.get("text") or f"{document['title']}\n\n{document['body']}"
        judged = [reading.judge(text).label == reading.labels[0] for reading in readings]
        assert all(judged) == (kind == HARMLESS), (kind, text)


def shipped_policies(topic: str) -> list[PolicyReading]:
    """The second version of a topic's policies, as the stand-in reads them."""
    found = []
    for path in sorted((POLICIES / topic / "v2").glob("*.md")):
        _, head, body = path.read_text(encoding="utf-8").split("---\n", 2)
        front = yaml.safe_load(head)
        policy = Policy(
            name=path.stem,
            title=front["title"],
            text=body,
            outcomes={label: Outcome(outcome) for label, outcome in front["labels"].items()},
            rules=front.get("rules", {}),
            examples=tuple(
                Example(e["text"], e["label"], tuple(e.get("rules", ())))
                for e in front.get("examples", ())
            ),
        )
        reading = read_policy(system_message(policy))
        assert reading is not None
        found.append(reading)
    assert found
    return found
