"""A pack as a Triton model repository for the `cpu` target: configurations rendered, weights and code linked in.

    <target>/<model>/config.pbtxt
    <target>/<model>/1/model.py, engine.py, model.onnx      links

`export.repository_from_pack` writes those of the other targets.
"""

from __future__ import annotations

import json
from pathlib import Path

from packs.errors import PackError
from packs.fusers import FUSERS_DIR
from packs.manifest import Pack
from packs.triton_config import VERSION, ServingOptions, render_config

__all__ = ["CONFIG_FILE", "ServingOptions", "render_config", "write_configs", "write_repository"]

CONFIG_FILE = "config.pbtxt"


def write_configs(pack: Pack, target: Path, options: ServingOptions | None = None) -> list[Path]:
    """Write only the configurations, as they are committed. Returns their paths."""
    paths = []
    for spec in pack.models.values():
        path = target / spec.name / CONFIG_FILE
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(render_config(spec, options or ServingOptions()))
        paths.append(path)
    return paths


def write_repository(pack: Pack, target: Path, model_file: Path, options: ServingOptions | None = None) -> Path:
    """Write what Triton serves: configurations, and links to the weights and the code that runs them.

    Args:
        pack: What is served.
        target: Directory of the repository; made if absent, models of another pack in it are left alone.
        model_file: The shared ``model.py``.
        options: Instances, threads, queue.

    Returns:
        ``target``.

    Raises:
        PackError: If a file to link is absent.
    """
    engine_file = Path(__file__).with_name("engine.py")
    write_configs(pack, target, options)
    for spec in pack.models.values():
        version = target / spec.name / VERSION
        version.mkdir(exist_ok=True)
        _link(version / "model.py", model_file)
        _link(version / "engine.py", engine_file)
        _link(version / "model.onnx", pack.file_of(spec))
    return target


def _link(link: Path, file: Path) -> None:
    if not file.is_file():
        raise PackError(f"cannot serve {link.parent.parent.name}: {file} is absent; restore the pack")
    link.unlink(missing_ok=True)
    link.symlink_to(file.absolute())


def main(arguments: list[str] | None = None) -> None:
    """``python -m packs.repository [PACK_DIR [TARGET]]``: render the committed configurations again."""
    import sys

    given = sys.argv[1:] if arguments is None else arguments
    root = Path(__file__).resolve().parents[1]
    packs = [given[0]] if given else [root / "packs" / "demo", FUSERS_DIR]
    target = Path(given[1]) if len(given) > 1 else root / "model_repository"
    paths = [path for pack in packs for path in write_configs(Pack.load(pack), target)]
    sys.stdout.write(json.dumps([str(path) for path in paths], indent=1) + "\n")


if __name__ == "__main__":
    main()
