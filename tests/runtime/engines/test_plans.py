from __future__ import annotations

import json
import logging
import stat
from dataclasses import fields, replace
from pathlib import Path

import pytest

from runtime.engines.plans import PlanKey, Plans
from runtime.engines.profile import Profile
from runtime.engines.tensorrt_build import AskedOptions, BuildOptions, Built
from runtime.errors import ConfigurationError, EngineError
from tests.fake_cuda import CARD, ORIN

KEY = PlanKey(
    onnx_sha256="0" * 64,
    tensorrt="TensorRT 10.3.0",
    driver="540.4.0",
    cuda="12.6",
    gpu="Orin (compute capability 8.7)",
    profile=Profile(8, (448, 384), (1024, 1024)),
    options=BuildOptions(workspace_mib=1024, optimisation_level=3, capability=""),
)
OTHERS = {
    "onnx_sha256": "1" * 64,
    "tensorrt": "TensorRT for RTX 10.3.0",
    "driver": "580.65.06",
    "cuda": "12.7",
    "gpu": "Orin (compute capability 8.6)",
    "profile": Profile(8, (384, 448), (1024, 1024)),
    "options": BuildOptions(workspace_mib=512),
}


class Builder:
    """Builds a plan of some bytes, and counts."""

    def __init__(self, plan: bytes = b"plan") -> None:
        self.plan = plan
        self.times = 0

    def __call__(self) -> Built:
        self.times += 1
        return Built(self.plan, layers=7, seconds=1.5)


@pytest.fixture
def plans(tmp_path: Path) -> Plans:
    return Plans.within(tmp_path / "cache")


def files(plans: Plans, ending: str) -> list[Path]:
    return sorted(plans.folder.glob(f"*{ending}"))


def test_a_plan_is_built_once(plans: Plans) -> None:
    build = Builder()
    assert plans.get(KEY) is None
    made, found = plans.made(KEY, build), plans.made(KEY, build)
    assert build.times == 1
    assert made == found == plans.get(KEY)
    assert (found.content, found.layers, found.seconds) == (b"plan", 7, 1.5)
    assert found.path.read_bytes() == b"plan"


def test_what_an_update_built_is_found_and_its_folder_is_only_read(plans: Plans, tmp_path: Path) -> None:
    shelf = Plans.within(tmp_path / "update")
    shelf.made(KEY, Builder(b"of the update"))
    build, both = Builder(b"own"), Plans.within(tmp_path / "cache", tmp_path / "update")
    assert both.made(KEY, build).content == b"of the update"
    files(shelf, ".plan")[0].write_bytes(b"damaged")
    assert both.made(KEY, build).content == b"own"
    assert both.made(replace(KEY, driver="another"), build).content == b"own"
    assert build.times == 2
    assert len(files(shelf, ".plan")) == 1
    assert len(files(plans, ".plan")) == 2


def test_the_folder_is_the_users_alone(plans: Plans) -> None:
    plans.made(KEY, Builder())
    assert stat.S_IMODE(plans.folder.stat().st_mode) == 0o700


def test_the_record_says_what_the_plan_depends_on(plans: Plans) -> None:
    plans.made(KEY, Builder())
    (record,) = files(plans, ".json")
    assert json.loads(record.read_text())["key"]["gpu"] == KEY.gpu


def test_there_is_another_for_every_field() -> None:
    assert [field.name for field in fields(PlanKey)] == list(OTHERS), "a new field needs another value here"
    digests = {replace(KEY, **{name: value}).digest for name, value in OTHERS.items()}  # type: ignore[arg-type]
    assert len(digests | {KEY.digest}) == len(OTHERS) + 1


@pytest.mark.parametrize("option", [field.name for field in fields(BuildOptions)])
def test_there_is_another_for_every_option(option: str) -> None:
    others = {"workspace_mib": 1, "optimisation_level": 5, "capability": "SM86"}
    changed = replace(KEY.options, **{option: others[option]})  # type: ignore[arg-type]
    assert replace(KEY, options=changed).digest != KEY.digest


@pytest.mark.parametrize("profile", [Profile(4, (448, 384), (1024, 1024)), Profile(8, (448, 384), (1024, 512))])
def test_there_is_another_for_every_profile(profile: Profile) -> None:
    assert replace(KEY, profile=profile).digest != KEY.digest


def test_the_key_is_the_same_in_another_process() -> None:
    """A digest that changed with Python's hashes would lose every plan at each start."""
    assert KEY.digest == "f4fed879bdba0644f6404007caf2b74299d1fa2f9f1cd3303b6ef19742292db6"


def test_after_an_update_the_old_plan_is_not_loaded(plans: Plans) -> None:
    plans.made(KEY, Builder(b"old"))
    build = Builder(b"new")
    assert plans.made(replace(KEY, driver="580.65.06"), build).content == b"new"
    assert build.times == 1


def test_an_altered_plan_is_never_loaded_but_built_again(plans: Plans, caplog: pytest.LogCaptureFixture) -> None:
    path = plans.made(KEY, Builder()).path
    for altered in (b"plaN", b"", b"plan and more"):
        path.write_bytes(altered)
        assert plans.get(KEY) is None
        build = Builder()
        assert plans.made(KEY, build).content == b"plan"
        assert build.times == 1
        assert path.read_bytes() == b"plan"
    assert "is not what was built" in caplog.text


@pytest.mark.parametrize(
    "record", ["", "{", "[]", "7", "{}", '{"sha256": 7}', '{"sha256": "0"}', '{"sha256": null, "layers": 1}']
)
def test_an_altered_record_makes_no_plan(plans: Plans, record: str) -> None:
    plans.made(KEY, Builder())
    (path,) = files(plans, ".json")
    path.write_text(record)
    assert plans.get(KEY) is None
    build = Builder()
    plans.made(KEY, build)
    assert build.times == 1
    assert plans.get(KEY) is not None


def test_another_plan_under_this_ones_name_is_not_loaded(plans: Plans) -> None:
    other = replace(KEY, onnx_sha256="1" * 64)
    mine, others = plans.made(KEY, Builder(b"mine")).path, plans.made(other, Builder(b"others")).path
    mine.write_bytes(others.read_bytes())
    assert plans.get(KEY) is None


def test_a_plan_without_its_record_is_none(plans: Plans) -> None:
    """As a power cut between the two leaves it: the plan comes first."""
    path = plans.made(KEY, Builder()).path
    (record,) = files(plans, ".json")
    record.unlink()
    assert plans.get(KEY) is None
    assert path.exists()
    record.write_text("{}")
    path.unlink()
    assert plans.get(KEY) is None


def test_while_the_plan_is_written_there_is_no_record_of_the_one_before(plans: Plans) -> None:
    """The new plan can't come to its place, here because a folder is there; what is left must not be loaded."""
    path = plans.made(KEY, Builder()).path
    path.unlink()
    path.mkdir()
    made = plans.made(KEY, Builder(b"new"))
    assert (made.content, made.kept) == (b"new", False)
    assert files(plans, ".json") == []
    assert {one.name for one in plans.folder.iterdir()} == {path.name}, "nothing half written stays"


def test_where_nothing_can_be_kept_the_plan_is_there_all_the_same(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_bytes(b"")
    with caplog.at_level(logging.WARNING):
        plan = Plans(tmp_path / "file/plans").made(KEY, Builder())
    assert (plan.content, plan.kept) == (b"plan", False)
    assert "can't be kept" in caplog.text


def test_what_fails_to_build_leaves_nothing(plans: Plans) -> None:
    def build() -> Built:
        raise EngineError("no memory")

    with pytest.raises(EngineError, match="no memory"):
        plans.made(KEY, build)
    assert list(plans.folder.iterdir()) == []


def test_none_is_loaded_from_a_folder_that_others_can_write_to(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    plans = Plans(tmp_path / "plans")
    plans.made(KEY, Builder())
    assert plans.get(KEY) is not None
    plans.folder.chmod(0o770)
    assert plans.get(KEY) is None
    assert "others can write to" in caplog.text


def test_options_are_kept_and_where_they_are_broken_the_defaults_count(tmp_path: Path) -> None:
    plans = Plans(tmp_path)
    assert plans.options(CARD) == BuildOptions()
    assert plans.options(ORIN) == BuildOptions(2048)
    plans.choose(BuildOptions(512, 1))
    assert plans.options(ORIN) == BuildOptions(512, 1)
    assert Plans(tmp_path, asked=AskedOptions()).options(ORIN) == BuildOptions(2048)
    assert Plans(tmp_path, asked=AskedOptions(64, 5)).options(ORIN) == BuildOptions(64, 5)
    (tmp_path / "options.json").write_text('{"workspace_mib": -1}')
    assert plans.options(CARD) == BuildOptions()
    with pytest.raises(ConfigurationError, match="can't be kept"):
        Plans(Path("/dev/null/plans")).choose(BuildOptions())
