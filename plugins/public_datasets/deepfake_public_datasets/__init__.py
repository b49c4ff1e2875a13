"""Public deepfake data sets: one module each, from a folder to index rows."""
