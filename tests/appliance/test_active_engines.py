"""What the settings make of the engines that the package brings: what a worker is set up with when it starts."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.service import active_engines
from appliance.settings import Settings, load_settings
from runtime.codes import Code
from runtime.engines.on_gpu import Nvidia
from runtime.engines.sightings import Sightings
from runtime.errors import EngineError
from tests.fake_gpu import FakeGpu
from tests.fake_tensorrt import FakePlan

TWO_WINDOWS = FakePlan(largest=(8, 2, 1024, 1024))
"""As the shipped networks take."""


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache/strokebox"


def settings_of(folder: Path, *lines: str) -> Settings:
    names = ("inbox", "results", "state")
    for name in names:
        (folder / name).mkdir(exist_ok=True)
    folders = (f"{name} = '{folder / name}'" for name in names)
    (folder / "strokebox.toml").write_text("\n".join(["[folders]", *folders, "[analysis]", *lines]))
    return load_settings(folder / "strokebox.toml")


def none_there() -> Nvidia:
    raise EngineError("This machine has no NVIDIA driver.")


def found(settings: Settings, gpu: FakeGpu | None = None) -> tuple[str, list[Code]]:
    """The device, and what every result will say of it."""
    with active_engines(settings, gpu.find if gpu else none_there) as setup:
        return setup.provenance.device[:3], [flag.code for flag in setup.engine_flags]


def test_a_gpu_that_is_wished_for_and_is_not_there(tmp_path: Path) -> None:
    assert found(settings_of(tmp_path, 'device = "gpu"', 'on_gpu_loss = "cpu"')) == ("CPU", [Code.CPU_FALLBACK])
    with pytest.raises(EngineError, match="no NVIDIA driver"):
        found(settings_of(tmp_path, 'device = "gpu"', 'on_gpu_loss = "stop"'))
    assert found(settings_of(tmp_path)) == ("CPU", [])


def test_a_gpu_that_has_worked_is_remembered_in_the_state_folder(tmp_path: Path, cache: Path) -> None:
    settings = settings_of(tmp_path)
    assert found(settings, FakeGpu(plan=TWO_WINDOWS)) == ("GPU", [])
    assert Sightings(settings.folders.state).last() == "Orin"
    assert Sightings(cache).last() == ""
    assert found(settings) == ("CPU", [Code.CPU_FALLBACK])
    assert found(settings_of(tmp_path, 'device = "cpu"'), FakeGpu()) == ("CPU", [])
