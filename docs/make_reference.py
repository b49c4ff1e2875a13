"""Which reference pages follow from the code? They are written when the site is built, so they are never stale."""

from __future__ import annotations

import inspect
import json
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import click
import yaml

from deepfake_core.cli import main
from deepfake_core.contract import errors, tables
from deepfake_core.detector import bounded, intake
from deepfake_core.plugins.catalogue import Entry, catalogue
from deepfake_core.plugins.describing import description

ROOT = Path(__file__).parents[1]

COLUMNS = {
    "video_id": "name of the video, unique within the index",
    "path": "of the file; relative paths are relative to the index",
    "label": "1 fake, 0 real",
    "dataset": "which data set it is of",
    "method": "how the fake was made; `real` for a real video",
    "identity": "the person whose footage it is",
    "identities": "everybody in it, separated by `;`",
    "split": "the data set's own `train`, `val` or `test`",
    "sha256": "of the file's content",
    "pseudo": "1 where the row stands for a pseudo-fake of the file",
    "fold": "the fold that holds it out",
    "group": "what intervals resample together: people who appear together",
    "protocol": "what the folds hold out",
    "status": "`ok`, or why there is no score: [statuses](errors.md#statuses-of-a-video)",
    "quality": "what was measured about the video, as JSON",
    "stream": "which stream scored it",
    "p": "P(fake), by the model that held it out; empty where there is none",
}
"""What each column of the contract's tables means; a column without an entry here stops the build."""

FILES = {
    "INDEX_FILE": "the index: `deepfake index`, and an artifact of every run",
    "FOLDS_FILE": "the folds: `deepfake folds`",
    "CERTIFICATE_FILE": "the proof that nobody is on both sides, beside the folds and in every run",
    "OOF_FILE": "the out-of-fold table of a stream's run",
    "EXTRACTED_FILE": "each video's status after extraction",
    "METRICS_FILE": "one row of metrics per fold",
    "OFFICIAL_METRICS_FILE": "metrics on the official test split, for folds of the protocol `official`",
    "SETTINGS_FILE": "the settings that a run used",
    "EXPORTS_DIR": "folder of files under the names of the published systems",
    "MODELS_DIR": "folder of a fold's model",
    "FUSED_FILE": "the fused scores",
    "ENSEMBLE_PREDICTIONS_FILE": "the fused scores under their published name",
    "ENSEMBLE_METRICS_FILE": "metrics with intervals",
    "META_FEATURES_FILE": "the table that fusers learn from",
    "ENSEMBLE_PLOTS_FILE": "ROC curves and figures in one picture",
}
"""What each file is that the contract names; a name without an entry here stops the build."""


def pages() -> dict[str, str]:
    """The generated pages: Markdown by their path below ``docs``."""
    installed = ours(catalogue())
    return {
        "reference/commands.md": commands_page(),
        "reference/project.md": project_page(),
        "reference/streams.md": settings_page("Streams", [e for e in installed if e.kind == "stream"]),
        "reference/fusers.md": fusers_page(installed),
        "reference/datasets.md": settings_page("Data sets", [e for e in installed if e.kind == "dataset"]),
        "reference/tables.md": tables_page(),
        "reference/errors.md": errors_page(),
    }


def commands_page() -> str:
    """Every command with its options, from click."""
    parts = ["# Commands", "What `deepfake … --help` prints, in one place."]
    for words, command in commands(main, ("deepfake",)):
        text, examples = _help(command)
        usage = " ".join((*words, *command.collect_usage_pieces(click.Context(command, info_name=words[-1]))))
        parts += [f"## {' '.join(words)}", f"`{usage}`", *text]
        options = [each for each in command.params if isinstance(each, click.Option)]
        if options:
            parts.append(_table(("option", "value", "default", "meaning"), map(_option, options)))
        if examples:
            parts.append("\n".join(("```bash", *examples, "```")))
    return _page(parts)


def commands(group: click.Group, words: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """The group itself and all commands below it, each with the words that call it."""
    yield words, group
    for name, command in sorted(group.commands.items()):
        if isinstance(command, click.Group):
            yield from commands(command, (*words, name))
        else:
            yield (*words, name), command


def _help(command: click.Command) -> tuple[list[str], list[str]]:
    """Paragraphs of the help text, and its examples."""
    paragraphs = inspect.cleandoc(command.help or "").split("\n\n")
    text = [" ".join(each.split()) for each in paragraphs if not each.startswith("\b")]
    lines = [line.strip() for each in paragraphs if each.startswith("\b") for line in each.splitlines()[2:]]
    return text, [re.sub(r" {3,}", "  # ", line) for line in lines]


def _option(option: click.Option) -> tuple[str, ...]:
    kind = option.type
    if isinstance(kind, click.Choice):
        value = ", ".join(f"`{choice}`" for choice in kind.choices)
    elif option.is_flag:
        value = ""
    elif isinstance(kind, click.IntRange | click.FloatRange):
        value = f"from {kind.min}" if kind.max is None else f"{kind.min} to {kind.max}"
    else:
        value = f"`{option.metavar or kind.name.upper()}`"
    # Asked with a context, as click does itself: an option without a default has none, not a marker for none.
    default = option.get_default(click.Context(click.Command("")))
    shown = "" if option.is_flag or default in (None, "", ()) else f"`{default}`"
    names = ", ".join(f"`{name}`" for name in option.opts)
    return names, value, "required" if option.required else shown, option.help or ""


def project_page() -> str:
    """The entry points of the MLflow project, from ``MLproject``."""
    entries: Mapping[str, Any] = yaml.safe_load((ROOT / "MLproject").read_text())["entry_points"]
    parts = [
        "# MLflow project",
        "`mlflow run . -e ENTRY -P parameter=value` calls the command of the same name, inside a run. "
        "`--env-manager local` uses the environment that is there; `main` is what `mlflow run .` runs.",
    ]
    for name, entry in entries.items():
        rows = [
            (f"`{parameter}`", f"`{declared['default']}`" if declared.get("default") else _absent(declared))
            for parameter, declared in entry["parameters"].items()
        ]
        called = " ".join(word for word in shlex.split(entry["command"])[:2])
        parts += [f"## {name}", f"Calls `{called}`.", _table(("parameter", "default"), rows)]
    return _page(parts)


def _absent(declared: Mapping[str, Any]) -> str:
    return "" if "default" in declared else "required"


def ours(entries: Iterable[Entry]) -> list[Entry]:
    """Plugins of this repository, whatever else is installed."""
    texts = [path.read_text() for path in sorted((ROOT / "plugins").glob("*/pyproject.toml"))]
    names = {"deepfake-core", *(re.search(r'^name = "(.+)"', text, flags=re.MULTILINE)[1] for text in texts)}
    return [entry for entry in entries if entry.listing.distribution in names]


def settings_page(title: str, entries: Sequence[Entry], before: Sequence[str] = ()) -> str:
    """Settings and presets of plugins of one kind."""
    parts = [
        f"# {title}",
        'Each setting can be given for a run: `--overrides "name=value,other=value"`. '
        "`deepfake plugins show NAME` prints the same for what is installed.",
        *before,
    ]
    for entry in entries:
        if entry.status != "ok":
            raise SystemExit(f"{entry.kind} {entry.listing.name} is {entry.status}: {entry.reason}")
        said = description(entry)
        presets: Mapping[str, Mapping[str, Any]] = said["presets"] if isinstance(said["presets"], dict) else {}
        parts += [f"## {entry.listing.name}", f"{entry.summary} ({entry.listing.distribution})".strip()]
        columns = list(presets) or ["default"]
        rows = [
            (
                f"`{setting['name']}`",
                setting["meaning"],
                *([_value(preset[setting["name"]]) for preset in presets.values()] or [_value(setting["default"])]),
                " or ".join(f"`{part}`" for part in setting["type"].split(" | ")),
                setting["bounds"],
            )
            for setting in said["settings"]
        ]
        head = ("setting", "meaning", *columns, "type", "bounds")
        parts.append(_table(head, rows) if rows else "It has no settings.")
    return _page(parts)


def fusers_page(entries: Sequence[Entry]) -> str:
    """Fusers with their settings, after the ensembles."""
    rows = [
        (f"`{entry.listing.name}`", ", ".join(f"`{stream}`" for stream in said["streams"]), f"`{said['fuser']}`")
        for entry in entries
        if entry.kind == "ensemble"
        for said in [description(entry)]
    ]
    before = ["An ensemble names streams that are used together.", _table(("ensemble", "streams", "fuser"), rows)]
    return settings_page("Fusers and ensembles", [e for e in entries if e.kind == "fuser"], before)


def tables_page() -> str:
    """Schemas and file names, from the contract."""
    parts = ["# Tables and files", "The schemas that every step checks, from `deepfake_core/contract/tables.py`."]
    for schema in (each for each in vars(tables).values() if isinstance(each, tables.Schema)):
        rows = [
            (f"`{c.name}`", c.kind, "" if c.required else "yes", "yes" if c.nullable else "", _meaning(COLUMNS, c.name))
            for c in schema.columns
        ]
        parts += [
            f"## The {schema.name} table",
            _table(("column", "kind", "may be absent", "may be empty", "meaning"), rows),
        ]
        if schema is tables.OOF:
            first, second = tables.embedding_columns(2)
            parts.append(f"Then the embedding of streams that have one: `{first}`, `{second}`, … (float32).")
        if schema is tables.JOINED:
            parts.append(
                f"Then, for each stream, its score and its embedding: `{tables.score_column('rppg')}`, "
                f"`{tables.feature_columns('rppg', 1)[0]}`, …"
            )
    named = {name: value for name, value in vars(tables).items() if re.fullmatch(r"[A-Z_]+_(FILE|DIR)", name)}
    parts += [
        "## Files",
        _table(("file", "what it is"), [(f"`{value}`", _meaning(FILES, name)) for name, value in named.items()]),
    ]
    return _page(parts)


def errors_page() -> str:
    """Errors, exit codes and statuses, from the contract."""
    stopping = [(f"`{kind.__name__}`", str(kind.exit_code), _first_line(kind)) for kind in _below(errors.DeepfakeError)]
    # These modules' own errors about one video count, too.
    assert bounded and intake
    about_video = [
        (f"`{kind.status}`", "failure" if kind.status in errors.FAILURES else "abstains", _first_line(kind))
        for kind in _below(errors.VideoError)
    ]
    failed = (
        f"`{errors.FAILED}`",
        "failure",
        "A plugin raised something unexpected on this video; the detail says what.",
    )
    return _page(
        [
            "# Errors and statuses",
            "## Errors that stop a step",
            "Each ends with a hint: what to do next. The exit code is what the command returns "
            "([all exit codes](../operations.md#exit-codes)).",
            _table(("error", "exit code", "meaning"), stopping),
            "## Statuses of a video",
            "A video never stops a step; it keeps its row, with the reason. A *failure* means that something is wrong with a "
            "file or a program: it is listed, and the command ends with exit code 4. Otherwise the stream rightly *abstains*.",
            _table(("status", "kind", "meaning"), [*about_video, failed]),
        ]
    )


def _meaning(known: Mapping[str, str], name: str) -> str:
    if name not in known:
        raise SystemExit(f"docs/make_reference.py doesn't say what {name} is: add it to its table of meanings.")
    return known[name]


def _below(kind: type[Any]) -> list[type[Any]]:
    found = [kind for sub in kind.__subclasses__() for kind in (sub, *_below(sub))]
    return [kind for kind in found if kind.__module__.startswith("deepfake_core.")]


def _first_line(kind: type[object]) -> str:
    return (inspect.getdoc(kind) or "").splitlines()[0].replace("``", "`")


def _value(value: Any) -> str:
    if value in ("required", ""):
        return value
    return f"`{value}`" if isinstance(value, str) else f"`{json.dumps(value)}`"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(' '.join(cell.split()) for cell in line)} |" for line in lines)


def _page(parts: Iterable[str]) -> str:
    return "\n\n".join(part for part in parts if part) + "\n"
