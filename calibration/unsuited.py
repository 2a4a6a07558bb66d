"""The one error of calibration that is the caller's, and no defect."""

from __future__ import annotations


class UnsuitedHeads(ValueError):
    """Nothing can be chosen from these heads; the message says why, without a full stop."""
