from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from runtime.engines.vendor import Vendor, find_tensorrt
from runtime.errors import ConfigurationError
from tests.requirements import require_rtx


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Put a module of some text before those that are really installed."""

    def put(name: str, text: str) -> None:
        (tmp_path / f"{name}.py").write_text(text)
        monkeypatch.delitem(sys.modules, name, raising=False)
        monkeypatch.syspath_prepend(tmp_path)

    return put


def test_the_one_that_is_asked_for(install: Callable[[str, str], None]) -> None:
    install("tensorrt", "__version__ = '10.3.0'")
    assert str(find_tensorrt(Vendor.TENSORRT)) == "TensorRT 10.3.0"
    assert str(require_rtx()).startswith("TensorRT for RTX 1.")


def test_nvidias_own_comes_before_the_one_for_rtx(install: Callable[[str, str], None]) -> None:
    install("tensorrt", "__version__ = '10.3.0'")
    assert find_tensorrt().vendor is Vendor.TENSORRT


def test_one_that_cannot_be_loaded_is_passed_over(install: Callable[[str, str], None]) -> None:
    install("tensorrt", "raise OSError('libnvinfer.so.10: cannot open shared object file')")
    install("tensorrt_rtx", "__version__ = '1.7'")
    assert find_tensorrt().vendor is Vendor.RTX


def test_without_either_both_reasons_are_told(install: Callable[[str, str], None]) -> None:
    install("tensorrt", "raise ImportError('nowhere')")
    install("tensorrt_rtx", "raise OSError('libcudart.so.13: cannot open shared object file')")
    with pytest.raises(ConfigurationError, match=r"nowhere.*JetPack.*libcudart\.so\.13.*make rtx"):
        find_tensorrt()
