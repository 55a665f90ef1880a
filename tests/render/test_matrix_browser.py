# SPDX-License-Identifier: Apache-2.0
"""The page of a matrix in a headless Chromium: what a reader sees, clicks, types and hears."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from preflight.render import matrix_html
from preflight.render.console import Style
from tests.matrix.scene import ABSENT, ATTACHES, BARE, GOOD, OPEN, OTHER, POOR, TRACEPOINT
from tests.predict import scenes
from tests.render import chromium
from tests.render.matrix_results import judged_result
from tests.render.test_contrast import contrast

#: Every text node that can be seen, with its colour and the nearest background that is not see-through.
_COLOURS = """
(() => {
  const found = new Map();
  const clear = (element) => /, 0\\)$|transparent/.test(getComputedStyle(element).backgroundColor);
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.textContent.trim() || !element.checkVisibility()) continue;
    let ground = element;
    while (ground && clear(ground)) ground = ground.parentElement;
    const back = getComputedStyle(ground || document.body).backgroundColor;
    const front = getComputedStyle(element).color;
    const text = walker.currentNode.textContent.trim().slice(0, 40);
    found.set(front + "/" + back, element.tagName + ": " + text);
  }
  return [...found].map(([colours, where]) => [...colours.split("/"), where]);
})()
"""
_ROWS = '[...document.querySelectorAll("#matrix tbody tr")].filter((r) => !r.hidden)'
_NAMES = f"{_ROWS}.map((r) => r.cells[0].innerText)"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[chromium.Browser]:
    program = chromium.executable()
    if program is None:
        pytest.skip("no Chromium is installed (Debian: apt-get install chromium); the page is tested in one")
    running = chromium.Browser(program, tmp_path_factory.mktemp("profile"))
    yield running
    running.close()


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    kernels = {"a/7.0": GOOD, "a/6.1": OTHER, "b/5.10": POOR, "b/6.6": BARE}
    missing = scenes.reader("gone")
    objects = {
        "absent": ABSENT,
        "attaches": ATTACHES,
        "open": OPEN,
        "tracepoint": TRACEPOINT,
        "missing": missing,
    }
    return judged_result(tmp_path_factory.mktemp("judged"), kernels, objects)


@pytest.fixture(scope="module")
def page(result: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("page") / "matrix.html"
    path.write_text(matrix_html.render(result, Style()), encoding="utf-8")
    return path.as_uri()


@pytest.fixture
def tab(browser: chromium.Browser, page: str) -> Iterator[chromium.Tab]:
    opened = chromium.Tab(browser)
    opened.open(page)
    yield opened
    opened.close()


def test_it_renders_without_a_complaint_or_a_request(tab: chromium.Tab, page: str) -> None:
    assert tab.js("document.querySelector('h1').innerText") == "Compatibility matrix"
    assert tab.js("document.documentElement.classList.contains('scripted')") is True
    assert tab.complaints() == []
    assert tab.requests() == [page]


def test_sorting_orders_the_rows_and_says_so(tab: chromium.Tab) -> None:
    button = "document.querySelector('#matrix thead th:nth-child(3) button')"
    failing = '[...document.querySelectorAll("#matrix tbody tr")].map((r) => +r.cells[2].innerText)'
    tab.js(f"{button}.click()")
    up = tab.js(failing)
    assert up == sorted(up)
    assert tab.js(f"{button}.parentElement.getAttribute('aria-sort')") == "ascending"
    tab.js(f"{button}.click()")
    assert tab.js(failing) == sorted(up, reverse=True)
    assert len(set(up)) > 1


def test_filtering_hides_rows_and_counts_them(tab: chromium.Tab) -> None:
    tab.js("document.getElementById('matrix-filter').focus()")
    tab.type("5.10")
    assert tab.js(_NAMES) == ["b/5.10"]
    assert tab.js("document.getElementById('matrix-count').innerText").startswith("1 of ")
    assert "q=5.10" in tab.js("location.hash")


def test_the_name_of_an_object_filters_columns(tab: chromium.Tab) -> None:
    tab.js("document.getElementById('matrix-filter').focus()")
    tab.type("absent")
    heads = '[...document.querySelectorAll("#matrix thead th[data-names]")].filter((h) => !h.hidden)'
    assert tab.js(f"{heads}.map((h) => h.dataset.names)") == ["absent"]
    assert len(tab.js(_NAMES)) > 1


def test_columns_and_rows_in_which_all_pass_can_be_hidden(tab: chromium.Tab) -> None:
    before = tab.js("document.querySelectorAll('#matrix thead th').length")
    tab.js("document.getElementById('matrix-hide-columns').click()")
    seen = "[...document.querySelectorAll('#matrix thead th')].filter((h) => h.checkVisibility()).length"
    assert 4 < tab.js(seen) < before
    tab.js("document.getElementById('matrix-hide').click()")
    assert (
        tab.js("[...document.querySelectorAll('#matrix tbody tr[data-pass]')].every((r) => r.hidden)") is True
    )


def test_the_address_brings_everything_back(tab: chromium.Tab) -> None:
    tab.js("document.querySelector('#matrix thead th:nth-child(3) button').click()")
    tab.js("document.querySelector('#matrix thead th:nth-child(3) button').click()")
    tab.js("document.getElementById('matrix-filter').focus()")
    tab.type("b/")
    tab.js("document.querySelector('#matrix tbody td[id]').click()")
    address, names = tab.js("location.hash"), tab.js(_NAMES)
    tab.reload()
    assert tab.js("location.hash") == address
    assert tab.js(_NAMES) == names
    assert tab.js("document.getElementById('matrix-filter').value") == "b/"
    assert (
        tab.js("document.querySelector('#matrix thead th:nth-child(3)').getAttribute('aria-sort')")
        == "descending"
    )
    assert tab.js("document.querySelectorAll('.chosen').length") == 1


def test_a_permalink_shows_its_cell(tab: chromium.Tab, page: str) -> None:
    cell = tab.js("[...document.querySelectorAll('#matrix tbody td[id]')].at(-1).id")
    tab.open("about:blank")
    tab.open(f"{page}#{cell}")
    assert tab.js("document.querySelector('.chosen').id") == cell
    middle = f"""(() => {{
      const box = document.getElementById("{cell}").getBoundingClientRect();
      const seen = document.elementFromPoint((box.left + box.right) / 2, (box.top + box.bottom) / 2);
      return seen && seen.closest("td") ? seen.closest("td").id : "covered";
    }})()"""
    assert tab.js(middle) == cell


@pytest.mark.parametrize(
    "hash_", ["#%", "#~sort=99d", "#~sort=x&q=%E0%A4%A", "#nowhere~hide=1", "#~q=" + "x" * 5000]
)
def test_strange_addresses_do_no_harm(tab: chromium.Tab, page: str, hash_: str) -> None:
    tab.open("about:blank")
    tab.open(page + hash_)
    assert tab.complaints() == []
    assert tab.js("document.querySelectorAll('#matrix tbody tr').length") > 1


def test_a_cell_leads_to_its_cause_by_keyboard_alone(tab: chromium.Tab) -> None:
    reached = ""
    for _ in range(60):
        tab.press("Tab")
        reached = tab.js(
            "document.activeElement.closest('#matrix td') ? document.activeElement.getAttribute('href') : ''"
        )
        if reached:
            break
    assert reached.startswith("#PC")
    tab.press("Enter")
    assert tab.js("location.hash") == reached
    assert tab.js("document.querySelector(':target').classList.contains('card')") is True


def test_the_first_tab_stop_skips_to_the_findings(tab: chromium.Tab) -> None:
    tab.press("Tab")
    assert tab.js("document.activeElement.className") == "skip"
    assert tab.js("getComputedStyle(document.activeElement).left") != "-1600px"


def test_arrows_move_between_cells_that_lead_somewhere(tab: chromium.Tab) -> None:
    tab.js("document.querySelector('#matrix td a').focus()")
    first = tab.js("document.activeElement.closest('td').id")
    for key, back in (("ArrowDown", "ArrowUp"), ("ArrowRight", "ArrowLeft")):
        tab.press(key)
        moved = tab.js("document.activeElement.closest('td').id")
        tab.press(back)
        assert tab.js("document.activeElement.closest('td').id") == first
        if moved != first:
            return
    raise AssertionError("no arrow moved anywhere")


def test_space_ticks_a_box_and_enter_sorts(tab: chromium.Tab) -> None:
    tab.js("document.getElementById('matrix-hide').focus()")
    tab.press(" ")
    assert tab.js("document.getElementById('matrix-hide').checked") is True
    tab.js("document.querySelector('#matrix thead button').focus()")
    tab.press("Enter")
    assert tab.js("document.querySelector('#matrix thead th').getAttribute('aria-sort')") == "ascending"


def test_what_has_the_focus_is_seen(tab: chromium.Tab) -> None:
    tab.js("document.getElementById('matrix-filter').focus()")
    tab.press("Tab")
    assert tab.js("getComputedStyle(document.activeElement).outlineStyle") == "solid"


def test_every_control_has_a_name(tab: chromium.Tab) -> None:
    controls = tab.controls()
    assert {"button", "link", "checkbox", "searchbox", "table"} <= {role for role, _ in controls}
    assert [role for role, name in controls if not name.strip()] == []


def test_structure_is_there_for_those_who_do_not_see(tab: chromium.Tab) -> None:
    assert tab.js("document.documentElement.lang") == "en"
    assert tab.js("[...document.querySelectorAll('th')].every((h) => h.scope)") is True
    assert tab.js("[...document.querySelectorAll('table')].every((t) => t.caption)") is True
    assert tab.js("document.querySelectorAll('main').length") == 1
    stops = "[...document.querySelectorAll('[tabindex]')]"
    assert tab.js(f"{stops}.every((e) => e.tabIndex === 0 && e.hasAttribute('role'))") is True
    assert tab.js("document.querySelectorAll('[role=status]').length") == 1


def _hex(colour: str) -> str:
    numbers = [float(part) for part in colour[colour.index("(") + 1 : -1].split(",")]
    return "#" + "".join(f"{round(number):02x}" for number in numbers[:3])


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_can_be_read(tab: chromium.Tab, scheme: str) -> None:
    tab.scheme(scheme)
    tab.js("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
    tab.js("document.querySelector('#matrix tbody td[id]').click()")
    pairs = tab.js(_COLOURS)
    assert len(pairs) > 5
    assert [(a, b, where) for a, b, where in pairs if contrast(_hex(a), _hex(b)) < 4.5] == []


def _size_and_shade(png: bytes) -> tuple[int, int, float]:
    """Width and height of a PNG, and how bright its first pixel is, 0 to 255."""
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = int.from_bytes(png[16:20], "big"), int.from_bytes(png[20:24], "big")
    data, at = b"", 8
    while at < len(png):
        length = int.from_bytes(png[at : at + 4], "big")
        if png[at + 4 : at + 8] == b"IDAT":
            data += png[at + 8 : at + 8 + length]
        at += length + 12
    rows = zlib.decompress(data)
    # the first pixel of the first row has no left and no upper neighbour: every filter leaves it as it is
    return width, height, sum(rows[1:4]) / 3


def test_screenshots_in_light_in_dark_and_narrow(browser: chromium.Browser, page: str) -> None:
    shades = {}
    for name, width, scheme in (("light", 1280, "light"), ("dark", 1280, "dark"), ("narrow", 390, "light")):
        tab = chromium.Tab(browser, width=width)
        tab.scheme(scheme)
        tab.open(page)
        seen_width, seen_height, shades[name] = _size_and_shade(tab.screenshot())
        assert (seen_width, seen_height) == (width, 900)
        assert tab.js("document.scrollingElement.scrollWidth") <= width, (
            f"{name}: the page itself scrolls sideways"
        )
        assert tab.js("document.querySelector('.sentence').getBoundingClientRect().bottom") < 600
        tab.close()
    assert shades["dark"] < 80 < 200 < shades["light"] == shades["narrow"]


@pytest.mark.parametrize("name", ["libbpf-tools", "tracers"])
def test_the_published_matrices_fit_a_telephone(browser: chromium.Browser, name: str) -> None:
    tab = chromium.Tab(browser, width=360)
    reports = Path(__file__).resolve().parents[2] / "reports"
    tab.open((reports / f"{name}.html").as_uri())
    assert tab.js("document.scrollingElement.scrollWidth") <= 360
    tab.close()


def test_the_heads_stay_in_sight(tab: chromium.Tab) -> None:
    box = "document.querySelector('.scroll.both')"
    tab.js(f"{box}.style.height = '120px'; {box}.style.width = '300px'; {box}.scrollTo(200, 60)")
    place = (
        "((e) => { const b = e.getBoundingClientRect(); const o = "
        + box
        + ".getBoundingClientRect(); return [b.left - o.left, b.top - o.top]; })"
    )
    head = tab.js(f"{place}(document.querySelector('#matrix thead th'))")
    row = tab.js(f"{place}(document.querySelector('#matrix tbody tr:last-child th'))")
    assert [round(n) for n in head] == [0, 0]
    assert round(row[0]) == 0


def test_without_scripts_all_is_there_and_links_work(browser: chromium.Browser, page: str) -> None:
    tab = chromium.Tab(browser, scripts=False)
    tab.open(page)
    tab.call("Emulation.setScriptExecutionDisabled", value=False)
    assert tab.js("document.documentElement.classList.contains('scripted')") is False
    assert tab.js("document.querySelectorAll('#matrix tbody td[id]').length") > 4
    assert tab.js("getComputedStyle(document.querySelector('.tools')).display") == "none"
    link = tab.js("document.querySelector('#matrix td a').getAttribute('href')")
    assert tab.js(f"document.querySelector('{link}') !== null") is True
    tab.close()


@pytest.mark.parametrize("with_style", [True, False])
def test_the_folder_works_and_reads_without_its_style_sheet(
    browser: chromium.Browser, result: dict[str, Any], tmp_path: Path, with_style: bool
) -> None:
    for name, text in matrix_html.folder(result):
        (tmp_path / name).write_text(text, encoding="utf-8")
    if not with_style:
        (tmp_path / matrix_html.STYLE).write_text("", encoding="utf-8")
    tab = chromium.Tab(browser)
    tab.open((tmp_path / "index.html").as_uri())
    assert tab.complaints() == []
    assert len(tab.requests()) == 3
    assert tab.js("document.documentElement.classList.contains('scripted')") is True
    text = tab.js("document.querySelector('#matrix tbody').innerText")
    assert "✗ attach PC503" in text
    assert "predicted" in text
    tab.close()


def test_a_list_stands_for_a_table_that_is_too_large(
    browser: chromium.Browser, result: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(matrix_html, "CELL_LIMIT", 4)
    path = tmp_path / "large.html"
    path.write_text(matrix_html.render(result, Style()), encoding="utf-8")
    tab = chromium.Tab(browser)
    tab.open(path.as_uri())
    assert tab.complaints() == []
    assert tab.js("document.querySelectorAll('#matrix tbody tr').length") <= 4
    tab.js("document.querySelector('#matrix thead button').click()")
    assert tab.js("document.querySelector('#matrix thead th').getAttribute('aria-sort')") == "ascending"
    tab.close()
