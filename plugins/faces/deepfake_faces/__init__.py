"""Where the face is."""
