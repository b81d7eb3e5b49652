"""A table of figures: what was measured, its ratio to a baseline of the same run, and the aim."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """One line of the table.

    :param value: with its unit
    :param ratio: to ``baseline``, measured in the same run
    :param aim: what the figure should reach
    :param met: whether it does; None where there is no aim
    """

    name: str
    value: str
    ratio: float
    baseline: str
    aim: str = ""
    met: bool | None = None


def show(figures: list[Figure]) -> str:
    """Lay the figures out in columns."""
    rows = [("figure", "measured", "ratio", "to", "aim", "")]
    for figure in figures:
        met = "" if figure.met is None else "met" if figure.met else "MISSED"
        ratio = f"{figure.ratio:.3g}"
        rows.append((figure.name, figure.value, ratio, figure.baseline, figure.aim, met))
    widths = [max(len(row[column]) for row in rows) for column in range(6)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )
