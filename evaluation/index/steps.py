"""What needs no stack: the protocols, identities and extras, each kept once it is made."""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from evaluation.datasets.store import read_search
from evaluation.gallery.work import GALLERY
from evaluation.identities.cli import measure_identities
from evaluation.identities.loading import read_gallery
from evaluation.identities.report import page_of, report_of
from evaluation.index.extra import Extra, Given
from evaluation.index.kept import KeptSteps, Made
from evaluation.protocols.iqiyi.cards import ClipCard, digest_of_clips
from evaluation.protocols.iqiyi.split import split_cast
from evaluation.protocols.running import PROTOCOLS, Sources, run_protocol
from evaluation.truth import Film
from packs.fusers import FUSERS_DIR, FuserPack
from packs.manifest import Pack

__all__ = ["StepError", "Steps", "clip_networks", "run_steps"]

ROOT = Path(__file__).resolve().parents[2]
TAIL = 2000
Say = Callable[[str], None]


class StepError(Exception):
    """The networks of `iqiyi` could not be trained; the message says why."""


@dataclass(frozen=True, slots=True)
class Steps:
    """What the steps run on.

    Attributes:
        films: The films of the gallery.
        appearances: Their read-back.
        record: Folder of the index's files.
        report: Folder of the report.
        networks: Folder of the networks that name clips.
        pack: That embedded.
        fusers: Networks that fuse, beside those that are served with the pack.
        corrections: How many corrections of identities each gallery gets.
        trainer: Interpreter with torch, for the networks that name clips; None leaves their rows out.
        extras: Further measurements, by name.
    """

    films: Sequence[Film]
    appearances: Path
    record: Path
    report: Path
    networks: Path
    pack: Pack
    fusers: Sequence[Path]
    corrections: int
    trainer: Path | None
    extras: Mapping[str, Extra]


def run_steps(steps: Steps, say: Say) -> dict[str, Made]:
    """Make what was not made before: reports and pages by name, in the order of the report.

    A step with nothing to be measured (films too few for it) has a page that says so, and no report: what is asked of
    it does not hold, and the others go on.

    Raises:
        PackError: A network is not, or is of another pack.
    """
    networks = _networks_or_none(steps, say)
    words = [str(steps.corrections), *_digest_of_served()]
    kept = KeptSteps(steps.report, [steps.appearances, *steps.fusers, *networks], words)
    sources = Sources(appearances=steps.appearances, fusers=steps.fusers, networks=networks)
    given = Given(steps.films, steps.appearances, steps.record, steps.pack, say)
    makers: dict[str, Callable[[], Made]] = {name: partial(_protocol, name, sources, steps, say) for name in PROTOCOLS}
    makers["identities"] = partial(_identities, steps)
    makers |= {name: partial(extra, given) for name, extra in steps.extras.items()}
    made: dict[str, Made] = {}
    for name, make in makers.items():
        try:
            made[name] = kept.once(name, make, say)
        except ValueError as error:
            say(f"{name}: not measured: {error}")
            made[name] = ({}, f"# {name.capitalize()}\n\nNot measured: {error}\n")
    return made


def _networks_or_none(steps: Steps, say: Say) -> list[Path]:
    try:
        return clip_networks(steps.appearances, steps.networks, steps.trainer, say)
    except StepError as error:
        say(str(error))
        return []


def _digest_of_served() -> list[str]:
    """Of the networks that fuse which go with the pack: rows are made of them too."""
    return [FuserPack.load(FUSERS_DIR).pack.digest] if FUSERS_DIR.exists() else []


def clip_networks(appearances: Path, folder: Path, trainer: Path | None, say: Say) -> list[Path]:
    """The networks that name the clips of a read-back, trained in an environment with torch unless they are there.

    Raises:
        StepError: If training fails.
    """
    if _are_of(appearances, folder):
        return _networks(folder)
    if trainer is None or not trainer.exists():
        say("no environment with torch: the rows NetVLAD and MMA of iqiyi are left out (make train-env)")
        return []
    say("training the networks of iqiyi")
    command = [str(trainer), "-m", "training", "clips", "--appearances", str(appearances.absolute())]
    done = subprocess.run([*command, "--out", str(folder.absolute())], cwd=ROOT, capture_output=True, text=True)
    if done.returncode != 0:
        raise StepError(f"the networks of iqiyi were not trained:\n{(done.stdout + done.stderr)[-TAIL:]}")
    return _networks(folder)


def _are_of(appearances: Path, folder: Path) -> bool:
    found = _networks(folder)
    if not found:
        return False
    try:
        digest = digest_of_clips(split_cast(read_search(appearances)[0]).train)
        cards = [path.with_suffix(".json").read_text(encoding="utf-8") for path in found]
        return all(ClipCard.model_validate_json(card).clips == digest for card in cards)
    except (OSError, ValidationError):
        return False


def _networks(folder: Path) -> list[Path]:
    """In the order of the paper's table."""
    return [path for name in ("classifier", "netvlad", "mma") if (path := folder / f"{name}.onnx").exists()]


def _protocol(name: str, sources: Sources, steps: Steps, say: Say) -> Made:
    place = steps.report / name
    page = run_protocol(name, sources, say, place.with_suffix(".json"), place.with_suffix(".md"), steps.report)
    report: dict[str, Any] = json.loads(place.with_suffix(".json").read_text(encoding="utf-8"))
    return report, page


def _identities(steps: Steps) -> Made:
    async def measured() -> Made:
        gallery = await read_gallery(steps.record, GALLERY, steps.films, steps.pack)
        result = await measure_identities(gallery, steps.corrections)
        return report_of(result), page_of(result)

    return asyncio.run(measured())
