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
_MINUS_ZERO = re.compile(r"-0(?![.\d])")
_SHAPE = re.compile(r"M([-\d.e]+),([-\d.e]+)([a-zZ0-9.,-]*)")
_POINT = re.compile("(?=[A-Za-z])")
_MOVE = re.compile(r"translate\(([-\d.e]+),([-\d.e]+)\)")

Attributes = dict[str, str]


def inline(svg: str, title: str, description: str) -> str:
    """Return a drawing as `<svg>` that fits any width and says in words what it shows."""
    root = ElementTree.fromstring(svg)
    box = _shorter(root.attrib["viewBox"])
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
        key: value if key in _COLOURS else _shorter(value)
        for key, value in known.items()
        if _DEFAULTS.get(key) != value
    }
    return short | {"d": _without_needless_points(short["d"])} if "d" in short else short


def _without_needless_points(path: str) -> str:
    """Return a path without the points on its level and upright lines: steps have two of three of them there."""
    kept: list[str] = []
    corners: list[tuple[str, str]] = []  # where the last of those kept are, as far back as straight lines go
    for point in _POINT.split(path):
        corner = _corner(point)
        if corner is None or point[0] == "M":
            corners.clear()
        while corner and len(corners) > 1 and _are_in_line(corners[-2], corners[-1], corner):
            kept.pop()
            corners.pop()
        kept.append(point)
        if corner is not None:
            corners.append(corner)
    return "".join(kept)


def _corner(point: str) -> tuple[str, str] | None:
    """Return where a straight line ends or begins, None for every other command."""
    x, comma, y = point[1:].partition(",")
    return (x, y) if point[:1] in ("M", "L") and comma else None


def _are_in_line(one: tuple[str, str], two: tuple[str, str], three: tuple[str, str]) -> bool:
    return one[0] == two[0] == three[0] or one[1] == two[1] == three[1]


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
    return _shorter(f"M{x},{y}") + shape[3]


def _written(attributes: Attributes) -> str:
    return "".join(f' {key}="{escape(value)}"' for key, value in attributes.items())


def _shorter(numbers: str) -> str:
    """Return text with its numbers cut: a twentieth of a pixel is not seen, and digits are most of a drawing."""
    form = _NUMBER.sub("%.1f", numbers.replace("%", "%%"))
    written = form % tuple(map(float, _NUMBER.findall(numbers)))
    return _MINUS_ZERO.sub("0", written.replace(".0", ""))
