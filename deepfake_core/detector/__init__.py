"""What a user takes away: the fused model, and what it says of a video."""
