"""Every setting is described: its name, default, limits and meaning."""

from __future__ import annotations

from operator import attrgetter

from pydantic_core import PydanticUndefined

from consumer.settings.describe import describe_settings
from consumer.settings.inference import EndpointSettings
from consumer.settings.settings import Settings


def test_every_setting_is_described() -> None:
    """Each setting has a dotted name that can be set, and a meaning."""
    rows = list(describe_settings())
    names = [each.name for each in rows]
    assert len(names) == len(set(names))
    assert len(names) > 30
    assert [each.name for each in rows if not each.meaning.strip()] == []
    for name, default, _, _ in rows:
        if name.startswith("inference.endpoints.NAME."):
            shown = EndpointSettings.model_fields[name.rpartition(".")[2]].default
            assert default == ("" if shown in (None, PydanticUndefined) else shown)
            continue
        shown = attrgetter(name)(Settings())
        assert default == ("" if shown is None else str(shown))


def test_what_a_setting_may_be_is_said() -> None:
    """Its bounds or its words, as the reader of the settings will check them."""
    limits = {each.name: each.limits for each in describe_settings()}
    assert limits["kafka.request_timeout_s"] == "1.5 to 300"
    assert limits["inference.hedge_at"] == "0 to below 1"
    assert limits["kafka.when_unknown"] == "scan, refuse"
    assert limits["inference.endpoints.NAME.calls_max"] == "1 to 10,000"
    assert limits["kafka.group"] == ""
