"""Which face of a portrait is meant: `--face N` or `--face x_min,y_min,x_max,y_max`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import grpc
from rich.console import Console
from rich.table import Table

from personsearch.cli.words import percent, place_in_words
from personsearch.errors import PersonSearchError, SeveralFacesError, box_from_text
from personsearch.v1 import geometry_pb2, person_search_service_pb2

__all__ = ["FaceChoice", "ask_with_face", "print_choice"]

Ask = Callable[[geometry_pb2.Box | None], Awaitable[person_search_service_pb2.SearchResponse]]


@dataclass(frozen=True, slots=True)
class FaceChoice:
    """A face by its box, or by its number (from 1) in the list that a refused search printed."""

    box: geometry_pb2.Box | None = None
    number: int | None = None

    @classmethod
    def parse(cls, text: str) -> FaceChoice:
        """Read the value of `--face`; raises ValueError."""
        if text.strip().isdigit():
            number = int(text)
            if number < 1:
                raise ValueError("faces are numbered from 1")
            return cls(number=number)
        return cls(box=box_from_text(text))


async def ask_with_face(ask: Ask, choice: FaceChoice) -> person_search_service_pb2.SearchResponse:
    """Ask, and when a number was chosen among several faces, ask again with that face's box."""
    try:
        answer = await ask(choice.box)
    except SeveralFacesError as error:
        if choice.number is None:
            raise
        return await ask(_numbered(error.faces, choice.number))
    if choice.number is not None and choice.number > 1:
        raise _no_such_face(choice.number, 1)
    return answer


def _numbered(faces: tuple[geometry_pb2.Box, ...], number: int) -> geometry_pb2.Box:
    if number > len(faces):
        raise _no_such_face(number, len(faces))
    return faces[number - 1]


def _no_such_face(number: int, count: int) -> PersonSearchError:
    message = f"got --face {number}, but the portrait shows {count}"
    return PersonSearchError("NO_FACE", message, code=grpc.StatusCode.INVALID_ARGUMENT)


def print_choice(error: SeveralFacesError) -> None:
    """Print the faces of a portrait to standard error, and how to pick one."""
    console = Console(stderr=True)
    console.print(f"The portrait shows {len(error.faces)} faces. Pick one:")
    console.print(_face_table(error.faces))
    console.print("Ask again with --face and its number, such as --face 1, or its box.", highlight=False)


def _face_table(faces: tuple[geometry_pb2.Box, ...]) -> Table:
    """List faces, numbered as `--face` takes them."""
    table = Table("--face", "where", "width", "box", box=None)
    for number, face in enumerate(faces, start=1):
        edges = ",".join(f"{edge:.3f}" for edge in (face.x_min, face.y_min, face.x_max, face.y_max))
        table.add_row(str(number), place_in_words(face), percent(face.x_max - face.x_min), edges)
    return table
