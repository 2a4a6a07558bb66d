"""TensorRtEngine on a fake TensorRT and a fake CUDA, which take offence at what a device would not forgive."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from functools import partial
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from runtime.compute import cpu
from runtime.engines.base import Ensemble
from runtime.engines.cuda import ALIGNMENT
from runtime.engines.memory import MemoryEngine
from runtime.engines.messages import messages_of
from runtime.engines.shared import Shared
from runtime.engines.tensorrt import GRAPHS, TensorRtEngine
from runtime.engines.vendor import TensorRt, Vendor
from runtime.errors import EngineError, OutOfDeviceMemory
from runtime.fusion import fuse, labelled
from runtime.planes import Plane
from tests.builders import spec
from tests.fake_cuda import CARD, FakeCuda, FakeGraph
from tests.fake_tensorrt import FakeLogger, FakePlan, FakeTensorRt, fake_module, fake_tensorrt

POOL = 123456
SLICE = 64 * 32 * 4
"""Bytes of one of `images`."""


def device(batch: int = 8, **cuda: Any) -> Shared:
    fake = FakeCuda(**cuda)
    return Shared(fake, fake_tensorrt(fake), batch, POOL)


def cuda_of(shared: Shared) -> FakeCuda:
    assert isinstance(shared.cuda, FakeCuda)
    return shared.cuda


def trt_of(shared: Shared) -> FakeTensorRt:
    return fake_module(shared.tensorrt)


def engine(shared: Shared, plan: FakePlan | bytes | None = None, **options: bool) -> TensorRtEngine:
    content = bytes(FakePlan() if plan is None else plan)
    return TensorRtEngine("axial-1.onnx", lambda: content, shared, **options)


def images(count: int, height: int = 64, width: int = 32, seed: int = 0) -> NDArray[np.float32]:
    return np.random.default_rng(seed).random((count, 1, height, width), dtype=np.float32)


def test_the_order_of_calls() -> None:
    shared = device()
    with engine(shared) as one:
        for _ in range(2):
            one.infer(images(2))
    assert cuda_of(shared).calls == [
        *("open", "cap", "Runtime", "deserialize_cuda_engine", "allocate", "create_execution_context"),
        *("allocate", "allocate"),  # answers, images
        *("set_input_shape", "update_device_memory_size_for_shapes", "allocate"),  # the scratch buffer
        *("set_device_memory", "set_tensor_address", "set_tensor_address", "execute_async_v3"),
        "allocate",  # answers take turns
        *("set_device_memory", "set_tensor_address", "set_tensor_address", "execute_async_v3"),
        *("synchronise",) * 5,  # before anything goes, and for each buffer
        "close",
    ]
    assert cuda_of(shared).pool == POOL


def test_answers_and_the_sizes_of_buffers() -> None:
    shared = device()
    plan = FakePlan(0.5, scratch_pixel_bytes=6)
    asked = images(3, 96, 64)
    with engine(shared, plan) as one:
        answer = one.infer(asked)
        assert answer.dtype == np.float32
        assert np.array_equal(answer, plan.answer(asked))
        sizes = sorted(buffer.size for buffer in cuda_of(shared).buffers.values())
        pixels = 3 * 96 * 64
        assert sizes == sorted([plan.weight_bytes, pixels * 4, pixels * 2 * 4, pixels * 6])
        calls = len(cuda_of(shared).calls)
        one.infer(images(2, 32, 32))
        one.infer(images(2, 32, 32))
        assert cuda_of(shared).calls[calls:].count("allocate") == 1  # the second place for answers; the rest does


def test_a_network_that_needs_no_scratch_buffer_gets_the_smallest() -> None:
    shared = device()
    plan = FakePlan(0.5, scratch_pixel_bytes=0)
    with engine(shared, plan) as one:
        asked = images(2)
        assert np.array_equal(one.infer(asked), plan.answer(asked))
        sizes = sorted(buffer.size for buffer in cuda_of(shared).buffers.values())
    assert sizes == sorted([plan.weight_bytes, 2 * SLICE, 2 * 2 * SLICE, ALIGNMENT])


def test_a_size_of_scratch_that_tensorrt_can_not_tell() -> None:
    shared = device()
    with engine(shared) as one:
        for count in (8, 2):
            trt_of(shared).refuses_sizes = "Error Code 4: no size."
            with pytest.raises(
                EngineError, match=rf"can't prepare axial-1.onnx for \({count}, .*: Error Code 4: no size"
            ):
                one.infer(images(count))
            trt_of(shared).refuses_sizes = ""
            assert np.array_equal(one.infer(images(count)), FakePlan().answer(images(count)))  # it is asked again
        trt_of(shared).refuses_sizes = "out of memory"
        with pytest.raises(EngineError, match="one slice at a time"):
            one.infer(images(3))


@pytest.mark.parametrize(("taken", "given"), list(itertools.product(["FLOAT", "HALF"], repeat=2)))
def test_the_plan_says_what_numbers_it_takes_and_gives(taken: str, given: str) -> None:
    shared = device()
    asked = images(3)
    with engine(shared, FakePlan(0.5, taken, given)) as one:
        answer = one.infer(asked)
        assert answer.dtype == np.float32
        assert answer == pytest.approx(FakePlan(0.5).answer(asked), abs=1e-6 if taken == given == "FLOAT" else 1e-3)


def test_a_batch_larger_than_the_profile_is_split() -> None:
    shared = device(batch=100)
    plan = FakePlan(largest=(4, 1, 64, 64))
    asked = images(11)
    with engine(shared, plan) as one:
        assert np.array_equal(one.infer(asked), plan.answer(asked))
    assert [shape[0] for shape in trt_of(shared).shapes] == [4, 4, 3]


def test_a_smaller_batch_may_be_asked_for() -> None:
    shared = device(batch=2)
    asked = images(5)
    with engine(shared) as one:
        assert np.array_equal(one.infer(asked), FakePlan().answer(asked))
    assert [shape[0] for shape in trt_of(shared).shapes] == [2, 2, 1]


@pytest.mark.parametrize(
    ("slices_of_scratch", "then"),
    [(8, [8, 8]), (7, [4, 4, 4, 4]), (3, [2] * 8), (1, [1] * 16)],
)
def test_where_memory_does_not_do_half_as_many_slices_from_then_on(slices_of_scratch: int, then: list[int]) -> None:
    plan = FakePlan(scratch_pixel_bytes=400)
    weights_and_answers = 2 * plan.weight_bytes + 2 * 8 * 2 * SLICE
    scratch_and_images = slices_of_scratch * (400 * 64 * 32 + SLICE)
    shared = device(capacity=weights_and_answers + scratch_and_images)
    first, second = images(8), images(8, seed=1)
    with engine(shared, plan) as one, engine(shared, plan) as two:
        assert np.array_equal(one.infer(first), plan.answer(first))
        assert np.array_equal(two.infer(second), plan.answer(second))  # another engine remembers, too
    assert [shape[0] for shape in trt_of(shared).shapes] == then


def test_memory_that_runs_out_while_it_runs_counts_as_well() -> None:
    shared = device()
    plan = FakePlan(most=3)
    asked = images(8)
    with engine(shared, plan) as one:
        assert np.array_equal(one.infer(asked), plan.answer(asked))
        assert shared.batch == 2
        one.infer(images(3))
    assert [shape[0] for shape in trt_of(shared).shapes] == [2, 2, 2, 2, 2, 1]


def test_what_was_said_before_is_not_taken_for_the_reason() -> None:
    shared = device()
    with engine(shared, FakePlan(most=6)) as one:
        one.infer(images(8))
        trt_of(shared).refuses = "no kernel"
        with pytest.raises(EngineError, match="no kernel") as caught:
            one.infer(images(8))
    assert "memory" not in str(caught.value)
    assert shared.batch == 4


def test_what_was_said_while_a_plan_was_built_is_not_taken_for_the_reason_either() -> None:
    shared = device()

    def built() -> bytes:
        messages_of(shared.tensorrt.module).logger.log(FakeLogger.ERROR, "out of memory: a kernel is left out")
        return b"not a plan"

    with pytest.raises(EngineError, match=r"load axial-1.onnx: IRuntime.*magic tag.*\)$"):
        TensorRtEngine("axial-1.onnx", built, shared).__enter__()


def test_memory_that_does_not_do_for_one_slice_is_an_error_that_says_what_to_do() -> None:
    shared = device()
    with engine(shared, FakePlan(most=0)) as one, pytest.raises(EngineError, match=r"one slice .*Close what else uses"):
        one.infer(images(8))
    assert shared.batch == 1


def test_what_was_answered_before_survives_a_call_that_had_to_halve() -> None:
    shared = device()
    asked = images(8)
    with engine(shared) as one, engine(shared, FakePlan(0.25, most=2)) as two:
        total = one.infer(asked)
        total = total + two.infer(asked)
    assert np.array_equal(total, FakePlan().answer(asked) + FakePlan(0.25).answer(asked))


def test_slices_larger_than_the_plan_are_refused_and_do_no_harm() -> None:
    shared = device()
    with engine(shared, FakePlan(largest=(8, 1, 64, 64))) as one:
        with pytest.raises(EngineError, match=r"^Slices of 96 x 64 pixels are larger than .* built for, 64 x 64"):
            one.infer(images(1, 96, 64))
        one.infer(images(1))


def test_windows_that_the_plan_does_not_take() -> None:
    with engine(device()) as one, pytest.raises(EngineError, match=r"axial-1.onnx takes 1 windows, not 3"):
        one.infer(np.zeros((1, 3, 32, 32), np.float32))


def test_only_inside_its_context() -> None:
    one = engine(device())
    with pytest.raises(RuntimeError, match="outside"):
        one.infer(images(1))
    with one:
        pass
    with pytest.raises(RuntimeError, match="outside"):
        one.infer(images(1))


def test_what_tensorrt_says_is_in_the_error() -> None:
    shared = device()
    with pytest.raises(EngineError, match=r"TensorRT 10.3.0 can't load axial-1.onnx: .*magic tag"):
        engine(shared, b"not a plan").__enter__()
    trt_of(shared).refuses = "[convolution.cpp] Error Code 1: Cask (no kernel)"
    with engine(shared) as one, pytest.raises(EngineError, match=r"can't run axial-1.onnx: .*no kernel"):
        one.infer(images(1))


@pytest.mark.parametrize("plan", [FakePlan(outputs=2), FakePlan(images="INT8"), FakePlan(outputs=0)])
def test_a_plan_of_another_kind(plan: FakePlan) -> None:
    shared = device()
    with pytest.raises(EngineError, match="must have one input and one output, of float32 or float16"):
        engine(shared, plan).__enter__()
    assert not cuda_of(shared).is_open  # left again, with nothing on it: the fake looks


def test_engines_for_which_there_is_no_memory() -> None:
    shared = device(capacity=2500)
    with ExitStack() as stack:
        for _ in range(2):
            stack.enter_context(engine(shared))
        with pytest.raises(EngineError, match=r"OutOfMemory Close what else uses the GPU"):
            stack.enter_context(engine(shared))
    trt_of(shared).refuses_contexts = "Error Code 2: OutOfMemory (Requested size was 5 bytes.)"
    with pytest.raises(EngineError, match="Close what else uses the GPU"):
        engine(shared).__enter__()
    assert not cuda_of(shared).is_open


def test_a_plan_that_can_not_be_built() -> None:
    def build() -> bytes:
        raise EngineError("TensorRT can't build it")

    shared = device()
    with pytest.raises(EngineError, match="can't build"):
        TensorRtEngine("axial-1.onnx", build, shared).__enter__()
    assert not cuda_of(shared).is_open


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_engines_leave_in_any_order_and_come_again(order: Iterable[int]) -> None:
    shared = device()
    engines = [engine(shared, FakePlan(factor)) for factor in (1.0, 0.5, 0.25)]
    for _ in range(2):
        for one in engines:
            one.__enter__()
            one.infer(images(3))
        for number in order:
            assert cuda_of(shared).is_open
            engines[number].infer(images(2))
            engines[number].__exit__(None, None, None)
        assert not cuda_of(shared).is_open
        assert cuda_of(shared).buffers == {}


def test_two_engines_have_one_scratch_buffer_as_large_as_the_needier_one_asks() -> None:
    shared = device()
    small, large = FakePlan(scratch_pixel_bytes=4), FakePlan(0.5, scratch_pixel_bytes=100)
    asked = images(4)
    pixels = asked.size
    with engine(shared, small) as one, engine(shared, large) as two:
        for _ in range(2):
            assert np.array_equal(one.infer(asked), small.answer(asked))
            assert np.array_equal(two.infer(asked), large.answer(asked))
        buffers = [buffer.size for buffer in cuda_of(shared).buffers.values()]
    assert sorted(buffers) == sorted([1000, 1000, pixels * 4, pixels * 2 * 4, pixels * 2 * 4, pixels * 100])


def test_a_sum_over_engines_is_right_though_they_share_two_places_for_their_answers() -> None:
    shared = device()
    plans = [FakePlan(factor) for factor in (1.0, 0.5, 0.25, 0.125, 0.0625)]
    others = {plane: (MemoryEngine(FakePlan().answer),) for plane in (Plane.CORONAL, Plane.SAGITTAL)}
    ensemble = Ensemble({Plane.AXIAL: tuple(engine(shared, plan) for plan in plans), **others})
    with ensemble.running():
        means = [(asked, ensemble.mean(Plane.AXIAL, asked)) for asked in (images(8), images(5, seed=1))]
    for asked, mean in means:
        assert mean == pytest.approx(np.mean([plan.answer(asked) for plan in plans], axis=0), abs=1e-6)


def test_an_answer_is_good_until_the_next_call_but_one() -> None:
    shared = device()
    first, second, third = (images(2, seed=seed) for seed in range(3))
    with engine(shared) as one:
        kept = one.infer(first)
        one.infer(second)
        assert np.array_equal(kept, FakePlan().answer(first))
        one.infer(third)
        assert np.array_equal(kept, FakePlan().answer(third))


def test_a_full_ensemble_through_fusion_equals_the_path_of_numpy() -> None:
    counts = {Plane.AXIAL: 6, Plane.CORONAL: 2, Plane.SAGITTAL: 2}
    factors = iter(np.linspace(0.4, 1.0, 10))
    plans = {plane: [FakePlan(float(next(factors))) for _ in range(count)] for plane, count in counts.items()}
    shared = device()
    on_gpu = Ensemble({plane: tuple(engine(shared, plan) for plan in plans[plane]) for plane in Plane})
    on_cpu = Ensemble({plane: tuple(MemoryEngine(plan.answer) for plan in plans[plane]) for plane in Plane})
    hu = np.random.default_rng(0).integers(-20, 120, (37, 70, 45)).astype(np.int16)
    settings = spec(coefficients={Plane.AXIAL: 0.4, Plane.CORONAL: 0.5, Plane.SAGITTAL: 0.6}, closing_radius=2)
    with on_gpu.running(), on_cpu.running():
        ours, theirs = (fuse(hu, ensemble, settings, cpu()) for ensemble in (on_gpu, on_cpu))
        assert len(cuda_of(shared).buffers) == 10 + 4  # weights; scratch, images, two of answers
    assert np.array_equal(ours.v, theirs.v)
    assert ours.plane_voxels == theirs.plane_voxels
    assert np.array_equal(labelled(ours, settings, cpu()), labelled(theirs, settings, cpu()))
    assert ours.votes.any()
    assert not ours.votes.all()


def test_after_an_error_of_cuda_everything_is_let_go_all_the_same(caplog: pytest.LogCaptureFixture) -> None:
    shared = device()
    ensemble = Ensemble({plane: (engine(shared), engine(shared)) for plane in Plane})
    asked = images(2)

    def analyse() -> None:
        with ensemble.running():
            ensemble.mean(Plane.AXIAL, asked)
            cuda_of(shared).broken = "an illegal memory access was encountered"
            ensemble.mean(Plane.AXIAL, images(8))

    with pytest.raises(EngineError, match="illegal memory access"):
        analyse()
    assert not cuda_of(shared).is_open
    assert cuda_of(shared).buffers == {}
    assert trt_of(shared).alive == 0
    assert "did not come to rest" in caplog.text


def test_a_device_that_can_not_be_opened() -> None:
    shared = device(broken="no CUDA-capable device is detected")
    ensemble = Ensemble({plane: (engine(shared),) for plane in Plane})
    with pytest.raises(EngineError, match="no CUDA-capable"), ensemble.running():
        pass


def with_graphs(shared: Shared) -> Callable[..., TensorRtEngine]:
    return partial(engine, shared, graphs=True)


def test_a_graph_for_each_shape_and_place() -> None:
    shared = device()
    calls = cuda_of(shared).calls
    with with_graphs(shared)(FakePlan(0.5)) as one:
        for seed in range(6):
            for count in (8, 3):
                asked = images(count, seed=seed)
                assert np.array_equal(one.infer(asked), FakePlan(0.5).answer(asked))
        # Answers take turns, so that each size always lies in the same place.
        assert calls.count("capture") == 2
        assert calls.count("launch") == 10
        assert calls.count("execute_async_v3") == 4
        assert calls.count("create_execution_context") == 3


def test_graphs_of_two_engines_and_a_scratch_buffer_that_grows_below_them() -> None:
    shared = device()
    make = with_graphs(shared)
    small, large = FakePlan(0.5, scratch_pixel_bytes=1), FakePlan(0.25, scratch_pixel_bytes=100)
    with make(small) as one, make(large) as two:
        for seed in range(2 * GRAPHS):
            asked = images(1 + seed % 5, 32 * (1 + seed % 3), seed=seed)
            assert np.array_equal(one.infer(asked), small.answer(asked))
            assert np.array_equal(two.infer(asked), large.answer(asked))
    assert cuda_of(shared).calls.count("launch") < 4 * GRAPHS


def test_no_graph_writes_into_a_smaller_scratch_buffer_that_lies_where_its_own_did() -> None:
    shared = device(reuses_addresses=True)
    make = with_graphs(shared)
    small, large = FakePlan(0.5, scratch_pixel_bytes=1), FakePlan(0.25, scratch_pixel_bytes=100)
    with make(small) as one, make(large) as two:
        asked = images(2)
        for _ in range(3):
            two.infer(asked)
        shared.halve(OutOfDeviceMemory("full"))
        for _ in range(2):
            one.infer(asked)
            assert np.array_equal(two.infer(asked), large.answer(asked))


def test_graphs_are_few() -> None:
    shared = device()
    with with_graphs(shared)() as one:
        for width in range(32 * (2 * GRAPHS + 1), 0, -32):  # the largest first: nothing waits for memory then
            one.infer(images(1, 32, width))
        assert trt_of(shared).alive <= 3 + GRAPHS


def test_what_could_not_be_run_leaves_no_context_behind() -> None:
    shared = device()
    with with_graphs(shared)(FakePlan(most=2)) as one:
        one.infer(images(8))
        assert cuda_of(shared).calls.count("create_execution_context") == 1 + 2 + 4  # 8 and 4 slices were too many
        assert trt_of(shared).alive == 3 + cuda_of(shared).calls.count("capture")


class CapturesNothing(FakeCuda):
    def captured(self, work: Callable[[], None]) -> FakeGraph:
        super().captured(work)
        raise EngineError("CUDA says: operation not permitted when stream is capturing.")


def test_what_could_not_be_captured_leaves_no_context_behind() -> None:
    cuda = CapturesNothing()
    shared = Shared(cuda, fake_tensorrt(cuda), 8, POOL)
    with with_graphs(shared)() as one:
        for _ in range(3):
            with pytest.raises(EngineError, match="capturing"):
                one.infer(images(2))
            assert trt_of(shared).alive == 3


def test_what_it_runs_on_is_told_before_it_is_entered() -> None:
    backend = engine(device(gpu=CARD)).backend
    assert (backend.name, backend.version, backend.precision) == ("TensorRT", "10.3.0", "f16")
    assert backend.device == "GPU (A card)"


def test_the_real_tensorrt_for_rtx_refuses_as_the_fake_does() -> None:
    module = pytest.importorskip("tensorrt_rtx")
    cuda = FakeCuda()
    shared = Shared(cuda, TensorRt(Vendor.RTX, module), 8, POOL)
    with pytest.raises(EngineError, match=r"TensorRT for RTX .* can't load axial-1.onnx: .*Error Code"):
        engine(shared, b"not a plan").__enter__()
    assert not cuda.is_open
