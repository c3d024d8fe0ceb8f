"""Bursts: what is nearly the same shares what the model said against it, and nothing else does."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest

from consumer.domain.policy import Outcome
from consumer.domain.screening import NeighbourTerms
from consumer.screening.bursts.burst import Burst
from consumer.screening.bursts.neighbours import Neighbours, Shared
from consumer.screening.bursts.wording import words_of
from consumer.screening.texts.normalise import normalised

TERMS = NeighbourTerms()
RAID = "join our raid tonight in the main hall and call them all vermin until they leave"


def words(text: str) -> tuple[str, ...]:
    return words_of(normalised(text))


def a_burst(
    *texts: str, terms: NeighbourTerms = TERMS, outcome: Outcome = Outcome.BLOCK
) -> Neighbours:
    """The model was asked about these, at second 100."""
    found = Neighbours(terms)
    for number, text in enumerate(texts):
        found.heard(words(text), outcome, f"v{number}", 100.0)
    return found


def shares(burst: Neighbours, text: str, now_s: float = 101.0) -> bool:
    return burst.shared(words(text), f"author of {text}", now_s) is not None


RAIDERS = (RAID + " xqz", RAID + " wvk", RAID + " bnm")


def test_what_the_model_said_against_enough_of_them_holds_for_the_next() -> None:
    burst = a_burst(*RAIDERS)
    core = len(words(RAID))
    found = burst.shared(words(RAID.upper() + "!!! prt"), "a", 101.0)
    assert found == Shared(Outcome.BLOCK, core / (core + 1), "v2")


@pytest.mark.parametrize("count", [1, 2])
def test_fewer_answers_than_that_hold_for_nobody(count: int) -> None:
    assert not shares(a_burst(*RAIDERS[:count]), RAID + " prt")


def test_the_more_frequent_outcome_is_shared_and_the_milder_of_two() -> None:
    burst = a_burst(*RAIDERS, RAID + " fgh")
    for outcome, expected in ((Outcome.FLAG, Outcome.BLOCK),) * 3 + ((Outcome.FLAG, Outcome.FLAG),):
        burst.heard(words(RAID + " jkl"), outcome, "v", 100.0)
        found = burst.shared(words(RAID + " prt"), "a", 101.0)
        assert found is not None
        assert found.outcome is expected


def test_allow_is_never_shared() -> None:
    burst = a_burst(*RAIDERS, outcome=Outcome.ALLOW)
    assert not shares(burst, RAID + " prt")
    assert len(burst) == 0


def test_where_too_many_of_them_pass_nothing_is_shared() -> None:
    """Three against, then one for: less than four of five."""
    burst = a_burst(*RAIDERS)
    burst.heard(words(RAID + " fgh"), Outcome.ALLOW, "v", 100.0)
    assert not shares(burst, RAID + " prt")
    burst.heard(words(RAID + " jkl"), Outcome.BLOCK, "v", 100.0)
    assert shares(burst, RAID + " prt")


@pytest.mark.parametrize(
    "text",
    [
        # One word is the whole point, wherever it stands.
        "i will kiss you tonight at the station near your house",
        "i will not kill you tonight at the station near your house",
        "i will never kill you tonight at the station near your house",
        "i won't kill you tonight at the station near your house",
        "he said i will kill you tonight at the station near your house",
        "i will you tonight at the station near your house",
        "i will kill you tonight at the station near your house 555",
        "i will kill you tonight at the station near your house evil.example/x",
        "i will kill me tonight at the station near your house",
        "stop i will kill you tonight at the station near your house",
        # All of it, and so much more that it is another message.
        "i will kill you tonight at the station near your house is what they sing in that play",
        "station near your house at the tonight you kill will i",
    ],
)
@pytest.mark.parametrize("ends", [("", " xqz", " wvk"), (" xqz", " wvk", " bnm")])
def test_what_says_another_thing_is_for_the_model(text: str, ends: tuple[str, ...]) -> None:
    threat = "i will kill you tonight at the station near your house"
    burst = a_burst(*(threat + end for end in ends))
    assert shares(burst, threat.upper() + "!! prt")
    assert not shares(burst, text)
    assert not shares(burst, text + " prt")


@pytest.mark.parametrize(
    ("threat", "other"),
    [
        (
            "я убью тебя сегодня вечером у твоего дома",
            "я не убью тебя сегодня вечером у твоего дома",
        ),
        ("жить вам тут осталось два дня на свете", "жить вам тут осталось без два дня на свете"),
        ("θα σε σκοτώσω απόψε στο σπίτι σου", "δεν θα σε σκοτώσω απόψε στο σπίτι σου"),
        ("tôi sẽ giết bạn tối nay ở nhà", "tôi sẽ không giết bạn tối nay ở nhà"),
        ("aku akan membunuh kamu malam ini juga", "aku tidak akan membunuh kamu malam ini juga"),
        ("오늘 밤 너를 집 앞에서 정말 죽인다", "오늘 밤 너를 집 앞에서 정말 안 죽인다"),
        ("मैं आज रात तुमको घर पर मारूंगा", "मैं आज रात तुमको घर पर नहीं मारूंगा"),
        ("i will kill you tonight at the station", "i don`t will kill you tonight at the station"),
        (
            "i will kill you tonight at the station",
            "i will not-at-all kill you tonight at the station",
        ),
        ("i will kill you tonight at the station", "🚫 i will kill you tonight at the station"),
        ("เรา จะ ฆ่า พวก มัน คืน นี้", "เรา จะ ไม่ ฆ่า พวก มัน คืน นี้"),
        # In scripts without blanks a word is a sentence: "that is a rumour".
        ("我们 今晚 去打 他们 大家 一起来", "我们 今晚 去打 他们 大家 一起来 这是谣言"),
    ],
)
def test_a_word_that_turns_it_round_is_heard_in_other_languages_and_spellings(
    threat: str, other: str
) -> None:
    burst = a_burst(threat, threat, threat)
    assert shares(burst, threat + "!")
    assert not shares(burst, other)


def test_a_word_has_its_vowels_where_they_are_marks() -> None:
    """Else two words of Hindi were six, and enough to share a verdict by."""
    assert words("नहीं मारूंगा ไม่") == ("नहीं", "मारूंगा", "ไม่")


def test_what_each_said_in_another_place_has_to_be_said_by_one_of_them() -> None:
    """Each negates once; what negates nowhere is what none of them said."""
    start, end = "we will let them live", "in our town tonight"
    burst = a_burst(
        f"we will not let them live {end}",
        f"{start} nowhere {end}",
        f"we will not let them live {end} ok",
    )
    assert shares(burst, f"we will not let them live {end} friends")
    assert shares(burst, f"{start} nowhere {end} friends")
    assert not shares(burst, f"{start} {end} friends")


def test_long_texts_are_neither_compared_nor_held() -> None:
    long = " ".join(f"{letter * 600}" for letter in ("ab", "cd", "ef", "gh", "ij"))
    burst = a_burst(*[long] * 3)
    assert len(burst) == 0


def test_a_message_is_compared_with_no_more_bursts_than_may_be(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Texts of the same few words in every order are like all others at the first glance."""
    dice = Random(3)
    burst = Neighbours(TERMS)
    monkeypatch.setattr("consumer.screening.bursts.neighbours.LIKE_MAX", 5)
    compared = []
    monkeypatch.setattr(Burst, "is_like", lambda *_: compared.append(1))
    for _ in range(20):
        text = tuple(dice.choice("abcdefgh") for _ in range(100))
        compared.clear()
        burst.heard(text, Outcome.BLOCK, "v", 100.0)
        assert len(compared) <= 5
    assert len(burst) == 20


def test_texts_that_are_like_no_other_push_no_raid_out() -> None:
    burst = a_burst(*RAIDERS, terms=replace(TERMS, bursts_max=3))
    for number in range(20):
        alone = tuple(f"w{number}{letter}" for letter in "abcdef")
        burst.heard(alone, Outcome.BLOCK, "v", 100.0)
    assert len(burst) == 3
    assert shares(burst, RAID + " prt")


@pytest.mark.parametrize("other", ["kiss", "meet", "call"])
def test_the_place_where_judged_messages_differ_is_open_to_none_but_their_words(other: str) -> None:
    verbs = ("kill", "stab", "hurt")
    burst = a_burst(*(f"i will {verb} you tonight at the station near home" for verb in verbs))
    assert not shares(burst, f"i will {other} you tonight at the station near home")
    assert shares(burst, "i will stab you tonight at the station near home!!!")
    assert shares(burst, "i will really stab you tonight at the station near home")


@pytest.mark.parametrize(
    ("judged", "text"),
    [
        ("call me at 555 for the best price in town", "call me at 556 for the best price in town"),
        (
            "win big at evil.example today with friends",
            "win big at good.example today with friends",
        ),
        ("send 100 to the account that i told you", "send 900 to the account that i told you"),
    ],
)
def test_another_number_or_link_is_for_the_model(judged: str, text: str) -> None:
    burst = a_burst(*(judged + end for end in ("", " xqz", " wvk")))
    assert shares(burst, judged + " prt")
    assert not shares(burst, text)
    assert not shares(burst, text + " prt")


def test_a_number_that_was_judged_alike_whatever_it_was_may_differ_at_the_end() -> None:
    burst = a_burst(*(f"{RAID} {number}" for number in (11, 12)))
    burst.heard(words(f"{RAID} {12}"), Outcome.BLOCK, "v", 100.0)
    assert not shares(burst, f"{RAID} 99")
    burst.heard(words(f"{RAID} {13}"), Outcome.BLOCK, "v", 100.0)
    assert shares(burst, f"{RAID} 99")


def test_what_says_less_than_all_that_was_judged_is_for_the_model() -> None:
    """What all of them had beside it may be the point: a slur after words that many know."""
    burst = a_burst(*RAIDERS)
    assert not shares(burst, RAID)
    burst.heard(words(RAID), Outcome.BLOCK, "v", 100.0)
    assert shares(burst, RAID + "!")


def test_short_messages_share_nothing() -> None:
    burst = a_burst("kill them all now", "kill them all now!", "kill them all now...")
    assert not shares(burst, "kill them all now")
    assert len(burst) == 0
    longer = a_burst(*["kill them all right now"] * 3)
    assert shares(longer, "kill them all right now")


def test_a_verdict_is_shared_for_a_while_after_the_models_last_answer() -> None:
    burst = a_burst(*RAIDERS, terms=replace(TERMS, for_s=10.0))
    assert shares(burst, RAID + " prt", 109.9)
    assert not shares(burst, RAID + " prt", 110.0)
    burst.heard(words(RAID + " bnm"), Outcome.BLOCK, "v", 110.0)
    assert not shares(burst, RAID + " prt", 110.0), "it began anew"
    assert len(burst) == 1


def test_an_answer_speaks_for_so_many_authors_and_then_one_is_asked_about() -> None:
    burst = a_burst(*RAIDERS, terms=replace(TERMS, authors_max=2))
    text = words(RAID + " prt")
    said = [burst.shared(text, f"a{n}", 101.0) is not None for n in range(8)]
    assert said == [True] * 6 + [False, True]
    assert burst.shared(text, "a7", 101.0) is not None, "the same author counts once"


def test_the_oldest_burst_goes_first() -> None:
    other = "nobody wants you here go back to where you were born"
    burst = a_burst(*RAIDERS, terms=replace(TERMS, bursts_max=1))
    for end in ("", " xqz", " wvk"):
        burst.heard(words(other + end), Outcome.FLAG, "v", 100.0)
    assert len(burst) == 1
    assert not shares(burst, RAID + " prt")
    assert shares(burst, other + " prt")


def test_two_bursts_are_told_apart() -> None:
    other = "nobody wants you here go back to where you were born"
    burst = a_burst(*RAIDERS, *(other + end for end in ("", " xqz", " wvk")))
    assert len(burst) == 2
    assert shares(burst, RAID + " prt")
    assert shares(burst, other + " prt")


def test_a_raid_costs_a_few_hundred_calls_and_nothing_of_it_passes() -> None:
    """50,000 near copies of 2,000 authors; the model answers 300 messages late, and errs."""
    dice = Random(1)
    burst = Neighbours(TERMS)
    asked: list[tuple[int, tuple[str, ...]]] = []
    calls = shared = 0
    for number in range(50_000):
        while asked and asked[0][0] < number - 300:
            _, late = asked.pop(0)
            outcome = Outcome.ALLOW if dice.random() < 0.04 else Outcome.BLOCK
            burst.heard(late, outcome, "v", number / 1_000)
        text = words(near_copy(dice))
        found = burst.shared(text, f"a{dice.randrange(2_000)}", number / 1_000)
        if found is None:
            calls += 1
            asked.append((number, text))
        else:
            shared += 1
            assert found.outcome is Outcome.BLOCK
    assert calls <= 500
    assert calls + shared == 50_000


def near_copy(dice: Random) -> str:
    found = RAID.split()
    if dice.random() < 0.3:
        found.append("".join(dice.choice("bcdfghjklmnpqrstvwxz") for _ in range(5)))
    elif dice.random() < 0.4:
        found.insert(dice.randrange(len(found)), dice.choice(("really", "guys", "now", "please")))
    text = " ".join(found) + dice.choice(("", "!", "!!", "...", "?"))
    if dice.random() < 0.3:
        text = dice.choice("🔥💀😂") + " " + text
    if dice.random() < 0.1:
        text = text.replace(" ", "\u200b ", 3)
    return text.upper() if dice.random() < 0.3 else text


def test_greetings_are_hurt_by_no_raid_and_by_no_error_of_the_model() -> None:
    """10,000 that differ, after a raid, with a model that flags one of them in a hundred."""
    dice = Random(2)
    burst = a_burst(*RAIDERS)
    for number in range(10_000):
        text = words(
            f"{dice.choice(('good morning', 'hello', 'hi', 'welcome back'))} everyone and have a "
            f"{dice.choice(('nice', 'lovely', 'great', 'sunny'))} {dice.choice(('day', 'week'))} "
            f"from {dice.choice(('berlin', 'rome', 'oslo', 'lima'))} {number}"
        )
        assert burst.shared(text, f"a{number}", 101.0) is None
        outcome = Outcome.FLAG if dice.random() < 0.01 else Outcome.ALLOW
        burst.heard(text, outcome, "v", 101.0)
