from __future__ import annotations

import logging
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from runtime.engines.timing_cache import attach_timing_cache, keep_timing_cache


@dataclass
class Cache:
    """As ITimingCache: its content is a header and what was timed."""

    content: bytes

    def serialize(self) -> bytearray:
        return bytearray(self.content)


@dataclass
class Config:
    """As IBuilderConfig: makes no cache of what isn't one, and takes none that was made on another device."""

    device: bytes = b"orin:"
    attached: list[bytes] = field(default_factory=list)

    def create_timing_cache(self, serialized_timing_cache: bytes) -> Cache | None:
        content = serialized_timing_cache or self.device
        return Cache(content) if b":" in content else None

    def set_timing_cache(self, cache: Cache, ignore_mismatch: bool) -> bool:
        assert not ignore_mismatch
        if not cache.content.startswith(self.device):
            return False
        self.attached.append(cache.content)
        return True


def test_what_was_timed_before_is_used_again(tmp_path: Path) -> None:
    path = tmp_path / "timing.cache"
    assert attach_timing_cache(Config(), path) == Cache(b"orin:")
    keep_timing_cache(Cache(b"orin:conv=7us"), path)
    config = Config()
    assert attach_timing_cache(config, path) == Cache(b"orin:conv=7us")
    assert config.attached == [b"orin:conv=7us"]


@pytest.mark.parametrize("content", [b"no cache", b"", b"thor:conv=3us"])
def test_a_file_that_is_refused_is_as_good_as_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "timing.cache").write_bytes(content)
    config = Config()
    assert attach_timing_cache(config, tmp_path / "timing.cache") == Cache(b"orin:")
    assert config.attached == [b"orin:"]


def test_what_cannot_be_kept_is_told_to_the_log_alone(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        keep_timing_cache(Cache(b"orin:"), tmp_path / "nowhere/timing.cache")
    assert "can't be kept" in caplog.text
