"""
`safeguard`, the command line: a file for each family of commands, `options` for what they share.

Results go to stdout, logs and errors to stderr. Exit codes: 0 done, 1 failed, 2 something to mend
in settings, policies or topics, 130 interrupted. What a command needs it imports when it is called,
so that help comes at once.
"""

from __future__ import annotations

import errno
import io
import sys

import cyclopts

from consumer import __version__
from consumer.cli import (
    beginning,
    casebook,
    console,
    dead_letters,
    decision,
    evaluate,
    policy,
    prefilter,
    settings,
    topics,
    verdicts,
    watching,
    worker,
)
from consumer.errors import ConsumerError, Fatal

app = cyclopts.App(
    name="safeguard",
    help_format="plaintext",
    help="Judge Kafka messages against written policies with gpt-oss-safeguard.",
    version=__version__,
    help_epilogue="Start with `safeguard demo`, then `safeguard init` in a folder of your own.",
)
for family in (topics, policy, prefilter, decision, dead_letters, casebook, console):
    app.command(family.app)
# These have no word of their own: it is `safeguard run`, `safeguard audit`. Flattened by the
# library they would be missing from its "did you mean", so they are added one by one.
for family in (beginning, worker, watching, evaluate, verdicts, settings):
    for name in family.app:
        if not name.startswith("-"):
            app.command(family.app[name], name=name)


def main() -> None:
    """Run the command line; errors of ours are printed without a traceback."""
    for stream in (sys.stdout, sys.stderr):
        # A character that the terminal does not know is shown as \\N, and ends nothing.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        app()
    except ConsumerError as error:
        print(f"safeguard: {error}", file=sys.stderr)
        raise SystemExit(error.exit_code if isinstance(error, Fatal) else 1) from None
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    except BrokenPipeError:
        raise SystemExit(1) from None
    except OSError as error:
        # A file that somebody named, or a full disk: whoever typed the command can mend that.
        if error.filename is None and error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        place = "" if error.filename is None else f"{error.filename}: "
        print(f"safeguard: {place}{error.strerror}", file=sys.stderr)
        raise SystemExit(2) from None
