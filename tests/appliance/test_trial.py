"""Engines on trial in a process of their own: what is measured, and every way in which they fail."""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from appliance.engines_command import updates_of
from appliance.settings import read_settings
from appliance.stop import Stopped
from appliance.trial import Bounds, try_out
from appliance.trial_process import TrialProcess
from runtime.bundle import open_bundle
from runtime.engines.loading import Device, Wish
from runtime.engines.on_gpu import Nvidia
from runtime.engines.tensorrt_build import AskedOptions
from runtime.errors import EngineError, GoldenMismatch
from tests.appliance.test_updates import nothing
from tests.resilience.test_update_kills import box
from tests.signed_bundles import relist, write_signed


def no_gpu() -> Nvidia:
    raise EngineError("no driver")


def process(root: Path, code: str = "", longest_seconds: float = 60.0) -> TrialProcess:
    trial = TrialProcess(root / "built", Device.CPU, root / "state", root / "service", AskedOptions(), longest_seconds)
    return replace(trial, program=(sys.executable, "-c", code)) if code else trial


def test_engines_that_agree_are_measured(tmp_path: Path) -> None:
    measured = process(tmp_path)(write_signed(tmp_path / "bundle"), nothing)
    assert measured.cases == 1
    assert measured.backend.startswith("OpenVINO")
    assert 10 < measured.peak_mib < 4096
    modes = {path.stat().st_mode & 0o777 for path in (tmp_path / "built").rglob("*") if path.is_file()}
    assert modes <= {0o644}, "the service, which is another user, reads what was built"


def test_engines_that_do_not(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="axial engines differ from the reference"):
        process(tmp_path)(write_signed(tmp_path / "wrong", is_wrong=True), nothing)
    broken = write_signed(tmp_path / "broken")
    (broken / "models/axial.onnx").write_bytes(b"no network")
    relist(broken)
    with pytest.raises(EngineError, match=r"axial\.onnx"):
        process(tmp_path)(broken, nothing)


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("import os; os.abort()", "ended with SIGABRT"),
        ("import os; os.kill(os.getpid(), 9)", "ended with SIGKILL"),
        ("raise SystemExit(7)", "It said nothing"),
        ("raise ValueError('why')", "ValueError: why"),
        ("import time; time.sleep(60)", "was not done after 1 s"),
    ],
)
def test_a_process_that_dies_or_hangs(tmp_path: Path, code: str, reason: str) -> None:
    start = time.monotonic()
    with pytest.raises(EngineError, match=reason):
        process(tmp_path, code, 1.0 if "sleep" in code else 60.0)(tmp_path, nothing)
    assert time.monotonic() - start < 20


def test_it_ends_with_whoever_asked(tmp_path: Path) -> None:
    def stop() -> None:
        raise Stopped

    with pytest.raises(Stopped):
        process(tmp_path, "import time; time.sleep(60)")(tmp_path, stop)


def test_bounds(tmp_path: Path) -> None:
    bundle = open_bundle(write_signed(tmp_path / "bundle"))
    for bounds, reason in ((Bounds(study_seconds=0.0), "A study would take"), (Bounds(peak_mib=1.0), "MiB of memory")):
        with pytest.raises(EngineError, match=reason):
            try_out(bundle, Wish(Device.CPU), bounds)
    assert 100 < Bounds.of_machine().peak_mib < 1e7


def test_a_golden_case_that_is_none(tmp_path: Path) -> None:
    bundle = write_signed(tmp_path / "bundle")
    (bundle / "golden/box.npz").write_bytes(b"PK")
    relist(bundle)
    with pytest.raises(GoldenMismatch, match=r"box\.npz can't be read"):
        try_out(open_bundle(bundle), Wish(Device.CPU), Bounds())


def test_a_gpu_that_worked_here_and_does_not_fails_the_trial(tmp_path: Path) -> None:
    """The CPU would agree, but the box is not meant to run on it."""
    bundle = open_bundle(write_signed(tmp_path / "bundle"))
    (tmp_path / "gpu").write_text("a GPU\n")
    with pytest.raises(EngineError, match="The GPU can't run them"):
        try_out(bundle, Wish(Device.AUTO, state=tmp_path), Bounds(), find=no_gpu)
    (tmp_path / "gpu").unlink()
    assert try_out(bundle, Wish(Device.AUTO, state=tmp_path), Bounds(), find=no_gpu).backend.startswith("OpenVINO")


def test_the_update_remembers_by_itself_that_a_gpu_worked(tmp_path: Path) -> None:
    """Under its unit it sees nothing of the service's state folder."""
    config, bundle = box(tmp_path), write_signed(tmp_path / "bundle")
    config.write_text(config.read_text().replace('device = "cpu"', 'device = "auto"'))
    (tmp_path / "state").rmdir()
    (tmp_path / "state").touch()  # nothing below it can be read or written, not even by root
    trial = updates_of(read_settings(config)).trial
    assert isinstance(trial, TrialProcess)

    def finding(find: str) -> TrialProcess:
        code = f"import sys, appliance.trial, tests.fake_gpu, tests.appliance.test_trial as test\nfind = {find}\n"
        return replace(
            trial, program=(sys.executable, "-c", f"{code}sys.exit(appliance.trial.main(sys.argv[1:], find))")
        )

    assert finding("test.no_gpu")(bundle, nothing).backend.startswith("OpenVINO")
    with pytest.raises(EngineError, match="differ from the reference"):  # the stand-in computes something else
        finding("tests.fake_gpu.FakeGpu().find")(bundle, nothing)
    with pytest.raises(EngineError, match=r"The GPU can't run them: .*no driver"):
        finding("test.no_gpu")(bundle, nothing)


def test_what_the_service_remembers_counts_where_it_can_be_seen(tmp_path: Path) -> None:
    wish = Wish(Device.AUTO, state=tmp_path / "engines", other_state=tmp_path / "state")
    (tmp_path / "state").mkdir()
    (tmp_path / "state/gpu").write_text("a GPU\n")
    with pytest.raises(EngineError, match="The GPU can't run them"):
        try_out(open_bundle(write_signed(tmp_path / "bundle")), wish, Bounds(), find=no_gpu)
