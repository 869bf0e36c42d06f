"""Batches made ahead of time in one background thread; batch `step` is always the same for one seed."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Generic, Self, TypeVar

import numpy as np

Batch = TypeVar("Batch")


def step_generator(seed: int, step: int) -> np.random.Generator:
    """Give the source of chance of one step, so that a resumed run draws what the whole run would have drawn."""
    return np.random.default_rng(np.random.SeedSequence([seed, step]))


class Prefetcher(Generic[Batch]):
    """Makes batches in order, a few ahead, while the network computes.

    One thread is enough: OpenCV and numpy release the interpreter for the heavy parts, and the machine has few cores.

    Args:
        make: Gives the batch of a step; raises what the consumer shall see.
        first: First step.
        end: Step after the last.
        ahead: Batches that may wait.
    """

    def __init__(self, make: Callable[[int], Batch], *, first: int, end: int, ahead: int = 4) -> None:
        self._make = make
        self._steps = range(first, end)
        self._queue: queue.Queue[Batch | BaseException] = queue.Queue(maxsize=ahead)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name="batches", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        while self._thread.is_alive():
            # The worker may wait for room: take what it holds until it sees the flag.
            try:
                self._queue.get(timeout=0.05)
            except queue.Empty:
                continue
        self._thread.join()

    def __iter__(self) -> Iterator[Batch]:
        for _ in self._steps:
            item = self._queue.get()
            if isinstance(item, BaseException):
                raise item
            yield item

    def _work(self) -> None:
        for step in self._steps:
            if self._stop.is_set():
                return
            try:
                item: Batch | BaseException = self._make(step)
            except Exception as error:
                item = error
            self._queue.put(item)
            if isinstance(item, BaseException):
                return


def epoch_rows(count: int, batch: int, step: int, seed: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Give the rows of a step when every epoch visits all rows once in its own order.

    Args:
        count: Number of rows.
        batch: Rows in a step; the incomplete end of an epoch is filled from its beginning.
        step: Number of the step, from 0.
        seed: Seed of the order.
    """
    per_epoch = max(1, -(-count // batch))
    epoch, position = divmod(step, per_epoch)
    order = np.random.default_rng(np.random.SeedSequence([seed, 1_000_003, epoch])).permutation(count)
    return np.take(order, np.arange(position * batch, (position + 1) * batch), mode="wrap").astype(np.int64)
