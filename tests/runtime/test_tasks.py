"""Work in the background is over when it was ended."""

import asyncio

from services.runtime.tasks import end_tasks


async def test_none_runs_any_more_however_it_ends() -> None:
    async def stubborn() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            raise ValueError("on the way out")

    async def done() -> int:
        return 1

    tasks = {one: asyncio.create_task(work()) for one, work in (("stubborn", stubborn), ("done", done))}
    await asyncio.sleep(0)
    await end_tasks(tasks.values())
    assert all(task.done() for task in tasks.values())
    assert tasks["done"].result() == 1
    await end_tasks([])
