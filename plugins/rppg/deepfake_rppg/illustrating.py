"""What does one clip's pulse look like, and how far can it be believed?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from deepfake_core import Extracted, Panel
from deepfake_rppg.clip import Pulse, load_pulse
from deepfake_rppg.features.coupling import TOLERANCE_BPM
from deepfake_rppg.features.rhythm import HOP_S, LEAST_WINDOWS, WINDOW_S, Course, course
from deepfake_rppg.figures import REAL_COLOUR, draw_pulse
from deepfake_rppg.traces import REGIONS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SHOWN = ("forehead", "left_cheek", "right_cheek", "nose", "chin")
"""Regions that are drawn below the face as a whole."""

CLEAR_DB, FAINT_DB = 6.0, 3.0
"""Signal-to-noise ratios from which on a pulse is clear, or faint. Of the demo set's 48 clips, whose pulse is known, the heart
rate was right within 3 bpm in 18 of 18 from 6 dB on, in 7 of 9 from 3 to 6 dB, and in 5 of 21 below."""

LINE_COLOUR = "#444444"

DRAWN = (
    "How the colour of the skin changes in the band of heart rates, over the face as a whole and in regions of it; on the right, how strong "
    "each rate is, with the strongest marked."
)

LESSON = (
    "A pulse is no proof of a real face: that of the person filmed can survive in a forged one (Seibold et al. 2025, "
    "doi:10.3389/fimag.2025.1504551)."
)

EXCUSE = (
    "By itself that is no sign of a forgery: compression, movement and poor light hide the pulse of real faces, too, and most real footage "
    "that was tried shows none."
)


def illustrate(clip: Extracted) -> list[Panel]:
    """The pulse by region with its spectrum, and heart rate and signal-to-noise ratio over time if there is a pulse."""
    assert clip.path is not None
    pulse = load_pulse(clip.path)
    aliased = bool(clip.quality.get("aliased"))
    panels = [Panel("Pulse", f"{DRAWN} {_belief(pulse, aliased=aliased)}", by_region(pulse))]
    found = course(pulse.face.astype(np.float64), pulse.fs, pulse.bpm)
    if np.isfinite(pulse.bpm) and len(found.start_s) >= LEAST_WINDOWS:
        panels.append(Panel("Heart rate over time", _course_caption(pulse, found), over_time(pulse, found)))
    return panels


def by_region(pulse: Pulse) -> Figure:
    """Pulse over time and its spectrum: of the face, and of some regions."""
    from matplotlib.figure import Figure

    rows = [("face", pulse.face, pulse.bpm, pulse.snr)]
    for name in SHOWN:
        column = REGIONS.index(name)
        values = pulse.regions[:, column], pulse.region_bpm[column], pulse.region_snr[column]
        rows.append((name.replace("_", " "), *values))
    figure = Figure(figsize=(9, 0.5 + 0.85 * len(rows)), layout="constrained")
    axes = figure.subplots(len(rows), 2, width_ratios=(3, 1), sharex="col")
    for (trace, spectrum), (name, signal, bpm, snr) in zip(axes, rows, strict=True):
        colour = REAL_COLOUR if name == "face" else LINE_COLOUR
        draw_pulse(trace, spectrum, signal, bpm, fs=pulse.fs, colour=colour, start_s=pulse.start_s)
        trace.set_title(f"{name}: {_measured(bpm, snr)}", fontsize=8, loc="left", pad=2)
        trace.tick_params(labelsize=7)
    axes[0, 0].set_xlim(pulse.start_s, pulse.start_s + len(pulse.face) / pulse.fs)
    axes[len(rows) // 2, 0].set_ylabel("change of colour, %", fontsize=8)
    axes[-1, 0].set_xlabel("time in the video, s", fontsize=8)
    axes[-1, 1].set_xlabel("beats per minute", fontsize=8)
    axes[-1, 1].tick_params(labelsize=7)
    return figure


def over_time(pulse: Pulse, found: Course) -> Figure:
    """Heart rate and signal-to-noise ratio of the face in windows of 3 s."""
    from matplotlib.figure import Figure

    middle = pulse.start_s + found.start_s + WINDOW_S / 2
    figure = Figure(figsize=(9, 3.2), layout="constrained")
    rate, clarity = figure.subplots(2, 1, sharex=True)
    rate.plot(middle, found.bpm, color=REAL_COLOUR, marker="o", ms=4, lw=1)
    rate.axhline(pulse.bpm, color=LINE_COLOUR, lw=1, ls="--")
    rate.set(ylabel="beats per minute", ylim=(40, 240))
    clarity.plot(middle, found.snr, color=REAL_COLOUR, marker="o", ms=4, lw=1)
    clarity.axhline(pulse.snr, color=LINE_COLOUR, lw=1, ls="--")
    lowest, highest = np.nanmin([*found.snr, pulse.snr, 0.0]), np.nanmax([*found.snr, pulse.snr, CLEAR_DB])
    clarity.axhspan(lowest - 1, FAINT_DB, color=LINE_COLOUR, alpha=0.08, lw=0)
    clarity.set(ylabel="SNR, dB", xlabel="time in the video, s", ylim=(lowest - 1, highest + 1))
    clarity.set_xlim(pulse.start_s, pulse.start_s + len(pulse.face) / pulse.fs)
    return figure


def _measured(bpm: float, snr: float) -> str:
    if not np.isfinite(bpm):
        return "nothing to measure"
    return f"{bpm:.0f} bpm" + (f", SNR {snr:.1f} dB" if np.isfinite(snr) else "")


def _belief(pulse: Pulse, *, aliased: bool) -> str:
    """What the heart rate and its clarity mean."""
    if not np.isfinite(pulse.bpm):
        return "No pulse could be measured here; that says nothing of whether the face is real."
    clarity = f"a signal-to-noise ratio of {pulse.snr:.1f} dB" if np.isfinite(pulse.snr) else "no signal-to-noise ratio"
    said = f"The strongest is {pulse.bpm:.0f} beats per minute, with {clarity}:"
    if aliased:
        return f"{said} but the frames lie too far apart for heart rates, which appear as others here."
    if pulse.snr >= FAINT_DB:
        how = "a clear pulse." if pulse.snr >= CLEAR_DB else "a faint pulse, whose rate may be wrong."
        return f"{said} {how} {LESSON}"
    return f"{said} no clear pulse, so the rate means little. {EXCUSE}"


def _course_caption(pulse: Pulse, found: Course) -> str:
    near = np.abs(found.bpm - pulse.bpm) <= TOLERANCE_BPM
    return (
        f"Heart rate and signal-to-noise ratio (SNR) of the face in windows of {WINDOW_S:g} s, one every {HOP_S:g} s; dashed, those of the "
        f"whole clip. Within {TOLERANCE_BPM:g} bpm of its rate: {near.sum()} of {len(near)} windows. Where the ratio lies in the grey, below "
        f"{FAINT_DB:g} dB, a rate means little."
    )
