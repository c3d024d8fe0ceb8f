"""The command `settings`: every setting with its value and meaning, and the README's table."""

from __future__ import annotations

from typing import Annotated, Any

import cyclopts
from cyclopts import Parameter

from consumer.cli.options import Config, Sets, examples, settings_of

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
    from consumer.settings.describe import describe_settings
    from consumer.settings.secrets import shown_values

    values = shown_values(settings_of(config, set, quiet=True))
    for each in describe_settings():
        found: Any = values
        for step in each.name.split("."):
            # What a table of one endpoint may hold has a value for each, shown as a whole.
            found = found.get(step, found) if isinstance(found, dict) else found
        value = f" = {found!r}" if not each.name.startswith("inference.endpoints.") else ""
        print(f"{each.name}{value}\n    {each.meaning}")


def settings_table() -> str:
    """The configuration table of the README."""
    from consumer.settings.describe import describe_settings

    rows = ["| setting | default | limits | meaning |", "|---|---|---|---|"]
    for name, default, limits, meaning in describe_settings():
        shown = f"`{default}`" if default else ""
        rows.append(f"| `{name}` | {shown} | {limits} | {meaning} |")
    return "\n".join(rows)
