"""Batches: an extract of people in, a print package out."""

import os

# pyarrow's own pool keeps what it has once had: 20 MB in a worker, 50 where an extract is read.
os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
