from __future__ import annotations

import logging

import pytest

from runtime.engines.messages import Messages, messages_of
from tests.requirements import require_rtx


def test_errors_are_kept_and_everything_from_warnings_up_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    trt = require_rtx().module
    messages, severity = Messages(trt), trt.ILogger.Severity
    with caplog.at_level(logging.INFO):
        for level in (severity.INTERNAL_ERROR, severity.ERROR, severity.WARNING, severity.INFO, severity.VERBOSE):
            messages.logger.log(level, level.name)
    assert messages.errors == ["INTERNAL_ERROR", "ERROR"]
    assert [record.message for record in caplog.records] == ["INTERNAL_ERROR", "ERROR", "WARNING"]


def test_the_last_three_errors_make_one_line() -> None:
    trt = require_rtx().module
    messages = Messages(trt)
    assert messages.last() == ""
    for reason in ("No.", "Out of\nmemory.", "At layer 7.", "Giving up."):
        messages.logger.log(trt.ILogger.ERROR, reason)
    assert messages.last() == "Out of memory. At layer 7. Giving up."


def test_tensorrt_itself_speaks_through_it() -> None:
    trt = require_rtx().module
    messages = messages_of(trt)
    messages.errors.clear()
    network = trt.Builder(messages.logger).create_network(0)
    assert not trt.OnnxParser(network, messages.logger).parse_from_file("/nowhere/x.onnx")
    assert "nowhere" in messages.last()


def test_there_is_one_for_the_process() -> None:
    """TensorRT would ignore a second one, and what it says would be lost."""
    trt = require_rtx().module
    first = trt.Builder(messages_of(trt).logger)
    messages_of(trt).errors.clear()
    second = trt.Builder(messages_of(trt).logger)
    trt.OnnxParser(second.create_network(0), messages_of(trt).logger).parse_from_file("/nowhere/x.onnx")
    assert messages_of(trt).errors
    assert first.logger is second.logger
