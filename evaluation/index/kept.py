"""Steps that need not be made again: a report and its page, beside the key of what they were made of."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from evaluation.gallery.memory import source_digest

__all__ = ["KeptSteps", "Made"]

Made = tuple[dict[str, Any], str]
ROOMS = ("evaluation", "packs", "services", "synthetic")


class KeptSteps:
    """Results of steps in a folder: NAME.json, NAME.md and, hidden, the key of both.

    A step is made again when the read-back, the networks that take part, or a source of the product, of the evaluation
    or of the world is another than when it was made.

    Args:
        folder: Of the report.
        made_of: Files that all steps are made of.
        words: What else they depend on.
    """

    def __init__(self, folder: Path, made_of: Iterable[Path], words: Iterable[str] = ()) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        digest = hashlib.sha256(source_digest(rooms=ROOMS).encode())
        for path in made_of:
            digest.update(path.read_bytes())
        for word in words:
            digest.update(word.encode() + b"\0")
        self._key = digest.hexdigest()

    def once(self, name: str, make: Callable[[], Made], say: Callable[[str], None]) -> Made:
        """Return what an earlier run made of the same, else make it and keep it."""
        report, page, key = (self._folder / f"{prefix}{name}.{kind}" for prefix, kind in _FILES)
        if key.exists() and key.read_text(encoding="utf-8") == self._key and report.exists() and page.exists():
            say(f"{name}: as an earlier run left it")
            return json.loads(report.read_text(encoding="utf-8")), page.read_text(encoding="utf-8")
        key.unlink(missing_ok=True)
        say(f"{name}: measuring")
        made = make()
        for path, text in ((report, json.dumps(made[0], indent=2) + "\n"), (page, made[1]), (key, self._key)):
            path.write_text(text, encoding="utf-8")
        return made


_FILES = (("", "json"), ("", "md"), (".", "key"))
