"""The error tree: three families, and messages that say what to do."""

from __future__ import annotations

import inspect

import pytest

from consumer import errors
from consumer.cli.options import selection_of
from consumer.errors import (
    ConsumerError,
    DeadLetterReason,
    Fatal,
    Flaw,
    InvalidPolicy,
    ModelFault,
    Overloaded,
    Rejected,
    Retryable,
    UndecodableMessage,
)

LEAVES = [
    kind
    for kind in vars(errors).values()
    if inspect.isclass(kind) and issubclass(kind, ConsumerError) and not kind.__subclasses__()
]


def test_the_tree_is_as_drawn() -> None:
    """The drawing at the top of the module names every error, and each is of one family."""
    families = (Retryable, Rejected, Fatal)
    for leaf in LEAVES:
        assert leaf.__name__ in (errors.__doc__ or "")
        assert sum(issubclass(leaf, family) for family in families) == 1


@pytest.mark.parametrize("kind", LEAVES)
def test_a_leaf_says_what_to_do(kind: type[ConsumerError]) -> None:
    """Each leaf's docstring is a message for an operator: what happened, then a next step."""
    said = inspect.getdoc(kind)
    assert said is not None
    assert said.endswith(".")
    assert len(said.split()) > 6


def test_without_words_the_docstring_speaks() -> None:
    """An error raised without a message says what its docstring says."""
    assert str(Overloaded()) == inspect.getdoc(Overloaded)
    assert str(Overloaded("busy", 3.0)) == "busy"
    assert Overloaded("busy", 3.0).retry_after_s == 3.0
    assert Overloaded().retry_after_s is None


def test_reasons_travel_with_errors() -> None:
    """What went wrong is a word of a closed list beside the message."""
    assert ModelFault("refusal").reason == "refusal"
    assert "refusal" in str(ModelFault("refusal"))
    assert UndecodableMessage("no_text", "x").reason == "no_text"
    assert not ModelFault("x").is_systemic
    assert Overloaded().is_systemic


def test_every_rejection_has_a_reason_of_the_closed_list() -> None:
    """What a worker writes on a dead letter can be asked for by name; no other word is written."""
    rejections = [kind for kind in LEAVES if issubclass(kind, Rejected)]
    assert len(rejections) == 4
    for kind in rejections:
        written = (
            [kind(each, "x") for each in DeadLetterReason]
            if kind is UndecodableMessage
            else [kind()]
        )
        assert all(selection_of([each.reason], None, None, None, 0).reasons for each in written)
    with pytest.raises(ValueError):
        UndecodableMessage("no_such_reason", "x")


def test_every_flaw_is_listed() -> None:
    """All mistakes of the policies are in one message, each by file and line."""
    flaws = (Flaw("a/topic.toml", 3, "one"), Flaw("a/v1/p.md", 7, "two"))
    error = InvalidPolicy(flaws)
    assert str(error) == "2 faults in the policies:\n  a/topic.toml:3: one\n  a/v1/p.md:7: two"
    assert error.flaws == flaws
    assert str(InvalidPolicy(flaws[:1])).startswith("1 fault in")
    many = InvalidPolicy(tuple(Flaw("a", line, "x") for line in range(1_000)))
    assert str(many).startswith("1000 faults in")
    assert str(many).endswith("  a:199: x\n  and 800 more")


def test_a_stop_has_an_exit_code() -> None:
    """What a person must mend exits with 2, what broke on the way with 1."""
    codes = {kind.__name__: kind.exit_code for kind in LEAVES if issubclass(kind, Fatal)}
    assert codes == {
        "InvalidPolicy": 2,
        "InvalidSettings": 2,
        "PortTaken": 2,
        "EndpointRefused": 2,
        "TopicsMissing": 2,
        "PublishFailed": 1,
        "DeadLetterFailed": 1,
    }
