"""The published schema: current, and it takes the packs that there are and refuses others.

The validator is of this file's own, for the few keywords that the schema uses; it fails on any other keyword.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from packs.manifest import MANIFEST_FILE, PackManifest
from packs.schema import SCHEMA_FILE, manifest_schema, rendered_schema
from packs.testing import write_tiny_pack

DEMO = Path(__file__).resolve().parents[2] / "packs" / "demo"
NOTES = {"$schema", "$defs", "title", "description", "default", "discriminator"}
TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "null": (type(None),),
    "integer": (int,),
    "number": (int, float),
}


def fits(value: Any, schema: dict[str, Any], root: dict[str, Any]) -> bool:
    """Whether a value is what a schema says (JSON Schema, draft 2020-12, as far as it is used here)."""
    return all(_keyword(name, said, value, schema, root) for name, said in schema.items() if name not in NOTES)


def _keyword(name: str, said: Any, value: Any, schema: dict[str, Any], root: dict[str, Any]) -> bool:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    match name:
        case "$ref":
            return fits(value, root["$defs"][said.rpartition("/")[2]], root)
        case "anyOf" | "oneOf":
            count = sum(fits(value, one, root) for one in said)
            return count == 1 if name == "oneOf" else count >= 1
        case "type":
            return isinstance(value, TYPES[said]) and not isinstance(value, bool)
        case "const":
            return bool(value == said)
        case "enum":
            return value in said
        case "pattern":
            return not isinstance(value, str) or re.search(said, value) is not None
        case "minimum":
            return not number or value >= said
        case "maximum":
            return not number or value <= said
        case "exclusiveMinimum":
            return not number or value > said
        case "minItems":
            return not isinstance(value, list) or len(value) >= said
        case "maxItems":
            return not isinstance(value, list) or len(value) <= said
        case "prefixItems":
            return not isinstance(value, list) or all(fits(one, how, root) for one, how in zip(value, said))
        case "items":
            return not isinstance(value, list) or all(fits(one, said, root) for one in value)
        case "required":
            return not isinstance(value, dict) or set(said) <= value.keys()
        case "properties":
            return not isinstance(value, dict) or all(fits(value[key], said[key], root) for key in value.keys() & said)
        case "propertyNames":
            return not isinstance(value, dict) or all(fits(key, said, root) for key in value)
        case "additionalProperties":
            if not isinstance(value, dict):
                return True
            others = value.keys() - schema.get("properties", {}).keys()
            return not others if said is False else all(fits(value[key], said, root) for key in others)
    raise AssertionError(f"the schema uses {name!r}, which this validator does not know")


def test_the_published_schema_is_current() -> None:
    assert SCHEMA_FILE.read_text() == rendered_schema(), "run `python -m packs.schema`"


def test_it_takes_the_packs_that_there_are(tmp_path: Path) -> None:
    write_tiny_pack(tmp_path)
    schema = json.loads(SCHEMA_FILE.read_text())
    for folder in (DEMO, tmp_path):
        assert fits(json.loads((folder / MANIFEST_FILE).read_text()), schema, schema)


@pytest.mark.parametrize(
    "change",
    [
        {"format": 2},
        {"name": "Not A Name"},
        {"models": []},
        {"surprise": 1},
        {"version": None},
        {"calibration": {"smell": {"slope": 1.0, "intercept": 0.0}}},
        {"calibration": {"face": {"slope": 0.0, "intercept": 0.0}}},
        {"detection": {"model": "person_detector", "thresholds": [0.5, 0.5], "iou": 0.5}},
        {"hearing": {"model": "voice_activity", "threshold": 1.5}},
    ],
    ids=lambda change: next(iter(change)),
)
def test_it_refuses_what_is_none(change: dict[str, Any]) -> None:
    schema = manifest_schema()
    content = json.loads((DEMO / MANIFEST_FILE).read_text()) | change
    assert not fits(content, schema, schema)


def test_a_field_that_is_left_out_is_refused_or_has_a_default() -> None:
    schema = manifest_schema()
    content = json.loads((DEMO / MANIFEST_FILE).read_text())
    for name in content:
        rest = {key: value for key, value in content.items() if key != name}
        assert fits(rest, schema, schema) == (not PackManifest.model_fields[name].is_required())
