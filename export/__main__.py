"""Command line of the export room: `python -m export onnx|random`."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import numpy as np
import torch

from export.pack import ParityError, WrittenPack, write_pack
from models.checkpoints import PRESETS, CheckpointError, network_from_checkpoint, read_checkpoint
from packs.errors import PackError


def main(arguments: list[str] | None = None) -> int:
    """Run a command; 0 when it succeeded, 2 with a line on stderr when it could not."""
    options = _parser().parse_args(arguments)
    try:
        written: WrittenPack = options.run(options)
    except (CheckpointError, ParityError, PackError) as error:
        sys.stderr.write(f"export: {error}\n")
        return 2
    report = {name: [figure.as_json() for figure in figures] for name, figures in written.parity.items()}
    text = json.dumps(report, indent=2)
    if options.report:
        options.report.write_text(text + "\n")
    sys.stdout.write(text + "\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m export", description=__doc__)
    commands = parser.add_subparsers(required=True)
    onnx = commands.add_parser("onnx", help="export trained checkpoints into a pack, and compare")
    onnx.add_argument("--checkpoint", type=Path, nargs="+", required=True, help="files that training wrote")
    onnx.add_argument("--samples", type=Path, help="npz with real inputs [N, ...], one array per model name")
    onnx.set_defaults(run=_export_checkpoints)
    random = commands.add_parser("random", help="write a pack with seeded random weights, for tests and benchmarks")
    random.add_argument("--seed", type=int, default=0)
    random.set_defaults(run=_export_random)
    for command in (onnx, random):
        command.add_argument("--pack", type=Path, required=True, help="folder of the pack")
        command.add_argument("--version", default="0.2.0", help="version of the weights")
        command.add_argument("--report", type=Path, help="file for the figures of the comparison, JSON")
    return parser


def _export_checkpoints(options: argparse.Namespace) -> WrittenPack:
    networks = {}
    for path in options.checkpoint:
        checkpoint = read_checkpoint(path)
        networks[checkpoint.preset] = network_from_checkpoint(checkpoint, checkpoint.preset)
    samples = dict(np.load(options.samples)) if options.samples else {}
    return write_pack(options.pack, networks, samples, version=options.version)


def _export_random(options: argparse.Namespace) -> WrittenPack:
    torch.manual_seed(options.seed)
    networks = {name: build().eval() for name, build in PRESETS.items()}
    description = "Random weights: the right shapes and no meaning."
    return write_pack(options.pack, networks, {}, version="0.0.0", description=description)


if __name__ == "__main__":
    raise SystemExit(main())
