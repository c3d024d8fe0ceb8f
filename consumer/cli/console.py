"""The commands of the reviewers' pages: console · console user · console link."""

from __future__ import annotations

from getpass import getuser
from typing import Annotated

import cyclopts
from cyclopts import Parameter

from consumer.cli.options import Config, Json, Sets, examples, settings_of

app = cyclopts.App(name="console", help="Serve the reviewers' pages, and let people in.")
user = cyclopts.App(name="user", help="Local users, in review.console.users_file.")
app.command(user)

Name = Annotated[str, Parameter(help="By what name they stand in the record.")]
Roles = Annotated[
    list[str] | None,
    Parameter(
        name="--role", negative=(), help="reviewer, lead, policy-author or auditor; repeatable."
    ),
]


@app.default
def console(*, config: Config = None, set: Sets = None) -> None:
    """Serve the reviewers' pages until stopped by Ctrl-C or SIGTERM."""
    from consumer.commands.console.serving import serve

    raise SystemExit(serve(settings_of(config, set)))


@user.command(help_epilogue=examples("safeguard console user add ann --role reviewer"))
def add(
    name: Name,
    *,
    role: Roles = None,
    json: Json = False,
    config: Config = None,
    set: Sets = None,
) -> None:
    """Add a local user, or change one; the password is asked for, or the first line on stdin."""
    from consumer.commands.console.people import add_user

    settings = settings_of(config, set, quiet=True)
    raise SystemExit(add_user(settings, name, role or [], as_json=json))


@user.command(help_epilogue=examples("safeguard console user remove ann"))
def remove(name: Name, *, json: Json = False, config: Config = None, set: Sets = None) -> None:
    """Take a local user out, and sign them out at once."""
    from consumer.commands.console.people import remove_user

    settings = settings_of(config, set, quiet=True)
    raise SystemExit(remove_user(settings, getuser(), name, as_json=json))


@user.command(name="list", help_epilogue=examples("safeguard console user list --json"))
def list_(*, json: Json = False, config: Config = None, set: Sets = None) -> None:
    """Print the local users and their roles."""
    from consumer.commands.console.people import list_users

    raise SystemExit(list_users(settings_of(config, set, quiet=True), as_json=json))


@app.command(help_epilogue=examples("safeguard console link ann --role reviewer --role lead"))
def link(
    name: Name,
    *,
    role: Roles = None,
    json: Json = False,
    config: Config = None,
    set: Sets = None,
) -> None:
    """Print a link that signs somebody in once, where review.console.links is set."""
    from consumer.commands.console.people import make_link

    settings = settings_of(config, set, quiet=True)
    raise SystemExit(make_link(settings, name, role or [], as_json=json))
