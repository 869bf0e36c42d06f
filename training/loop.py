"""The training loop: seeded, resumable after a kill, logged, the same for every task."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel
from torch.utils.tensorboard.writer import SummaryWriter

from models.checkpoints import Checkpoint, write_checkpoint
from training.data.loader import batches_ahead
from training.recipe import Recipe, total_steps
from training.schedule import adamw, rate_at
from training.tasks.base import Task

STATE_FILE = "state.pt"
WEIGHTS_FILE = "weights.pt"


class DivergedError(Exception):
    """The loss is no longer a number."""


def moving_average(decay: float) -> Callable[[Sequence[Tensor], Sequence[Tensor], Tensor | int], None]:
    """Build an average that forgets its start: the decay grows from a tenth to `decay` with the number of updates.

    With a constant decay the first, random weights, and above all the first running variances, would weigh for
    hundreds of steps. It changes the averaged tensors of one kind of number all at once; what only counts is copied.
    """

    def average(averaged: Sequence[Tensor], current: Sequence[Tensor], updates: Tensor | int) -> None:
        count = float(updates)
        kept = min(decay, (1.0 + count) / (10.0 + count))
        for one, now in zip(averaged, current, strict=True):
            if one.is_floating_point():
                one.lerp_(now, 1.0 - kept)
            else:
                one.copy_(now)

    return average


def channels_last(module: nn.Module) -> nn.Module:
    """Store the weights of convolutions over pictures, and over films, as processors like them."""
    formats = {4: torch.channels_last, 5: torch.channels_last_3d}
    for parameter in module.parameters():
        if parameter.dim() in formats:
            parameter.data = parameter.data.to(memory_format=formats[parameter.dim()])
    return module


class Trainer:
    """Follows a recipe to its end, from the start or from where a former run was killed.

    Args:
        task: What is trained.
        recipe: How.
        out: Folder of the run: `state.pt` to resume from, `weights.pt` (the averaged weights) to export, and the logs.
        say: Receives a line of progress now and then.
        save_every_s: Seconds between two savings.
        bfloat16: Compute convolutions in bfloat16 where that is safe.
        device: Where the network is; on another one than the processor a task's batches must move (as `CropBatch.on`).
        processes: Processes that make batches; 0 for one thread of this process.
    """

    def __init__(
        self,
        *,
        task: Task,
        recipe: Recipe,
        out: Path,
        say: Callable[[str], None],
        save_every_s: float = 60.0,
        bfloat16: bool = False,
        device: str = "cpu",
        processes: int = 0,
    ) -> None:
        self.task = task
        self.recipe = recipe
        self.out = out
        self.say = say
        self.save_every_s = save_every_s
        self.bfloat16 = bfloat16
        self.device = torch.device(device)
        self.processes = processes
        self.trained: nn.Module = channels_last(task.trained).to(self.device)
        self.optimiser = adamw(self.trained, recipe.optimiser)
        average = moving_average(recipe.optimiser.average_decay)
        self.averaged = AveragedModel(task.network, multi_avg_fn=average, use_buffers=True)
        self.step = 0

    def run(self, *, until: int | None = None) -> Path:
        """Train to the end of the recipe (or to step `until`) and return the path of the weights.

        Raises:
            DivergedError: If a loss is not finite.
        """
        self.out.mkdir(parents=True, exist_ok=True)
        self._resume()
        end = min(until or total_steps(self.recipe), total_steps(self.recipe))
        self.trained.train()
        with (
            SummaryWriter(str(self.out / "logs"), purge_step=self.step) as log,
            batches_ahead(self.task.make_batch, first=self.step, end=end, processes=self.processes) as batches,
        ):
            self._follow(batches, end, log)
        self._save()
        return self.out / WEIGHTS_FILE

    def _follow(self, batches: Iterator[Any], end: int, log: SummaryWriter) -> None:
        saved_at = said_at = time.monotonic()
        said_step = self.step
        for batch in batches:
            losses = self._descend(batch)
            self.step += 1
            now = time.monotonic()
            if now - said_at >= 10.0 or self.step == end:
                speed = (self.step - said_step) / max(now - said_at, 1e-9)
                self._report(losses, speed, end, log)
                said_at, said_step = now, self.step
            if now - saved_at >= self.save_every_s:
                self._save()
                saved_at = time.monotonic()

    def _descend(self, batch: Any) -> dict[str, Tensor]:
        rate = rate_at(self.step, total_steps(self.recipe), self.recipe.optimiser)
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        self.optimiser.zero_grad(set_to_none=True)
        if self.device.type != "cpu":
            batch = batch.on(self.device)
        with torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self.bfloat16):
            losses = self.task.losses(batch, self.step)
        total = torch.stack(list(losses.values())).sum()
        if not bool(torch.isfinite(total)):
            raise DivergedError(f"step {self.step}: losses are {losses}; lower the learning rate or clip harder")
        total.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.trained.parameters(), self.recipe.optimiser.clip_norm)
        self.optimiser.step()
        self.averaged.update_parameters(self.task.network)
        return losses

    def _report(self, losses: dict[str, Tensor], speed: float, end: int, log: SummaryWriter) -> None:
        for name, value in losses.items():
            log.add_scalar(f"loss/{name}", float(value.detach()), self.step)
        log.add_scalar("rate", self.optimiser.param_groups[0]["lr"], self.step)
        log.add_scalar("steps_per_s", speed, self.step)
        values = ", ".join(f"{name} {float(value.detach()):.4f}" for name, value in losses.items())
        self.say(f"step {self.step}/{end}: {values}; {speed:.2f} steps/s")

    def _save(self) -> None:
        weights = {name: value.cpu().clone() for name, value in self.averaged.module.state_dict().items()}
        checkpoint = Checkpoint(preset=self.recipe.preset, step=self.step, weights=weights)
        state = {
            "recipe": self.recipe.model_dump_json(),
            "step": self.step,
            "trained": self.trained.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "averaged": self.averaged.state_dict(),
        }
        partial = self.out / f"{STATE_FILE}.partial"
        torch.save(state, partial)
        partial.replace(self.out / STATE_FILE)
        write_checkpoint(self.out / WEIGHTS_FILE, checkpoint)

    def _resume(self) -> None:
        path = self.out / STATE_FILE
        if not path.exists():
            return
        state = torch.load(path, map_location=self.device, weights_only=True)
        if state["recipe"] != self.recipe.model_dump_json():
            raise ValueError(f"{path} was made by another recipe: give another folder, or delete this one")
        self.trained.load_state_dict(state["trained"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.averaged.load_state_dict(state["averaged"])
        self.step = state["step"]
        self.say(f"resumed at step {self.step}")
