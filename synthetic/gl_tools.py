"""Small helpers around moderngl."""

from typing import Self, TypeVar

import moderngl

_T = TypeVar("_T", moderngl.Buffer, moderngl.VertexArray)


class Scope:
    """Releases GL objects when left."""

    def __init__(self) -> None:
        self._things: list[moderngl.Buffer | moderngl.VertexArray] = []

    def __enter__(self) -> Self:
        """Return the scope."""
        return self

    def keep(self, thing: _T) -> _T:
        """Take care of an object and return it."""
        self._things.append(thing)
        return thing

    def __exit__(self, *_: object) -> None:
        """Release everything kept."""
        for thing in self._things:
            thing.release()


def head_attributes(program: moderngl.Program, vbo: moderngl.Buffer) -> list[tuple[object, ...]]:
    """Describe the head vertex layout, skipping attributes that the compiler has optimised away."""
    names = ["in_position", "in_normal", "in_surface"]
    parts = ["3f" if name in program else "3x4" for name in names]
    return [(vbo, " ".join(parts), *(name for name in names if name in program))]


def put(program: moderngl.Program, values: dict[str, object]) -> None:
    """Set the uniforms that the program uses (the compiler drops unused ones); bytes are written as they are."""
    for name, value in values.items():
        if name not in program:
            continue
        uniform = program[name]
        if isinstance(value, bytes):
            uniform.write(value)  # type: ignore[union-attr]
        else:
            uniform.value = value  # type: ignore[union-attr]
