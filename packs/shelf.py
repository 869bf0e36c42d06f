"""The packs that a deployment keeps: copies of its own, so that one can go back to a pack whose folder has changed.

A shelf is a folder with one folder a pack, named by name, version and digest, and the name of the one that is active.
"""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Iterable
from pathlib import Path

from packs.errors import PackError
from packs.manifest import MANIFEST_FILE, Pack

__all__ = ["KEY_DIGITS", "PackShelf"]

# As many digits of the digest as the index has in the names of its collections.
KEY_DIGITS = 12
LEAST_DIGITS = 4
ACTIVE_FILE = "active"


class PackShelf:
    """Packs below one folder; nothing is written until `keep`.

    Args:
        folder: The shelf; made when the first pack is kept.
        shipped: Folders of packs that are known too, without being kept.
    """

    def __init__(self, folder: Path, shipped: Iterable[Path] = ()) -> None:
        self._folder = folder.absolute()
        self._shipped = tuple(shipped)

    def packs(self) -> list[Pack]:
        """All known packs that can be read, each once: the kept ones first, by name and version."""
        kept = sorted(self._folder.glob(f"*/{MANIFEST_FILE}")) if self._folder.is_dir() else []
        found: dict[str, Pack] = {}
        # What begins with a dot is a copy that was cut off.
        folders = (path.parent for path in kept if not path.parent.name.startswith("."))
        for folder in (*folders, *self._shipped):
            try:
                pack = Pack.load(folder)
            except (PackError, OSError):
                continue
            found.setdefault(pack.digest, pack)
        return list(found.values())

    def by_key(self, key: str) -> Pack | None:
        """The known pack whose digest begins so; None where there is none."""
        return next((pack for pack in self.packs() if pack.digest.startswith(key)), None)

    def find(self, text: str) -> Pack:
        """The pack that somebody means: a folder, a name, ``name@version``, or four or more digits of the digest.

        Raises:
            PackError: If there is none, or more than one.
        """
        folder = Path(text)
        if folder.is_dir():
            return Pack.load(folder)
        meant = [pack for pack in self.packs() if _is_called(pack, text)]
        if len(meant) == 1:
            return meant[0]
        known = ", ".join(f"{pack.name}@{pack.version} ({pack.digest[:KEY_DIGITS]})" for pack in meant or self.packs())
        problem = "is more than one pack" if meant else "is no folder and no known pack"
        raise PackError(f"{text!r} {problem}; known: {known or 'none'}")

    def keep(self, pack: Pack) -> Pack:
        """Copy a pack onto the shelf, unless it is there; return the copy.

        Raises:
            PackError: If a file is absent or is not what the manifest says.
        """
        target = self._folder / f"{pack.name}-{pack.version}-{pack.digest[:KEY_DIGITS]}"
        if target.is_dir():
            return Pack.load(target)
        pack.verify()
        unfinished = self._folder / f".{target.name}.{uuid.uuid4().hex}"
        try:
            for name in [MANIFEST_FILE, *pack.files]:
                (unfinished / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(pack.directory / name, unfinished / name)
            Pack.load(unfinished).verify()
            os.replace(unfinished, target)
        except OSError:
            if not target.is_dir():  # another process was as fast
                raise
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)
        return Pack.load(target)

    def active(self) -> Path | None:
        """Folder of the pack that was made active last; None while none was."""
        try:
            name = (self._folder / ACTIVE_FILE).read_text(encoding="utf-8").strip()
        except FileNotFoundError:
            return None
        return self._folder / name

    def activate(self, pack: Pack) -> Path:
        """Keep a pack and make it the one that the deployment starts with; return the folder of the copy."""
        kept = self.keep(pack)
        fresh = self._folder / f".{ACTIVE_FILE}.{uuid.uuid4().hex}"
        fresh.write_text(f"{kept.directory.name}\n", encoding="utf-8")
        os.replace(fresh, self._folder / ACTIVE_FILE)
        return kept.directory


def _is_called(pack: Pack, text: str) -> bool:
    name, at, version = text.partition("@")
    if len(text) >= LEAST_DIGITS and pack.digest.startswith(text):
        return True
    return pack.name == name and (not at or pack.version == version)
