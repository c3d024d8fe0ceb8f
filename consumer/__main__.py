"""Where the process begins: stops are heard before what takes time is imported."""

import sys

RUN = "run"
"""The one command that is a service; the others end by a signal like any program."""


def main() -> None:
    """The `safeguard` of the command line."""
    from consumer.worker import stops

    if sys.argv[1:2] == [RUN]:
        stops.hear()
    else:
        stops.end_with_parent()
    from consumer import cli

    cli.main()


if __name__ == "__main__":
    main()
