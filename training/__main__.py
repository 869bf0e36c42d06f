"""Command line of the training room: `python -m training run|...`."""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

from models.checkpoints import CheckpointError
from packs.errors import PackError
from training.data.shards import DataError, RenderError
from training.loop import DivergedError
from training.recipe import RecipeError

# Of the weights in the repository.
VERSION = "0.8.0"


def main(arguments: list[str] | None = None) -> int:
    """Run a command; 0 when it succeeded, 2 with a line on stderr when it could not."""
    options = _parser().parse_args(arguments)
    try:
        options.run(options)
    except (CheckpointError, DataError, DivergedError, PackError, RecipeError, RenderError) as error:
        sys.stderr.write(f"training: {error}\n")
        return 2
    return 0


def say(line: str) -> None:
    """Print a line of progress at once, with the time."""
    sys.stdout.write(f"{time.strftime('%H:%M:%S')} {line}\n")
    sys.stdout.flush()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m training", description=__doc__)
    commands = parser.add_subparsers(required=True)
    run = commands.add_parser("run", help="follow one recipe; resumes what a killed run has left")
    run.add_argument("recipe", type=Path)
    run.add_argument(
        "--data",
        type=Path,
        required=True,
        help="folder with the `train` set (of frames, or of voices), or of read-backs",
    )
    run.add_argument("--out", type=Path, required=True, help="folder of the run")
    run.add_argument("--until", type=int, help="stop after this step and save")
    run.add_argument("--threads", type=int, default=2, help="1 is faster on a machine that does other work too")
    run.add_argument("--device", choices=("cpu", "cuda"), default="cpu", help="an encoder learns on a GPU too")
    run.add_argument("--processes", type=int, default=0, help="make batches in so many processes; 0: in one thread")
    run.set_defaults(run=_run)
    calibrate = commands.add_parser("calibrate", help="fit scores and thresholds of a pack on the `val` sets")
    calibrate.add_argument("--pack", type=Path, required=True)
    calibrate.add_argument("--data", type=Path, required=True)
    calibrate.add_argument("--voices", type=Path, help="folder of the sets of voices; DATA/voices when not given")
    calibrate.set_defaults(run=_calibrate)
    films = commands.add_parser("calibrate-films", help="fit scores of a pack on pairs of `python -m evaluation pairs`")
    films.add_argument("--pack", type=Path, required=True)
    films.add_argument("--pairs", type=Path, required=True)
    films.add_argument("--modality", action="append", default=[], help="only this one's line; may be repeated")
    films.set_defaults(run=_calibrate_films)
    evaluate = commands.add_parser("evaluate", help="measure a pack on the `test` sets; prints JSON")
    evaluate.add_argument("--pack", type=Path, required=True)
    evaluate.add_argument("--data", type=Path, required=True)
    evaluate.add_argument("--voices", type=Path, help="folder of the sets of voices; DATA/voices when not given")
    evaluate.set_defaults(run=_evaluate)
    words = commands.add_parser("evaluate-words", help="measure search by words on the `test` set; prints JSON")
    words.add_argument("--weights", type=Path, required=True, help="`weights.pt` of a run, its vocabulary beside it")
    words.add_argument("--data", type=Path, required=True, help="folder of the sets with their descriptions")
    words.set_defaults(run=_evaluate_words)
    teach = commands.add_parser(
        "teach-words", help="fit the bag of words that `python -m evaluation words` compares with"
    )
    teach.add_argument("--data", type=Path, required=True, help="folder of the sets, `train` with its descriptions")
    teach.add_argument("--vocabulary", type=Path, required=True, help="`vocabulary.json` of the run or the pack")
    teach.add_argument("--out", type=Path, required=True, help="npz file to write")
    teach.set_defaults(run=_teach_words)
    joined = commands.add_parser(
        "evaluate-aggregation", help="measure ways to make one embedding of a tracklet's; prints JSON"
    )
    joined.add_argument("--weights", type=Path, required=True, help="`weights.pt` of a run of netvlad.toml")
    joined.add_argument("--pack", type=Path, required=True, help="the pack that the run was made on")
    joined.add_argument("--data", type=Path, required=True, help="folder of the sets")
    joined.set_defaults(run=_evaluate_aggregation)
    fuser = commands.add_parser("fuser", help="calibrate a network that fuses on other films, and write it as ONNX")
    fuser.add_argument("--weights", type=Path, required=True, help="`weights.pt` of association.toml or attention.toml")
    fuser.add_argument("--data", type=Path, required=True, help="folder of the read-backs, NAME.npz each")
    fuser.add_argument("--films", nargs="+", required=True, help="names in it, of films that the run has not seen")
    fuser.add_argument("--pack", type=Path, required=True, help="the pack that embedded them")
    fuser.add_argument("--window-s", type=float, default=60.0, help="longest gap that bodies are compared over")
    fuser.add_argument("--out", type=Path, required=True, help="ONNX file to write; its card lies beside it, .json")
    fuser.set_defaults(run=_fuser)
    fusers = commands.add_parser("fusers", help="the pack of networks that fuse, from runs that are done")
    fusers.add_argument("--weights", type=Path, nargs="+", required=True, help="`weights.pt` of both runs")
    fusers.add_argument("--data", type=Path, required=True, help="folder of the read-backs, NAME.npz each")
    fusers.add_argument("--films", nargs="+", required=True, help="names in it, of films that no run has seen")
    fusers.add_argument("--pack", type=Path, required=True, help="the pack that embedded them")
    fusers.add_argument("--window-s", type=float, default=60.0, help="longest gap that bodies are compared over")
    fusers.add_argument("--version", default=VERSION, help="version of the weights")
    fusers.add_argument("--out", type=Path, required=True, help="folder of the pack")
    fusers.set_defaults(run=_fusers)
    move = commands.add_parser("move-fusers", help="let networks that fuse go with a pack of the same encoders")
    move.add_argument("--fusers", type=Path, required=True, help="their folder; its manifest and card are written")
    move.add_argument("--samplings", type=Path, help="folder of trainings for apes, which go with the same pack")
    move.add_argument("--from", dest="old", type=Path, required=True, help="the pack that they go with")
    move.add_argument("--to", dest="new", type=Path, required=True, help="the pack that they are to go with")
    move.set_defaults(run=_move_fusers)
    samplings = commands.add_parser("samplings", help="train APES's three samplings over embeddings of read-backs")
    samplings.add_argument("--data", type=Path, required=True, help="folder of the read-backs, NAME.npz each")
    samplings.add_argument("--films", nargs="+", required=True, help="names in it, of training films")
    samplings.add_argument("--out", type=Path, required=True, help="folder for weak.npz, within.npz and across.npz")
    samplings.set_defaults(run=_samplings)
    clips = commands.add_parser("clips", help="train the networks of the protocol iqiyi on its training clips")
    source = clips.add_mutually_exclusive_group(required=True)
    source.add_argument("--appearances", type=Path, help="the read-back that the protocol runs on")
    source.add_argument("--data", type=Path, help="folder of iQIYI-VID")
    clips.add_argument("--out", type=Path, required=True, help="folder for the networks and their cards")
    clips.set_defaults(run=_clips)
    speaking = commands.add_parser(
        "evaluate-speaking", help="measure an active-speaker network on films cut by tools.cut_mouths; prints JSON"
    )
    whose = speaking.add_mutually_exclusive_group(required=True)
    whose.add_argument("--weights", type=Path, help="`weights.pt` of a run of speaking.toml")
    whose.add_argument("--pack", type=Path, help="a pack whose network is measured as it is served")
    speaking.add_argument("--data", type=Path, required=True, help="folder that holds `mouths`")
    speaking.add_argument("--films", nargs="+", required=True, help="names in it, of films that the run has not seen")
    speaking.set_defaults(run=_evaluate_speaking)
    pack = commands.add_parser("demo-pack", help="render, train, export, calibrate and measure the demo pack")
    pack.add_argument("--data", type=Path, required=True, help="folder for the rendered sets (about 6 GB)")
    pack.add_argument("--voices", type=Path, help="folder of the sets of voices; DATA/voices when not given")
    pack.add_argument("--runs", type=Path, default=Path("runs"), help="folder of the training runs")
    pack.add_argument("--out", type=Path, required=True, help="folder of the pack")
    pack.add_argument("--version", default=VERSION, help="version of the weights")
    pack.add_argument("--threads", type=int, default=2, help="1 is faster on a machine that does other work too")
    pack.add_argument("--device", choices=("cpu", "cuda"), default="cpu", help="where the face encoder is trained")
    pack.add_argument("--processes", type=int, default=0, help="make its batches in so many processes; 0: in a thread")
    pack.add_argument("--words", action="store_true", help="describe the sets too, and train the text pair")
    pack.set_defaults(run=_demo_pack)
    finish = commands.add_parser("finish", help="export, calibrate and measure runs that are done, and write the card")
    finish.add_argument(
        "--weights", type=Path, nargs="+", required=True, help="`weights.pt` of the runs; of words.toml too"
    )
    finish.add_argument("--data", type=Path, required=True)
    finish.add_argument("--voices", type=Path, help="folder of the sets of voices; DATA/voices when not given")
    finish.add_argument("--out", type=Path, required=True, help="folder of the pack")
    finish.add_argument("--version", default=VERSION, help="version of the weights")
    finish.add_argument("--remark", action="append", default=[], help="a line for the card; may be repeated")
    finish.set_defaults(run=_finish)
    return parser


def _finish(options: argparse.Namespace) -> None:
    from training.demo_pack import Folders, finish

    folders = Folders.below(options.data, options.voices)
    finish(options.weights, folders, options.out, version=options.version, say=say, remarks=options.remark)


def _move_fusers(options: argparse.Namespace) -> None:
    from packs.manifest import Pack
    from training.fuser_move import move_fusers, move_samplings

    old, new = Pack.load(options.old), Pack.load(options.new)
    if options.samplings is not None:
        for path in move_samplings(options.samplings, old, new):
            say(f"{path} goes with {options.new}")
    moved = move_fusers(options.fusers, old, new)
    say(f"{options.fusers} goes with {options.new}: digest {moved.digest}")


def _calibrate(options: argparse.Namespace) -> None:
    from training.calibrate import calibrate

    calibrate(options.pack, options.data, options.voices or options.data / "voices", say=say)


def _calibrate_films(options: argparse.Namespace) -> None:
    from packs.spec import Modality
    from training.calibrate_films import calibrate_on_films

    chosen = [Modality(name) for name in options.modality] or None
    calibrate_on_films(options.pack, options.pairs, say=say, modalities=chosen)


def _evaluate(options: argparse.Namespace) -> None:
    from training.evaluate import evaluate

    figures = evaluate(options.pack, options.data, options.voices or options.data / "voices", say=say)
    sys.stdout.write(json.dumps(figures, indent=1) + "\n")


def _evaluate_words(options: argparse.Namespace) -> None:
    from training.evaluate_words import evaluate_words

    figures = evaluate_words(options.weights, options.data, say=say)
    sys.stdout.write(json.dumps(figures, indent=1) + "\n")


def _evaluate_aggregation(options: argparse.Namespace) -> None:
    from packs.manifest import Pack
    from training.evaluate_aggregation import evaluate_aggregation

    figures = evaluate_aggregation(options.weights, Pack.load(options.pack), options.data, say=say)
    sys.stdout.write(json.dumps(figures, indent=1) + "\n")


def _fuser(options: argparse.Namespace) -> None:
    from packs.manifest import Pack
    from training.fuser import make_fuser

    pack, films = Pack.load(options.pack), options.films
    make_fuser(options.weights, options.data, films, options.out, pack=pack, window_s=options.window_s, say=say)


def _fusers(options: argparse.Namespace) -> None:
    from packs.manifest import Pack
    from training.fuser_pack import make_fuser_pack

    make_fuser_pack(
        options.weights,
        options.data,
        options.films,
        options.out,
        pack=Pack.load(options.pack),
        version=options.version,
        window_s=options.window_s,
        say=say,
    )


def _samplings(options: argparse.Namespace) -> None:
    from training.samplings import make_samplings

    make_samplings(options.data, options.films, options.out, say=say)


def _clips(options: argparse.Namespace) -> None:
    from training.clips import clips_of, make_clip_networks

    make_clip_networks(clips_of(options.appearances, options.data), options.out, say=say)


def _evaluate_speaking(options: argparse.Namespace) -> None:
    from packs.manifest import Pack
    from training.evaluate_speaking import evaluate_speaking, exported, trained

    network = exported(Pack.load(options.pack)) if options.weights is None else trained(options.weights)
    figures = evaluate_speaking(network, options.data, options.films, say=say)
    sys.stdout.write(json.dumps(figures, indent=1) + "\n")


def _teach_words(options: argparse.Namespace) -> None:
    from training.evaluate_words import teach_words

    teach_words(options.data, options.vocabulary, options.out, say=say)


def _demo_pack(options: argparse.Namespace) -> None:
    from training.demo_pack import Folders, demo_pack

    demo_pack(
        Folders.below(options.data, options.voices),
        options.runs,
        options.out,
        version=options.version,
        say=say,
        threads=options.threads,
        words=options.words,
        device=options.device,
        processes=options.processes,
    )


def _run(options: argparse.Namespace) -> None:
    from training.run import train

    weights = train(
        options.recipe,
        options.data,
        options.out,
        say=say,
        until=options.until,
        threads=options.threads,
        device=options.device,
        processes=options.processes,
    )
    say(f"weights in {weights}")


if __name__ == "__main__":
    raise SystemExit(main())
