"""How does a new plugin begin? As a small distribution that works, of plain files with a few names filled in.

The files stand under ``templates``: those of all kinds in ``shared``, the others in a folder of their kind. ``package`` in a path is
the name of the package, and ``$name`` and the like in a text are what ``string.Template`` replaces.
"""

from __future__ import annotations

import keyword
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from string import Template
from types import MappingProxyType

from deepfake_core.contract.errors import UsageError
from deepfake_core.contract.records import BEST
from deepfake_core.contract.tables import listed
from deepfake_core.listing import Installed

TEMPLATES = Path(__file__).parent / "templates"
SUFFIX = ".tmpl"
RESERVED = frozenset({"all", "auto", "core", "cli", BEST})
"""Names that commands give another meaning to, and those of our own distributions that hold no plugin."""


@dataclass(frozen=True)
class Kind:
    """A kind of plugin to begin with.

    Attributes:
        plugins: the tail of its entry-point group.
        target: object that the entry point names; empty for the module.
        needs: distributions that it stands on.
        tests_need: distributions that its tests stand on, besides.
        description: unless the author gives another one.
        then: commands that come after its installation.
    """

    plugins: str
    target: str
    needs: tuple[str, ...]
    tests_need: tuple[str, ...]
    description: str
    then: tuple[str, ...]


_STREAM = (
    "deepfake plugins check {name}",
    "mlflow run . -e stream -P name={name} --env-manager local",
    "deepfake run --ensemble rppg,{name}",
)
KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        "torch-stream": Kind(
            "streams",
            ":stream",
            ("deepfake-core", "deepfake-nn"),
            ("deepfake-core[authoring]", "deepfake-demo-dataset"),
            "faces: ConvNeXt on a few frames, BiLSTM, self-attention",
            _STREAM,
        ),
        "stream": Kind(
            "streams",
            "",
            ("deepfake-core", "numpy>=1.26", "pydantic>=2.7", "scikit-learn>=1.6"),
            ("deepfake-core[authoring]",),
            "colours and their change between frames, logistic regression",
            _STREAM,
        ),
        "fuser": Kind(
            "fusers",
            "",
            ("deepfake-core", "numpy>=1.26", "pandas>=2.2", "pydantic>=2.7"),
            ("deepfake-core[authoring]",),
            "median of the streams' standardised log odds",
            ("deepfake plugins check {name}", "deepfake run --fuser {name}"),
        ),
        "dataset": Kind(
            "datasets",
            "",
            ("deepfake-core", "pydantic>=2.7"),
            ("deepfake-core[authoring]",),
            "videos whose names say who is in them and how they were made",
            ("deepfake plugins check {name} --root VIDEOS", "deepfake index {name}=VIDEOS --out my.csv"),
        ),
    }
)
"""What can be begun, the usual one first."""


@dataclass(frozen=True)
class Begun:
    """A distribution that was written.

    Attributes:
        folder: of the distribution.
        files: that were written, relative to it.
        commands: to type next.
    """

    folder: Path
    files: tuple[str, ...]
    commands: tuple[str, ...]


def begin(name: str, kind: str, out: Path, *, author: str = "", description: str = "") -> Begun:
    """Writes a plugin's distribution into ``out/name``.

    Args:
        name: what users will type.
        kind: one of ``KINDS``.
        out: folder in which the distribution's folder is made.
        author: for the metadata.
        description: one line; a default for the kind if empty.

    Raises:
        UsageError: the name can't be one, or is taken; a text isn't one plain line; or something is there already.
    """
    chosen = KINDS[kind]
    _check_name(name, chosen)
    for what, text in {"author": author, "description": description}.items():
        if re.search(r'["\\]|[^\S ]', text) or not text.isprintable():
            raise UsageError(
                f"{what} {text!r} holds a quotation mark, a backslash or a line break.", hint="write one plain line."
            )
    folder = out / name
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        there = listed(sorted(path.name for path in folder.iterdir())) if folder.is_dir() else "a file"
        raise UsageError(
            f"{folder} exists and holds {there}; nothing was written.",
            hint="choose another name or --out, or move it away: no file is ever overwritten.",
        )
    values = _values(name, chosen, author, description)
    written = {path: Template(text).substitute(values) for path, text in _templates(kind, values["package"])}
    for path, text in written.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    install = f"pip install -e {shlex.quote(f'{folder}[test]')}"
    return Begun(folder, tuple(sorted(written)), (install, *(line.format(name=name) for line in chosen.then)))


def _check_name(name: str, kind: Kind) -> None:
    if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name) or keyword.iskeyword(name) or name in RESERVED:
        raise UsageError(
            f"{name!r} can't be the name of a plugin.",
            hint="use lower-case letters, digits and single underscores, a letter first, and no word that means something "
            f"else already ({', '.join(sorted(RESERVED))}, or a word of Python); e.g. my_encoder.",
        )
    taken = [offer.listing.plugin_id for offer in Installed().of(kind.plugins) if offer.listing.name == name]
    if taken:
        raise UsageError(
            f"the name {name!r} among {kind.plugins} is taken by {' and '.join(taken)}.",
            hint="choose another one, or uninstall it: two distributions can't offer the same name.",
        )


def _values(name: str, kind: Kind, author: str, description: str) -> dict[str, str]:
    return {
        "name": name,
        "title": "".join(part.capitalize() for part in name.split("_")),
        "package": f"deepfake_{name}",
        "distribution": f"deepfake-{name.replace('_', '-')}",
        "group": kind.plugins,
        "target": kind.target,
        "dependencies": _quoted(kind.needs),
        "test_dependencies": _quoted(kind.tests_need),
        "authors": f'{{ name = "{author}" }}' if author else "",
        "description": description or kind.description,
    }


def _quoted(names: tuple[str, ...]) -> str:
    return ", ".join(f'"{name}"' for name in names)


def _templates(kind: str, package: str) -> Iterator[tuple[str, str]]:
    """Path in the new distribution, and text, of each of its files."""
    for part in ("shared", kind.replace("-", "_")):
        for template in sorted((TEMPLATES / part).rglob(f"*{SUFFIX}")):
            path = template.relative_to(TEMPLATES / part).as_posix().removesuffix(SUFFIX)
            path = ".gitignore" if path == "gitignore" else re.sub("^package/", f"{package}/", path)
            yield path, template.read_text(encoding="utf-8")
