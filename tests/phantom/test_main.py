import json
from pathlib import Path

import pydicom
import pytest

from phantom.__main__ import main


def test_a_study_and_its_truth(tmp_path: Path) -> None:
    out = tmp_path / "study"
    line = f"--seed 3 --stroke IH --out {out} --thick 8 --tilt 12 --spacing 4 2 2"
    assert main(line.split()) == 0
    series = {name: [pydicom.dcmread(path) for path in sorted((out / name).iterdir())] for name in ("thin", "thick")}
    localizer = pydicom.dcmread(out / "LOC000001")
    everything = [localizer, *series["thin"], *series["thick"]]
    assert len({data.StudyInstanceUID for data in everything}) == 1
    assert len({data.SeriesInstanceUID for data in everything}) == 3
    for name, gap in (("thin", 4), ("thick", 8)):
        z = [float(data.ImagePositionPatient[2]) for data in series[name]]
        assert z[1] - z[0] == pytest.approx(gap)
        assert float(series[name][0].GantryDetectorTilt) == pytest.approx(12)
    truth = json.loads((tmp_path / "study.truth.json").read_text())
    assert truth["stroke"] == "IH"
    assert truth["seed"] == 3
    assert truth["lesion_ml"] > 1
    assert truth["side"] in {"left", "right", "midline"}


def test_a_folder_in_use_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "other").write_text("")
    with pytest.raises(SystemExit):
        main(["--seed", "3", "--stroke", "none", "--out", str(tmp_path)])
    assert "is not empty" in capsys.readouterr().err
