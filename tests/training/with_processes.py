"""What `batches_ahead` does with processes, as a program of its own: they are forked, and the tests have threads.

python with_processes.py drawn OUT           the batches of steps 3 to 11, as an array
python with_processes.py fails               ends with what the first batch could not be made for
python with_processes.py train DATA OUT      a short run of face.toml; prints the path of its weights
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from training.data.batches import step_generator
from training.data.loader import batches_ahead
from training.data.shards import DataError
from training.loop import Trainer
from training.recipe import Recipe, read_recipe
from training.run import task_from_recipe

RECIPES = Path(__file__).parents[2] / "training" / "recipes"
PROCESSES = 2


def drawn(step: int) -> np.ndarray:
    """Draw the numbers of a step."""
    return step_generator(7, step).integers(0, 9, 3)


def fails(step: int) -> np.ndarray:
    """Make no batch."""
    raise DataError(f"step {step} has no crops")


def short_recipe() -> Recipe:
    """Shorten face.toml to two steps of six crops."""
    recipe = read_recipe(RECIPES / "face.toml")
    phases = tuple(phase.model_copy(update={"steps": 2, "batch": 6}) for phase in recipe.phases)
    return recipe.model_copy(
        update={"phases": phases, "optimiser": recipe.optimiser.model_copy(update={"warmup_steps": 1})}
    )


def trained(data: Path, out: Path, processes: int) -> Path:
    """Train and give the path of the weights."""
    recipe = short_recipe()
    task = task_from_recipe(recipe, data)
    return Trainer(task=task, recipe=recipe, out=out, say=[].append, processes=processes).run()


def main(what: str, *paths: str) -> None:
    """Run one of the commands above."""
    if what == "drawn":
        with batches_ahead(drawn, first=3, end=12, processes=PROCESSES) as batches:
            np.save(paths[0], np.stack(list(batches)))
    elif what == "fails":
        with batches_ahead(fails, first=0, end=2, processes=PROCESSES) as batches:
            next(batches)
    else:
        sys.stdout.write(f"{trained(Path(paths[0]), Path(paths[1]), PROCESSES)}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
