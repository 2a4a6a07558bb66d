"""`strokebox analyse` as it is called, on phantoms as scanners and careless hands deliver them."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import nibabel
import numpy as np
import pydicom
import pytest

from appliance.analyse import Request, analyse_drop
from appliance.cli import main
from phantom.acquisition import acquire, table_positions
from phantom.companions import write_localizer, write_secondary_capture
from phantom.identity import Patient, StudyIdentity
from phantom.objects import bone_phantom, chest
from phantom.series import SeriesSettings, write_series
from phantom.synthesis import synthesise
from runtime.engines.loading import Device, OnGpuLoss
from runtime.engines.on_gpu import Nvidia
from runtime.errors import EngineError
from runtime.planes import Plane
from runtime.volume import Volume
from tests.fake_gpu import FakeGpu
from tests.fake_tensorrt import FakePlan
from tests.toy_bundle import PLANTED_HU, write_toy_bundle

SCHEMA = json.loads(files("appliance").joinpath("result.schema.json").read_text())
STUDY = StudyIdentity.of(11)
RIGHT_MM = 35.0


@pytest.fixture(scope="session")
def planted() -> Volume:
    """A head with a ball of 12 mm radius on the patient's right."""
    volume = synthesise(11, None, spacing_mm=(1.25, 1.2, 1.2)).volume
    hu = volume.hu.copy()
    z, y, x = np.meshgrid(*(np.arange(size) for size in hu.shape), indexing="ij")
    affine = volume.geometry.affine
    middle = np.array(hu.shape) / 2
    middle[2] -= RIGHT_MM / 1.2  # +x is the patient's left
    dz, dy, dx = volume.geometry.spacing_mm
    distance = ((z - middle[0] - 15) * dz) ** 2 + ((y - middle[1]) * dy) ** 2 + ((x - middle[2]) * dx) ** 2
    hu[distance <= 12**2] = PLANTED_HU
    assert np.diag(affine)[:3] == pytest.approx((dx, dy, dz))
    return Volume(hu, volume.geometry)


@pytest.fixture(scope="session")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_toy_bundle(tmp_path_factory.mktemp("engines") / "toy")


@dataclass(frozen=True)
class Run:
    code: int
    folder: Path
    result: dict[str, Any]


@pytest.fixture
def analyse(toy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Run]:
    """Call the command; check what every result must have."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(toy.parent / "cache"))

    def run(drop: Path, *options: str) -> Run:
        out = tmp_path / "out"
        before = set(out.iterdir()) if out.exists() else set()
        code = main(["analyse", str(drop), "--out", str(out), "--engines", str(toy), "--allow-unsigned", *options])
        (folder,) = set(out.iterdir()) - before
        result = json.loads((folder / "result.json").read_text())
        jsonschema.validate(result, SCHEMA)
        assert (folder / "report.pdf").read_bytes().startswith(b"%PDF")
        return Run(code, folder, result)

    return run


def codes(run: Run) -> set[str]:
    return {flag["code"] for flag in run.result["flags"]}


def settings(**changes: Any) -> SeriesSettings:
    return replace(SeriesSettings(STUDY, matrix=256), **changes)


def test_a_thin_series_is_analysed_natively(planted: Volume, tmp_path: Path, analyse: Callable[..., Run]) -> None:
    write_series(planted, tmp_path / "drop/a/b", settings(shuffle_seed=3))
    write_localizer(planted, tmp_path / "drop", STUDY)
    write_secondary_capture(planted, tmp_path / "drop", STUDY)
    (tmp_path / "drop/viewer.exe").write_bytes(b"MZ")
    run = analyse(tmp_path / "drop", "--save-nifti")
    assert run.code == 0
    assert run.folder.name.startswith("drop__")
    assert run.result["finding"]["class"] == "IH"
    lesion = run.result["lesions"][0]
    assert lesion["side"] == "right"
    assert lesion["volume_ml"] == pytest.approx(4 / 3 * np.pi * 1.2**3, rel=0.2)
    assert codes(run) == {"UNSIGNED_ENGINES", "OLD_STUDY"}
    verdicts = {one["description"]: one["reason"] for one in run.result["series"]["considered"]}
    assert any("Localizer" in reason for reason in verdicts.values())
    assert any("Secondary capture" in reason for reason in verdicts.values())
    mask = nibabel.nifti1.Nifti1Image.from_filename(run.folder / "segmentation.nii.gz")
    assert mask.shape == (256, 256, planted.shape[0])
    points = np.argwhere(np.asarray(mask.dataobj) == 2)
    ras = nibabel.affines.apply_affine(mask.affine, points).mean(axis=0)
    assert ras == pytest.approx(np.array(lesion["centroid_mm"]) * (-1, -1, 1), abs=1.0)
    assert not (run.folder / "volume_uniform.nii.gz").exists()


def test_a_zip_gives_what_the_folder_gives(planted: Volume, tmp_path: Path, analyse: Callable[..., Run]) -> None:
    paths = write_series(planted, tmp_path / "drop", settings())
    with zipfile.ZipFile(tmp_path / "drop.zip", "w") as zipped:
        for path in paths:
            zipped.write(path, f"export/{path.name}")
    folder, archive = analyse(tmp_path / "drop"), analyse(tmp_path / "drop.zip")
    assert archive.folder.name == folder.folder.name + "_2"  # the same study, and nothing is overwritten
    assert archive.result["finding"] == folder.result["finding"]
    assert archive.result["lesions"] == folder.result["lesions"]


@pytest.mark.parametrize(
    ("tilt", "thick", "expected"),
    [(0.0, 5.0, {"THICK_SLICES"}), (18.0, 5.0, {"THICK_SLICES", "GANTRY_TILT"}), (-12.0, 1.25, {"GANTRY_TILT"})],
)
def test_tilted_and_thick_series_find_the_same_place(
    planted: Volume, tmp_path: Path, analyse: Callable[..., Run], tilt: float, thick: float, expected: set[str]
) -> None:
    native = acquire(planted, table_positions(planted, thick), tilt_degrees=tilt)
    write_series(native, tmp_path / "drop", settings(padding_hu=-1500))
    run = analyse(tmp_path / "drop", "--save-nifti")
    assert codes(run) >= expected
    assert run.result["finding"]["class"] == "IH"
    lesion = run.result["lesions"][0]
    assert lesion["side"] == "right"
    where = np.argwhere(planted.hu == PLANTED_HU).mean(axis=0)
    assert lesion["centroid_mm"] == pytest.approx(tuple(planted.geometry.affine @ [*where[::-1], 1])[:3], abs=2.0)
    for name in ("segmentation_uniform.nii.gz", "volume_uniform.nii.gz"):
        assert gzip.decompress((run.folder / name).read_bytes())
    mask = nibabel.nifti1.Nifti1Image.from_filename(run.folder / "segmentation.nii.gz")
    assert mask.shape[2] == native.shape[0]
    assert (mask.header["descrip"].item() == b"slice positions not geometric") == bool(tilt)


def test_block_wise_spacing_is_flagged(planted: Volume, tmp_path: Path, analyse: Callable[..., Run]) -> None:
    low, high = planted.geometry.origins[[0, -1], 2]
    table = [*np.arange(low, low + 60, 3.0), *np.arange(low + 61, high, 6.0)]
    write_series(acquire(planted, table), tmp_path / "drop", settings())
    run = analyse(tmp_path / "drop")
    assert codes(run) >= {"VARIABLE_SPACING", "THICK_SLICES"}
    assert run.result["finding"]["class"] == "IH"


def skull(folder: Path, planted: Volume) -> None:
    write_series(bone_phantom(3, spacing_mm=(2.5, 1.2, 1.2)), folder, settings())


def mr(folder: Path, planted: Volume) -> None:
    write_series(planted, folder, settings(modality="MR"))


def chest_scan(folder: Path, planted: Volume) -> None:
    write_series(chest(1, spacing_mm=(5.0, 1.5, 1.5)), folder, settings(body_part="", description="Routine"))


def empty(folder: Path, planted: Volume) -> None:
    folder.mkdir()


def documents(folder: Path, planted: Volume) -> None:
    folder.mkdir()
    for name in ("a.pdf", "b.pdf"):
        (folder / name).write_bytes(b"%PDF-1.4")


def single_slice(folder: Path, planted: Volume) -> None:
    for path in write_series(planted, folder, settings())[1:]:
        path.unlink()


def gap(folder: Path, planted: Volume) -> None:
    for path in write_series(planted, folder, settings())[40:46]:
        path.unlink()


def duplicates(folder: Path, planted: Volume) -> None:
    paths = write_series(planted, folder, settings())
    for number, path in enumerate(paths[40:44]):
        copy = pydicom.dcmread(path)
        copy.PixelData = pydicom.dcmread(paths[20]).PixelData
        copy.SOPInstanceUID = f"2.25.{number + 1}"
        copy.save_as(folder / f"copy{number}")


def truncated(folder: Path, planted: Volume) -> None:
    path = write_series(planted, folder, settings())[50]
    path.write_bytes(path.read_bytes()[:-5000])


def two_patients(folder: Path, planted: Volume) -> None:
    write_series(planted, folder / "1", settings())
    other = StudyIdentity.of(12, Patient(name="Other^Patient", id="OTHER"))
    write_series(planted, folder / "2", settings(study=other))


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (skull, "NO_BRAIN"),
        (mr, "NOT_CT"),
        (chest_scan, "NOT_HEAD"),
        (empty, "NO_IMAGES"),
        (documents, "NOT_DICOM"),
        (single_slice, "TOO_FEW_SLICES"),
        (gap, "MISSING_SLICES"),
        (duplicates, "DUPLICATE_SLICES"),
        (truncated, "TRUNCATED"),
        (two_patients, "CONFLICTING_PATIENTS"),
    ],
)
def test_what_is_rejected_says_why_and_what_to_do(
    make: Callable[[Path, Volume], None],
    code: str,
    planted: Volume,
    tmp_path: Path,
    analyse: Callable[..., Run],
    capsys: pytest.CaptureFixture[str],
) -> None:
    make(tmp_path / "drop", planted)
    run = analyse(tmp_path / "drop")
    assert run.code == 4
    assert run.result["status"] == "rejected"
    assert run.result["reason"]["code"] == code
    assert run.result["reason"]["action"]
    assert "finding" not in run.result
    printed = capsys.readouterr()
    assert code in printed.out
    assert "Traceback" not in printed.err


def test_two_patients_leave_neither_name(planted: Volume, tmp_path: Path, analyse: Callable[..., Run]) -> None:
    two_patients(tmp_path / "drop", planted)
    text = (analyse(tmp_path / "drop").folder / "result.json").read_text()
    assert "PHANTOM" not in text
    assert "Other" not in text


def test_a_small_hole_is_bridged_and_flagged(planted: Volume, tmp_path: Path, analyse: Callable[..., Run]) -> None:
    write_series(planted, tmp_path / "drop", settings())[40].unlink()
    run = analyse(tmp_path / "drop")
    assert run.code == 0
    assert "MISSING_SLICES" in codes(run)


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["analyse", "{tmp}/nothing", "--out", "{tmp}/out"], 2, "no folder or file"),
        (["analyse", "{tmp}", "--out", "{tmp}/out", "--engines", "{toy}"], 3, "no trusted signature"),
        (["analyse", "{tmp}", "--out", "{tmp}/out", "--engines", "{tmp}", "--allow-unsigned"], 3, "No engine bundle"),
        (
            ["analyse", "{tmp}", "--out", "{toy}/manifest.json/x", "--engines", "{toy}", "--allow-unsigned"],
            6,
            "written",
        ),
    ],
)
def test_other_errors_say_what_to_do_and_carry_their_code(
    arguments: list[str], code: int, words: str, toy: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([argument.format(tmp=tmp_path, toy=toy) for argument in arguments]) == code
    assert words in capsys.readouterr().err


def test_a_gpu_that_is_asked_for_and_is_not_there_is_said_in_one_sentence(toy: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "appliance", "analyse", str(tmp_path), "--out", str(tmp_path / "out")]
    command += ["--engines", str(toy), "--allow-unsigned", "--device", "gpu"]
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "-1"}  # where there is one, it is not there either
    ended = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert ended.returncode == 5
    (line,) = ended.stderr.splitlines()
    assert line.startswith("strokebox: This machine has no NVIDIA driver (")
    assert not (tmp_path / "out").exists()


@pytest.fixture
def asked(planted: Volume, toy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Run]:
    """`analyse` on a machine whose GPU is found by `find`."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    write_series(planted, tmp_path / "drop", settings())

    def run(find: Callable[[], Nvidia], device: Device = Device.AUTO, loss: OnGpuLoss = OnGpuLoss.STOP) -> Run:
        request = Request(tmp_path / "drop", tmp_path / "out", toy, True, device, loss)
        published = analyse_drop(request, find)
        return Run(published.exit_code, published.folder, json.loads((published.folder / "result.json").read_text()))

    return run


def no_gpu() -> Nvidia:
    raise EngineError("There is no GPU to use: the NVIDIA driver sees none.")


def test_a_lost_gpu_is_flagged_where_the_cpu_may_take_its_place(asked: Callable[..., Run]) -> None:
    run = asked(no_gpu, Device.GPU, OnGpuLoss.CPU)
    assert (run.code, run.result["finding"]["class"]) == (0, "IH")
    assert run.result["engines"]["device"].startswith("CPU")
    (flag,) = [flag for flag in run.result["flags"] if flag["code"] == "CPU_FALLBACK"]
    assert flag["message"].endswith("There is no GPU to use: the NVIDIA driver sees none.")
    assert "CPU_FALLBACK" not in codes(asked(no_gpu))  # auto never saw one


def test_a_study_on_the_gpu_says_so(asked: Callable[..., Run]) -> None:
    gpu = FakeGpu(plan=FakePlan(0.3))  # below every coefficient
    engines = asked(gpu.find).result["engines"]
    assert (engines["backend"], engines["precision"], engines["device"]) == ("TensorRT 10.3.0", "f16", "GPU (Orin)")


def test_a_study_that_the_gpu_does_not_bring_to_an_end_is_analysed_on_the_cpu(asked: Callable[..., Run]) -> None:
    gpu = FakeGpu()
    gpu.trt.refuses = "Error Code 1: Cuda Runtime (an illegal memory access was encountered)"
    gpu.trt.lets_run = len(Plane)  # the engines are tried out before the study, one batch for each plane
    run = asked(gpu.find)
    assert (run.code, run.result["finding"]["class"]) == (0, "IH")
    assert "CPU_FALLBACK" in codes(run)
    assert run.result["engines"]["device"].startswith("CPU")
    gpu.trt.shapes.clear()
    run = asked(gpu.find, Device.GPU)
    assert run.code == 5
    assert run.result["reason"]["code"] == "ENGINE_FAILED"
    assert "illegal memory access" in run.result["reason"]["message"]


def test_slices_larger_than_the_gpu_s_engines_take_are_the_cpu_s(asked: Callable[..., Run]) -> None:
    run = asked(FakeGpu(plan=FakePlan(largest=(8, 1, 128, 128))).find)
    assert run.code == 0
    assert "CPU_FALLBACK" in {flag["code"] for flag in run.result["flags"]}
