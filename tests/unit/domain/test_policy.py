"""Policies: the digest that names a version, and what is worse than what."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from consumer.domain.policy import Example, Outcome, digest_of
from consumer.domain.verdicts.verdict import Tokens, most_severe
from tests.builders import a_policy, a_version

FILES = st.dictionaries(st.text(max_size=6), st.binary(max_size=12), max_size=5)


@given(FILES, st.randoms())
def test_the_digest_does_not_depend_on_the_order(
    files: dict[str, bytes], random: st.DrawFn
) -> None:
    """The same files have the same digest, in whatever order the disk lists them."""
    names = list(files)
    random.shuffle(names)  # type: ignore[attr-defined]
    assert digest_of({name: files[name] for name in names}) == digest_of(files)


@given(FILES, FILES)
def test_other_files_have_another_digest(one: dict[str, bytes], other: dict[str, bytes]) -> None:
    """Two sets of files share a digest only where they are the same."""
    assert (digest_of(one) == digest_of(other)) == (one == other)


def test_moved_content_has_another_digest() -> None:
    """Text that moves from one file to the next, or into a name, makes another version."""
    digests = [
        digest_of({"a.md": b"onetwo", "b.md": b""}),
        digest_of({"a.md": b"one", "b.md": b"two"}),
        digest_of({"a.md": b"", "b.md": b"onetwo"}),
        digest_of({"a.md": b"two", "b.md": b"one"}),
        digest_of({"a.mdone": b"two", "b.md": b""}),
        digest_of({"a.md": b"onetwo"}),
        digest_of({}),
    ]
    assert len(set(digests)) == len(digests)
    assert {len(digest) for digest in digests} == {32}


def test_the_digest_is_for_ever() -> None:
    """The digest is stored in verdicts and pins, so its value may never change."""
    assert digest_of({"a.md": b"text"}) == "53ea0cee44611b4f1089fa822d8ac621"


def test_outcomes_from_mild_to_severe() -> None:
    """Allow is milder than flag, and flag than block; the most severe of several wins."""
    assert sorted(Outcome, key=lambda outcome: outcome.severity) == [
        Outcome.ALLOW,
        Outcome.FLAG,
        Outcome.BLOCK,
    ]
    assert most_severe([Outcome.ALLOW, Outcome.BLOCK, Outcome.FLAG]) is Outcome.BLOCK
    assert most_severe([Outcome.ALLOW, Outcome.FLAG]) is Outcome.FLAG
    assert most_severe([Outcome.ALLOW]) is Outcome.ALLOW


def test_names() -> None:
    """A version is named set@vN, and a policy's labels are those of its outcomes, in order."""
    assert a_version(number=3).id == "chat.messages@v3"
    assert a_policy().labels == ("HH0", "HH1", "HH2")


def test_tokens_add_up() -> None:
    """What several calls cost is the sum of each count."""
    assert Tokens(1, 2, 3, 4) + Tokens(10, 20, 30, 40) == Tokens(11, 22, 33, 44)


def test_a_policy_takes_the_tokens_of_its_text_its_rules_and_its_examples() -> None:
    """About four bytes each."""
    examples = (Example("e" * 80, "HH1"),)
    policy = a_policy(text="t" * 400, rules={"HH1.a": "m" * 35}, examples=examples)
    assert policy.tokens == (400 + 5 + 35 + 80) // 4
