"""The pages tell the truth: links lead somewhere, code on them is code that runs, generated parts are fresh."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from packhorse_cli import pages

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    page
    for pattern in ("*.md", "libs/**/*.md", "services/**/*.md", "deploy/**/*.md", "tests/**/*.md")
    for page in ROOT.glob(pattern)
    if not {".venv", "node_modules", ".packhorse"} & set(page.relative_to(ROOT).parts)
)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
CODE = re.compile(r"^```.*?^```|`[^`\n]+`", re.DOTALL | re.MULTILINE)
"""A pattern on a page may look like a link."""

SNIPPET = re.compile(r"<!-- from (\S+) -->\n```\w*\n(.*?)```", re.DOTALL)


def named(page: Path) -> str:
    """The page's name in a report."""
    return str(page.relative_to(ROOT))


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as code hosts make them."""
    headings = re.findall(r"^#+ (.*)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_links_lead_somewhere(page: Path) -> None:
    """Files and folders exist, and so do the headings that are linked."""
    for link in LINK.findall(CODE.sub("", page.read_text("utf-8"))):
        if "://" in link or link.startswith("mailto:"):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{named(page)} links to {link}"
        if anchor:
            assert anchor in anchors(target), f"{named(page)} links to {link}"


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_code_on_pages_is_code_that_is_tested(page: Path) -> None:
    """A snippet with a source stands there word for word."""
    for source, snippet in SNIPPET.findall(page.read_text("utf-8")):
        assert snippet.strip() in (ROOT / source).read_text("utf-8"), f"{named(page)} differs from {source}"


def test_generated_parts_are_fresh() -> None:
    """As `make lint` checks."""
    check = [sys.executable, "-m", "packhorse_cli.pages", "--check"]
    done = subprocess.run(check, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr


def test_a_stale_part_is_found() -> None:
    """And put right."""
    page = "# x\n<!-- generated: settings -->\nold<!-- end -->\nby hand\n"
    fresh = pages.fill(page, {"settings": "new\n"})
    assert fresh == "# x\n<!-- generated: settings -->\nnew\n<!-- end -->\nby hand\n"
    with pytest.raises(ValueError, match="hears"):
        pages.fill(page, {"hears": ""})
