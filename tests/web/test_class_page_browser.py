"""The class summary in a browser: what `grade --format html` writes can be read on a wide screen and on a narrow one."""

from typing import Any

import pytest

from dosegrade.grading.report import Check, QuestionReport, Report
from dosegrade.reports import WRITERS

LONG = "long" + "g" * 200


@pytest.mark.parametrize("width", [1280, 390])
def test_a_long_name_leaves_room_for_the_others(page: Any, width: int) -> None:
    question = QuestionReport("q", "code", 0.0, 1.0, "missing", None, (Check("a", "missing", 0.0, 1.0),))
    reports = [Report("quiz", name, 0, (question,)).to_dict() | {"report": "x.html"} for name in ("Ada Lovelace", LONG)]
    page.set_viewport_size({"width": width, "height": 800})
    page.set_content(WRITERS["html"](reports).decode())
    assert page.evaluate("document.documentElement.scrollWidth") == width
    row = page.locator(".students tr", has_text="Ada")
    heights = row.locator("td:not(:last-child)").evaluate_all("cells => cells.map(c => c.getBoundingClientRect().height)")
    assert max(heights) < 45, "a name or a verdict stands on two lines"
    assert page.locator(".students th").first.is_visible() == (width == 1280)
