from __future__ import annotations

from datetime import date, datetime, time, timezone

import pytest

from appliance.circumstances import circumstances
from runtime.codes import Code
from runtime.study import Patient
from tests.builders import series, study

NOW = datetime(2026, 3, 10, 12, 0, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("born", "on", "at", "codes"),
    [
        (date(1950, 1, 1), date(2026, 3, 10), time(3), []),
        (date(2008, 3, 11), date(2026, 3, 10), time(3), [Code.PAEDIATRIC]),
        (date(2008, 3, 10), date(2026, 3, 10), time(3), []),  # eighteen today
        (None, date(2026, 3, 9), time(11, 59), [Code.OLD_STUDY]),
        (None, date(2026, 3, 9), time(12, 1), []),
        (None, date(2026, 3, 9), None, []),  # some time yesterday: not known to be old
        (date(2030, 1, 1), date(2026, 3, 10), None, []),  # born after the scan: a wrong date says nothing
        (None, date(2026, 3, 11), time(11, 59), []),
        (None, date(2026, 3, 11), time(12, 1), [Code.CLOCK_UNSET]),
        (None, date(2026, 3, 11), None, []),  # some time tomorrow
        (None, None, None, []),
    ],
)
def test_flags(born: date | None, on: date | None, at: time | None, codes: list[Code]) -> None:
    one = study(series(), patient=Patient("", "", born, ""), date=on, time=at)
    assert [flag.code for flag in circumstances(one, NOW)] == codes
