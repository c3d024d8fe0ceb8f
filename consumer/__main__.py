"""Where the process begins: stops are heard before what takes time is imported."""

import sys

RUN = "run"
"""The one command that is a service; the others end by a signal like any program."""


def main() -> None:
    """The `safeguard` of the command line."""
    if sys.argv[1:2] == [RUN]:
        from consumer.worker import stops

        stops.hear()
    from consumer import cli

    cli.main()


if __name__ == "__main__":
    main()
