from __future__ import annotations

import numpy as np
import pytest

from runtime.engines.upload import Upload
from runtime.errors import EngineError
from tests.fake_cuda import CARD, ORIN, FakeCuda

MIB = 1 << 20


def volume(slices: int, seed: int = 0) -> np.ndarray[tuple[int, ...], np.dtype[np.int16]]:
    """A volume of 1 MiB slices, as a head is cut out of one: not contiguous."""
    return np.random.default_rng(seed).integers(-1000, 3000, (slices, 520, 1030)).astype(np.int16)[:, 4:516, 3:1027]


def test_a_volume_goes_in_parts_and_the_host_waits_only_for_the_part_before_the_last() -> None:
    cuda, hu = FakeCuda(CARD), volume(27)
    with cuda:
        upload = Upload(cuda)
        assert np.array_equal(upload(hu), hu)
        first = ["staging", "copy", "record copy"]
        again = ["synchronise event", "copy", "record copy"]
        assert cuda.calls == [
            *("open", "record compute", "copy waits for compute"),
            *(*first, *first, *again, *again),
            *("record copy", "compute waits for copy"),
        ]
        assert [staging.array.nbytes for staging in cuda.stagings] == [8 * MIB, 8 * MIB]
        other = volume(9, seed=1)
        assert np.array_equal(upload(other), other)
        assert len(cuda.stagings) == 2
        upload.free()


def test_slices_larger_than_a_part() -> None:
    cuda = FakeCuda(CARD)
    large = np.random.default_rng(0).random((3, 3 * MIB))
    with cuda:
        upload = Upload(cuda)
        assert np.array_equal(upload(volume(9)), volume(9))
        assert np.array_equal(upload(large), large)
        assert {staging.array.nbytes for staging in cuda.stagings} == {24 * MIB}
        upload.free()


def test_small_arrays_go_the_short_way() -> None:
    cuda = FakeCuda(CARD)
    with cuda:
        assert np.array_equal(Upload(cuda)(np.arange(5)), np.arange(5))
        assert Upload(cuda)(np.float32(3)) == 3
        assert cuda.calls == ["open"]


def test_where_memory_is_shared_nothing_is_copied() -> None:
    cuda, hu = FakeCuda(ORIN), volume(9)
    with cuda:
        assert np.array_equal(Upload(cuda)(hu), hu)
        assert cuda.calls == ["open", "mapped"]


def test_an_error_leaves_nothing_behind() -> None:
    cuda = FakeCuda(CARD)
    upload = Upload(cuda)
    with cuda:
        upload(volume(9))
        cuda.broken = "unspecified launch failure"
        with pytest.raises(EngineError, match="launch failure"):
            upload(volume(9))
        with pytest.raises(EngineError, match="launch failure"):
            upload.free()
        assert cuda.stagings == []
