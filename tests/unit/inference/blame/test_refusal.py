"""Refusals by their words: in the language of the text, at the start of an answer and within it."""

from __future__ import annotations

import pytest

from consumer.inference.blame.refusal import declines, holds_refusal, is_refusal

IN_LANGUAGES = (
    "I'm sorry, but I can't help with that.",
    "Lo siento, pero no puedo ayudar con eso.",
    "Je suis désolé, mais je ne peux pas vous aider avec cela.",
    "Es tut mir leid, aber dabei kann ich nicht helfen.",
    "Desculpe, mas não posso ajudar com isso.",
    "Mi dispiace, ma non posso aiutarti con questo.",
    "Het spijt me, maar ik kan daar niet bij helpen.",
    "Извините, но я не могу помочь с этим.",
    "Вибачте, але я не можу допомогти з цим.",
    "Przykro mi, ale nie mogę w tym pomóc.",
    "Üzgünüm, ancak bu konuda yardımcı olamam.",
    "عذرًا، لا أستطيع المساعدة في ذلك.",
    "很抱歉，我无法协助处理这个请求。",
    "申し訳ありませんが、お手伝いできません。",
    "죄송하지만 도와드릴 수 없습니다.",
    "मुझे खेद है, मैं इसमें मदद नहीं कर सकता।",
    "Maaf, saya tidak bisa membantu dengan itu.",
    "Xin lỗi, tôi không thể giúp việc này.",
    "ขออภัย ฉันไม่สามารถช่วยได้",
)


@pytest.mark.parametrize("said", IN_LANGUAGES)
def test_a_refusal_in_the_language_of_the_text(said: str) -> None:
    """Alone, for a rationale, and as the value of an object that nobody asked for."""
    assert is_refusal(said)
    assert declines(said)
    assert holds_refusal(f'{{"error": "{said}"}}')


@pytest.mark.parametrize(
    "said",
    [
        "No puedo ayudar con eso.",
        "Leider kann ich dabei nicht helfen.",
        "我无法协助。",
        "I must refuse.",
        "I refuse to answer.",
        "I don't feel comfortable with this.",
        "I'm not going to help with this.",
        "Apologies, but I cannot help.",
        "No, I can’t help with that.",
        "The model cannot answer this question.",
        "We're sorry, this is not possible.",
    ],
)
def test_what_begins_as_a_refusal(said: str) -> None:
    assert is_refusal(said)


@pytest.mark.parametrize(
    "said",
    [
        "Answer: I'm sorry, I can't",
        "Sure. I cannot help with that",
        "[refused]",
        "Request blocked by guardrail.",
        "Error: your prompt was flagged.",
    ],
)
def test_what_refuses_within_other_words(said: str) -> None:
    assert not is_refusal(said)
    assert holds_refusal(said)


@pytest.mark.parametrize(
    "said",
    [
        "HH0",
        "This message threatens to kill: SP0",
        "The text is fine; nobody is sorry and nobody cannot help it.",
        "The author says sorry. Nothing else is in it.",
        '{"label": "ZZ9", "rationale": "I cannot find a rule that applies."}',
        '{"label": "ZZ9", "rationale": "Der Text ist leider nicht klar."}',
        "The content flags nothing.",
    ],
)
def test_what_is_no_refusal(said: str) -> None:
    """One half of it is none, nor are the words of somebody in the midst of a sentence."""
    assert not holds_refusal(said)
    assert not declines(said)


def test_there_is_an_end_of_looking() -> None:
    assert holds_refusal(" " * 3_900 + ".I'm sorry, I can't")
    assert not holds_refusal("x" * 4_000 + ".I'm sorry, I can't")
