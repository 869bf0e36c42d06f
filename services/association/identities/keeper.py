"""Keeps the identities of galleries in step with their videos and with what is said; the one writer of the log."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager

from services.association.handlers import AssociationHandlers, Dropped
from services.association.identities.erasing import set_apart, without_appearances
from services.association.identities.graph import LEAST_EDGE, Weights, node_of
from services.association.identities.growing import grown, rebuilt, touched
from services.association.identities.people import People, homes_of, membership_of
from services.association.identities.replaying import advance, replay
from services.association.identities.resolving import Resolver
from services.backends.index.people import OperationExistsError
from services.backends.index.protocol import VectorIndex
from services.backends.people import Operation, OperationKind, Spot
from services.backends.schemas import Scope, Video, VideoState
from services.runtime.chunks import chunks_of
from services.runtime.errors import (
    BackendUnavailableError,
    ContradictionError,
    GalleryNotFoundError,
    IdentityNotFoundError,
)

__all__ = ["IdentityKeeper"]

_IDS_PER_READ = 1000


class StoredWeights:
    """`EdgeSource` of one gallery: the associations as they were computed, whatever was said."""

    def __init__(self, associations: AssociationHandlers, gallery: str) -> None:
        self._associations, self._gallery = associations, gallery

    async def among(self, appearance_ids: Collection[str], least: float = LEAST_EDGE) -> Weights:
        """The weights of the pairs of some appearances, and to others; weaker edges than `least` are left out."""
        wanted = sorted(appearance_ids)
        found = [
            await self._associations.list_associations(self._gallery, part, (), least)
            for part in chunks_of(wanted, _IDS_PER_READ)
        ]
        return Weights(edge for part in found for edge in part)


class IdentityKeeper:
    """Identities of all galleries, one gallery at a time.

    Args:
        index: The record.
        associations: Knows the edges, and which videos have them.
        logger: Where it writes.
    """

    def __init__(self, index: VectorIndex, associations: AssociationHandlers, logger: logging.Logger) -> None:
        self._index, self._associations, self._logger = index, associations, logger
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._people: dict[str, People] = {}
        self._silent: set[str] = set()

    def known(self, gallery: str) -> People | None:
        """What is in memory of a gallery, however old; None when nothing is."""
        return self._people.get(gallery)

    async def people(self, gallery: str) -> People:
        """Who is who now, in the videos that are ready.

        Raises:
            GalleryNotFoundError: If there is no such gallery.
            BackendUnavailableError: If the index or the cache does not answer.
        """
        async with self._turns[gallery]:
            return await self._synced(gallery)

    async def said(self, gallery: str) -> People | None:
        """Who is who, as it was in memory or as it is now; None where nobody has said anything, and so at no cost.

        Raises:
            GalleryNotFoundError: If there is no such gallery.
            BackendUnavailableError: If it is not known, and the index or the cache does not answer.
        """
        if gallery in self._people or gallery in self._silent:
            return self._people.get(gallery)
        if await self._index.people.operations(gallery):
            return await self.people(gallery)
        self._silent.add(gallery)
        return None

    async def weights(self, gallery: str, appearance_ids: Collection[str], least: float = LEAST_EDGE) -> Weights:
        """The weights of the pairs of some appearances, of edges of at least a probability.

        Raises:
            BackendUnavailableError: If the index or the cache does not answer.
        """
        return await StoredWeights(self._associations, gallery).among(appearance_ids, least)

    async def say(self, gallery: str, operation: Operation) -> Operation:
        """Append an operation, whose number is given here, and heed it.

        Raises:
            ContradictionError: If it cannot be; nothing is appended then.
            BackendUnavailableError: If the index or the cache does not answer, or another process writes the log too.
        """
        async with self._turns[gallery]:
            self._silent.discard(gallery)
            people = await self._synced(gallery)
            numbered = Operation(
                gallery,
                len(people.operations) + 1,
                operation.kind,
                operation.at,
                operation.author,
                operation.identity_ids,
                operation.groups,
                operation.name,
                operation.undoes,
            )
            said = [*people.operations, numbered]
            source = StoredWeights(self._associations, gallery)
            if numbered.kind is OperationKind.UNDO:
                state = await replay(people.nodes, people.clusters, said, source)
            else:
                state = await advance(people.state, people.nodes, numbered, source)
                if numbered.number not in state.in_force:
                    raise ContradictionError(
                        f"{numbered.kind} of appearances that are on screen together, or no more there",
                        [spot.appearance_id for spot in numbered.spots][:8],
                    )
            try:
                await self._index.people.append(numbered)
            except OperationExistsError as error:
                self._people.pop(gallery, None)
                raise BackendUnavailableError("milvus", f"{error}; say it again") from error
            people.operations, people.state = said, state
            return numbered

    async def set_apart(self, gallery: str, identity_id: str) -> tuple[str, list[Spot], int]:
        """Make an identity ready to be erased: it is what it is whatever is lost from now on, and has no name.

        Returns:
            Its id, where it is, and how many entries of the log had to be changed.

        Raises:
            GalleryNotFoundError: If there is no such gallery.
            IdentityNotFoundError: If it has no such identity.
            BackendUnavailableError: If the index or the cache does not answer.
        """
        async with self._turns[gallery]:
            people = await self._synced(gallery)
            home = people.state.current(identity_id)
            if home is None:
                raise IdentityNotFoundError(gallery, identity_id)
            made = await set_apart(people, home, StoredWeights(self._associations, gallery))
            with self._read_again_after_trouble(gallery):
                await self._write(gallery, made.people, dict(made.homes))
                await self._index.people.rewrite(made.operations)
            self._people[gallery] = made.people
            spots = [made.people.nodes[one].spot for one in made.people.state.clusters[home]]
            return home, spots, len(made.operations)

    async def forget(self, gallery: str, appearance_ids: Sequence[str]) -> Dropped:
        """Forget who some appearances are that were set apart, and look again. Raises what `people` does."""
        async with self._turns[gallery]:
            people = await self._synced(gallery)
            found = await self._index.people.count_appearances(gallery, appearance_ids)
            with self._read_again_after_trouble(gallery):
                await self._index.people.delete_memberships(appearance_ids)
            self._people[gallery] = without_appearances(people, frozenset(appearance_ids))
            left = await self._index.people.count_appearances(gallery, appearance_ids)
            return Dropped(found - left, left)

    @contextmanager
    def _read_again_after_trouble(self, gallery: str) -> Iterator[None]:
        """When the record was changed in part, what is in memory is behind it: the next call reads it."""
        try:
            yield
        except BaseException:
            self._people.pop(gallery, None)
            raise

    async def _synced(self, gallery: str) -> People:
        there = {video.video_id: video for video in await self._index.list_videos(gallery)}
        videos = {one: video for one, video in there.items() if video.state is VideoState.READY}
        if not there and await self._index.get_gallery(gallery) is None:
            self._people.pop(gallery, None)
            raise GalleryNotFoundError(gallery)
        people = self._people.get(gallery)
        if people is None or people.spoken_of - there.keys():
            # A video is gone, and with it what was said of it: the log itself has changed.
            people = await self._loaded(gallery)
        stale = [one for one, generation in people.videos.items() if _generation(videos.get(one)) != generation]
        fresh = [video for one, video in videos.items() if one not in people.videos or one in stale]
        if stale or fresh:
            people = await self._renewed(gallery, people, stale, fresh)
        if people is not self._people.get(gallery):
            source = StoredWeights(self._associations, gallery)
            people.state = await replay(people.nodes, people.clusters, people.operations, source)
            self._people[gallery] = people
        return people

    async def _loaded(self, gallery: str) -> People:
        rows = await self._index.people.memberships(gallery)
        people = People.of(rows, await self._index.people.operations(gallery))
        if any(row.pack_key != self._index.pack_key for row in rows):
            return await self._rebuilt(gallery, people)
        return people

    async def _renewed(self, gallery: str, people: People, stale: Sequence[str], fresh: Iterable[Video]) -> People:
        """Take out the videos that are gone or were ingested anew, and take in those that are new."""
        old = {one: node for one, node in people.nodes.items() if node.video_id in stale}
        old_homes = {one: name for one, name in people.homes.items() if one in old}
        people = people.without(stale)
        await self._index.people.delete_memberships(sorted(old))
        spots = {
            name: [old[one].spot for one, home in old_homes.items() if home == name] for name in old_homes.values()
        }
        for video in fresh:
            people = await self._taken_in(gallery, people, video, spots)
        return people

    async def _taken_in(self, gallery: str, people: People, video: Video, spots: dict[str, list[Spot]]) -> People:
        rows = await self._index.list_appearances(Scope(gallery, (video.video_id,)))
        new = {row.appearance_id: node_of(row) for row in rows}
        homes = people.homes
        weights = await self.weights(gallery, new) if new else Weights()
        names = touched(new, homes, weights)
        near = {name: people.clusters[name] for name in names}
        nodes = {one: people.nodes[one] for members in near.values() for one in members} | new
        weights = await self.weights(gallery, nodes) if nodes else Weights()
        resolver = Resolver(new)
        before = {one: name for name, where in spots.items() for one in resolver.ids(where)}
        taken = frozenset(people.clusters.keys() - near.keys())
        # Seconds of arithmetic for a film of hundreds of appearances: other calls go on meanwhile.
        found = await asyncio.to_thread(grown, near, nodes, sorted(new), weights, before, taken)
        changed = {one: name for one, name in homes_of(found).items() if homes.get(one) != name}
        videos = people.videos | {video.video_id: video.generation}
        rest = {name: members for name, members in people.clusters.items() if name not in near}
        people = People({**people.nodes, **new}, {**rest, **found}, people.operations, videos)
        await self._write(gallery, people, changed)
        self._logger.info("identities", extra={"gallery": gallery, "video_id": video.video_id, "changed": len(changed)})
        return people

    async def _rebuilt(self, gallery: str, people: People) -> People:
        """Cluster everything anew, since another pack's associations count now."""
        ready = await self._index.list_videos(gallery, [VideoState.READY])
        rows = await self._index.list_appearances(Scope(gallery))
        nodes = {row.appearance_id: node_of(row) for row in rows}
        weights = await self.weights(gallery, nodes) if nodes else Weights()
        resolver = Resolver(nodes)
        before = {
            now: name
            for one, name in people.homes.items()
            if (now := resolver.id_of(people.nodes[one].spot)) is not None
        }
        clusters = await asyncio.to_thread(rebuilt, nodes, weights, before)
        await self._index.people.delete_memberships(sorted(people.nodes.keys() - nodes.keys()))
        made = People(nodes, clusters, people.operations, {video.video_id: video.generation for video in ready})
        await self._write(gallery, made, homes_of(clusters))
        return made

    async def _write(self, gallery: str, people: People, homes: dict[str, str]) -> None:
        key = self._index.pack_key
        rows = [
            membership_of(gallery, people.nodes[one], people.videos[people.nodes[one].video_id], name, key)
            for one, name in sorted(homes.items())
        ]
        await self._index.people.put_memberships(rows)


def _generation(video: Video | None) -> int | None:
    return video.generation if video is not None else None
