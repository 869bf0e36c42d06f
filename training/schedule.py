"""The optimiser and its rate."""

from __future__ import annotations

import math

import torch
from torch import nn

from training.recipe import Optimiser


def rate_at(step: int, total: int, optimiser: Optimiser) -> float:
    """Give the learning rate of a step: in each cycle a line up, then half a cosine down to zero."""
    bounds = (0, *optimiser.restart_at, total)
    first = max(bound for bound in bounds[:-1] if bound <= step)
    last = min((bound for bound in bounds if bound > step), default=total)
    into, warm = step - first, optimiser.warmup_steps
    if into < warm:
        return optimiser.learning_rate * (into + 1) / warm
    done = (into - warm) / max(1, last - first - warm)
    return optimiser.learning_rate * 0.5 * (1.0 + math.cos(math.pi * min(1.0, done)))


def adamw(module: nn.Module, optimiser: Optimiser) -> torch.optim.AdamW:
    """Build AdamW that shrinks matrices and kernels, but neither biases nor norms."""
    parameters = [parameter for parameter in module.parameters() if parameter.requires_grad]
    shrunk = [parameter for parameter in parameters if parameter.ndim > 1]
    spared = [parameter for parameter in parameters if parameter.ndim <= 1]
    groups = [
        {"params": shrunk, "weight_decay": optimiser.weight_decay},
        {"params": spared, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=optimiser.learning_rate)
