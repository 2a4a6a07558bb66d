from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from runtime.bundle import Bundle, open_bundle
from runtime.codes import Code
from runtime.engines.loading import Device, OnGpuLoss, Wish, find_nvidia, on_cpu, running_engines
from runtime.engines.on_gpu import Nvidia
from runtime.engines.plans import Plans
from runtime.engines.sightings import Sightings
from runtime.engines.tensorrt_build import BuildOptions, Built
from runtime.errors import ConfigurationError, EngineError, NotInstalled
from runtime.planes import Plane
from tests.fake_cuda import CARD, FakeCuda
from tests.fake_gpu import FakeGpu
from tests.fake_tensorrt import FakePlan
from tests.requirements import require_rtx
from tests.toy_bundle import write_toy_bundle

IMAGES = np.random.default_rng(0).random((3, 1, 32, 64), dtype=np.float32)


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    return open_bundle(write_toy_bundle(tmp_path / "toy"))


@pytest.fixture
def wish(tmp_path: Path) -> Wish:
    return Wish(Device.AUTO, OnGpuLoss.STOP, tmp_path / "cache", tmp_path / "state")


def none_there() -> Nvidia:
    raise EngineError("There is no GPU to use: no NVIDIA driver is installed.")


def none_installed() -> Nvidia:
    raise ConfigurationError("There is a GPU, but PyCUDA and CuPy can't be loaded.")


def device(bundle: Bundle, wish: Wish, find: object) -> tuple[str, list[Code]]:
    with running_engines(bundle, wish, find) as engines:  # type: ignore[arg-type]  # one of the functions above
        answer = engines.ensemble.mean(Plane.CORONAL, IMAGES)
        assert answer.shape == (3, 2, 32, 64)
        assert (engines.spare is not None) == engines.ensemble.backend.device.startswith("GPU")
        return engines.ensemble.backend.device[:3], [flag.code for flag in engines.flags]


def test_auto_takes_the_gpu_that_is_there(bundle: Bundle, wish: Wish) -> None:
    gpu = FakeGpu()
    assert device(bundle, wish, gpu.find) == ("GPU", [])
    assert not gpu.cuda.is_open
    assert Sightings(wish.state).last() == "Orin"


@pytest.mark.parametrize("find", [none_there, none_installed])
def test_auto_that_never_saw_a_gpu_is_no_fallback(
    bundle: Bundle, wish: Wish, find: object, caplog: pytest.LogCaptureFixture
) -> None:
    assert device(bundle, wish, find) == ("CPU", [])
    assert caplog.text == ""


@pytest.mark.parametrize("find", [none_there, none_installed])
def test_auto_on_a_box_that_lost_its_gpu_says_so(bundle: Bundle, wish: Wish, find: object) -> None:
    device(bundle, wish, FakeGpu().find)
    assert device(bundle, wish, find) == ("CPU", [Code.CPU_FALLBACK])
    assert device(bundle, replace(wish, device=Device.CPU), find) == ("CPU", [])


@pytest.mark.parametrize(
    "gpu",
    [
        FakeGpu(plan=b"no plan"),
        FakeGpu(cuda=FakeCuda(capacity=10)),
        FakeGpu(cuda=FakeCuda(broken="unknown error")),
        FakeGpu(plan=FakePlan(outputs=2)),
    ],
)
def test_auto_with_a_gpu_that_does_not_work_says_so(bundle: Bundle, wish: Wish, gpu: FakeGpu) -> None:
    assert device(bundle, wish, gpu.find) == ("CPU", [Code.CPU_FALLBACK])
    assert not gpu.cuda.is_open
    assert Sightings(wish.state).last() == ""


def test_a_gpu_that_is_asked_for_and_is_not_there(bundle: Bundle, wish: Wish, caplog: pytest.LogCaptureFixture) -> None:
    stop = replace(wish, device=Device.GPU)
    with pytest.raises(EngineError, match="There is no GPU to use"):
        device(bundle, stop, none_there)
    with pytest.raises(ConfigurationError, match="PyCUDA"):
        device(bundle, stop, none_installed)
    with pytest.raises(EngineError, match="magic tag"):
        device(bundle, stop, FakeGpu(plan=b"no plan").find)
    go_on = replace(stop, on_gpu_loss=OnGpuLoss.CPU)
    with running_engines(bundle, go_on, none_there) as engines:
        (flag,) = engines.flags
    assert flag.code is Code.CPU_FALLBACK
    assert "no NVIDIA driver is installed" in flag.message
    assert "the GPU can't be used; studies are analysed on the CPU" in caplog.text


def test_a_gpu_has_a_spare_unless_nothing_may_take_its_place(bundle: Bundle, wish: Wish) -> None:
    gpu = FakeGpu()
    with running_engines(bundle, wish, gpu.find) as engines:
        assert engines.spare is not None
        with engines.spare() as spare, on_cpu(bundle)[0].running() as expected:
            assert spare.ensemble.backend.device.startswith("CPU")
            assert [flag.code for flag in spare.flags] == [Code.CPU_FALLBACK]
            assert np.array_equal(spare.ensemble.mean(Plane.AXIAL, IMAGES), expected.mean(Plane.AXIAL, IMAGES))
        engines.ensemble.mean(Plane.AXIAL, IMAGES)  # goes on
    with running_engines(bundle, replace(wish, device=Device.GPU), gpu.find) as engines:
        assert engines.spare is None


def test_plans_are_built_once_and_kept(bundle: Bundle, wish: Wish) -> None:
    gpu = FakeGpu()
    networks = ["axial.onnx", "coronal.onnx", "sagittal.onnx"]
    device(bundle, wish, gpu.find)
    assert gpu.built == networks
    device(bundle, wish, gpu.find)
    assert gpu.built == networks
    other = FakeGpu(FakeCuda(CARD))
    device(bundle, wish, other.find)
    assert other.built == networks
    nowhere = FakeGpu()
    for _ in range(2):
        device(bundle, replace(wish, cache=None), nowhere.find)
    assert nowhere.built == 2 * networks


def test_a_batch_and_a_pool_that_fit_the_gpu(bundle: Bundle, wish: Wish) -> None:
    gpu = FakeGpu()
    with running_engines(bundle, wish, gpu.find) as engines:
        engines.ensemble.mean(Plane.AXIAL, np.repeat(IMAGES, 4, axis=0))
    assert gpu.trt.shapes[-2:] == [(8, 1, 32, 64), (4, 1, 32, 64)]
    assert gpu.cuda.pool is not None
    assert 2 << 30 < gpu.cuda.pool < 4 << 30  # of half of its 8 GiB, less the workspace


def test_uploads_go_through_the_memory_of_the_engines(bundle: Bundle, wish: Wish) -> None:
    gpu = FakeGpu(FakeCuda(CARD))
    volume = np.random.default_rng(0).integers(0, 100, (9, 512, 1024)).astype(np.int16)
    with running_engines(bundle, wish, gpu.find):
        assert gpu.upload is not None
        assert np.array_equal(gpu.upload(volume), volume)
    assert gpu.cuda.stagings == []


def test_a_gpu_whose_engines_answer_nonsense_does_not_work(bundle: Bundle, wish: Wish) -> None:
    gpu = FakeGpu(plan=FakePlan(factor=3.0))
    assert device(bundle, wish, gpu.find) == ("CPU", [Code.CPU_FALLBACK])
    assert Sightings(wish.state).last() == ""


def test_plans_are_built_before_any_engine_takes_memory(bundle: Bundle, wish: Wish) -> None:
    gpu, seen = FakeGpu(), list[bool]()
    nvidia = gpu.find()

    def build(*arguments: Any) -> Built:
        seen.append(gpu.cuda.is_open)
        return nvidia.build(*arguments)

    device(bundle, wish, lambda: replace(nvidia, build=build))
    assert seen == [False] * 3


def test_plans_are_built_as_engines_build_was_told(bundle: Bundle, wish: Wish) -> None:
    gpu, seen = FakeGpu(), list[BuildOptions]()
    nvidia = gpu.find()

    def build(*arguments: Any) -> Built:
        seen.append(arguments[3])
        return nvidia.build(*arguments)

    assert wish.cache is not None
    device(bundle, wish, lambda: replace(nvidia, build=build))
    assert set(seen) == {BuildOptions(2048)}  # a quarter of an Orin's 8 GiB
    Plans.within(wish.cache).choose(BuildOptions(1024, 5))
    seen.clear()
    device(bundle, wish, lambda: replace(nvidia, build=build))
    assert seen == [BuildOptions(1024, 5)] * 3


def test_a_card_that_tensorrt_for_rtx_does_not_build_for_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    rtx = require_rtx()
    for capability, is_known in (("9.0", False), ("8.9", True)):
        cuda = FakeCuda(replace(CARD, capability=capability))
        monkeypatch.setattr("runtime.engines.loading.find_cuda", lambda cuda=cuda: cuda)
        monkeypatch.setattr("runtime.engines.loading.find_tensorrt", lambda: rtx)
        if is_known:
            assert find_nvidia().tensorrt is rtx
            continue
        with pytest.raises(NotInstalled, match="doesn't build for SM90"):
            find_nvidia()
