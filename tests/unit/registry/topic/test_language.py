"""`[message.language_guess]`: what it says, and the library that it needs."""

from __future__ import annotations

import sys

import pytest

from consumer.domain.messages import language
from consumer.domain.messages.language import MISSING, LanguageTerms
from consumer.registry.topic.file import TopicFile, read_topic_file

HEAD = 'topics = ["chat"]\nlive = 1\n'


def read(text: str) -> TopicFile | list[str]:
    found = read_topic_file("chat/topic.toml", (HEAD + text).encode())
    return found if isinstance(found, TopicFile) else [str(flaw) for flaw in found]


def test_it_is_off_unless_the_table_is_there() -> None:
    """An empty table has the defaults."""
    off, on = read('[message]\nlanguage = "/lang"\n'), read("[message.language_guess]\n")
    assert isinstance(off, TopicFile)
    assert isinstance(on, TopicFile)
    assert off.reading().language_guess is None
    assert on.reading().language_guess == LanguageTerms()
    full = read("[message.language_guess]\ncertainty = 0.9\nletters_min = 20\nchars_max = 100\n")
    assert isinstance(full, TopicFile)
    assert full.reading().language_guess == LanguageTerms(0.9, 20, 100)


def test_without_the_library_it_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """At the check, with the line and what to install."""
    monkeypatch.setitem(sys.modules, "py3langid.langid", None)
    language._identifier.cache_clear()
    found = read("\n[message.language_guess]\ncertainty = 0.9\n")
    assert found == [f"chat/topic.toml:4: message.language_guess: {MISSING}"]
    assert "safeguard-consumer[language]" in MISSING
