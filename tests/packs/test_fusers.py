"""Packs of networks that fuse: what a manifest must say of them, and which pack they go with."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import ValidationError

from packs.checking import faults_of
from packs.errors import PackError
from packs.fuser import FuserCard, FusionMethod
from packs.fusers import FUSERS_DIR, FuserPack, fusers_beside
from packs.manifest import Pack, PackManifest, write_manifest
from packs.spec import Modality, TensorSpec

DEMO = Path(__file__).resolve().parents[2] / "packs" / "demo"
FACE, HEAD, BODY, VOICE = Modality.FACE, Modality.HEAD, Modality.BODY, Modality.VOICE


@pytest.fixture(scope="module")
def found() -> FuserPack:
    return FuserPack.load(FUSERS_DIR)


def test_the_demo_pack_has_both_networks(found: FuserPack) -> None:
    demo = Pack.load(DEMO)
    beside = fusers_beside(demo)
    assert beside is not None
    assert beside.fusers.keys() == {FusionMethod.ASSOCIATIVE, FusionMethod.ATTENTION}
    assert found.goes_with(demo)
    assert faults_of(FUSERS_DIR) == []
    # All that is served beside the encoders, in a repository that people clone.
    assert sum((FUSERS_DIR / name).stat().st_size for name in found.pack.files) < 3_000_000
    assert not set(found.pack.models) & set(demo.models)


def test_a_face_alone_means_what_it_means_without_a_network(found: FuserPack) -> None:
    demo = Pack.load(DEMO)
    assert all(one.card.lines[frozenset({FACE})] == demo.calibration[FACE] for one in found.fusers.values())


def test_another_pack_has_no_networks(tmp_path: Path, found: FuserPack) -> None:
    other = replace(Pack.load(DEMO), digest="e" * 64)
    assert fusers_beside(other) is None
    with pytest.raises(PackError, match="not of eeeeeeeeeeee: train it anew"):
        fusers_beside(other, FUSERS_DIR)
    with pytest.raises(PackError, match="names none in `fusers`"):
        fusers_beside(other, DEMO)
    with pytest.raises(PackError, match=r"pack\.json is absent"):
        fusers_beside(other, tmp_path)
    write_manifest(tmp_path, found.pack.manifest)
    assert fusers_beside(Pack.load(DEMO), tmp_path) == replace(
        found, pack=Pack.load(tmp_path), fusers=FuserPack.load(tmp_path).fusers
    )


def test_what_fuses_is_no_part_of_the_digest_of_a_pack_without(found: FuserPack) -> None:
    assert '"fusers"' not in Pack.load(DEMO).manifest.canonical_json()
    assert '"fusers"' in found.pack.manifest.canonical_json()


@pytest.mark.parametrize("problem", ["twice", "unknown", "shape", "outputs", "dtype"])
def test_a_manifest_that_does_not_hold_together_is_refused(problem: str, found: FuserPack) -> None:
    manifest = found.pack.manifest
    (first, second), (one, two) = manifest.fusers, manifest.models
    told = "cannot fuse"
    if problem == "twice":
        second, told = second.model_copy(update={"method": first.method}), "one network that fuses per method"
    if problem == "unknown":
        second, told = second.model_copy(update={"model": "nose"}), "fusers name 'nose'"
    if problem == "shape":
        wide = tuple(
            tensor.model_copy(update={"shape": (8,)}) if tensor.name == "face" else tensor for tensor in two.inputs
        )
        two = two.model_copy(update={"inputs": wide})
    if problem == "dtype":
        two = two.model_copy(update={"inputs": (TensorSpec(name="present", dtype="BOOL", shape=(4,)), *two.inputs[1:])})
    if problem == "outputs":
        two = two.model_copy(update={"outputs": two.outputs[:1]})
    with pytest.raises(ValidationError, match=told):
        PackManifest.model_validate(
            manifest.model_dump() | {"fusers": (first.model_dump(), second.model_dump()), "models": (one, two)}
        )


def test_the_largest_calibrated_part_speaks(found: FuserPack) -> None:
    card = found.fusers[FusionMethod.ASSOCIATIVE].card
    assert card.spoken([BODY, FACE, Modality.TEXT]) == {FACE, BODY}
    assert card.spoken([Modality.TEXT]) is None
    few = tuple(one for one in card.calibrations if len(one.modalities) < 3)
    part = FuserCard.model_validate(card.model_dump() | {"calibrations": few})
    assert part.spoken([VOICE, HEAD, BODY]) == {HEAD, BODY}


def test_a_pack_may_decide_without_some_modalities() -> None:
    demo = Pack.load(DEMO)
    blind = demo.without([FACE])
    assert blind.calibration.keys() == demo.calibration.keys() - {FACE}
    # It still embeds them, into the same collections.
    assert (blind.digest, blind.modalities, blind.files) == (demo.digest, demo.modalities, demo.files)
