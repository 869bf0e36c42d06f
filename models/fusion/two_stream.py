"""Faces and voices in two streams, and a joint embedding of both.

Source: Alcazar et al., "APES: Audiovisual Person Search in Untrimmed Video", section 4.1; what the text leaves open
(512 dimensions of a stream, one linear layer to 512 of the joint) is the published code's: methods.md 3.1.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from models.trunks import ResNet, basic_block, resnet


class TwoStreamEmbeddings(NamedTuple):
    """Of a batch, none normalised: `face` [B, C]; `voice` [B, C]; `joint` [B, D]."""

    face: Tensor
    voice: Tensor
    joint: Tensor


class TwoStream(nn.Module):
    """A residual network for faces, one for snippets of sound, and a layer over both.

    Args:
        pixels: normalisation of raw pixels.
        sound: windows of sound to pictures of one channel.
        face: [B, 3, H, W] -> [B, C, h, w].
        voice: [B, 1, F, T] -> [B, C, f, t].
        joint: [B, 2 C] -> [B, D], over voice, then face: the published order.
    """

    def __init__(self, *, pixels: nn.Module, sound: nn.Module, face: ResNet, voice: ResNet, joint: nn.Linear) -> None:
        super().__init__()
        self.pixels = pixels
        self.sound = sound
        self.face = face
        self.voice = voice
        self.joint = joint

    def forward(self, crop: Tensor, windows: Tensor) -> TwoStreamEmbeddings:
        """Embed what was seen and heard at the same time.

        Args:
            crop: [B, H, W, 3], uint8 (or float), 0..255, RGB faces.
            windows: [B, T, F], float32, snippets as `packs.spectra` makes them.

        Returns:
            `TwoStreamEmbeddings`: face and voice [B, C], joint [B, D].

        Shape legend: B pairs, H rows, W columns, T frames of 10 ms, F bands or coefficients, C channels of a stream,
        D dimensions of the joint embedding.
        """
        # [B, C, h, w] -> [B, C]
        face = self.face(self.pixels(crop)).mean(dim=(2, 3))
        voice = self.voice(self.sound(windows)).mean(dim=(2, 3))
        # [B, 2 C] -> [B, D]
        joint = self.joint(torch.cat([voice, face], dim=1))
        return TwoStreamEmbeddings(face=face, voice=voice, joint=joint)


def two_stream(
    *,
    pixels: nn.Module,
    sound: nn.Module,
    counts: Sequence[int],
    widths: Sequence[int],
    embedding_dim: int,
    pooled_stem: bool,
) -> TwoStream:
    """Build a `TwoStream` of two equal trunks.

    Args:
        pixels: normalisation of raw pixels.
        sound: normalisation of windows.
        counts: blocks of each stage.
        widths: width of each stage; the last is the length of a stream's embedding.
        embedding_dim: length of the joint embedding.
        pooled_stem: whether the stems halve once more.
    """
    return TwoStream(
        pixels=pixels,
        sound=sound,
        face=resnet(basic_block, counts=counts, widths=widths, pooled_stem=pooled_stem),
        voice=resnet(basic_block, counts=counts, widths=widths, in_channels=1, pooled_stem=pooled_stem),
        joint=nn.Linear(2 * widths[-1], embedding_dim),
    )
