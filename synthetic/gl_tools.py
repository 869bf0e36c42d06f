"""Small helpers around moderngl."""

from typing import Final, Self, TypeVar

import moderngl

_T = TypeVar("_T", moderngl.Buffer, moderngl.VertexArray)
_HEAD_FLOATS: Final = {"in_position": 3, "in_normal": 3, "in_surface": 3}


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


class Shader:
    """A program whose members are looked up once (moderngl walks through all of them at each look)."""

    def __init__(self, ctx: moderngl.Context, vertex: str, fragment: str) -> None:
        """Compile a program in `ctx`."""
        self.program = ctx.program(vertex_shader=vertex, fragment_shader=fragment)
        self._members = {name: self.program[name] for name in self.program}

    def put(self, values: dict[str, object]) -> None:
        """Set the uniforms that the program uses (the compiler drops unused ones); bytes are written as they are."""
        for name, value in values.items():
            uniform = self._members.get(name)
            if uniform is None:
                continue
            if isinstance(value, bytes):
                uniform.write(value)  # type: ignore[union-attr]
            else:
                uniform.value = value  # type: ignore[union-attr]

    def layout(self, names: dict[str, int]) -> list[str]:
        """Describe a vertex of float attributes (name to number of floats), skipping those that are not used."""
        parts = [f"{count}f" if name in self._members else f"{count}x4" for name, count in names.items()]
        return [" ".join(parts), *(name for name in names if name in self._members)]

    def head_layout(self) -> list[str]:
        """Describe a vertex of a head or of a hair shell."""
        return self.layout(_HEAD_FLOATS)
