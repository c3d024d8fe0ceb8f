"""The command `settings`: every setting with its value and meaning, and the README's table."""

from __future__ import annotations

from typing import Annotated

import cyclopts
from cyclopts import Parameter

from consumer.cli.options import Config, Sets, examples, settings_of
from consumer.settings import describe_settings

app = cyclopts.App()


@app.command(
    help_epilogue=examples(
        "safeguard settings --config safeguard.toml",
        "safeguard settings --markdown",
    )
)
def settings(
    *,
    config: Config = None,
    set: Sets = None,
    markdown: Annotated[
        bool, Parameter(help="The table of defaults that the README holds.")
    ] = False,
) -> None:
    """Print every setting with its value and meaning."""
    if markdown:
        print(settings_table())
        return
    values = settings_of(config, set).model_dump(mode="json")
    for name, _default, meaning in describe_settings():
        section, _, field = name.partition(".")
        print(f"{name} = {values[section][field]!r}\n    {meaning}")


def settings_table() -> str:
    """The configuration table of the README."""
    rows = ["| setting | default | meaning |", "|---|---|---|"]
    for name, default, meaning in describe_settings():
        rows.append(
            f"| `{name}` | `{default}` | {meaning} |" if default else f"| `{name}` | | {meaning} |"
        )
    return "\n".join(rows)
