"""Can runs be recorded? The tracking store and the place of artifacts, looked at without MLflow, which would migrate them."""

from __future__ import annotations

import re
import sqlite3
import urllib.error
import urllib.request
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from deepfake_core import peek
from deepfake_core.doctor.line import Line, ok, problem, warning
from deepfake_core.doctor.storing import existing, writable

SERVER_TIMEOUT_S = 5.0
CLOCK_S = 300.0
"""How far this machine's clock and the server's may lie apart before runs look out of order."""

_DRIVERS = {"s3": "boto3", "gs": "google.cloud.storage", "wasbs": "azure.storage.blob"}


def is_served() -> bool:
    """Whether runs go to a server."""
    return peek.store_uri().startswith(("http://", "https://"))


def local(name: str) -> Line:
    """A store in files: there or to be made, and of this MLflow's schema."""
    uri = peek.store_uri()
    path = peek.database(uri)
    if path is None:
        return _other(name, uri)
    if not writable(existing(path.parent)):
        return problem(
            name, f"{path.parent} can't be written to", next="go to another folder, or set MLFLOW_TRACKING_URI."
        )
    if not path.exists():
        return ok(name, f"{uri}: the first run makes it")
    try:
        found = [number for (number,) in peek.rows(path, "SELECT version_num FROM alembic_version")]
    except sqlite3.Error as error:
        return problem(
            name, f"{path} is no MLflow data base: {error}", next="move it away, or set MLFLOW_TRACKING_URI."
        )
    return _schema(name, uri, path, found)


def served(name: str) -> Line:
    """A tracking server: answers, and is of a version that this MLflow can talk to."""
    uri = peek.store_uri()
    try:
        with urllib.request.urlopen(f"{uri.rstrip('/')}/version", timeout=SERVER_TIMEOUT_S) as response:
            theirs, date = response.read(64).decode(errors="replace").strip(), response.headers.get("Date")
    except urllib.error.HTTPError as error:
        return warning(
            name,
            f"{uri} answers with {error.code} {error.reason}",
            next="see that MLFLOW_TRACKING_URI is right, and MLFLOW_TRACKING_USERNAME and _PASSWORD if it wants them.",
        )
    except (OSError, ValueError) as error:
        return problem(name, f"{uri} can't be reached: {error}", next="start the server, or mend MLFLOW_TRACKING_URI.")
    ours = version("mlflow")
    if theirs.partition(".")[0] != ours.partition(".")[0]:
        return warning(
            name, f"{uri} has MLflow {theirs}, here is {ours}", next="use the same major version on both sides."
        )
    skew = abs((datetime.now(timezone.utc) - parsedate_to_datetime(date)).total_seconds()) if date else 0.0
    if skew > CLOCK_S:
        return warning(name, f"{uri}: its clock and this one lie {skew:.0f} s apart", next="set the clock (NTP).")
    return ok(name, f"{uri}: MLflow {theirs}")


def artifacts(name: str) -> Line:
    """The folder in which runs keep their files."""
    uri = peek.store_uri()
    if is_served():
        return ok(name, "kept by the tracking server")
    path = peek.database(uri)
    location = _location(path) if path else "mlruns"
    parts = urlsplit(location)
    if parts.scheme not in ("", "file"):
        return _remote(name, location, parts.scheme)
    folder = Path(url2pathname(parts.path) if parts.scheme else location).absolute()
    if writable(existing(folder)):
        return ok(name, f"{folder}: writable")
    return problem(name, f"{folder} can't be written to", next="mend its rights, or start from another folder.")


def revisions() -> tuple[frozenset[str], str]:
    """The schema revisions that the installed MLflow knows, and the newest of them, read from its migrations."""
    spec = find_spec("mlflow")
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError("mlflow isn't installed")
    folder = Path(spec.submodule_search_locations[0]) / "store" / "db_migrations" / "versions"
    texts = [path.read_text(encoding="utf-8") for path in folder.glob("*.py")]
    known = {found for text in texts for found in re.findall(r'^revision\s*=\s*["\'](\w+)["\']', text, re.MULTILINE)}
    before = {
        found for text in texts for found in re.findall(r'^down_revision\s*=\s*["\'](\w+)["\']', text, re.MULTILINE)
    }
    (newest,) = known - before
    return frozenset(known), newest


def _schema(name: str, uri: str, path: Path, found: list[str]) -> Line:
    known, newest = revisions()
    if found == [newest]:
        return ok(name, f"{uri}: schema {newest} of MLflow {version('mlflow')}")
    if set(found) <= known:
        return problem(
            name,
            f"{uri} has the schema {', '.join(found) or 'none'} of an older MLflow; {version('mlflow')} wants {newest}",
            next=f"copy {path}, then: mlflow db upgrade {uri}",
        )
    return problem(
        name, f"{uri} has the schema {', '.join(found)} of a newer MLflow", next="install the MLflow that made it."
    )


def _other(name: str, uri: str) -> Line:
    if "://" in uri and not uri.startswith("file:"):
        return warning(name, f"{uri} is only opened by MLflow itself", next="see that `mlflow ui` with it starts.")
    folder = Path(url2pathname(urlsplit(uri).path) if uri.startswith("file:") else uri)
    if not writable(existing(folder)):
        return problem(name, f"{folder} can't be written to", next="go to another folder, or set MLFLOW_TRACKING_URI.")
    return warning(
        name,
        f"{folder} keeps runs in files, which MLflow no longer develops",
        next="for a new store: export MLFLOW_TRACKING_URI=sqlite:///mlflow.db",
    )


def _location(path: Path) -> str:
    """Where the experiment's runs keep their files; MLflow's usual folder before there is one."""
    try:
        found = dict(peek.rows(path, "SELECT name, artifact_location FROM experiments"))
    except sqlite3.Error:
        return "mlruns"
    return found.get("deepfake") or found.get("Default") or "mlruns"


def _remote(name: str, location: str, scheme: str) -> Line:
    driver = _DRIVERS.get(scheme)
    if driver is None:
        return warning(name, f"{location} is only opened by MLflow itself", next="see that a run's files arrive there.")
    try:
        there = find_spec(driver) is not None
    except ModuleNotFoundError:
        there = False
    if there:
        return ok(name, f"{location}, through {driver}; whether it may be written to shows when a run ends")
    return problem(name, f"{location} needs {driver}", next=f"pip install {driver.replace('.', '-')}")
