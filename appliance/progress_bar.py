"""A progress bar on a terminal, and silence elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tqdm import tqdm

from runtime.progress import Progress


@contextmanager
def progress_bar() -> Iterator[Progress]:
    """A Progress that draws one bar on stderr, anew for each thing counted; nothing where stderr is no terminal."""
    with tqdm(disable=None, leave=False) as bar:
        counted = ""

        def show(what: str, done: int, total: int) -> None:
            nonlocal counted
            if bar.disable:
                return
            if what != counted:
                counted = what
                bar.reset(total)
                bar.set_description(what)
            bar.update(done - bar.n)

        yield show
