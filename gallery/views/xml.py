"""Write XML, with a replacement character for characters that XML 1.0 forbids."""

import re
from datetime import UTC, datetime
from xml.etree import ElementTree  # only for writing: it is not safe for parsing

INVALID = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def replace_invalid(text: str) -> str:
    """Return the text without characters that XML forbids even as escapes."""
    return INVALID.sub("\ufffd", text)


def add_element(parent: ElementTree.Element, tag: str, text: str = "", **attributes: str) -> ElementTree.Element:
    """Append an element. In names of attributes a trailing `_` is dropped, and `__` stands for a colon."""
    attributes = {name.rstrip("_").replace("__", ":"): replace_invalid(value) for name, value in attributes.items()}
    element = ElementTree.SubElement(parent, tag, attributes)
    element.text = replace_invalid(text) or None
    return element


def serialize(root: ElementTree.Element) -> bytes:
    """Return the document in UTF-8 with its declaration."""
    return bytes(ElementTree.tostring(root, encoding="utf-8", xml_declaration=True))


def format_rfc3339(moment: datetime) -> str:
    """Return a time in UTC, to the second."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
