"""
What is generated from the code and kept in the tree: JSON Schemas, and the README's tables.

`python -m tests.generated` writes them anew; a test fails when they are stale.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

from prometheus_client.metrics import MetricWrapperBase

from consumer.cli.settings import settings_table
from consumer.domain.envelope import Envelope
from consumer.telemetry.metrics import Metrics

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
SCHEMAS = ROOT / "deploy" / "schemas"


def schemas() -> dict[str, str]:
    """File name -> JSON Schema of what we write."""
    schema = Envelope.model_json_schema()
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "safeguard.verdict.v1"
    return {"verdict.v1.json": json.dumps(schema, indent=2, ensure_ascii=False) + "\n"}


def metrics_table() -> str:
    """Every metric, its kind and meaning."""
    rows = ["| metric | kind | labels | meaning |", "|---|---|---|---|"]
    for metric in vars(Metrics()).values():
        if isinstance(metric, MetricWrapperBase):
            (family,) = metric.describe()
            suffix = "_total" if family.type == "counter" else ""
            labels = ", ".join(metric._labelnames)
            rows.append(
                f"| `{family.name}{suffix}` | {family.type} | {labels} | {family.documentation} |"
            )
    return "\n".join(rows)


def tree() -> str:
    """The package's modules with the first sentence of each docstring."""
    lines: list[str] = []
    package = ROOT / "consumer"
    files = sorted(
        (file for file in package.rglob("*.py") if file.name not in ("__init__.py", "__main__.py")),
        key=lambda file: (file.parent != package, file.parent, file.name),
    )
    folder = package
    for file in files:
        if file.parent != folder:
            folder = file.parent
            about = _first_sentence(folder / "__init__.py")
            lines.append(f"{folder.relative_to(ROOT)}/  {about}")
        indent = "" if file.parent == package else "    "
        name = file.relative_to(ROOT) if file.parent == package else file.name
        lines.append(f"{indent}{name!s:<22} {_first_sentence(file)}")
    return "```\n" + "\n".join(lines) + "\n```"


def _first_sentence(file: Path) -> str:
    found = re.match(r'"""\s*(.+?)(?:\n\n|""")', file.read_text(), re.DOTALL)
    assert found, f"{file} has no docstring"
    text = " ".join(found[1].split())
    return re.split(r"(?<=[a-z`)])[.](?:\s|$)", text)[0].rstrip(".")


def readme(text: str) -> str:
    """The README with its generated parts up to date."""
    parts = {"settings": settings_table(), "metrics": metrics_table(), "tree": tree()}
    for name, part in parts.items():
        begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
        assert begin in text, f"the README lacks {begin}"
        assert end in text, f"the README lacks {end}"
        head, _, rest = text.partition(begin)
        text = f"{head}{begin}\n{part}\n{end}{rest.partition(end)[2]}"
    return text


def main() -> None:
    SCHEMAS.mkdir(parents=True, exist_ok=True)
    for name, schema in schemas().items():
        (SCHEMAS / name).write_text(schema)
    README.write_text(readme(README.read_text()))
    print("written: deploy/schemas/ and the README's tables")


if __name__ == "__main__":
    main()
