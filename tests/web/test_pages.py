"""Every page opens, titled as it is told: a new page is tested by lying there."""

import re
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

WEB = Path(__file__).parents[2] / "dosegrade" / "web"
PAGES = sorted(path for path in (WEB / "app_pages").glob("*.py") if path.name != "__init__.py")
ROWS = dict(re.findall(r'"app_pages" / "(\w+)\.py", title="([^"]+)"', (WEB / "navigation.py").read_text()))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_page_opens_and_is_told(page: Path) -> None:
    at = AppTest.from_file(str(WEB / "navigation.py"), default_timeout=60)
    at.switch_page(f"app_pages/{page.name}").run()
    assert not at.exception
    assert len(at.title) == 1
    assert f"| {ROWS[page.stem]} |" in (WEB.parents[1] / "README.md").read_text()
