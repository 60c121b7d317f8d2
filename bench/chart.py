"""Draws the table as bars on a logarithmic scale: an SVG file, written by hand."""

import math
from html import escape

WIDTH, LABELS, RIGHT, TOP = 1000, 390, 90, 64
BAR, GAP = 9, 9
SERIES = (("linux", "Linux at its best", "#9aa5b1"), ("target", "target", "#e0b040"), ("ours", "Ferrous", "#2f6f9f"))
FONT = 'font-family="sans-serif" font-size="12"'


def span(rows):
    """The powers of ten between which all values lie."""
    values = [value for row in rows for value in (row.linux, row.target, row.ours) if value]
    return math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))


def draw(rows, note):
    """The SVG's text. Rows in percent, and those that neither side has, are left out."""
    rows = [row for row in rows if row.unit == "instructions" and row.ours]
    low, high = span(rows)
    scale = (WIDTH - LABELS - RIGHT) / (high - low)
    step = len(SERIES) * BAR + GAP
    bottom = TOP + len(rows) * step
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{bottom + 40}" {FONT}>',
           f'<rect width="{WIDTH}" height="{bottom + 40}" fill="#ffffff"/>',
           f'<text x="10" y="20" font-size="15">{escape(note)}</text>']
    for index, (_, name, colour) in enumerate(SERIES):
        x = LABELS + 150 * index
        out.append(f'<rect x="{x}" y="32" width="12" height="12" fill="{colour}"/>')
        out.append(f'<text x="{x + 18}" y="43">{escape(name)}</text>')
    for power in range(low, high + 1):
        x = LABELS + (power - low) * scale
        out.append(f'<line x1="{x:.1f}" y1="{TOP - 6}" x2="{x:.1f}" y2="{bottom}" stroke="#dddddd"/>')
        out.append(f'<text x="{x:.1f}" y="{bottom + 18}" text-anchor="middle">{10 ** power:,}</text>')
    for number, row in enumerate(rows):
        y = TOP + number * step
        label = row.title.replace("`", "")
        out.append(f'<text x="{LABELS - 8}" y="{y + 18}" text-anchor="end">{escape(label)}</text>')
        for index, (key, _, colour) in enumerate(SERIES):
            value = getattr(row, key)
            if not value:
                continue
            width = max((math.log10(value) - low) * scale, 1)
            at = y + index * BAR
            out.append(f'<rect x="{LABELS}" y="{at}" width="{width:.1f}" height="{BAR - 1}" fill="{colour}"/>')
            out.append(f'<text x="{LABELS + width + 4:.1f}" y="{at + 8}" font-size="9">{value:,}</text>')
    return "\n".join(out) + "\n</svg>\n"
