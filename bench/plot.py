"""Plots beside the pages: SVG files that a browser, and a repository's web page, show without running anything.

Drawn the same way twice, a plot has the same bytes: the hour, chance and scripts that pygal writes are left out.
"""

import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pygal  # type: ignore[import-untyped]  # it has no types
from pygal.style import Style  # type: ignore[import-untyped]

# pygal looks for plug-ins by a finder of a kind that Python has given up, and every later import would warn of it.
sys.meta_path[:] = [finder for finder in sys.meta_path if type(finder).__module__ != "pygal"]

Points = Sequence[float | None]
"""One value for each label; None where there is none."""

STYLE: Final = Style(
    background="#ffffff",
    plot_background="#ffffff",
    foreground="#333333",
    foreground_strong="#111111",
    foreground_subtle="#aaaaaa",
    guide_stroke_color="#d5d5d5",
    major_guide_stroke_color="#d5d5d5",
    guide_stroke_dasharray="none",
    major_guide_stroke_dasharray="none",
    opacity=".9",
    stroke_width="2.5",
    colors=("#1b6ca8", "#d1603d", "#5b8c5a", "#8e6c8a", "#c9a227", "#4f5d75", "#9e2a2b", "#2a9d8f"),
    font_family="Helvetica, Arial, sans-serif",
    title_font_size=18,
    label_font_size=12,
    major_label_font_size=12,
    legend_font_size=13,
    value_font_size=10,
)
_NOISE: Final = re.compile(r"<!--.*?-->|<script.*?</script>|<script[^>]*/>", re.DOTALL)
_STEPS: Final = tuple(step * 10.0**power for power in range(-6, 12) for step in (1, 2, 5))
MANY: Final = 30
"""Labels; of more than these only some are written."""
_LEAST: Final = _STEPS[0]  # nothing at all has no place on a logarithmic scale


def bars(
    path: Path,
    title: str,
    labels: Sequence[str],
    series: Mapping[str, Points],
    *,
    unit: str = "",
    logarithmic: bool = False,
) -> None:
    """Grouped bars: for each label one of each series, such as each work's rate by peer."""
    chart = pygal.Bar(**_options(title, unit, logarithmic), print_values=True, rounded_bars=2)
    chart.value_formatter = _number
    _write(chart, path, labels, series, logarithmic)


def lines(
    path: Path,
    title: str,
    labels: Sequence[str],
    series: Mapping[str, Points],
    *,
    unit: str = "",
    across: str = "",
    logarithmic: bool = False,
    dots: bool = True,
) -> None:
    """One line for each series over the labels, at equal distances: 10k, 100k, 1M make a logarithmic axis."""
    chart = pygal.Line(**_options(title, unit, logarithmic), x_title=across, show_dots=dots, dots_size=4)
    chart.value_formatter = _number
    if len(labels) > MANY:
        chart.x_labels_major_count, chart.show_minor_x_labels = 11, False
    _write(chart, path, labels, series, logarithmic)


def _options(title: str, unit: str, logarithmic: bool) -> dict[str, Any]:
    return {
        "title": title,
        "y_title": unit,
        "logarithmic": logarithmic,
        "style": STYLE,
        "width": 860,
        "height": 460,
        "js": [],
        "legend_at_bottom": True,
        "legend_at_bottom_columns": 4,
        "truncate_legend": -1,
        "truncate_label": -1,
        "include_x_axis": not logarithmic,
        "explicit_size": True,
        "show_x_guides": False,
        "margin": 16,
        "margin_bottom": 32,
        "max_scale": 8,
    }


def _write(chart: Any, path: Path, labels: Sequence[str], series: Mapping[str, Points], logarithmic: bool) -> None:
    chart.uuid = path.stem  # it becomes part of every rule of the style sheet
    chart.x_labels = list(labels)
    chart.show_legend = len(series) > 1
    if logarithmic:
        known = [point for points in series.values() for point in points if point is not None and point >= _LEAST]
        steps = _around(min(known, default=1.0), max(known, default=1.0))
        chart.range, chart.y_labels, chart.zero = (steps[0], steps[-1]), steps, steps[0]
    for name, points in series.items():
        chart.add(name, [None if point is None or (logarithmic and point < _LEAST) else point for point in points])
    text = _NOISE.sub("", chart.render(is_unicode=True))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text.rstrip() + "\n")


def _around(least: float, most: float) -> list[float]:
    """The steps 1, 2, 5, 10 ... of a logarithmic scale that has room below the least and for the most."""
    below = max((step for step in _STEPS if step < least), default=_STEPS[0])
    above = min((step for step in _STEPS if step >= most), default=_STEPS[-1])
    return [step for step in _STEPS if below <= step <= above]


def _number(value: float) -> str:
    """A value as people read it: three digits that count, and thousands apart."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
