"""How is a verdict put into words that anybody understands, and that claim no more than is known?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from deepfake_core.contract import errors
from deepfake_core.contract.records import STATUS_OK
from deepfake_core.data.pseudo import CAUTION, DEEPFAKES, fake_word
from deepfake_core.detector.manifest import Manifest
from deepfake_core.detector.verdict import Answer, Opinion, Verdict

ANSWERS: Mapping[Answer, str] = MappingProxyType(
    {
        "fake": "This looks like a fake to the detector.",
        "real": "This looks real to the detector.",
        "inconclusive": "The detector can't tell.",
    }
)

STATUSES: Mapping[str, str] = MappingProxyType(
    {
        STATUS_OK: "looked at it",
        errors.VideoNoFace.status: "saw no face in enough frames",
        errors.VideoTooShort.status: "needs a longer stretch",
        errors.VideoFrameRateTooLow.status: "needs more frames per second",
        errors.VideoTooLarge.status: "refuses frames of this size",
        errors.VideoUnreadable.status: "can't decode it",
        errors.VideoMissing.status: "can't open the file",
        errors.VideoContentChanged.status: "found another file than the one that was named",
        errors.FAILED: "failed, by a fault of its own",
        "refused": "may not look at this file",
        "examination_failed": "failed while it looked",
        "crashed": "crashed while it looked",
        "too_slow": "took too long and was stopped",
        "too_much_memory": "needed too much memory and was stopped",
        "not_asked": "wasn't asked",
    }
)
"""What a stream's status means; others are shown as they are."""

FACTS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "bpm": ("heart rate, bpm", ".0f"),
        "snr_db": ("clarity of the pulse (signal-to-noise ratio), dB", ".1f"),
        "fps": ("frames per second", ".4g"),
        "seconds": ("length that was looked at, s", ".1f"),
        "frames": ("frames that were looked at", ""),
        "sampled": ("frames that were searched for faces", ""),
        "frames_refused": ("frames left out as unsure, blurred or small", ""),
        "low_frame_rate": ("frame rate lower than wanted", ""),
        "aliased": ("frames too far apart for a pulse", ""),
        "width": ("width of the picture, pixels", ""),
        "height": ("height of the picture, pixels", ""),
        "detector": ("face detector", ""),
        "face_share": ("frames that show the face", ".0%"),
        "face_px": ("width of the face, pixels", ".0f"),
        "faces_seen": ("faces that last", ""),
        "face_jumps": ("jumps of the face, as at a cut", ""),
        "faces_interpolated": ("faces filled in, of those looked at", ""),
        "interpolated": ("faces filled in between two others", ""),
        "sharpness": ("sharpness of the face (variance of the Laplacian)", ".0f"),
        "tilt_deg": ("tilt of the head, degrees", ".0f"),
        "outside": ("part of the face beyond the picture's edge", ".0%"),
        "blurred": ("no frame as sharp as wanted", ""),
        "track": ("number of the face that was scored", ""),
    }
)
"""What the commoner facts are, and how they are written; others are shown under their own names."""

HIDDEN = frozenset({"content_hash", "detail"})
"""Facts for machines, or told elsewhere."""

REMEDY = (
    "Check that the file plays from start to end elsewhere. If it does, convert it to MP4 with H.264 video "
    "(ffmpeg -i FILE -c:v libx264 -crf 18 copy.mp4) and ask again; if it doesn't, get it again from where it came from."
)


def probability(p: float) -> str:
    """A probability to two places that never says 0 or 1."""
    return "below 0.01" if p < 0.005 else "above 0.99" if p >= 0.995 else f"{p:.2f}"


def reach(verdict: Verdict) -> str:
    """The 95 % range for a table; a dash where there is none."""
    if verdict.low is None or verdict.high is None:
        return "–"
    return f"{probability(verdict.low)} to {probability(verdict.high)}"


def estimate(verdict: Verdict) -> str:
    """The probability and how far it may be off, in a sentence or two."""
    if verdict.probability is None:
        return "There is no probability: too few streams could say anything."
    said = f"Probability that the video is a fake: {probability(verdict.probability)}."
    if verdict.low is None or verdict.high is None:
        return f"{said} It comes from one model alone, so how far another would differ isn't known."
    return (
        f"{said} Another model made in the same way would be expected to say {probability(verdict.low)} to "
        f"{probability(verdict.high)} (95 % range)."
    )


def status(opinion: Opinion) -> str:
    """Whether a stream looked at the video, or why it abstains."""
    if opinion.status == STATUS_OK and opinion.p is None:
        return "abstains"
    words = STATUSES.get(opinion.status, opinion.status.replace("_", " "))
    detail = opinion.quality.get("detail")
    return f"{words} ({detail})" if detail else words


def facts(opinions: Sequence[Opinion]) -> dict[tuple[str, ...], list[tuple[str, str]]]:
    """What was measured: names and values by who measured them. What several streams found alike stands once."""
    streams: dict[tuple[str, str], tuple[str, ...]] = {}
    for opinion in opinions:
        for name, value in opinion.quality.items():
            if name not in HIDDEN and value is not None:
                words, how = FACTS.get(name, (name.replace("_", " "), ""))
                fact = words, _written(value, how)
                streams[fact] = (*streams.get(fact, ()), opinion.stream)
    found: dict[tuple[str, ...], list[tuple[str, str]]] = {}
    for fact, who in streams.items():
        found.setdefault(who, []).append(fact)
    return found


def _written(value: float | int | str | bool, how: str) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return format(value, how or ".4g").replace("%", " %")
    return str(value)


def cautions(manifest: Manifest) -> list[str]:
    """What limits any answer of a detector."""
    learned = manifest.trained_on
    on_deepfakes = manifest.basis == DEEPFAKES
    methods = [method for method in learned.methods if method != "real"] if on_deepfakes else []
    return [
        *(() if on_deepfakes else (CAUTION,)),
        f"It has learned from {manifest.videos} of {learned.people} people, out of {listed(learned.datasets)}"
        + (f", and has seen these ways to forge: {listed(methods)}" if methods else "")
        + ". A video unlike these can fool it, in both directions: another way to forge, another camera, another kind of footage.",
        "Compression, resizing, filters and re-recording from a screen change what it sees, of real videos and of fakes.",
        "It looks at faces and what can be measured on them. It doesn't hear the sound, and doesn't know who is shown, or "
        "whether the video is shown out of context.",
        _decisions(*manifest.band, fake_word(manifest.basis)),
        "It is one piece of evidence, no proof. Where much depends on it, look for the original and ask where the video comes from.",
    ]


def _decisions(low: float, high: float, fake_word: str) -> str:
    """When a detector decides, and how often wrongly."""
    if low <= 0 and high >= 1:
        return "It was made from too few videos to decide anything: it never says “fake” or “real”."
    fake = f"“fake” above {high:.2f}" if high < 1 else "never “fake”"
    real = f"“real” below {low:.2f}" if low > 0 else "never “real”"
    return (
        f"It says {fake} and {real}. Among videos like those it was made from, at most one real video in ten is then called fake, and at most "
        f"one {fake_word} in ten real; among others it can be more."
    )


def listed(names: Sequence[str]) -> str:
    """``a, b and c``."""
    return " and ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))
