"""`strokebox analyse`: one drop through the bundle's engines into one result folder."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path

from appliance import shipped
from appliance.cache import cache_folder
from appliance.case import Setup, conclude
from appliance.nifti import nifti_files
from appliance.outcome import Outcome, Status
from appliance.parsing import read_drop_in_child
from appliance.prepared import local_time
from appliance.progress_bar import progress_bar
from appliance.publish import publish
from appliance.report_json import result_document
from appliance.report_pdf import render_report
from appliance.settings import READER_SECONDS
from appliance.wording import headline
from runtime.bundle import Bundle, open_bundle
from runtime.codes import Code, Flag
from runtime.engines.loading import Device, OnGpuLoss, Running, Wish, find_nvidia, running_engines
from runtime.engines.on_gpu import Nvidia
from runtime.errors import BundleError, EngineError, PublishError, StudyRejected, UsageError
from runtime.provenance import Provenance


@dataclass(frozen=True, slots=True)
class Request:
    """What `analyse` was asked for."""

    drop: Path
    out: Path
    engines: Path | None = None
    allow_unsigned: bool = False
    device: Device = Device.AUTO
    on_gpu_loss: OnGpuLoss = OnGpuLoss.STOP
    save_nifti: bool = False
    state: Path | None = None
    """Where it is remembered that a GPU has worked here; the cache folder unless given."""


@dataclass(frozen=True, slots=True)
class Published:
    """An outcome and the folder that holds it."""

    outcome: Outcome
    folder: Path

    @property
    def exit_code(self) -> int:
        if self.outcome.status is Status.COMPLETED:
            return 0
        return StudyRejected.exit_code if self.outcome.status is Status.REJECTED else EngineError.exit_code

    @property
    def summary(self) -> str:
        """A few lines for the terminal; no patient data."""
        outcome = self.outcome
        lines = [headline(outcome)]
        if outcome.reason:
            lines += [
                f"{outcome.reason.code.name}: {outcome.reason.message}",
                f"What to do: {outcome.reason.code.action}",
            ]
        lines += [f"  {flag.code.name}: {flag.message}" for flag in outcome.flags]
        lines += [f"report  {self.folder / 'report.pdf'}", f"result  {self.folder / 'result.json'}"]
        return "\n".join("".join(sign if sign.isprintable() else "\ufffd" for sign in line) for line in lines)


def analyse_drop(request: Request, find: Callable[[], Nvidia] = find_nvidia) -> Published:
    """Analyse and publish. Raises the error classes of runtime/errors.py for all that is not the study's fault."""
    if not request.drop.exists():
        raise UsageError(f"There is no folder or file {request.drop}.")
    with running(request, find) as setup, progress_bar() as progress:
        prepared = read_drop_in_child(request.drop, READER_SECONDS, progress)
        outcome = conclude(prepared, setup, progress)
        if outcome.status is Status.FAILED and prepared.volume is not None and setup.spare is not None:
            with setup.spare() as spare:
                outcome = conclude(prepared, spare, progress)
    siblings = {"report.pdf": render_report(outcome)}
    if request.save_nifti and outcome.analysis:
        siblings |= nifti_files(outcome.analysis)
    try:
        request.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise PublishError(f"The result can't be written to {request.out}: {error.strerror}.") from error
    folder = publish(request.out, f"{outcome.drop}__{outcome.key}", result_document(outcome), siblings)
    return Published(outcome, folder)


@contextmanager
def running(request: Request, find: Callable[[], Nvidia] = find_nvidia) -> Iterator[Setup]:
    """Open the bundle, check that it is trusted, enter its engines. BundleError, ConfigurationError, EngineError."""
    bundle = open_bundle(request.engines or shipped.FOLDER)
    trusted = bundle.manifest_sha256 == shipped.MANIFEST_SHA256
    if not trusted and not request.allow_unsigned:
        raise BundleError(
            f"The engines at {bundle.folder} carry no trusted signature. For tests only, add --allow-unsigned: "
            "the report will say so."
        )
    cache = cache_folder()
    wish = Wish(request.device, request.on_gpu_loss, cache, request.state or cache)
    with running_bundle(bundle, wish, () if trusted else (Flag(Code.UNSIGNED_ENGINES),), find) as setup:
        yield setup


@contextmanager
def running_bundle(
    bundle: Bundle, wish: Wish, flags: tuple[Flag, ...] = (), find: Callable[[], Nvidia] = find_nvidia
) -> Iterator[Setup]:
    """Enter the engines of a bundle that the caller trusts, or `flags`. ConfigurationError, EngineError."""
    with running_engines(bundle, wish, find) as engines:
        yield _setup(bundle, flags, engines)


def _setup(bundle: Bundle, flags: tuple[Flag, ...], engines: Running) -> Setup:
    return Setup(
        ensemble=engines.ensemble,
        compute=engines.compute,
        spec=bundle.manifest.spec,
        provenance=Provenance.of(bundle, engines.ensemble),
        engine_flags=flags + engines.flags,
        software_version=version("strokebox"),
        now=local_time,
        clock=time.monotonic,
        spare=partial(_spare, bundle, flags, engines.spare) if engines.spare else None,
    )


@contextmanager
def _spare(
    bundle: Bundle, flags: tuple[Flag, ...], make: Callable[[], AbstractContextManager[Running]]
) -> Iterator[Setup]:
    with make() as engines:
        yield _setup(bundle, flags, engines)
