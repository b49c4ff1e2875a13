"""The pulse stream: remote photoplethysmography features and a stacked classifier."""
