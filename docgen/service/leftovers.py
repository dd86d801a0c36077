"""What services have left in the batches' store that nobody will ask for, because they were killed."""

from __future__ import annotations

import re
import time

from docgen.bulk.ledger import Ledger
from docgen.bulk.store import Store

# What an upload leaves before its batch is queued: the names that `batches` gives it.
EXTRACT, LISTED, WITHDRAWN = "work/extract", "work/listed.txt", "work/withdrawn.txt"
UNDER_WAY_S = 24 * 3600  # longer than any upload or reprint takes
_ID, _REPRINT_ID = re.compile(r"[0-9a-f]{32}"), re.compile(r"[0-9a-f]{16}")


def sweep(ledger: Ledger, location: str) -> int:
    """Remove uploads that were never queued, reprints that nobody knows of, what is left of deleted batches; how many.

    A folder that the ledger does not know is left alone if it was written lately, or holds more than an upload: it may
    be the work of another ledger.
    """
    folders = [name for name in Store.open(location).folders() if _ID.fullmatch(name)]
    states, swept = ledger.states(folders), 0
    for name in folders:
        store = Store.open(f"{location}/{name}")
        if states.get(name) == "deleted" or (name not in states and _is_old_upload(store)):
            store.delete()
            swept += 1
        elif name in states:
            swept += _sweep_reprints(ledger, name, f"{location}/{name}/reprints")
    return swept


def _sweep_reprints(ledger: Ledger, batch: str, location: str) -> int:
    """Those that were not finished, and those of before a withdrawal: the ledger does not know them."""
    folders = list(filter(_REPRINT_ID.fullmatch, Store.open(location).folders()))
    known, swept = {reprint.id for reprint in ledger.reprints(batch)} if folders else set(), 0
    for name in folders:
        store = Store.open(f"{location}/{name}")
        if name not in known and _is_old(store):
            store.delete()
            swept += 1
    return swept


def _is_old(store: Store) -> bool:
    written_at = store.written_at()
    return written_at is not None and written_at <= time.time() - UNDER_WAY_S


def _is_old_upload(store: Store) -> bool:
    return _is_old(store) and all(
        name in (LISTED, WITHDRAWN) or name.startswith(f"{EXTRACT}.") for name in store.names()
    )
