"""`make soak`: batches on PostgreSQL and an S3 that fails one request in ten, killed at a hundred seeded moments.

Worker, coordinator and database take turns. Every package is held against one made undisturbed, on SQLite and in a
folder. The figures go to build/soak.json; the first difference ends the trial.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from tests.bulk import faults
from tests.bulk.faults import Ground
from tests.bulk.pipelines import STAGES
from tests.bulk.servers import BUCKET, Postgres, s3_server

DISTURBANCES: dict[str, Callable[[Ground, str, int], dict[str, str]]] = {
    "worker": faults.with_a_worker_killed,
    "coordinator": faults.with_the_coordinator_killed,
    "postgresql": faults.with_postgres_killed,
}


def main() -> None:
    """Run the trial."""
    asked = argparse.ArgumentParser(prog="python -m soak", description=__doc__)
    asked.add_argument("--times", type=int, default=100, help="how often something is killed (default: 100)")
    asked.add_argument("--seed", type=int, default=0, help="where the seeds begin (default: 0)")
    asked.add_argument("--failing", type=float, default=0.1, help="the share of S3 requests that fail (default: 0.1)")
    asked.add_argument("--pipeline", choices=sorted(STAGES), default=faults.PIPELINE)
    options = asked.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="docgen-soak-")))
        os.environ.update(stack.enter_context(s3_server(options.failing, options.seed)))
        postgres = Postgres(Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="docgen-postgres-"))))
        stack.callback(postgres.stop)
        cluster = stack.enter_context(faults.shared_cluster())
        plain = Ground(f"sqlite:///{folder}/ledger.sqlite", str(folder / "store"), cluster)
        wanted = faults.undisturbed(plain, options.pipeline)
        rounds = []
        for seed in range(options.seed, options.seed + options.times):
            victim = list(DISTURBANCES)[seed % len(DISTURBANCES)]
            ground = Ground(postgres.fresh_database(f"soak{seed}"), f"s3://{BUCKET}/{seed}", cluster, postgres)
            start = time.monotonic()
            same = DISTURBANCES[victim](ground, options.pipeline, seed) == wanted
            rounds.append({"seed": seed, "killed": victim, "seconds": round(time.monotonic() - start, 2), "same": same})
            print(rounds[-1], flush=True)
            if not same:
                sys.exit(f"soak: with seed {seed}, killing the {victim} changed the package")
    report = {"failing": options.failing, "pipeline": options.pipeline, "files": len(wanted), "rounds": rounds}
    Path("build").mkdir(exist_ok=True)
    Path("build/soak.json").write_text(json.dumps(report, indent=2) + "\n")
    print(f"soak: {len(rounds)} disturbed batches, all the same as the undisturbed one")


if __name__ == "__main__":
    main()
