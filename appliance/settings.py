"""What a site sets, from one TOML file: validated whole, with every mistake at once and the key that it is at.

Unknown keys are mistakes. Folders are tried by writing to them, so that a wrong permission shows when the service
starts and not when the first patient comes.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from appliance.disk import FULL, DiskGuard
from appliance.mistakes import mistakes
from appliance.mounts import is_network
from runtime.engines.loading import Device, OnGpuLoss
from runtime.engines.tensorrt_build import AskedOptions
from runtime.errors import ConfigurationError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def absolute(path: Path) -> Path:
    """The path. ValueError where it depends on the folder that something is started in."""
    if not path.is_absolute():
        raise ValueError(f"must be an absolute path, not {path}")
    return path


class Folders(_Section):
    """Where things are. Inbox and results may be shares; the state must be on a local disk."""

    inbox: Path
    """What staff copy studies into."""
    results: Path
    """Where reports appear."""
    state: Path
    """The job database and the studies in work."""

    @field_validator("inbox", "results", "state")
    @classmethod
    def _absolute(cls, path: Path) -> Path:
        return absolute(path)


READER_SECONDS = 300.0
"""Reading one study may take this long, unless a site says otherwise."""


class Intake(_Section):
    """When a drop counts as copied whole, and what it may hold."""

    quiet_seconds: float = Field(default=10.0, ge=0, le=3600)
    """A drop is taken when nothing in it has changed for this long."""
    longest_wait_seconds: float = Field(default=1800.0, gt=0, validate_default=True)
    """A drop that is still changing after this long is taken as it is, and its result says so."""
    scan_seconds: float = Field(default=2.0, gt=0, le=60)
    """The inbox is looked through at least this often."""
    reader_seconds: float = Field(default=READER_SECONDS, gt=0, le=86400)
    """Reading one study may take this long."""

    @field_validator("longest_wait_seconds")
    @classmethod
    def _not_below_quiet(cls, seconds: float, info: ValidationInfo) -> float:
        quiet = info.data.get("quiet_seconds", 0.0)
        if seconds < quiet:
            raise ValueError(f"must not be below quiet_seconds, which is {quiet:g}")
        return seconds


class AnalysisSettings(_Section):
    """What studies are analysed with."""

    device: Device = Device.AUTO
    """auto: the GPU where there is one that works, else the CPU."""
    on_gpu_loss: OnGpuLoss = OnGpuLoss.CPU
    """Of device = "gpu": cpu analyses on the CPU, and the result says so; stop waits until the GPU is back."""
    save_nifti: bool = False
    study_seconds: float = Field(default=1800.0, gt=0, le=86400)
    """Analysing one study may take this long; then its worker ends, and after three times there is a result."""
    studies_per_worker: int = Field(default=200, ge=1)
    """After so many a new process takes the worker's place."""


class Disk(_Section):
    """When new studies are left in the inbox for want of room."""

    free_percent: float = Field(default=10.0, ge=0, le=90)
    """New studies wait while less of a disk is free, or less than twice the largest study so far."""


class RetentionSettings(_Section):
    """What `strokebox retention` deletes. 0 keeps everything."""

    results_days: float = Field(default=0.0, ge=0)
    """Results are deleted so many days after they appeared."""
    results_gigabytes: float = Field(default=0.0, ge=0)
    """While all results take more, the oldest are deleted."""
    unread_days: float = Field(default=30.0, ge=1)
    """A younger result may not have been read yet: it is never deleted."""
    evidence_days: float = Field(default=90.0, ge=0)
    """The images of a study that failed are deleted so many days after its result, which says so, appeared."""


class Watch(_Section):
    """What monitoring sees."""

    metrics: Path | None = None
    """The folder of the Prometheus textfile collector."""
    no_progress_minutes: float = Field(default=30.0, gt=0)
    """Studies wait and nothing has come out for so long: something is wrong."""

    @field_validator("metrics", mode="before")
    @classmethod
    def _none(cls, folder: object) -> object:
        return None if folder == "" else folder


class Engines(_Section):
    """Engines that are installed beside the shipped ones, and whose are taken."""

    folder: Path = Path("/var/lib/strokebox-engines")
    """The slots of installed engines; the service only reads it. A local disk."""
    incoming: Path = Path("/var/lib/strokebox-engines/incoming")
    """What IT drops new engines into."""
    trusted_keys: Path = Path("/etc/strokebox/keys")
    """Public keys, *.pub: engines signed by one of them are taken."""
    workspace_mib: int = Field(default=0, ge=0)
    """Memory that a plan's kernels may ask for; 0: 4096, or on a Jetson a quarter of its own."""
    level: int = Field(default=AskedOptions().optimisation_level, ge=0, le=5)
    """How long TensorRT looks for kernels."""

    @property
    def build(self) -> AskedOptions:
        """What all plans of this box are built with, by whomever: one that was tried is the one that runs."""
        return AskedOptions(self.workspace_mib, self.level)

    @field_validator("folder", "incoming", "trusted_keys")
    @classmethod
    def _absolute(cls, path: Path) -> Path:
        return absolute(path)


class Settings(_Section):
    """One configuration file."""

    folders: Folders
    intake: Intake = Intake()
    analysis: AnalysisSettings = AnalysisSettings()
    disk: Disk = Disk()
    retention: RetentionSettings = RetentionSettings()
    watch: Watch = Watch()
    engines: Engines = Engines()

    @property
    def disk_guard(self) -> DiskGuard:
        """Of what studies and results are written to; how full the inbox is, is for others to see to."""
        return DiskGuard({"state": self.folders.state, "results": self.folders.results}, self.disk.free_percent)


def load_settings(path: Path, needed: Collection[str] = tuple(Folders.model_fields)) -> Settings:
    """Read, and try the `needed` folders out: a role may not get at the others. ConfigurationError with one line for
    each mistake.
    """
    document = _document(path)
    wrong = mistakes(Settings, document)
    if not any(one.startswith("folders") for one in wrong):
        folders = Folders(**document["folders"])
        wrong += _unusable(folders, needed)
        if not any(one.startswith("engines") for one in wrong):
            engines = document.get("engines", {})
            wrong += _misplaced(Engines(**engines), folders, named=engines)
    return _settings(path, document, wrong)


def misplaced(settings: Settings) -> list[str]:
    """What `serve` refuses of settings that were read, one line each, but for folders that can't be written to.

    OSError where a folder can't be looked at.
    """
    engines = settings.engines
    return _unusable(settings.folders, ()) + _misplaced(engines, settings.folders, named=engines.model_fields_set)


def read_settings(path: Path) -> Settings:
    """Read, and touch none of the folders. ConfigurationError with one line for each mistake."""
    document = _document(path)
    return _settings(path, document, mistakes(Settings, document))


def _document(path: Path) -> dict[str, Any]:
    try:
        document: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError(f"The settings {path} can't be read: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"The settings {path} are not TOML: {error}.") from error
    return document


def _settings(path: Path, document: dict[str, Any], wrong: Sequence[str]) -> Settings:
    if wrong:
        raise ConfigurationError("\n  ".join([f"The settings {path} can't be used:", *wrong]))
    return Settings.model_validate(document)


def _misplaced(engines: Engines, folders: Folders, named: Collection[str]) -> list[str]:
    """One line for a folder of engines that is `named` and missing, and for each that drops or results could get into.

    `incoming` is compared by its name and not touched: it may be on a share that is away, or hangs, and the service
    never reads it. Without keys the shipped engines are run. `strokebox doctor` says where either is missing.
    """
    wrong = []
    if is_network(engines.folder):
        wrong.append(f"engines.folder: {engines.folder} lies on a network share; it needs a local disk.")
    if "folder" in named and not engines.folder.is_dir():
        wrong.append(f"engines.folder: there is no folder {engines.folder}; make it.")
    incoming = Path(os.path.normpath(engines.incoming))
    places = {"folder": engines.folder.resolve(), "incoming": incoming, "trusted_keys": engines.trusted_keys.resolve()}
    for name, place in places.items():
        for other in Folders.model_fields:
            outer: Path = getattr(folders, other)
            if place.is_relative_to(outer) or place.is_relative_to(outer.resolve()):
                wrong.append(f"engines.{name}: lies in folders.{other}; each needs a place of its own.")
    if engines.trusted_keys.is_relative_to(incoming) or places["trusted_keys"].is_relative_to(incoming):
        wrong.append("engines.trusted_keys: lies in engines.incoming; whoever drops engines could add a key.")
    return wrong


def _unusable(folders: Folders, needed: Collection[str]) -> list[str]:
    """One line for each of the `needed` that can't be written to, for each that lies in another, and for a state on a
    share.
    """
    wrong = []
    if is_network(folders.state):
        wrong.append(f"folders.state: {folders.state} lies on a network share; it needs a local disk.")
    named = {name: getattr(folders, name) for name in Folders.model_fields}
    for name, folder in named.items():
        try:
            if name in needed:
                with tempfile.TemporaryFile(dir=folder):
                    pass
        except FileNotFoundError:
            wrong.append(f"folders.{name}: there is no folder {folder}; make it.")
        except OSError as error:
            if error.errno not in FULL:  # that can pass, and the intake says it
                wrong.append(f"folders.{name}: {folder} can't be written to: {error.strerror}.")
        for other, outer in named.items():
            if other != name and folder.resolve().is_relative_to(outer.resolve()):
                wrong.append(f"folders.{name}: lies in folders.{other}; each needs a place of its own.")
    return wrong
