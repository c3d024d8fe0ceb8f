"""The page about a filter, on a telephone and on a wide screen, whatever is written in it."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Literal

import pytest
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import ViewportSize

from consumer.commands.prefilter.report import page_of
from consumer.commands.prefilter.slices import LookedAt, by_identity_term, by_language, slice_of
from consumer.screening.prefilter.example import FilterExample
from consumer.screening.prefilter.prefilter import FilterLook
from tests.browser.chromium import SERIOUS, barriers
from tests.unit.screening.prefilter.filters import by_hand

HOSTILE = ("<script>document.title = 'x'</script>", "y" * 2_000, "\u202eright to left", "a\nb")


def a_page() -> str:
    """Two thousand messages of a hundred languages, some of them nobody's."""
    dice = Random(1)
    languages = ["en"] * 100 + [*HOSTILE] * 5 + [f"l{number}" for number in range(100)]
    looked = []
    for number in range(2_000):
        is_positive = number % 10 == 0
        score = min(1.0, max(0.0, dice.gauss(0.7 if is_positive else 0.3, 0.2)))
        look = FilterLook(score < 0.5, score, 1.0, None if score < 0.5 else "score")
        text = "women of the office"
        example = FilterExample(text, is_positive, language=dice.choice(languages))
        looked.append(LookedAt(example, look))
    artefact = by_hand()
    named = {"version": f"<b>{'z' * 90}</b>@v1", "model": "m" * 300}
    artefact = artefact._replace(head=artefact.head.model_copy(update=named))
    rows = [slice_of("all", looked), *by_language(looked)]
    return page_of(artefact, looked, rows, by_identity_term(looked))


@pytest.mark.parametrize("width", [400, 1_400])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_is_read_on_any_screen_and_nothing_leaves_it(
    real_browser: Chromium, tmp_path: Path, width: int, scheme: Literal["light", "dark"]
) -> None:
    file = tmp_path / "page.html"
    file.write_text(a_page(), "utf-8")
    size: ViewportSize = {"width": width, "height": 800}
    with real_browser.new_context(viewport=size, color_scheme=scheme, bypass_csp=True) as context:
        page = context.new_page()
        page.goto(file.as_uri())
        assert page.title().startswith("Filter for <b>zzz")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        drawn = page.locator("svg").bounding_box()
        assert drawn is not None
        assert drawn["x"] + drawn["width"] <= width, "where the recall is high is out of sight"
        # Letters of the plot are as large as can be read.
        assert drawn["width"] / 460 * 12 >= 9
        assert [each for each in barriers(page) if each.impact in SERIOUS] == []
        assert page.locator("li").first.inner_text().startswith("filter ")
