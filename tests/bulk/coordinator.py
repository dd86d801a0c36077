"""A coordinator as a process of its own, to be killed: `python -m tests.bulk.coordinator JSON`.

It prints the batch's state and the number of shards that are done, a line for each step, and ends with the last state.
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from docgen.bulk.run import Progress


def _say(progress: Progress) -> None:
    print(progress.state, progress.done, flush=True)  # noqa: T201


def main() -> None:
    """Run the batch that the argument describes."""
    # Here, because each worker loads this module too, and needs none of it.
    from docgen.bulk.ledger import Ledger
    from docgen.bulk.run import Coordinator
    from docgen.bulk.store import Store
    from tests.bulk.pipelines import STAGES

    asked = json.loads(sys.argv[1])
    stages = STAGES[asked["pipeline"]]
    coordinator = Coordinator(
        Ledger(asked["ledger"]), Store.open, stages, asked["settings"], asked["workers"], asked["scheduler"]
    )
    try:
        with coordinator:
            state = coordinator.run(asked["batch"], _say).state
    except KeyboardInterrupt:
        state = "interrupted"
    print(state, 0, flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
