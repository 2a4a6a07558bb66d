"""What a site sets, from one TOML file: validated whole, with every mistake at once and the key that it is at.

Unknown keys are mistakes. Folders are tried by writing to them, so that a wrong permission shows when the service
starts and not when the first patient comes.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator

from appliance.mounts import is_network
from runtime.engines.loading import Device, OnGpuLoss
from runtime.errors import ConfigurationError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


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
        if not path.is_absolute():
            raise ValueError("must be an absolute path")
        return path


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
        if seconds < info.data.get("quiet_seconds", 0.0):
            raise ValueError("must not be below quiet_seconds")
        return seconds


class AnalysisSettings(_Section):
    """What studies are analysed with."""

    device: Device = Device.AUTO
    """auto: the GPU where there is one that works, else the CPU."""
    on_gpu_loss: OnGpuLoss = OnGpuLoss.CPU
    """Of device = "gpu": cpu analyses on the CPU, and the result says so; stop waits until the GPU is back."""
    save_nifti: bool = False


class Settings(_Section):
    """One configuration file."""

    folders: Folders
    intake: Intake = Intake()
    analysis: AnalysisSettings = AnalysisSettings()


def load_settings(path: Path) -> Settings:
    """Read and try out. ConfigurationError with one line for each mistake."""
    settings = read_settings(path)
    if mistakes := _unusable(settings.folders):
        raise ConfigurationError("\n".join([f"Folders that {path} names can't be used:", *mistakes]))
    return settings


def read_settings(path: Path) -> Settings:
    """Read, and touch none of the folders. ConfigurationError with one line for each mistake."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError(f"The settings {path} can't be read: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"The settings {path} are not TOML: {error}.") from error
    try:
        return Settings.model_validate(document)
    except ValidationError as error:
        lines = [f"  {'.'.join(map(str, one['loc']))}: {_words(one['type'], one['msg'])}" for one in error.errors()]
        raise ConfigurationError("\n".join([f"The settings {path} have mistakes:", *lines])) from error


def _words(kind: str, message: str) -> str:
    return {"extra_forbidden": "there is no such setting", "missing": "is missing"}.get(kind, message)


def _unusable(folders: Folders) -> list[str]:
    """One line for each folder that can't be written to, or that lies in another, and for a state on a share."""
    mistakes = []
    if is_network(folders.state):
        mistakes.append(f"  folders.state: {folders.state}: lies on a network share; it needs a local disk")
    named = {name: getattr(folders, name) for name in Folders.model_fields}
    for name, folder in named.items():
        try:
            with tempfile.TemporaryFile(dir=folder):
                pass
        except OSError as error:
            mistakes.append(f"  folders.{name}: {folder}: {error.strerror}")
        for other, outer in named.items():
            if other != name and folder.resolve().is_relative_to(outer.resolve()):
                mistakes.append(f"  folders.{name}: lies in folders.{other}; each needs a place of its own")
    return mistakes
