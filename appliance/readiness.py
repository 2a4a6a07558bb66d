"""When a drop has been copied whole: unchanged for long enough, over several looks, with no name of a copy in progress.

Pure: the looks and a monotonic clock come in, decisions come out. Wall-clock time plays no part.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from appliance.inbox import Drop

LOOKS = 3
"""How often a drop must have been seen unchanged."""
LOOKS_WITH_MARKER = 2


@dataclass(frozen=True, slots=True)
class Ready:
    """A drop to take now. `is_partial`: it was still changing when patience ended."""

    drop: Drop
    is_partial: bool = False


@dataclass(frozen=True, slots=True)
class _Watched:
    drop: Drop
    first_seen: float
    unchanged_since: float
    looks: int = 1
    not_before: float = float("-inf")
    was_unfinished: bool = False


class Readiness:
    """Remembers what earlier looks saw."""

    def __init__(self, quiet_seconds: float, longest_wait_seconds: float) -> None:
        self._quiet_seconds = quiet_seconds
        self._longest_wait_seconds = longest_wait_seconds
        self._watched: dict[str, _Watched] = {}

    def look(self, drops: Mapping[str, Drop], now: float) -> list[Ready]:
        """Take one look, `now` in seconds of a monotonic clock; returns what is ready, in the order of names."""
        self._watched = {name: self._seen(drop, now) for name, drop in drops.items()}
        ready = []
        for watched in self._watched.values():
            if now < watched.not_before:
                continue
            is_late = now - watched.first_seen >= self._longest_wait_seconds
            is_quiet = self._is_quiet(watched, now)
            if is_quiet and not (is_late and watched.was_unfinished):
                ready.append(Ready(watched.drop))
            elif is_late and watched.drop.entries:
                ready.append(Ready(watched.drop, is_partial=True))
        return ready

    def forget(self, name: str) -> None:
        """Begin anew with a drop: it was taken or refused."""
        self._watched.pop(name, None)

    def wait_again(self, name: str, now: float, *, is_unfinished: bool = False) -> None:
        """It is tried now: not again before it was quiet for long enough once more, but patience with it goes on.

        One that turned out to be unfinished is partial when patience ends, however quiet it looks.
        """
        watched = self._watched[name]
        self._watched[name] = replace(
            watched,
            unchanged_since=now,
            looks=1,
            not_before=now + self._quiet_seconds,
            was_unfinished=watched.was_unfinished or is_unfinished,
        )

    def _seen(self, drop: Drop, now: float) -> _Watched:
        before = self._watched.get(drop.name)
        if before is None or (before.drop != drop and not before.drop.entries):  # patience begins with the first file
            return _Watched(drop, now, now)
        if before.drop != drop:
            return replace(before, drop=drop, unchanged_since=now, looks=1)
        return replace(before, looks=before.looks + 1)

    def _is_quiet(self, watched: _Watched, now: float) -> bool:
        drop = watched.drop
        if drop.refusal:
            return now - watched.unchanged_since >= self._quiet_seconds and watched.looks >= LOOKS
        if drop.is_temporary or not drop.entries:
            return False
        if drop.is_complete:
            return watched.looks >= LOOKS_WITH_MARKER
        return now - watched.unchanged_since >= self._quiet_seconds and watched.looks >= LOOKS
