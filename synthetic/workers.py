"""Splits numbered pieces of work over processes of their own, and notices when one of them dies."""

import os
import traceback
from collections.abc import Callable, Iterator
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait

Work = Callable[[list[int]], Iterator[int]]
"""Does pieces one after the other and yields the number of each when it is done."""


def share(work: Work, numbers: list[int], workers: int) -> Iterator[int]:
    """Do the numbered pieces with `workers` processes; yields each number as it is done.

    Args:
        work: a picklable callable (a frozen dataclass with `__call__` does).
        numbers: the pieces; process k takes every `workers`-th.
        workers: 1 works in this process.

    Raises:
        RuntimeError: a process failed or was killed; what the others had finished stays finished.
    """
    if workers <= 1 or len(numbers) <= 1:
        yield from work(numbers)
        return
    # One rasteriser thread a process: the processes fill the cores.
    os.environ.setdefault("LP_NUM_THREADS", "1")
    context = get_context("spawn")
    pipes: dict[Connection, int] = {}
    processes = []
    for k in range(min(workers, len(numbers))):
        mine, theirs = context.Pipe(duplex=False)
        process = context.Process(target=_run, args=(work, numbers[k::workers], theirs), daemon=True)
        process.start()
        theirs.close()
        processes.append(process)
        pipes[mine] = k
    try:
        yield from _collect(pipes)
    finally:
        for process in processes:
            process.terminate()
            process.join()


def _collect(pipes: dict[Connection, int]) -> Iterator[int]:
    while pipes:
        for ready in wait(list(pipes)):
            assert isinstance(ready, Connection)
            try:
                message = ready.recv()
            except EOFError:
                raise RuntimeError(
                    f"renderer process {pipes[ready]} was killed before it was done, expected it to report; "
                    "run the same command again to resume"
                ) from None
            if message is None:
                del pipes[ready]
            elif isinstance(message, int):
                yield message
            else:
                raise RuntimeError(
                    f"a renderer process failed; fix the cause and run the command again to resume:\n{message}"
                )


def _run(work: Work, numbers: list[int], report: Connection) -> None:
    try:
        for number in work(numbers):
            report.send(number)
        report.send(None)
    except Exception:
        report.send(traceback.format_exc())
