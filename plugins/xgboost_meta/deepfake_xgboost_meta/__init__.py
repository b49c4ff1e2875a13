"""The second layer: boosted trees that read what every stream says of a video, its score and its embedding."""
