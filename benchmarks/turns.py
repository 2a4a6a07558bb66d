"""Two sides that compute in turn, so that whatever else the machine does slows both alike.

Each side is a process of its own, for its own peak of memory. It says on its standard output how much it has done and
goes on when a line comes in on its standard input; meanwhile its clock stands still. At most one side computes.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Any


@dataclass(slots=True)
class Turns:
    """A side's end. Its `clock` counts only what passes while it is this side's turn."""

    source: IO[str]
    sink: IO[str]
    real_clock: Callable[[], float]
    waited: float = 0.0

    def clock(self) -> float:
        return self.real_clock() - self.waited

    def progress(self, what: str, done: int, total: int) -> None:
        """A Progress: after each batch of slices it is the other side's turn."""
        if what == "slices":
            self.give(done / total)

    def give(self, done: float) -> None:
        """Say how much is done, 0 to 1, and wait. EOFError where the other end has gone."""
        start = self.real_clock()
        self._say({"done": done})
        if not self.source.readline():
            raise EOFError("the benchmark has ended")
        self.waited += self.real_clock() - start

    def finish(self, result: Mapping[str, Any]) -> None:
        """The last word."""
        self._say({"result": result})

    def _say(self, message: Mapping[str, Any]) -> None:
        print(json.dumps(message), file=self.sink, flush=True)


class SideFailed(RuntimeError):
    """A side ended without a result; what it had to say is on standard error."""


class Side:
    """The benchmark's end of one side: starts `command` and waits until it is ready."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        self.done = 0.0
        self.result: dict[str, Any] | None = None
        self._process = subprocess.Popen(
            command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def __enter__(self) -> Side:
        self._listen()
        return self

    def __exit__(self, *exception: object) -> None:
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        self._process.terminate()
        self._process.wait()

    def take_turn(self) -> None:
        """Let the side do one piece of its work. SideFailed."""
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        self._listen()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise SideFailed(f"a side ended with exit code {self._process.wait()}")
        message = json.loads(line)
        self.done = message.get("done", 1.0)
        self.result = message.get("result")


def alternate(first: Side, second: Side) -> tuple[dict[str, Any], dict[str, Any]]:
    """The results of two entered sides; it is always the turn of the one that has done less."""
    while first.result is None or second.result is None:
        waiting = [side for side in (first, second) if side.result is None]
        min(waiting, key=lambda side: side.done).take_turn()
    return first.result, second.result
