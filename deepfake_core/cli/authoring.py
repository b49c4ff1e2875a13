"""Commands for authors of plugins: begin one, check that it keeps its promises."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from deepfake_core.cli import completing
from deepfake_core.cli.installed import plugins
from deepfake_core.cli.options import overrides_option, preset_option

if TYPE_CHECKING:
    from deepfake_core.testing.checking import Result

CHECKED = ("stream", "fuser", "dataset")


@plugins.command("new")
@click.argument("name")
@click.option(
    "--kind",
    type=click.Choice(["torch-stream", "stream", "fuser", "dataset"]),
    default="torch-stream",
    show_default=True,
    help="A neural stream on face crops, any other stream, a fuser, or a data set.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(),
    show_default=True,
    help="Folder in which a folder of that name is made.",
)
@click.option("--author", default="", metavar="NAME", help="For the distribution's metadata.")
@click.option("--description", default="", metavar="TEXT", help="What it does, in one line.")
def plugins_new(name: str, kind: str, out: Path, author: str, description: str) -> None:
    """Begin a plugin: a small distribution that works, with tests, to be changed into yours. Overwrites nothing.

    \b
    Examples:
      deepfake plugins new my_encoder
      deepfake plugins new blinks --kind stream --description "how often people blink"
      deepfake plugins new our_archive --kind dataset --out ~/src
    """  # noqa: D301
    from deepfake_core.scaffold.writing import begin

    begun = begin(name, kind, out, author=author, description=description)
    for path in begun.files:
        click.echo(f"wrote {begun.folder / path}")
    click.echo("next:")
    for command in begun.commands:
        click.echo(f"  {command}")


@plugins.command("check")
@click.argument("name", shell_complete=completing.any_plugin)
@click.option("--kind", type=click.Choice(CHECKED), help="Where plugins of several kinds have the same name.")
@click.option(
    "--index",
    "index_name",
    default="demo",
    show_default=True,
    help="Index CSV whose videos a stream is checked on, a few of them; by default clips of the demo data set.",
)
@click.option(
    "--root", type=click.Path(path_type=Path, exists=True, file_okay=False), help="Folder to check a data set on."
)
@preset_option
@overrides_option
@click.option(
    "--expected", multiple=True, metavar="CHECK=REASON", help="A check that is known to fail; it must then fail."
)
def plugins_check(
    name: str,
    kind: str | None,
    index_name: str,
    root: Path | None,
    preset: str,
    overrides: str,
    expected: tuple[str, ...],
) -> None:
    """Check that an installed plugin keeps every promise of the hook contract. Needs pytest.

    Exit code 3: it doesn't. A stream is trained several times on a few videos; choose settings that make it quick.

    \b
    Examples:
      deepfake plugins check rppg
      deepfake plugins check xception --overrides "epochs=2,frames=4,size=64"
      deepfake plugins check ffpp --root /data/FF++
    """  # noqa: D301
    from importlib.util import find_spec

    from deepfake_core.contract.errors import EXIT_REFUSED, UsageError

    if find_spec("pytest") is None:
        raise UsageError(
            "the checks are pytest's, which isn't installed.", hint='pip install "deepfake-core[authoring]"'
        )
    from deepfake_core.testing.checking import REFUSING, Asked, check

    asked = Asked(_kind(name, kind), name, preset, overrides, index_name, root, _reasons(expected))
    if asked.kind == "dataset" and root is None:
        _require_own_videos(name)
    results = []
    for result in check(asked):
        results.append(result)
        _print(result)
    refused = [result for result in results if result.outcome in REFUSING]
    kept = sum(result.outcome == "passed" for result in results)
    click.echo(f"{asked.kind} {name}: {kept} of {len(results)} checks passed, {len(refused)} failed or not run")
    sys.exit(EXIT_REFUSED if refused else 0)


def _print(result: Result) -> None:
    click.echo(f"{result.check.removeprefix('test_').replace('_', ' '):<52} {result.outcome}")
    if result.outcome != "passed":
        if result.outcome == "failed":
            click.echo(f"    promise: {result.promise}")
        click.echo(f"    {result.reason}")


def _require_own_videos(name: str) -> None:
    """Only a data set that makes its videos can be checked without a folder.

    Raises:
        UsageError: it doesn't.
    """
    from deepfake_core.contract.errors import UsageError
    from deepfake_core.plugins import load_dataset

    if not load_dataset(name).info.self_made:
        raise UsageError(f"data set {name!r} needs its folder.", hint="add --root /path/to/it.")


def _reasons(expected: tuple[str, ...]) -> dict[str, str]:
    """Checks that are to fail, by name, and why.

    Raises:
        UsageError: one is given without a reason.
    """
    from deepfake_core.contract.errors import UsageError

    reasons = {}
    for text in expected:
        check, _, reason = text.partition("=")
        if not reason.strip():
            raise UsageError(
                f"--expected {text!r} gives no reason.",
                hint='write e.g. --expected "test_it_prints_nothing=a library does".',
            )
        reasons[check] = reason
    return reasons


def _kind(name: str, kind: str | None) -> str:
    """Of which kind the plugin is.

    Raises:
        UnknownPlugin: there is none of this name.
        UsageError: there are several.
    """
    from deepfake_core.contract.errors import UsageError
    from deepfake_core.listing import Installed, unknown

    present = Installed()
    names = {one: [offer.listing.name for offer in present.of(f"{one}s")] for one in CHECKED}
    found = [one for one in ((kind,) if kind else CHECKED) if name in names[one]]
    if not found:
        kinds = f"{kind}s" if kind else "plugins"
        raise unknown(name, kinds, sorted({other for one in ((kind,) if kind else CHECKED) for other in names[one]}))
    if len(found) > 1:
        raise UsageError(f"{name!r} is the name of a {' and of a '.join(found)}.", hint=f"add --kind {found[0]}.")
    return found[0]
