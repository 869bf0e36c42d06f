"""A residual network over a spectrogram of one voice.

Source: Liu et al., "iQIYI-VID", section 5.1: ResNet-34 over magnitudes, "the 512D output from the last hidden layer".
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from models.trunks import basic_block, resnet
from models.trunks.residual import BlockBuilder


class SpeakerEncoder(nn.Module):
    """Maps a window of one voice to an embedding.

    Args:
        spectrogram: windows to pictures of one channel, normalised.
        trunk: [B, 1, F, T] -> [B, C, f, t].
        projection: [B, C, f, t] -> [B, D].
    """

    def __init__(self, *, spectrogram: nn.Module, trunk: nn.Module, projection: nn.Module) -> None:
        super().__init__()
        self.spectrogram = spectrogram
        self.trunk = trunk
        self.projection = projection

    def forward(self, windows: Tensor) -> Tensor:
        """Embed windows.

        Args:
            windows: [B, T, F], float32, as `packs.spectra` makes them.

        Returns:
            [B, D], float32, not normalised.

        Shape legend: B windows, T frames of 10 ms, F frequencies or mel bands, D embedding dimensions.
        """
        # [B, C, f, t]
        features = self.trunk(self.spectrogram(windows))
        # [B, D]
        embedding: Tensor = self.projection(features)
        return embedding


def speaker_encoder(
    *,
    spectrogram: nn.Module,
    counts: Sequence[int],
    widths: Sequence[int],
    embedding_dim: int | None,
    pooled_stem: bool,
    block: BlockBuilder = basic_block,
) -> SpeakerEncoder:
    """Build a `SpeakerEncoder`.

    Args:
        spectrogram: normalisation of the windows.
        counts: blocks of each stage.
        widths: width of each stage.
        embedding_dim: length of the embedding after a projection and a norm; None: the pooled map is the embedding.
        pooled_stem: whether the stem halves once more; short windows can do without.
        block: what the stages are made of.
    """
    trunk = resnet(block, counts=counts, widths=widths, in_channels=1, pooled_stem=pooled_stem)
    pooled: list[nn.Module] = [nn.AdaptiveAvgPool2d(1), nn.Flatten(1)]
    if embedding_dim is not None:
        pooled += [nn.Linear(widths[-1], embedding_dim, bias=False), nn.BatchNorm1d(embedding_dim)]
    return SpeakerEncoder(spectrogram=spectrogram, trunk=trunk, projection=nn.Sequential(*pooled))
