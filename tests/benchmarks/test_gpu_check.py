"""The checks of a GPU without one: on arrays as strict as its own, and with PyTorch on the processor."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from datetime import datetime, timezone
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from appliance import shipped
from benchmarks.checks import Answer, Bench, Check, Result, Row, Verdict, run_checks
from benchmarks.gpu_check import CHECKS, gpu_check
from benchmarks.gpu_closing import check_closing_speed
from benchmarks.gpu_environment import MISSING, Environment
from benchmarks.gpu_parity import check_analysis, check_closing, check_golden, check_range, golden_files
from benchmarks.gpu_report import Report, document, line, markdown
from benchmarks.gpu_torch import Load, check_golden_by_torch, check_study, check_torch_speed
from benchmarks.study import Size
from benchmarks.timing import Tries
from runtime.bundle import open_bundle
from runtime.compute import Compute, cpu
from runtime.engines.gpu import Gpu, find_gpu
from runtime.errors import ConfigurationError, EngineError, NotInstalled, StrokeboxError
from runtime.planes import Plane
from tests.device_arrays import DeviceArray, device
from training.model import Width

GPU = Gpu("A card", "9.0", "580.1", "13.0", 80 << 30, shares_memory=False)
MASKS = (((3, 5, 33), 3), ((25, 40, 65), 8), ((9, 12, 20), 20))
HEADS = ((20, 33, 47), (24, 30, 36), (21, 22, 23), (30, 20, 40))


def bench(compute: Compute | StrokeboxError, pytorch: str | StrokeboxError = "cpu") -> Bench:
    return Bench(compute, pytorch, open_bundle(shipped.FOLDER), time.perf_counter)


def test_without_a_gpu_it_says_so_in_one_sentence_and_exits_5(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert gpu_check(tmp_path / "out", find=lambda: find_gpu("libno-such-driver.so.1")) == 5
    told = capsys.readouterr()
    assert told.err.startswith("gpu-check, nothing was checked: This machine has no NVIDIA driver (")
    assert told.err.count("\n") == 1
    assert not told.out
    assert not (tmp_path / "out").exists()


def test_a_device_that_computes_as_the_cpu_passes() -> None:
    checked = bench(device([]))
    for answer in (
        check_closing(checked, MASKS),
        check_analysis(checked, HEADS),
        check_golden(checked),
        check_range(checked),
    ):
        assert answer.verdict is Verdict.PASSED, answer
    assert check_closing(checked, MASKS).words == "3 of 3 masks as on the CPU."
    golden = check_golden(checked)
    assert len(golden.rows) == len(golden_files(checked)) == 2
    assert int(golden.rows[0]["marked"] or 0) > 1000
    for shape, row in zip(HEADS, check_analysis(checked, HEADS).rows, strict=True):
        assert 0.02 < int(row["marked"] or 0) / np.prod(shape) < 0.7


def test_what_a_device_computes_otherwise_is_found() -> None:
    good = device([])

    def one_short(mask: Any, radius: int) -> Any:
        return good.close(mask, max(radius - 1, 0))

    closing = check_closing(bench(replace(good, close=one_short)), MASKS)
    assert closing.verdict is Verdict.FAILED
    assert closing.words == "1 of 3 masks as on the CPU."  # a small one is full with either ball

    def brighter(array: Any) -> DeviceArray:
        uploaded: DeviceArray = good.upload(array)
        if array.ndim == 3:
            uploaded[0:1, 0:1, 0:1] = 100
        return uploaded

    analysis = check_analysis(bench(replace(good, upload=brighter)), HEADS[:1])
    assert analysis.verdict is Verdict.FAILED
    assert analysis.rows[0]["V differs"] == 1  # that voxel, of IH

    def blind(array: DeviceArray) -> Any:
        return np.nan_to_num(array.values, nan=0.0)

    blinded = check_range(bench(replace(good, _fetch=blind)))
    assert blinded.verdict is Verdict.FAILED
    assert [row["value"] for row in blinded.rows if row["noticed"] == "no"] == ["nan"] * 3


def test_what_is_missing_is_skipped_what_breaks_off_fails_and_the_others_go_on() -> None:
    class Lost(Exception):
        pass

    def losing(_bench: Bench) -> Answer:
        raise Lost("an illegal address")

    def failing(_bench: Bench) -> Answer:
        raise RuntimeError("no kernel image")

    checks = [
        Check("lost", "a device that is lost", losing),
        Check("failed", "what PyTorch says", failing),
        Check("range", "the next one", check_range),
        Check("torch", "what is not installed", check_golden_by_torch),
    ]
    told: list[Result] = []
    checked = bench(device([], failures=(Lost,)), NotInstalled("PyTorch 2 can't use this GPU."))
    results = run_checks(checks, checked, told.append)
    assert [result.answer.verdict.value for result in results] == ["FAILED", "FAILED", "passed", "skipped"]
    assert results[0].answer.words == "broke off: EngineError: the device failed: an illegal address"
    assert line(results[3]).startswith("what is not installed: skipped: PyTorch 2 can't use this GPU. (")
    assert tuple(told) == results


@pytest.mark.parametrize(
    ("error", "verdict"),
    [
        (NotInstalled("no CuPy"), "skipped"),
        (ConfigurationError("wrong"), "FAILED"),
        (EngineError("no NVRTC"), "FAILED"),
    ],
)
def test_without_an_array_library(error: StrokeboxError, verdict: str) -> None:
    chosen = [check for check in CHECKS if check.name in ("closing", "analysis", "golden", "range", "closing-speed")]
    results = run_checks(chosen, bench(error), lambda result: None)
    assert {result.answer.verdict.value for result in results} == {verdict}


def test_the_report_says_what_was_found_and_is_json() -> None:
    def installed(name: str) -> str:
        if name in ("cupy-cuda13x", "numpy"):
            return "14.2.0"
        raise PackageNotFoundError(name)

    environment = Environment.of(GPU, installed)
    assert environment.packages["CuPy"] == "14.2.0 (cupy-cuda13x)"
    assert environment.packages["TensorRT"] == MISSING
    rows: tuple[Row, ...] = (
        {"voxels": "3x5x33", "ms": 0.12345, "other": None},
        {"voxels": "a|b", "ms": 2500.0, "other": 3},
    )
    results = (
        Result("a", "closing", Answer(Verdict.PASSED, "2 of 2 masks as on the CPU."), 1.25),
        Result("b", "speed", Answer(Verdict.MEASURED, "The median.", rows), 100.0),
        Result("c", "range", Answer.of(False, "One voxel."), 0.0),
    )
    report = Report(datetime(2026, 11, 1, tzinfo=timezone.utc), environment, results)
    text = markdown(report)
    assert "2026-11-01: A card (9.0), driver 580.1 with CUDA up to 13.0, Python " in text
    assert "| TensorRT | not installed |" in text
    assert "| closing | 1.2 | passed: 2 of 2 masks as on the CPU. |" in text
    assert "| range | 0.0 | FAILED: One voxel. |" in text
    assert "## speed\n\n| voxels | ms | other |\n|---|---|---|\n| 3x5x33 | 0.1235 |  |\n| a\\|b | 2500 | 3 |\n" in text
    assert "## closing" not in text
    stored = json.loads(json.dumps(document(report)))
    assert stored["failed"] == ["range"]
    assert stored["environment"]["gpu"]["name"] == "A card"
    assert stored["results"][1]["answer"]["rows"][0]["ms"] == 0.12345


def test_a_run_leaves_both_files_and_exits_by_the_checks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def code(compute: Compute | StrokeboxError) -> int:
        return gpu_check(tmp_path, ["range"], find=lambda: GPU, make=lambda: bench(compute))

    assert code(device([])) == 0
    assert code(EngineError("it is gone")) == 1
    assert code(NotInstalled("no CuPy")) == 1  # nothing was checked
    assert code(ConfigurationError("a driver too old")) == 1
    assert code(EngineError("it is gone")) == 1
    assert "FAILED: broke off: EngineError: it is gone" in (tmp_path / "gpu-check.md").read_text()
    assert [result["name"] for result in json.loads((tmp_path / "gpu-check.json").read_text())["results"]] == ["range"]
    assert "# GPU check" in capsys.readouterr().out


def test_the_networks_in_pytorch_answer_as_the_reference() -> None:
    answer = check_golden_by_torch(bench(cpu()))
    assert answer.verdict is Verdict.PASSED
    assert len(answer.rows) == 2 * len(Plane)
    assert max(float(row["mean error"] or 0) for row in answer.rows) < 0.002  # to 1/255 the cases are rounded


def test_speed_and_a_study_on_the_processor() -> None:
    checked = bench(cpu())
    load = Load({Plane.CORONAL: (32, 64)}, batches=(1, 2), compiled=(), tries=Tries(2, 0))
    speed = check_torch_speed(checked, load, (Width.SMALL,))
    assert [(row["network"], row["PyTorch"], row["size"], row["batch"]) for row in speed.rows] == [
        ("small", "eager", "32x64", 1),
        ("small", "eager", "32x64", 2),
    ]
    assert all(float(row["ms a slice"] or 0) > 0 for row in speed.rows)
    study = check_study(checked, Size("tiny", (6.0, 4.0, 4.0), 64, Width.SMALL, 1), dict.fromkeys(Plane, 1))
    assert study.verdict is Verdict.MEASURED
    last = study.rows[-1]
    assert 0 < float(last["in networks, s"] or 0) < float(last["infer, s"] or 0) < float(last["total, s"] or 0)
    assert 0 < float(last["share outside"] or 0) < 1


def test_closing_is_timed_where_it_can_be() -> None:
    answer = check_closing_speed(bench(device([])), (4, 8, 40), Tries(2, 0))
    milliseconds = {row["closing"]: row["ms"] for row in answer.rows}
    assert milliseconds["cuCIM, device"] is None or float(milliseconds["cuCIM, device"]) > 0
    assert float(milliseconds["ours, device"] or 0) > 0
    assert float(milliseconds["ours, cpu"] or 0) > 0


def test_of_the_tries_the_median_counts_and_warming_up_does_not() -> None:
    ticks = iter([0.0, 9.0, 10.0, 11.0, 20.0, 25.0, 30.0, 32.0])
    calls: list[str] = []
    seconds = Tries(3, 1).seconds(lambda: calls.append("work"), lambda: calls.append("wait"), lambda: next(ticks))
    assert seconds == 2.0
    assert calls == ["wait", "work", "wait"] * 4
