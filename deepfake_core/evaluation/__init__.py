"""How good scores are: metrics and plots."""
