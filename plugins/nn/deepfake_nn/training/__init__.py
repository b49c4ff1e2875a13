"""How one fold's network is trained, chosen and written."""
