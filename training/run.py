"""One training run: a recipe, data, and a folder for what comes out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn

from models import body_encoder, face_encoder, head_encoder, person_detector, voice_activity, voice_encoder
from models.checkpoints import WORD_PRESETS
from models.fusion import associative_tracklets, attentive_tracklets, netvlad_small
from models.speaking import active_speaker_small
from models.text import SMALL_IMAGE, ImageTextTransformer
from packs.manifest import Pack
from training.data.associations import load_associations
from training.data.crops import crops_at_rest, load_crops
from training.data.descriptions import load_pairs
from training.data.mouths import open_mouths
from training.data.shards import open_frames
from training.data.tracklets import load_tracklets
from training.data.voices import open_voices
from training.loop import Trainer
from training.machine import computes_bfloat16, keep_freed_memory
from training.recipe import (
    ActivityRecipe,
    AggregationRecipe,
    AssociationRecipe,
    DescriptionRecipe,
    DetectorRecipe,
    Recipe,
    RecipeError,
    SpeakingRecipe,
    Trunk,
    VoiceRecipe,
    read_recipe,
)
from training.starting import start_trunk
from training.tasks import (
    ActivityTask,
    AggregationTask,
    AssociationTask,
    DescriptionTask,
    DetectorTask,
    EncoderTask,
    SpeakingTask,
    Task,
    VoiceTask,
)
from training.tasks.association import FusingNetwork

ENCODERS = {"face_encoder": face_encoder, "head_encoder": head_encoder, "body_encoder": body_encoder}
FUSERS: dict[str, Callable[[], FusingNetwork]] = {
    "associative_tracklets": associative_tracklets,
    "attentive_tracklets": attentive_tracklets,
}
ROOT = Path(__file__).resolve().parents[1]
# Crops that the norms of a trunk take their statistics from.
STATISTICS_OF = 512


def task_from_recipe(recipe: Recipe, data: Path) -> Task:
    """Build the network of a recipe, seeded, and what it learns from in the folder of all sets."""
    torch.manual_seed(recipe.seed)
    if isinstance(recipe, DetectorRecipe):
        return DetectorTask(detector=person_detector(), frames=open_frames(data / "train"), recipe=recipe)
    if isinstance(recipe, VoiceRecipe):
        return VoiceTask(encoder=voice_encoder(), voices=open_voices(data / "train"), recipe=recipe)
    if isinstance(recipe, ActivityRecipe):
        return ActivityTask(network=voice_activity(), voices=open_voices(data / "train"), recipe=recipe)
    if isinstance(recipe, DescriptionRecipe):
        return _description(recipe, data)
    if isinstance(recipe, AggregationRecipe):
        pack = Pack.load(ROOT / recipe.pack)
        tracklets = load_tracklets(open_frames(data / recipe.crops.sets[0]), pack, recipe.crops)
        return AggregationTask(network=netvlad_small(), tracklets=tracklets, recipe=recipe)
    if isinstance(recipe, AssociationRecipe):
        associations = load_associations(data, recipe.films)
        return AssociationTask(network=FUSERS[recipe.preset](), tracklets=associations, recipe=recipe)
    if isinstance(recipe, SpeakingRecipe):
        films = open_mouths(data / "mouths", recipe.films)
        return SpeakingTask(network=active_speaker_small(), films=films, recipe=recipe)
    encoder = ENCODERS[recipe.preset]()
    sets = [open_frames(data / name) for name in recipe.crops.sets]
    return EncoderTask(encoder=encoder, crops=load_crops(sets, recipe.crops), recipe=recipe)


def _description(recipe: DescriptionRecipe, data: Path) -> DescriptionTask:
    pairs = load_pairs([open_frames(data / name) for name in recipe.crops.sets], recipe.crops)
    network = WORD_PRESETS[recipe.preset]()
    assert isinstance(network, ImageTextTransformer)
    if recipe.trunk is not None:
        crops = crops_at_rest(pairs.crops, SMALL_IMAGE, STATISTICS_OF, seed=recipe.seed)
        _begin_with(network.patch_embed.proj.get_submodule("trunk"), recipe.trunk, torch.from_numpy(crops))
    return DescriptionTask(network=network, pairs=pairs, recipe=recipe)


def _begin_with(trunk: nn.Module, start: Trunk, crops: Tensor) -> None:
    pack = Pack.load(ROOT / start.pack)
    start_trunk(trunk, pack.file_of(pack.model(start.model)), crops)
    trunk.requires_grad_(start.learns)


def train(
    recipe_path: Path,
    data: Path,
    out: Path,
    *,
    say: Callable[[str], None],
    until: int | None = None,
    threads: int = 2,
    device: str = "cpu",
    processes: int = 0,
) -> Path:
    """Follow a recipe, resuming what a killed run has left.

    Args:
        recipe_path: TOML file.
        data: Folder that holds the rendered sets.
        out: Folder of the run.
        say: Receives lines of progress.
        until: Step to stop at; the end of the recipe when None.
        threads: Threads of each operation. On a machine that does other work too, 1 is several times faster than 2: the
            threads wait for each other at every operation.
        device: Where to train, `cpu` or `cuda`. Batches are the same on both; sums are rounded otherwise.
        processes: Processes that make batches; 0 for one thread of this process.

    Returns:
        Path of the averaged weights.

    Raises:
        RecipeError: If another device than the processor is asked for by a recipe of no encoder.
    """
    keep_freed_memory()
    torch.set_num_threads(threads)
    recipe = read_recipe(recipe_path)
    if device != "cpu" and recipe.task != "encoder":
        raise RecipeError(
            f"got device {device} for the task {recipe.task}, expected an encoder: the rest trains on cpu"
        )
    task = task_from_recipe(recipe, data)
    if isinstance(task, DescriptionTask):
        task.keep_vocabulary(out)
    say(_opening(recipe, task))
    # What is fused are cosines a few hundredths apart, which bfloat16 cannot tell.
    short = (device != "cpu" or computes_bfloat16()) and not isinstance(task, AssociationTask)
    trainer = Trainer(task=task, recipe=recipe, out=out, say=say, bfloat16=short, device=device, processes=processes)
    return trainer.run(until=until)


def _opening(recipe: Recipe, task: Task) -> str:
    match task:
        case EncoderTask():
            return f"{recipe.preset}: {len(task.crops)} crops of {task.crops.classes} classes"
        case DescriptionTask():
            known = f"{len(task.pairs.described)} persons in outfits, {len(task.vocabulary)} words"
            return f"{recipe.preset}: {len(task.pairs.crops)} crops of {known}"
        case DetectorTask():
            return f"{recipe.preset}: {len(task.truth.frames)} frames"
        case VoiceTask():
            return f"{recipe.preset}: {len(task.rows)} clips of {task.classes} voices"
        case AggregationTask():
            return f"{recipe.preset}: {len(task.tracklets)} tracklets of {task.tracklets.classes} persons"
        case AssociationTask():
            return f"{recipe.preset}: {len(task.tracklets)} tracklets of {task.tracklets.classes} persons"
        case SpeakingTask():
            windows = f"{len(task.speaking)} windows of people who speak, {len(task.silent)} of others"
            return f"{recipe.preset}: {len(task.films)} films, {windows}"
        case ActivityTask():
            return f"{recipe.preset}: {len(task.voices)} clips"
    return recipe.preset
