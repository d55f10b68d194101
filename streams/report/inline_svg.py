"""What of a drawing gets into the page: known elements and attributes, no ids, styles, scripts or links. Knows no chart."""

from __future__ import annotations

import re
from html import escape
from itertools import groupby
from xml.etree import ElementTree

from streams.report.markup import text

_KEPT = {
    "g": ("transform", "opacity"),
    "path": ("d", "transform", "fill", "fill-opacity", "stroke", "stroke-width", "stroke-dasharray", "opacity"),
    "line": ("transform", "x2", "y2", "stroke", "stroke-width", "stroke-dasharray"),
    "rect": ("transform", "x", "y", "width", "height", "fill", "opacity"),
    "text": ("transform", "text-anchor", "font-size", "font-weight", "fill"),
}
_COLOURS = {"fill", "stroke"}
_DEFAULTS = {"opacity": "1", "stroke-width": "1"}
_EMPTY = {"", "M0,0h0v0h0Z"}
_NUMBER = re.compile(r"-?\d+\.?\d*(?:e[-+]?\d+)?")
_SHAPE = re.compile(r"M([-\d.e]+),([-\d.e]+)([a-zZ0-9.,-]*)")
_POINT, _LINE = re.compile("(?=[A-Za-z])"), re.compile(r"L[-\d.]+,[-\d.]+")
_MOVE = re.compile(r"translate\(([-\d.e]+),([-\d.e]+)\)")

Attributes = dict[str, str]


def inline(svg: str, title: str, description: str) -> str:
    """Return a drawing as `<svg>` that fits any width and says in words what it shows."""
    root = ElementTree.fromstring(svg)
    box = " ".join(_shorter(number) for number in root.attrib["viewBox"].split())
    label = text(f"{title}. {description}")
    return f'<svg viewBox="{box}" fill="none" role="img" aria-label="{label}">{_inside(root)}</svg>'


def _inside(parent: ElementTree.Element) -> str:
    """Return the children; shapes of one look that follow on each other become one path, a tenth as long."""
    known = [(_name(child), child, _attributes(child)) for child in parent if _name(child) in _KEPT]
    shown = []
    for look, group in groupby(known, key=lambda one: _look(one[0], one[2])):
        members = list(group)
        if look is not None and len(members) > 1:
            path = "".join(_placed(attributes) for _, _, attributes in members)
            shown.append(f"<path{_written(dict(look))} d=\"{path}\"></path>")
        else:
            shown += [_kept(*member) for member in members]
    return "".join(shown)


def _kept(name: str, element: ElementTree.Element, attributes: Attributes) -> str:
    if name == "path" and attributes.get("d", "") in _EMPTY:
        return ""  # the boxes without an extent that Vega puts around everything
    inside = text(element.text or "") if name == "text" else _inside(element)
    if name == "g" and not (inside and attributes):
        return inside
    return f"<{name}{_written(attributes)}>{inside}</{name}>"


def _name(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]


def _attributes(element: ElementTree.Element) -> Attributes:
    known = {key: element.attrib[key] for key in _KEPT[_name(element)] if key in element.attrib}
    short = {
        key: value if key in _COLOURS else _NUMBER.sub(_shorter, value)
        for key, value in known.items()
        if _DEFAULTS.get(key) != value
    }
    return short | {"d": _without_needless_points(short["d"])} if "d" in short else short


def _without_needless_points(path: str) -> str:
    """Return a path without the points on its level and upright lines: steps have two of three of them there."""
    kept: list[str] = []
    for point in _POINT.split(path):
        while len(kept) > 1 and _LINE.fullmatch(point) and _are_in_line(*kept[-2:], point):
            kept.pop()
        kept.append(point)
    return "".join(kept)


def _are_in_line(*points: str) -> bool:
    if not all(point[:1] in {"M", "L"} and _LINE.fullmatch("L" + point[1:]) for point in points):
        return False
    (x1, y1), (x2, y2), (x3, y3) = (point[1:].split(",") for point in points)
    return x1 == x2 == x3 or y1 == y2 == y3


def _look(name: str, attributes: Attributes) -> tuple[tuple[str, str], ...] | None:
    """Return what must be alike for shapes to become one path: all but where they stand. None for what isn't one."""
    shape = _SHAPE.fullmatch(attributes.get("d", ""))
    moved = attributes.get("transform", "translate(0,0)")
    if name != "path" or shape is None or not _MOVE.fullmatch(moved) or not _is_relative(shape[3]):
        return None
    return tuple((key, value) for key, value in attributes.items() if key not in {"d", "transform"})


def _is_relative(commands: str) -> bool:
    return not re.search("[A-Y]", commands)


def _placed(attributes: Attributes) -> str:
    shape, moved = _SHAPE.fullmatch(attributes["d"]), _MOVE.fullmatch(attributes.get("transform", "translate(0,0)"))
    if shape is None or moved is None:
        raise ValueError("only shapes that `_look` knows can be placed")
    x, y = (float(shape[axis]) + float(moved[axis]) for axis in (1, 2))
    return f"M{_short(x)},{_short(y)}{shape[3]}"


def _written(attributes: Attributes) -> str:
    return "".join(f' {key}="{escape(value)}"' for key, value in attributes.items())


def _shorter(number: re.Match[str] | str) -> str:
    """A twentieth of a pixel is not seen, and digits are most of a drawing."""
    return _short(float(number if isinstance(number, str) else number[0]))


def _short(number: float) -> str:
    written = f"{number:.1f}".removesuffix(".0")
    return "0" if written == "-0" else written
