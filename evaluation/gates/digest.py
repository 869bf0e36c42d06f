"""What the world is made by, in one number: a world that changed without new gates is found by it.

The digest is over the parsed source of `synthetic/`: comments, docstrings and layout do not count, every number, name
and statement does.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path

# Files that only start, split, show or test the work: the same seed gives the same world whatever they hold.
# `descriptions.py` says of people who are already drawn what `describe.py` says of them, and `sayable.py` what it can;
# no film and no shard holds either.
NOT_THE_WORLD = frozenset(
    {
        "__main__.py",
        "cli.py",
        "descriptions.py",
        "film/commands.py",
        "film/sheet.py",
        "sayable.py",
        "sound/commands.py",
        "sound/sample.py",
        "testing.py",
        "workers.py",
    }
)
# They have no fields in one version of Python and some in the next.
_VERSIONED = frozenset({"type_params", "type_comment", "type_ignores", "kind", "ctx"})
# By folder or file; what is not named here makes looks.
PARTS = {"sound": "voices", "film": "films", "describe.py": "films", "words.py": "films"}


def world_digests(root: Path) -> dict[str, str]:
    """Digest the sources under `synthetic/`: sha256 in hexadecimal of `looks`, `voices` and `films`.

    Args:
        root: the package's folder.
    """
    hashes = {part: hashlib.sha256() for part in ("looks", "voices", "films")}
    for path in world_files(root):
        name = path.relative_to(root).as_posix()
        told = hashes[PARTS.get(name.split("/")[0], "looks")]
        told.update(f"{name}\n{canonical(path.read_text(encoding='utf-8'))}\n".encode())
    return {part: value.hexdigest() for part, value in hashes.items()}


def world_files(root: Path) -> list[Path]:
    """List the sources that define the world, in a fixed order."""
    every = ((path.relative_to(root).as_posix(), path) for path in root.rglob("*.py"))
    return [path for name, path in sorted(every) if name not in NOT_THE_WORLD]


def canonical(source: str) -> str:
    """Write a program as its syntax tree, without comments, docstrings and layout."""
    return "".join(_told(ast.parse(source)))


def changed_parts(frozen: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """Name the parts whose digest is not the frozen one."""
    return sorted(part for part in {*frozen, *now} if frozen.get(part) != now.get(part))


def _told(thing: object) -> Iterator[str]:
    if isinstance(thing, ast.AST):
        yield f"({type(thing).__name__}"
        for name, value in ast.iter_fields(thing):
            if name not in _VERSIONED:
                yield f" {name}="
                yield from _told(_without_docstring(thing, value) if name == "body" else value)
        yield ")"
    elif isinstance(thing, list):
        yield "["
        for one in thing:
            yield from _told(one)
        yield "]"
    else:
        yield repr(thing)


def _without_docstring(node: ast.AST, body: object) -> object:
    if not isinstance(body, list) or not body:
        return body
    first = body[0]
    is_text = (
        isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str)
    )
    documented = isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
    return body[1:] if documented and is_text else body
