"""`strokebox engines build` on a machine without a GPU: every network of the shipped bundle."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest

from appliance import shipped
from appliance.cli import main
from appliance.slot_state import SHIPPED, SlotState
from appliance.slots import Slots
from runtime.bundle import open_bundle
from tests.requirements import require_rtx
from tests.resilience.test_update_kills import box
from tests.signed_bundles import write_signed
from tests.toy_bundle import write_toy_bundle

BUILD = ["engines", "build", "--vendor", "rtx"]


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    require_rtx()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache/strokebox"


def test_every_shipped_network_is_built_for_a_gpu_that_is_not_here(
    cache: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        assert main([*BUILD, "--capability", "SM86", str(shipped.FOLDER)]) == 0
    assert not caplog.records, "TensorRT had no error to tell"
    out = capsys.readouterr().out
    document = json.loads((cache / "plans/report.json").read_text())
    models = open_bundle(shipped.FOLDER).manifest.models
    assert [(model["model"], model["plane"]) for model in document["models"]] == [(f, p.value) for f, p in models]
    assert len(list((cache / "plans").glob("*.plan"))) == len(models)
    for model in document["models"]:
        assert f"{model['model']}, SM86: {model['layers']} layers" in out
        assert model["layers"] > 500
        assert model["plan_bytes"] > 2_000_000, "the weights are in it"
    assert "an estimate" in out
    assert str(cache / "plans/report.md") in out


def test_another_folder(tmp_path: Path, cache: Path) -> None:
    toy, out = write_toy_bundle(tmp_path / "toy"), tmp_path / "out"
    assert main([*BUILD, "--capability", "SM89", "--out", str(out), "--workspace", "64", str(toy)]) == 0
    assert json.loads((out / "report.json").read_text())["workspace_mib"] == 64
    assert len(list(out.glob("*.plan"))) == 3
    assert not cache.exists()


def test_the_active_engines_as_the_settings_say(
    tmp_path: Path, cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config, name = box(tmp_path), "2-0123456789abcdef"
    config.write_text(f"{config.read_text()}workspace_mib = 64\nlevel = 0\n")
    (tmp_path / "engines/slots").mkdir()
    write_signed(tmp_path / "engines/slots" / name)
    Slots(tmp_path / "engines").save(SlotState(active=name, retained=SHIPPED))
    build = [*BUILD, "--capability", "SM86", "--config", str(config)]
    assert main(build) == 0
    document = json.loads((cache / "plans/report.json").read_text())
    assert (document["bundle"]["name"], document["workspace_mib"]) == ("toy", 64)
    assert not (cache / "plans/options.json").exists()
    for words, reason in (
        ([str(shipped.FOLDER)], "or give --config"),
        (["--workspace", "64"], "workspace_mib and level"),
        (["--level", "0"], "workspace_mib and level"),
    ):
        assert main([*build, *words]) == 2
        assert reason in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "code", "reason"),
    [
        (["--capability", "SM87"], 3, "doesn't build for SM87. It knows: SM75"),
        (["--capability", "SM86", "--level", "9"], 2, "levels are 0 to 5"),
        (["--capability", "SM86", "--out", "/dev/null/plans"], 3, "can't be kept in /dev/null/plans"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], code: int, reason: str
) -> None:
    assert main([*BUILD, *words, str(write_toy_bundle(tmp_path / "toy"))]) == code
    assert reason in capsys.readouterr().err


def test_a_folder_that_is_no_bundle(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*BUILD, "--capability", "SM86", str(tmp_path)]) == 3
    assert "No engine bundle" in capsys.readouterr().err
