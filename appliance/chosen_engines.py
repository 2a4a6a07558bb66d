"""Which engines the service runs: those of the active slot, if they are still what a trusted key signed.

Where they aren't, the ones before them, and at last the shipped ones, which are trusted by their pinned hash: a result
from known engines, which it names, is better than none. Reads only.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from appliance.logs import about
from appliance.settings import Engines
from appliance.shipped import shipped_bundle
from appliance.slot_state import SHIPPED, SlotState
from appliance.slots import STATE, Slots
from appliance.trust import load_trust, open_signed
from runtime.bundle import Bundle
from runtime.errors import BundleError, ConfigurationError

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Choice:
    """The engines to run.

    why: what is wrong with the active ones, where these are others; ignored: what is wrong with keys
    """

    bundle: Bundle
    why: str = ""
    ignored: tuple[str, ...] = ()


def choose(settings: Engines) -> Choice:
    """The active engines, verified, or those instead. BundleError only where not even the shipped ones are whole."""
    slots = Slots(settings.folder)
    try:
        state, trust = slots.state(), load_trust(settings.trusted_keys)
    except ConfigurationError as error:
        return Choice(shipped_bundle(), str(error))
    whys: list[str] = []
    ignored = tuple(trust.ignored.values())
    for slot in (state.active, state.retained):
        if slot == SHIPPED:
            break
        try:
            if slot:
                return Choice(open_signed(slots.path(slot), trust), " ".join(whys), ignored)
        except BundleError as error:
            whys.append(f"{slot}: {error}")
    return Choice(shipped_bundle(), " ".join(whys), ignored)


def chosen_bundle(settings: Engines, tell: Callable[[str], None] = lambda _why: None) -> Bundle:
    """As `choose`, for whoever runs them: what is wrong is logged, and `tell` is given why others run, or ''."""
    choice = choose(settings)
    for sentence in choice.ignored:
        log.error("a trusted key can't be used: %s", sentence, extra=about("key ignored"))
    if choice.why:
        what = _named(choice.bundle)
        log.error("%s run, not the active engines: %s", what, choice.why, extra=about("engines refused"))
    tell(choice.why)
    return choice.bundle


def active_bundle(settings: Engines) -> Bundle:
    """The active engines, verified, and no others. BundleError, ConfigurationError."""
    slots = Slots(settings.folder)
    active = slots.state().active
    return shipped_bundle() if active == SHIPPED else open_signed(slots.path(active), load_trust(settings.trusted_keys))


def switch_mark(settings: Engines) -> str:
    """What changes when other engines become active."""
    try:
        return SlotState.decoded(Path(settings.folder, STATE).read_bytes()).active
    except (OSError, ValueError):
        return SHIPPED


def in_words(settings: Engines) -> str:
    """Name, version and size of the engines to run, and why where they aren't the active ones; or what is wrong."""
    try:
        choice = choose(settings)
    except BundleError as error:
        return str(error)
    return f"{_named(choice.bundle)}{f', NOT THE ACTIVE ONES: {choice.why}' if choice.why else ''}"


def _named(bundle: Bundle) -> str:
    return f"{bundle.manifest.name} {bundle.manifest.version}, {len(bundle.manifest.models)} models"
