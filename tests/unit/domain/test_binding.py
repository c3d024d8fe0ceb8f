"""Bindings: which topics a pattern binds, and that none ever binds what we write ourselves."""

from __future__ import annotations

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from consumer.domain.binding import Binding, Catalogue, MessageTerms, Outputs
from consumer.domain.messages.rules import SkipRule
from consumer.domain.policy import Outcome
from consumer.domain.review import ReviewTerms
from tests.builders import a_binding

LETTERS = st.text(st.sampled_from("abc-_"), min_size=1, max_size=4)
NAMES = st.lists(LETTERS, min_size=1, max_size=3).map(".".join)
PATTERNS = st.one_of(
    st.sampled_from(["*", "*.*", "?*", "[a-z]*", "a*", "*.allow", "*-*"]),
    LETTERS.map(lambda word: word + ".*"),
    LETTERS.map(lambda word: "*." + word),
)
TEMPLATES = st.one_of(
    st.sampled_from(["{topic}.allow", "{topic}.out", "out.{topic}", "a-{topic}-b"]),
    NAMES.map(lambda name: "fixed." + name),
)
OUTPUTS = st.builds(
    Outputs, allow=TEMPLATES, flag=TEMPLATES, block=TEMPLATES, dead_letter=TEMPLATES
)


def bound(catalogue: Catalogue, topic: str) -> str | None:
    binding = catalogue.binding_for(topic)
    return None if binding is None else binding.set_name


@st.composite
def catalogues(draw: st.DrawFn) -> Catalogue:
    """Sets that bind patterns and names, sometimes with shared outputs."""
    return Catalogue(
        tuple(
            a_binding(
                set_name=f"set{number}",
                patterns=tuple(draw(st.lists(PATTERNS | NAMES, min_size=1, max_size=3))),
                outputs=draw(OUTPUTS),
            )
            for number in range(draw(st.integers(1, 3)))
        )
    )


@settings(max_examples=120, deadline=None)
@given(catalogues(), NAMES, st.sampled_from(Outcome))
def test_no_pattern_binds_our_outputs(catalogue: Catalogue, topic: str, outcome: Outcome) -> None:
    """Whatever the patterns and output names, what becomes of an input is no input by pattern."""
    binding = catalogue.binding_for(topic)
    assume(binding is not None)
    assert binding is not None
    outputs = binding.outputs
    written = {outputs.destination(outcome, topic), outputs.dead_letters_of(topic)}
    assert written <= set(outputs.topics(topic))
    assert catalogue.is_own(f"{topic}.retry")
    for output in written | {"safeguard.dead-letters", "__consumer_offsets"}:
        assert catalogue.is_own(output)
        by_pattern = catalogue.binding_for(output)
        assert by_pattern is None or output in by_pattern.patterns


@settings(max_examples=100, deadline=None)
@given(catalogues(), NAMES)
def test_moderation_comes_to_an_end(catalogue: Catalogue, topic: str) -> None:
    """By patterns alone no chain of outputs that are inputs again ever starts."""
    patterns_only = Catalogue(
        tuple(
            a_binding(
                set_name=binding.set_name,
                patterns=tuple(p for p in binding.patterns if set(p) & set("*?[")),
                outputs=binding.outputs,
            )
            for binding in catalogue.bindings
        )
    )
    first = patterns_only.binding_for(topic)
    if first is not None:
        assert patterns_only.inputs_among(list(first.outputs.topics(topic))) == []


def test_the_widest_pattern_spares_our_own_topics() -> None:
    """`*` binds what others write, and neither outputs, book-keeping nor Kafka's own."""
    catalogue = Catalogue((a_binding(patterns=("*",)),))
    topics = [
        "chat",
        "chat.allow",
        "chat.flag",
        "chat.block",
        "chat.dead-letter",
        "safeguard.dead-letters",
        "__consumer_offsets",
        "chat.allowed",
        "allow",
    ]
    assert catalogue.inputs_among(topics) == ["allow", "chat", "chat.allowed"]


def test_what_reviewers_read_and_write_is_no_input_where_people_review() -> None:
    """Else each report would be judged, and each decision about it as well."""
    topics = ["chat", "chat.reports", "chat.reports.dead-letter", "chat.appeals", "chat.decisions"]
    topics += ["chat.appeals.dead-letter"]
    reviewed = Catalogue((a_binding(patterns=("*",), review=ReviewTerms()),))

    assert reviewed.inputs_among(topics) == ["chat"]
    assert len(Catalogue((a_binding(patterns=("*",)),)).inputs_among(topics)) == 4


def test_fixed_outputs_shared_by_inputs() -> None:
    """Output names without the input's name are spared too, from the patterns of every set."""
    outputs = Outputs("moderated", "review", "removed", "unreadable")
    catalogue = Catalogue(
        (
            a_binding(set_name="one", patterns=("chat.*",), outputs=outputs),
            a_binding(set_name="all", patterns=("*",), outputs=outputs),
        )
    )
    topics = ["moderated", "review", "removed", "unreadable", "chat.a", "b"]
    assert catalogue.inputs_among(topics) == ["b", "chat.a"]
    assert outputs.topics("chat.a") == ("moderated", "review", "removed", "unreadable")


def test_a_dot_in_a_template_is_a_dot() -> None:
    """A topic that only looks like an output, letter for letter but one, is an input."""
    catalogue = Catalogue((a_binding(patterns=("*",)),))
    assert bound(catalogue, "chatXallow") == "chat.messages"


def test_a_name_wins_over_a_pattern() -> None:
    """A topic bound by its name belongs there, however long a pattern matches it elsewhere."""
    catalogue = Catalogue(
        (
            a_binding(set_name="by pattern", patterns=("chat.message?",)),
            a_binding(set_name="by name", patterns=("chat.messages",)),
        )
    )
    assert bound(catalogue, "chat.messages") == "by name"
    assert bound(catalogue, "chat.messageX") == "by pattern"


def test_the_longer_pattern_wins() -> None:
    """Of two patterns the longer one is the more particular, in whatever order they stand."""
    wide = a_binding(set_name="wide", patterns=("*",))
    narrow = a_binding(set_name="narrow", patterns=("chat.*",))
    for catalogue in (Catalogue((wide, narrow)), Catalogue((narrow, wide))):
        assert bound(catalogue, "chat.a") == "narrow"
        assert bound(catalogue, "forum.a") == "wide"
        assert bound(catalogue, "Chat.a") == "wide"


def test_equal_patterns_are_settled_the_same_way_everywhere() -> None:
    """Two patterns of one length choose by the sets' names, not by the order of reading."""
    one = a_binding(set_name="one", patterns=("chat*",))
    two = a_binding(set_name="two", patterns=("*chat",))
    assert bound(Catalogue((one, two)), "chat") == bound(Catalogue((two, one)), "chat") == "two"


def test_an_output_bound_by_name_is_an_input() -> None:
    """Who names a topic means it: the allow topic of one set may be judged again by another."""
    catalogue = Catalogue(
        (
            a_binding(set_name="first", patterns=("chat",)),
            a_binding(set_name="second", patterns=("chat.allow",)),
        )
    )
    assert bound(catalogue, "chat.allow") == "second"


def test_what_a_catalogue_names() -> None:
    """Names are told from patterns, so that a missing input can be named."""
    catalogue = Catalogue((a_binding(patterns=("chat", "a?", "b[0-9]")),))
    assert catalogue.named_topics == ("chat",)
    assert Catalogue(()).binding_for("chat") is None


def test_destinations() -> None:
    """Each outcome has its topic, named after the input."""
    outputs: Outputs = Binding("s", ("t",), a_binding().live).outputs
    assert [outputs.destination(outcome, "t") for outcome in Outcome] == [
        "t.allow",
        "t.flag",
        "t.block",
    ]
    assert outputs.dead_letters_of("t") == "t.dead-letter"


def test_a_skip_rule_names_itself() -> None:
    """A rule is named in verdicts and logs by where it looks, never by what it found."""
    assert str(SkipRule(frozenset({"bot"}), field=("author", "role"))) == "/author/role"
    assert str(SkipRule(frozenset({"bot"}), header="role")) == "header role"


def test_a_retry_topic_has_the_binding_of_its_input() -> None:
    """By name or by pattern: `x.retry` is judged as `x` is, and its outputs are those of `x`."""
    for patterns in (("chat.room",), ("chat.*",), ("*",)):
        catalogue = Catalogue((a_binding(patterns=patterns),))
        binding = catalogue.binding_for("chat.room.retry")
        assert binding is not None
        assert binding is catalogue.binding_for("chat.room")
        assert binding.origin_of("chat.room.retry") == "chat.room"
        assert binding.origin_of("chat.room") == "chat.room"
        assert catalogue.retry_topic_of("chat.room") == "chat.room.retry"
        assert catalogue.is_own("chat.room.retry")


def test_a_retry_topic_is_consumed_only_beside_its_input() -> None:
    """It is optional, and a stranger's retry topic whose input is not there is left alone."""
    catalogue = Catalogue((a_binding(patterns=("chat*",)),))
    assert catalogue.inputs_among(["chat", "chat.retry"]) == ["chat", "chat.retry"]
    assert catalogue.inputs_among(["chat"]) == ["chat"]
    assert catalogue.inputs_among(["chat.retry"]) == []


def test_what_ends_in_retry_and_is_no_retry_topic() -> None:
    """Retries of outputs, of retries, of our book-keeping and of what nobody binds are no input."""
    catalogue = Catalogue((a_binding(patterns=("chat", "c*")),))
    for topic in ("chat.allow.retry", "chat.retry.retry", "mail.retry", "safeguard.x.retry"):
        assert catalogue.binding_for(topic) is None
    assert catalogue.retry_topic_of("chat.retry") is None
    assert catalogue.retry_topic_of("mail") is None


def test_an_output_is_never_a_retry_topic() -> None:
    """A set that calls its outputs so would judge its own dead letters for ever."""
    outputs = Outputs(dead_letter="{topic}.retry")
    catalogue = Catalogue((a_binding(patterns=("chat",), outputs=outputs),))
    assert catalogue.binding_for("chat.retry") is None
    assert catalogue.retry_topic_of("chat") is None


def test_a_retry_topic_bound_by_name_is_an_input_of_its_own() -> None:
    """Who names a topic means it: its outputs are its own, and nothing is retried through it."""
    one = a_binding(set_name="one", patterns=("chat",))
    two = a_binding(set_name="two", patterns=("chat.retry",))
    catalogue = Catalogue((one, two))
    assert bound(catalogue, "chat.retry") == "two"
    assert two.origin_of("chat.retry") == "chat.retry"
    assert catalogue.retry_topic_of("chat") is None
    assert catalogue.retry_topic_of("chat.retry") == "chat.retry.retry"
    assert catalogue.inputs_among(["chat.retry"]) == ["chat.retry"]


def test_a_retry_topic_is_taken_from_its_beginning() -> None:
    """What was retried before the workers knew of the topic must not be passed over."""
    binding = a_binding(start="latest")
    assert binding.start_of(f"{binding.patterns[0]}.retry") == "earliest"
    assert binding.start_of(binding.patterns[0]) == "latest"


def test_of_two_patterns_of_one_set_either_is_as_good() -> None:
    """They are as long, and name the same binding."""
    binding = a_binding(patterns=("chat.*", "*.room"))
    assert Catalogue((binding,)).binding_for("chat.room") is binding


def test_a_retry_topics_records_go_where_its_inputs_go() -> None:
    binding = a_binding(patterns=("chat",))
    outputs = ("chat.allow", "chat.flag", "chat.block", "chat.dead-letter")
    assert binding.outputs_of("chat") == binding.outputs_of("chat.retry") == outputs


def test_several_fields_are_one_text_where_nothing_else_is_said() -> None:
    """Were the first of them taken alone, the others would go unjudged."""
    assert not MessageTerms(text=(("title",), ("body",))).is_first_of
