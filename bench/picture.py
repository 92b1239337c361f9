"""Curves of seconds in rows, columns and outputs, on logarithmic axes, as an SVG of our own.

They show what each program says that its fit took, because starting Python and PyTorch would hide the small ones; the
table counts everything.
"""
import math

WIDTH, HEIGHT, LEFT, TOP, GAP = 270, 260, 62, 76, 100  # of a panel; of the sheet
COLOURS = {"ours": "#0b5fa5", "peer": "#c8501e", "ink": "#222222", "grid": "#e3e6ea", "soft": "#667080"}
PANELS = (("curve-n", "rows (100 columns, 1 output)"), ("curve-d", "columns (2,000 rows, 1 output)"),
          ("curve-c", "outputs (4,000 rows, 100 columns)"), ("tree", "rows of a tree (20 columns)"))


def series(results, prefix):
    """{(whose, label): [(x, seconds)]} of the cases of one axis."""
    found = {}
    for r in results:
        if r["case"].startswith(prefix) and r["at"] and r["state"] == "ok" and not r["other"]:
            whose, inside = ("peer", r["report"].get("fit")) if r["peer"] else ("ours", r["report"].get("seconds"))
            if inside:
                found.setdefault((whose, r["row"].split(",")[0]), []).append((r["at"], max(inside, 1e-3)))
    return {key: sorted(points) for key, points in found.items()}


def text(x, y, words, anchor="middle", size=12, colour="ink", more=""):
    return '<text x="%.1f" y="%.1f" text-anchor="%s" font-size="%d" fill="%s"%s>%s</text>' % (
        x, y, anchor, size, COLOURS[colour], more, words)


def short(x):
    return "%d" % x if x >= 1 else "%g" % x


class Axis:
    """Decades of numbers onto pixels."""

    def __init__(self, values, low, high, pad):
        self.a, self.b = math.log10(min(values)) - pad, math.log10(max(values)) + pad
        self.low, self.high = low, high

    def at(self, value):
        return self.low + (math.log10(value) - self.a) / (self.b - self.a) * (self.high - self.low)

    def decades(self):
        return [10.0**k for k in range(math.ceil(self.a), math.floor(self.b) + 1)]


def axes(left, title, x, y, xs):
    bottom = TOP + HEIGHT
    out = []
    for value in y.decades():
        out.append('<line x1="%.1f" x2="%.1f" y1="%.1f" y2="%.1f" stroke="%s"/>' % (
            left, left + WIDTH, y.at(value), y.at(value), COLOURS["grid"]))
        out.append(text(left - 8, y.at(value) + 4, short(value), "end", colour="soft"))
    for value in xs:
        out.append('<line x1="%.1f" x2="%.1f" y1="%d" y2="%d" stroke="%s"/>' % (
            x.at(value), x.at(value), TOP, bottom, COLOURS["grid"]))
        out.append(text(x.at(value), bottom + 18, "{:,}".format(int(value)), size=11, colour="soft"))
    out.append('<rect x="%.1f" y="%d" width="%d" height="%d" fill="none" stroke="%s"/>' % (
        left, TOP, WIDTH, HEIGHT, COLOURS["soft"]))
    out.append(text(left - 8, TOP - 8, "seconds", "end", 11, "soft"))
    return out + [text(left + WIDTH / 2, bottom + 40, title, size=13)]


def apart(ends):
    """Heights for labels at these heights, no two closer than a line."""
    placed, last = {}, -math.inf
    for height, key in sorted(ends):
        placed[key] = last = max(height, last + 16)
    return placed


def panel(left, title, curves):
    """One set of axes; a curve is named at its end."""
    xs = sorted({x for points in curves.values() for x, _ in points})
    ys = [y for points in curves.values() for _, y in points]
    x, y = Axis(xs, left, left + WIDTH, 0.12), Axis(ys, TOP + HEIGHT, TOP, 0.2)
    out = axes(left, title, x, y, xs)
    names = apart([(y.at(points[-1][1]) + 4, key) for key, points in curves.items()])
    for (whose, label), points in curves.items():
        at = [(x.at(a), y.at(b)) for a, b in points]
        out.append('<polyline points="%s" fill="none" stroke="%s" stroke-width="2.5" stroke-linejoin="round"/>' % (
            " ".join("%.1f,%.1f" % p for p in at), COLOURS[whose]))
        out += ['<circle cx="%.1f" cy="%.1f" r="3.5" fill="%s"/>' % (*p, COLOURS[whose]) for p in at]
        out.append(text(max(at[-1][0], left + WIDTH) + 6, names[whose, label], label, "start", 13, whose,
                        ' font-weight="bold"'))
    return out


def write(path, results):
    """Nothing where no curve has been measured."""
    panels = [(title, series(results, prefix)) for prefix, title in PANELS]
    panels = [(title, curves) for title, curves in panels if curves]
    if not panels:
        return
    width = LEFT + len(panels) * (WIDTH + GAP) - GAP + 56
    out = ['<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" '
           'font-family="DejaVu Sans, Helvetica, Arial, sans-serif">' % (width, TOP + HEIGHT + 56, width, TOP + HEIGHT + 56),
           '<rect width="100%" height="100%" fill="#ffffff"/>',
           text(LEFT, 28, "Seconds of a fit: two solves and one AGOP, or a tree", "start", 16, "ink", ' font-weight="bold"'),
           text(LEFT, 47, "the same settings for both; starting the program and reading the modules of Python are left out", "start", 12, "soft")]
    for i, (title, curves) in enumerate(panels):
        out += panel(LEFT + i * (WIDTH + GAP), title, curves)
    with open(path, "w") as f:
        f.write("\n".join(out + ["</svg>"]) + "\n")
