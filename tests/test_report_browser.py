"""report.html in a real Chromium: nothing is fetched or run, charts are there at every width, and keys are enough."""

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser
from report_examples import everything
from seen_page import CONTRAST, Scheme, SeenPage

from streams.report import page as page_of

PHONE, DESKTOP = (390, 844), (1280, 900)
HOSTILE = "<script>document.title='run'</script><img src=x onerror=\"document.title='run'\">\u202e\u2066" + "W" * 60

# how large each drawing is, which of its texts are cut off at its edge, and how many lie on one another
CHARTS = """() => [...document.querySelectorAll('svg')].map(svg => {
  const box = svg.getBoundingClientRect();
  const cut = [...svg.querySelectorAll('text')].filter(text => {
    const own = text.getBoundingClientRect();
    return own.left < box.left - 1 || own.right > box.right + 1 || own.top < box.top - 2 || own.bottom > box.bottom + 2;
  }).map(text => text.textContent);
  const boxes = [...svg.querySelectorAll('text')].map(text => text.getBoundingClientRect());
  const over = boxes.filter((a, i) => boxes.slice(i + 1).some(b =>
    a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 4 && b.top < a.bottom - 4)).length;
  const fills = [...svg.querySelectorAll('path')].map(path => getComputedStyle(path).fill);
  return {label: svg.getAttribute('aria-label'), width: box.width, height: box.height, cut, over, fills};
})"""


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("reports")
    found = {"plain": page_of(everything()), "hostile": page_of(everything(lambda name: HOSTILE + name))}
    for name, html in found.items():
        (folder / f"{name}.html").write_text(html)
    return {name: folder / f"{name}.html" for name in found}


def opened(browser: Browser, path: Path, size: tuple[int, int], scheme: Scheme = "light") -> SeenPage:
    report = SeenPage(browser.new_page(viewport={"width": size[0], "height": size[1]}, color_scheme=scheme))
    report.page.goto(path.as_uri(), wait_until="load")
    return report


def is_quiet(report: SeenPage, path: Path) -> bool:
    return report.said == [] and report.asked_for == [path.as_uri()]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
@pytest.mark.parametrize("name", ["plain", "hostile"])
def test_every_chart_is_there_and_whole_and_nothing_is_asked_for(
    browser: Browser, reports: dict[str, Path], name: str, size: tuple[int, int], scheme: Scheme
) -> None:
    report = opened(browser, reports[name], size, scheme)
    report.page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    charts: list[dict[str, Any]] = report.page.evaluate(CHARTS)
    assert len(charts) >= 18
    for chart in charts:
        assert chart["width"] > (300 if size == PHONE else 400), chart["label"]
        assert chart["height"] > 80, chart["label"]
        assert chart["cut"] == [], chart["label"]
        assert chart["over"] == 0, chart["label"]
        assert set(chart["fills"]) - {"none"}, chart["label"]
        assert "rgb(0, 0, 0)" not in chart["fills"], chart["label"]  # what a colour that isn't known becomes
    painted = {fill for chart in charts for fill in chart["fills"]} - {"none"}
    assert len(painted) == 4, "crowd, suspect, the case's time, and the result without suspect votes"
    assert report.page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    assert report.page.title() == "Pollwatch: scan"
    assert is_quiet(report, reports[name]), report
    report.page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_words_can_be_read_on_what_is_behind_them(
    browser: Browser, reports: dict[str, Path], scheme: Scheme
) -> None:
    report = opened(browser, reports["plain"], DESKTOP, scheme)
    report.page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    for selector in ("p", "li", "td", "th", "dt", "dd", "a", ".badge", "figcaption", "summary", "svg text"):
        assert report.page.evaluate(CONTRAST, selector) >= 4.5, selector
    report.page.close()


def test_the_page_follows_the_reader_into_the_dark_and_onto_paper(browser: Browser, reports: dict[str, Path]) -> None:
    colours = "() => [getComputedStyle(document.body).backgroundColor, getComputedStyle(document.body).color]"
    report = opened(browser, reports["plain"], DESKTOP, "dark")
    dark = report.page.evaluate(colours)
    report.page.emulate_media(media="print")
    assert report.page.evaluate(colours) == ["rgb(255, 255, 255)", "rgb(0, 0, 0)"]
    assert dark[0] != "rgb(255, 255, 255)"
    assert len(report.page.pdf()) > 30_000
    report.page.close()


def test_a_case_is_reached_and_its_numbers_opened_by_keys_alone(browser: Browser, reports: dict[str, Path]) -> None:
    page = opened(browser, reports["plain"], DESKTOP).page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "p7-066"
    page.keyboard.press("Enter")
    assert page.url.endswith(f"#case-{1:016x}")
    top = page.locator("article").first.bounding_box()
    assert top is not None
    assert 0 <= top["y"] < 50
    numbers = page.locator("article details").first
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.tagName") == "SUMMARY"
    assert numbers.get_attribute("open") is None
    page.keyboard.press("Enter")
    assert numbers.get_attribute("open") is not None
    assert numbers.locator("tbody tr").count() > 3
    page.close()


def test_a_link_to_a_case_that_is_folded_up_opens_it(browser: Browser, reports: dict[str, Path]) -> None:
    page = opened(browser, reports["plain"], PHONE).page
    result = page.locator(f"#case-{5:016x}")
    assert not result.is_visible()
    page.get_by_role("navigation").get_by_text("can't be told").click()
    page.get_by_role("link", name="p7-003").click()
    assert result.is_visible()
    assert result.locator("svg").first.is_visible()
    page.close()


def test_the_page_needs_no_script(browser: Browser, reports: dict[str, Path]) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(reports["plain"].as_uri())
    assert page.locator("script").count() == 0
    assert page.get_by_role("img").count() >= 13
    assert page.get_by_role("heading", name="p7-066").is_visible()
    assert page.get_by_role("navigation", name="Cases").get_by_role("link").count() == 5
    context.close()
