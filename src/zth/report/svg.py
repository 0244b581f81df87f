"""A picture from a run folder, made safe to stand inside the page: known elements and attributes only."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

from zth.errors import RunError

_ELEMENTS = """
    svg g path rect circle ellipse line polyline polygon text tspan title desc defs marker clipPath linearGradient
    radialGradient stop
"""
_ATTRIBUTES = """
    class clip-path clipPathUnits cx cy d dominant-baseline dx dy fill fill-opacity fill-rule font-family font-size
    font-style font-weight fx fy gradientTransform gradientUnits height id letter-spacing marker-end marker-mid
    marker-start markerHeight markerUnits markerWidth offset opacity orient points preserveAspectRatio r refX refY
    rx ry spreadMethod stop-color stop-opacity stroke stroke-dasharray stroke-linecap stroke-linejoin stroke-opacity
    stroke-width text-anchor textLength transform viewBox width x x1 x2 y y1 y2
"""
_KNOWN_ELEMENTS, _KNOWN_ATTRIBUTES = frozenset(_ELEMENTS.split()), frozenset(_ATTRIBUTES.split())
_SVG = "http://www.w3.org/2000/svg"


def clean(markup: str, prefix: str, label: str) -> str:
    """SVG text -> the same picture without scripts, links, styles and foreign elements.

    Ids get `prefix`, since two pictures of one page may use the same. Raises RunError where it is no SVG.

    >>> clean('<svg><a><g id="n" onclick="x()"><script>x()</script></g></a></svg>', "p", "a graph")
    '<svg role="img" aria-label="a graph"><g id="p-n" /></svg>'
    """
    # the declarations before the element name a DTD by its address; nothing here may need it
    start = markup.find("<svg")
    try:
        root = ET.fromstring(markup[max(start, 0) :])
    except ET.ParseError as error:
        raise RunError(f"The picture is not well-formed SVG: {error}.") from error
    if _name(root) != "svg":
        raise RunError(f"The picture is not SVG: its outer element is {_name(root)}.")
    safe = _copy(root, prefix)
    safe.attrib = {"role": "img", "aria-label": label, **safe.attrib}
    return ET.tostring(safe, encoding="unicode")


def _copy(element: ET.Element, prefix: str) -> ET.Element:
    kept = {
        key: _local(key, value, prefix)
        for key, value in element.attrib.items()
        if key in _KNOWN_ATTRIBUTES and not re.search(r"url\s*\((?!\s*['\"]?#)", value)
    }
    copy = ET.Element(_name(element), kept)
    copy.text, copy.tail = element.text, element.tail
    for child in element:
        if _name(child) == "a":  # a link's content stays, the link goes
            copy.extend(_copy(grandchild, prefix) for grandchild in child if _name(grandchild) in _KNOWN_ELEMENTS)
        elif _name(child) in _KNOWN_ELEMENTS:
            copy.append(_copy(child, prefix))
    return copy


def _local(key: str, value: str, prefix: str) -> str:
    if key == "id":
        return f"{prefix}-{value}"
    return re.sub(r"url\(\s*['\"]?#([^'\")]+)['\"]?\s*\)", rf"url(#{prefix}-\1)", value)


def _name(element: ET.Element) -> str:
    # comments and processing instructions have a function for a tag
    tag = element.tag if isinstance(element.tag, str) else ""
    return tag.removeprefix(f"{{{_SVG}}}")
