"""`python -m tests.dataset.watched FILE WORDS…`: the command line, with every connection noted."""

from __future__ import annotations

import sys
from pathlib import Path

from consumer.cli import main


def watch(file: Path) -> None:
    """From now on write each address that is connected to or looked up, a line for each."""

    def note(event: str, arguments: tuple[object, ...]) -> None:
        if event == "socket.connect":
            address = arguments[1]
            host = address[0] if isinstance(address, tuple) else address
        elif event == "socket.getaddrinfo":
            host = arguments[0]
        else:
            return
        with file.open("a") as notes:
            notes.write(f"{host}\n")

    sys.addaudithook(note)


if __name__ == "__main__":
    watch(Path(sys.argv.pop(1)))
    main()
