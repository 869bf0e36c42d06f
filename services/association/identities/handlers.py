"""What the identity service does: reads who is who, and takes down what is said of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence

from services.association.identities.answers import (
    Asked,
    IdentityPage,
    IdentityView,
    Label,
    OperationPage,
    SaidOperation,
    SpotPage,
    label_of,
    view_of,
)
from services.association.identities.keeper import IdentityKeeper
from services.association.identities.leftovers import strays
from services.association.identities.pages import page_of
from services.association.identities.people import People
from services.association.identities.resemblance import Resemblance
from services.association.identities.reviews import Said, identities_to_review, questions
from services.association.identities.settings import IdentitySettings
from services.association.identities.watching import IdentityWatch
from services.backends.people import Operation, OperationKind, Spot
from services.runtime.errors import (
    AppearanceNotFoundError,
    ContradictionError,
    IdentityNotFoundError,
    OperationNotFoundError,
)

__all__ = ["IdentityHandlers"]

# Of an identity that an operation speaks of: enough to know it again by most of them, and it all fits into a row.
MOST_SPOTS = 64
MOST_SPOTS_LEFT = 500


class IdentityHandlers:
    """Identities of all galleries; every method raises GalleryNotFoundError and BackendUnavailableError.

    Args:
        keeper: Who is who.
        watch: The same for searches, which do not wait.
        resemblance: Compares those who are left over.
        settings: How identities are kept.
        clock: Unix seconds.
    """

    def __init__(
        self,
        keeper: IdentityKeeper,
        watch: IdentityWatch,
        resemblance: Resemblance,
        settings: IdentitySettings,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._watch, self._resemblance = watch, resemblance
        self._keeper, self._settings, self._clock = keeper, settings, clock

    async def list_identities(self, gallery: str, size: int, token: str, *, named_only: bool = False) -> IdentityPage:
        """Read a page of identities, those with most appearances first. Raises InvalidFieldError."""
        people = await self._keeper.people(gallery)
        clusters = people.state.clusters
        names = [name for name in clusters if not named_only or name in people.state.names]
        names.sort(key=lambda name: (-len(clusters[name]), name))
        page, following = page_of(names, lambda name: (-len(clusters[name]), name), size, token)
        return IdentityPage(tuple(view_of(gallery, people, name) for name in page), following)

    async def get_identity(self, gallery: str, identity_id: str, size: int, token: str) -> SpotPage:
        """Read an identity and a page of where it appears. Raises IdentityNotFoundError or InvalidFieldError."""
        people = await self._keeper.people(gallery)
        name = _current(people, gallery, identity_id)
        nodes = (people.nodes[one] for one in people.state.clusters[name])
        spots = sorted((node.spot for node in nodes), key=_place)
        page, following = page_of(spots, _place, size, token)
        return SpotPage(view_of(gallery, people, name), tuple(page), following)

    async def list_memberships(self, gallery: str, appearance_ids: Sequence[str]) -> list[tuple[str, Label]]:
        """Say who some appearances are, in their order, as far as it is known at once; the others are left out."""
        labels = await self._watch.labels(gallery, appearance_ids)
        return [(one, labels[one]) for one in appearance_ids if one in labels]

    async def name(
        self, gallery: str, identity_id: str, name: str, author: str
    ) -> tuple[SaidOperation | None, IdentityView]:
        """Name an identity. Raises IdentityNotFoundError."""
        people = await self._keeper.people(gallery)
        home = _current(people, gallery, identity_id)
        said: Operation | None = None
        if people.state.names.get(home, "") != name:
            groups = (_spots(people, people.state.clusters[home], MOST_SPOTS),)
            said = await self._say(gallery, OperationKind.NAME, author, (home,), groups, name=name)
        else:
            said = _last(people, lambda one: one.kind is OperationKind.NAME and one.identity_ids == (home,))
        return _counting(said), await self._view(gallery, home)

    async def merge(
        self, gallery: str, identity_id: str, others: Sequence[str], author: str
    ) -> tuple[SaidOperation | None, IdentityView]:
        """Say that identities are one person. Raises IdentityNotFoundError."""
        people = await self._keeper.people(gallery)
        target = _current(people, gallery, identity_id)
        sources = [_current(people, gallery, other) for other in others]
        sources = [source for source in dict.fromkeys(sources) if source != target]
        if not sources:
            said = _last(people, lambda one: one.kind is OperationKind.MERGE and set(others) <= set(one.identity_ids))
            return _counting(said), view_of(gallery, people, target)
        groups = tuple(_spots(people, people.state.clusters[each], MOST_SPOTS) for each in (target, *sources))
        said = await self._say(gallery, OperationKind.MERGE, author, (target, *sources), groups)
        return _counting(said), await self._view(gallery, target)

    async def split(
        self, gallery: str, identity_id: str, appearance_ids: Sequence[str], author: str
    ) -> tuple[SaidOperation, IdentityView, IdentityView]:
        """Say that some appearances are another person than the rest of their identity.

        Raises:
            IdentityNotFoundError: If there is no such identity.
            AppearanceNotFoundError: If an appearance is not there.
            ContradictionError: If one is of another identity, or nothing would be left.
        """
        people = await self._keeper.people(gallery)
        home = _current(people, gallery, identity_id)
        goes = set(appearance_ids)
        _check_there(people, gallery, appearance_ids)
        said = _last(people, lambda one: one.kind is OperationKind.SPLIT and _ids(one, 0) == goes)
        if said is None or goes.intersection(people.state.clusters[home]):
            _check_split(people, home, appearance_ids)
            stays = [one for one in people.state.clusters[home] if one not in goes]
            groups = (_spots(people, goes, len(goes)), _spots(people, stays, MOST_SPOTS_LEFT))
            said = await self._say(gallery, OperationKind.SPLIT, author, (home,), groups)
            people = await self._keeper.people(gallery)
        away = people.state.homes[min(goes)]
        return SaidOperation(said, True), view_of(gallery, people, home), view_of(gallery, people, away)

    async def confirm(self, gallery: str, first: str, second: str, author: str) -> tuple[SaidOperation, IdentityView]:
        """Say that two appearances are one person. Raises AppearanceNotFoundError or ContradictionError."""
        said, people = await self._say_of_pair(gallery, OperationKind.CONFIRM, first, second, author)
        return said, view_of(gallery, people, people.state.homes[first])

    async def reject(
        self, gallery: str, first: str, second: str, author: str
    ) -> tuple[SaidOperation, IdentityView, IdentityView]:
        """Say that two appearances are two people. Raises AppearanceNotFoundError or ContradictionError."""
        said, people = await self._say_of_pair(gallery, OperationKind.REJECT, first, second, author)
        one, other = (view_of(gallery, people, people.state.homes[end]) for end in (first, second))
        return said, one, other

    async def undo(self, gallery: str, number: int, author: str) -> SaidOperation:
        """Take an operation back. Raises OperationNotFoundError."""
        people = await self._keeper.people(gallery)
        if not 1 <= number <= len(people.operations):
            raise OperationNotFoundError(gallery, number)
        said = _last(people, lambda one: one.undoes == number)
        if said is None:
            said = await self._say(gallery, OperationKind.UNDO, author, (), (), undoes=number)
        return SaidOperation(said, True)

    async def list_operations(self, gallery: str, size: int, token: str) -> OperationPage:
        """Read a page of the log, newest first. Raises InvalidFieldError."""
        people = await self._keeper.people(gallery)
        page, following = page_of(people.operations[::-1], lambda one: (-one.number,), size, token)
        return OperationPage(tuple(SaidOperation(one, one.number in people.state.in_force) for one in page), following)

    async def list_reviews(self, gallery: str, limit: int) -> list[Asked]:
        """Ask what is least sure and most depends on, most uncertain first."""
        people = await self._keeper.people(gallery)
        names = identities_to_review(people.state, self._settings.max_review_appearances)
        members = [one for name in names for one in people.state.clusters[name]]
        # What is too weak to join anybody tells all the same whom to ask about.
        weights = await self._keeper.weights(gallery, members, least=0.0)
        left = [people.nodes[one] for one in strays(people.state, names)]
        likeness = await self._resemblance.of(gallery, left, (people.nodes[one] for one in members))
        # Seconds of arithmetic in a large gallery: other calls go on meanwhile.
        said = Said.of(one for one in people.operations if one.number in people.state.in_force)
        found = await asyncio.to_thread(questions, people.state, names, people.nodes, weights, limit, said, likeness)
        return [
            Asked(
                question,
                people.nodes[question.first].spot,
                people.nodes[question.second].spot,
                label_of(people, question.first_identity),
                label_of(people, question.second_identity),
            )
            for question in found
        ]

    async def _say_of_pair(
        self, gallery: str, kind: OperationKind, first: str, second: str, author: str
    ) -> tuple[SaidOperation, People]:
        people = await self._keeper.people(gallery)
        _check_there(people, gallery, (first, second))
        if first == second:
            raise ContradictionError("an appearance is itself and nobody else: name two", [first])
        pairs = {OperationKind.CONFIRM, OperationKind.REJECT}
        said = _last(people, lambda one: one.kind in pairs and {*_ids(one, 0), *_ids(one, 1)} == {first, second})
        if said is None or said.kind is not kind:
            groups = tuple((people.nodes[one].spot,) for one in (first, second))
            homes = tuple(dict.fromkeys(people.state.homes[one] for one in (first, second)))
            said = await self._say(gallery, kind, author, homes, groups)
            people = await self._keeper.people(gallery)
        return SaidOperation(said, True), people

    async def _say(
        self,
        gallery: str,
        kind: OperationKind,
        author: str,
        identity_ids: tuple[str, ...],
        groups: tuple[tuple[Spot, ...], ...],
        *,
        name: str | None = None,
        undoes: int | None = None,
    ) -> Operation:
        draft = Operation(gallery, 0, kind, self._clock(), author, identity_ids, groups, name, undoes)
        return await self._keeper.say(gallery, draft)

    async def _view(self, gallery: str, identity_id: str) -> IdentityView:
        return view_of(gallery, await self._keeper.people(gallery), identity_id)


def _current(people: People, gallery: str, identity_id: str) -> str:
    found = people.state.current(identity_id)
    if found is None:
        raise IdentityNotFoundError(gallery, identity_id)
    return found


def _check_there(people: People, gallery: str, appearance_ids: Sequence[str]) -> None:
    for one in appearance_ids:
        if one not in people.nodes:
            raise AppearanceNotFoundError(gallery, one)


def _check_split(people: People, home: str, appearance_ids: Sequence[str]) -> None:
    members = people.state.clusters[home]
    strangers = sorted(set(appearance_ids).difference(members))
    if strangers:
        raise ContradictionError("an appearance belongs to another identity: split that one", strangers)
    if len(appearance_ids) == len(members):
        raise ContradictionError("these are all its appearances: leave at least one", list(appearance_ids)[:8])


def _spots(people: People, appearance_ids: Sequence[str] | set[str], most: int) -> tuple[Spot, ...]:
    """Where some appearances are, the longest first."""
    nodes = sorted((people.nodes[one] for one in appearance_ids), key=lambda node: (-node.length_s, node.appearance_id))
    return tuple(node.spot for node in nodes[:most])


def _last(people: People, fits: Callable[[Operation], bool]) -> Operation | None:
    """The latest operation in force that fits."""
    return next((one for one in people.operations[::-1] if one.number in people.state.in_force and fits(one)), None)


def _ids(operation: Operation, group: int) -> set[str]:
    return {spot.appearance_id for spot in operation.groups[group]} if group < len(operation.groups) else set()


def _counting(operation: Operation | None) -> SaidOperation | None:
    return SaidOperation(operation, True) if operation is not None else None


def _place(spot: Spot) -> tuple[str, int, str]:
    return spot.video_id, spot.start_ms, spot.appearance_id
