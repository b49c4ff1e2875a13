"""How do all of a detector's streams look at one video that may be hostile?"""

from __future__ import annotations

from collections.abc import Callable

from deepfake_core.contract.records import Extracted
from deepfake_core.detector.bounded import ExaminationFailed
from deepfake_core.detector.detector import Detector, Extracts
from deepfake_core.detector.scoring import Members


def examined(
    detector: Detector, video_id: str, extract: Callable[[Members], Extracted], wanted: frozenset[str]
) -> Extracts:
    """What each stream makes of a video. Where one couldn't be examined, no further one is: each would fall for the same file.

    Args:
        detector: whose streams.
        video_id: of the video.
        extract: has a stream look at it, in bounds.
        wanted: names of the streams that are to be used.
    """
    found: list[Extracted] = []
    failed: ExaminationFailed | None = None
    for members in detector.streams:
        if members.stream.name not in wanted:
            found.append(detector.left_out(video_id))
            continue
        try:
            if failed:
                raise failed
            found.append(extract(members))
        except ExaminationFailed as error:
            failed = error
            found.append(Extracted(video_id, None, error.status, {"detail": error.detail}))
    return [{video_id: item} for item in found]
