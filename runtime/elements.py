"""One element of a DICOM data set as a plain value, or as nothing where it is absent or malformed. Guesses nothing."""

from __future__ import annotations

import re
import struct
import zlib
from datetime import date, time
from typing import Any

import numpy as np
from pydicom.dataset import Dataset
from pydicom.errors import BytesLengthException
from pydicom.multival import MultiValue

LONGEST_TEXT = 10_240
"""Characters; PS3.5 6.2 allows as many in LT, and fewer in every other text that is read here."""
MOST_PARTS = 64
"""Of a text with several values; those that are read here have a handful."""
READ_ERRORS = (
    OSError, EOFError, ValueError, TypeError, LookupError, AttributeError, ArithmeticError, NotImplementedError,
    AssertionError, RecursionError, MemoryError, struct.error, zlib.error, BytesLengthException,
)  # fmt: skip
"""What pydicom raises on damaged files; a test mutates files to find others."""


def value_of(dataset: Dataset, keyword: str) -> Any:
    """The element's value, or None where it is absent, empty or can't be converted."""
    try:
        value = dataset.get(keyword)
    except READ_ERRORS:
        return None
    return None if value is None or value == "" else value


def items_of(dataset: Dataset, keyword: str) -> list[Dataset]:
    """The items of a sequence; none where it is absent or no sequence."""
    value = value_of(dataset, keyword)
    return [] if value is None else [item for item in value if isinstance(item, Dataset)]


def text_of(dataset: Dataset, keyword: str) -> str:
    """At most so much of it as fits the longest text that DICOM has: reports would be made of the rest."""
    value = value_of(dataset, keyword)
    return "" if value is None else str(value)[:LONGEST_TEXT].strip("\0 ")


def texts_of(dataset: Dataset, keyword: str) -> list[str]:
    value = value_of(dataset, keyword)
    if value is None:
        return []
    parts = value[:MOST_PARTS] if isinstance(value, MultiValue) else [value]
    return [str(part)[:LONGEST_TEXT].strip() for part in parts]


def number_of(dataset: Dataset, keyword: str) -> float | None:
    try:
        number = float(value_of(dataset, keyword))
    except (TypeError, ValueError):
        return None
    return number if np.isfinite(number) else None


def integer_of(dataset: Dataset, keyword: str) -> int | None:
    number = number_of(dataset, keyword)
    return None if number is None else int(number)


def numbers_of(dataset: Dataset, keyword: str, count: int) -> Any:
    """`count` finite floats as a tuple, or None."""
    try:
        numbers = tuple(float(part) for part in value_of(dataset, keyword))
    except (TypeError, ValueError):
        return None
    return numbers if len(numbers) == count and np.isfinite(numbers).all() else None


def date_of(dataset: Dataset, keyword: str) -> date | None:
    match = re.fullmatch(r"(\d{4})[.-]?(\d\d)[.-]?(\d\d)", text_of(dataset, keyword))
    try:
        return date(*map(int, match.groups())) if match else None
    except ValueError:
        return None


def time_of(dataset: Dataset, keyword: str) -> time | None:
    match = re.match(r"(\d\d):?(\d\d)?:?(\d\d)?", text_of(dataset, keyword))
    try:
        hour, minute, second = (int(part or 0) for part in match.groups()) if match else (24, 0, 0)
        return time(hour, minute, second)
    except ValueError:
        return None
