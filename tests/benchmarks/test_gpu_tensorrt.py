"""The checks of TensorRT's engines on a GPU that is none: whether they ask, time and tell what they should."""

from __future__ import annotations

import time

import pytest

from appliance import shipped
from benchmarks.checks import Bench, Verdict, run_checks
from benchmarks.gpu_check import CHECKS
from benchmarks.gpu_tensorrt import CallTimes, check_tensorrt_golden, check_tensorrt_speed, check_tensorrt_study
from benchmarks.gpu_torch import Load
from benchmarks.study import Size
from benchmarks.timing import Tries
from runtime.bundle import open_bundle
from runtime.compute import cpu
from runtime.engines.on_gpu import Nvidia
from runtime.errors import EngineError, GoldenMismatch, NotInstalled
from runtime.planes import Plane
from tests.fake_cuda import CARD, FakeCuda
from tests.fake_gpu import FakeGpu
from tests.fake_tensorrt import FakePlan
from training.model import Width

TINY = Size("tiny", (6.0, 4.0, 4.0), 64, Width.SMALL, 1)


def bench() -> Bench:
    return Bench(cpu(), "cpu", open_bundle(shipped.FOLDER), time.perf_counter)


def card(channels: int) -> FakeGpu:
    return FakeGpu(FakeCuda(CARD), FakePlan(0.3, largest=(8, channels, 1024, 1024)))


def test_without_tensorrt_each_is_skipped_and_says_so() -> None:
    def nowhere() -> Nvidia:
        raise NotInstalled("TensorRT can't be loaded (No module named 'tensorrt').")

    for check in (check_tensorrt_golden, check_tensorrt_speed, check_tensorrt_study):
        with pytest.raises(NotInstalled, match=r"^no TensorRT\. TensorRT can't be loaded"):
            check(bench(), find=nowhere)


def test_without_a_gpu_they_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone() -> None:
        raise EngineError("The GPU has fallen off the bus.")

    monkeypatch.setattr("runtime.engines.pycuda.find_gpu", gone)
    chosen = [check for check in CHECKS if check.name.startswith("tensorrt")]
    results = run_checks(chosen, bench(), lambda result: None)
    assert [result.answer.verdict for result in results] == [Verdict.FAILED] * 3


def test_engines_that_compute_something_else_are_found() -> None:
    with pytest.raises(GoldenMismatch, match="differ from the reference"):
        check_tensorrt_golden(bench(), card(2).find)


def test_each_batch_of_each_plane_is_timed_with_and_without_graphs() -> None:
    gpu = card(2)
    load = Load({Plane.AXIAL: (32, 64), Plane.CORONAL: (64, 32)}, batches=(1, 2), tries=Tries(2, 1))
    answer = check_tensorrt_speed(bench(), load, (Width.SMALL,), gpu.find)
    assert answer.verdict is Verdict.MEASURED
    assert [(row["launched"], row["plane"], row["size"], row["batch"]) for row in answer.rows] == [
        (launched, plane, size, batch)
        for launched in ("one by one", "as a graph")
        for plane, size in (("axial", "32x64"), ("coronal", "64x32"))
        for batch in (1, 2)
    ]
    assert all(float(row["ms a slice"] or 0) > 0 for row in answer.rows)
    assert {shape[0] for shape in gpu.trt.shapes} == {1, 2}
    assert gpu.cuda.buffers == {}


def test_a_study_tells_the_memory_that_was_used_beside_the_estimate() -> None:
    gpu = card(1)
    answer = check_tensorrt_study(bench(), TINY, dict.fromkeys(Plane, 1), gpu.find)
    assert [row["run"] for row in answer.rows] == ["first", "second"]
    last = answer.rows[-1]
    assert 0 < float(last["in networks, s"] or 0) < float(last["infer, s"] or 0) < float(last["total, s"] or 0)
    assert float(last["in use, MiB"] or 0) > 0
    assert float(last["estimated, MiB"] or 0) > 1200  # a study's arrays alone
    assert gpu.cuda.buffers == {}


def test_spans_wait_before_and_after() -> None:
    heard: list[str] = []
    ticks = iter((1.0, 3.5))
    spans = CallTimes(lambda: heard.append("wait"), lambda: next(ticks))

    def work() -> int:
        heard.append("work")
        return 1

    assert spans.timed(work) == 1
    assert heard == ["wait", "work", "wait"]
    assert spans.seconds == 2.5
