"""What the identity service answers, as plain values."""

from __future__ import annotations

from dataclasses import dataclass

from services.association.identities.people import People
from services.association.identities.reviews import Question
from services.backends.people import Operation, Spot

__all__ = ["Asked", "IdentityPage", "IdentityView", "Label", "OperationPage", "SaidOperation", "SpotPage", "view_of"]


@dataclass(frozen=True, slots=True)
class Label:
    """Who somebody is; without a name where nobody gave one."""

    identity_id: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class IdentityView:
    """An identity as it is shown.

    Attributes:
        label: Id and name.
        gallery: The gallery.
        appearance_count: How many appearances it has.
        video_count: In how many videos.
        seen_s: The sum of their lengths, in seconds.
        cover: The longest.
    """

    label: Label
    gallery: str
    appearance_count: int
    video_count: int
    seen_s: float
    cover: Spot


@dataclass(frozen=True, slots=True)
class SaidOperation:
    """An operation, and whether it counts now."""

    operation: Operation
    in_force: bool


@dataclass(frozen=True, slots=True)
class Asked:
    """A question with where its two appearances are, and who they are taken for."""

    question: Question
    first: Spot
    second: Spot
    first_label: Label
    second_label: Label


@dataclass(frozen=True, slots=True)
class IdentityPage:
    """Some identities, and where the next page goes on; "" when this is the last."""

    identities: tuple[IdentityView, ...]
    next_page_token: str


@dataclass(frozen=True, slots=True)
class SpotPage:
    """An identity, some of where it appears, and where the next page goes on."""

    identity: IdentityView
    spots: tuple[Spot, ...]
    next_page_token: str


@dataclass(frozen=True, slots=True)
class OperationPage:
    """Some operations, newest first, and where the next page goes on."""

    operations: tuple[SaidOperation, ...]
    next_page_token: str


def view_of(gallery: str, people: People, identity_id: str) -> IdentityView:
    """An identity that is there, as it is shown."""
    nodes = [people.nodes[one] for one in people.state.clusters[identity_id]]
    cover = min(nodes, key=lambda node: (-node.length_s, node.appearance_id))
    return IdentityView(
        label_of(people, identity_id),
        gallery,
        len(nodes),
        len({node.video_id for node in nodes}),
        sum(node.length_s for node in nodes),
        cover.spot,
    )


def label_of(people: People, identity_id: str) -> Label:
    """Id and name of an identity."""
    return Label(identity_id, people.state.names.get(identity_id, ""))
