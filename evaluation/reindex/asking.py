"""Somebody who searches without a pause, and looks at each answer: was there one, and is it of one pack alone?"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from packs.arrays import F32
from packs.spec import Modality
from personsearch.client import PersonSearchClient
from personsearch.errors import PersonSearchError
from personsearch.query import embedding
from personsearch.v1 import modality_pb2, person_search_service_pb2

__all__ = ["Asked", "Asker"]

SAME = 0.999  # the same vector, rounded on the way
TOP = 200  # an unclear face may stand behind clear ones that are less alike
MODALITIES = {Modality.FACE: modality_pb2.MODALITY_FACE, Modality.BODY: modality_pb2.MODALITY_BODY}


@dataclass(slots=True)
class Asked:
    """What came back.

    Attributes:
        answered: Whole answers of the pack that was asked with.
        failed: What was refused or not answered, in words.
        mixed: Answers without the appearance that the vector is of, or not with its own vector.
        latencies_s: How long each answer took.
    """

    answered: int = 0
    failed: list[str] = field(default_factory=list)
    mixed: list[str] = field(default_factory=list)
    latencies_s: list[float] = field(default_factory=list)

    @property
    def median_s(self) -> float:
        """The usual time to an answer; 0 when there was none."""
        return float(np.median(self.latencies_s)) if self.latencies_s else 0.0


class Asker:
    """Asks with the stored vectors of some appearances: the answer must hold the appearance itself, at cosine 1.

    A vector of another pack in the collection would not lie there, and a collection of another pack would not answer
    with that appearance at cosine 1.

    Args:
        client: Of the search service.
        gallery: The gallery.
        pack_digest: The pack that is asked with.
        vectors: Of each modality, by appearance id.
        pause_s: Between two questions.
    """

    def __init__(
        self,
        client: PersonSearchClient,
        gallery: str,
        pack_digest: str,
        vectors: Mapping[Modality, Mapping[str, F32]],
        pause_s: float = 0.05,
    ) -> None:
        self._client, self._gallery, self._digest = client, gallery, pack_digest
        self._questions = [(modality, one, of[one]) for modality, of in vectors.items() for one in sorted(of)]
        self._pause_s = pause_s
        self.asked = Asked()

    async def ask_on(self, stop: asyncio.Event) -> None:
        """Ask one question after the other until told to stop."""
        order = np.random.default_rng(3)
        while not stop.is_set():
            await self.ask(*self._questions[int(order.integers(len(self._questions)))])
            await asyncio.sleep(self._pause_s)

    async def ask_all(self) -> None:
        """Ask each question once."""
        for question in self._questions:
            await self.ask(*question)

    async def ask(self, modality: Modality, one: str, vector: F32) -> None:
        """Ask one question and look at its answer."""
        began = time.monotonic()
        part = embedding(MODALITIES[modality], vector.tolist(), self._digest)
        try:
            answer = await self._client.search([part], gallery=self._gallery, top_k=TOP, expand=False)
        except PersonSearchError as error:
            self.asked.failed.append(f"{error.reason}: {error.message}")
            return
        self.asked.latencies_s.append(time.monotonic() - began)
        fault = _fault(answer, one)
        if answer.degraded:
            self.asked.failed.append(f"degraded: {list(answer.degraded)}")
        elif fault:
            self.asked.mixed.append(f"{modality} of {one}: {fault}")
        else:
            self.asked.answered += 1


def _fault(answer: person_search_service_pb2.SearchResponse, one: str) -> str:
    own = [hit for hit in answer.hits if hit.appearance.appearance_id == one]
    if not own:
        return f"it is none of {len(answer.hits)} hits"
    cosines = [step.cosine for step in own[0].evidence if step.HasField("cosine")]
    return "" if cosines and max(cosines) >= SAME else f"its own cosine is {cosines}"
