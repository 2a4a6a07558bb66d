"""Studies in the spool that no job knows, since the database is new or older than they are: they become jobs again.

Their drops were removed from the inbox, so nobody else has them. One that has its result by the audit gets no second
one; the images of one that failed go on being kept for as long as the settings say.
"""

from __future__ import annotations

import logging

from appliance.acceptance import flush_folder, load_taken
from appliance.audit import Audit, Event
from appliance.inbox import Drop
from appliance.jobs import Jobs
from appliance.logs import about
from appliance.spool import Spool

log = logging.getLogger(__name__)


def take_up(jobs: Jobs, spool: Spool, audit: Audit, now: float) -> int:
    """Receive what lies whole in the spool and no job has; how many will be analysed. OSError, PublishError,
    sqlite3.Error: nothing is lost then, and it may be called again.
    """
    orphans = [name for name in spool.names() if not jobs.has(name)]
    if not orphans:
        return 0
    flush_folder(spool.root)  # whoever renamed them may have ended before
    published = audit.published()
    count = 0
    for name in orphans:
        try:
            taken = load_taken(spool.folder(name))
        except (OSError, ValueError):
            continue  # it was never taken over whole, so its drop is in the inbox
        ended = published.get(name)
        if ended and ended.status != "failed":
            continue
        size = sum(source.entry.size for source in taken.sources)
        if ended:
            jobs.receive(name, Drop(taken.name, ()).shown_name, ended.moment, size)
            jobs.finish(name, ended.status, ended.code, ended.moment, 0.0)
            continue
        audit.write(Event.RECEIVED, name, files=len(taken.sources), bytes=size)
        jobs.receive(name, Drop(taken.name, ()).shown_name, now, size)
        log.warning("%s is in the spool and was in no database: it is analysed", name, extra=about("taken up", name))
        count += 1
    return count
