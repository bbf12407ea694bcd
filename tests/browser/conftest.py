"""A real Chromium in front of a real server with real transactions."""

import os
import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

# Playwright keeps an event loop in this thread, and Django would refuse to ask the database beside it.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")

NAMES = ("chromium", "chromium-browser", "google-chrome")
ARGS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --disable-dev-shm-usage"
).split()


def pytest_collection_modifyitems(items: list[Any]) -> None:
    for item in items:
        if "tests/browser" in item.path.as_posix():
            item.add_marker("browser")


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    path = next((found for name in NAMES if (found := shutil.which(name))), None)
    if path is None:
        pytest.skip("There is no Chromium on this machine: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGS)
        yield browser
        browser.close()


# The browser notes every answer that refuses, and htmx every question that a newer one took the place of.
# What the page shows then is for the test to see.
ORDINARY = ("status of 409", "status of 422", "htmx:afterRequest", "htmx:sendAbort")


def is_fault(said: Any) -> bool:
    return said.type == "error" and not any(words in said.text for words in ORDINARY)


@pytest.fixture
def tab(chromium: Browser, live_server: Any, client: Any) -> Iterator[Any]:
    """Opens a tab: `tab("/deployments/", as_=alice)`. What goes wrong inside the page fails the test."""
    contexts, faults = [], []

    def open_tab(url: str, *, as_: Any = None, width: int = 1440) -> Page:
        context = chromium.new_context(
            base_url=live_server.url, color_scheme="light", viewport={"width": width, "height": 800}
        )
        contexts.append(context)
        if as_:
            client.force_login(as_)
            cookie = client.cookies["sessionid"].value
            context.add_cookies([{"name": "sessionid", "value": cookie, "url": live_server.url}])
        page = context.new_page()
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda said: faults.append(said.text) if is_fault(said) else None)
        page.goto(url)
        return page

    yield open_tab
    for context in contexts:
        context.close()
    assert faults == []
