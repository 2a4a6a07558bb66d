"""A progress bar on a terminal, and silence elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tqdm import tqdm

from runtime.progress import Progress


@contextmanager
def progress_bar() -> Iterator[Progress]:
    """A Progress that draws one bar on stderr, a new count at each step; nothing where stderr is no terminal."""
    with tqdm(disable=None, leave=False) as bar:

        def show(what: str, done: int, total: int) -> None:
            if bar.desc != f"{what}: ":
                bar.reset(total)
                bar.set_description(what)
            bar.update(done - bar.n)

        yield show
