"""DeepSpeech2: spectrogram in, scores of symbols out, by utterance or in chunks.

Source: SeanNaren/deepspeech.pytorch at b88a631 (methods.md 2.4), after Amodei et al., arXiv:1512.02595. The published
network with one direction ends in a look-ahead convolution; ours has none, so that no answer waits for later sound.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.speech.layers import Framewise, Frontend, RecurrentLayer, frontend, halved, recurrent_layer

SYMBOLS = 29
FREQUENCIES = 161


class StreamState(NamedTuple):
    """What a running recogniser remembers: `past` of the convolutions, `hidden` and `cell` [L, B, H] of the LSTMs."""

    past: list[Tensor]
    hidden: Tensor
    cell: Tensor


class FixedScale(nn.Module):
    """Centres log-magnitudes by constants, where the mean of an utterance is not known before its end.

    Args:
        centre: what is subtracted.
        spread: what the rest is divided by.
    """

    def __init__(self, *, centre: float, spread: float) -> None:
        super().__init__()
        self.centre = centre
        self.spread = spread

    def forward(self, frames: Tensor) -> Tensor:
        """Centre.

        Args:
            frames: [B, T, F], float32, log(1 + magnitude).

        Returns:
            [B, T, F], float32, about -1..5.

        Shape legend: B utterances, T frames, F frequencies.
        """
        return (frames - self.centre) / self.spread


class Recogniser(nn.Module):
    """Scores the symbols of each 20 ms.

    Args:
        scale: [B, T, F] -> [B, T, F]; identity where the frames come normalised.
        conv: the convolutions.
        rnns: the recurrent layers.
        fc: [T, B, H] -> [T, B, S].
    """

    def __init__(self, *, scale: nn.Module, conv: Frontend, rnns: Sequence[RecurrentLayer], fc: nn.Sequential) -> None:
        super().__init__()
        self.scale = scale
        self.conv = conv
        self.rnns = nn.ModuleList(rnns)
        self.fc = fc

    def forward(self, frames: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Recognise whole utterances.

        Args:
            frames: [B, T, F], float32, as `packs.speech` makes them.
            lengths: [B], int64, frames of each that are sound; None: all T.

        Returns:
            [B, ceil(T / 2), S], float32, logits.

        Shape legend: B utterances, T frames of 10 ms, F frequencies, S symbols.
        """
        # [B, 1, F, T]
        x = self.scale(frames).transpose(1, 2).unsqueeze(1)
        x = _by_time(self.conv(x, lengths))
        halves = None if lengths is None else halved(lengths).cpu()
        for rnn in self._layers():
            x = rnn(x, halves)
        # [T / 2, B, S] -> [B, T / 2, S]
        logits: Tensor = self.fc(x).transpose(0, 1)
        return logits

    def start(self, batch: int) -> StreamState:
        """Give the state of so many utterances that have not begun.

        Raises:
            ValueError: If the network looks ahead: it has no answer before the end.
        """
        layers = [layer.rnn for layer in self._layers()]
        if not self.conv.causal or any(layer.bidirectional for layer in layers):
            raise ValueError("this recogniser sees what comes later: give it whole utterances")
        zeros = torch.zeros(len(layers), batch, layers[0].hidden_size)
        return StreamState(self.conv.past(batch, FREQUENCIES), zeros, zeros.clone())

    def step(self, frames: Tensor, state: StreamState) -> tuple[Tensor, StreamState]:
        """Recognise the next frames of running utterances.

        Args:
            frames: [B, T, F], float32, T even.
            state: of `start` or the step before.

        Returns:
            [B, T / 2, S], float32, logits, the same as the whole would have, and the new state.

        Raises:
            ValueError: If T is odd: half an answer has no meaning.

        Shape legend: B utterances, T frames of 10 ms, F frequencies, S symbols, L layers, H state dimensions.
        """
        if frames.shape[1] % 2:
            raise ValueError(f"got {frames.shape[1]} frames, expected an even number: keep the last for the next chunk")
        x, past = self.conv.step(self.scale(frames).transpose(1, 2).unsqueeze(1), state.past)
        x = _by_time(x)
        hidden, cell = [], []
        for index, rnn in enumerate(self._layers()):
            x, (h, c) = rnn.step(x, (state.hidden[index : index + 1], state.cell[index : index + 1]))
            hidden.append(h)
            cell.append(c)
        return self.fc(x).transpose(0, 1), StreamState(past, torch.cat(hidden), torch.cat(cell))

    def _layers(self) -> list[RecurrentLayer]:
        return [layer for layer in self.rnns if isinstance(layer, RecurrentLayer)]


class RecogniserGraph(nn.Module):
    """The served form: log-probabilities of whole windows.

    Args:
        network: the trained network.
    """

    def __init__(self, *, network: Recogniser) -> None:
        super().__init__()
        self.network = network

    def forward(self, frames: Tensor) -> Tensor:
        """Recognise.

        Args:
            frames: [B, T, F], float32.

        Returns:
            [B, ceil(T / 2), S], float32, log-probabilities.

        Shape legend: B utterances, T frames, F frequencies, S symbols.
        """
        return functional.log_softmax(self.network(frames), dim=2)


class ChunkGraph(nn.Module):
    """The served form of a running recogniser: the state goes out and comes back with the next chunk.

    Args:
        network: the trained network, causal.
    """

    def __init__(self, *, network: Recogniser) -> None:
        super().__init__()
        self.network = network

    def forward(
        self, frames: Tensor, past_frames: Tensor, past_features: Tensor, hidden: Tensor, cell: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        """Recognise the next chunk; the batch comes first everywhere, as servers want it.

        Args:
            frames: [B, T, F], float32, T even.
            past_frames: [B, 1, F, 9], float32, past of the first convolution; zeros at the beginning.
            past_features: [B, C, f, 10], float32, past of the second; likewise.
            hidden: [B, L, H], float32; likewise.
            cell: [B, L, H], float32; likewise.

        Returns:
            [B, T / 2, S], float32, log-probabilities, and the four states for the next chunk.

        Shape legend: B utterances, T frames, F frequencies, C channels, f frequencies after the convolutions, L layers,
        H state dimensions, S symbols.
        """
        state = StreamState([past_frames, past_features], hidden.transpose(0, 1), cell.transpose(0, 1))
        logits, after = self.network.step(frames, state)
        scores = functional.log_softmax(logits, dim=2)
        return scores, after.past[0], after.past[1], after.hidden.transpose(0, 1), after.cell.transpose(0, 1)


def _by_time(x: Tensor) -> Tensor:
    """Put frames first: [B, C, f, T] -> [T, B, C * f]."""
    return x.flatten(1, 2).permute(2, 0, 1)


def recogniser(
    *, channels: int, layers: int, state_dim: int, symbols: int, streaming: bool, scale: nn.Module
) -> Recogniser:
    """Build the network from numbers.

    Args:
        channels: of the convolutions.
        layers: LSTM layers.
        state_dim: length of a state of one direction.
        symbols: symbols, the blank among them.
        streaming: one direction and causal convolutions, or both directions.
        scale: see `Recogniser`.
    """
    # Each convolution halves the frequencies, rounded up.
    width = channels * ((FREQUENCIES + 3) // 4)
    rnns = [
        recurrent_layer(width if index == 0 else state_dim, state_dim, two_way=not streaming, first=index == 0)
        for index in range(layers)
    ]
    last = nn.Sequential(nn.BatchNorm1d(state_dim), nn.Linear(state_dim, symbols, bias=False))
    fc = nn.Sequential(Framewise(module=last))
    return Recogniser(scale=scale, conv=frontend(channels, causal=streaming), rnns=rnns, fc=fc)
