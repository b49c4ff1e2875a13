"""The steps, one file per MLproject entry point."""
