"""The two streams of APES over embeddings that are there already, instead of pixels and sound.

Source: Alcazar et al., "APES: Audiovisual Person Search in Untrimmed Video", section 4.1: a stream for faces, one for
voices, and a joint embedding of both, made from the two laid side by side. Its streams are residual networks; here
each is one linear map of what a pack's encoder said, which is what some hundred tracklets can teach.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from models.fusion.two_stream import TwoStreamEmbeddings


class ProjectedStreams(nn.Module):
    """A linear map of faces, one of voices, and one over both.

    Args:
        face: [B, F] -> [B, C].
        voice: [B, V] -> [B, C].
        joint: [B, 2 C] -> [B, D], over voice, then face: the published order.
    """

    def __init__(self, *, face: nn.Linear, voice: nn.Linear, joint: nn.Linear) -> None:
        super().__init__()
        self.face = face
        self.voice = voice
        self.joint = joint

    def forward(self, faces: Tensor, voices: Tensor) -> TwoStreamEmbeddings:
        """Embed tracklets.

        Args:
            faces: [B, F], float32, of length 1; 0 where there is no face.
            voices: [B, V], float32, likewise.

        Returns:
            `TwoStreamEmbeddings`: face and voice [B, C], joint [B, D], none normalised.

        Shape legend: B tracklets, F and V dimensions of the encoders, C of a stream, D of the joint embedding.
        """
        face, voice = self.face(faces), self.voice(voices)
        # [B, 2 C] -> [B, D]
        joint = self.joint(torch.cat([voice, face], dim=1))
        return TwoStreamEmbeddings(face=face, voice=voice, joint=joint)


def projected_streams(*, face_dim: int, voice_dim: int, stream_dim: int, joint_dim: int) -> ProjectedStreams:
    """Build `ProjectedStreams`; maps without bias, so that what is missing adds nothing."""
    return ProjectedStreams(
        face=nn.Linear(face_dim, stream_dim, bias=False),
        voice=nn.Linear(voice_dim, stream_dim, bias=False),
        joint=nn.Linear(2 * stream_dim, joint_dim, bias=False),
    )
