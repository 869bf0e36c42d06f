"""Recipes on transformers' own classes: small networks that it saves itself, against what it answers itself."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from public import checkpoint, listed, pictures, seeded, sentences, sounds

from export.__main__ import main
from export.onnx_from_network import onnx_from_network
from export.recipes.agreement import agreement
from export.recipes.errors import RecipeError
from export.recipes.persons import serve as serve_persons
from export.recipes.source import read_source
from export.runners import torch_runner
from export.tensorrt_check import interface_faults
from packs.engine import Engine
from packs.manifest import Pack
from packs.spec import Modality

with warnings.catch_warnings():
    # What the library says of itself while it is imported is not ours to mend.
    warnings.simplefilter("ignore")
    transformers = pytest.importorskip("transformers", reason="transformers is not installed here: make train-env")
    from export.recipes.pretrained import library

ANSWERS = dict(np.load(Path(__file__).parent / "reference_answers.npz"))
WIDE = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 48}
HEARD = WIDE | {
    "conv_dim": (16, 16, 16),
    "conv_kernel": (10, 8, 4),
    "conv_stride": (10, 8, 4),
    "num_feat_extract_layers": 3,
    "num_conv_pos_embeddings": 16,
    "num_conv_pos_embedding_groups": 4,
}
Answer = Callable[[Any, dict[str, np.ndarray]], dict[str, torch.Tensor]]


@pytest.fixture(autouse=True)
def quiet() -> None:
    """The library prints bars and advice otherwise."""
    library()


def saved(network: Any, folder: Path, **preprocessor: bool) -> Any:
    """A network of the library with seeded weights, written by the library itself."""
    network.load_state_dict(seeded({key: tuple(value.shape) for key, value in network.state_dict().items()}))
    network.eval().save_pretrained(folder)
    (folder / "preprocessor_config.json").write_text(json.dumps(preprocessor))
    return network


def made(recipe: str, file: Path, tmp_path: Path) -> Pack:
    """The pack that the command makes of a file."""
    assert main(["recipe", "build", recipe, str(file), "--out", str(tmp_path / "pack")]) == 0
    pack = Pack.load(tmp_path / "pack")
    pack.verify()
    for spec in pack.models.values():
        assert interface_faults(onnx.load(str(pack.file_of(spec))), spec) == []
    return pack


def served(pack: Pack, model: str, feed: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return Engine(pack.file_of(pack.model(model)), threads=1, precision="f32").run(feed)


@torch.no_grad()
def test_wavlm_xvectors(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = transformers.WavLMConfig(tdnn_dim=(16, 16, 16, 16, 24), xvector_output_dim=20, **HEARD)
    network = saved(transformers.WavLMForXVector(config), tmp_path, do_normalize=True)
    pack = made("wavlm-xvector", tmp_path / "model.safetensors", tmp_path)
    sound = sounds(2, 48_000)
    extractor = transformers.Wav2Vec2FeatureExtractor(do_normalize=True)
    values = extractor(list(sound), sampling_rate=16_000, return_tensors="pt").input_values
    found = served(pack, "voice_encoder", {"sound": sound})["embedding"]
    np.testing.assert_allclose(found, network(values).embeddings.numpy(), atol=1e-4)
    assert pack.modalities == (Modality.VOICE,)
    assert "voice has no calibration" in capsys.readouterr().out


@torch.no_grad()
def test_wav2vec2_with_ctc(tmp_path: Path) -> None:
    network = saved(
        transformers.Wav2Vec2ForCTC(transformers.Wav2Vec2Config(vocab_size=12, **HEARD)), tmp_path, do_normalize=False
    )
    pack = made("wav2vec2-ctc", tmp_path / "model.safetensors", tmp_path)
    sound = sounds(2, 160_000)
    found = served(pack, "speech_recogniser", {"sound": sound})["log_probabilities"]
    wanted = network(torch.from_numpy(sound)).logits.log_softmax(dim=2).numpy()
    np.testing.assert_allclose(found, wanted, atol=1e-3)


@torch.no_grad()
def test_bert_with_the_mean_of_its_words(tmp_path: Path) -> None:
    network = saved(transformers.BertModel(transformers.BertConfig(vocab_size=100, **WIDE)), tmp_path)
    pack = made("bert", tmp_path / "model.safetensors", tmp_path)
    ids = np.zeros((2, 64), np.int64)
    ids[0, :5], ids[1, :64] = range(1, 6), np.arange(64) + 1
    mask = (ids > 0).astype(np.int64)
    found = served(pack, "sentence_encoder", {"ids": ids, "mask": mask})
    # Without any padding at all.
    short = network(input_ids=torch.from_numpy(ids[:1, :5])).last_hidden_state[0]
    np.testing.assert_allclose(found["sentence"][0], short.mean(dim=0).numpy(), atol=1e-5)
    np.testing.assert_allclose(found["pieces"][0, :5], short.numpy(), atol=1e-4)


@torch.no_grad()
def test_berts_with_a_head_of_training(tmp_path: Path) -> None:
    saved(transformers.BertForMaskedLM(transformers.BertConfig(vocab_size=100, **WIDE)), tmp_path)
    assert made("bert", tmp_path / "model.safetensors", tmp_path).model("sentence_encoder").embedding_dim == 32


@torch.no_grad()
def test_clip(tmp_path: Path) -> None:
    text = {"vocab_size": 60, "max_position_embeddings": 12, "eos_token_id": 59, "bos_token_id": 58, **WIDE}
    config = transformers.CLIPConfig(
        text_config=text, vision_config={"image_size": 32, "patch_size": 16, **WIDE}, projection_dim=24
    )
    network = saved(transformers.CLIPModel(config), tmp_path)
    pack = made("clip", tmp_path / "model.safetensors", tmp_path)
    processor = transformers.CLIPImageProcessor(do_resize=False, do_center_crop=False)
    pixels = processor(list(pictures(2, 32, 32)), return_tensors="pt", input_data_format="channels_last").pixel_values
    seen = served(pack, "image_encoder", {"crop": pictures(2, 32, 32)})["embedding"]
    read = served(pack, "text_encoder", {"ids": sentences(2, 12, 60)})["embedding"]
    both = network(input_ids=torch.from_numpy(sentences(2, 12, 60)), pixel_values=pixels)
    cosines = torch.nn.functional.cosine_similarity
    assert float(cosines(torch.from_numpy(seen), both.image_embeds).min()) > 0.99999
    assert float(cosines(torch.from_numpy(read), both.text_embeds).min()) > 0.99999


def test_openais_own_clip(tmp_path: Path) -> None:
    torch.save(checkpoint("CLIP_of_two_layers"), tmp_path / "ViT.pt")
    pack = made("clip", tmp_path / "ViT.pt", tmp_path)
    seen = served(pack, "image_encoder", {"crop": pictures(2, 32, 32)})["embedding"]
    read = served(pack, "text_encoder", {"ids": sentences(2, 12, 60)})["embedding"]
    np.testing.assert_allclose(seen, ANSWERS["clip_pictures"], atol=2e-3)
    np.testing.assert_allclose(read, ANSWERS["clip_words"], atol=2e-3)


@pytest.mark.parametrize("size", ["ViT-B-32", "ViT-B-16", "ViT-L-14"])
def test_openais_lists_become_the_librarys_keys(size: str) -> None:
    from export.recipes.clip_keys import config_of_openai, from_openai

    weights = {key: torch.empty(shape, device="meta") for key, shape in listed(f"CLIP_{size}").items()}
    config = config_of_openai(weights, transformers)
    with torch.device("meta"):
        wanted = transformers.CLIPModel(config).state_dict()
    found = from_openai(weights)
    assert {key: tuple(value.shape) for key, value in found.items()} == {
        key: tuple(value.shape) for key, value in wanted.items() if not key.endswith("position_ids")
    }
    assert config.vision_config.num_attention_heads == {"L": 16}.get(size[4], 12)


@torch.no_grad()
def test_siglip(tmp_path: Path) -> None:
    config = transformers.SiglipConfig(
        text_config={"vocab_size": 60, "max_position_embeddings": 12, "projection_size": 32, **WIDE},
        vision_config={"image_size": 32, "patch_size": 16, **WIDE},
    )
    network = saved(transformers.SiglipModel(config), tmp_path)
    pack = made("siglip", tmp_path / "model.safetensors", tmp_path)
    pixels = torch.from_numpy(pictures(2, 32, 32)).permute(0, 3, 1, 2).float() / 127.5 - 1.0
    seen = served(pack, "image_encoder", {"crop": pictures(2, 32, 32)})["embedding"]
    read = served(pack, "text_encoder", {"ids": sentences(2, 12, 60)})["embedding"]
    both = network(input_ids=torch.from_numpy(sentences(2, 12, 60)), pixel_values=pixels)
    cosines = torch.nn.functional.cosine_similarity
    assert float(cosines(torch.from_numpy(seen), both.image_embeds).min()) > 0.99999
    assert float(cosines(torch.from_numpy(read), both.text_embeds).min()) > 0.99999


@torch.no_grad()
def test_whisper(tmp_path: Path) -> None:
    config = transformers.WhisperConfig(
        num_mel_bins=20,
        max_source_positions=50,
        max_target_positions=16,
        vocab_size=60,
        d_model=32,
        encoder_layers=2,
        decoder_layers=2,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=48,
        decoder_ffn_dim=48,
        begin_suppress_tokens=[1],
        **{f"{word}_token_id": 0 for word in ("pad", "bos", "eos", "decoder_start")},
    )
    network = saved(transformers.WhisperForConditionalGeneration(config), tmp_path)
    pack = made("whisper", tmp_path / "model.safetensors", tmp_path)
    sound, ids = sounds(2, 16_000), sentences(2, 16, 60)
    states = served(pack, "speech_encoder", {"sound": sound})["states"]
    extractor = transformers.WhisperFeatureExtractor(feature_size=20, chunk_length=1)
    features = extractor(list(sound), sampling_rate=16_000, return_tensors="pt").input_features
    np.testing.assert_allclose(states, network.model.encoder(features).last_hidden_state.numpy(), atol=2e-3)
    logits = served(pack, "speech_decoder", {"ids": ids, "states": states})["logits"]
    wanted = network(input_features=features, decoder_input_ids=torch.from_numpy(ids)).logits
    np.testing.assert_allclose(logits, wanted.numpy(), atol=2e-3)
    # What stands behind a symbol does not change what follows it.
    ids[:, 4:] = 7
    again = served(pack, "speech_decoder", {"ids": ids, "states": states})["logits"]
    np.testing.assert_allclose(again[:, :4], logits[:, :4], atol=1e-5)


def test_openais_own_whisper(tmp_path: Path) -> None:
    names = ("mels", "audio_ctx", "audio_state", "audio_head", "audio_layer")
    dims = dict(zip([f"n_{name}" for name in names], (80, 50, 32, 2, 2), strict=True))
    names = ("vocab", "text_ctx", "text_state", "text_head", "text_layer")
    dims |= dict(zip([f"n_{name}" for name in names], (60, 16, 32, 2, 2), strict=True))
    torch.save({"dims": dims, "model_state_dict": checkpoint("whisper_of_two_layers")}, tmp_path / "tiny.pt")
    pack = made("whisper", tmp_path / "tiny.pt", tmp_path)
    states = served(pack, "speech_encoder", {"sound": sounds(2, 16_000)})["states"]
    np.testing.assert_allclose(states, ANSWERS["whisper_states"], atol=2e-3)
    feed = {"ids": sentences(2, 16, 60), "states": ANSWERS["whisper_states"]}
    np.testing.assert_allclose(served(pack, "speech_decoder", feed)["logits"], ANSWERS["whisper_logits"], atol=2e-3)


def test_openais_list_of_whisper_becomes_the_librarys_keys() -> None:
    from export.recipes.whisper import config_of_openai, from_openai

    sizes = ("mels", 80), ("audio_ctx", 1500), ("audio_state", 512), ("audio_head", 8), ("audio_layer", 6)
    words = ("vocab", 51865), ("text_ctx", 448), ("text_state", 512), ("text_head", 8), ("text_layer", 6)
    config = config_of_openai({f"n_{name}": size for name, size in (*sizes, *words)}, transformers)
    with torch.device("meta"):
        wanted = transformers.WhisperForConditionalGeneration(config).state_dict()
    weights = {key: torch.empty(shape, device="meta") for key, shape in listed("whisper_base").items()}
    found = {f"model.{key}": tuple(value.shape) for key, value in from_openai(weights).items()}
    assert found == {key: tuple(value.shape) for key, value in wanted.items() if key != "proj_out.weight"}


@pytest.fixture
def detector() -> Any:
    sizes = {
        "embedding_size": 8,
        "hidden_sizes": [8, 8, 12, 16],
        "depths": [1, 1, 1, 1],
        "layer_type": "basic",
        "out_features": ["stage2", "stage3", "stage4"],
    }
    config = transformers.RTDetrConfig(
        backbone_config=transformers.RTDetrResNetConfig(**sizes),
        encoder_hidden_dim=16,
        encoder_in_channels=[8, 12, 16],
        encoder_ffn_dim=24,
        encoder_attention_heads=2,
        d_model=16,
        num_queries=20,
        decoder_in_channels=[16, 16, 16],
        decoder_ffn_dim=24,
        decoder_layers=2,
        decoder_attention_heads=2,
        num_denoising=0,
        id2label={0: "bicycle", 1: "person"},
    )
    return transformers.RTDetrForObjectDetection(config)


@torch.no_grad()
def test_rt_detr(tmp_path: Path, detector: Any) -> None:
    network = saved(detector, tmp_path)
    # Sure of itself, so that there are boxes to compare.
    network.model.decoder.class_embed[-1].bias[1] = 2.0
    network.save_pretrained(tmp_path)
    # Smaller pictures than the public networks saw: the graph is the same.
    _, (one,) = serve_persons("rtdetr", read_source(tmp_path / "model.safetensors"), side=160)
    images = pictures(3, 160, 160)
    file = tmp_path / "detector.onnx"
    onnx_from_network(
        one.graph, [torch.from_numpy(images[:2])], inputs=["image"], outputs=["boxes", "scores"], path=file
    )
    figures = agreement(one.spec, file, {"image": images}, torch_runner(one.graph, one.spec)({"image": images}))
    assert all(figure.compared for figure in figures)
    found = Engine(file, threads=1, precision="f32").run({"image": images[:1]})
    answer = network(pixel_values=torch.from_numpy(images[:1]).permute(0, 3, 1, 2).float() / 255.0)
    corners = transformers.image_transforms.center_to_corners_format(answer.pred_boxes)
    # Queries come best first, and of equals either may.
    order, wanted = (
        np.argsort(scores, kind="stable") for scores in (found["scores"][0, :, 2], answer.logits[0, :, 1].numpy())
    )
    persons = answer.logits[0, :, 1].sigmoid().numpy()
    np.testing.assert_allclose(found["scores"][0, order, 2], persons[wanted], atol=1e-3)
    np.testing.assert_allclose(found["boxes"][0, order], 160.0 * corners[0].numpy()[wanted], atol=1.0)
    assert not found["scores"][..., :2].any()


def test_what_does_not_fit_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    saved(transformers.BertModel(transformers.BertConfig(vocab_size=100, **WIDE)), tmp_path)
    file, words = tmp_path / "model.safetensors", ["--out", str(tmp_path / "pack")]
    assert main(["recipe", "build", "siglip", str(file), *words]) == 2
    assert "config.json is of a 'bert', expected 'siglip'" in capsys.readouterr().err
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(config | {"num_hidden_layers": 3, "hidden_size": 34}))
    assert main(["recipe", "build", "bert", str(file), *words]) == 2
    told = capsys.readouterr().err
    assert "do not fit transformers' BertModel; " in told
    assert "missing: encoder.layer.2." in told
    assert "of another shape: " in told
    (tmp_path / "config.json").unlink()
    assert main(["recipe", "build", "bert", str(file), *words]) == 2
    assert "no config.json beside" in capsys.readouterr().err


def test_a_detector_without_persons_is_refused(tmp_path: Path, detector: Any) -> None:
    detector.config.id2label = {0: "bicycle", 1: "table"}
    saved(detector, tmp_path)
    with pytest.raises(RecipeError, match="names no class 'person'"):
        serve_persons("rtdetr", read_source(tmp_path / "model.safetensors"))
