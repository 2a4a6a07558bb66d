"""From an outcome to a visible result and a finished job: exactly one, however often it is begun."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from appliance.acceptance import flush_folder
from appliance.audit import Audit, Event
from appliance.disk import Room
from appliance.jobs import Job, Jobs
from appliance.nifti import nifti_files
from appliance.outcome import Outcome
from appliance.publish import RESULT, hidden_folder, publish
from appliance.report_json import result_document
from appliance.report_pdf import render_report
from runtime.errors import PublishError

RESULT_BYTES = 16 << 20
"""A result may take so much room; with less there is no use in an analysis."""


class Publication:
    """Renders, writes and records; for one process."""

    def __init__(
        self, results: Path, jobs: Jobs, audit: Audit, wall_clock: Callable[[], float], *, save_nifti: bool
    ) -> None:
        self._results = results
        self._jobs = jobs
        self.audit = audit
        self._wall_clock = wall_clock
        self._save_nifti = save_nifti

    def publish(self, job: Job, outcome: Outcome) -> Path:
        """Write the result folder and finish the job.

        PublishError, sqlite3.Error, or a defect in the rendering: the job is then as before, but for the folder's name;
        once the folder is visible, `was_published` finishes it.
        """
        if earlier := self._jobs.earlier(job):
            outcome = outcome.revising(len(earlier) + 1, earlier[0].folder or "")
        siblings = {"report.pdf": render_report(outcome)}
        if self._save_nifti and outcome.analysis:
            siblings |= nifti_files(outcome.analysis)
        name = self._named(job, f"{outcome.drop}__{outcome.key}")
        folder = publish(self._results, name, result_document(outcome), siblings, token=job.id)
        self._finish(
            job,
            outcome.status.value,
            outcome.reason.code.name if outcome.reason else None,
            outcome.analysis.finding.call.value if outcome.analysis else None,
            outcome.seconds,
            outcome.engines.manifest_sha256 if outcome.engines else None,
        )
        return folder

    def check(self) -> None:
        """Whether a result could be written now, tried by writing. PublishError where not."""
        try:
            with tempfile.TemporaryFile(dir=self._results):
                pass
            room = Room.of(self._results)
        except OSError as error:
            raise PublishError(f"The results folder can't be written to: {error.strerror}.") from error
        if room.usable and room.free < RESULT_BYTES:
            raise PublishError("The results folder has no room for a result.")

    def was_published(self, job: Job) -> bool:
        """Finish a job whose result became visible just before the process ended; False where there is none.

        PublishError where the results folder can't tell.
        """
        if job.folder is None or not self._is_there(f"{job.folder}/{RESULT}"):
            return False
        try:
            document = json.loads((self._results / job.folder / RESULT).read_bytes())
            flush_folder(self._results)  # whoever renamed it may have ended before
        except OSError as error:
            raise PublishError(f"A result can't be read back: {error.strerror}.") from error
        self._finish(
            job,
            document["status"],
            document["reason"]["code"] if "reason" in document else None,
            document["finding"]["class"] if "finding" in document else None,
            {stage: seconds for stage, seconds in document["timing_seconds"].items() if stage != "total"},
            document["engines"]["manifest_sha256"] if document.get("engines") else None,
        )
        return True

    def _finish(
        self,
        job: Job,
        status: str,
        code: str | None,
        call: str | None,
        stages: Mapping[str, float],
        engines: str | None,
    ) -> None:
        self.audit.write(Event.PUBLISHED, job.id, job.key or "", status=status, code=code, call=call, engines=engines)
        seconds = sum(stages.values())
        self._jobs.finish(job.id, status, code, self._wall_clock(), seconds, call, stages, engines)

    def discard(self, job: Job) -> None:
        """Remove what was written of a result that never became visible."""
        shutil.rmtree(hidden_folder(self._results, job.id), ignore_errors=True)

    def is_visible(self, job: Job) -> bool:
        """Whether its result, once there is one, can still be seen: results are for people to move and delete.

        PublishError where the results folder can't tell.
        """
        return job.outcome is None or (job.folder is not None and self._is_there(job.folder))

    def _named(self, job: Job, name: str) -> str:
        """A name that no other job has and no folder bears, kept for the job before anything is written."""
        number = 1
        while True:
            candidate = name if number == 1 else f"{name}_{number}"
            if not self._is_there(candidate) and self._jobs.name(job.id, candidate):
                return candidate
            number += 1

    def _is_there(self, name: str) -> bool:
        """Whether the results folder holds it. PublishError where that is away itself, or errors."""
        try:
            self._results.stat()
            try:
                (self._results / name).stat()
            except (FileNotFoundError, NotADirectoryError):
                return False
        except OSError as error:
            raise PublishError(f"The results folder can't be looked into: {error.strerror}.") from error
        return True
