"""What embeddings say of those who are left over and everybody else of their videos, below what makes an edge.

An edge is kept where the prior that two appearances are one person is overcome, so a short word that is a little like
somebody's voice has none. Among the few who it may be that little tells.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from packs.arrays import F64
from packs.calibration import Calibration
from packs.spec import Modality
from services.association.evidence import LONG_TERM
from services.association.identities.graph import Node
from services.backends.index.protocol import VectorIndex
from services.backends.schemas import EmbeddingRow
from services.runtime.trust import trusts_in

__all__ = ["Likeness", "Resemblance"]

# Log-likelihood ratios of "one person" in nats, by the appearance that is left over, then by whom it is compared with.
Likeness = Mapping[str, Mapping[str, float]]
_Found = defaultdict[str, defaultdict[str, float]]


class Resemblance:
    """Compares appearances by face and voice.

    Args:
        index: Has their embeddings.
        calibration: The pack's, by modality.
    """

    def __init__(self, index: VectorIndex, calibration: Mapping[Modality, Calibration]) -> None:
        self._index = index
        self._lines = {modality: calibration[modality] for modality in LONG_TERM if modality in calibration}

    async def of(self, gallery: str, strays: Sequence[Node], everybody: Iterable[Node]) -> Likeness:
        """Compare some appearances with everybody of their videos.

        Args:
            gallery: Its name.
            strays: Who is compared.
            everybody: Whom with.

        Returns:
            The sum over the modalities that both have; a pair that has none in common is left out.

        Raises:
            BackendUnavailableError: If the index does not answer.
        """
        videos = {one.video_id for one in strays}
        others = [one for one in everybody if one.video_id in videos]
        found: _Found = defaultdict(lambda: defaultdict(float))
        for modality, line in sorted(self._lines.items()):
            own, theirs = (_with(modality, nodes) for nodes in (strays, others))
            if own:
                ids = list(dict.fromkeys(one.appearance_id for one in [*own, *theirs]))
                rows = await self._index.get_embeddings(modality, gallery, ids)
                await asyncio.to_thread(_add, found, modality, line, _by_video(own, rows), _by_video(theirs, rows))
        return found


def _with(modality: Modality, nodes: Iterable[Node]) -> list[Node]:
    return [one for one in nodes if modality in one.long_term]


def _by_video(nodes: Iterable[Node], rows: Mapping[str, EmbeddingRow]) -> dict[str, list[EmbeddingRow]]:
    found: defaultdict[str, list[EmbeddingRow]] = defaultdict(list)
    for node in nodes:
        if node.appearance_id in rows:
            found[node.video_id].append(rows[node.appearance_id])
    return found


def _add(
    found: _Found,
    modality: Modality,
    line: Calibration,
    own: Mapping[str, Sequence[EmbeddingRow]],
    theirs: Mapping[str, Sequence[EmbeddingRow]],
) -> None:
    """Add what a modality says of the pairs of each video."""
    for video in own.keys() & theirs.keys():
        nats = _compared(modality, line, own[video], theirs[video])
        for row, of_row in zip(own[video], nats.tolist(), strict=True):
            for other, value in zip(theirs[video], of_row, strict=True):
                if other is not row:
                    found[row.appearance_id][other.appearance_id] += value


def _compared(
    modality: Modality, line: Calibration, own: Sequence[EmbeddingRow], others: Sequence[EmbeddingRow]
) -> F64:
    """Log-likelihood ratios of all pairs, float64[own, others]; those of a voice are shrunk by how short it is."""
    cosines = np.stack([row.vector for row in own]) @ np.stack([row.vector for row in others]).T
    mine, theirs = (np.array([row.quality for row in rows], dtype=np.float64) for rows in (own, others))
    qualities = np.minimum.outer(mine, theirs)
    return trusts_in(modality, qualities) * line.logit_of(cosines, qualities)
