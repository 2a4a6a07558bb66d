from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from calibration.networks import of_bundle
from runtime.errors import BundleError
from runtime.fusion import plane_probability
from runtime.planes import Plane
from tests.toy_bundle import write_toy_bundle


def test_a_bundle_gives_its_networks_and_windows_without_checkpoints(tmp_path: Path) -> None:
    """The toy network: sigmoid of the brightness from 1800 to 2400 HU, IH above the middle."""
    ensemble, windows = of_bundle(write_toy_bundle(tmp_path / "toy"))
    hu = np.full((3, 4, 5), 1800, np.int16)
    hu[1] = 2400
    with ensemble.running():
        probability = plane_probability(hu, Plane.CORONAL, ensemble, windows)
    assert windows == ((1800.0, 2400.0),)
    assert (probability[1] > 0.5).tolist() == (hu > 2100).tolist()
    assert not (probability[0] > 0.5).any()


def test_an_altered_bundle_is_refused(tmp_path: Path) -> None:
    folder = write_toy_bundle(tmp_path / "toy")
    (folder / "models" / "axial.onnx").write_bytes(b"")
    with pytest.raises(BundleError):
        of_bundle(folder)
