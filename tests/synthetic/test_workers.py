"""Work is shared over processes, and a process that dies is noticed."""

import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from synthetic.workers import share


@dataclass(frozen=True)
class Work:
    """Yields its numbers; raises at `fails`, kills its process at `dies`."""

    fails: int = -1
    dies: int = -1

    def __call__(self, numbers: list[int]) -> Iterator[int]:
        for number in numbers:
            if number == self.fails:
                raise ValueError(f"no frame {number}")
            if number == self.dies:
                os.kill(os.getpid(), signal.SIGKILL)
            yield number


@pytest.mark.parametrize("workers", [1, 2])
def test_every_piece_is_done_once(workers: int) -> None:
    assert sorted(share(Work(), list(range(7)), workers)) == list(range(7))


def test_a_failure_arrives_with_its_trace() -> None:
    with pytest.raises(RuntimeError, match="no frame 3"):
        list(share(Work(fails=3), [1, 2, 3, 4], 2))


def test_a_killed_process_is_noticed_and_resuming_is_advised() -> None:
    with pytest.raises(RuntimeError, match=r"was killed .* again to resume"):
        list(share(Work(dies=2), [1, 2, 3, 4], 2))


def test_nothing_to_do_is_nothing() -> None:
    assert list(share(Work(), [], 2)) == []
