"""What the settings make of the engines that the package brings: what a worker is set up with when it starts."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from appliance import shipped
from appliance.engines_command import updates_of
from appliance.service import active_engines
from appliance.settings import Settings, load_settings
from appliance.trial_process import TrialProcess
from runtime.codes import Code
from runtime.engines.on_gpu import Nvidia
from runtime.engines.plans import Plans
from runtime.engines.sightings import Sightings
from runtime.engines.tensorrt_build import BuildOptions
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


def test_plans_that_were_tried_are_those_that_run_whatever_was_built_for_others(tmp_path: Path, cache: Path) -> None:
    """As the settings say: what `engines build --workspace` left in this user's cache counts for `analyse` alone."""
    engines = f'folder = "{tmp_path}/engines"', "workspace_mib = 512", "level = 1"
    (tmp_path / "engines").mkdir()
    settings = settings_of(tmp_path, "[engines]", *engines)
    Plans.within(cache).folder.mkdir(parents=True)
    Plans.within(cache).choose(BuildOptions(1024, 5))
    trial = updates_of(settings).trial
    assert isinstance(trial, TrialProcess)
    code = "import sys, appliance.trial, tests.appliance.test_active_engines as test; "
    code += "sys.exit(appliance.trial.main(sys.argv[1:], test.FakeGpu(plan=test.TWO_WINDOWS).find))"
    with pytest.raises(EngineError, match="differ from the reference"):  # the stand-in computes something else
        replace(trial, program=(sys.executable, "-c", code))(shipped.FOLDER, lambda: None)
    records = (tmp_path / "engines/built/plans").glob("*.json")
    options = [json.loads(record.read_text())["key"]["options"] for record in records]
    assert [(one["workspace_mib"], one["optimisation_level"]) for one in options] == [(512, 1)] * 6
    gpu = FakeGpu(plan=TWO_WINDOWS)
    assert found(settings, gpu) == ("GPU", [])
    assert gpu.built == []
