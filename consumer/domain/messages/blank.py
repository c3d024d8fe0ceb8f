"""What a reader of a text sees nothing of."""

from __future__ import annotations

import re

_UNSEEN = (
    "\x00-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f"
    "\u202a-\u202e\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb"
    "\U0001d173-\U0001d17a\U000e0100-\U000e01ef"
)
"""
Controls, joiners, direction marks, fillers and variation selectors (Unicode's
Default_Ignorable_Code_Point and the empty braille cell). Tag characters are not among them: a text
of nothing else can spell words that a program reads, so it is judged.
"""
_SEEN = re.compile(rf"[^\s{_UNSEEN}]")


def is_blank(text: str) -> bool:
    """Whether nothing of the text can be seen: empty, white space or zero-width characters."""
    return not "!" <= text[:1] <= "~" and _SEEN.search(text) is None
