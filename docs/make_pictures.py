"""Which pictures explain the project? Run ``python docs/make_pictures.py RUN`` to draw them again.

``architecture.svg`` is drawn from what is written here. ``result.svg`` is drawn from a finished run: ``RUN`` is the folder
``ensemble`` that ``deepfake run`` leaves. Both have their own background, so that they read the same
on light and dark pages, and name fonts that every system has.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from html import escape
from pathlib import Path

import pandas as pd

IMAGES = Path(__file__).parent / "images"

INK, SOFT, PAPER, LINE = "#1f2933", "#52606d", "#ffffff", "#9aa5b1"
CORE, PLUGIN, ARTIFACT, FINAL = "#dbeafe", "#fde9c8", "#eef1f4", "#c8553d"
STREAM, FUSION = "#2a7f9e", "#8a8a8a"
FONT = "font-family='Helvetica, Arial, sans-serif'"


def text(
    x: float, y: float, words: str, *, size: float = 13, weight: str = "400", fill: str = INK, at: str = "middle"
) -> str:
    """One line of text."""
    return f"<text x='{x}' y='{y}' font-size='{size}' font-weight='{weight}' fill='{fill}' text-anchor='{at}'>{escape(words)}</text>"


def plate(x: float, y: float, width: float, height: float, fill: str) -> str:
    """A rounded rectangle."""
    return f"<rect x='{x}' y='{y}' width='{width}' height='{height}' rx='7' fill='{fill}' stroke='{LINE}'/>"


def box(x: float, y: float, width: float, height: float, title: str, lines: Iterable[str], fill: str) -> list[str]:
    """A box with a title and lines below it."""
    lines = list(lines)
    top = y + height / 2 - (len(lines) * 16) / 2 + 5
    return [
        plate(x, y, width, height, fill),
        text(x + width / 2, top, title, weight="700", size=14),
        *(text(x + width / 2, top + 17 + 16 * i, line, size=12, fill=SOFT) for i, line in enumerate(lines)),
    ]


def arrow(*points: tuple[float, float]) -> str:
    """A line through points, with a head at its end."""
    path = " ".join(f"{'M' if i == 0 else 'L'}{x},{y}" for i, (x, y) in enumerate(points))
    return f"<path d='{path}' fill='none' stroke='{SOFT}' stroke-width='1.6' marker-end='url(#head)'/>"


def drawing(width: int, height: int, title: str, parts: Iterable[str]) -> str:
    """A whole SVG."""
    head = (
        f"<marker id='head' viewBox='0 0 8 8' refX='7' refY='4' markerWidth='7' markerHeight='7' orient='auto'>"
        f"<path d='M0,0 L8,4 L0,8 z' fill='{SOFT}'/></marker>"
    )
    return "\n".join(
        (
            f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {width} {height}' role='img' {FONT}>",
            f"<title>{escape(title)}</title><defs>{head}</defs>",
            f"<rect width='{width}' height='{height}' rx='10' fill='{PAPER}'/>",
            *parts,
            "</svg>\n",
        )
    )


def architecture() -> str:
    """From videos to a verdict: what the core does, what plugins do, and what each step leaves in MLflow."""
    left, step, gap, top, tall = 24, 168, 26, 64, 98
    columns = [left + i * (step + gap) for i in range(5)]
    right = columns[-1] + step
    core = [
        ("index", ["videos, labels,", "everybody in them"]),
        ("folds", ["nobody on both sides;", "certificate"]),
        ("stream", ["trains per fold, scores", "only held-out videos"]),
        ("fuse", ["chooses, calibrates,", "thresholds inside folds"]),
        ("promote, predict", ["gate, champion;", "real, fake, inconclusive"]),
    ]
    plugins = [
        (0, 1, "data sets", "ffpp · celebdf · dfdc · csv · folder · demo"),
        (2, 2, "streams", "rppg · xception · …"),
        (3, 3, "fusers", "simplex · logistic · …"),
    ]
    left_behind = [
        "index CSV",
        "folds.csv, certificate",
        "run per fold: model,\nout-of-fold table",
        "run: fused scores,\nreport, intervals",
        "registered model,\naliases, gate",
    ]
    parts = [text(left, 38, "What the core does, one command per step", size=14, weight="700", at="start")]
    for x, (title, lines) in zip(columns, core, strict=True):
        parts += box(x, top, step, tall, title, lines, CORE)
    parts += [arrow((x + step + 2, top + tall / 2), (x + step + gap - 2, top + tall / 2)) for x in columns[:-1]]
    hooks = top + tall + 62
    for first, last, title, names in plugins:
        x, width = columns[first], columns[last] + step - columns[first]
        parts += box(x, hooks, width, 66, title, [names], PLUGIN)
        middle = x + (step if first < last else width) / 2
        parts.append(arrow((middle, hooks - 2), (middle, top + tall + 3)))
    parts.append(text(columns[0] + step / 2 + 12, hooks - 22, "hooks", size=12, fill=SOFT, at="start"))
    parts.append(text(columns[4] + 2, hooks + 18, "Plugins: distributions of", size=12, fill=SOFT, at="start"))
    parts.append(text(columns[4] + 2, hooks + 34, "their own, found by entry", size=12, fill=SOFT, at="start"))
    parts.append(text(columns[4] + 2, hooks + 50, "point, not by name.", size=12, fill=SOFT, at="start"))
    shelf = hooks + 66 + 46
    parts.append(plate(left, shelf, right - left, 92, ARTIFACT))
    parts.append(text(left + 12, shelf + 22, "MLflow: what each step leaves", size=14, weight="700", at="start"))
    for x, words in zip(columns, left_behind, strict=True):
        lines = words.split("\n")
        parts += [text(x + step / 2, shelf + 52 + 17 * i, line, size=12, fill=SOFT) for i, line in enumerate(lines)]
    store = shelf + 92 + 14
    parts.append(plate(left, store, right - left, 46, ARTIFACT))
    parts.append(text(left + 12, store + 28, "Store", size=14, weight="700", at="start"))
    words = (
        "what was extracted and trained, keyed by content and settings: computed once, resumed after an interruption"
    )
    parts.append(text(left + 64, store + 28, words, size=12, fill=SOFT, at="start"))
    return drawing(right + left, store + 46 + 22, "From videos to a verdict", parts)


def result(run: Path) -> str:
    """Streams and the ensemble with intervals, and what choosing on the test videos would have shown."""
    table = pd.read_csv(run / "exports" / "ensemble" / "ensemble_metrics_with_ci.csv")
    report = (run / "report.md").read_text()
    naive = float(re.search(r"would show (\d\.\d+): an optimism", report)[1])
    chosen = float(re.search(r"chosen by its result here: (\d\.\d+)", report)[1])
    groups = re.search(r"Measured on (\d+ videos, \d+ of them fake, in \d+ groups)", report)[1]
    measured = table.set_index("score")[["auc", "auc_low", "auc_high"]]
    streams = [(name, *measured.loc[name], STREAM) for name in table.loc[table["kind"] == "stream", "score"]]
    final = measured.loc[table.loc[table["kind"] == "final", "score"].item()]
    bars = [
        *streams,
        None,
        ("fitted and chosen on the test videos", naive, None, None, FUSION),
        ("cross-fitted, chosen on the test videos", chosen, None, None, FUSION),
        ("nested: what is reported", *final, FINAL),
    ]
    label, width, high = 290, 440, 26
    right = label + width

    def at(auc: float) -> float:
        return label + (auc - 0.4) / 0.6 * width

    parts = [
        text(24, 34, "AUC on the demo data set", size=16, weight="700", at="start"),
        text(24, 54, f"{groups} of people; 95 % intervals over these groups", size=12, fill=SOFT, at="start"),
        text(24, 86, "Streams", size=13, weight="700", at="start"),
    ]
    y = 98.0
    grid = []
    for bar in bars:
        if bar is None:
            y += 18
            parts.append(text(24, y + 6, "Their fusion, measured three ways", size=13, weight="700", at="start"))
            y += 18
            continue
        name, auc, low, upper, colour = bar
        parts.append(text(label - 10, y + high / 2 + 5, name, size=12.5, at="end"))
        middle = y + high / 2
        if low is not None:
            parts.append(
                f"<path d='M{at(low):.1f},{middle} H{at(upper):.1f}' stroke='{colour}' stroke-width='4' opacity='0.45'/>"
            )
        parts.append(f"<circle cx='{at(auc):.1f}' cy='{middle}' r='6.5' fill='{colour}'/>")
        parts.append(text(right + 14, y + high / 2 + 5, f"{auc:.2f}", size=12.5, weight="700", at="start"))
        y += high
    for tick in (0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0):
        dash = "4 3" if tick == 0.5 else "none"
        colour = SOFT if tick == 0.5 else "#e4e7eb"
        grid.append(f"<path d='M{at(tick):.1f},92 V{y + 4}' stroke='{colour}' stroke-dasharray='{dash}'/>")
        parts.append(text(at(tick), y + 20, f"{tick:.1f}", size=11.5, fill=SOFT))
    parts.append(text(at(0.5), y + 36, "guessing", size=11.5, fill=SOFT))
    return drawing(right + 70, int(y + 50), "AUC of four streams and of their fusion", [*grid, *parts])


if __name__ == "__main__":
    (IMAGES / "architecture.svg").write_text(architecture())
    if len(sys.argv) > 1:
        (IMAGES / "result.svg").write_text(result(Path(sys.argv[1])))
