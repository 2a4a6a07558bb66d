"""`strokebox analyse`: one drop through the bundle's engines into one result folder."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from appliance import shipped
from appliance.cache import cache_folder
from appliance.case import Setup, conclude
from appliance.nifti import nifti_files
from appliance.outcome import Outcome, Status
from appliance.prepared import local_time, prepare, reader
from appliance.progress_bar import progress_bar
from appliance.publish import publish
from appliance.report_json import result_document
from appliance.report_pdf import render_report
from appliance.wording import headline
from runtime.bundle import open_bundle
from runtime.codes import Code, Flag
from runtime.engines.loading import Device, load
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
    save_nifti: bool = False


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


def analyse_drop(request: Request) -> Published:
    """Analyse and publish. Raises the error classes of runtime/errors.py for all that is not the study's fault."""
    if not request.drop.exists():
        raise UsageError(f"There is no folder or file {request.drop}.")
    with running(request) as setup, progress_bar() as progress:
        outcome = conclude(prepare(request.drop, reader(), progress), setup, progress)
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
def running(request: Request) -> Iterator[Setup]:
    """Open the bundle, check that it is trusted, enter its engines. BundleError, ConfigurationError, EngineError."""
    bundle = open_bundle(request.engines or shipped.FOLDER)
    trusted = bundle.manifest_sha256 == shipped.MANIFEST_SHA256
    if not trusted and not request.allow_unsigned:
        raise BundleError(
            f"The engines at {bundle.folder} carry no trusted signature. For tests only, add --allow-unsigned: "
            "the report will say so."
        )
    ensemble, compute = load(bundle, request.device, cache_folder())
    with ensemble.running():
        yield Setup(
            ensemble=ensemble,
            compute=compute,
            spec=bundle.manifest.spec,
            provenance=Provenance.of(bundle, ensemble),
            engine_flags=() if trusted else (Flag(Code.UNSIGNED_ENGINES),),
            software_version=version("strokebox"),
            now=local_time,
            clock=time.monotonic,
        )
