"""Plots are whole SVG elements, with every name escaped and every range inside the picture."""

from __future__ import annotations

import re
from xml.etree import ElementTree

from consumer.commands.evaluate.measures.calibration import ScoreBins
from consumer.commands.evaluate.measures.interval import Interval
from consumer.commands.evaluate.report.plots import LEFT, WIDTH, ranges, reliability


def test_ranges_lie_between_0_and_1() -> None:
    """The ends of the scale are its edges, and what has no figure says so."""
    rows = [("a<b>&", Interval(0.5, 0.0, 1.0)), ("none", None)]
    picture = ElementTree.fromstring(ranges("F1 & more", rows))
    (bar,) = [each for each in picture.iter("line") if each.get("class") == "bar"]
    assert (float(bar.get("x1", "")), float(bar.get("x2", ""))) == (LEFT, WIDTH - 20)
    said = "".join(picture.itertext())
    assert "a<b>&" in said
    assert "no such text" in said
    assert ">never cited<" in ranges("F1", rows, "never cited")


def test_reliability_shows_each_bin_that_holds_something() -> None:
    """A dot where scores and shares meet."""
    scores = ScoreBins()
    for number in range(20):
        scores.add(0.95, is_right=number > 0, is_calibrated=False)
    scores.add(0.35, is_right=False, is_calibrated=False)
    found = scores.measures()
    assert found is not None
    drawn = reliability("scores", found)
    ElementTree.fromstring(drawn)
    assert len(re.findall("<circle", drawn)) == 2
    assert "score 0.95: 0.95 right of 20" in drawn
