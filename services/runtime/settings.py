"""Settings of every process of the stack: environment variables ``PERSONSEARCH_*``, nested with ``__``.

PERSONSEARCH_SEARCH__ADDRESS=127.0.0.1:50051  PERSONSEARCH_MILVUS__URI=http://127.0.0.1:19530
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PositiveFloat, PositiveInt
from pydantic_settings import BaseSettings, SettingsConfigDict

from packs.shelf import PackShelf
from services.runtime.ports import split_address

PREFIX = "PERSONSEARCH_"
NESTING = "__"
TESTS = PREFIX + "TEST_"


def _checked_address(address: str) -> str:
    split_address(address)
    return address


Address = Annotated[str, AfterValidator(_checked_address)]


def default_state_dir() -> Path:
    """Where one user's stack keeps its files. The client looks for a running stack in the same place."""
    return Path.home() / ".local" / "state" / "personsearch"


def default_pack_dir() -> Path:
    """The demo pack of this source tree."""
    return Path(__file__).resolve().parents[2] / "packs" / "demo"


def pack_shelf(state_dir: Path) -> PackShelf:
    """The packs that the deployment of a state directory keeps, and the one of this source tree."""
    return PackShelf(state_dir / "packs", shipped=[default_pack_dir()])


def chosen_pack_dir(validated: Mapping[str, Any]) -> Path:
    """The pack that was made active in a state directory (`personsearch pack activate`), else the demo pack."""
    return pack_shelf(validated["state_dir"]).active() or default_pack_dir()


class Section(BaseModel):
    """Base of the nested groups: immutable and closed."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ServiceSettings(Section):
    """One gRPC service. Port 0 means any free one; no ``address`` leaves the choice to the composition root."""

    address: Address | None = None


class InferenceSettings(Section):
    """Where networks run.

    Attributes:
        kind: ``triton``, ``local`` (OpenVINO inside the process), or ``auto``: for the supervisor, its own Triton where
            that can run and ``local`` elsewhere; for a single service, Triton if ``address`` is set.
        address: Triton's gRPC address; needed for ``triton`` unless the supervisor starts one.
        threads: CPU threads of one model; None lets OpenVINO decide.
        deadline_s: Longest wait for one inference.
    """

    kind: Literal["auto", "triton", "local"] = "auto"
    address: Address | None = None
    threads: PositiveInt | None = None
    deadline_s: PositiveFloat = 30.0


class MilvusSettings(Section):
    """The record. No ``uri`` lets the supervisor start Milvus Lite."""

    uri: str | None = None
    token: Annotated[str, Field(repr=False)] = ""


class RedisSettings(Section):
    """The cache. No ``url`` lets the supervisor start one."""

    url: Annotated[str | None, Field(repr=False)] = None


class MediaSettings(Section):
    """Key frames and crops: a folder or a bucket, as an fsspec URI. None means ``media`` in the state directory."""

    uri: str | None = None


class TritonSettings(Section):
    """The embedded Triton.

    Attributes:
        python: Interpreter of the environment that has nvidia-pytriton; None means ``.venv-triton`` of this tree.
    """

    python: Path | None = None


class ServerSettings(Section):
    """What all our gRPC servers share.

    Attributes:
        max_message_mib: Largest message either way; the pictures and sounds of a query may have 40 MiB together.
        max_concurrent_calls: Calls beyond this are refused at once.
        grace_s: Time that running calls have to finish after SIGTERM.
        drain_s: Time between saying NOT_SERVING and refusing calls, for load balancers to notice.
        reflection: Whether the server describes its services.
        allow_remote: Listen on other addresses than loopback too. There is no authentication yet: only where the
            network lets nobody else in.
    """

    max_message_mib: PositiveInt = 48
    max_concurrent_calls: PositiveInt = 256
    grace_s: PositiveFloat = 10.0
    drain_s: Annotated[float, Field(ge=0.0)] = 0.0
    reflection: bool = True
    allow_remote: bool = False


class StackSettings(BaseSettings):
    """All settings of a stack. Each process reads the same ones and uses what concerns it.

    `fusers` is the folder of networks that fuse what the pack embeds; None takes those of this source tree, if they do.
    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_nested_delimiter=NESTING, frozen=True, extra="ignore", env_ignore_empty=True
    )

    state_dir: Path = Field(default_factory=default_state_dir)
    pack: Path = Field(default_factory=chosen_pack_dir)
    fusers: Path | None = None
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    search: ServiceSettings = ServiceSettings()
    ingest: ServiceSettings = ServiceSettings()
    association: ServiceSettings = ServiceSettings()
    fusion: ServiceSettings = ServiceSettings()
    server: ServerSettings = ServerSettings()
    inference: InferenceSettings = InferenceSettings()
    triton: TritonSettings = TritonSettings()
    milvus: MilvusSettings = MilvusSettings()
    redis: RedisSettings = RedisSettings()
    media: MediaSettings = MediaSettings()

    @property
    def media_uri(self) -> str:
        """Where media go."""
        return self.media.uri or (self.state_dir / "media").absolute().as_uri()


def variable(*path: str) -> str:
    """Name of the environment variable of a setting: ``variable("milvus", "uri")``."""
    return PREFIX + NESTING.join(path).upper()


def known_variables(model: type[BaseModel] = StackSettings, path: tuple[str, ...] = ()) -> Iterator[str]:
    """Names of all environment variables that mean something."""
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from known_variables(kind, (*path, name))
        else:
            yield variable(*path, name)


def unknown_variables(environment: Mapping[str, str], also_known: Iterable[str] = ()) -> list[str]:
    """Names that begin like ours and mean nothing: pydantic ignores a mistyped nested one without a word.

    ``also_known`` are the variables of services that add settings of their own.
    """
    known = {*known_variables(), *also_known}
    ours = (name for name in environment if name.upper().startswith(PREFIX) and not name.startswith(TESTS))
    return sorted(name for name in ours if name.upper() not in known)
