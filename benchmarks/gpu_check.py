"""`python -m benchmarks gpu-check`: is this GPU box right, and how fast? Writes gpu-check.md and gpu-check.json."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

import torch

from appliance import shipped
from benchmarks.checks import Bench, Check, run_checks
from benchmarks.gpu_closing import check_closing_speed
from benchmarks.gpu_cuda import check_cuda
from benchmarks.gpu_environment import Environment
from benchmarks.gpu_parity import check_analysis, check_closing, check_cucim, check_golden, check_range
from benchmarks.gpu_report import Report, document, line, markdown
from benchmarks.gpu_tensorrt import check_tensorrt_golden, check_tensorrt_speed, check_tensorrt_study
from benchmarks.gpu_torch import check_golden_by_torch, check_study, check_torch_speed
from runtime.bundle import open_bundle
from runtime.compute import Compute, gpu
from runtime.engines.gpu import Gpu, find_gpu
from runtime.errors import ConfigurationError, EngineError, NotInstalled, StrokeboxError

CHECKS = (
    Check("cuda", "CUDA, as engines use it", check_cuda),
    Check("closing", "closing by our kernels", check_closing),
    Check("cucim", "closing by cuCIM", check_cucim),
    Check("closing-speed", "closing, milliseconds", check_closing_speed),
    Check("analysis", "from upload to evidence, random volumes", check_analysis),
    Check("golden", "from upload to evidence, golden volumes", check_golden),
    Check("range", "values that are no probabilities", check_range),
    Check("tensorrt-golden", "the engines in TensorRT, golden volumes", check_tensorrt_golden),
    Check("tensorrt-speed", "TensorRT in half precision, a batch", check_tensorrt_speed),
    Check("tensorrt-study", "a whole study, TensorRT", check_tensorrt_study),
    Check("torch-golden", "the networks in PyTorch, golden volumes", check_golden_by_torch),
    Check("torch-speed", "PyTorch in half precision, a batch", check_torch_speed),
    Check("study", "a whole study, PyTorch for an engine", check_study),
)


def gpu_check(
    out: Path,
    only: Sequence[str] = (),
    find: Callable[[], Gpu] = find_gpu,
    make: Callable[[], Bench] | None = None,
) -> int:
    """Run the checks, or `only` those of these names. 0; 1 where one failed or all were skipped; 5 without a GPU."""
    try:
        found = find()
    except StrokeboxError as error:
        print(f"gpu-check, nothing was checked: {error}", file=sys.stderr)
        return error.exit_code
    bench = (make or _bench)()
    chosen = [check for check in CHECKS if not only or check.name in only]
    results = run_checks(chosen, bench, told=lambda result: print(line(result), file=sys.stderr, flush=True))
    report = Report(datetime.now().astimezone(), Environment.of(found), results)
    out.mkdir(parents=True, exist_ok=True)
    (out / "gpu-check.json").write_text(json.dumps(document(report), indent=2) + "\n", encoding="utf-8")
    (out / "gpu-check.md").write_text(markdown(report), encoding="utf-8")
    print(markdown(report))
    return 0 if report.is_good else 1


def _bench() -> Bench:
    device: Compute | StrokeboxError
    try:
        device = gpu()
    except (ConfigurationError, EngineError) as error:
        device = error
    usable = torch.cuda.is_available()
    return Bench(
        device,
        "cuda" if usable else NotInstalled(f"PyTorch {torch.__version__} can't use this GPU."),
        open_bundle(shipped.FOLDER),
        time.perf_counter,
    )
