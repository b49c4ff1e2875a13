"""The page: a video is dropped, a verdict is shown, nothing is kept."""
