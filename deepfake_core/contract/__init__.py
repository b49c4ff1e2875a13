"""What the core and its plugins agree on. Imports nothing else of ours."""
