"""
A pytest plugin that gives one module another source, before anything imports it.

Nothing is written where others look: neither the module's file nor its byte code. Examples are the
same in every run, and what fails is not made smaller: here it only matters that something does.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import spec_from_file_location
from pathlib import Path
from types import CodeType, ModuleType

from hypothesis import Phase, settings

MODULE, FILE, SOURCE = (f"SAFEGUARD_TEST_PLANTED_{name}" for name in ("MODULE", "FILE", "SOURCE"))


class _Planted(SourceFileLoader):
    def get_code(self, fullname: str) -> CodeType:
        source = Path(os.environ[SOURCE]).read_text()
        return compile(source, self.path, "exec", dont_inherit=True)


class _Finder(MetaPathFinder):
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != os.environ[MODULE]:
            return None
        file = os.environ[FILE]
        return spec_from_file_location(fullname, file, loader=_Planted(fullname, file))


settings.register_profile(
    "planted", database=None, derandomize=True, phases=[Phase.explicit, Phase.generate]
)
settings.load_profile("planted")
if os.environ.get(MODULE):
    assert os.environ[MODULE] not in sys.modules
    sys.meta_path.insert(0, _Finder())
