"""The results as text: a section for whole tables, one for each smaller number of rows; their places in a document."""
import os
import statistics

import differences
import ranks
import table
from methods import BY_NAME, METHODS

OURS = "agop"
LEAST = 3    # tables, below which ranks mean nothing
HALF = 0.5   # of the tables: who has been tried on fewer is not ranked


def marks(name):
    return tuple("<!-- written by make accuracy, %s: %s -->" % (name, end) for end in ("begin", "end"))


def score(result):
    """What methods are ranked by: R2 or accuracy; None where it failed."""
    if result is None or result["state"] != "ok":
        return None
    return result["accuracy"] if result.get("r2") is None else result["r2"]


class Section:
    """The results with one number of training rows: {(method, seconds of tuning): {table: result}}."""

    def __init__(self, found, rows):
        self.rows, self.of, self.tables = rows, {}, []
        place = {m.name: i for i, m in enumerate(METHODS)}
        chosen = [r for r in found.values() if r["rows"] == rows and not r["folds"] and r["method"] in place]
        for r in sorted(chosen, key=lambda r: (place[r["method"]], r["budget"], r["table"])):
            self.of.setdefault((r["method"], r["budget"]), {})[r["table"]] = r
        self.tables = sorted({r["table"] for r in chosen})
        self.numeric = [t for t in self.tables if not self.classes(t)]
        self.ranked = [m for m in self.of if len(self.of[m]) >= HALF * len(self.tables)]

    def rankings(self):
        """[(methods, tables)]: those that have been tried on all tables; and, where others have been tried on half of
        them, all of these on the tables that they share."""
        complete = [m for m in self.ranked if len(self.of[m]) == len(self.tables)]
        shared = [t for t in self.tables if all(t in self.of[m] for m in self.ranked)]
        both = [(complete, self.tables)] + ([(self.ranked, shared)] if complete != self.ranked else [])
        return [(methods, tables) for methods, tables in both if len(methods) > 1 and len(tables) >= LEAST]

    def classes(self, name):
        return any(r.get("accuracy") is not None for r in (of.get(name) for of in self.of.values()) if r)

    def label(self, method):
        return BY_NAME[method[0]].label + (" %d s" % method[1] if method[1] else "")

    def scores(self, name, methods, by=score):
        return [by(self.of[m][name]) for m in methods]

    def results(self):
        return [r for of in self.of.values() for r in of.values()]


def bold(text, yes):
    return "**%s**" % text if yes else text


def of_state(result, value, form="%.4f"):
    if result is None:
        return ""
    return form % value if result["state"] == "ok" else result["state"].split(":")[0]


def of_seconds(result):
    text = "" if result["state"] == "ok" else of_state(result, 0)
    return text or (table.digits(result["seconds"]) if result["quiet"] else "(%s)" % table.digits(result["seconds"]))


def grid(section, tables, cell, best=None):
    """One row for each table, one column for each method."""
    methods = list(section.of)
    rows = [["table"] + [section.label(m) for m in methods], ["---"] + ["---:"] * len(methods)]
    for name in tables:
        those = [section.of[m].get(name) for m in methods]
        wins = ranks.wins([best(r) if r else None for r in those]) if best else [False] * len(those)
        rows.append([name] + [bold(cell(r), won) if r else "" for r, won in zip(those, wins)])
    return table.aligned(rows)


def lowest(column):
    """A loss, as a score."""
    return lambda r: -r[column] if r["state"] == "ok" else None


def of_p(p):
    return "%.3f" % p if p >= 0.0005 else "< 0.001"


def spent(results):
    """What a method took over all tables: cells for trials, seconds, memory."""
    ok = [r for r in results if r["state"] == "ok"]
    if not ok:
        return [""] * 4
    seconds, trials = [r["seconds"] for r in ok], [r["trials"] for r in ok if r.get("trials")]
    around = "%s" if all(r["quiet"] for r in ok) else "(%s)"
    return ["%d" % statistics.median(trials) if trials else "", around % table.digits(statistics.median(seconds)),
            around % table.digits(sum(seconds)), "%d" % max(r["peak_mb"] for r in ok)]


def summary(section, methods, tables):
    """A row for each method, the best mean rank first."""
    classed = [t for t in tables if section.classes(t)]
    scores = [section.scores(t, methods) for t in tables]
    means = ranks.mean_ranks(scores)
    normal = [sum(column) / len(scores) for column in zip(*map(ranks.normalised, scores))]
    wins = [sum(column) for column in zip(*map(ranks.wins, scores))]
    losses = ranks.mean_ranks([section.scores(t, methods, lowest("log_loss")) for t in classed]) if classed else []
    p = versus(scores, methods.index((OURS, 0))) if (OURS, 0) in methods else {}
    rows = [["method", "mean rank", "normalised mean", "best on", "failed", "rank by log-loss", "trials, median",
             "seconds, median", "in all", "most MB", "differs from agop (p)"], ["---"] + ["---:"] * 10]
    for i in sorted(range(len(methods)), key=lambda i: means[i]):
        of = [section.of[methods[i]][t] for t in tables]
        rows.append([bold(section.label(methods[i]), methods[i][0].startswith(OURS)), "%.2f" % means[i],
                     "%.3f" % normal[i], str(wins[i]), str(sum(r["state"] != "ok" for r in of)),
                     "%.2f" % losses[i] if losses else "", *spent(of), of_p(p[i]) if i in p else ""])
    chi, f, tail = ranks.friedman(means, len(scores))
    text = "Friedman's test over %d tables and %d methods: chi-square %.1f, F %.1f, p %s." % (
        len(scores), len(methods), chi, f, of_p(tail))
    return table.aligned(rows) + ["", text]


def versus(scores, ours):
    """{method: Holm's p-value of Wilcoxon's test against ours}."""
    columns = list(zip(*scores))
    others = [i for i in range(len(columns)) if i != ours]
    return dict(zip(others, ranks.holm([ranks.wilcoxon(columns[ours], columns[i]) for i in others])))


def described(section):
    those = section.results()
    days, last = sorted({r["date"][:10] for r in those}), max(those, key=lambda r: r["date"])
    disturbed = sum(not r["quiet"] for r in those if r["state"] == "ok")
    text = "%d tables, %d runs, %s, on %s, %d cores; %s." % (
        len(section.tables), len(those), " to ".join(days[:1] + days[1:][-1:]), last["cpu"], last["cores"],
        ", ".join(sorted({r["versions"] for r in those if r["versions"]})))
    if disturbed:
        text += (" Seconds in brackets (%d runs) were taken beside other work on the same processors: they are no "
                 "measure, and wait for a quiet machine. Scores do not depend on it." % disturbed)
    return text


def markdown(section, path, document):
    """The section, and its picture beside it."""
    if not section.tables:
        return "Nothing has been measured yet."
    text = [described(section), ""]
    for number, (methods, tables) in enumerate(section.rankings()):
        if tables != section.tables:
            text += ["", "Ranked on the %d tables on which all of these methods have been tried so far: %s." % (
                len(tables), ", ".join(tables)), ""]
        text += summary(section, methods, tables)
        if number == 0:
            differences.write(path, [section.label(m) for m in methods], [section.scores(t, methods) for t in tables])
            text += ["", "![Critical differences of the mean ranks](%s)" % os.path.relpath(path, os.path.dirname(document))]
    partial = [m for m in section.of if m not in section.ranked]
    if partial:
        text += ["", "Not ranked, because less than half of the tables have been tried: %s." % ", ".join(
            "%s (%d of %d)" % (section.label(m), len(section.of[m]), len(section.tables)) for m in partial)]
    classed = [t for t in section.tables if t not in section.numeric]
    for title, tables, cell, best in (
            ("R² of the test rows", section.numeric, lambda r: of_state(r, r.get("r2")), score),
            ("Accuracy", classed, lambda r: of_state(r, r.get("accuracy")), score),
            ("Log-loss", classed, lambda r: of_state(r, r.get("log_loss")), lowest("log_loss")),
            ("Brier score", classed, lambda r: of_state(r, r.get("brier")), lowest("brier")),
            ("Seconds, whole processes", section.tables, of_seconds, None)):
        if tables:
            text += ["", "%s:" % title, "", *grid(section, tables, cell, best)]
    return "\n".join(text)


def write(document, picture, found):
    """Every section into its place in the document; and all of it as text."""
    whole = markdown(Section(found, 0), picture, document)
    stem, suffix = os.path.splitext(picture)
    less = ["%s\n\n%s" % ("### The first %s training rows" % "{:,}".format(rows),
                          markdown(Section(found, rows), "%s-rows%d%s" % (stem, rows, suffix), document))
            for rows in sorted({r["rows"] for r in found.values() if r["rows"] and not r["folds"]})]
    less = "\n\n".join(less) or "Nothing has been measured yet."
    table.into(document, whole, marks("whole tables"))
    table.into(document, less, marks("fewer rows"))
    return whole + "\n\n" + less
