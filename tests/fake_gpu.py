"""A whole GPU for loading: a fake CUDA and TensorRT, plans that are built at once, and numpy as their array library."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from runtime.compute import Compute, cpu
from runtime.engines.on_gpu import Nvidia
from runtime.engines.profile import Profile
from runtime.engines.tensorrt_build import Built
from runtime.engines.upload import Upload
from runtime.engines.vendor import TensorRt
from tests.fake_cuda import FakeCuda
from tests.fake_tensorrt import FakePlan, FakeTensorRt, fake_module, fake_tensorrt


@dataclass
class FakeGpu:
    """`find()` finds it. built: the networks that plans were built for; plan: what every plan is."""

    cuda: FakeCuda = field(default_factory=FakeCuda)
    plan: FakePlan | bytes = field(default_factory=FakePlan)
    built: list[str] = field(default_factory=list)
    upload: Upload | None = None

    def __post_init__(self) -> None:
        self._tensorrt = fake_tensorrt(self.cuda)

    @property
    def trt(self) -> FakeTensorRt:
        return fake_module(self._tensorrt)

    def find(self) -> Nvidia:
        """See loading.find_nvidia."""
        return Nvidia(self.cuda, self._tensorrt, self._build, self._compute)

    def _build(self, tensorrt: TensorRt, onnx: Path, profile: Profile, *_: Any) -> Built:
        assert tensorrt is self._tensorrt
        assert profile.batch == 8
        self.built.append(onnx.name)
        return Built(bytes(self.plan), layers=1, seconds=0.0)

    def _compute(self, upload: Upload) -> Compute:
        self.upload = upload
        return cpu()
