"""What is asked of `evaluate` on a file of cases. Pure."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from consumer.commands.costs.prices import PriceRequest
from consumer.commands.evaluate.cases.columns import Columns
from consumer.commands.evaluate.cases.presets import preset_of
from consumer.commands.evaluate.report.gates import QualityGate
from consumer.commands.place import check_place
from consumer.errors import InvalidSettings

REPORTS = (".json", ".html")


class CasesRequest(NamedTuple):
    """What to evaluate and how, as asked for on the command line."""

    topic: str
    cases: str | None = None
    """A file, `-` for standard input, or None for the version's own cases."""
    columns: Columns = Columns()
    versions: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    efforts: tuple[str, ...] = ()
    with_rerun: bool = False
    concurrency: int = 8
    limit: int = 0
    """At most so many texts, spread over the file; 0 is no limit."""
    tokens_max: int = 0
    """So many tokens in the results file end the run; 0 is no bound."""
    attacks: int = 0
    """So many harmful texts are attacked."""
    results: Path | None = None
    reports: tuple[Path, ...] = ()
    exports: tuple[Path, ...] = ()
    gates: tuple[QualityGate, ...] = ()
    prices: PriceRequest = PriceRequest()
    is_confirmed: bool = False
    preset: str | None = None
    """The set that the file is of, where that is a known one."""
    folder: Path | None = None
    """The policies that were written for it; those of the settings else."""

    @property
    def measures_nothing(self) -> bool:
        """Whether nothing is asked for that the suites alone do not have."""
        suites = CasesRequest(
            self.topic, versions=self.versions, concurrency=self.concurrency, limit=self.limit
        )
        return self == suites and len(self.versions) < 2

    def check(self) -> None:
        """
        Raises:
            InvalidSettings: a number or a name is wrong.
        """
        if self.concurrency < 1 or min(self.limit, self.tokens_max, self.attacks) < 0:
            raise InvalidSettings(
                "--concurrency is 1 or more; --limit, --max-tokens-total and --attacks 0 or more"
            )
        if self.preset is not None and self.cases is None:
            raise InvalidSettings(
                f"--preset {self.preset}: say --cases FILE; the set is not shipped, it is "
                f"{preset_of(self.preset).where}"
            )
        self.prices.check()
        for file in self.reports:
            if file.suffix.lower() not in REPORTS:
                raise InvalidSettings(f"--report {file}: its name must end in .json or .html")
        for option, files in (("--report", self.reports), ("--export", self.exports)):
            for file in files:
                check_place(option, file)
