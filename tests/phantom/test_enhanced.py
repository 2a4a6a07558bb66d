from __future__ import annotations

from pathlib import Path

import highdicom
import numpy as np
import pytest

from phantom.enhanced import write_enhanced
from phantom.identity import StudyIdentity
from phantom.series import SeriesSettings
from runtime.volume import Geometry, Volume

STUDY = StudyIdentity.of(7)


@pytest.mark.parametrize("syntax", ["explicit", "rle"])
def test_highdicom_reads_the_frames_back_where_they_belong(tmp_path: Path, syntax: str) -> None:
    hu = (np.arange(60, dtype=np.int16) * 7 - 200).reshape(5, 4, 3)
    volume = Volume(hu, Geometry.uniform(5, np.array((-11.5, 3.25, 70.125)), *np.diag((0.6, 0.7, 2.5))))
    settings = SeriesSettings(STUDY, matrix=None, rescale=((1.0, -100.0), (0.5, 0.0)), shuffle_seed=4, syntax=syntax)  # type: ignore[arg-type]
    image = highdicom.imread(write_enhanced(volume, tmp_path / "IM", settings))
    back = image.get_volume(rtol=1e-3).to_patient_orientation("HPL")
    np.testing.assert_array_equal(back.array, hu)
    np.testing.assert_allclose(back.affine[:3, 3], volume.geometry.origins[0], atol=1e-6)
