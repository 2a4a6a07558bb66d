"""What the study's dates say: a child, an old scan, a clock that is wrong. Looks at no pixels."""

from __future__ import annotations

from datetime import datetime, time, timedelta

from runtime.codes import Code, Flag
from runtime.study import Study

ADULT_YEARS = 18
FRESH = timedelta(hours=24)
AHEAD = timedelta(hours=24)
"""No scanner's clock or time zone is that far ahead of a box whose clock is right."""


def circumstances(study: Study, now: datetime) -> tuple[Flag, ...]:
    """Flags for a patient under 18 on the day of the scan, for a scan over 24 hours before `now` (local time), and
    for one over 24 hours after it.
    """
    flags = []
    born, scanned = study.patient.birth_date, study.date or now.date()
    if born is not None:
        years = scanned.year - born.year - ((scanned.month, scanned.day) < (born.month, born.day))
        if 0 <= years < ADULT_YEARS:
            flags.append(Flag(Code.PAEDIATRIC, f"Age at the scan: {years}."))
    if study.date is not None:
        moment = datetime.combine(study.date, study.time or time.max, tzinfo=now.tzinfo)
        if now - moment > FRESH:
            flags.append(Flag(Code.OLD_STUDY, f"It was made on {study.date.isoformat()}."))
        elif datetime.combine(study.date, study.time or time.min, tzinfo=now.tzinfo) - now > AHEAD:
            dates = f"The scan says {study.date.isoformat()}, the box {now.date().isoformat()}."
            flags.append(Flag(Code.CLOCK_UNSET, dates))
    return tuple(flags)
