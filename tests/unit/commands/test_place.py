"""Where a command is to write is looked at before it reads topics or asks a model."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from consumer.commands.decision.fitting import FitRequest, fit_thresholds
from consumer.commands.place import check_place
from consumer.commands.prefilter.report import ReportRequest, report_filter
from consumer.commands.prefilter.training import TrainRequest, train_filter
from consumer.errors import InvalidSettings
from consumer.settings.load import load_settings
from consumer.settings.settings import Settings
from tests.unit.registry.test_load import Folder

TOPIC = "chat.messages"
Ask = Callable[[Settings, Path], object]
ASKED: dict[str, Ask] = {
    "--out train": lambda s, f: train_filter(s, TrainRequest(TOPIC, 0.9, f), as_json=True),
    "--out fit": lambda s, f: fit_thresholds(s, FitRequest(TOPIC, 0.9, 0.1, f), as_json=True),
    "--page": lambda s, f: report_filter(s, ReportRequest(Path("no"), f), as_json=True),
}


@pytest.mark.parametrize("asked", ASKED)
def test_nothing_is_done_for_a_file_that_cannot_be_written(tmp_path: Path, asked: str) -> None:
    folder = Folder(tmp_path)
    values = {"policies.folder": str(folder.root), "kafka.bootstrap_servers": "127.0.0.1:9"}
    settings = load_settings(None, values, environment={})
    assert folder.load().patterns == (TOPIC,)
    option = asked.partition(" ")[0]
    with pytest.raises(InvalidSettings, match=f"^{option} .*x: there is no folder .*none$"):
        ASKED[asked](settings, tmp_path / "none/x")
    with pytest.raises(InvalidSettings, match=f"^{option} .* is a folder: name a file in it$"):
        ASKED[asked](settings, tmp_path)


def test_a_file_that_is_there_may_be_written_anew(tmp_path: Path) -> None:
    file = tmp_path / "x"
    check_place("--out", file)
    file.touch()
    check_place("--out", file)
