"""What the calls for one message cost, added up."""

from __future__ import annotations

import pytest

from consumer.domain.verdicts.usage import Usage
from consumer.domain.verdicts.verdict import Tokens


def test_two_usages_add_up_field_by_field() -> None:
    one = Usage(1, 2, Tokens(1, 2, 3, 4), Tokens(5, 6, 7, 8))
    other = Usage(10, 20, Tokens(10, 20, 30, 40), Tokens(50, 60, 70, 80))
    assert one + other == Usage(11, 22, Tokens(11, 22, 33, 44), Tokens(55, 66, 77, 88))
    with pytest.raises(TypeError):
        one + 1
