"""Random weights that say something: what training would bring about, as far as a comparison of runtimes needs it.

Fresh norms let a network answer nearly the same to everything, or overflow in a deep one; fresh scores stand at the
prior of their class. Either way a runtime that is wrong would pass.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from models import DetectorGraph
from models.speaking import SpeakingGraph

# What a detector's proposals are compared from (`export.distances.CONFIDENT`), and the share of them that reach it: few
# enough that none of them is at the cut of the best 100.
CONFIDENT, PROPOSED = 0.3, 0.005


def settled(network: nn.Module, example: tuple[Tensor, ...]) -> nn.Module:
    """Give the norms the statistics of one batch: what follows them is neither flat nor, in a hundred layers, infinite.

    Args:
        network: Takes the example's tensors; changed in place.
        example: [B, ...] each.

    Returns:
        The network, in inference mode.
    """
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d | nn.BatchNorm3d):
            layer.momentum = 1.0
    with torch.no_grad():
        network.train()(*example)
    return network.eval()


def proposing(graph: nn.Module, example: tuple[Tensor, ...]) -> None:
    """Let a detector propose some boxes of each class with confidence.

    Raises:
        TypeError: If it is none.
    """
    if not isinstance(graph, DetectorGraph):
        raise TypeError(f"got a {type(graph).__name__}, expected a DetectorGraph")
    score = graph.detector.head.score
    with torch.no_grad():
        score.weight *= _factor(graph.detector(*example).logits)
        # [B, P, K] -> [B P, K]
        logits = graph.detector(*example).logits.flatten(0, 1)
        cut = logits.sort(dim=0).values[int((1.0 - PROPOSED) * len(logits))]
        _bias(score).add_(torch.logit(torch.tensor(CONFIDENT)) - cut)


def speaking(graph: nn.Module, example: tuple[Tensor, ...]) -> None:
    """Let an active-speaker network say yes to some frames and no to others.

    Raises:
        TypeError: If it is none.
    """
    if not isinstance(graph, SpeakingGraph):
        raise TypeError(f"got a {type(graph).__name__}, expected a SpeakingGraph")
    score = graph.network.score
    with torch.no_grad():
        score.weight *= _factor(_for_and_against(graph, example))
        _bias(score)[1] -= _for_and_against(graph, example).mean()


def _for_and_against(graph: SpeakingGraph, example: tuple[Tensor, ...]) -> Tensor:
    # [B, T, 2] -> [B, T]
    both = graph.network(*example).both
    return torch.as_tensor(both[..., 1] - both[..., 0])


def _factor(logits: Tensor) -> Tensor:
    """What brings logits to a spread of 1.5, from almost certain to almost not."""
    return torch.as_tensor(1.5 / logits.std())


def _bias(layer: nn.Conv2d | nn.Linear) -> Tensor:
    if layer.bias is None:
        raise ValueError("this layer has no bias: build it with one")
    return layer.bias
