"""Recipes whose networks we define: against the lists of the public code, and against what that code itself answers."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from public import checkpoint, listed, pictures, seeded, sounds
from torch import nn

from export.__main__ import main
from export.recipes.building import candidates_of
from export.recipes.catalogue import card_named
from export.recipes.matching import Fit, best_fit, loaded
from export.recipes.source import Source
from export.tensorrt_check import interface_faults
from models.public.ecapa import ecapa
from models.public.osnet_presets import osnet, osnet_ain
from models.public.waveform import KaldiBands, SpeechBrainBands, WhisperBands
from models.public.yolox import Yolox
from packs.manifest import Pack
from packs.spec import Modality

ANSWERS = dict(np.load(Path(__file__).parent / "reference_answers.npz"))
Shapes = dict[str, tuple[int, ...]]


def fit_of(recipe: str, shapes: Shapes) -> Fit:
    """How a public list lies to a recipe's architectures; no memory is taken."""
    weights = {key: torch.empty(shape, device="meta") for key, shape in shapes.items()}
    source = Source(Path("weights.pt"), weights, {}, None, ())
    return best_fit(weights, candidates_of(card_named(recipe), source))


def speaking(name: str) -> Shapes:
    """A released file: the network under `model.`, with the classifiers that its trainer keeps beside."""
    width = {"Light-ASD_model": 128, "TalkNet_model": 256}[name]
    heads = {"lossAV.FC.weight": (2, width), "lossAV.FC.bias": (2,), "lossV.FC.weight": (2, 128), "lossV.FC.bias": (2,)}
    if name == "TalkNet_model":
        heads |= {"lossA.FC.weight": (2, 128), "lossA.FC.bias": (2,)}
    return {f"model.{key}": shape for key, shape in listed(name).items()} | heads


def clip_reid(stride: int) -> Shapes:
    """CLIP-ReID's file, from CLIP's own list and the sizes of its code: another grid, and what it learned with."""
    places = {16: 128, 12: 210}[stride] + 1
    seen = {
        f"image_encoder.{key.removeprefix('visual.')}": shape
        for key, shape in listed("CLIP_ViT-B-16").items()
        if key.startswith("visual.")
    }
    learned = {"classifier.weight": (751, 768), "classifier_proj.weight": (751, 512), "bottleneck.weight": (768,)}
    return seen | {"image_encoder.positional_embedding": (places, 768)} | learned | {"cv_embed": (6, 768)}


@pytest.mark.parametrize(
    ("recipe", "shapes", "architecture"),
    [
        *[("arcface", listed(f"insightface_iresnet{n}"), f"iresnet{n}") for n in (18, 34, 50, 100)],
        ("osnet", listed("OSNet_x1_0"), "osnet_x1"),
        ("osnet", listed("OSNet_x0_25"), "osnet_x0.25"),
        ("osnet", listed("OSNet_ain_x1_0"), "osnet_ain_x1"),
        ("ecapa", listed("SpeechBrain_ECAPA_TDNN"), "ecapa_tdnn_c1024"),
        ("light-asd", speaking("Light-ASD_model"), "light_asd"),
        ("talknet", speaking("TalkNet_model"), "talknet"),
        *[
            ("adaface", {f"model.{k}": v for k, v in listed(f"AdaFace_ir_{n}").items()}, f"adaface_ir_{n}")
            for n in (18, 50, 101)
        ],
        ("clip-reid", clip_reid(16), "clip_reid_stride_16"),
        ("clip-reid", clip_reid(12), "clip_reid_stride_12"),
        ("wespeaker", listed("wespeaker_ResNet34"), "wespeaker_resnet34"),
        ("yolox", listed("YOLOX_s"), "yolox_s"),
        ("yolox", listed("YOLOX_tiny"), "yolox_tiny"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_public_list_fits_its_architecture(recipe: str, shapes: Shapes, architecture: str) -> None:
    assert fit_of(recipe, shapes).candidate.architecture == architecture


def test_counters_of_training_may_be_absent() -> None:
    shapes = {key: shape for key, shape in listed("OSNet_x0_25").items() if not key.endswith("num_batches_tracked")}
    found = fit_of("osnet", shapes)
    assert found.candidate.architecture == "osnet_x0.25"
    weights = {key: tensor for key, tensor in checkpoint("OSNet_x0_25").items() if key in found.weights}
    loaded(Fit(found.candidate, weights, (), (), ()))


def filled(network: nn.Module, name: str, drop: str = "nothing") -> nn.Module:
    weights = {key: value for key, value in checkpoint(name).items() if not key.startswith(drop)}
    network.load_state_dict(weights, strict=True)
    return network.eval().requires_grad_(False)


@pytest.mark.parametrize(
    ("answer", "name", "build"),
    [("osnet_x0_25", "OSNet_x0_25", lambda: osnet(0.25)), ("osnet_ain_x1_0", "OSNet_ain_x1_0", osnet_ain)],
)
def test_bodies_are_what_torchreid_says(answer: str, name: str, build: Callable[[], nn.Module]) -> None:
    network = filled(build(), name, drop="classifier")
    found = network(torch.from_numpy(pictures(2, 256, 128)))
    np.testing.assert_allclose(found.numpy(), ANSWERS[answer], atol=2e-5)


def test_voices_are_what_speechbrain_says() -> None:
    sound = torch.from_numpy(sounds(2, 16_000))
    bands = SpeechBrainBands()(sound).transpose(1, 2)
    # Decibels, of values that lie up to 80 below the loudest.
    np.testing.assert_allclose(bands.numpy(), ANSWERS["ecapa_features"], atol=0.02)
    embedding = filled(ecapa(), "SpeechBrain_ECAPA_TDNN")(sound)
    np.testing.assert_allclose(embedding.numpy(), ANSWERS["ecapa"], atol=1e-3)


def test_bands_are_kaldis() -> None:
    bands = KaldiBands()(torch.from_numpy(sounds(1, 16_000)))[0].T
    np.testing.assert_allclose(bands.numpy(), ANSWERS["kaldi_features"], atol=0.005)


def test_bands_are_whispers() -> None:
    from models.public.bands import slaney_bands

    bands = WhisperBands(slaney_bands(80))(torch.from_numpy(sounds(2, 16_000)))
    # The reference cuts off under the loudest of each sound, as ours does.
    np.testing.assert_allclose(bands.numpy(), ANSWERS["whisper_features"], atol=1e-4)


def test_boxes_are_what_yolox_says() -> None:
    network = filled(Yolox(depth=0.33, width=0.375, side=64, proposals=10), "YOLOX_tiny")
    image = torch.from_numpy(pictures(2, 64, 64))
    rows = torch.from_numpy(ANSWERS["yolox_tiny"])
    boxes, scores = network.persons(image.permute(0, 3, 1, 2).float().flip(1))
    corners = torch.cat([rows[..., :2] - rows[..., 2:4] / 2, rows[..., :2] + rows[..., 2:4] / 2], dim=2)
    np.testing.assert_allclose(boxes.numpy(), corners.numpy(), rtol=1e-4, atol=1e-3)
    np.testing.assert_allclose(scores.numpy(), (rows[..., 4] * rows[..., 5]).numpy(), atol=1e-5)
    best_boxes, best_scores = network(image)
    order = scores.argsort(dim=1, descending=True, stable=True)[:, :10]
    np.testing.assert_allclose(best_scores[..., 2].numpy(), scores.gather(1, order).numpy(), atol=1e-6)
    np.testing.assert_allclose(best_boxes[0, 0].numpy(), boxes[0, order[0, 0]].numpy(), atol=1e-4)
    assert not best_scores[..., :2].any()


def test_the_command_makes_a_pack_of_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wrapped = {f"module.{key}": value for key, value in checkpoint("OSNet_x0_25").items()}
    torch.save({"state_dict": wrapped, "epoch": 60}, tmp_path / "osnet.pth.tar")
    pack = tmp_path / "pack"
    assert main(["recipe", "build", "osnet", str(tmp_path / "osnet.pth.tar"), "--out", str(pack)]) == 0
    told = capsys.readouterr().out
    assert "took what lies under 'state_dict'" in told
    assert "took 'module.' off the keys" in told
    assert "left out 2 tensors that are not served: classifier.weight, classifier.bias" in told
    assert "body has no calibration in this pack" in told
    loaded_pack = Pack.load(pack)
    loaded_pack.verify()
    spec = loaded_pack.model_for(Modality.BODY)
    assert (spec.embedding_dim, spec.licence) == (512, card_named("osnet").weights_licence)
    assert interface_faults(onnx.load(str(loaded_pack.file_of(spec))), spec) == []
    assert not loaded_pack.calibration
    record = json.loads((pack / "body_encoder.recipe.json").read_text())
    assert record["architecture"] == "osnet_x0.25"
    exact = [row for row in record["parity"] if row["runtime"].endswith("f32")]
    assert {(row["runtime"], row["batch"]) for row in exact} == {
        (runtime, batch) for runtime in ("onnxruntime-f32", "openvino-f32") for batch in (1, 3)
    }
    assert all(row["within"] for row in exact)


@pytest.mark.parametrize("recipe", ["light-asd", "yolox"])
def test_a_served_form_gives_what_it_declares(recipe: str) -> None:
    shapes = speaking("Light-ASD_model") if recipe == "light-asd" else listed("YOLOX_tiny")
    found = fit_of(recipe, shapes)
    weights = seeded(shapes)
    rename = found.candidate.rename
    kept = rename(weights) if rename else weights
    network = loaded(Fit(found.candidate, kept, (), (), ()))
    (served,) = found.candidate.serve(network)
    feed = served.feed or {"image": pictures(2, 640, 640)}
    answer = served.graph(*(torch.from_numpy(feed[tensor.name][:1]) for tensor in served.spec.inputs))
    parts = answer if isinstance(answer, tuple) else (answer,)
    assert [tuple(part.shape[1:]) for part in parts] == [tensor.shape for tensor in served.spec.outputs]
    assert float(parts[-1].min()) >= 0.0
    assert float(parts[-1].max()) <= 1.0
