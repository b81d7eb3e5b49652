"""A screen divided again and again: which part is where. It draws nothing."""

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Union


class Box(NamedTuple):
    """A part of the screen, in cells."""

    left: int
    top: int
    columns: int
    rows: int


@dataclass
class Leaf:
    """A part that is not divided."""

    key: Hashable
    weight: float = 1.0


@dataclass
class Split:
    """A part that is divided into several, side by side or one over another."""

    beside: bool
    parts: list[Union["Split", Leaf]] = field(default_factory=list)
    weight: float = 1.0


Node = Split | Leaf


def leaves(node: Node) -> Iterator[Leaf]:
    """Yield the leaves, from left to right and from top to bottom."""
    if isinstance(node, Leaf):
        yield node
    else:
        for part in node.parts:
            yield from leaves(part)


def path(node: Node, key: Hashable) -> list[Split]:
    """Return the splits that a leaf is in, the innermost last.

    :raises KeyError: if there is no such leaf
    """
    found = _path(node, key)
    if found is None:
        raise KeyError(key)
    return found


def _path(node: Node, key: Hashable) -> list[Split] | None:
    if isinstance(node, Leaf):
        return [] if node.key == key else None
    for part in node.parts:
        below = _path(part, key)
        if below is not None:
            return [node, *below]
    return None


def shares(total: int, weights: Sequence[float], least: int) -> list[int]:
    """Divide cells by weight; each gets at least so many, if there are enough."""
    count = len(weights)
    least = min(least, total // count)
    spare = total - least * count
    whole = sum(weights)
    wanted = [max(0.0, total * one / whole - least) for one in weights]
    scale = spare / sum(wanted) if sum(wanted) else 0
    exact = [one * scale for one in wanted]
    found = [int(one) for one in exact]
    by_rest = sorted(range(count), key=lambda at: found[at] - exact[at])
    for at in by_rest[: spare - sum(found)]:
        found[at] += 1
    found[-1] += spare - sum(found)
    return [least + one for one in found]


def fitting(split: Split, size: tuple[int, int], focus: Hashable, least: Box) -> list[Node]:
    """Return the parts that there is room for: all, or else the one in focus alone."""
    length = size[0] if split.beside else size[1]
    each = least.columns if split.beside else least.rows
    count = len(split.parts)
    if length >= each * count + count - 1:
        return list(split.parts)
    focused = [one for one in split.parts if _path(one, focus) is not None]
    return focused or split.parts[:1]


def boxes(node: Node, box: Box, focus: Hashable, least: Box) -> dict[Hashable, Box]:
    """Return where each leaf is that there is room for; a line divides neighbours.

    :param focus: the leaf that is shown where not all can be
    :param least: the columns and rows below which a part is not shown beside others
    """
    if isinstance(node, Leaf):
        return {node.key: box}
    found: dict[Hashable, Box] = {}
    parts = fitting(node, (box.columns, box.rows), focus, least)
    lines = len(parts) - 1
    length = (box.columns if node.beside else box.rows) - lines
    each = least.columns if node.beside else least.rows
    at = 0
    for part, share in zip(parts, shares(length, [one.weight for one in parts], each), strict=True):
        if node.beside:
            inner = Box(box.left + at, box.top, share, box.rows)
        else:
            inner = Box(box.left, box.top + at, box.columns, share)
        found |= boxes(part, inner, focus, least)
        at += share + 1
    return found


def neighbour(places: dict[Hashable, Box], key: Hashable, x: int, y: int) -> Hashable:
    """Return the leaf that is next in a direction, or None.

    :param x: -1 is to the left, 1 to the right
    :param y: -1 is up, 1 down
    """
    here = places[key]
    best: Hashable = None
    nearest = (0, 0)
    for other, box in places.items():
        if x:
            away = (
                (here.left - box.left - box.columns)
                if x < 0
                else box.left - here.left - here.columns
            )
            shared = _shared(here.top, here.rows, box.top, box.rows)
        else:
            away = (here.top - box.top - box.rows) if y < 0 else box.top - here.top - here.rows
            shared = _shared(here.left, here.columns, box.left, box.columns)
        if (
            other != key
            and away >= 0
            and shared > 0
            and (best is None or (away, -shared) < nearest)
        ):
            best, nearest = other, (away, -shared)
    return best


def _shared(start: int, length: int, other: int, other_length: int) -> int:
    return min(start + length, other + other_length) - max(start, other)
