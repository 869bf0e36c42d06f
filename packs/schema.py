"""The JSON schema of ``pack.json``, for those who write packs without this package.

It is made of `PackManifest`, which checks more than a schema can say: that names differ, that settings name a model.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from packs.manifest import PackManifest

__all__ = ["SCHEMA_FILE", "manifest_schema", "rendered_schema"]

SCHEMA_FILE = Path(__file__).with_name("pack.schema.json")
DIALECT = "https://json-schema.org/draft/2020-12/schema"


def manifest_schema() -> dict[str, Any]:
    """The schema of a manifest as it lies on the disk (JSON Schema, draft 2020-12)."""
    made = PackManifest.model_json_schema(mode="validation")
    return {"$schema": DIALECT, **made}


def rendered_schema() -> str:
    """The schema as it is published: indented, keys in the order of the fields."""
    return json.dumps(manifest_schema(), indent=2, ensure_ascii=True) + "\n"


def main() -> None:
    """``python -m packs.schema``: write the published schema again."""
    SCHEMA_FILE.write_text(rendered_schema())
    sys.stdout.write(f"{SCHEMA_FILE}\n")


if __name__ == "__main__":
    main()
