"""What is said about wrong inputs: what and where, how to mend it, and nothing of the machinery."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests import generated
from tests.wrong_inputs import ROWS, Wrong, page, said

WRONGS = [wrong for _, wrongs in ROWS for wrong in wrongs]
MACHINERY = re.compile(
    r"Traceback|pydantic|ValidationError|regex|match pattern|\^\[|KafkaError|Input should"
    r"|Error\{|_INVALID|mapping values|block mapping|simple key|token"
)


def test_there_are_forty() -> None:
    """And the page holds each of them, word for word; `make schemas` writes it anew."""
    assert len(WRONGS) >= 40
    assert page() == generated.ERRORS.read_text()


@pytest.mark.parametrize("wrong", WRONGS, ids=lambda wrong: wrong.what)
def test_it_is_told_in_the_authors_words(wrong: Wrong) -> None:
    """Few lines, exit 2 unless it may pass by itself, and no jargon of a library."""
    text, code = said(wrong)
    assert code == (1 if "nothing listens" in wrong.what else 2)
    assert len(text.splitlines()) <= 3
    assert not MACHINERY.search(text), text
    assert str(Path.home()) not in text
