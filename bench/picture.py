"""Curves of seconds in rows, columns and outputs, on logarithmic axes, as an SVG of our own.

They show what each program says that its fit took, because starting Python and PyTorch would hide the small ones; the
table counts everything.
"""
import math

WIDTH, HEIGHT, LEFT, TOP, GAP, BELOW = 300, 230, 62, 80, 104, 84  # of a panel; of the sheet; between panels
COLOURS = {"ours": "#0b5fa5", "peer": "#c8501e", "ink": "#222222", "grid": "#e3e6ea", "soft": "#667080"}
PANELS = (("curve-n", "rows (100 columns, 1 output)", "n³", lambda n: n**3),
          ("curve-d", "columns (2,000 rows, 1 output)", None, None),
          ("curve-c", "outputs (4,000 rows, 100 columns)", None, None),
          ("tree", "rows of a tree (20 columns)", "n log n", lambda n: n * math.log(n)))


def series(results, prefix):
    """{(whose, label): [(x, seconds)]} of the cases of one axis, of every program its first row."""
    found, seen = {}, set()
    for r in results:
        program = (r["case"], r["row"].split(",")[0])
        if r["case"].startswith(prefix) and r["at"] and r["state"] == "ok" and not r["other"] and program not in seen:
            seen.add(program)
            whose, inside = ("peer", r["report"].get("fit")) if r["peer"] else ("ours", r["report"].get("seconds"))
            if inside:
                found.setdefault((whose, r["row"].split(",")[0]), []).append((r["at"], max(inside, 1e-3)))
    return {key: sorted(points) for key, points in found.items()}


def text(x, y, words, anchor="middle", size=12, colour="ink", more=""):
    return '<text x="%.1f" y="%.1f" text-anchor="%s" font-size="%d" fill="%s"%s>%s</text>' % (
        x, y, anchor, size, COLOURS[colour], more, words)


def short(x):
    return "%d" % x if x >= 1 else "%g" % x


BOLD = ' font-weight="bold"'


class Axis:
    """Decades of numbers onto pixels."""

    def __init__(self, values, low, high, pad):
        self.a, self.b = math.log10(min(values)) - pad, math.log10(max(values)) + pad
        self.low, self.high = low, high

    def at(self, value):
        return self.low + (math.log10(value) - self.a) / (self.b - self.a) * (self.high - self.low)

    def decades(self):
        return [10.0**k for k in range(math.ceil(self.a), math.floor(self.b) + 1)]


def axes(left, top, title, x, y, xs):
    bottom = top + HEIGHT
    out = []
    for value in y.decades():
        out.append('<line x1="%.1f" x2="%.1f" y1="%.1f" y2="%.1f" stroke="%s"/>' % (
            left, left + WIDTH, y.at(value), y.at(value), COLOURS["grid"]))
        out.append(text(left - 8, y.at(value) + 4, short(value), "end", colour="soft"))
    for value in xs:
        out.append('<line x1="%.1f" x2="%.1f" y1="%d" y2="%d" stroke="%s"/>' % (
            x.at(value), x.at(value), top, bottom, COLOURS["grid"]))
        out.append(text(x.at(value), bottom + 18, "{:,}".format(int(value)), size=11, colour="soft"))
    out.append('<rect x="%.1f" y="%d" width="%d" height="%d" fill="none" stroke="%s"/>' % (
        left, top, WIDTH, HEIGHT, COLOURS["soft"]))
    out.append(text(left - 8, top - 8, "seconds", "end", 11, "soft"))
    return out + [text(left + WIDTH / 2, bottom + 40, title, size=13)]


def apart(ends):
    """Heights for labels at these heights, no two closer than a line."""
    placed, last = {}, -math.inf
    for height, key in sorted(ends):
        placed[key] = last = max(height, last + 16)
    return placed


def guide(x, y, curves, label, growth, xs):
    """How it would grow by theory, dashed, through the last of our points."""
    at, last = max((max(points) for (whose, _), points in curves.items() if whose == "ours"), default=(0, 0))
    if not growth or not at:
        return []
    points = [(v, last * growth(v) / growth(at)) for v in xs if v <= at]
    points = [(x.at(a), y.at(b)) for a, b in points if y.at(b) <= y.low]
    return ['<polyline points="%s" fill="none" stroke="%s" stroke-dasharray="4 4"/>' % (
        " ".join("%.1f,%.1f" % p for p in points), COLOURS["soft"]),
            text(points[0][0] + 10, points[0][1] + 4, label, "start", 12, "soft")]


def panel(left, top, curves, title, theory, growth):
    """One set of axes; a curve is named at its end."""
    xs = sorted({x for points in curves.values() for x, _ in points})
    ys = [y for points in curves.values() for _, y in points]
    x, y = Axis(xs, left, left + WIDTH, 0.12), Axis(ys, top + HEIGHT, top, 0.25)
    out = axes(left, top, title, x, y, xs) + guide(x, y, curves, theory, growth, xs)
    names = apart([(y.at(points[-1][1]) + 4, key) for key, points in curves.items()])
    for (whose, label), points in curves.items():
        at = [(x.at(a), y.at(b)) for a, b in points]
        out.append('<polyline points="%s" fill="none" stroke="%s" stroke-width="2.5" stroke-linejoin="round"/>' % (
            " ".join("%.1f,%.1f" % p for p in at), COLOURS[whose]))
        out += ['<circle cx="%.1f" cy="%.1f" r="3.5" fill="%s"/>' % (*p, COLOURS[whose]) for p in at]
        end = left + WIDTH if points[-1][0] == xs[-1] else at[-1][0] + 4
        out.append(text(end + 6, names[whose, label], label, "start", 13, whose, BOLD))
    return out


def write(path, results):
    """Nothing where no curve has been measured."""
    panels = [(series(results, prefix), *rest) for prefix, *rest in PANELS]
    panels = [p for p in panels if p[0]]
    if not panels:
        return
    width = LEFT + min(len(panels), 2) * (WIDTH + GAP) - GAP + 62
    height = TOP + (len(panels) + 1) // 2 * (HEIGHT + BELOW) - BELOW + 56
    out = ['<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" '
           'font-family="DejaVu Sans, Helvetica, Arial, sans-serif">' % (width, height, width, height),
           '<rect width="100%" height="100%" fill="#ffffff"/>',
           text(LEFT, 28, "Seconds of a fit: two solves and one AGOP, or a tree", "start", 16, "ink", BOLD),
           text(LEFT, 47, "the same settings for both; starting and importing modules of Python are left out",
                "start", 11, "soft")]
    for i, (curves, *rest) in enumerate(panels):
        out += panel(LEFT + i % 2 * (WIDTH + GAP), TOP + i // 2 * (HEIGHT + BELOW), curves, *rest)
    with open(path, "w") as f:
        f.write("\n".join(out + ["</svg>"]) + "\n")
