"""A small SVG chart: events a second over the number of events, on a logarithmic axis."""

import math
from collections.abc import Mapping, Sequence
from html import escape

_WIDTH, _HEIGHT = 640, 320
_LEFT, _RIGHT, _TOP, _BOTTOM = 70, 130, 20, 45
_COLOURS = ("#0b6e4f", "#c8553d", "#3d5a80", "#888888")

Points = Sequence[tuple[int, float]]
"""Number of events and events a second, by number of events."""


def svg(lines: Mapping[str, Points], title: str) -> str:
    """Draw one line a contender; the vertical axis begins at zero."""
    counts = sorted({count for points in lines.values() for count, _ in points})
    highest = max(rate for points in lines.values() for _, rate in points) * 1.1
    low, high = math.log10(counts[0]), math.log10(counts[-1])

    def x(count: int) -> float:
        share = (math.log10(count) - low) / (high - low) if high > low else 0.5
        return _LEFT + share * (_WIDTH - _LEFT - _RIGHT)

    def y(rate: float) -> float:
        return _HEIGHT - _BOTTOM - rate / highest * (_HEIGHT - _TOP - _BOTTOM)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}"'
        f' font-family="sans-serif" font-size="12"><title>{escape(title)}</title>',
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="white"/>',
    ]
    for share in (0, 0.25, 0.5, 0.75, 1):
        rate = highest * share
        parts.append(
            f'<line x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y(rate):.1f}" y2="{y(rate):.1f}"'
            f' stroke="#ddd"/><text x="{_LEFT - 8}" y="{y(rate) + 4:.1f}"'
            f' text-anchor="end">{rate / 1000:,.0f} k</text>'
        )
    parts += [
        f'<text x="{x(count):.1f}" y="{_HEIGHT - _BOTTOM + 18}" text-anchor="middle">'
        f"{count / 1e6:.3g} M</text>"
        for count in counts
    ]
    parts.append(
        f'<text x="{(_WIDTH + _LEFT - _RIGHT) / 2}" y="{_HEIGHT - 8}" text-anchor="middle">'
        "events replayed; vertical: events a second</text>"
    )
    for (name, points), colour in zip(lines.items(), _COLOURS, strict=False):
        path = " ".join(f"{x(count):.1f},{y(rate):.1f}" for count, rate in points)
        end_x, end_y = x(points[-1][0]), y(points[-1][1])
        parts.append(
            f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>'
            f'<text x="{end_x + 8:.1f}" y="{end_y + 4:.1f}" fill="{colour}">{escape(name)}</text>'
        )
        parts += [
            f'<circle cx="{x(count):.1f}" cy="{y(rate):.1f}" r="3" fill="{colour}"/>'
            for count, rate in points
        ]
    return "\n".join((*parts, "</svg>\n"))
