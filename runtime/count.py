"""Numbers of things in sentences: '1 file', '2 files'."""

from __future__ import annotations


def counted(number: int, noun: str) -> str:
    """`number` and `noun`, which takes an s unless it is one."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
