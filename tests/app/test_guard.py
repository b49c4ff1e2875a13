"""Whom the page answers, and what browsers are told to refuse."""

from __future__ import annotations

import asyncio

import pytest

from deepfake_core.app.guard import Guard, is_loopback


async def _hello(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": [(b"x-app", b"1")]})
    await send({"type": "http.response.body", "body": b"hello"})


def asked(path="/", *, method="GET", local=True, **headers: str) -> tuple[int, dict[str, str]]:
    """Status and headers of the answer."""
    sent = []

    async def send(message):
        sent.append(message)

    named = {"host": "127.0.0.1:7860", **{name.replace("_", "-"): value for name, value in headers.items()}}
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "headers": [(name.encode(), value.encode()) for name, value in named.items()],
    }
    asyncio.run(Guard(_hello, local=local)(scope, None, send))
    return sent[0]["status"], {name.decode(): value.decode() for name, value in sent[0]["headers"]}


def test_browsers_are_told_to_stay_here():
    status, headers = asked()
    assert status == 200 and headers["x-app"] == "1"
    policy = dict(each.split(" ", 1) for each in headers["content-security-policy"].split("; "))
    assert policy["default-src"] == "'self'" and policy["object-src"] == "'none'"
    places = {place for sources in policy.values() for place in sources.split()}
    assert places == {"'self'", "'none'", "'unsafe-inline'", "'unsafe-eval'", "data:", "blob:"}


@pytest.mark.parametrize("host", ["127.0.0.1:7860", "localhost:7860", "localhost", "[::1]:7860", "192.168.1.7"])
def test_this_machine_by_any_of_its_names(host):
    assert asked(host=host)[0] == 200


@pytest.mark.parametrize("host", ["evil.example:7860", "127.0.0.1.evil.example", "localhost.evil.example", "", "[::1"])
def test_a_website_whose_name_points_here_is_refused(host):
    assert asked(host=host)[0] == 403


def test_a_page_for_the_network_may_have_a_name():
    assert asked(host="laboratory:7860", local=False)[0] == 200


def test_other_websites_may_link_but_not_send():
    assert asked(method="POST", sec_fetch_site="cross-site")[0] == 403
    assert asked(method="GET", sec_fetch_site="cross-site")[0] == 200
    assert asked(method="POST", sec_fetch_site="same-origin")[0] == 200
    assert asked(method="POST")[0] == 200


@pytest.mark.parametrize("path", ["/gradio_api/file=https://example.org/x", "/gradio_api/file=http://127.0.0.1:5000/"])
def test_nothing_is_fetched_for_others(path):
    assert asked(path)[0] == 403
    assert asked("/gradio_api/file=/tmp/x.mp4")[0] == 200


@pytest.mark.parametrize(
    ("host", "local"),
    [("127.0.0.1", True), ("127.8.0.1", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("::", False)],
)
def test_who_reaches_a_server(host, local):
    assert is_loopback(host) == local
    assert not is_loopback("laboratory")
