"""The strings of the association cache: 21 bytes an edge, of which very many are read at once.

A record is the far end's id (16 bytes), the modality (`MODALITY_CODES`, 1 byte) and the probability (float32), without
padding, little-endian.
"""

from __future__ import annotations

import struct
from collections.abc import Collection, Iterator, Mapping, Sequence

import numpy as np

from packs.arrays import I64, U64, Bool
from packs.spec import Modality
from services.backends.associations.blocks import MODALITIES, EdgeBlock

__all__ = ["block", "ends", "length", "packed", "pointing"]

_RECORD = struct.Struct("<16sBf")
# The far end's id in two halves, whose order means nothing.
_COLUMNS = np.dtype([("head", "<u8"), ("tail", "<u8"), ("code", "u1"), ("probability", "<f4")])
_ID_BYTES = 16


def packed(other: str, code: int, probability: float) -> bytes:
    """The record of an edge at one end.

    Raises:
        ValueError: If the other end's id is not 32 hexadecimal digits.
    """
    far = bytes.fromhex(other)
    if len(far) != _ID_BYTES:
        raise ValueError(f"an appearance's id has 32 hexadecimal digits, got {other!r}")
    return _RECORD.pack(far, code, probability)


def ends(records: bytes) -> Iterator[tuple[str, Modality, float]]:
    """The far ends in a string."""
    return ((far.hex(), MODALITIES[code], probability) for far, code, probability in _RECORD.iter_unpack(records))


def block(ids: Sequence[str], strings: Sequence[bytes | None], wanted: Bool, least: float) -> EdgeBlock:
    """The edges in some strings, of the wanted modalities, bool[256] by code, and of at least a probability."""
    sizes = [length(value or b"") for value in strings]
    records = np.frombuffer(b"".join(filter(None, strings)), _COLUMNS)
    probabilities = records["probability"].astype(np.float64)
    kept = np.flatnonzero(wanted[records["code"]] & (probabilities >= least))
    own = np.frombuffer(bytes.fromhex("".join(ids)), "<u8").reshape(-1, 2)
    names, rows = _named(
        np.concatenate([own[:, 0], records["head"][kept]]), np.concatenate([own[:, 1], records["tail"][kept]])
    )
    return EdgeBlock(
        names,
        np.repeat(rows[: len(ids)], sizes)[kept],
        rows[len(ids) :],
        records["code"][kept],
        probabilities[kept],
        np.zeros(len(kept), dtype=np.bool_),
    )


def _named(heads: U64, tails: U64) -> tuple[list[str], I64]:
    """The different ones of ids, given as two halves uint64[N], and which of them each is, int64[N]."""
    # Ids are digests: their first halves nearly always tell them apart, and one column is quicker to sort than two.
    order = np.argsort(heads)
    head, tail = heads[order], tails[order]
    change = np.ones(len(heads), dtype=np.bool_)
    np.not_equal(head[1:], head[:-1], out=change[1:])
    if np.any((tail[1:] != tail[:-1]) & ~change[1:]):
        order = np.lexsort((tails, heads))
        head, tail = heads[order], tails[order]
        change[1:] = (head[1:] != head[:-1]) | (tail[1:] != tail[:-1])
    rows = np.empty(len(heads), dtype=np.int64)
    rows[order] = np.cumsum(change) - 1
    written = np.stack([head[change], tail[change]], axis=1).tobytes().hex()
    return [written[at : at + 2 * _ID_BYTES] for at in range(0, len(written), 2 * _ID_BYTES)], rows


def length(records: bytes) -> int:
    """How many edges a string has."""
    return len(records) // _RECORD.size


def pointing(strings: Mapping[str, bytes], own: Collection[str]) -> dict[str, int]:
    """Count the edges to some appearances in the strings of others."""
    if not own:
        return {}
    apart = frozenset(own)
    others = [one for one in strings if one not in apart]
    records = np.frombuffer(b"".join(strings[one] for one in others), _COLUMNS)
    mine = np.frombuffer(bytes.fromhex("".join(own)), "<u8").reshape(-1, 2)
    heads = np.sort(mine[:, 0])
    # By the first half of the id nearly all are told; the few that are left are looked at as a whole.
    places = np.minimum(np.searchsorted(heads, records["head"]), len(heads) - 1)
    near = np.flatnonzero(heads[places] == records["head"]) if len(heads) else np.empty(0, dtype=np.int64)
    whole = set(map(tuple, mine.tolist()))
    pairs = zip(records["head"][near].tolist(), records["tail"][near].tolist(), strict=True)
    found = near[np.fromiter((pair in whole for pair in pairs), np.bool_, len(near))]
    ends_of = np.cumsum([length(strings[one]) for one in others])
    counts = np.bincount(np.searchsorted(ends_of, found, side="right"), minlength=len(others)).tolist()
    return {one: count for one, count in zip(others, counts, strict=True) if count}
