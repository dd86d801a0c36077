"""Units of length: layouts speak mm from the top-left of the trim box, PDF speaks points from the bottom-left.

And the unit of ink, a percentage of one full plate.
"""

PT_PER_MM = 72 / 25.4
MM_PER_PT = 25.4 / 72

# Of four plates on one place: coated stock takes 300 to 350%, other stocks and plastic take less.
MOST_INK = 300.0
