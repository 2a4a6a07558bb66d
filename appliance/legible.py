"""Text from outside made fit to be drawn: nothing invisible, nothing that steers the page, nothing silently dropped.

A character that the fonts lack becomes a visible box. So does every right-to-left one: an Arabic or Hebrew name set
without shaping and reordering can read as another name, and a box can't. `result.json` carries the text as it was read.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Container

REPLACEMENT = "□"
LONGEST = 400
"""Characters of one text that are looked at; a page has room for fewer."""

_RIGHT_TO_LEFT = frozenset({"R", "AL", "AN"})
_NOT_TEXT = frozenset({"Cs", "Co", "Cn"})


def legible(text: str, drawable: Container[int]) -> str:
    """`text` in composed form (NFC), on one line, in code points that are `drawable`, REPLACEMENT for all others.

    White space of any kind becomes one space; control and format characters (line breaks, direction overrides, joiners,
    soft hyphens) are removed. What is longer than LONGEST is cut, visibly.
    """
    cut = text if len(text) <= LONGEST else text[:LONGEST] + "…"
    spaced = " ".join(unicodedata.normalize("NFC", cut).split())
    return "".join(_shown(character, drawable) for character in spaced)


def person_name(name: str) -> str:
    """A DICOM person name (PS3.5 6.2.1) as people write it: 'Family, Given Middle', other scripts in brackets."""
    alphabetic, *others = (_person(group) for group in name.split("="))
    others = [group for group in others if group]
    if not alphabetic:
        alphabetic, others = (others[0], others[1:]) if others else ("", [])
    return f"{alphabetic} ({', '.join(others)})" if others else alphabetic


def _person(group: str) -> str:
    family, *given = (part.strip() for part in group.split("^"))
    rest = " ".join(part for part in given if part)
    ideographic = any(unicodedata.east_asian_width(character) in "WF" for character in family)
    return (" " if ideographic else ", ").join(part for part in (family, rest) if part)


def _shown(character: str, drawable: Container[int]) -> str:
    category = unicodedata.category(character)
    if category in ("Cc", "Cf"):
        return ""
    hidden = category in _NOT_TEXT or unicodedata.bidirectional(character) in _RIGHT_TO_LEFT
    return REPLACEMENT if hidden or ord(character) not in drawable else character
