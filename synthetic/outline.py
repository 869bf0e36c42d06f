"""The points of the world that span a drawn person, from which the truth boxes are projected."""

from dataclasses import dataclass

import numpy as np

from synthetic.body import PART_HEAD, Actor, part_id
from synthetic.head_asset import head_extent
from synthetic.head_store import HeadStore
from synthetic.pose import Skeleton
from synthetic.types import F32


@dataclass(frozen=True, slots=True)
class Outline:
    """World points float32[N, 3] of one person: all of them, the head, and the face."""

    body: F32
    head: F32
    face: F32


def trace_outline(heads: HeadStore, actor: Actor, bones: Skeleton, slot: int, drawn: F32) -> Outline:
    """Collect the points of a person; `drawn` float32[V, 18] are the body vertices of slot `slot`."""
    head = heads.head(actor.person)
    hair, hat = (heads.shell(actor.person, actor.outfit, kind) for kind in ("hair", "hat"))
    skull = _world(bones, head_extent(head.coarse, hair.coarse if hair else None, hat.coarse if hat else None))
    own, code = drawn[:, :3], drawn[:, 17]
    parts = own[np.abs(code - part_id(slot, PART_HEAD)) < 1e-4]
    if actor.chair:
        own = own[code > 0]
    loose = [] if hair is None else [_world(bones, hair.coarse[hair.coarse[:, 8] > 0.45][:, :3])]
    return Outline(
        body=np.concatenate([own, skull, *loose]).astype(np.float32),
        head=np.concatenate([skull, parts]).astype(np.float32),
        face=_world(bones, head.coarse.face),
    )


def _world(bones: Skeleton, local: F32) -> F32:
    return np.asarray(local @ bones.head[:3, :3].T + bones.head[:3, 3], dtype=np.float32)
