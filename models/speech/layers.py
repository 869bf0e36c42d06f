"""Layers of DeepSpeech2, with the names that published weights have.

Source: SeanNaren/deepspeech.pytorch at b88a631 (methods.md 2.4), after Amodei et al., "Deep Speech 2: End-to-End Speech
Recognition in English and Mandarin", arXiv:1512.02595.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

State = tuple[Tensor, Tensor]


class Frontend(nn.Module):
    """Convolutions over frequencies and time; the first halves the frames.

    Args:
        seq_module: convolution, norm, activation, convolution, norm, activation; the convolutions pad frequencies
            alone, time is padded here.
        causal: whether a frame sees only what came before it. Then the whole gives what chunks give.
    """

    def __init__(self, *, seq_module: nn.Sequential, causal: bool) -> None:
        super().__init__()
        self.seq_module = seq_module
        self.causal = causal
        self.convs = (0, 3)

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Convolve whole utterances.

        Args:
            x: [B, 1, F, T], float32.
            lengths: [B], int64, frames of each that are sound; the others count as nothing. None: all T.

        Returns:
            [B, C, f, ceil(T / 2)], float32.

        Shape legend: B utterances, C channels, F frequencies in, f frequencies out, T frames.
        """
        halves = None if lengths is None else halved(lengths)
        if lengths is not None:
            x = x * _inside(x, lengths)
        for index, layer in enumerate(self.seq_module):
            if index in self.convs:
                x = functional.pad(x, self._padding(self._conv(index), x.shape[3]))
            x = layer(x)
            if halves is not None:
                x = x * _inside(x, halves)
        return x

    def step(self, x: Tensor, past: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
        """Convolve the next frames of running utterances; causal only.

        Args:
            x: [B, 1, F, T], float32, T even.
            past: for each convolution the last frames of its input, [B, C_l, F_l, K_l]; see `past`.

        Returns:
            [B, C, f, T / 2], float32, and the new past.

        Shape legend: B utterances, C channels, F frequencies, f frequencies out, T frames, K frames of past.
        """
        kept, tails = [], iter(past)
        for index, layer in enumerate(self.seq_module):
            if index in self.convs:
                tail = next(tails)
                x = torch.cat([tail, x], dim=3)
                # Sliced by what is needed, so that a chunk shorter than the kernel works too.
                kept.append(x[..., x.shape[3] - tail.shape[3] :])
            x = layer(x)
        return x, kept

    def past(self, batch: int, frequencies: int) -> list[Tensor]:
        """Silence before the beginning: zeros for each convolution, as `step` takes them."""
        out = []
        for index in self.convs:
            conv = self._conv(index)
            frames = conv.kernel_size[1] - conv.stride[1]
            out.append(torch.zeros(batch, conv.in_channels, frequencies, frames))
            frequencies = (frequencies + 2 * int(conv.padding[0]) - conv.kernel_size[0]) // conv.stride[0] + 1
        return out

    def _conv(self, index: int) -> nn.Conv2d:
        conv = self.seq_module[index]
        if not isinstance(conv, nn.Conv2d):
            raise TypeError(f"layer {index} of the front end is a {type(conv).__name__}, expected a convolution")
        return conv

    def _padding(self, conv: nn.Conv2d, frames: int) -> tuple[int, int]:
        """Frames of silence before and after; an odd last frame gets an answer too."""
        kernel, stride = conv.kernel_size[1], conv.stride[1]
        return (kernel - stride, frames % stride) if self.causal else (kernel // 2, kernel // 2)


class Framewise(nn.Module):
    """Applies a layer of rows to each frame.

    Args:
        module: [N, C] -> [N, D].
    """

    def __init__(self, *, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, x: Tensor) -> Tensor:
        """Apply it.

        Args:
            x: [T, B, C], float32.

        Returns:
            [T, B, D], float32.

        Shape legend: T frames, B utterances, C channels in, D channels out.
        """
        # [T, B, C] -> [T * B, C] -> [T * B, D] -> [T, B, D]
        rows: Tensor = self.module(x.reshape(-1, x.shape[2]))
        return rows.reshape(x.shape[0], x.shape[1], rows.shape[1])


class RecurrentLayer(nn.Module):
    """A norm (but in the first layer) and an LSTM; the two directions are summed.

    Args:
        rnn: [T, B, C] -> [T, B, H] or, of two directions, [T, B, 2H].
        batch_norm: over the channels of each frame; None in the first layer.
    """

    def __init__(self, *, rnn: nn.LSTM, batch_norm: Framewise | None) -> None:
        super().__init__()
        self.rnn = rnn
        self.batch_norm = batch_norm

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Read whole utterances.

        Args:
            x: [T, B, C], float32.
            lengths: [B], int64 on the CPU, frames of each; None: all T.

        Returns:
            [T, B, H], float32; zero beyond the lengths.

        Shape legend: T frames, B utterances, C channels, H state dimensions.
        """
        x = x if self.batch_norm is None else self.batch_norm(x)
        if lengths is None:
            return self._summed(self.rnn(x)[0])
        packed = nn.utils.rnn.pack_padded_sequence(x, lengths, enforce_sorted=False)
        padded, _ = nn.utils.rnn.pad_packed_sequence(self.rnn(packed)[0], total_length=x.shape[0])
        return self._summed(padded)

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        """Read the next frames of running utterances; one direction only.

        Args:
            x: [T, B, C], float32.
            state: what the former frames left, twice [1, B, H].

        Returns:
            [T, B, H], float32, and the new state.

        Shape legend: T frames, B utterances, C channels, H state dimensions.
        """
        x = x if self.batch_norm is None else self.batch_norm(x)
        out, state = self.rnn(x, state)
        return out, state

    def _summed(self, x: Tensor) -> Tensor:
        if not self.rnn.bidirectional:
            return x
        # [T, B, 2H] -> [T, B, 2, H] -> [T, B, H]
        return x.reshape(x.shape[0], x.shape[1], 2, self.rnn.hidden_size).sum(dim=2)


def halved(frames: Tensor) -> Tensor:
    """Give the frames that the first convolution leaves of so many, int64, half of them rounded up."""
    return torch.div(frames + 1, 2, rounding_mode="floor")


def _inside(x: Tensor, lengths: Tensor) -> Tensor:
    """One for the frames of [B, C, F, T] that are sound, zero for others: [B, 1, 1, T]."""
    places = torch.arange(x.shape[3], device=x.device)
    return (places < lengths[:, None]).to(x.dtype)[:, None, None, :]


def frontend(channels: int, *, causal: bool) -> Frontend:
    """Build the two convolutions of the published network, with so many channels (32 there)."""
    first = nn.Conv2d(1, channels, (41, 11), stride=(2, 2), padding=(20, 0))
    second = nn.Conv2d(channels, channels, (21, 11), stride=(2, 1), padding=(10, 0))
    layers = [layer for conv in (first, second) for layer in (conv, nn.BatchNorm2d(channels), nn.Hardtanh(0.0, 20.0))]
    return Frontend(seq_module=nn.Sequential(*layers), causal=causal)


def recurrent_layer(channels: int, state_dim: int, *, two_way: bool, first: bool) -> RecurrentLayer:
    """Build a layer; the first has no norm before it."""
    norm = None if first else Framewise(module=nn.BatchNorm1d(channels))
    return RecurrentLayer(rnn=nn.LSTM(channels, state_dim, bidirectional=two_way), batch_norm=norm)
