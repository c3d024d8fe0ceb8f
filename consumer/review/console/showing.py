"""Showing: templates filled in, with everything escaped that comes from outside."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.responses import HTMLResponse

from consumer.domain.verdicts.headers import rfc3339
from consumer.review.console.harmless import carried, shown
from consumer.review.console.sign_in.person import AUDITS, COUNTS, DECIDES, LEADS, LOOKS

TEMPLATES = Path(__file__).parent / "templates"


class Showing:
    """Fills templates in. Any thread may use it."""

    def __init__(self) -> None:
        self._environment = Environment(
            loader=FileSystemLoader(TEMPLATES),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            finalize=_finalized,
        )
        self._environment.filters |= {"time": _time, "share": _share, "shown": shown}
        self._environment.globals |= {
            "DECIDES": DECIDES,
            "LOOKS": LOOKS,
            "COUNTS": COUNTS,
            "AUDITS": AUDITS,
            "LEADS": LEADS,
        }

    def page(self, template: str, context: Mapping[str, Any], status: int = 200) -> HTMLResponse:
        """A response with the template filled in."""
        body = self._environment.get_template(template).render(context)
        return HTMLResponse(body, status)


def _finalized(value: Any) -> Any:
    """What a page cannot carry is gone before it is escaped; our own markup has none of it."""
    if isinstance(value, str) and not isinstance(value, Markup):
        return carried(value)
    return value


def _time(at_ms: int) -> str:
    return rfc3339(max(0, at_ms)).replace("T", " ").partition(".")[0] + " UTC"


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.0%}"
