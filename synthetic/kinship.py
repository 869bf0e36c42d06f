"""Look-alikes: how a person is drawn close to another without becoming the same."""

from dataclasses import fields, replace
from typing import Any, Final, TypeVar

from synthetic.types import generator

T = TypeVar("T")

RELATIVE_SHARE: Final = 0.15
"""Share of a cast that is drawn as a relative of the person before them."""

_STREAM: Final = 11


def has_relative(cast_seed: int, index: int) -> bool:
    """Whether person `index` of a cast is drawn as a relative of person `index - 1`; needs nobody else to be drawn."""
    return index > 0 and bool(generator(cast_seed, index, _STREAM).random() < RELATIVE_SHARE)


def between(own: T, base: T, likeness: float, inherit: tuple[str, ...] = ()) -> T:
    """Move a frozen dataclass towards another of its kind.

    Args:
        own: what the person would be by themselves.
        base: the same thing of the relative.
        likeness: 0 leaves `own`, 1 gives `base`; numbers and tuples of numbers are mixed in between.
        inherit: fields that are taken from `base` as they are; other fields that are no numbers stay `own`.
    """
    changes = {}
    for field in fields(own):  # type: ignore[arg-type]
        mine, theirs = getattr(own, field.name), getattr(base, field.name)
        changes[field.name] = theirs if field.name in inherit else mix(mine, theirs, likeness)
    return replace(own, **changes)  # type: ignore[type-var]


def mix(mine: Any, theirs: Any, likeness: float) -> Any:
    """Mix a number or a tuple of numbers with another; 1 gives `theirs`. What is no number stays as it is."""
    if isinstance(mine, float):
        return mine + (theirs - mine) * likeness
    if isinstance(mine, int):
        return round(mine + (theirs - mine) * likeness)
    if isinstance(mine, tuple) and len(mine) == len(theirs) and all(isinstance(v, float) for v in mine):
        return tuple(mix(a, b, likeness) for a, b in zip(mine, theirs, strict=True))
    return mine
