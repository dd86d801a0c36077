"""Long trials, run by hand: `make soak`."""
