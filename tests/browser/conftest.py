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


@pytest.fixture(scope="session")
def windows(chromium: Browser) -> Iterator[list[Page]]:
    """Those that no test uses now, each with cookies and a store of its own. To open one costs more than most tests."""
    free: list[Page] = []
    yield free
    for page in free:
        page.context.close()


@pytest.fixture
def tab(chromium: Browser, windows: list[Page], live_server: Any, client: Any) -> Iterator[Any]:
    """Opens a tab: `tab("/deployments/", as_=alice)`. What goes wrong inside the page fails the test."""
    opened: list[Page] = []
    faults: list[str] = []

    def note_error(error: Any) -> None:
        faults.append(str(error))

    def note(said: Any) -> None:
        if is_fault(said):
            faults.append(said.text)

    def open_tab(url: str, *, as_: Any = None, width: int = 1440) -> Page:
        page = windows.pop() if windows else new_window(chromium, live_server.url)
        opened.append(page)
        page.set_viewport_size({"width": width, "height": 800})
        if as_:
            client.force_login(as_)
            cookie = client.cookies["sessionid"].value
            page.context.add_cookies([{"name": "sessionid", "value": cookie, "url": live_server.url}])
        page.on("pageerror", note_error)
        page.on("console", note)
        page.goto(url)
        return page

    yield open_tab
    for page in opened:
        page.remove_listener("pageerror", note_error)
        page.remove_listener("console", note)
        if as_new(page):
            windows.append(page)
    assert faults == []


def new_window(chromium: Browser, address: str) -> Page:
    return chromium.new_context(base_url=address, color_scheme="light").new_page()


def as_new(page: Page) -> bool:
    """Whether the next test may have it: alone, at a page that does nothing, and with nothing kept. That page is the
    portal's too: from one that is not and back, the browser starts a process each time."""
    context = page.context
    if page.is_closed() or len(context.pages) > 1:
        context.close()
        return False
    page.evaluate("() => { localStorage.clear(); sessionStorage.clear(); }")
    page.goto("/healthz")
    page.emulate_media(color_scheme="light")
    context.clear_cookies()
    return True
