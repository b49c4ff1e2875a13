"""A data set that renders itself: invented people, a known pulse, real manipulations."""
