"""The loss of the active-speaker network: faces with sound, and faces alone at half the weight.

Source: Liao et al., "A Light Weight Model for Active Speaker Detection", arXiv:2303.04439v1, with the figures of its
code (Junhua-Liao/Light-ASD, `ASD.py` and `loss.py`): logits are divided by a temperature that falls from 1.3 by 0.02 an
epoch, and the loss of the faces alone counts by half.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from models.speaking import SpeakingScores


class SpeakingLoss(nn.Module):
    """Cross-entropy of (silent, speaking) on both answers of the network.

    Args:
        visual_weight: Of the answer from faces alone.
        temperature: What logits are divided by; it can be changed between steps, see `temperature_at`.
    """

    def __init__(self, *, visual_weight: float = 0.5, temperature: float = 1.0) -> None:
        super().__init__()
        self.visual_weight = visual_weight
        self.temperature = temperature

    def forward(self, scores: SpeakingScores, speaking: Tensor, counts: Tensor) -> dict[str, Tensor]:
        """Compute the terms.

        Args:
            scores: both [B, T, 2] and visual [B, T, 2], logits.
            speaking: [B, T], int64, 1 where the face speaks.
            counts: [B, T], float32, 1 where the frame is there, 0 where a short track was filled up.

        Returns:
            scalars `both` and `visual`, float32, not negative; their sum is descended.

        Shape legend: B tracks, T frames.
        """
        return {
            "both": self._term(scores.both, speaking, counts),
            "visual": self.visual_weight * self._term(scores.visual, speaking, counts),
        }

    def _term(self, logits: Tensor, speaking: Tensor, counts: Tensor) -> Tensor:
        losses = functional.cross_entropy(
            (logits.float() / self.temperature).flatten(0, 1), speaking.flatten(), reduction="none"
        )
        return (losses * counts.flatten()).sum() / counts.sum().clamp(min=1.0)


def temperature_at(epoch: int) -> float:
    """Give the published temperature of an epoch, counted from 0: 1.3, falling by 0.02.

    It stops at 0.1, which the 30 published epochs do not reach: past epoch 65 it would divide by nothing.
    """
    return max(0.1, 1.3 - 0.02 * epoch)
