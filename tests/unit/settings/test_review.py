"""`[review]`: an address that can be one, and a password that is shown to nobody."""

from __future__ import annotations

from pathlib import Path

import pytest

from consumer.errors import InvalidSettings
from consumer.settings.load import load_settings
from consumer.settings.secrets import inline_secrets, shown_values


def test_a_store_is_a_file_or_postgresql() -> None:
    for address in ("sqlite:////var/lib/review.sqlite", "postgresql://u@db/review"):
        assert load_settings(None, {"review.store": address}, {}).review.store == address
    with pytest.raises(InvalidSettings, match=r"review\.store: .*sqlite:///review\.sqlite"):
        load_settings(None, {"review.store": "mysql://db/review"}, {})


def test_a_password_in_the_address_is_hidden_and_warned_of() -> None:
    settings = load_settings(None, {"review.store": "postgresql://u:secret@db/review"}, {})

    assert "secret" not in str(shown_values(settings))
    (doubt,) = inline_secrets(settings)
    assert "store_password_file" in doubt
    assert "secret" not in doubt
    plain = load_settings(None, {"review.store": "postgresql://u@db/review"}, {})
    assert list(inline_secrets(plain)) == []


def test_rights_are_a_table_of_queues(tmp_path: Path) -> None:
    file = tmp_path / "safeguard.toml"
    file.write_text('[review.rights]\nlegal = ["eve"]\n"a.b" = []\n')
    assert load_settings(file, {}, {}).review.rights == {"legal": ["eve"], "a.b": []}
