"""What every page that the runtime writes has to be: whole, by itself, and readable on a phone."""

import re
from html.parser import HTMLParser

VOID = {"meta", "br", "img", "link"}


class Page(HTMLParser):
    """Holds that every element is closed, and collects every attribute and the text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag
        if tag in ("td", "th", "dt", "dd", "li", "span"):
            self.text += " "

    def handle_data(self, data: str) -> None:
        self.text += data


def check_page(text: str, most_bytes: int) -> Page:
    """Return the page; it needs no network, scrolls in tables alone, and is not too large."""
    page = Page(text)
    assert page.open == []
    tags = {tag for tag, _, _ in page.attributes}
    assert not tags & {"script", "link", "img", "iframe", "object", "base"}
    for tag, name, value in page.attributes:
        assert not name.startswith("on"), f"{tag} {name}: {value}"
        if name in ("href", "src", "xlink:href", "action", "data"):
            assert value.startswith("#"), f"{tag} points outside: {value}"
        elif not name.startswith("xmlns"):
            assert "//" not in value, f"{tag} {name}: {value}"
    styles = "".join(re.findall(r"<style.*?</style>", text, re.DOTALL))
    assert "url(" not in styles.replace("url(#", "")
    assert "@import" not in styles
    assert "<script" not in text
    assert 'name="viewport" content="width=device-width' in text
    tables = len(re.findall("<table", text))
    assert tables == len(re.findall(r'<div class="scroll[^"]*"><table', text))
    for element in re.findall(r"<svg[^>]*>", text):
        assert "viewBox" in element
        assert " width=" not in element
    assert len(text.encode()) < most_bytes
    return page
