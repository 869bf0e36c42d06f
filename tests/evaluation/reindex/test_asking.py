"""The one who searches without a pause tells whole answers from missing and mixed ones; the second pack is another."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
from google.rpc import code_pb2

from evaluation.reindex.asking import Asker
from evaluation.reindex.shaken import shaken_pack
from packs.checking import faults_of
from packs.spec import Modality
from packs.testing import BODY_CROP, FACE_CROP, write_tiny_pack
from personsearch.client import PersonSearchClient
from personsearch.testing import FakeStack, Refusal
from personsearch.v1 import appearance_pb2, hit_pb2, person_search_service_pb2
from services.backends.inference.local import LocalInferenceBackend

ONE, OTHER = "1" * 32, "2" * 32


@pytest.fixture
async def asker() -> AsyncIterator[tuple[FakeStack, Asker]]:
    with FakeStack() as stack:
        async with PersonSearchClient(stack.address, stack.address) as client:
            vectors = {Modality.FACE: {ONE: np.eye(4, dtype=np.float32)[0]}}
            yield stack, Asker(client, "town", "a" * 64, vectors)


def hit(one: str, cosine: float) -> hit_pb2.Hit:
    evidence = [hit_pb2.EvidenceStep(target_appearance_id=one, cosine=cosine)]
    return hit_pb2.Hit(appearance=appearance_pb2.Appearance(appearance_id=one), score=0.9, evidence=evidence)


@pytest.mark.parametrize(
    ("hits", "said"),
    [
        ([hit(ONE, 1.0), hit(OTHER, 0.3)], ""),
        ([hit(OTHER, 0.95), hit(ONE, 1.0)], ""),
        ([hit(OTHER, 1.0)], "it is none of 1 hits"),
        ([hit(OTHER, 0.8), hit(ONE, 0.7)], "its own cosine is"),
        ([], "it is none of 0 hits"),
    ],
    ids=["whole", "behind a clearer one", "another alone", "another vector", "nothing"],
)
async def test_answers_are_looked_at(asker: tuple[FakeStack, Asker], hits: list[hit_pb2.Hit], said: str) -> None:
    stack, asking = asker
    stack.answer_with(*hits)
    await asking.ask_all()
    assert (asking.asked.answered, asking.asked.failed) == (int(not said), [])
    assert len(asking.asked.mixed) == int(bool(said))
    assert all(said in fault for fault in asking.asked.mixed)


async def test_what_is_refused_or_lacks_something_has_failed(asker: tuple[FakeStack, Asker]) -> None:
    stack, asking = asker
    stack.answer_with(hit(ONE, 1.0))
    stack.degraded = [person_search_service_pb2.DEGRADATION_INDEX_LOADING]
    await asking.ask_all()
    stack.refusals["Search"] = Refusal(code_pb2.FAILED_PRECONDITION, "OTHER_PACK", "another pack is live")
    await asking.ask_all()
    assert (asking.asked.answered, asking.asked.mixed) == (0, [])
    assert [failure.partition(":")[0] for failure in asking.asked.failed] == ["degraded", "OTHER_PACK"]


async def test_a_shaken_pack_is_sound_and_embeds_otherwise(tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    old = write_tiny_pack(tmp_path / "old").pack
    new = shaken_pack(old, tmp_path / "new")
    assert faults_of(tmp_path / "new") == []
    assert new.digest != old.digest
    same = {spec.name for spec in old.manifest.models if new.model(spec.name).sha256 == spec.sha256}
    assert same == {"person_detector", "voice_encoder", "voice_activity"}
    for name, shape in (("face_encoder", FACE_CROP), ("body_encoder", BODY_CROP)):
        crops = np.random.default_rng(1).integers(0, 255, (3, *shape), dtype=np.uint8)
        made = []
        for pack in (old, new):
            backend = LocalInferenceBackend(pack, threads=1)
            raw = (await backend.infer(name, {"crop": crops}))["embedding"]
            made.append(raw / np.linalg.norm(raw, axis=1, keepdims=True))
            await backend.aclose()
        assert (np.sum(made[0] * made[1], axis=1) < 0.999).all()
