"""What engines share, over PyCUDA and CuPy as they would be."""

from __future__ import annotations

from types import ModuleType

import pytest

from runtime.engines.pycuda import PyCuda
from runtime.engines.shared import Shared
from runtime.engines.vendor import TensorRt, Vendor
from tests.fake_cuda import ORIN
from tests.fake_pycuda import FakeError, FakeLibraries
from tests.fake_tensorrt import FakeLogger

ILLEGAL = "an illegal memory access was encountered"


def shared_over(libraries: FakeLibraries) -> Shared:
    module = ModuleType("tensorrt")
    vars(module).update(ILogger=FakeLogger, Runtime=lambda logger: object(), __version__="10.3.0")
    return Shared(PyCuda(libraries.driver, libraries.cupy, ORIN), TensorRt(Vendor.TENSORRT, module), 8, 1000)


@pytest.mark.parametrize("failing", ["free", "synchronize 7", "free_all_blocks", "use no more"])
def test_leaving_never_raises_and_tells_the_log(failing: str, caplog: pytest.LogCaptureFixture) -> None:
    libraries = FakeLibraries()
    shared = shared_over(libraries)
    shared.enter()
    for memory in (shared.scratch, shared.images):
        memory.at_least(8)
    libraries.failing[failing] = FakeError(ILLEGAL)
    shared.leave()
    assert f"the GPU could not be left in order: CUDA says: {ILLEGAL}." in caplog.text
    assert libraries.calls.count("free") == 2  # the second one's turn comes all the same
    assert libraries.calls[-1] == "pop"
