"""Writes `reference_answers.npz` and lists of keys: what reference libraries themselves answer to seeded weights.

Run by hand, in an environment of its own beside this one (none of these libraries goes well with ours):

    pip install torch==2.13.0 numpy onnxruntime
    pip install --no-deps speechbrain==1.1.2 torchreid==0.2.5 yolox==0.3.0 openai-whisper==20250625 \
        open-clip-torch==3.3.0 kaldi-native-fbank==1.22.4 hyperpyyaml ruamel.yaml joblib
    PYTHONPATH=. python tests/export/make_answers.py

Parts of the libraries that a network does not need, such as readers of films or of data sets, are replaced by nothing.
"""

from __future__ import annotations

import importlib
import sys
import types
from collections.abc import Iterable
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))
from public import checkpoint, pictures, seeded, sentences, sounds  # noqa: E402

Answers = dict[str, np.ndarray]
IMAGENET = (torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225]))
CLIP = (torch.tensor([0.48145466, 0.4578275, 0.40821073]), torch.tensor([0.26862954, 0.26130258, 0.27577711]))


def main() -> None:
    """Ask every library, and write what they say."""
    torch.set_grad_enabled(False)
    answers: Answers = {}
    for ask in (osnet, speechbrain, kaldi, yolox, whisper, clip):
        answers |= ask()
    np.savez_compressed(HERE / "reference_answers.npz", allow_pickle=False, **answers)


def osnet() -> Answers:
    """Answers of torchreid."""
    found = {}
    pixels = normal(pictures(2, 256, 128), IMAGENET)
    for name in ("osnet_x0_25", "osnet_ain_x1_0"):
        module = bare_package("torchreid", "reid.models").import_module(f"{'osnet_ain' if 'ain' in name else 'osnet'}")
        network = filled(getattr(module, name)(num_classes=5, pretrained=False))
        if name == "osnet_x0_25":
            write_list("OSNet_x0_25", network)
        found[name] = network(pixels).numpy()
    return found


def speechbrain() -> Answers:
    """Features and embeddings of SpeechBrain."""
    nothing("torchaudio", "torchaudio.transforms")
    lobes = importlib.import_module("speechbrain.lobes.models.ECAPA_TDNN")
    bands = importlib.import_module("speechbrain.lobes.features").Fbank(n_mels=80)
    normalise = importlib.import_module("speechbrain.processing.features").InputNormalization(
        norm_type="sentence", std_norm=False
    )
    sound = torch.from_numpy(sounds(2, 16_000))
    features = normalise(bands(sound), torch.ones(2))
    network = lobes.ECAPA_TDNN(
        80,
        channels=[1024, 1024, 1024, 1024, 3072],
        kernel_sizes=[5, 3, 3, 3, 1],
        dilations=[1, 2, 3, 4, 1],
        attention_channels=128,
        lin_neurons=192,
    ).eval()
    network.load_state_dict(checkpoint("SpeechBrain_ECAPA_TDNN"), strict=True)
    return {"ecapa_features": features.numpy(), "ecapa": network(features)[:, 0].numpy()}


def kaldi() -> Answers:
    """Bands of Kaldi's own code, as WeSpeaker asks for them."""
    native = importlib.import_module("kaldi_native_fbank")
    options = native.FbankOptions()
    options.frame_opts.dither = 0.0
    options.frame_opts.window_type = "hamming"
    options.mel_opts.num_bins = 80
    online = native.OnlineFbank(options)
    online.accept_waveform(16_000, (sounds(1, 16_000)[0] * 32768.0).tolist())
    online.input_finished()
    frames = np.stack([online.get_frame(index) for index in range(online.num_frames_ready)])
    return {"kaldi_features": frames - frames.mean(axis=0)}


def yolox() -> Answers:
    """Boxes and scores of all cells of YOLOX-tiny on a picture of 64 pixels."""
    nothing("yolox.utils", bboxes_iou=None, meshgrid=lambda parts: torch.meshgrid(*parts, indexing="ij"))
    for name in ("cxcywh2xyxy", "visualize_assign"):
        setattr(sys.modules["yolox.utils"], name, None)
    nothing("loguru", logger=None)
    package = bare_package("yolox", "models")
    network = package.import_module("yolox").YOLOX(
        package.import_module("yolo_pafpn").YOLOPAFPN(0.33, 0.375),
        package.import_module("yolo_head").YOLOXHead(80, 0.375),
    )
    for layer in network.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            layer.eps = 1e-3
    write_list("YOLOX_tiny", network)
    pixels = torch.from_numpy(pictures(2, 64, 64)).permute(0, 3, 1, 2).float().flip(1)
    return {"yolox_tiny": filled(network)(pixels)[..., :6].numpy()}


def whisper() -> Answers:
    """Features, states and logits of a Whisper of two layers."""
    nothing("whisper.decoding", decode=None, detect_language=None)
    nothing("whisper.transcribe", transcribe=None)
    nothing("tiktoken")
    package = bare_package("whisper")
    model, audio = package.import_module("model"), package.import_module("audio")
    sizes = model.ModelDimensions(80, 50, 32, 2, 2, 60, 16, 32, 2, 2)
    network = model.Whisper(sizes)
    write_list("whisper_of_two_layers", network)
    filled(network)
    sound = torch.from_numpy(sounds(2, 16_000))
    features = torch.stack([audio.log_mel_spectrogram(one) for one in sound])
    states = network.encoder(features)
    logits = network.decoder(torch.from_numpy(sentences(2, 16, 60)), states)
    return {"whisper_features": features.numpy(), "whisper_states": states.numpy(), "whisper_logits": logits.numpy()}


def clip() -> Answers:
    """Vectors of pictures and words of a CLIP of two layers, by OpenCLIP's copy of OpenAI's network."""
    nothing("open_clip.hf_model", HFTextEncoder=None)
    nothing("open_clip.modified_resnet", ModifiedResNet=None)
    nothing("open_clip.timm_model", TimmModel=None)
    nothing("torchvision", "torchvision.ops")
    nothing("torchvision.ops.misc", FrozenBatchNorm2d=torch.nn.Identity)
    model = bare_package("open_clip").import_module("model")
    network = model.CLIP(
        24,
        model.CLIPVisionCfg(layers=2, width=128, head_width=64, patch_size=16, image_size=32),
        model.CLIPTextCfg(context_length=12, vocab_size=60, width=64, heads=1, layers=2),
        quick_gelu=True,
    )
    write_list("CLIP_of_two_layers", network)
    filled(network)
    return {
        "clip_pictures": network.encode_image(normal(pictures(2, 32, 32), CLIP)).numpy(),
        "clip_words": network.encode_text(torch.from_numpy(sentences(2, 12, 60))).numpy(),
    }


class BarePackage:
    """A package whose modules are imported one by one, without what its own beginning would import."""

    def __init__(self, name: str) -> None:
        self.name = name

    def import_module(self, name: str) -> Any:
        """One module of it."""
        return importlib.import_module(f"{self.name}.{name}")


def bare_package(name: str, inner: str = "") -> BarePackage:
    """Make a package importable without running its `__init__`."""
    if name not in sys.modules:
        spec = find_spec(name)
        if spec is None or spec.submodule_search_locations is None:
            raise SystemExit(f"{name} is not installed here; the head of this file says how")
        _put(name, Path(next(iter(spec.submodule_search_locations))))
    full, place = name, Path(sys.modules[name].__path__[0])
    for part in filter(None, inner.split(".")):
        full, place = f"{full}.{part}", place / part
        _put(full, place)
    return BarePackage(full)


def _put(name: str, place: Path) -> None:
    if name not in sys.modules:
        module = types.ModuleType(name)
        module.__path__ = [str(place)]
        sys.modules[name] = module


def nothing(*names: str, **content: Any) -> None:
    """Put empty modules where a library would import what its network does not need."""
    for name in names:
        module = types.ModuleType(name)
        module.__spec__ = ModuleSpec(name, None)
        module.__dict__.update(content)
        sys.modules[name] = module


def filled(network: Any) -> Any:
    """The network with seeded weights, in inference mode."""
    network.load_state_dict(seeded(_shapes(network)), strict=True)
    return network.eval()


def write_list(name: str, network: Any) -> None:
    """Write keys, shapes and dtypes of a reference network."""
    lines: Iterable[str] = (
        f"{key}\t{'x'.join(map(str, value.shape)) or 'scalar'}\t{str(value.dtype).removeprefix('torch.')}\n"
        for key, value in network.state_dict().items()
    )
    (HERE / "state_dicts" / f"{name}.tsv").write_text("".join(lines))


def normal(images: np.ndarray, how: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
    """Pictures as a network takes them."""
    mean, std = (part.reshape(1, 3, 1, 1) for part in how)
    return (torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255.0 - mean) / std


def _shapes(network: Any) -> dict[str, tuple[int, ...]]:
    return {key: tuple(value.shape) for key, value in network.state_dict().items()}


if __name__ == "__main__":
    main()
