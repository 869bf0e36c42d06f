"""TalkNet, who of a picture speaks, with the public keys.

Sources: Tao et al., "Is Someone Speaking?", arXiv:2107.06592v2; TaoRuijie/TalkNet-ASD at 6d68214, `model/`; keys:
methods.md 7.7 and `papers/state_dicts/TalkNet_model.tsv`. The published front end lets the last frames of one track of
a batch run into the first of the next; here tracks stay apart, which is the same for one track.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.public.attention import Attention
from models.public.talknet_streams import AudioEncoder, VisualFrontend, temporal_convolution, visual_projection
from models.speaking.network import GREY_MEAN, GREY_STD

STREAM = 128
HEADS = 8


class CrossAttention(nn.Module):
    """Attention whose answer is added to what was looked at, and a perceptron, normalised after each.

    Args:
        width: channels.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.self_attn = Attention(width, HEADS)
        self.linear1 = nn.Linear(width, 4 * width)
        self.linear2 = nn.Linear(4 * width, width)
        self.norm1 = nn.LayerNorm(width)
        self.norm2 = nn.LayerNorm(width)

    def forward(self, source: Tensor, target: Tensor) -> Tensor:
        """Attend.

        Args:
            source: [B, T, C], float32, what is looked at and stays.
            target: [B, T, C], float32, what looks.

        Returns:
            [B, T, C], float32.

        Shape legend: B tracks, T frames, C channels.
        """
        x = self.norm1(source + self.self_attn(target, source))
        y: Tensor = self.norm2(x + self.linear2(functional.relu(self.linear1(x))))
        return y


class TalkNet(nn.Module):
    """Faces and sound to a description of each frame.

    Args:
        audio_layers: blocks of each stage of the audio encoder.
    """

    def __init__(self, audio_layers: Sequence[int] = (3, 4, 6, 3)) -> None:
        super().__init__()
        self.visualFrontend = VisualFrontend()
        self.visualTCN = temporal_convolution()
        self.visualConv1D = visual_projection()
        self.audioEncoder = AudioEncoder(audio_layers)
        self.crossA2V = CrossAttention(STREAM)
        self.crossV2A = CrossAttention(STREAM)
        self.selfAV = CrossAttention(2 * STREAM)

    def forward(self, faces: Tensor, sound: Tensor) -> Tensor:
        """Describe frames.

        Args:
            faces: [B, T, 112, 112], uint8 (or float), 0..255, grey, 25 frames a second.
            sound: [B, 4 T, M], float32, cepstra of the same time, 100 frames a second.

        Returns:
            [B, T, 256], float32.

        Shape legend: B tracks, T frames, M coefficients.
        """
        grey = (faces.to(torch.float32) / 255.0 - GREY_MEAN) / GREY_STD
        # [B, T, 128], both
        seen = self.visualConv1D(self.visualTCN(self.visualFrontend(grey))).transpose(1, 2)
        heard = self.audioEncoder(sound.unsqueeze(1).transpose(2, 3))
        joint = torch.cat([self.crossA2V(heard, seen), self.crossV2A(seen, heard)], dim=2)
        described: Tensor = self.selfAV(joint, joint)
        return described


class Score(nn.Module):
    """The classifier under the name that the public code gives it."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.FC = nn.Linear(width, 2)

    def forward(self, x: Tensor) -> Tensor:
        """Score: [B, T, C] -> [B, T, 2], logits of (silent, speaking). Shape legend: B tracks, T frames, C channels."""
        scores: Tensor = self.FC(x)
        return scores


class TalkNetSpeaker(nn.Module):
    """The served form: the probability that each frame's face speaks.

    Args:
        audio_layers: blocks of each stage of the audio encoder.
    """

    def __init__(self, audio_layers: Sequence[int] = (3, 4, 6, 3)) -> None:
        super().__init__()
        self.model = TalkNet(audio_layers)
        self.lossAV = Score(2 * STREAM)

    def forward(self, faces: Tensor, sound: Tensor) -> Tensor:
        """Give probabilities: faces [B, T, 112, 112], uint8, and cepstra [B, 4 T, M] -> [B, T], float32, 0..1.

        Shape legend: B tracks, T frames, M coefficients.
        """
        scores: Tensor = self.lossAV(self.model(faces, sound))
        return scores.softmax(dim=2)[:, :, 1]
