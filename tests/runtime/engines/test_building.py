"""A bundle of toy networks, built ahead for GPUs that nobody here has."""

from __future__ import annotations

import argparse
import hashlib
import json
from dataclasses import replace
from datetime import datetime, timezone
from itertools import product
from pathlib import Path
from types import SimpleNamespace

import pytest

from runtime.bundle import Bundle, open_bundle
from runtime.engines.build_report import ModelPlan
from runtime.engines.building import add_build_options, build_bundle, targets_of
from runtime.engines.bundle_plans import Target, made_plan
from runtime.engines.gpu import Gpu
from runtime.engines.plans import Plans
from runtime.engines.profile import PROFILES
from runtime.engines.tensorrt_build import BuildOptions, Built
from runtime.engines.vendor import TensorRt, Vendor
from runtime.errors import ConfigurationError, EngineError, UsageError
from runtime.planes import Plane
from tests.requirements import require_rtx
from tests.toy_bundle import write_toy_bundle

NOW = datetime(2026, 11, 26, 6, 0, tzinfo=timezone.utc)
GPU = Gpu("RTX A4000", "8.6", driver="580.65.06", cuda="13.0", memory=16 << 30, shares_memory=False)
PROFILE = PROFILES[Plane.AXIAL]


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    return open_bundle(write_toy_bundle(tmp_path / "toy"))


def parsed(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_build_options(parser)
    return parser.parse_args(words)


def no_gpu() -> Gpu:
    raise EngineError("This machine has no NVIDIA driver.")


def test_plans_for_rtx_are_those_of_the_capability_whatever_the_driver() -> None:
    rtx = require_rtx()
    here = Target.this_machine(rtx, BuildOptions(), GPU)
    updated = Target.this_machine(rtx, BuildOptions(), replace(GPU, driver="590.10.01"))
    ahead = Target(rtx, BuildOptions(capability="SM86"), None)
    assert here.key("0" * 64, PROFILE) == updated.key("0" * 64, PROFILE) == ahead.key("0" * 64, PROFILE)
    assert str(here) == "SM86"


def test_plans_of_nvidias_own_are_those_of_gpu_driver_and_cuda() -> None:
    tensorrt = TensorRt(Vendor.TENSORRT, require_rtx().module)
    here = Target.this_machine(tensorrt, BuildOptions(), GPU)
    keys = {here.key("0" * 64, PROFILE).digest}
    others = replace(GPU, name="RTX A5000"), replace(GPU, capability="8.9"), replace(GPU, driver="590.10.01")
    for other in (*others, replace(GPU, cuda="13.1")):
        keys.add(Target.this_machine(tensorrt, BuildOptions(), other).key("0" * 64, PROFILE).digest)
    assert len(keys) == 5
    assert str(here) == "RTX A4000 (compute capability 8.6)"


def test_each_thing_that_a_plan_depends_on_makes_it_another() -> None:
    """Vendor, version, workspace, level, GPU, network and profile: two of each make 2 ** 7 plans."""
    modules = [SimpleNamespace(__version__=version) for version in ("10.3.0", "10.13.2")]
    options = [BuildOptions(workspace, level) for workspace in (64, 128) for level in (0, 3)]
    profiles = [PROFILE, replace(PROFILE, optimum=(32, 32))]
    keys = [
        Target.this_machine(TensorRt(vendor, module), option, gpu).key(onnx, profile)
        for vendor, module, option in product(Vendor, modules, options)
        for gpu in (GPU, replace(GPU, capability="8.9"))
        for onnx, profile in product(("0" * 64, "1" * 64), profiles)
    ]
    assert len({key.digest for key in keys}) == len(set(keys)) == len(keys) == 2**7


def test_a_plan_is_kept_under_the_key_of_its_networks_file_and_its_planes_profile(
    bundle: Bundle, tmp_path: Path
) -> None:
    def build(*_: object) -> Built:
        return Built(b"a plan", 1, 0.0)

    plans = Plans(tmp_path / "plans")
    target = Target(TensorRt(Vendor.RTX, SimpleNamespace(__version__="1.2")), BuildOptions(capability="SM86"), None)
    for file, plane in bundle.manifest.models:
        sha256 = hashlib.sha256((bundle.folder / file).read_bytes()).hexdigest()
        made = made_plan(bundle, file, plane, target, plans, build=build)
        assert made.path.stem == target.key(sha256, bundle.manifest.profiles[plane]).digest


def test_a_target_is_one_thing() -> None:
    rtx = require_rtx()
    for options, gpu in ((BuildOptions(), None), (BuildOptions(capability="SM86"), GPU)):
        with pytest.raises(ValueError, match="either"):
            Target(rtx, options, gpu)


def test_what_was_asked_for() -> None:
    require_rtx()
    words = ("--vendor", "rtx", "--workspace", "64", "--level", "0")
    assert [str(target) for target in targets_of(parsed(*words, "--capability", "SM89"), no_gpu)] == ["SM89"]
    twice = ("--capability", "SM89", "--capability", "SM86", "--capability", "SM89")
    assert [str(target) for target in targets_of(parsed(*words, *twice), no_gpu)] == ["SM89", "SM86"]
    (target,) = targets_of(parsed(*words), lambda: GPU)
    assert target.options == BuildOptions(64, 0, "SM86")


def test_what_cannot_be_had_is_told_with_the_way_out() -> None:
    require_rtx()
    with pytest.raises(EngineError, match=r"no NVIDIA driver.*--capability SM86"):
        targets_of(parsed("--vendor", "rtx"), no_gpu)
    with pytest.raises(UsageError, match="levels are 0 to 5"):
        targets_of(parsed("--vendor", "rtx", "--level", "6"), no_gpu)


def test_every_model_gets_a_plan_for_every_target_and_the_report_says_so(bundle: Bundle, tmp_path: Path) -> None:
    plans, heard = Plans(tmp_path / "plans"), list[ModelPlan]()
    targets = [Target(require_rtx(), BuildOptions(64, capability=one), None) for one in ("SM86", "SM89")]
    report = build_bundle(bundle, targets, plans, NOW, heard.append)
    assert heard == report.models
    assert [(one.plane, one.target) for one in heard] == [
        (plane.value, target) for target in ("SM86", "SM89") for plane in Plane
    ]
    document = json.loads((plans.folder / "report.json").read_text())
    assert document["vendor"] == "rtx"
    assert document["capabilities"] == ["SM86", "SM89"]
    assert document["bundle"] == {"name": "toy", "version": "1.0", "manifest_sha256": bundle.manifest_sha256}
    for model in document["models"]:
        assert (plans.folder / model["plan"]).stat().st_size == model["plan_bytes"]
        assert model["layers"] > 0
        assert model["seconds"] > 0
    assert document["memory_estimate_bytes"]["total"] > 0
    page = (plans.folder / "report.md").read_text()
    assert page.splitlines()[2].startswith("2026-11-26 06:00, TensorRT for RTX 1.")
    assert f"| models/coronal.onnx | coronal | SM89 | {heard[4].layers} |" in page
    assert "an estimate" in page


def test_the_second_time_nothing_is_built(bundle: Bundle, tmp_path: Path) -> None:
    plans, target = Plans(tmp_path / "plans"), Target(require_rtx(), BuildOptions(capability="SM86"), None)
    steps: list[object] = []
    first = made_plan(bundle, "models/axial.onnx", Plane.AXIAL, target, plans, lambda *step: steps.append(step))
    assert steps
    steps.clear()
    again = made_plan(bundle, "models/axial.onnx", Plane.AXIAL, target, plans, lambda *step: steps.append(step))
    assert not steps
    assert again == first


def test_where_nothing_can_be_written_it_fails_before_it_builds(bundle: Bundle, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    target = Target(require_rtx(), BuildOptions(capability="SM86"), None)
    with pytest.raises(ConfigurationError, match=r"can't be kept in .*: Not a directory"):
        build_bundle(bundle, [target], Plans(tmp_path / "file/plans"), NOW, lambda model: pytest.fail("was built"))


def test_where_the_report_can_not_be_written_that_is_said(bundle: Bundle, tmp_path: Path) -> None:
    (tmp_path / "plans/report.json").mkdir(parents=True)
    target = Target(require_rtx(), BuildOptions(capability="SM86"), None)
    with pytest.raises(ConfigurationError, match=r"can't be kept in .*: Is a directory"):
        build_bundle(bundle, [target], Plans(tmp_path / "plans"), NOW, lambda model: None)


def test_what_fails_while_plans_are_built_is_not_taken_for_a_folder_that_can_not_be_written(
    bundle: Bundle, tmp_path: Path
) -> None:
    def nobody_reads(model: ModelPlan) -> None:
        raise BrokenPipeError("the output is cut off")

    target = Target(require_rtx(), BuildOptions(capability="SM86"), None)
    with pytest.raises(BrokenPipeError):
        build_bundle(bundle, [target], Plans(tmp_path / "plans"), NOW, nobody_reads)
    (bundle.folder / "models/coronal.onnx").unlink()
    with pytest.raises(EngineError, match=r"can't read coronal\.onnx"):
        build_bundle(bundle, [target], Plans(tmp_path / "plans"), NOW, lambda model: None)
