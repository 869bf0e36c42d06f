"""The active-speaker network: two streams, a memory in both directions of time, a score for each frame.

Source: Liao et al., "A Light Weight Model for Active Speaker Detection", arXiv:2303.04439v1; layout of the weights in
`models.layouts.LIGHT_ASD`. The memory runs backwards over what the forward one gave, not beside it, as published.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.speaking.streams import AudioStream, VisualStream, audio_block, visual_block
from models.trunks import MfccInput

# Mean and spread of grey faces in 0..1 that the published network was trained with.
GREY_MEAN = 0.4161
GREY_STD = 0.1688
SOUND_FRAMES_PER_PICTURE = 4


class SpeakingScores(NamedTuple):
    """Logits of (silent, speaking): `both` [B, T, 2] from faces and sound; `visual` [B, T, 2] from faces alone."""

    both: Tensor
    visual: Tensor


class TwoWayMemory(nn.Module):
    """A recurrent layer forwards, then one backwards over its answers.

    Args:
        forwards: runs from the first frame to the last.
        backwards: runs from the last frame to the first.
    """

    def __init__(self, *, forwards: nn.GRU, backwards: nn.GRU) -> None:
        super().__init__()
        self.forwards = forwards
        self.backwards = backwards

    def forward(self, x: Tensor) -> Tensor:
        """Remember.

        Args:
            x: [B, T, D], float32.

        Returns:
            [B, T, D], float32.

        Shape legend: B tracks, T frames, D channels.
        """
        y = functional.gelu(self.forwards(x)[0])
        y = self.backwards(y.flip(1))[0].flip(1)
        return functional.gelu(y)


class ActiveSpeaker(nn.Module):
    """Says of each frame of a face's track whether that face makes the sound.

    Args:
        sound: cepstra to pictures of one channel.
        visual: stream of faces.
        audio: stream of sound.
        memory: over the sum of both.
        score: [.., D] -> [.., 2], on the memory.
        visual_score: [.., D] -> [.., 2], on the faces alone: it keeps the stream honest while training.
    """

    def __init__(
        self,
        *,
        sound: MfccInput,
        visual: VisualStream,
        audio: AudioStream,
        memory: TwoWayMemory,
        score: nn.Linear,
        visual_score: nn.Linear,
    ) -> None:
        super().__init__()
        self.sound = sound
        self.visual = visual
        self.audio = audio
        self.memory = memory
        self.score = score
        self.visual_score = visual_score

    def forward(self, faces: Tensor, sound: Tensor) -> SpeakingScores:
        """Score frames.

        Args:
            faces: [B, T, H, W], uint8 (or float), 0..255, grey, 25 frames a second.
            sound: [B, 4 T, M], float32, cepstra of the same time, 100 frames a second.

        Returns:
            `SpeakingScores`, each [B, T, 2], logits of (silent, speaking).

        Shape legend: B tracks, T frames, H rows, W columns, M coefficients, D channels.
        """
        # [B, 1, T, H, W]
        grey = (faces.unsqueeze(1).to(torch.float32) / 255.0 - GREY_MEAN) / GREY_STD
        # [B, T, D], both
        seen, heard = self.visual(grey), self.audio(self.sound(sound))
        return SpeakingScores(both=self.score(self.memory(seen + heard)), visual=self.visual_score(seen))


class SpeakingGraph(nn.Module):
    """The served form: probabilities instead of logits, from faces and sound together.

    Args:
        network: the trained network.
    """

    def __init__(self, *, network: ActiveSpeaker) -> None:
        super().__init__()
        self.network = network

    def forward(self, faces: Tensor, sound: Tensor) -> Tensor:
        """Give the probability that each frame's face speaks.

        Args:
            faces: [B, T, H, W], uint8, 0..255, grey.
            sound: [B, 4 T, M], float32, cepstra of the same time.

        Returns:
            [B, T], float32, 0..1.

        Shape legend: B tracks, T frames, H rows, W columns, M coefficients.
        """
        scores: SpeakingScores = self.network(faces, sound)
        return scores.both.softmax(dim=2)[:, :, 1]


def active_speaker(*, widths: Sequence[int]) -> ActiveSpeaker:
    """Build an `ActiveSpeaker` whose blocks give `widths`, three of them."""
    first, second, width = widths
    return ActiveSpeaker(
        sound=MfccInput(),
        visual=VisualStream(
            blocks=[visual_block(1, first, stride=2), visual_block(first, second), visual_block(second, width)]
        ),
        audio=AudioStream(blocks=[audio_block(1, first), audio_block(first, second), audio_block(second, width)]),
        memory=TwoWayMemory(
            forwards=nn.GRU(width, width, batch_first=True), backwards=nn.GRU(width, width, batch_first=True)
        ),
        score=nn.Linear(width, 2),
        visual_score=nn.Linear(width, 2),
    )
