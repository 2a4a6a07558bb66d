"""Which engines the service runs: those of the active slot, if they are still what a trusted key signed.

Where they aren't, the ones before them, and at last the shipped ones, which are trusted by their pinned hash: a result
from known engines, which it names, is better than none. Reads only.
"""

from __future__ import annotations

import logging
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


def chosen_bundle(settings: Engines) -> Bundle:
    """The active engines, verified. BundleError only where not even the shipped ones are whole."""
    slots = Slots(settings.folder)
    try:
        state, trust = slots.state(), load_trust(settings.trusted_keys)
    except ConfigurationError as error:
        log.error("the shipped engines are used: %s", error, extra=about("engines refused"))
        return shipped_bundle()
    for slot in (state.active, state.retained):
        if slot == SHIPPED:
            break
        try:
            if slot:
                return open_signed(slots.path(slot), trust)
        except BundleError as error:
            log.error(
                "engines %s are refused, the ones before them are used: %s", slot, error, extra=about("engines refused")
            )
    return shipped_bundle()


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
    """Name, version and size of the active engines; or what is wrong."""
    try:
        bundle = chosen_bundle(settings)
    except BundleError as error:
        return str(error)
    return f"{bundle.manifest.name} {bundle.manifest.version}, {len(bundle.manifest.models)} models"
