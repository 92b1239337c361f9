"""Critical differences (Demsar 2006) as an SVG of our own: mean ranks on a line, the best on the left; methods that do
not differ by Nemenyi's test are joined by a bar.
"""
import picture
import ranks

WIDTH, SIDE, TOP, STEP, GAP = 1000, 325, 96, 22, 9  # of the sheet; for names; of the axis; of names; of bars
OURS = "agop"


def line(x1, y1, x2, y2, colour, width):
    return '<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" stroke="%s" stroke-width="%s"/>' % (
        x1, y1, x2, y2, picture.COLOURS[colour], width)


def whose(label):
    return "ours" if label.startswith(OURS) else "ink"


def names(labels, means, order, at, first):
    """Half of the methods on each side, from the outer ones inwards, each with a line down from its rank."""
    half, out = (len(order) + 1) // 2, []
    for place, i in enumerate(order):
        left = place < half
        y = first + STEP * (place if left else len(order) - 1 - place)
        end = SIDE - 20 if left else WIDTH - SIDE + 20
        colour = whose(labels[i])
        out += [line(at(means[i]), TOP, at(means[i]), y, colour, 1.2), line(at(means[i]), y, end, y, colour, 1.2),
                picture.text(end + (-6 if left else 6), y + 4, "%s  %.2f" % (labels[i], means[i]),
                             "end" if left else "start", 13, colour, picture.BOLD if colour == "ours" else "")]
    return out


def write(path, labels, rows):
    """labels of the methods; rows of scores, one for each table."""
    means, k = ranks.mean_ranks(rows), len(labels)
    difference = ranks.critical_difference(k, len(rows))
    order = sorted(range(k), key=lambda i: means[i])
    joined = ranks.cliques(means, difference)

    def at(rank):
        return SIDE + (rank - 1) / (k - 1) * (WIDTH - 2 * SIDE)
    first = TOP + 30 + GAP * len(joined)
    height = first + STEP * ((k + 1) // 2) + 6
    out = ['<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" '
           'font-family="DejaVu Sans, Helvetica, Arial, sans-serif">' % (WIDTH, height, WIDTH, height),
           '<rect width="100%" height="100%" fill="#ffffff"/>',
           picture.text(WIDTH / 2, 24, "Mean rank over %d tables (1 is the best)" % len(rows), size=15,
                        more=picture.BOLD),
           picture.text(WIDTH / 2, 43, "joined: no difference by Nemenyi's test at 5 %%; critical difference %.2f"
                        % difference, size=12, colour="soft"),
           line(at(1), TOP, at(k), TOP, "ink", 1.5)]
    for rank in range(1, k + 1):
        out += [line(at(rank), TOP - 6, at(rank), TOP, "ink", 1.5), picture.text(at(rank), TOP - 11, "%d" % rank)]
    if difference <= k - 1: # else nothing can differ, and there is no room to show it
        out += [line(at(1), TOP - 34, at(1 + difference), TOP - 34, "peer", 2.5)]
    for height_of, clique in enumerate(joined):
        y = TOP + 14 + GAP * height_of
        out.append(line(at(means[clique[0]]) - 4, y, at(means[clique[-1]]) + 4, y, "soft", 4))
    out += names(labels, means, order, at, first)
    with open(path, "w") as f:
        f.write("\n".join(out + ["</svg>"]) + "\n")
