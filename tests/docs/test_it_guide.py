"""What docs/it.md says that commands say, they say."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest

from appliance import shipped
from appliance.cli import main
from runtime.engines.building import targets_of
from runtime.engines.gpu import find_gpu
from runtime.engines.plans import PlanKey, Plans
from runtime.engines.profile import Profile
from runtime.engines.tensorrt_build import BuildOptions, Built, build_plan
from runtime.engines.vendor import TensorRt, Vendor
from runtime.errors import StrokeboxError
from tests.compiled import shared_library
from tests.requirements import require_rtx
from tests.runtime.engines.test_building import parsed

GUIDE = (Path(__file__).parents[2] / "docs/it.md").read_text(encoding="utf-8").partition("## New engines")[0]
"""The rest: test_it_guide_engines.py."""
SAYS = re.compile(r"^(?:strokebox: .*|.* it is built again.*)$", re.MULTILINE)
PROFILE = Profile(1, (32, 32), (32, 32))
RTX = ("--vendor", "rtx")
WRITING = ("restore", "retention", "install", "activate", "rollback")
COMMAND = re.compile(r"^(?:\$ )?(?:(?P<sudo>sudo -u [\w-]+) )?(?:\S*/)?strokebox (?P<words>[a-z].*)$", re.MULTILINE)


def said(do: Callable[[], object]) -> str:
    """What the command line prints of the error."""
    with pytest.raises(StrokeboxError) as caught:
        do()
    return f"strokebox: {caught.value}"


def that_cannot_start() -> TensorRt:
    """The bindings of a TensorRT, where no driver fits."""

    class Builder:
        def __init__(self, logger: object) -> None:
            logger.log(rtx.ILogger.ERROR, "CUDA initialization failure with error: 35.")  # type: ignore[attr-defined]
            raise TypeError("pybind11::init(): factory function returned nullptr")

    rtx, module = require_rtx().module, ModuleType("tensorrt")
    vars(module).update(ILogger=rtx.ILogger, Builder=Builder, __version__="10.13.3.9")
    return TensorRt(Vendor.TENSORRT, module)


def of_drivers_and_tensorrts(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    rtx, no_gpus = require_rtx(), shared_library("int cuInit(int f) { return 100; }", folder / "libcuda-none.so")
    for vendor in RTX, ():
        with monkeypatch.context() as patch:
            patch.setitem(sys.modules, "tensorrt", rtx.module)
            yield said(lambda vendor=vendor: targets_of(parsed(*vendor), lambda: find_gpu("libcuda-nowhere.so")))  # type: ignore[misc]
    yield said(lambda: find_gpu(str(no_gpus)))
    yield said(lambda: build_plan(that_cannot_start(), Path("x.onnx"), PROFILE, BuildOptions()))
    with monkeypatch.context() as patch:
        for module in ("tensorrt", "tensorrt_rtx"):
            patch.setitem(sys.modules, module, None)
        yield said(lambda: targets_of(parsed()))


def of_builds(folder: Path) -> Iterator[str]:
    rtx, network = require_rtx(), next((shipped.FOLDER / "models").glob("*.onnx"))
    nvidias = TensorRt(Vendor.TENSORRT, rtx.module)  # the interface is the same
    (folder / "broken.onnx").write_bytes(b"not a model")
    yield said(lambda: build_plan(rtx, folder / "broken.onnx", PROFILE, BuildOptions(capability="SM86")))
    yield said(lambda: build_plan(rtx, network, Profile(8, (512, 512), (512, 512)), BuildOptions(1, 3, "SM86")))
    yield said(lambda: build_plan(rtx, network, PROFILE, BuildOptions(capability="SM87")))
    yield said(lambda: build_plan(nvidias, network, PROFILE, BuildOptions(capability="SM86")))


def of_plans(folder: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> Iterator[str]:
    main(["engines", "build", *RTX, "--capability", "SM86", "--out", "/dev/null/plans"])
    yield capsys.readouterr().err.strip()
    plans, key = Plans(folder), PlanKey("0" * 64, "TensorRT 10.3", "540.4.0", "12.6", "Orin", PROFILE, BuildOptions())
    kept = plans.made(key, lambda: Built(b"plan", 1, 0.1))
    caplog.clear()
    kept.path.write_bytes(b"another")
    plans.get(key)
    kept.path.with_suffix(".json").write_text("{")
    plans.get(key)
    yield from (record.getMessage() for record in caplog.records)


def test_it_says_what_the_guide_quotes(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    messages = [
        *of_drivers_and_tensorrts(tmp_path, monkeypatch),
        *of_builds(tmp_path),
        *of_plans(tmp_path, capsys, caplog),
    ]
    quoted = [line for line in SAYS.findall(GUIDE) if "belongs to the user" not in line]
    patterns = [re.sub(r"<[^>]*>", ".+", re.escape(line).replace(r"\<", "<").replace(r"\>", ">")) for line in quoted]
    unsaid = [
        line for line, one in zip(quoted, patterns, strict=True) if not any(re.fullmatch(one, m) for m in messages)
    ]
    assert unsaid == []
    assert [message for message in messages if not any(re.fullmatch(one, message) for one in patterns)] == []


def test_each_command_that_writes_names_its_user() -> None:
    """In blocks; those in running text, too."""
    text = (Path(__file__).parents[2] / "docs/it.md").read_text(encoding="utf-8")
    text = re.sub(r"\*{0,2}`([^`\n]+)`\*{0,2}", r"\n\1\n", text)
    nobody = [found["words"] for found in COMMAND.finditer(text) if "--config" in found["words"] and not found["sudo"]]
    assert nobody == []
    users = {word: found["sudo"] for found in COMMAND.finditer(text) for word in WRITING if word in found["words"]}
    engines = "sudo -u strokebox-engines"
    assert {word: users[word] for word in WRITING} == {
        "restore": "sudo -u strokebox",
        "retention": "sudo -u strokebox",
        "install": engines,
        "activate": engines,
        "rollback": engines,
    }
