"""The association cache in Redis.

Keys of a gallery share one hash slot, by the tag in braces:

* ``assoc:{gallery}:known``           set of the ids of the known videos
* ``assoc:{gallery}:v:<video>``       set of the video's appearance ids
* ``assoc:{gallery}:e:<appearance>``  hash: ``<other appearance>|<letter of the modality>`` -> probability as text;
                                      and the field ``.`` once the appearance belongs to a known video

An edge end takes about 50 bytes while the hash stays compact; with 32 face and 16 body edges an appearance takes at
most about 2.5 KB (`EDGE_LIMITS`; the figures stand in tests/backends/associations). Merging an end and trimming it to
its strongest is one script, so that two writers cannot lose each other's edges.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TypeVar

from packs.spec import Modality
from services.backends.associations.layout import EDGE_LIMITS, PROBABILITY_DIGITS, End, strongest
from services.backends.redis_client import connect, redis_errors
from services.backends.schemas import Association
from services.runtime.errors import BackendUnavailableError

__all__ = ["RedisAssociationStore"]

_LETTERS: Mapping[Modality, str] = {
    Modality.FACE: "f",
    Modality.HEAD: "h",
    Modality.BODY: "b",
    Modality.VOICE: "v",
    Modality.TEXT: "t",
}
_MODALITIES = {letter: modality for modality, letter in _LETTERS.items()}
_MARK = "."
_ENDS_PER_SCRIPT = 500
_KEYS_PER_PIPELINE = 1000

# KEYS[1]: prefix of the hashes. ARGV[1]: {"limits": {letter: n}, "ends": {appearance: {field: probability}}}.
# Fields that will not be kept are never written: a hash that once outgrew its compact form would not go back to it.
_MERGE = """
local job = cjson.decode(ARGV[1])
local function stronger(a, b)
  if a[2] ~= b[2] then return a[2] > b[2] end
  return a[1] < b[1]
end
for id, fields in pairs(job.ends) do
  local key = KEYS[1] .. id
  local stored = redis.call('HGETALL', key)
  local all = {}
  for i = 1, #stored, 2 do all[stored[i]] = stored[i + 1] end
  for field, probability in pairs(fields) do all[field] = probability end
  local groups = {}
  for field, probability in pairs(all) do
    local letter = string.sub(field, -1)
    groups[letter] = groups[letter] or {}
    table.insert(groups[letter], {field, tonumber(probability)})
  end
  for letter, group in pairs(groups) do
    table.sort(group, stronger)
    for i, end_ in ipairs(group) do
      if i > (job.limits[letter] or #group) then
        redis.call('HDEL', key, end_[1])
      elseif fields[end_[1]] then
        redis.call('HSET', key, end_[1], fields[end_[1]])
      end
    end
  end
end
return 1
"""


class RedisAssociationStore:
    """`AssociationStore` on Redis 6.2 or later, or what speaks its protocol and runs scripts.

    Args:
        url: ``redis://``, ``rediss://`` or ``unix://``.
        limits: How many edges of each modality an appearance keeps.
        timeout_s: Deadline of a call.
    """

    def __init__(self, url: str, *, limits: Mapping[Modality, int] = EDGE_LIMITS, timeout_s: float = 5.0) -> None:
        self._redis = connect(url, timeout_s)
        self._limits = {_LETTERS[modality]: limit for modality, limit in limits.items()}

    async def put_video(
        self, gallery: str, video_id: str, appearance_ids: Sequence[str], edges: Sequence[Association]
    ) -> None:
        """Cache a video's edges in place of what was cached of it. Cut short, it leaves the video unknown."""
        await self.drop_video(gallery, video_id)
        ends: dict[str, dict[str, str]] = {one: {_MARK: "1"} for one in appearance_ids}
        for edge in edges:
            letter, probability = _LETTERS[edge.modality], f"{edge.probability:.{PROBABILITY_DIGITS}f}"
            ends.setdefault(edge.first, {})[f"{edge.second}|{letter}"] = probability
            ends.setdefault(edge.second, {})[f"{edge.first}|{letter}"] = probability
        with redis_errors():
            if appearance_ids:
                await self._redis.sadd(_key(gallery, "v", video_id), *appearance_ids)
            for part in _parts(list(ends), _ENDS_PER_SCRIPT):
                job = {"limits": self._limits, "ends": {one: ends[one] for one in part}}
                await self._redis.eval(_MERGE, 1, _key(gallery, "e", ""), json.dumps(job))
            await self._redis.sadd(_key(gallery, "known"), video_id)

    async def edges_of(
        self, gallery: str, appearance_ids: Sequence[str], modalities: Sequence[Modality] = ()
    ) -> dict[str, list[Association]]:
        """Read edges, strongest first."""
        hashes = await self._hashes(gallery, list(dict.fromkeys(appearance_ids)))
        return {
            one: strongest(one, map(_end, fields.items()), modalities)
            for one, fields in hashes.items()
            if fields.pop(_MARK, None) is not None
        }

    async def known_videos(self, gallery: str) -> frozenset[str]:
        """Say which videos' edges are cached."""
        return frozenset(await self._members(_key(gallery, "known")))

    async def drop_video(self, gallery: str, video_id: str) -> int:
        """Forget a video's edges. Other ends that point to it are looked for at every appearance of the gallery."""
        own = await self._members(_key(gallery, "v", video_id))
        was_known = await self._forget_known(gallery, video_id)
        if not own:
            return was_known
        hashes = await self._hashes(gallery, await self._all_appearances(gallery))
        pointing = _pointing(hashes, own)
        with redis_errors():
            async with self._redis.pipeline(transaction=False) as pipeline:
                for one, fields in pointing.items():
                    pipeline.hdel(_key(gallery, "e", one), *fields)
                pipeline.delete(*(_key(gallery, "e", one) for one in own))
                pipeline.delete(_key(gallery, "v", video_id))
                await pipeline.execute()
        return was_known + _records(hashes, own)

    async def count_video(self, gallery: str, video_id: str) -> int:
        """Count a video's records: itself, its appearances, and every end of an edge that is at or points to them."""
        own = await self._members(_key(gallery, "v", video_id))
        known = video_id in await self.known_videos(gallery)
        if not own:
            return int(known)
        return known + _records(await self._hashes(gallery, await self._all_appearances(gallery)), own)

    async def drop_gallery(self, gallery: str) -> int:
        """Forget everything of a gallery, whatever it is called: its keys are looked for one by one."""
        appearances = await self._all_appearances(gallery)
        hashes = await self._hashes(gallery, appearances)
        known = await self.known_videos(gallery)
        with redis_errors():
            keys = [key async for key in self._redis.scan_iter(match=_key(gallery, "*"), count=_KEYS_PER_PIPELINE)]
            for part in _parts(keys, _KEYS_PER_PIPELINE):
                await self._redis.unlink(*part)
        return len(known) + len(appearances) + sum(len(fields) - (_MARK in fields) for fields in hashes.values())

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

    async def _forget_known(self, gallery: str, video_id: str) -> int:
        with redis_errors():
            return int(await self._redis.srem(_key(gallery, "known"), video_id))

    async def _members(self, key: str) -> list[str]:
        with redis_errors():
            return sorted(_text(member) for member in await self._redis.smembers(key))

    async def _all_appearances(self, gallery: str) -> list[str]:
        """Name the appearances of every video of a gallery, those whose `put_video` was cut short included."""
        appearances: list[str] = []
        with redis_errors():
            async for key in self._redis.scan_iter(match=_key(gallery, "v", "*"), count=_KEYS_PER_PIPELINE):
                appearances += await self._members(_text(key))
        return appearances

    async def _hashes(self, gallery: str, appearance_ids: Sequence[str]) -> dict[str, dict[str, str]]:
        found: dict[str, dict[str, str]] = {}
        with redis_errors():
            for part in _parts(appearance_ids, _KEYS_PER_PIPELINE):
                async with self._redis.pipeline(transaction=False) as pipeline:
                    for one in part:
                        pipeline.hgetall(_key(gallery, "e", one))
                    answers = await pipeline.execute()
                for one, answer in zip(part, answers, strict=True):
                    found[one] = {_text(field): _text(value) for field, value in answer.items()}
        return found


def _key(gallery: str, *parts: str) -> str:
    return ":".join((f"assoc:{{{gallery}}}", *parts))


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value


def _end(field: tuple[str, str]) -> End:
    other, _, letter = field[0].rpartition("|")
    return other, _MODALITIES[letter], float(field[1])


def _pointing(hashes: Mapping[str, Mapping[str, str]], own: Sequence[str]) -> dict[str, list[str]]:
    """Find the fields that point to some appearances from others."""
    mine = frozenset(own)
    pointing = {
        one: [field for field in fields if field.rpartition("|")[0] in mine]
        for one, fields in hashes.items()
        if one not in mine
    }
    return {one: fields for one, fields in pointing.items() if fields}


def _records(hashes: Mapping[str, Mapping[str, str]], own: Sequence[str]) -> int:
    at_own = sum(len(hashes[one]) - (_MARK in hashes[one]) for one in own)
    return len(own) + at_own + sum(map(len, _pointing(hashes, own).values()))


_Sliceable = TypeVar("_Sliceable", Sequence[str], Sequence[bytes])


def _parts(whole: _Sliceable, size: int) -> Iterator[_Sliceable]:
    for start in range(0, len(whole), size):
        yield whole[start : start + size]
