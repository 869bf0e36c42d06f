"""Our definitions against the key and shape lists of the public networks."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

from models.checkpoints import CheckpointError
from models.face import iresnet18, iresnet34, iresnet50, iresnet100
from models.fusion import two_stream_mfcc_published, two_stream_paper
from models.layouts import APES, APES_FACE, APES_VOICE, LIGHT_ASD, LIGHT_ASD_BODY, Table, from_public
from models.speaking import active_speaker_paper

LISTS = Path(__file__).parent / "state_dicts"
Weights = dict[str, torch.Tensor]


def public(name: str) -> Weights:
    """A state dict of empty tensors, as a list of keys and shapes describes it."""
    weights = {}
    for line in (LISTS / f"{name}.tsv").read_text().splitlines():
        key, shape, dtype = line.split("\t")
        sizes = [] if shape == "scalar" else [int(size) for size in shape.split("x")]
        weights[key] = torch.empty(sizes, dtype=getattr(torch, dtype), device="meta")
    return weights


def shapes(weights: Weights) -> dict[str, tuple[torch.Size, torch.dtype]]:
    return {key: (tensor.shape, tensor.dtype) for key, tensor in weights.items()}


def hollow(build: Callable[[], nn.Module]) -> nn.Module:
    """A network without memory for its weights: building a large one takes no time."""
    with torch.device("meta"):
        return build()


@pytest.mark.parametrize(
    ("name", "build", "millions"),
    [
        ("insightface_iresnet18", iresnet18, 24.03),
        ("insightface_iresnet34", iresnet34, 34.14),
        ("insightface_iresnet50", iresnet50, 43.59),
        ("insightface_iresnet100", iresnet100, 65.16),
    ],
)
def test_iresnet_has_the_public_keys_and_shapes(name: str, build: Callable[[], nn.Module], millions: float) -> None:
    network = hollow(build)
    listed = public(name)
    assert list(shapes(network.state_dict())) == list(shapes(listed))
    assert shapes(network.state_dict()) == shapes(listed)
    assert sum(p.numel() for p in network.parameters()) / 1e6 == pytest.approx(millions, abs=0.006)


@pytest.mark.parametrize("build", [two_stream_paper, two_stream_mfcc_published])
def test_two_streams_are_the_published_ones_renamed(build: Callable[[], nn.Module]) -> None:
    assert shapes(from_public(public("APES_audiovideo"), APES)) == shapes(hollow(build).state_dict())


@pytest.mark.parametrize(
    ("name", "table", "stream"), [("APES_visual", APES_FACE, "face"), ("APES_audio", APES_VOICE, "voice")]
)
def test_single_streams_fit_their_trunk(name: str, table: Table, stream: str) -> None:
    trunk = getattr(hollow(two_stream_paper), stream)
    assert shapes(from_public(public(name), table)) == shapes(trunk.state_dict())


def test_light_asd_fits_but_for_its_two_classifiers() -> None:
    ours = shapes(hollow(active_speaker_paper).state_dict())
    body = {key: value for key, value in ours.items() if "score" not in key}
    assert shapes(from_public(public("Light-ASD_model"), LIGHT_ASD_BODY)) == body


def test_a_whole_file_of_light_asd_fits() -> None:
    """The distributed file keeps the body under `model.` and a classifier in each of its losses."""
    whole = {f"model.{key}": tensor for key, tensor in public("Light-ASD_model").items()}
    for loss in ("lossAV", "lossV"):
        whole[f"{loss}.FC.weight"] = torch.empty(2, 128, device="meta")
        whole[f"{loss}.FC.bias"] = torch.empty(2, device="meta")
    network = hollow(active_speaker_paper)
    assert shapes(from_public(whole, LIGHT_ASD)) == shapes(network.state_dict())
    network.load_state_dict(from_public(whole, LIGHT_ASD), strict=True, assign=True)


def test_a_key_that_no_table_names_is_refused() -> None:
    with pytest.raises(CheckpointError, match=r"key 'fc\.weight' is not in this layout"):
        from_public({"fc.weight": torch.zeros(1)}, APES_FACE)


def test_two_keys_that_meet_are_refused() -> None:
    table = (("a.", "same."), ("b.", "same."))
    with pytest.raises(CheckpointError, match="2 public keys became 1"):
        from_public({"a.x": torch.zeros(1), "b.x": torch.zeros(1)}, table)
