from collections.abc import Callable

import pytest
import torch
from torch import nn

from models.text import (
    ImageTextTransformer,
    Mode,
    SharedAttention,
    TextGraph,
    TwoWayRecurrence,
    cmps_fast_text_small,
    cmps_text,
    cmps_text_small,
    image_text_transformer,
    initial_weights,
    ivt,
    ivt_body_small,
    ivt_small,
    patch_grid,
    resized_places,
    sentence_encoder,
    sigmoid_attention,
    weights_from_published,
)
from models.text.published import published_key
from models.text.sentence import turned_order


def vectors(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def tokens(*lengths: int, width: int = 12, high: int = 40, seed: int = 0) -> torch.Tensor:
    """Rows of words with so many of them, then padding."""
    rows = torch.randint(1, high, (len(lengths), width), generator=torch.Generator().manual_seed(seed))
    return rows * (torch.arange(width) < torch.tensor(lengths)[:, None])


def pixels(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randint(0, 256, shape, dtype=torch.uint8, generator=torch.Generator().manual_seed(seed))


def tiny(**changes: object):
    numbers = {
        "image_size": (32, 24),
        "patch": 8,
        "stride": 8,
        "vocabulary": 40,
        "places": 12,
        "width": 24,
        "depth": 2,
        "heads": 3,
        "hidden": 48,
        "drop_path": 0.0,
        "dropout": 0.0,
    }
    torch.manual_seed(0)
    return image_text_transformer(**{**numbers, **changes}).eval()


def slow_sigmoid_attention(attention, states, mask, divide):
    """Methods.md 2.1, one word at a time."""
    first, last = attention.score[0], attention.score[2]
    out = torch.zeros(states.shape[0], states.shape[2])
    for b in range(states.shape[0]):
        total, norm = torch.zeros(states.shape[2]), 0.0
        for t in range(states.shape[1]):
            if mask[b, t]:
                hidden = torch.tanh(first.weight @ states[b, t] + first.bias)
                weight = torch.sigmoid(last.weight[0] @ hidden + last.bias[0])
                total, norm = total + weight * states[b, t], norm + weight
        out[b] = total / (norm + 1e-6) if divide else total
    return out


@pytest.mark.parametrize("divide", [True, False], ids=["mean", "sum"])
def test_sigmoid_attention_is_the_formula(divide: bool) -> None:
    torch.manual_seed(1)
    attention, states = sigmoid_attention(5, hidden=4, divide=divide), vectors(3, 6, 5)
    mask = tokens(6, 2, 0, width=6) > 0
    with torch.no_grad():
        expected = slow_sigmoid_attention(attention, states, mask, divide)
        torch.testing.assert_close(attention(states, mask), expected, atol=1e-6, rtol=1e-5)


def test_more_words_leave_the_weights_of_the_first_as_they_were() -> None:
    """The point of the sigmoid: with a softmax, each word appended takes weight from the others."""
    torch.manual_seed(1)
    encoder = sentence_encoder(7, state_dim=6, attention_dim=5, embedding_dim=4, two_way=False).eval()
    words = vectors(1, 9, 7)
    mask = torch.ones(1, 9, dtype=torch.bool)
    with torch.no_grad():
        states = encoder.recurrence(words, mask)
        long, short = (encoder.attention.weights(states[:, :n], mask[:, :n]) for n in (9, 5))
        softmax = encoder.attention.score(states).softmax(dim=1)[:, :5, 0]
    torch.testing.assert_close(long[:, :5], short)
    assert (softmax - encoder.attention.score(states[:, :5]).softmax(dim=1)[:, :, 0]).abs().max() > 0.01


def test_both_readings_are_those_of_a_packed_two_way_lstm() -> None:
    torch.manual_seed(2)
    reference = nn.LSTM(5, 4, batch_first=True, bidirectional=True)
    readings = [nn.LSTM(5, 4, batch_first=True) for _ in range(2)]
    for reading, suffix in zip(readings, ("", "_reverse"), strict=True):
        for name, parameter in reading.named_parameters():
            parameter.data.copy_(getattr(reference, name + suffix).data)
    lengths, x = torch.tensor([6, 3, 1]), vectors(3, 6, 5)
    mask = torch.arange(6) < lengths[:, None]
    packed = nn.utils.rnn.pack_padded_sequence(x, lengths, batch_first=True)
    with torch.no_grad():
        expected = nn.utils.rnn.pad_packed_sequence(reference(packed)[0], batch_first=True)[0]
        found = TwoWayRecurrence(onward=readings[0], backward=readings[1])(x, mask)
    torch.testing.assert_close(found * mask.unsqueeze(2), expected)


def test_turning_twice_is_not_turning() -> None:
    mask = tokens(4, 1, 0, width=4) > 0
    order = turned_order(mask)
    assert order.tolist() == [[3, 2, 1, 0], [0, 1, 2, 3], [0, 1, 2, 3]]
    assert torch.equal(order.gather(1, order), torch.arange(4).expand(3, -1))


def test_padding_changes_no_sentence() -> None:
    encoder = cmps_fast_text_small().eval()
    rows = tokens(5, 3, width=8)
    with torch.inference_mode():
        torch.testing.assert_close(encoder(rows)[1], encoder(rows[1:, :4])[0])
        assert torch.isfinite(encoder(torch.zeros(1, 4, dtype=torch.int64))).all()


@pytest.mark.parametrize("build", [cmps_text, cmps_text_small])
def test_the_branch_over_bert_takes_its_vectors(build) -> None:
    encoder = build().eval()
    x = vectors(2, 6, 768)
    x[1, 4:] = 0.0
    with torch.inference_mode():
        found = encoder(x)
        torch.testing.assert_close(encoder(x[1:, :4])[0], found[1], atol=1e-5, rtol=1e-4)
    assert found.shape == (2, encoder.projection.out_features)


def slow_attention(attention: SharedAttention, x: torch.Tensor, keep: torch.Tensor) -> torch.Tensor:
    """One query and one head at a time."""
    batch, count, width = x.shape
    size = width // attention.heads
    out = torch.zeros_like(x)
    for b in range(batch):
        qkv = attention.qkv(x[b])
        for h in range(attention.heads):
            q, k, v = (qkv[:, part * width + h * size :][:, :size] for part in range(3))
            for t in range(count):
                scores = torch.stack([q[t] @ k[s] / size**0.5 for s in range(count) if keep[b, s]])
                values = torch.stack([v[s] for s in range(count) if keep[b, s]])
                out[b, t, h * size : (h + 1) * size] = scores.softmax(0) @ values
        out[b] = attention.proj(out[b])
    return out


def test_attention_is_the_formula_and_padding_counts_for_nothing() -> None:
    attention = tiny().blocks[0].attn
    x, keep = vectors(2, 5, 24), torch.tensor([[True] * 5, [True, True, True, False, False]])
    bias = torch.where(keep, 0.0, -10_000.0)[:, None, None, :]
    with torch.no_grad():
        torch.testing.assert_close(attention(x, bias), slow_attention(attention, x, keep), atol=1e-5, rtol=1e-4)


def test_only_the_feed_forward_layers_are_the_modality_s_own() -> None:
    network = tiny().train()
    x = vectors(2, 5, 24)
    network.blocks[1](network.blocks[0](x, None, Mode.IMAGE), None, Mode.IMAGE).sum().backward()
    seen = {name for name, p in network.blocks.named_parameters() if p.grad is not None}
    assert not any("mlp_txt" in name for name in seen)
    shared = {name: p.grad.clone() for name, p in network.blocks.named_parameters() if ".attn." in name}
    network.blocks[1](network.blocks[0](x, None, Mode.TEXT), None, Mode.TEXT).sum().backward()
    for name, p in network.blocks.named_parameters():
        assert p.grad is not None
        if name in shared and "qkv.bias" not in name:
            assert not torch.equal(p.grad, shared[name])
    # The same tokens, seen as image and as text, are two things.
    assert (network.blocks[0](x, None, Mode.IMAGE) - network.blocks[0](x, None, Mode.TEXT)).abs().max() > 1e-3


def test_words_after_the_end_change_nothing() -> None:
    network = tiny()
    rows = tokens(5, 9)
    with torch.inference_mode():
        torch.testing.assert_close(network.embed_text(rows)[0], network.embed_text(rows[:1, :6])[0])
        torch.testing.assert_close(TextGraph(network=network)(rows), network.embed_text(rows))


def test_keeping_all_tokens_is_no_mask_and_their_order_says_nothing() -> None:
    network, crop, rows = tiny(), pixels(2, 32, 24, 3), tokens(12, 7)
    with torch.inference_mode():
        images, texts = network(crop, rows)
        for embed, x, whole, count in ((network.embed_image, crop, images, 13), (network.embed_text, rows, texts, 12)):
            torch.testing.assert_close(embed(x, torch.arange(count)), whole)
            order = torch.cat([torch.zeros(1, dtype=torch.int64), torch.randperm(count - 1) + 1])
            torch.testing.assert_close(embed(x, order), whole, atol=1e-5, rtol=1e-4)
            assert (embed(x, torch.arange(count - 3)) - whole).abs().max() > 1e-4


def test_a_deleted_patch_is_not_seen() -> None:
    network, crop = tiny(), pixels(1, 32, 24, 3)
    changed = crop.clone()
    changed[:, 24:, 16:] = 0  # the last patch, token 12
    with torch.inference_mode():
        torch.testing.assert_close(
            network.embed_image(crop, torch.arange(12)), network.embed_image(changed, torch.arange(12))
        )
        assert (network.embed_image(crop) - network.embed_image(changed)).abs().max() > 1e-5


def test_dropped_branches_keep_the_mean() -> None:
    block = tiny(drop_path=0.5).blocks[1].train()
    torch.manual_seed(3)
    kept = block._kept(torch.ones(4000, 1, 1))
    assert set(kept.unique().tolist()) == {0.0, 2.0}
    assert kept.mean().item() == pytest.approx(1.0, abs=0.06)
    assert torch.equal(block.eval()._kept(torch.ones(3, 1, 1)), torch.ones(3, 1, 1))


@pytest.mark.parametrize(("stride", "grid", "count"), [(12, (31, 10), 311), (16, (24, 8), 193)])
def test_the_paper_s_images_have_the_paper_s_tokens(stride: int, grid: tuple[int, int], count: int) -> None:
    assert patch_grid(384, 128, patch=16, stride=stride) == grid
    with torch.device("meta"):
        network = ivt(stride=stride)
    assert network.pos_embed.shape == (1, count, 768)


def published_shapes(count: int) -> dict[str, tuple[int, ...]]:
    """The list of methods.md 4.1, written out."""
    shapes: dict[str, tuple[int, ...]] = {
        "embeddings.word_embeddings.weight": (30522, 768),
        "embeddings.position_embeddings.weight": (512, 768),
        "embeddings.token_type_embeddings.weight": (2, 768),
        "embeddings.LayerNorm.weight": (768,),
        "embeddings.LayerNorm.bias": (768,),
        "patch_embed.proj.weight": (768, 3, 16, 16),
        "patch_embed.proj.bias": (768,),
        "cls_token": (1, 1, 768),
        "pos_embed": (1, count, 768),
        "type_embed": (1, count, 768),
        "norm.weight": (768,),
        "norm.bias": (768,),
    }
    layers = {"attn.qkv": (2304, 768), "attn.proj": (768, 768)}
    for modality in ("vis", "txt"):
        layers |= {f"mlp_{modality}.fc1": (3072, 768), f"mlp_{modality}.fc2": (768, 3072)}
    for index in range(12):
        for name in ("norm1", "norm2"):
            shapes |= {f"blocks.{index}.{name}.weight": (768,), f"blocks.{index}.{name}.bias": (768,)}
        for name, size in layers.items():
            shapes |= {f"blocks.{index}.{name}.weight": size, f"blocks.{index}.{name}.bias": size[:1]}
    return {f"encoder_vl.{name}": shape for name, shape in shapes.items()}


def test_the_paper_s_network_has_the_published_layout() -> None:
    with torch.device("meta"):
        state = ivt().state_dict()
    assert {published_key(name): tuple(value.shape) for name, value in state.items()} == published_shapes(311)


def test_published_weights_load_strictly() -> None:
    network = tiny()
    published = {f"module.{published_key(name)}": value for name, value in network.state_dict().items()}
    extra = {"module.temp": torch.zeros(()), "module.bottleneck_img.bias": torch.zeros(24)}
    other = tiny(depth=2)
    other.load_state_dict(weights_from_published(published | extra), strict=True)
    rows = tokens(4)
    with torch.inference_mode():
        torch.testing.assert_close(other.embed_text(rows), network.embed_text(rows))
    with pytest.raises(ValueError, match=r"1 keys belong to no IVT, such as .*visual"):
        weights_from_published(published | {"visual.conv1.weight": torch.zeros(1)})


@pytest.mark.parametrize("preset", [ivt_small, ivt_body_small])
def test_the_small_presets_take_served_crops_and_rows(preset: Callable[[], ImageTextTransformer]) -> None:
    network = preset().eval()
    with torch.inference_mode():
        images, texts = network(pixels(2, 128, 64, 3), tokens(32, 5, 9, width=32, high=512))
    assert images.shape == (2, 160)
    assert texts.shape == (3, 160)
    assert sum(p.numel() for p in network.parameters()) < 2_400_000


def test_numbers_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="heads that divide it"):
        SharedAttention(qkv=nn.Linear(10, 30), proj=nn.Linear(10, 10), heads=3)
    with pytest.raises(ValueError, match="no patch of 16"):
        patch_grid(12, 64, patch=16, stride=12)
    with pytest.raises(ValueError, match="one-way LSTM"):
        TwoWayRecurrence(onward=nn.LSTM(3, 2), backward=None)


def vit_and_bert() -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]:
    """The key lists of a ViT-B/16 in timm and of a BERT in transformers, at the width of the tiny network."""
    vit = {"cls_token": (1, 1, 24), "pos_embed": (1, 1 + 9, 24), "patch_embed.proj.weight": (24, 3, 8, 8)}
    vit |= {"patch_embed.proj.bias": (24,), "head.weight": (1000, 24), "head.bias": (1000,)}
    vit |= {"norm.weight": (24,), "norm.bias": (24,)}
    bert = {f"embeddings.{name}_embeddings.weight": (rows, 24) for name, rows in (("word", 40), ("position", 12))}
    bert |= {"embeddings.token_type_embeddings.weight": (2, 24), "embeddings.position_ids": (1, 12)}
    bert |= {"embeddings.LayerNorm.weight": (24,), "embeddings.LayerNorm.bias": (24,), "pooler.dense.weight": (24, 24)}
    for k in range(2):
        layers = {"attn.qkv": (72, 24), "attn.proj": (24, 24), "mlp.fc1": (48, 24), "mlp.fc2": (24, 48)}
        layers |= {"norm1": (24,), "norm2": (24,)}
        for name, size in layers.items():
            vit |= {f"blocks.{k}.{name}.weight": size, f"blocks.{k}.{name}.bias": size[:1]}
        layers = {"attention.self.query": (24, 24), "attention.output.dense": (24, 24), "output.LayerNorm": (24,)}
        layers |= {"intermediate.dense": (48, 24), "output.dense": (24, 48)}
        for name, size in layers.items():
            bert |= {f"encoder.layer.{k}.{name}.weight": size, f"encoder.layer.{k}.{name}.bias": size[:1]}
    generator = torch.Generator().manual_seed(4)
    filled = [{key: torch.randn(size, generator=generator) for key, size in sizes.items()} for sizes in (vit, bert)]
    return filled[0], {f"bert.{key}": value for key, value in filled[1].items()}


def test_a_vit_and_a_bert_make_the_start() -> None:
    network, (vit, bert) = tiny(), vit_and_bert()
    found = network.load_state_dict(initial_weights(vit, bert, grid=network.grid), strict=False)
    assert (found.missing_keys, found.unexpected_keys) == (["type_embed"], [])
    block = network.blocks[1]
    torch.testing.assert_close(block.attn.qkv.weight, vit["blocks.1.attn.qkv.weight"])
    torch.testing.assert_close(block.mlp_vis.fc1.weight, vit["blocks.1.mlp.fc1.weight"])
    torch.testing.assert_close(block.mlp_txt.fc1.weight, bert["bert.encoder.layer.1.intermediate.dense.weight"])
    torch.testing.assert_close(block.mlp_txt.fc2.bias, bert["bert.encoder.layer.1.output.dense.bias"])


def test_places_are_stretched_and_the_class_token_stays() -> None:
    # Vectors that are their own row: stretched to twice as many rows they still rise evenly inside.
    rows = torch.arange(8.0).repeat_interleave(8)[None, :, None]
    places = torch.cat([torch.full((1, 1, 1), 9.0), rows], dim=1)
    torch.testing.assert_close(resized_places(places, (8, 8)), places)
    wide = resized_places(places, (16, 2))
    assert wide.shape == (1, 33, 1)
    assert wide[0, 0, 0] == 9.0
    inner = wide[0, 1:, 0].reshape(16, 2)[5:11]
    # A cubic kernel with a = -0.75 does not keep lines quite straight.
    expected = (torch.arange(5.0, 11.0) / 2 - 0.25)[:, None].expand(-1, 2)
    torch.testing.assert_close(inner, expected, atol=0.06, rtol=0.0)
    with pytest.raises(ValueError, match="no square grid"):
        resized_places(torch.zeros(1, 7, 4), (2, 2))
