"""Who draws the card. A peer is a module with `draw(card, records, path)`: it writes one PDF, two pages a record."""
