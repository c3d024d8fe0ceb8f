"""Lists beside the policies: read with their own digest, or refused by file and line."""

from __future__ import annotations

from pathlib import Path

import pytest

from consumer.domain.policy import Outcome, digest_of
from consumer.domain.screening import (
    ListEntry,
    ListTerms,
    MemoTerms,
    NeighbourTerms,
    ScreeningTerms,
)
from consumer.registry.lists import ENTRIES_MAX, FLAWS_MAX
from consumer.registry.store import PolicyStore
from consumer.telemetry.telemetry import Telemetry
from tests.unit.registry.test_load import Folder

ONE = '[[screening.lists]]\nfile = "raid.txt"\noutcome = "block"\n'
PATTERNS = ONE + 'match = "patterns"\n'


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def test_without_the_table_only_the_memo_runs(folder: Folder) -> None:
    assert folder.load().screening == ScreeningTerms(MemoTerms(), None, ())


def test_empty_tables_have_the_terms_that_the_code_has(folder: Folder) -> None:
    folder.topic("[screening.memo]\n[screening.near_duplicates]\n")
    assert folder.load().screening == ScreeningTerms(MemoTerms(), NeighbourTerms(), ())


def test_what_is_written_is_what_holds(folder: Folder) -> None:
    folder.topic(
        "[screening.memo]\ntexts_max = 5\nfor_s = 7\n[screening.near_duplicates]\n"
        "similar = 0.9\nfor_s = 60\nauthors_max = 9\nanswers_min = 4\nwords_min = 6\n"
        "bursts_max = 8\n" + ONE
    )
    content = b"\xef\xbb\xbf# links of the raid\r\n\r\n  evil.example \r\n#\r\n#hashtag\r\n"
    folder.write("chat/lists/raid.txt", content)
    digest = digest_of({"raid.txt": b"# links of the raid\n\n  evil.example \n#\n#hashtag\n"})
    entries = (ListEntry(3, "evil.example"), ListEntry(5, "#hashtag"))
    assert folder.load().screening == ScreeningTerms(
        MemoTerms(5, 7.0),
        NeighbourTerms(0.9, 60.0, 9, 4, 6, 8),
        (ListTerms("raid.txt", Outcome.BLOCK, "words", entries, digest),),
    )


def test_a_memo_of_no_texts_does_not_run(folder: Folder) -> None:
    folder.topic("[screening.memo]\ntexts_max = 0\n")
    assert folder.load().screening.memo is None


def test_a_list_is_no_part_of_the_version(folder: Folder) -> None:
    before = folder.load().live.digest
    folder.topic(ONE)
    folder.write("chat/lists/raid.txt", "evil.example\n")
    assert folder.load().live.digest == before


@pytest.mark.parametrize(
    ("pattern", "name"),
    [
        ("a(?=b)", "a look-ahead"),
        ("a(?!b)", "a look-ahead"),
        ("(?<=a)b", "a look-behind"),
        ("(?<!a)b", "a look-behind"),
        (r"(a)\1", "a back-reference"),
        (r"(?P<n>a)(?P=n)", "a back-reference"),
        ("(?>a)b", "an atomic group"),
        ("a++b", "a possessive repetition"),
        ("(a)?(?(1)b|c)", "a condition"),
        ("a(b", "missing )"),
        ("a{9999}", "invalid repetition size"),
        ("a*", "is found in every text"),
        (r"\b", "is found in every text"),
        (r"\bжид\b", "ASCII words alone"),
        (r"(kike|жид)\B", "ASCII words alone"),
        (r"\Qa.b", r"end what \Q begins with \E"),
        ("[a-z]", "is found in every text"),
    ],
)
def test_what_could_take_for_ever_is_refused_by_name_with_its_line(
    folder: Folder, pattern: str, name: str
) -> None:
    folder.topic(PATTERNS)
    folder.write("chat/lists/raid.txt", f"# remark\n(a*)*b\n{pattern}\n")
    flaw = folder.flaw()
    assert flaw.startswith("chat/lists/raid.txt:3: ")
    assert name in flaw


def test_patterns_that_are_too_large_together_are_refused(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each for itself may be searched for."""
    monkeypatch.setattr("consumer.domain.pattern.BYTES_MAX", 20_000)
    folder.topic(PATTERNS)
    folder.write("chat/lists/raid.txt", "\n".join(f"x{number}[a-z]{{9}}" for number in range(200)))
    assert folder.flaw() == (
        "chat/lists/raid.txt:1: the patterns are too large together: part the list"
    )


@pytest.mark.parametrize(
    ("table", "content", "flaw"),
    [
        (ONE, None, "chat/lists/raid.txt:1: cannot be read"),
        (ONE, b"fine\n\xff\n", "chat/lists/raid.txt:2: not UTF-8"),
        (ONE, b"a" * 1_001, "chat/lists/raid.txt:1: is longer than 1,000 characters"),
        (
            ONE,
            b"gg\nevil.example  # of the raid",
            "raid.txt:2: a remark stands on its own line",
        ),
        (ONE.replace("block", "allow"), b"gg", "chat/topic.toml:3: "),
        (ONE.replace("raid.txt", "../raid.txt"), b"gg", "must be the name of a file"),
        (ONE + 'match = "regex"\n', b"gg", "match"),
        (ONE + 'match = "anywhere"\n', b"gg\ne", "raid.txt:2: is found in nearly every text"),
    ],
)
def test_what_cannot_be_is_named(
    folder: Folder, table: str, content: bytes | None, flaw: str
) -> None:
    folder.topic(table)
    if content is not None:
        folder.write("chat/lists/raid.txt", content)
    assert flaw in folder.flaw()


def test_edges_of_ascii_words_and_whole_quotations_are_taken(folder: Folder) -> None:
    folder.topic(PATTERNS)
    patterns = (r"\bkike\b", r"\Qa.b\E", r"(?:^|\PL)жид(?:\PL|$)", r"жид\\b")
    folder.write("chat/lists/raid.txt", "\n".join(patterns))
    assert len(folder.load().screening.lists[0].entries) == len(patterns)


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_lines_may_end_as_any_editor_ends_them(folder: Folder, ending: str) -> None:
    folder.topic(ONE)
    folder.write("chat/lists/raid.txt", ending.join(("evil.example", "# remark", "", "worse", "")))
    entries = folder.load().screening.lists[0].entries
    assert entries == (ListEntry(1, "evil.example"), ListEntry(4, "worse"))


def test_an_exact_list_may_allow(folder: Folder) -> None:
    folder.topic(ONE.replace("block", "allow") + 'match = "exact"\n')
    folder.write("chat/lists/raid.txt", "gg\n")
    assert folder.load().screening.lists[0].outcome is Outcome.ALLOW


def test_no_more_entries_are_taken_than_may_be(folder: Folder) -> None:
    folder.topic(PATTERNS)
    most = ENTRIES_MAX["patterns"]
    folder.write("chat/lists/raid.txt", "\n".join(f"x{number}" for number in range(most)))
    assert len(folder.load().screening.lists[0].entries) == most
    folder.write("chat/lists/raid.txt", "\n".join(f"x{number}" for number in range(most + 1)))
    assert folder.flaw().startswith(f"chat/lists/raid.txt:{most + 1}: holds more than 1,000")


def test_a_file_of_another_kind_is_not_told_about_line_by_line(folder: Folder) -> None:
    folder.topic(PATTERNS)
    folder.write("chat/lists/raid.txt", "(\n" * 500)
    assert len(folder.flaws()) == FLAWS_MAX


def test_a_changed_list_is_picked_up_with_the_policies_and_a_bad_one_is_not(
    folder: Folder,
) -> None:
    folder.topic(PATTERNS)
    folder.write("chat/lists/raid.txt", "evil\n")
    prepared: list[object] = []
    store = PolicyStore(folder.root, Telemetry(), prepared.append)
    folder.write("chat/lists/raid.txt", "evil\nworse\n")
    assert [store.reload_if_changed() for _ in range(2)] == [False, True]
    assert len(store.catalogue.bindings[0].screening.lists[0].entries) == 2
    assert prepared[-1] is store.catalogue, "it was made ready before it was in force"
    folder.write("chat/lists/raid.txt", "evil\n(?=worse)\n")
    assert [store.reload_if_changed() for _ in range(2)] == [False, False]
    assert len(store.catalogue.bindings[0].screening.lists[0].entries) == 2
