"""Does anybody's index, folds or predictions leak, and can its figures be believed? Needs no video file."""
