"""What the neural streams share: clips to batches, layers, training, scoring."""
