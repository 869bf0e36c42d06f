"""Command line of the export room: ``python -m export onnx|random|presets|verify|engine|repository|int8|recipe``.

Only typer is imported here: each verb brings in what it needs when it runs, so that ``--help`` works anywhere.
"""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from typer.main import get_command

EPILOG = "Exit codes: 0 done; 1 something does not hold; 2 it could not be done, and why; 130 interrupted."
# Raised by ours with a message for people. Known by name, since importing them would import what they come with.
EXPECTED = {"CheckpointError", "ConfigError", "EngineError", "GraphError", "PackError", "ParityError", "RecipeError"}

PackFolder = Annotated[Path, typer.Option(help="Folder of the pack.")]
Version = Annotated[str, typer.Option(help="Version of the weights.")]
Report = Annotated[Path | None, typer.Option(help="File for the figures, JSON.")]
Samples = Annotated[Path | None, typer.Option(help="npz with real inputs [N, ...], one array per model name.")]
Models = Annotated[list[str] | None, typer.Option("--model", help="Only this network; may be repeated.")]


class Precision(StrEnum):
    """Arithmetic of an engine; INT8 and FP8 leave the rest in FP16."""

    FP32 = "fp32"
    FP16 = "fp16"
    INT8 = "int8"
    FP8 = "fp8"


class Hardware(StrEnum):
    """On which GPUs an engine runs beside the one it is built on."""

    NONE = "none"
    SAME_COMPUTE_CAPABILITY = "same-compute-capability"
    AMPERE_PLUS = "ampere-plus"


class Target(StrEnum):
    """What runs the networks inside Triton."""

    TENSORRT = "tensorrt"
    ONNXRUNTIME = "onnxruntime"
    CPU = "cpu"


class Arithmetic(StrEnum):
    """Of what is not in 8 bits on the CPU."""

    BF16 = "bf16"
    F32 = "f32"


app = typer.Typer(
    name="python -m export", no_args_is_help=True, epilog=EPILOG, pretty_exceptions_enable=False, add_completion=False
)


recipes = typer.Typer(no_args_is_help=True, help="Models of a pack from public checkpoints that you bring.")
app.add_typer(recipes, name="recipe")


@recipes.command("list")
def list_recipes(
    markdown: Annotated[
        bool, typer.Option("--markdown", help="As docs/recipes.md has it, with what was checked.")
    ] = False,
) -> None:
    """Show the recipes: what each takes and gives, and under which licences."""
    from export.commands.recipe import markdown as table_of
    from export.commands.recipe import show

    if markdown:
        typer.echo(table_of())
    else:
        show()


@recipes.command("build")
def build_recipe(
    recipe: Annotated[str, typer.Argument(help="Name of the recipe.", metavar="NAME")],
    file: Annotated[Path, typer.Argument(help="The checkpoint or graph; nothing in it is run.")],
    out: Annotated[Path, typer.Option(help="Folder of the pack; what it holds already stays.")],
    name: Annotated[str, typer.Option(help="Name of the pack, when it is new.")] = "own",
    version: Version = "0.1.0",
    samples: Samples = None,
) -> None:
    """Match a file, load it strictly, export it, compare, and write it into a pack's manifest."""
    from export.recipes.building import RecipeRequest, build

    build(RecipeRequest(recipe, file, out, name, version, samples), typer.echo)


@app.command()
def onnx(
    pack: PackFolder,
    checkpoint: Annotated[list[Path], typer.Option(help="File that training wrote; may be repeated.")],
    more: Annotated[list[Path] | None, typer.Argument(help="More such files.", metavar="[CHECKPOINT]...")] = None,
    samples: Samples = None,
    version: Version = "0.2.0",
    report: Report = None,
) -> None:
    """Export trained checkpoints into a pack, and compare each with torch."""
    from export.commands.onnx import export_checkpoints, report_of

    written = export_checkpoints([*checkpoint, *(more or [])], samples, pack, version)
    typer.echo(report_of(written, report))


@app.command()
def random(
    pack: PackFolder,
    seed: Annotated[int, typer.Option(help="Of the weights.")] = 0,
    version: Version = "0.0.0",
    keep_reference: Annotated[Path | None, typer.Option(help="npz for torch's inputs and answers.")] = None,
    vocabulary: Annotated[Path | None, typer.Option(help="Words (JSON), for a text pair too.")] = None,
    report: Report = None,
) -> None:
    """Write a pack with seeded random weights, for tests and benchmarks."""
    from export.commands.onnx import export_random, report_of

    typer.echo(report_of(export_random(seed, pack, version, keep_reference, vocabulary), report))


@app.command()
def presets(
    out: Annotated[Path, typer.Option(help="Folder of the pack.")],
    only: Annotated[list[str] | None, typer.Option(help="Only this preset; may be repeated.")] = None,
    seed: Annotated[int, typer.Option(help="Of weights and inputs.")] = 0,
) -> None:
    """Write every small preset with seeded random weights as one pack, with what torch answers."""
    from export.commands.presets import write

    write(out, only or (), seed, typer.echo)


@app.command()
def verify(
    pack: PackFolder,
    model: Models = None,
    checkpoint: Annotated[list[Path] | None, typer.Option(help="Trained weights: makes torch the reference.")] = None,
    samples: Samples = None,
    reference: Annotated[Path | None, typer.Option(help="Answers that --keep-reference wrote elsewhere.")] = None,
    keep_reference: Annotated[Path | None, typer.Option(help="npz for torch's inputs and answers.")] = None,
    precision: Annotated[list[Precision] | None, typer.Option(help="Graph of an engine, run here; repeatable.")] = None,
    engines: Annotated[Path | None, typer.Option(help="Store whose engines of this GPU are run too.")] = None,
    triton: Annotated[str | None, typer.Option(help="host:port of a running Triton that serves the pack.")] = None,
    report: Report = None,
) -> None:
    """Check graphs for TensorRT's parser and compare runtimes, at batches 1, 3 and the largest."""
    from export.commands.verify import VerifyRequest
    from export.commands.verify import verify as compare

    request = VerifyRequest(
        pack=pack,
        models=model or (),
        checkpoints=checkpoint or (),
        samples=samples,
        reference=reference,
        keep_reference=keep_reference,
        precisions=[str(word) for word in precision or ()],
        engines=engines,
        triton=triton,
        report=report,
    )
    if not compare(request, typer.echo):
        raise typer.Exit(1)


@app.command()
def engine(
    pack: PackFolder,
    store: Annotated[Path, typer.Option(help="Folder of the engines.")],
    model: Models = None,
    precision: Annotated[Precision, typer.Option(help="Arithmetic of the engine.")] = Precision.FP16,
    samples: Annotated[Path | None, typer.Option(help="npz to calibrate on, for INT8 and FP8.")] = None,
    device: Annotated[int, typer.Option(help="Index of the GPU.")] = 0,
    workspace_mib: Annotated[int, typer.Option(help="Most scratch memory of one layer, in MiB.")] = 2048,
    version_compatible: Annotated[bool, typer.Option(help="Later TensorRT may load it.")] = False,
    exclude_lean_runtime: Annotated[bool, typer.Option(help="Leave its runtime out of such a plan.")] = False,
    hardware: Annotated[Hardware, typer.Option(help="On which other GPUs it runs.")] = Hardware.NONE,
    tf32: Annotated[bool, typer.Option(help="Round float32 factors to 10 bits where the GPU can.")] = True,
    effort: Annotated[int | None, typer.Option(min=0, max=5, help="Builder optimisation level.")] = None,
) -> None:
    """Build TensorRT engines on this GPU, each once, and print the trtexec line that builds the same."""
    from export.commands.engine import EngineRequest, build
    from export.engine_options import EngineOptions

    options = EngineOptions(workspace_mib, version_compatible, exclude_lean_runtime, hardware.value, tf32, effort)
    build(EngineRequest(pack, store, model or (), precision.value, samples, device, options), typer.echo)
    typer.echo(f"compare them with ONNX Runtime: python -m export verify --pack {pack} --engines {store}")


@app.command()
def repository(
    pack: PackFolder,
    target: Annotated[Target, typer.Option(help="What runs the networks.")],
    out: Annotated[Path, typer.Option(help="Folder of the repository.")],
    engines: Annotated[Path | None, typer.Option(help="Store of the engines, for tensorrt.")] = None,
    precision: Annotated[Precision, typer.Option(help="Of the engines.")] = Precision.FP16,
    without_engines: Annotated[bool, typer.Option("--without-engines", help="Configurations only.")] = False,
    copy: Annotated[bool, typer.Option("--copy", help="Copy files instead of linking them.")] = False,
    instances: Annotated[int, typer.Option(min=1, help="Instances per model.")] = 1,
    queue_delay_us: Annotated[int, typer.Option(min=0, help="How long a request may wait for others.")] = 0,
) -> None:
    """Write a Triton model repository, each configuration read back with Triton's own schema."""
    from export.commands.repository import RepositoryRequest, write

    request = RepositoryRequest(
        pack, out, target.value, engines, precision.value, without_engines, copy, instances, queue_delay_us
    )
    for path in write(request):
        typer.echo(str(path))


@app.command()
def int8(
    pack: PackFolder,
    samples: Annotated[Path, typer.Option(help="npz to calibrate on.")],
    validation: Annotated[Path, typer.Option(help="npz to measure on: <model> and <model>.identity.")],
    out: Annotated[Path, typer.Option(help="Folder of the new pack.")],
    arithmetic: Annotated[Arithmetic, typer.Option(help="Of what is not in 8 bits.")] = Arithmetic.BF16,
) -> None:
    """Write a pack for the CPU with the networks in INT8 that lose under half a point of mAP by it."""
    from export.commands.int8 import quantise

    decisions = quantise(pack, samples, validation, out, arithmetic.value, typer.echo)
    if not any(decision.kept for decision in decisions):
        typer.echo("no network is kept in INT8, so there is no new pack")
        raise typer.Exit(1)


def main(arguments: list[str] | None = None) -> int:
    """Run a verb; its exit code. What could not be done is a line on stderr."""
    try:
        answer = get_command(app).main(args=arguments, prog_name="python -m export", standalone_mode=False)
    except Exception as error:
        return _told(error)
    return int(answer or 0)


def _told(error: Exception) -> int:
    show = getattr(error, "show", None)
    if callable(show):
        # Wrong usage: typer's own errors know how to say it.
        show()
        return int(getattr(error, "exit_code", 2))
    if isinstance(error, ImportError):
        sys.stderr.write(f"export: {error}: this verb needs what is not installed here; see docs/export.md\n")
        return 2
    if EXPECTED & {kind.__name__ for kind in type(error).__mro__}:
        sys.stderr.write(f"export: {error}\n")
        return 2
    raise error


if __name__ == "__main__":
    raise SystemExit(main())
