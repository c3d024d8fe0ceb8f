"""Lists: what is found in a text, however it is disguised, and what is not."""

from __future__ import annotations

import re
import tracemalloc
from collections.abc import Sequence

import pytest
from ahocorasick_rs import AhoCorasick
from hypothesis import given
from hypothesis import strategies as st

from consumer.domain.policy import Outcome
from consumer.domain.screening import ListEntry, ListMatch, ListTerms
from consumer.screening.lists import PART_CHARS, Hit, Lists
from consumer.screening.texts.normalise import normalised


def a_list(
    *entries: str, match: ListMatch = "words", outcome: Outcome = Outcome.BLOCK, file: str = "l"
) -> ListTerms:
    numbered = tuple(ListEntry(at, text) for at, text in enumerate(entries, start=1))
    return ListTerms(file, outcome, match, numbered, "d" * 32)


def found(terms: ListTerms, text: str) -> int | None:
    """The line of the entry that is found."""
    hit = Lists([terms]).find(text, normalised(text))
    return hit.line if hit is not None else None


@pytest.mark.parametrize(
    "text",
    [
        "vermin",
        "You VERMIN!",
        "they are v3rmin.",
        "ver\u200bmin",
        "v e r m i n",
        "ｖｅｒｍｉｎ",
        "(vermin)",
    ],
)
def test_a_word_is_found_however_it_is_written(text: str) -> None:
    assert found(a_list("rats", "vermin"), text) == 2


@pytest.mark.parametrize("text", ["vermination", "overmin", "xvermin", "vermin_x", "verm in", ""])
def test_a_word_within_another_word_is_none(text: str) -> None:
    assert found(a_list("vermin"), text) is None


def test_a_phrase_stands_among_other_words() -> None:
    terms = a_list("go back home", "vermin")
    assert found(terms, "so Go  Home now") is None
    assert found(terms, "so Go Back  Home now") == 1
    assert found(terms, "go back homeless") is None


def test_a_word_is_found_beside_a_longer_one_that_begins_like_it() -> None:
    """Else an entry that goes on in the text would hide the one that does not."""
    terms = a_list("kill all of them", "kill")
    assert found(terms, "kill all") == 2


@pytest.mark.parametrize(
    "text", ["see evil.example/join now", "HTTPS://EVIL.EXAMPLE", "xevil.exampley"]
)
def test_what_may_stand_anywhere_is_found_within_words(text: str) -> None:
    assert found(a_list("evil.example", match="anywhere"), text) == 1


def test_what_may_stand_anywhere_is_not_found_where_it_is_not() -> None:
    assert found(a_list("evil.example", match="anywhere"), "evil example") is None


@pytest.mark.parametrize(
    ("text", "line"), [("join discord.gg/AbC", 1), ("ROOM 42 now", 2), ("room x", None)]
)
def test_a_pattern_is_searched_for_in_any_case(text: str, line: int | None) -> None:
    assert found(a_list(r"discord\.gg/\w+", r"room \d+", match="patterns"), text) == line


def test_a_pattern_is_found_in_the_normalised_text() -> None:
    assert found(a_list(r"vermin\b", match="patterns"), "ver\u200bmin") == 1


def test_patterns_with_choices_of_their_own_stay_apart() -> None:
    terms = a_list("a|b", "^c$", match="patterns")
    assert [found(terms, text) for text in ("xb", "c", "cx", "xc")] == [1, 2, None, None]


def test_a_text_that_is_an_entry_is_found_and_one_that_has_more_is_not() -> None:
    terms = a_list("gg", "good game", match="exact")
    assert [found(terms, text) for text in ("good game", " Good  Game ", "good games", "a gg")] == [
        2,
        2,
        None,
        None,
    ]


def test_what_allows_has_to_be_there_letter_for_letter() -> None:
    """A disguise is undone to find what is bad, never to find that something is good."""
    terms = a_list("gg", match="exact", outcome=Outcome.ALLOW)
    texts = ("gg", " gg\n", "GG", "g\u200bg", "ｇｇ")
    assert [found(terms, text) for text in texts] == [1, 1, None, None, None]


def test_the_gravest_list_counts() -> None:
    allow = a_list("kill", match="exact", outcome=Outcome.ALLOW, file="a")
    flag = a_list("kill", outcome=Outcome.FLAG, file="f")
    block = a_list("kill", file="b")
    for order in ((allow, flag, block), (block, flag, allow), (flag, allow, block)):
        assert Lists(order).find("kill", "kill") == Hit(block, 1)
    assert Lists([allow, flag]).find("kill", "kill") == Hit(flag, 1)


def test_the_first_of_equal_entries_is_named() -> None:
    assert found(a_list("gg", "GG", match="exact"), "gg") == 1


@pytest.mark.parametrize("match", ["words", "anywhere", "patterns", "exact"])
def test_no_text_makes_it_fail(match: ListMatch) -> None:
    for text in ("\ud800 vermin", "", "\x00", "🔥" * 5_000, "a" * 100_000):
        Lists([a_list("vermin", match=match)]).find(text, normalised(text))


def test_half_a_surrogate_pair_hides_no_word() -> None:
    assert found(a_list("vermin"), "\ud800 vermin") == 1


def test_a_list_without_entries_is_none() -> None:
    assert not Lists([a_list()])
    assert Lists([a_list("x")])
    assert Lists([]).find("x", "x") is None


def test_entries_within_each_other_take_no_more_than_the_text() -> None:
    """All that match at a letter are not gathered: in a long text that would be for ever."""
    terms = a_list(*("a" * at for at in range(1, 200)))
    text = "b" + "a" * 20_000 + "b"
    lists = Lists([terms])
    tracemalloc.start()
    try:
        assert lists.find(text, text) is None
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("match", ["words", "anywhere"])
@pytest.mark.parametrize("before", [PART_CHARS - 12, PART_CHARS - 5, PART_CHARS + 1])
def test_what_lies_across_two_parts_of_a_long_text_is_found(match: ListMatch, before: int) -> None:
    text = "x" * before + " go back home " + "y" * PART_CHARS
    assert Lists([a_list("go back home", match=match)]).find(text, "") is not None


PIECES = st.text(alphabet="ab !_é", max_size=8)


@given(st.lists(PIECES.filter(str.strip), min_size=1, max_size=4), PIECES)
def test_whole_words_are_those_that_nothing_goes_on_from(entries: list[str], text: str) -> None:
    """As by the definition: no letter, digit or underscore on both sides of an edge."""
    entries = [entry.strip() for entry in entries]

    def stands_alone(entry: str) -> bool:
        return any(
            text.startswith(entry, at)
            and not re.match(r"\w\w", text[max(0, at - 1) : at + 1] if at else "")
            and not re.match(r"\w\w", text[at + len(entry) - 1 : at + len(entry) + 1])
            for at in range(len(text))
        )

    hit = Lists([a_list(*entries)]).find(text, text)
    assert (hit is not None) is any(map(stands_alone, entries))


def test_an_entry_of_which_nothing_is_seen_is_no_other_text() -> None:
    """Normalised it is nothing, and so are texts that are not it."""
    hidden = a_list("\u200b", match="exact")
    assert Lists([hidden]).find("\u200d", "") is None
    assert Lists([hidden]).find("\u200b", "") is not None


@pytest.mark.parametrize(
    "entry", ["e\u200b", "ｅ", "\U0001d41e", "е\u0301", "&#101;", "\u200b\u200c"]
)
def test_an_entry_of_which_one_letter_is_left_or_none_is_not_found_in_every_text(
    entry: str,
) -> None:
    """It is found as it is written, and in no plain text."""
    terms = ListTerms("f", Outcome.BLOCK, "anywhere", (ListEntry(1, entry),), "d")
    lists = Lists([terms])

    assert lists.find("sooooo we meet", normalised("sooooo we meet")) is None
    assert lists.find(f"so {entry} it is", normalised(f"so {entry} it is")) is not None


@pytest.mark.parametrize("match", ["words", "anywhere", "exact"])
@pytest.mark.parametrize(
    ("entry", "text"),
    [
        ("№", "Noooo"),
        ("№", "Oh noooo"),
        ("\U0001f170", "Such a daaaay"),
        ("\U0001f170", "A"),
        ("™", "Tm"),
        ("a\u200b", "Such a daaaay"),
        ("a\u200b", "A"),
    ],
)
def test_a_sign_is_not_the_letters_that_it_stands_for(
    entry: str, text: str, match: ListMatch
) -> None:
    assert found(a_list(entry, match=match), text) is None
    assert found(a_list(entry, match=match), entry) == 1


@pytest.mark.parametrize(("entry", "text"), [("मल", "मला दे"), ("हर", "हरामी"), ("ไม", "เขา ไม่ มา")])
def test_a_word_does_not_end_where_its_vowels_are_marks(entry: str, text: str) -> None:
    assert found(a_list(entry), text) is None
    assert found(a_list(entry), f"({entry}) {text}") == 1


@pytest.mark.parametrize(
    ("entry", "text"), [("坏人", "他是坏人啊"), ("ばか", "おまえはばかだ"), ("เลว", "คนเลวมาก")]
)
def test_whole_words_are_found_where_no_blanks_part_them(entry: str, text: str) -> None:
    assert found(a_list(entry), text) == 1


def test_a_long_list_is_put_together_in_parts_and_all_of_it_is_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """While the library puts one together nothing else runs in the worker."""
    sizes = []

    def put_together(strings: Sequence[str]) -> AhoCorasick:
        sizes.append(sum(map(len, strings)))
        return AhoCorasick(strings)

    monkeypatch.setattr("consumer.screening.lists.AhoCorasick", put_together)
    monkeypatch.setattr("consumer.screening.lists.AT_ONCE_CHARS", 20)
    words = [f"word{number}x" for number in range(30)]
    lists = Lists([a_list(*words)])
    assert max(sizes) < 20 + max(map(len, words)) + 2
    for line, word in enumerate(words, start=1):
        hit = lists.find(f"so {word} it", f"so {word} it")
        assert hit is not None
        assert hit.line == line


@pytest.mark.parametrize("match", ["words", "anywhere", "exact"])
def test_of_equal_entries_the_first_is_named_however_they_match(match: ListMatch) -> None:
    assert found(a_list("rats", "Rats", "rats", match=match), "rats") == 1
