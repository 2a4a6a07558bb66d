"""Studies in the spool that no job knows, since the database is new or older than they are: they become jobs again.

Their drops were removed from the inbox, so nobody else has them. One that has its result by the audit gets no second
one; the images of one that failed go on being kept for as long as the settings say.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

from appliance.acceptance import flush_folder, load_taken
from appliance.audit import Audit, Event
from appliance.inbox import Drop
from appliance.jobs import Jobs, State
from appliance.logs import about
from appliance.spool import Spool

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class TakenUp:
    """What became of them. count: how many will be analysed; unreadable: those that must stay as they are"""

    count: int = 0
    unreadable: frozenset[str] = frozenset()


def take_up(jobs: Jobs, spool: Spool, audit: Audit, now: float) -> TakenUp:
    """Receive what lies whole in the spool and no job has. OSError, PublishError, sqlite3.Error: nothing is lost then,
    and it is to be called again.
    """
    orphans = [name for name in spool.names() if not jobs.has(name)]
    if not orphans:
        return TakenUp()
    flush_folder(spool.root)  # whoever renamed them may have ended before
    published = audit.published()
    count, unreadable = 0, set()
    for name in orphans:
        try:
            taken = load_taken(spool.folder(name))
        except FileNotFoundError:
            continue  # it was never taken over whole, so its drop is in the inbox
        except (OSError, ValueError) as error:
            kind = type(error).__name__
            log.error("%s is in the spool and can't be read: %s", name, kind, extra=about("spool unreadable", name))
            unreadable.add(name)
            continue
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
    return TakenUp(count, frozenset(unreadable))


def end_published(jobs: Jobs, audit: Audit) -> None:
    """Of an older database that was put back: what still waits in it and has its result by the audit gets no second
    one. OSError, sqlite3.Error.
    """
    published = audit.published()
    for job in jobs.of(State.RECEIVED, State.READY, State.WORKING):
        if ended := published.get(job.id):
            jobs.finish(job.id, ended.status, ended.code, ended.moment, 0.0)
