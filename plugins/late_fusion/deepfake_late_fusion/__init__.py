"""Late fusions: one probability per video out of one per stream."""
