"""The results of bench.py as text: which are the newest, the table, and its place in a document."""
import glob
import json
import os
import statistics

MARKS = "<!-- written by make bench: begin -->", "<!-- written by make bench: end -->"
UNITS = {"gemm": ("sgemm", 1e9), "potrf": ("spotrf", 1e9), "exp": ("exp", 1e9), "bytes": ("stream", 1e9)}


def same(a, b):
    return (a["cpu"], a["cores"]) == (b["cpu"], b["cores"])


def newest(build, machine=None):
    """{(case, row): result}, the newest of this machine (None: of the last run's), and the machine of the last run."""
    runs = []
    for path in sorted(glob.glob(os.path.join(build, "runs", "*.json"))):
        with open(path) as f:
            runs.append(json.load(f))
    machine = machine or (runs[-1]["machine"] if runs else None)
    found = {}
    for run in runs:
        for r in run["rows"] if same(run["machine"], machine) else ():
            key = (r["case"], r["row"])
            if r["state"] != "not installed" or found.get(key, r)["state"] == "not installed":
                found[key] = dict(r, commit=run["machine"]["commit"])
    return found, machine


# ---- numbers ----

def seconds(result):
    return statistics.median(result["seconds"])


def digits(x):
    """Three figures, no exponent."""
    return "%.0f" % x if x >= 100 else "%.1f" % x if x >= 10 else "%.2f" % x if x >= 0.095 else "%.3f" % x


def floor_seconds(result):
    if not result.get("floor") or not result.get("rates"):
        return None
    return sum(amount / (result["rates"][UNITS[kind][0]] * UNITS[kind][1]) for kind, amount in result["floor"].items())


def best_peer(results):
    """Seconds of the fastest row of a peer with the same method, or None."""
    return min((seconds(r) for r in results if r["peer"] and not r["other"] and r["state"] == "ok"), default=None)


# ---- the table ----

def label(result, machine, day):
    older = result["date"][:10] != day
    stale = not result["peer"] and result["commit"] != machine["commit"]
    notes = [result["date"][:10]] * older + ["at " + result["commit"]] * stale
    return ("%s" if result["peer"] else "**%s**") % result["row"] + (" (%s)" % ", ".join(notes) if notes else "")


def line(result, machine, day, peer, ours):
    name = label(result, machine, day)
    if result["state"] != "ok":
        return [name, result["state"].replace("|", "/"), "", "", "", ""]
    s, floor, quality = seconds(result), floor_seconds(result), result.get("quality")
    if len(result["seconds"]) < 3:
        name += ", once" if len(result["seconds"]) == 1 else ", twice"
    if result.get("short"): # not what was asked for: seconds without a claim
        name, floor, peer, ours = name + ", only %s" % result["short"], None, None, None
    ratio = ("%s x agop's" % digits(s / ours) if ours else "") if result["peer"] else (
        "**%s x faster**" % digits(peer / s) if peer else "")
    return [name, digits(s), "%d" % result["peak_mb"], "" if quality is None else "%.4f" % quality,
            ratio, "" if floor is None or result["other"] else "%s x" % digits(s / floor)]


def group(results):
    cases = {}
    for r in results:
        cases.setdefault(r["case"], []).append(r)
    return cases


def aligned(rows):
    return ["| " + " | ".join(row) + " |" for row in rows]


def comparison(results, machine):
    day = max(r["date"] for r in results)[:10]
    rows = [["case", "program", "seconds", "peak MB", "quality", "best peer / agop", "of the floor"],
            ["---", "---", "---:", "---:", "---:", "---:", "---:"]]
    for name, those in group([r for r in results if r["group"] != "curves"]).items():
        ours = next((seconds(r) for r in those if not r["peer"] and r["state"] == "ok" and not r.get("short")), None)
        peer = best_peer(those)
        for i, r in enumerate(those):
            rows.append([("`%s`: %s" % (name, r["what"])) if i == 0 else ""] + line(r, machine, day, peer, ours))
    return aligned(rows)


def phases(results):
    """Where our own seconds went, as the program reports them."""
    rows = [["case", "program", "the fit itself", "iterations", "kernel", "solve", "AGOP", "last solve", "CPU s"],
            ["---", "---"] + ["---:"] * 7]
    for r in results:
        steps = r.get("report", {}).get("iterations") if not r["peer"] and r["group"] != "curves" else None
        if steps:
            sums = [sum(step.get("seconds_" + k, 0) for step in steps) for k in ("kernel", "solve", "agop")]
            rows.append(["`%s`" % r["case"], r["row"], digits(r["report"]["seconds"]), str(len(steps))]
                        + [digits(x) for x in sums] + [digits(r["report"].get("seconds_last_solve", 0)),
                                                       digits(statistics.median(r["cpu"]))])
    return aligned(rows) if len(rows) > 2 else []


def described(results, machine):
    rates = [r["rates"] for r in results if r.get("rates")]
    peers = sorted({r["report"]["versions"] for r in results if r["peer"] and r.get("report", {}).get("versions")})
    text = "%s, %d cores, %d GB, %s, %s; agop %s (%s), %s." % (
        machine["cpu"], machine["cores"], machine["gb"], machine["blas"], machine["compiler"], machine["version"],
        machine["commit"], max(r["date"] for r in results))
    if rates:
        spread = {k: [r[k] for r in rates] for k in rates[0]}
        text += " The machine, in the same minutes (least, most): " + ", ".join(
            "%s %s to %s %s" % (k, digits(min(v)), digits(max(v)), u) for (k, v), u in
            zip(spread.items(), ("GFLOP/s", "GFLOP/s", "10^9/s", "GB/s"))) + "."
    text += " Peers: %s." % "; ".join(peers) if peers else ""
    starts = [(r["report"]["import"], r["report"]["import_mb"]) for r in results if r.get("report", {}).get("import_mb")
              and r["peer"] == "xrfm"]
    if starts:
        text += " Importing xRFM alone: %s s, %d MB; its rows include that." % (
            digits(statistics.median(s for s, _ in starts)), statistics.median(m for _, m in starts))
    return text


def markdown(results, machine, picture):
    """The whole section: the machine, the comparison, the phases of our fits, the curves."""
    if not results:
        return "Nothing has been measured yet: `make bench`."
    text = [described(results, machine), "", *comparison(results, machine)]
    inside = phases(results)
    if inside:
        text += ["", "Seconds inside our fits, all iterations together:", "", *inside]
    if any(r["group"] == "curves" and r["state"] == "ok" for r in results):
        text += ["", "![Seconds of a fit in rows, columns and outputs](%s)" % os.path.basename(picture)]
    return "\n".join(text)


def into(path, text, marks=MARKS):
    """Between the marks of a document; the rest of it stays as it is."""
    begin, end = marks
    with open(path) as f:
        old = f.read()
    if begin not in old or end not in old:
        raise SystemExit("bench: %s has no line %s with its end" % (path, begin))
    head, tail = old.split(begin, 1)[0], old.split(end, 1)[1]
    with open(path + ".new", "w") as f:
        f.write(head + begin + "\n" + text + "\n" + end + tail)
    os.replace(path + ".new", path)
