"""The association cache in Redis.

Keys of a gallery share one hash slot, by the tag in braces:

* ``assoc:{gallery}:known``           set of the ids of the known videos
* ``assoc:{gallery}:v:<video>``       set of the video's appearance ids
* ``assoc:{gallery}:stamp``           string, another one after each change of any ``e:`` string
* ``assoc:{gallery}:e:<appearance>``  string: one record of 21 bytes for each edge, the far end's id (16 bytes), the
                                      modality (1 byte) and the probability (float32); empty when there is no edge

One string is read as a whole, with all others in one MGET: a hash with a field for each edge took 70 bytes an edge,
and 0.7 ms of Python to read 48 of them. With 32 face and 16 body edges an appearance takes about 1.2 KB
(`EDGE_LIMITS`; tests/backends/associations measures it). Merging edges into a string, trimming it to its strongest
and taking edges out are scripts (`scripts.py`), so that two writers cannot lose each other's edges.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from packs.arrays import I64
from packs.spec import Modality
from services.backends.associations import records
from services.backends.associations.blocks import MODALITY_CODES
from services.backends.associations.layout import EDGE_LIMITS, strongest
from services.backends.associations.mirror import EdgeMirror, Shelf
from services.backends.associations.scripts import CUT, MERGE
from services.backends.redis_client import connect, read_many, redis_errors
from services.backends.schemas import Association
from services.runtime.chunks import chunks_of
from services.runtime.errors import BackendUnavailableError

__all__ = ["RedisAssociationStore"]

_ENDS_PER_SCRIPT = 500
_KEYS_PER_CALL = 1000


@dataclass(frozen=True, slots=True)
class _Held:
    """What there is of some appearances: by a video's key which it lists, who points to them, and how many records."""

    listed: Mapping[str, set[str]]
    pointing: Mapping[str, int]
    count: int


class RedisAssociationStore:
    """`AssociationStore` on Redis 6.2 or later, or what speaks its protocol and runs scripts.

    Args:
        url: ``redis://``, ``rediss://`` or ``unix://``.
        limits: How many edges of each modality an appearance keeps.
        timeout_s: Deadline of a call.
        mirror_bytes: Room for edges that are kept in the process.
    """

    def __init__(
        self,
        url: str,
        *,
        limits: Mapping[Modality, int] = EDGE_LIMITS,
        timeout_s: float = 5.0,
        mirror_bytes: int = 0,
    ) -> None:
        self._redis = connect(url, timeout_s)
        self._mirror = EdgeMirror(mirror_bytes)
        self._limits = {str(MODALITY_CODES[modality]): limit for modality, limit in limits.items()}

    async def put_video(
        self, gallery: str, video_id: str, appearance_ids: Sequence[str], edges: Sequence[Association]
    ) -> None:
        """Cache a video's edges in place of what was cached of it. Cut short, it leaves the video unknown.

        Raises:
            ValueError: If an appearance's id is not 32 hexadecimal digits.
            BackendUnavailableError: If Redis does not answer.
        """
        await self.drop_video(gallery, video_id)
        ends = {one: bytearray() for one in appearance_ids}
        for edge in edges:
            code = MODALITY_CODES[edge.modality]
            ends.setdefault(edge.first, bytearray()).extend(records.packed(edge.second, code, edge.probability))
            ends.setdefault(edge.second, bytearray()).extend(records.packed(edge.first, code, edge.probability))
        with redis_errors():
            if appearance_ids:
                await self._redis.sadd(_key(gallery, "v", video_id), *appearance_ids)
            for part in chunks_of(list(ends), _ENDS_PER_SCRIPT):
                arguments = [argument for one in part for argument in (one, bytes(ends[one]))]
                await self._redis.eval(
                    MERGE,
                    2,
                    _key(gallery, "e", ""),
                    _key(gallery, "stamp"),
                    json.dumps(self._limits),
                    uuid.uuid4().hex,
                    *arguments,
                )
            await self._redis.sadd(_key(gallery, "known"), video_id)

    async def edges_of(
        self, gallery: str, appearance_ids: Sequence[str], modalities: Sequence[Modality] = ()
    ) -> dict[str, list[Association]]:
        """Read edges, strongest first."""
        found = await self._strings(gallery, list(dict.fromkeys(appearance_ids)))
        return {one: strongest(one, records.ends(value), modalities) for one, value in found.items()}

    async def shelf(self, gallery: str) -> Shelf:
        """The edges that are kept, as far as none has changed since."""
        with redis_errors():
            stamp, *_ = await read_many(self._redis, [_key(gallery, "stamp")])
        return self._mirror.shelf(gallery, stamp) or Shelf(b"", kept=False)

    async def fill(self, gallery: str, shelf: Shelf, rows: I64) -> I64:
        """Read what a shelf lacks of some appearances; say which of them are of no known video."""
        unread = shelf.lacking(rows)
        if not len(unread):
            return unread
        names = shelf.roster.ids(unread)
        strings = dict(zip(names, await self._all_values(gallery, names), strict=True))
        # Another reader may have filled it meanwhile.
        still = shelf.roster.ids(shelf.lacking(unread))
        found = {one: value for one in still if (value := strings[one]) is not None}
        if found:
            everything = records.block(list(found), list(found.values()), np.ones(256, dtype=np.bool_), 0.0)
            shelf.learn(list(found), [records.length(value) for value in found.values()], everything)
        return shelf.lacking(unread)

    def has_room(self, shelf: Shelf) -> bool:
        """Whether a shelf may grow."""
        return self._mirror.has_room(shelf)

    async def appearances_of(self, gallery: str, video_id: str) -> list[str]:
        """Name the appearances of a video."""
        return await self._members(_key(gallery, "v", video_id))

    async def _all_values(self, gallery: str, ids: Sequence[str]) -> list[bytes | None]:
        return [value for part in chunks_of(ids, _KEYS_PER_CALL) for value in await self._values(gallery, part)]

    async def known_videos(self, gallery: str) -> frozenset[str]:
        """Say which videos' edges are cached."""
        return frozenset(await self._members(_key(gallery, "known")))

    async def drop_video(self, gallery: str, video_id: str) -> int:
        """Forget a video's edges. Other ends that point to it are looked for at every appearance of the gallery."""
        own = await self._members(_key(gallery, "v", video_id))
        with redis_errors():
            was_known = int(await self._redis.srem(_key(gallery, "known"), video_id))
        if not own:
            return was_known
        strings = await self._strings(gallery, await self._all_appearances(gallery))
        pointing = records.pointing(strings, own)
        await self._cut(gallery, own, list(pointing))
        with redis_errors():
            await self._redis.delete(_key(gallery, "v", video_id))
        return was_known + _count(strings, own, pointing)

    async def count_video(self, gallery: str, video_id: str) -> int:
        """Count a video's records: itself, its appearances, and every end of an edge that is at or points to them."""
        own = await self._members(_key(gallery, "v", video_id))
        with redis_errors():
            known = int(await self._redis.sismember(_key(gallery, "known"), video_id))
        if not own:
            return known
        strings = await self._strings(gallery, await self._all_appearances(gallery))
        return known + _count(strings, own, records.pointing(strings, own))

    async def drop_appearances(self, gallery: str, appearance_ids: Sequence[str]) -> int:
        """Forget some appearances. Other ends that point to them are looked for at every appearance of the gallery."""
        held = await self._held(gallery, appearance_ids)
        await self._cut(gallery, list(dict.fromkeys(appearance_ids)), list(held.pointing))
        with redis_errors():
            # Last, so that a call after one that was cut short finds them again.
            for key, some in held.listed.items():
                await self._redis.srem(key, *some)
        return held.count

    async def count_appearances(self, gallery: str, appearance_ids: Sequence[str]) -> int:
        """Count the records of some appearances."""
        return (await self._held(gallery, appearance_ids)).count

    async def drop_gallery(self, gallery: str) -> int:
        """Forget everything of a gallery, whatever it is called: its keys are looked for one by one."""
        known = await self.known_videos(gallery)
        appearances = await self._all_appearances(gallery)
        strings = await self._strings(gallery, appearances)
        with redis_errors():
            keys = [_text(key) async for key in self._redis.scan_iter(_key(gallery, "*"), count=_KEYS_PER_CALL)]
            for part in chunks_of(keys, _KEYS_PER_CALL):
                await self._redis.unlink(*part)
        return len(known) + len(appearances) + sum(map(records.length, strings.values()))

    async def ping(self) -> bool:
        """Say whether Redis answers."""
        try:
            with redis_errors():
                return bool(await self._redis.ping())
        except BackendUnavailableError:
            return False

    async def aclose(self) -> None:
        """Let go of the connection."""
        await self._redis.aclose()

    async def _members(self, key: str) -> list[str]:
        with redis_errors():
            return sorted(_text(member) for member in await self._redis.smembers(key))

    async def _all_appearances(self, gallery: str) -> list[str]:
        """Name the appearances of every video of a gallery, those whose `put_video` was cut short included."""
        return [one for members in (await self._owners(gallery)).values() for one in members]

    async def _owners(self, gallery: str) -> dict[str, list[str]]:
        """Name the appearances of every video of a gallery, by the key that has them."""
        with redis_errors():
            keys = [_text(key) async for key in self._redis.scan_iter(_key(gallery, "v", "*"), count=_KEYS_PER_CALL)]
        return {key: await self._members(key) for key in keys}

    async def _held(self, gallery: str, appearance_ids: Sequence[str]) -> _Held:
        """What there is of some appearances; an end that no video lists any more is looked at all the same."""
        own = dict.fromkeys(appearance_ids)
        owners = await self._owners(gallery)
        listed = {key: some for key, members in owners.items() if (some := own.keys() & set(members))}
        everybody = {**own, **dict.fromkeys(one for members in owners.values() for one in members)}
        strings = await self._strings(gallery, list(everybody))
        pointing = records.pointing(strings, own)
        ends = sum(records.length(strings.get(one, b"")) for one in own) + sum(pointing.values())
        return _Held(listed, pointing, sum(map(len, listed.values())) + ends)

    async def _cut(self, gallery: str, own: Sequence[str], pointing: Sequence[str]) -> None:
        """Take appearances out: first what others have of them, then what they have themselves."""
        gone = b"".join(map(bytes.fromhex, own))
        with redis_errors():
            for part in chunks_of(pointing, _ENDS_PER_SCRIPT):
                await self._redis.eval(
                    CUT, 2, _key(gallery, "e", ""), _key(gallery, "stamp"), gone, uuid.uuid4().hex, *part
                )
            async with self._redis.pipeline(transaction=True) as together:
                for part in chunks_of(own, _KEYS_PER_CALL):
                    together.unlink(*(_key(gallery, "e", one) for one in part))
                together.set(_key(gallery, "stamp"), uuid.uuid4().hex)
                await together.execute()

    async def _strings(self, gallery: str, appearance_ids: Sequence[str]) -> dict[str, bytes]:
        """Read the records of appearances; those that are not known are left out."""
        found: dict[str, bytes] = {}
        for part in chunks_of(appearance_ids, _KEYS_PER_CALL):
            values = await self._values(gallery, part)
            found.update((one, value) for one, value in zip(part, values, strict=True) if value is not None)
        return found

    async def _values(self, gallery: str, appearance_ids: Sequence[str]) -> list[bytes | None]:
        """Read the records of at most `_KEYS_PER_CALL` appearances, None of those that are not known."""
        keys = [_key(gallery, "e", one) for one in appearance_ids]
        if not keys:
            return []
        with redis_errors():
            return await read_many(self._redis, keys)


def _key(gallery: str, *parts: str) -> str:
    return ":".join((f"assoc:{{{gallery}}}", *parts))


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value


def _count(strings: Mapping[str, bytes], own: Collection[str], pointing: Mapping[str, int]) -> int:
    return len(own) + sum(records.length(strings.get(one, b"")) for one in own) + sum(pointing.values())
