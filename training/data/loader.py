"""Batches made ahead of time, in a thread of this process or in processes of their own; the same ones either way."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

import cv2
import torch
from torch.utils.data import DataLoader, Dataset

from training.data.batches import Prefetcher

Batch = TypeVar("Batch")


class _Steps(Dataset[Batch], Generic[Batch]):
    """The batch of a step is the item of that number."""

    def __init__(self, make: Callable[[int], Batch]) -> None:
        self._make = make

    def __getitem__(self, step: int) -> Batch:
        return self._make(step)


@contextmanager
def batches_ahead(
    make: Callable[[int], Batch], *, first: int, end: int, processes: int = 0
) -> Iterator[Iterator[Batch]]:
    """Give the batches of steps `first` to `end` - 1, in order.

    Args:
        make: Gives the batch of a step, the same one each time; raises what the consumer shall see.
        first: First step.
        end: Step after the last.
        processes: Processes that make them; 0 for one thread, enough for a processor that trains too. They are forked
            and share what `make` reads, so it must not use an accelerator.
    """
    if not processes:
        with Prefetcher(make, first=first, end=end) as batches:
            yield iter(batches)
        return
    threads = cv2.getNumThreads()
    # OpenCV's own threads do not live on in a process that is forked: what waits for them there waits for ever.
    cv2.setNumThreads(1)
    try:
        yield iter(_loader(make, range(first, end), processes))
    finally:
        cv2.setNumThreads(threads)


def _loader(make: Callable[[int], Batch], steps: range, processes: int) -> DataLoader[Batch]:
    return DataLoader(
        _Steps(make),
        batch_size=None,
        sampler=steps,
        num_workers=processes,
        collate_fn=_as_it_is,
        pin_memory=torch.cuda.is_available(),
        prefetch_factor=4,
        multiprocessing_context="fork",
    )


def _as_it_is(batch: Batch) -> Batch:
    return batch
