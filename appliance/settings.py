"""What a site sets, from one TOML file: validated whole, with every mistake at once and the key that it is at.

Unknown keys are mistakes. Folders are tried by writing to them, so that a wrong permission shows when the service
starts and not when the first patient comes.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from appliance.mistakes import mistakes
from appliance.mounts import is_network
from runtime.engines.loading import Device, OnGpuLoss
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


class Intake(_Section):
    """When a drop counts as copied whole, and what it may hold."""

    quiet_seconds: float = Field(default=10.0, ge=0, le=3600)
    """A drop is taken when nothing in it has changed for this long."""
    longest_wait_seconds: float = Field(default=1800.0, gt=0, validate_default=True)
    """A drop that is still changing after this long is taken as it is, and its result says so."""
    scan_seconds: float = Field(default=2.0, gt=0, le=60)
    """The inbox is looked through at least this often."""
    reader_seconds: float = Field(default=300.0, gt=0, le=86400)
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


class Engines(_Section):
    """Engines that are installed beside the shipped ones, and whose are taken."""

    folder: Path = Path("/var/lib/strokebox-engines")
    """The slots of installed engines; the service only reads it. A local disk."""
    incoming: Path = Path("/var/lib/strokebox-engines/incoming")
    """What IT drops new engines into."""
    trusted_keys: Path = Path("/etc/strokebox/keys")
    """Public keys, *.pub: engines signed by one of them are taken."""

    @field_validator("folder", "incoming", "trusted_keys")
    @classmethod
    def _absolute(cls, path: Path) -> Path:
        return absolute(path)


class Settings(_Section):
    """One configuration file."""

    folders: Folders
    intake: Intake = Intake()
    analysis: AnalysisSettings = AnalysisSettings()
    engines: Engines = Engines()


def load_settings(path: Path) -> Settings:
    """Read and try out. ConfigurationError with one line for each mistake."""
    document = _document(path)
    wrong = mistakes(Settings, document)
    if not any(one.startswith("folders") for one in wrong):
        folders = Folders(**document["folders"])
        wrong += _unusable(folders)
        if not any(one.startswith("engines") for one in wrong):
            engines = document.get("engines", {})
            wrong += _misplaced(Engines(**engines), folders, named=engines)
    return _settings(path, document, wrong)


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
    """One line for each folder of engines that is `named` and missing, or that drops or results could get into."""
    wrong = []
    if is_network(engines.folder):
        wrong.append(f"engines.folder: {engines.folder} lies on a network share; it needs a local disk.")
    for name in Engines.model_fields:
        folder: Path = getattr(engines, name)
        if name in named and not folder.is_dir():
            wrong.append(f"engines.{name}: there is no folder {folder}; make it.")
        for other in Folders.model_fields:
            outer: Path = getattr(folders, other)
            if folder.resolve().is_relative_to(outer.resolve()):
                wrong.append(f"engines.{name}: lies in folders.{other}; each needs a place of its own.")
    if engines.trusted_keys.resolve().is_relative_to(engines.incoming.resolve()):
        wrong.append("engines.trusted_keys: lies in engines.incoming; whoever drops engines could add a key.")
    return wrong


def _unusable(folders: Folders) -> list[str]:
    """One line for each folder that can't be written to, or that lies in another, and for a state on a share."""
    wrong = []
    if is_network(folders.state):
        wrong.append(f"folders.state: {folders.state} lies on a network share; it needs a local disk.")
    named = {name: getattr(folders, name) for name in Folders.model_fields}
    for name, folder in named.items():
        try:
            with tempfile.TemporaryFile(dir=folder):
                pass
        except FileNotFoundError:
            wrong.append(f"folders.{name}: there is no folder {folder}; make it.")
        except OSError as error:
            wrong.append(f"folders.{name}: {folder} can't be written to: {error.strerror}.")
        for other, outer in named.items():
            if other != name and folder.resolve().is_relative_to(outer.resolve()):
                wrong.append(f"folders.{name}: lies in folders.{other}; each needs a place of its own.")
    return wrong
