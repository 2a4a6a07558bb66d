"""Building with TensorRT for RTX, which needs no GPU for it, and how NVIDIA's own is asked to build."""

from __future__ import annotations

import logging
from pathlib import Path
from types import ModuleType

import onnx
import pytest
from onnx import TensorProto, helper

from appliance import shipped as shipped_bundle
from runtime.engines.messages import messages_of
from runtime.engines.profile import Profile
from runtime.engines.tensorrt_build import BuildOptions, build_plan
from runtime.engines.vendor import TensorRt, Vendor
from runtime.errors import ConfigurationError, EngineError
from tests.fake_builder import CHANNELS, FakeBuilding, FakePool, fake_nvidias
from tests.onnx_models import pointwise
from tests.requirements import require_rtx

PROFILE = Profile(2, (64, 64), (128, 96))
AHEAD = BuildOptions(workspace_mib=64, capability="SM86")


@pytest.fixture
def network(tmp_path: Path) -> Path:
    path = tmp_path / "toy.onnx"
    path.write_bytes(pointwise([[4.0, 0.0], [-4.0, 0.0]], [-2.0, 2.0]))
    return path


def test_a_plan_its_layers_and_progress(network: Path, caplog: pytest.LogCaptureFixture) -> None:
    told: list[tuple[str, int, int]] = []
    with caplog.at_level(logging.WARNING):
        built = build_plan(require_rtx(), network, PROFILE, AHEAD, progress=lambda *step: told.append(step))
    assert len(built.plan) > 1000
    assert built.layers >= 4  # cast, convolution, sigmoid, cast
    assert built.seconds > 0
    assert not caplog.records
    names, done, totals = zip(*told, strict=True)
    assert set(names) == {"toy.onnx"}
    assert list(done) == sorted(done)
    assert done[-1] == totals[-1]


def test_convolutions_compute_in_half_precision(network: Path) -> None:
    """The graph says so, and a strongly typed network keeps to it; nothing else asks for half precision."""
    trt = require_rtx().module
    messages = messages_of(trt)
    typed = trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED
    parsed = trt.Builder(messages.logger).create_network(1 << int(typed))
    assert parsed.get_flag(typed)
    assert trt.OnnxParser(parsed, messages.logger).parse_from_file(str(network))
    layers = [parsed.get_layer(number) for number in range(parsed.num_layers)]
    kinds = {layer.type: layer.get_output(0).dtype for layer in layers}
    assert kinds[trt.LayerType.CONVOLUTION] == trt.DataType.HALF
    assert parsed.get_input(0).dtype == parsed.get_output(0).dtype == trt.DataType.FLOAT


def test_what_cannot_be_parsed_is_told_in_tensorrts_words(tmp_path: Path) -> None:
    (tmp_path / "broken.onnx").write_bytes(b"not a model")
    with pytest.raises(EngineError, match=r"TensorRT for RTX .* can't read broken\.onnx: .*Failed to parse"):
        build_plan(require_rtx(), tmp_path / "broken.onnx", PROFILE, AHEAD)


def test_an_operation_that_there_is_not_is_named(tmp_path: Path) -> None:
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", 1, "h", "w"]) for name in ("x", "y")]
    graph = helper.make_graph([helper.make_node("Diagnose", ["x"], ["y"])], "g", values[:1], values[1:])
    opsets = [helper.make_opsetid("", 18)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=9), tmp_path / "strange.onnx")
    with pytest.raises(EngineError, match=r"Diagnose.*Plugin not found"):
        build_plan(require_rtx(), tmp_path / "strange.onnx", PROFILE, AHEAD)


def test_types_that_do_not_fit_are_not_cast_in_silence(tmp_path: Path) -> None:
    """A weakly typed network would take half and single precision in one addition."""
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", 1, "h", "w"]) for name in ("x", "y")]
    nodes = [
        helper.make_node("Cast", ["x"], ["half"], to=TensorProto.FLOAT16),
        helper.make_node("Add", ["half", "x"], ["y"]),
    ]
    graph = helper.make_graph(nodes, "g", values[:1], values[1:])
    opsets = [helper.make_opsetid("", 18)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=9), tmp_path / "mixed.onnx")
    with pytest.raises(EngineError, match=r"mixed\.onnx: Add: .*must have same input types"):
        build_plan(require_rtx(), tmp_path / "mixed.onnx", PROFILE, AHEAD)


def test_too_little_workspace_is_told_with_the_way_out(tmp_path: Path) -> None:
    shipped = next((shipped_bundle.FOLDER / "models").glob("*.onnx"))
    little = BuildOptions(workspace_mib=1, capability="SM86")
    with pytest.raises(EngineError, match=r"workspace.* It was allowed 1 MiB: give --workspace more"):
        build_plan(require_rtx(), shipped, PROFILE, little)


def test_capabilities_that_it_does_not_build_for(network: Path) -> None:
    for strange in ("SM87", "8.6", "NONE", "CURRENT"):  # Orin; another way to write it; names that are no GPU's
        with pytest.raises(ConfigurationError, match=rf"doesn't build for {strange}\. It knows: SM75, .*SM86"):
            build_plan(require_rtx(), network, PROFILE, BuildOptions(capability=strange))


def test_only_tensorrt_for_rtx_builds_ahead(network: Path) -> None:
    nvidias = TensorRt(Vendor.TENSORRT, require_rtx().module)  # the interface is the same
    with pytest.raises(ConfigurationError, match="this machine's GPU alone"):
        build_plan(nvidias, network, PROFILE, AHEAD)


def test_nvidias_own_builds_what_it_is_asked_for(network: Path, tmp_path: Path) -> None:
    module, cache = FakeBuilding(), tmp_path / "timing.cache"
    cache.write_bytes(b"known.")
    options = BuildOptions(workspace_mib=17, optimisation_level=5)
    built = build_plan(fake_nvidias(module), network, PROFILE, options, cache)
    assert (built.plan, built.layers) == (b"a plan", 3)
    (asked,) = module.asked
    assert asked.flags == 2  # strongly typed, which is bit 1 there, and nothing else
    assert asked.onnx == str(network)
    assert asked.level == 5
    assert asked.limits == {FakePool.WORKSPACE: 17 << 20}
    shapes = (1, CHANNELS, 32, 32), (2, CHANNELS, 64, 64), (2, CHANNELS, 128, 96)
    assert asked.profiles == [{"images": shapes}]
    assert asked.caches == [b"known."]
    assert cache.read_bytes() == b"known.timed."


def test_without_a_file_there_is_no_timing_cache(network: Path) -> None:
    module = FakeBuilding()
    build_plan(fake_nvidias(module), network, PROFILE, BuildOptions())
    assert module.asked[0].caches == []


def test_what_was_said_before_is_not_taken_for_the_reason_of_a_build(network: Path) -> None:
    module = FakeBuilding()
    for module.refuses, advice in (("Out of memory.", " It was allowed .*"), ("No kernel.", "")):
        said = rf"TensorRT 10\.3\.0 can't build toy\.onnx: {module.refuses}{advice}$"
        with pytest.raises(EngineError, match=said):
            build_plan(fake_nvidias(module), network, PROFILE, BuildOptions())


def test_the_timing_cache_of_rtx_is_left_alone(network: Path, tmp_path: Path) -> None:
    """It would ask for a GPU, and do nothing."""
    build_plan(require_rtx(), network, PROFILE, AHEAD, timing_cache=tmp_path / "timing.cache")
    assert not (tmp_path / "timing.cache").exists()


def test_tensorrt_that_cannot_start_says_why(network: Path) -> None:
    """The real bindings raise exactly this where there is no driver: tests/runtime/engines/test_bindings.py."""

    class Builder:
        def __init__(self, logger: object) -> None:
            logger.log(rtx.ILogger.ERROR, "CUDA initialization failure with error: 35.")  # type: ignore[attr-defined]
            raise TypeError("pybind11::init(): factory function returned nullptr")

    rtx = require_rtx().module
    module = ModuleType("tensorrt")
    vars(module).update(ILogger=rtx.ILogger, Builder=Builder, __version__="10.3.0")
    with pytest.raises(ConfigurationError, match=r"TensorRT 10\.3\.0 can't start: CUDA initialization .*35"):
        build_plan(TensorRt(Vendor.TENSORRT, module), network, PROFILE, BuildOptions())


@pytest.mark.parametrize("options", [{"workspace_mib": 0}, {"optimisation_level": 6}, {"optimisation_level": -1}])
def test_options_that_cannot_be_right(options: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="workspace"):
        BuildOptions(**options)  # type: ignore[arg-type]
