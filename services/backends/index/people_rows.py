"""Between what is stored of people and the rows of Milvus.

The appearances of an operation stand in `details` with their videos numbered, since those of one operation are in few:
60 bytes each, so that about 800 fit into a field.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from packs.spec import Modality
from services.backends.index.rows import MAX_TEXT_BYTES
from services.backends.people import Membership, Operation, OperationKind, Spot
from services.backends.schemas import AppearanceKind

__all__ = ["membership_of_row", "operation_id", "operation_of_row", "row_of_membership", "row_of_operation"]

Row = dict[str, Any]

_DUMMY_VECTOR = [1.0, 0.0]
_ID_DIGITS = 32
_MEMBER_COLUMNS = ("appearance_id", "gallery", "video_id", "start_s", "end_s", "generation", "identity_id")


def operation_id(gallery: str, number: int) -> str:
    """The key of an operation's row: 32 hexadecimal digits of gallery and number."""
    return hashlib.sha256(f"{gallery}\0operation\0{number}".encode()).hexdigest()[:_ID_DIGITS]


def row_of_operation(operation: Operation) -> Row:
    """Make the row of an operation. Raises ValueError when it is too long for one."""
    videos = sorted({spot.video_id for spot in operation.spots})
    place = {video_id: index for index, video_id in enumerate(videos)}
    groups = [
        [[spot.appearance_id, place[spot.video_id], spot.start_ms, spot.end_ms] for spot in group]
        for group in operation.groups
    ]
    details = {
        "author": operation.author,
        "identities": operation.identity_ids,
        "videos": videos,
        "groups": groups,
        "name": operation.name,
        "undoes": operation.undoes,
    }
    return {
        "operation_id": operation_id(operation.gallery, operation.number),
        "gallery": operation.gallery,
        "number": operation.number,
        "created_at": operation.at,
        "kind": str(operation.kind),
        "details": _text(details),
        "vector": _DUMMY_VECTOR,
    }


def operation_of_row(row: Mapping[str, Any]) -> Operation:
    """Read the row of an operation."""
    details = json.loads(row["details"])
    videos = details["videos"]
    return Operation(
        gallery=row["gallery"],
        number=row["number"],
        kind=OperationKind(row["kind"]),
        at=row["created_at"],
        author=details["author"],
        identity_ids=tuple(details["identities"]),
        groups=tuple(
            tuple(Spot(one, videos[video], start_ms, end_ms) for one, video, start_ms, end_ms in group)
            for group in details["groups"]
        ),
        name=details["name"],
        undoes=details["undoes"],
    )


def row_of_membership(membership: Membership) -> Row:
    """Make the row of a membership."""
    details = {
        "kind": str(membership.kind),
        "modalities": [str(modality) for modality in membership.modalities],
        "pack": membership.pack_key,
    }
    columns = {name: getattr(membership, name) for name in _MEMBER_COLUMNS}
    return {**columns, "details": _text(details), "vector": _DUMMY_VECTOR}


def membership_of_row(row: Mapping[str, Any]) -> Membership:
    """Read the row of a membership."""
    details = json.loads(row["details"])
    return Membership(
        **{name: row[name] for name in _MEMBER_COLUMNS},
        kind=AppearanceKind(details["kind"]),
        modalities=tuple(Modality(name) for name in details["modalities"]),
        pack_key=details["pack"],
    )


def _text(details: Mapping[str, Any]) -> str:
    text = json.dumps(details, separators=(",", ":"))
    if len(text) > MAX_TEXT_BYTES:
        raise ValueError(f"what was said takes {len(text)} bytes, a row holds at most {MAX_TEXT_BYTES}")
    return text
