"""Every name, flag and signature that the code uses is in the bindings of every TensorRT that it is written for.

NVIDIA's bindings load without a GPU, and without TensorRT, once libraries with the few symbols that they look up are
there; those are compiled here, and do nothing. What the code uses is collected from its source, so that nothing has to
be remembered.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.bindings.uses import Project, Uses, sources
from tests.compiled import shared_library
from tests.requirements import require_rtx
from tools.fetch_bindings import FOLDER, OLDEST, OLDEST_IS_FOR_US, WHEELS

ROOT = Path(__file__).parents[3]
PACKAGES = [ROOT / name for name in ("runtime", "appliance", "export", "benchmarks")]
SYMBOLS = (
    "createInferBuilder_INTERNAL",
    "createInferRefitter_INTERNAL",
    "createInferRuntime_INTERNAL",
    "createNvOnnxParserRefitter_INTERNAL",
    "createNvOnnxParser_INTERNAL",
    "getBuilderPluginRegistry",
    "getNvOnnxParserVersion",
    "getPluginRegistry",
    "initLibNvInferPlugins",
)
LIBRARIES = ("libnvinfer", "libnvinfer_plugin", "libnvonnxparser")
IMPORTABLE = [version for version in WHEELS if version != OLDEST or OLDEST_IS_FOR_US]
VERSIONS = [*IMPORTABLE, "rtx"]
Listing = dict[str, Any]
Run = Callable[..., str]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Runs Python in a process of its own, where `tensorrt_bindings` is that of a version."""
    libraries = tmp_path_factory.mktemp("libraries")
    source = "\n".join(f"void *{symbol}(void) {{ return 0; }}" for symbol in SYMBOLS)
    for major in {version.split(".")[0] for version in WHEELS}:
        for library in LIBRARIES:
            shared_library(source, libraries / f"{library}.so.{major}")

    def run_python(version: str, *words: str) -> str:
        paths = os.pathsep.join(map(str, (FOLDER / version, ROOT)))
        environment = {**os.environ, "PYTHONPATH": paths, "LD_LIBRARY_PATH": str(libraries)}
        command = [sys.executable, *words]
        return subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=True).stdout

    return run_python


@pytest.fixture(scope="module")
def listing(run: Run) -> Callable[[str], Listing]:
    """What the bindings of a version offer."""

    @cache
    def listed(version: str) -> Listing:
        require_rtx()
        module = "tensorrt_rtx" if version == "rtx" else "tensorrt_bindings"
        of_version: Listing = json.loads(run(version, "-m", "tests.bindings.listing", module))
        return of_version

    return listed


def is_for(path: Path, version: str) -> bool:
    """Modules that import `tensorrt_rtx` are about that one alone."""
    return version == "rtx" or "import tensorrt_rtx" not in path.read_text()


def uses(api: Listing, version: str) -> list[Uses]:
    files = list(sources(*PACKAGES))
    project = Project.of(path.read_text() for path in files)
    return [Uses(path, api, project) for path in files if is_for(path, version)]


@pytest.mark.parametrize("version", VERSIONS)
def test_all_that_is_used_is_there(version: str, listing: Callable[[str], Listing]) -> None:
    api = listing(version)
    assert version in ("rtx", api["version"])
    of_files = uses(api, version)
    assert [problem for one in of_files for problem in one.problems] == []
    found = set().union(*(one.found for one in of_files))
    assert found >= {
        "Builder",
        "Builder.create_network",
        "NetworkDefinitionCreationFlag.STRONGLY_TYPED",
        "INetworkDefinition.get_input",
        "ITensor.shape",
        "OnnxParser.parse_from_file",
        "ParserError.desc",
        "IBuilderConfig.progress_monitor",
        "IOptimizationProfile.set_shape",
        "IProgressMonitor.step_complete",
        "ILogger.log",
        "ITimingCache.serialize",
    }, "the source is understood less well than it was"


def test_the_names_are_in_the_oldest_bindings_even_where_those_do_not_load(listing: Callable[[str], Listing]) -> None:
    (binary,) = (FOLDER / OLDEST).glob("tensorrt_bindings/tensorrt*.so")
    content = binary.read_bytes()
    found = set().union(*(one.found for one in uses(listing("10.13.3.9"), "10.13.3.9")))
    names = {part for use in found for part in use.split(".") if part != "__init__"}
    assert [name for name in sorted(names) if name.encode() + b"\0" not in content] == []


@pytest.mark.parametrize("version", IMPORTABLE)
def test_without_a_gpu_they_raise_what_the_builder_expects(version: str, run: Run) -> None:
    """The compiled library makes no builder, as TensorRT doesn't where there is no driver."""
    program = """
from pathlib import Path
import tensorrt_bindings
from runtime.engines.profile import Profile
from runtime.engines.tensorrt_build import BuildOptions, build_plan
from runtime.engines.vendor import TensorRt, Vendor
from runtime.errors import ConfigurationError
try:
    build_plan(
        TensorRt(Vendor.TENSORRT, tensorrt_bindings), Path("x.onnx"), Profile(1, (32, 32), (32, 32)), BuildOptions()
    )
except ConfigurationError as error:
    print(error)
"""
    assert run(version, "-c", program).startswith(f"TensorRT {version} can't start: ")


API: Listing = {
    "names": ["Builder", "IConfig", "Kind"],
    "classes": {
        "Builder": {
            "__init__": {"kind": "method", "signatures": [{"parameters": [["logger", False]], "returns": "None"}]},
            "create_config": {"kind": "method", "signatures": [{"parameters": [], "returns": "IConfig"}]},
            "on_event": {"kind": "method", "signatures": [{"parameters": [["what", False]], "returns": "None"}]},
        },
        "IConfig": {
            "level_of_detail": {"kind": "property", "returns": "int", "settable": True},
            "num_layers": {"kind": "property", "returns": "int", "settable": False},
            "set_limit": {
                "kind": "method",
                "signatures": [{"parameters": [["pool", False], ["size", True]], "returns": "None"}],
            },
        },
        "Kind": {"FAST": {"kind": "value", "returns": "Kind"}},
    },
}
"""Of a TensorRT that there is not."""


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("config.level_of_detail = 3", ""),
        ("config.set_limit(trt.Kind.FAST, size=3)", ""),
        ("self._config = config; self._config.set_limit(1)", ""),
        ("made = config if builder else None; made.set_limit(1, 2)", ""),
        ("helper(config).set_limit(1)", ""),
        ("passed(config, 'x').set_limit(1)", ""),
        ("wheel = anything.level", ""),
        ("trt.Bulider(1)", "there is no Bulider"),
        ("trt.Kind.SLOW", "there is no Kind.SLOW"),
        ("trt.Builder()", "trt.Builder does not take"),
        ("builder.make_config()", "there is no Builder.make_config"),
        ("builder.create_config(1)", "does not take"),
        ("config.num_layers = 3", "IConfig.num_layers can't be set"),
        ("config.level = 3", "there is no IConfig.level"),
        ("config.set_limit()", "does not take"),
        ("config.set_limit(1, 2, 3)", "does not take"),
        ("config.set_limit(1, limit=2)", "does not take"),
        ("self._config = config; self._config.set_limits(1)", "there is no IConfig.set_limits"),
        ("helper(config).set_limits(1)", "there is no IConfig.set_limits"),
        ("passed(config, 'x').set_limits(1)", "there is no IConfig.set_limits"),
        ("anything.set_limit(1)", "Annotate anything"),
        ("class Mine(trt.Builder):\n  def on_event(self, what): pass", ""),
        ("class Mine(trt.Builder):\n  def on_event(self, what, why): pass", "never called with"),
        ("class Mine(trt.Builder):\n  def on_events(self, what): pass", "never called with"),
    ],
)
def test_the_collector_itself(line: str, problem: str, tmp_path: Path) -> None:
    body = "\n".join(f"        {part}" for part in line.split("\n"))
    source = f"""
def helper(x) -> trt.IConfig | None: ...
def passed(result: _Made | None, doing) -> _Made: ...
class Runner:
    def run(self, trt, anything):
        builder = trt.Builder(1)
        config = builder.create_config()
{body}
"""
    (tmp_path / "runner.py").write_text(source)
    (found,) = [Uses(path, API, Project.of([source])) for path in sources(tmp_path)]
    if problem:
        assert [one for one in found.problems if problem in one], found.problems
    else:
        assert found.problems == []
