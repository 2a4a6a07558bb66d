"""The whole analysis on arrays as strict as a GPU's: the same to the bit, and only mask and scalars come back."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from types import ModuleType, SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from numpy.typing import NDArray

from runtime.bundle import Spec
from runtime.classification import StrokeClass
from runtime.codes import Code
from runtime.compute import Compute, cpu, gpu
from runtime.engines.base import Ensemble
from runtime.engines.memory import MemoryEngine
from runtime.errors import ConfigurationError, EngineError
from runtime.pipeline import Analysis, analyse
from runtime.planes import Plane
from runtime.stopwatch import Stopwatch
from runtime.volume import Volume
from tests.builders import ensemble, head, spec
from tests.device_arrays import XP, DeviceArray, RawModule, asarray, device

SPEC = spec(
    windows=((0.0, 100.0), (0.0, 200.0)),
    coefficients={Plane.AXIAL: 0.47, Plane.CORONAL: 0.56, Plane.SAGITTAL: 0.6},
    closing_radius=3,
    smallest_lesion_ml=0.2,
    area_cutoffs={StrokeClass.IS: 0.0, StrokeClass.IH: 1.4},
)


def lesions(spacing_mm: float = 2.0) -> Volume:
    """A head with a dark and a bright blob that touch, a speck of each, and a faint one."""
    native = head(spacing_mm=(spacing_mm,) * 3)
    hu = native.hu + np.random.default_rng(0).integers(-3, 4, native.shape).astype(np.int16)
    size = np.array(native.shape)

    def paint(middle: tuple[float, float, float], voxels: tuple[int, int, int], value: int) -> None:
        starts = (size * middle).astype(int)
        hu[tuple(slice(start, start + length) for start, length in zip(starts, voxels, strict=True))] = value

    paint((0.5, 0.4, 0.4), (8, 9, 10), 5)
    paint((0.5, 0.4, 0.5), (9, 8, 7), 75)
    paint((0.6, 0.6, 0.6), (2, 2, 2), 5)
    paint((0.6, 0.5, 0.3), (2, 1, 2), 75)
    paint((0.4, 0.6, 0.4), (5, 5, 5), 58)
    return Volume(hu, native.geometry)


def predicting(xp: Any, offset: float) -> MemoryEngine:
    """IS where the first window is dark, IH where it is bright; `offset` makes networks of a plane differ."""

    def predict(images: Any) -> Any:
        probability = xp.zeros((len(images), 2, *images.shape[2:]), dtype=xp.float32)
        first = images[:, 0]
        probability[:, 0] = xp.where(first > 0.005, xp.maximum(0.75 - 6.0 * first + offset, 0.0), 0.0)
        probability[:, 1] = xp.where(first < 0.95, xp.maximum(first - offset, 0.0), 0.0)
        return probability.astype(xp.float32)

    return MemoryEngine(predict)


def analysed(compute: Compute, native: Volume, settings: Spec = SPEC) -> Analysis:
    xp = compute.xp
    members = {
        Plane.AXIAL: (predicting(xp, 0.0), predicting(xp, 0.05), predicting(xp, 0.011)),
        Plane.CORONAL: (predicting(xp, 0.02),),
        Plane.SAGITTAL: (predicting(xp, 0.0), predicting(xp, 0.033)),
    }
    with Ensemble(members).running() as running:
        return analyse(native, running, settings, compute, Stopwatch(lambda: 0.0))


def test_a_gpus_arrays_give_what_the_cpus_do_to_the_bit() -> None:
    native = lesions()
    expected, found = analysed(cpu(), native), analysed(device([]), native)
    assert np.array_equal(found.grid_mask, expected.grid_mask)
    assert np.array_equal(found.native_mask, expected.native_mask)
    assert (found.finding, found.lesions, found.flags) == (expected.finding, expected.lesions, expected.flags)
    assert set(np.unique(expected.grid_mask)) == {0, 1, 2}
    assert Code.AREAS_LEFT_OUT in {flag.code for flag in expected.flags}


def test_only_the_mask_and_some_scalars_come_back() -> None:
    counts = []
    for spacing_mm in (2.0, 3.0):
        fetched: list[NDArray[Any]] = []
        analysis = analysed(device(fetched), lesions(spacing_mm))
        volumes = [array for array in fetched if array.ndim > 2]
        assert [array.dtype for array in volumes] == [np.dtype(np.uint8)]
        assert volumes[0].sum() == analysis.grid_mask.sum()
        counts.append(len(fetched))
    assert counts[0] == counts[1]  # however many slices there are
    assert counts[0] == 12  # three planes' extremes, voxels above k, a box, areas and evidence of two classes, the mask


def test_without_marked_voxels_and_without_the_rule_of_areas() -> None:
    plain = head(spacing_mm=(3.0, 3.0, 3.0))
    for native, settings in ((plain, SPEC), (lesions(3.0), spec(windows=SPEC.windows, closing_radius=2))):
        expected, found = analysed(cpu(), native, settings), analysed(device([]), native, settings)
        assert np.array_equal(found.grid_mask, expected.grid_mask)
        assert (found.finding, found.lesions) == (expected.finding, expected.lesions)
    assert not analysed(cpu(), plain).grid_mask.any()


@pytest.mark.parametrize("plane", [plane.value for plane in Plane])
def test_what_is_no_probability_is_said_of_its_plane(plane: str) -> None:
    def nothing(images: Any) -> Any:
        return XP.zeros((len(images), 2, *images.shape[2:]), dtype=XP.float32)

    def once_nan(images: Any) -> Any:
        answer = nothing(images)
        answer[0, 1, 2, 3] = np.nan
        return answer

    with ensemble(nothing, **{plane: once_nan}).running() as running, pytest.raises(EngineError, match=plane):
        analyse(head(), running, SPEC, device([]), Stopwatch(lambda: 0.0))


class DeviceLost(Exception):
    """As CuPy's own errors are: none of ours."""


def test_a_device_that_fails_is_an_engine_error() -> None:
    def failing(images: Any) -> Any:
        raise DeviceLost("an illegal memory access was encountered")

    compute = device([], failures=(DeviceLost,))
    with ensemble(failing).running() as running, pytest.raises(EngineError, match="device failed: an illegal memory"):
        analyse(head(), running, SPEC, compute, Stopwatch(lambda: 0.0))
    with ensemble(failing).running() as running, pytest.raises(DeviceLost):
        analyse(head(), running, SPEC, cpu(), Stopwatch(lambda: 0.0))


def test_without_cupy_there_is_no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cupy", None)  # as where it is not installed, wherever this runs
    with pytest.raises(ConfigurationError, match=r"CuPy can't be loaded .* `make gpu-cu12` or `make gpu-cu13`"):
        gpu()


def as_in_cupy(name: str, base: type[Exception]) -> Any:
    return type(name, (base,), {})


@dataclass
class Cupy:
    """CuPy's modules over the stand-in's arrays; errors: those of CuPy's own that a GPU may raise, each its own class.

    refuses: what compiling kernels raises; fetched: what came back, in order
    """

    refuses: Exception | None = None
    fetched: list[NDArray[Any]] = field(default_factory=list)
    cuda: Any = field(
        default_factory=lambda: SimpleNamespace(
            compiler=SimpleNamespace(CompileException=as_in_cupy("CompileException", Exception)),
            driver=SimpleNamespace(CUDADriverError=as_in_cupy("CUDADriverError", RuntimeError)),
            memory=SimpleNamespace(OutOfMemoryError=as_in_cupy("OutOfMemoryError", MemoryError)),
            nvrtc=SimpleNamespace(NVRTCError=as_in_cupy("NVRTCError", RuntimeError)),
            runtime=SimpleNamespace(CUDARuntimeError=as_in_cupy("CUDARuntimeError", RuntimeError)),
        )
    )

    @property
    def errors(self) -> list[type[Exception]]:
        return [error for module in vars(self.cuda).values() for error in vars(module).values()]

    def install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        host = device(self.fetched)
        cupy = SimpleNamespace(**vars(XP), cuda=self.cuda, asnumpy=host.to_host)
        cupy.RawModule = self._compiled
        scipy = SimpleNamespace(ndimage=host.ndimage)
        for name, module in (("cupy", cupy), ("cupyx", SimpleNamespace(scipy=scipy)), ("cupyx.scipy", scipy)):
            monkeypatch.setitem(sys.modules, name, cast(ModuleType, module))

    def _compiled(self, *, code: str) -> RawModule:
        if self.refuses:
            raise self.refuses
        return RawModule(code=code)


@pytest.fixture
def cupy(monkeypatch: pytest.MonkeyPatch) -> Cupy:
    installed = Cupy()
    installed.install(monkeypatch)
    return installed


def test_with_cupy_the_gpu_gives_what_the_cpu_does(cupy: Cupy) -> None:
    native = lesions(3.0)
    expected, found = analysed(cpu(), native), analysed(gpu(), native)
    assert np.array_equal(found.grid_mask, expected.grid_mask)
    assert (found.finding, found.lesions, found.flags) == (expected.finding, expected.lesions, expected.flags)
    assert expected.grid_mask.any()
    assert cupy.fetched


def test_uploads_are_cupys_own_or_those_that_it_is_given(cupy: Cupy) -> None:
    volume = np.arange(6)
    assert isinstance(gpu().upload(volume), DeviceArray)
    assert gpu(lambda array: array[::-1]).upload(volume)[0] == 5
    assert np.array_equal(gpu().to_host(gpu().upload(volume)), volume)


def test_whatever_cupy_raises_is_an_engine_error(cupy: Cupy) -> None:
    compute = gpu()
    assert len(cupy.errors) == 5
    for error in cupy.errors:
        with pytest.raises(EngineError, match="the gpu failed: why"), compute.guarded():
            raise error("why")
    with pytest.raises(ValueError, match="ours"), compute.guarded():
        raise ValueError("ours")


def test_where_cupy_can_not_compile_there_is_no_gpu(cupy: Cupy) -> None:
    for error in (*cupy.errors, RuntimeError):  # RuntimeError: CuPy finds no libnvrtc
        cupy.refuses = error("why")
        with pytest.raises(EngineError, match="CuPy can't use the GPU: why"):
            gpu()


def test_the_stand_in_is_as_strict_as_cupy() -> None:
    array = asarray(np.arange(6, dtype=np.float32))
    for crossing in (np.asarray, np.sum, float, bool, list, lambda one: one + np.ones(6), lambda one: np.ones(6) + one):
        with pytest.raises(TypeError):
            crossing(array)
    with pytest.raises(TypeError, match="uploaded"):
        array[np.arange(2)]
    with pytest.raises(TypeError, match="Unsupported"):
        array[:2] = np.zeros(2)
    with pytest.raises(ValueError, match="undefined on a device"):
        array[asarray(np.array([1, 1]))] = asarray(np.array([2.0, 3.0]))
    with pytest.raises(AttributeError):
        XP.percentile(array, 50)
    assert (np.float32(2) * array).dtype == np.float32
    assert isinstance(array.sum(), DeviceArray)
