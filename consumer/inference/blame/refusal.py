"""
Refusal: the words by which models decline to classify, in the languages in which they do it. Pure.

A model refuses in the language of the text, so that what is known in English alone would let the
others pass where a topic allows what nobody could judge. What begins as a refusal is one whatever
follows; within other words both halves are asked for, being sorry and being unable.
"""

from __future__ import annotations

import re

CHARS_MAX = 4_000
"""Of an answer; who refuses says so before that."""


def is_refusal(answer: str) -> bool:
    """Whether an answer begins as a refusal: who refuses has not classified."""
    return _BEGINS.match(answer[:CHARS_MAX].lower()) is not None


def declines(rationale: str) -> bool:
    """
    Whether the sentence beside a label refuses, as where a schema makes a label of a refusal.

    More narrow than `is_refusal`: a rationale may well begin with `I cannot find`.
    """
    return _DECLINES.match(rationale[:CHARS_MAX].lower()) is not None


def holds_refusal(answer: str) -> bool:
    """Whether a sentence within an answer refuses, such as a value of some object or after a stub.

    Only for what holds no label: a rationale may quote a text that says the same.
    """
    return is_refusal(answer) or _WITHIN.search(answer[:CHARS_MAX].lower()) is not None


_SORRY = (
    r"(?:(?:i['’]?\s?a?m|we['’]?\s?(?:a?re))\s+)?(?:very\s+|so\s+|really\s+)?sorry\b|"
    r"i\s+apologi[sz]e\b|(?:my\s+)?apologies\b|"
    r"(?:lo\s+siento|lo\s+lamento|disculp[ae]|(?:je\s+suis\s+)?d[ée]sol[ée]e?|je\s+regrette|"
    r"(?:es\s+)?tut\s+mir\s+leid|entschuldig(?:ung|en\s+sie)|desculp[ae]|sinto\s+muito|"
    r"mi\s+(?:dis)?piace|het\s+spijt\s+me|przykro\s+mi|przepraszam|üzgünüm|"
    r"jag\s+är\s+ledsen|îmi\s+pare\s+rău|извините|простите|вибачте|перепрошую|maaf|xin\s+lỗi|"
    r"عذر[اً]+|آسف|أعتذر|معذرة)\b|"
    r"(?:非常|真的|很|十分)?(?:抱歉|对不起|對不起)|申し訳|すみませんが|ごめんなさい|죄송|미안|"
    r"मुझे\s+खेद|मुझे\s+माफ|क्षमा\s+करें|माफ़?\s*(?:करें|कीजिए)|(?:ต้อง)?ขอ(?:โทษ|อภัย)"
)
_REGRETTABLY = (
    r"unfortunately|regrettably|lamentablemente|desafortunadamente|malheureusement|leider|"
    r"infelizmente|purtroppo|helaas|niestety|maalesef|к\s+сожалению|на\s+жаль|rất\s+tiếc|"
    r"sayangnya|للأسف|遗憾"
)
_UNABLE_IN_ENGLISH = (
    r"(?:(?:i|we|the\s+(?:model|assistant|ai))\s+(?:can(?:['’]?t|\s?not)|could(?:n['’]?t| not)|"
    r"won['’]?t|will\s+not|(?:must|have\s+to)\s+(?:decline|refuse))|i\s+(?:decline|refuse)|"
    r"(?:i\s+am|i['’]m|we\s+are|we['’]re)\s+"
    r"(?:unable|not\s+(?:able|comfortable|allowed|permitted|going\s+to))|"
    r"i\s+do(?:n['’]?t| not)\s+feel\s+comfortable)\b"
)
_UNABLE_ELSEWHERE = (
    r"(?:no\s+(?:puedo|podemos|me\s+es\s+posible)|je\s+ne\s+(?:peux|puis|suis\s+pas\s+en\s+mesure)|"
    r"ich\s+kann\s+(?:dabei|dir|ihnen|das|diese[nrs]?|darauf|hier)?\s?(?:leider\s+)?nicht|"
    r"kann\s+ich\s+(?:\w+\s+){0,3}nicht|não\s+(?:posso|consigo)|non\s+(?:posso|sono\s+in\s+grado)|"
    r"ik\s+kan\s+(?:\w+\s+){0,3}niet|(?:я\s+)?не\s+(?:могу|смогу)|(?:я\s+)?не\s+можу|nie\s+mogę|"
    r"jag\s+kan\s+inte|nu\s+pot|(?:saya\s+)?tidak\s+(?:bisa|dapat))\b|yardımcı\s+olamam|"
    r"(?:tôi\s+)?không\s+thể|لا\s+(?:أستطيع|يمكنني)|我?(?:无法|不能|無法)|できません|できかねます|"
    r"いたしかねます|수\s?없|नहीं\s+(?:कर|दे)\s+सक|ไม่สามารถ"
)
_BLOCKED = (
    r"(?:(?:your|the|this)\s+)?(?:request|prompt|input|response|output|content)\s+"
    r"(?:(?:was|has\s+been|is)\s+)?(?:blocked|flagged|filtered|rejected|refused|denied)\b"
)
_UNABLE = rf"(?:{_UNABLE_IN_ENGLISH}|{_UNABLE_ELSEWHERE})"
_BEGINS = re.compile(
    rf"\W*+(?:no[,.]\s+)?(?:{_SORRY}|{_UNABLE}|(?:{_REGRETTABLY})[,،，]?\s*{_UNABLE}|as an ai\b)",
)
_SORRY_AND_UNABLE = rf"(?:{_SORRY}|{_REGRETTABLY})[^.!?。\n]{{0,40}}?"
_TO_HELP = (
    r"\s+(?:to\s+)?(?:help(?!\s+but\b)|assist|comply|continue|engage|fulfil|classify|respond)\b"
)
_DECLINES = re.compile(
    rf"\W*+(?:(?:(?:{_SORRY}|{_REGRETTABLY})[,.]?\s+(?:but\s+)?)?{_UNABLE_IN_ENGLISH}{_TO_HELP}|"
    rf"{_SORRY_AND_UNABLE}(?:{_UNABLE_ELSEWHERE}))",
)
_WITHIN = re.compile(
    rf"(?:\A\W*+(?:refus(?:ed|al)\b|{_BLOCKED})|[\n.:!?\"“(。：]\s{{0,8}}+"
    rf"(?:{_SORRY_AND_UNABLE}{_UNABLE}|{_UNABLE_IN_ENGLISH}{_TO_HELP}|{_BLOCKED}))",
)
