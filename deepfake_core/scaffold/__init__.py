"""The files that a new plugin starts from."""
