"""From the out-of-fold tables of several streams to one decision per video, none of it made by anything that saw the video."""
