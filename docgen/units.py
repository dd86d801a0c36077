"""Units of length: layouts speak mm from the top-left of the trim box, PDF speaks points from the bottom-left."""

PT_PER_MM = 72 / 25.4
MM_PER_PT = 25.4 / 72
