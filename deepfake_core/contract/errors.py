"""Which things can go wrong, and how each is told to the user.

Two families:

- [`DeepfakeError`][] stops a step. It carries an exit code and always ends with what to do next.
- [`VideoError`][] concerns one video. It never stops a step: its ``status`` becomes the status of that
  video's row, so the video stays in every table.
"""

from __future__ import annotations

__all__ = [
    "BrokenPlugin",
    "DeepfakeError",
    "DuplicatePlugin",
    "FoldsImpossible",
    "HookFailed",
    "InvalidSetting",
    "InvalidTable",
    "LeakageFound",
    "NoUsableVideo",
    "UnknownPlugin",
    "UsageError",
    "VideoContentChanged",
    "VideoError",
    "VideoFrameRateTooLow",
    "VideoMissing",
    "VideoNoFace",
    "VideoTooLarge",
    "VideoTooShort",
    "VideoUnreadable",
]

EXIT_BUG = 1
EXIT_USAGE = 2
EXIT_REFUSED = 3
EXIT_PARTIAL = 4


FAILED = "failed"
FAILURES = frozenset(
    {FAILED, "missing", "decode_error", "content_changed", "refused"}
    | {"examination_failed", "crashed", "too_slow", "too_much_memory"}
)
"""Statuses that mean something is wrong with a file or a program, not that a stream rightly abstains."""


class DeepfakeError(Exception):
    """Something the user can act on.

    Args:
        problem: what is wrong; names the video, file, column or plugin.
        hint: what to do next.
    """

    exit_code = EXIT_USAGE

    def __init__(self, problem: str, *, hint: str) -> None:
        super().__init__(problem, hint)
        self.problem = problem
        self.hint = hint

    def __reduce__(self) -> tuple[object, ...]:
        # Errors cross process borders; Exception's own pickling can't pass a keyword.
        return (_rebuild, (type(self), self.problem, self.hint))

    def __str__(self) -> str:
        return f"{self.problem}\nhint: {self.hint}"


def _rebuild(kind: type[DeepfakeError], problem: str, hint: str) -> DeepfakeError:
    return kind(problem, hint=hint)


class UsageError(DeepfakeError):
    """A parameter or file that was asked for doesn't exist or makes no sense."""


class InvalidTable(DeepfakeError):
    """An index, folds or prediction table breaks its schema."""


class InvalidSetting(DeepfakeError):
    """An override names an unknown setting, or gives it a value it can't have."""


class UnknownPlugin(DeepfakeError):
    """No installed distribution offers a plugin of this name."""


class DuplicatePlugin(DeepfakeError):
    """Two distributions offer a plugin of the same kind and name."""


class BrokenPlugin(DeepfakeError):
    """A plugin can't be imported, misspells a hook, or lacks one that its kind needs."""


class HookFailed(DeepfakeError):
    """A plugin broke its promise at run time: it raised, or returned something that the contract excludes."""


class FoldsImpossible(DeepfakeError):
    """The index can't be divided into identity-disjoint folds that hold both classes."""


class NoUsableVideo(DeepfakeError):
    """Too few videos are left to train on, once the unusable ones are set aside."""


class LeakageFound(DeepfakeError):
    """A person or a piece of content stands on both sides of a fold: the gate refuses."""

    exit_code = EXIT_REFUSED


class VideoError(Exception):
    """One video can't be used. The class says why, in ``status``.

    Args:
        detail: the measured fact, e.g. ``"1.0 s of 6.0 s"``; goes into the row's quality.
    """

    status = "error"

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail)
        self.detail = detail


class VideoMissing(VideoError):
    """The file isn't there or can't be opened."""

    status = "missing"


class VideoUnreadable(VideoError):
    """The file is no video, holds no frame, or breaks off while decoding."""

    status = "decode_error"


class VideoTooShort(VideoError):
    """Fewer frames or seconds than the stream needs."""

    status = "too_short"


class VideoFrameRateTooLow(VideoError):
    """Too few frames per second for what the stream measures."""

    status = "low_frame_rate"


class VideoTooLarge(VideoError):
    """A frame has more pixels than the bound that keeps memory in check."""

    status = "too_large"


class VideoNoFace(VideoError):
    """No face could be followed."""

    status = "no_face"


class VideoContentChanged(VideoError):
    """The file isn't the one that was indexed: its sha256 differs from the index's."""

    status = "content_changed"
