"""The optimiser and its rate."""

from __future__ import annotations

import math

import torch
from torch import nn

from training.recipe import Optimiser


def rate_at(step: int, total: int, optimiser: Optimiser) -> float:
    """Give the learning rate of a step: a line up, then half a cosine down to zero."""
    warm = optimiser.warmup_steps
    if step < warm:
        return optimiser.learning_rate * (step + 1) / warm
    done = (step - warm) / max(1, total - warm)
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
