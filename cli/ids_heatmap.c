/* ids_heatmap.c - scores of variables with each other as a map, in an order in which those that go together are
 * neighbours: average linkage, and of two groups that are joined the ends that belong together meet. */
#include <math.h>
#include <stdlib.h>

#include "ids_picture.h"
#include "svg.h"

enum { CELL_MOST = 80, KEY_WIDE = 160, KEY_STEPS = 32, HEAD = 58 };

static double score_of(const scores_picture *p, int64_t i, int64_t j)
{
    return p->score[p->variable[i] * p->all + p->variable[j]];
}

/* ---- order ---- */

typedef struct clusters {
    int64_t *leaf;  /* all of them; those of a cluster side by side */
    int64_t *first; /* of each cluster, and where the last one ends */
    int64_t  count;
} clusters;

static double between(const scores_picture *p, const clusters *c, int64_t a, int64_t b)
{
    double sum = 0;

    for (int64_t i = c->first[a]; i < c->first[a + 1]; i++)
        for (int64_t j = c->first[b]; j < c->first[b + 1]; j++)
            sum += score_of(p, c->leaf[i], c->leaf[j]);
    return sum / (double)((c->first[a + 1] - c->first[a]) * (c->first[b + 1] - c->first[b]));
}

static void reverse(int64_t *v, int64_t n)
{
    for (int64_t i = 0; i < n / 2; i++) {
        int64_t one  = v[i];
        v[i]         = v[n - 1 - i];
        v[n - 1 - i] = one;
    }
}

/* Cluster b moves behind a, either of them turned round where better ends meet then. */
static void join(const scores_picture *p, clusters *c, int64_t a, int64_t b)
{
    int64_t la = c->first[a + 1] - c->first[a], lb = c->first[b + 1] - c->first[b];
    int64_t *va = c->leaf + c->first[a], *vb = va + la, best = 0, gap = c->first[b] - c->first[a + 1];
    double   most = -1;

    reverse(vb, gap); /* what stands between them goes behind both */
    reverse(vb + gap, lb);
    reverse(vb, gap + lb);
    for (int64_t k = b; k > a + 1; k--)
        c->first[k] = c->first[k - 1] + lb;
    for (int64_t k = a + 1; k < c->count; k++)
        c->first[k] = c->first[k + 1];
    c->count--;
    for (int k = 0; k < 4; k++) {
        double ends = score_of(p, va[k & 1 ? 0 : la - 1], vb[k & 2 ? lb - 1 : 0]);
        if (ends > most) {
            most = ends;
            best = k;
        }
    }
    if (best & 1)
        reverse(va, la);
    if (best & 2)
        reverse(vb, lb);
}

static void put_in_order(const scores_picture *p, clusters *c)
{
    for (int64_t i = 0; i < p->shown; i++)
        c->leaf[i] = c->first[i] = i;
    c->first[p->shown] = c->count = p->shown;
    while (c->count > 1) {
        int64_t a = 0, b = 1;
        double  most = -1;
        for (int64_t i = 0; i < c->count; i++)
            for (int64_t j = i + 1; j < c->count; j++) {
                double now = between(p, c, i, j);
                if (now > most) {
                    most = now;
                    a    = i;
                    b    = j;
                }
            }
        join(p, c, a, b);
    }
}

/* ---- drawing ---- */

/* From white through blue to nearly black. */
static void colour(char out[8], double share)
{
    static const double stop[3][3] = {{250, 251, 253}, {86, 139, 190}, {10, 32, 66}};
    double              s = fmin(fmax(share, 0), 1) * 2;
    int                 k = s < 1 ? 0 : 1, rgb[3];

    for (int i = 0; i < 3; i++)
        rgb[i] = (int)lround(stop[k][i] + (stop[k + 1][i] - stop[k][i]) * (s - k));
    snprintf(out, 8, "#%02x%02x%02x", (unsigned)rgb[0] & 255, (unsigned)rgb[1] & 255, (unsigned)rgb[2] & 255);
}

static void draw_key(FILE *f, double x, double y, double top)
{
    char fill[8];

    for (int k = 0; k < KEY_STEPS; k++) {
        colour(fill, (k + .5) / KEY_STEPS);
        fprintf(f, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.2f\" height=\"10\" fill=\"%s\"/>\n",
                x + k * (double)KEY_WIDE / KEY_STEPS, y, (double)KEY_WIDE / KEY_STEPS + .3, fill);
    }
    svg_number(f, x, y + 23, "start", 0);
    svg_number(f, x + KEY_WIDE, y + 23, "end", round(100 * top) / 100);
    svg_text(f, x + KEY_WIDE / 2.0, y + 23, "middle", " font-size=\"11\"", "score");
}

typedef struct map {
    const scores_picture *p;
    const clusters       *c;
    double                cell, names, top; /* names: room for them; top: the largest score */
} map;

static void draw_cells(FILE *f, const map *m)
{
    const scores_picture *p = m->p;
    double                left = MARGIN + m->names, above = MARGIN + HEAD;
    char                  fill[8];

    fputs("<g shape-rendering=\"crispEdges\">\n", f);
    for (int64_t i = 0; i < p->shown; i++)
        for (int64_t j = 0; j < p->shown; j++) {
            colour(fill, i == j ? 1 : score_of(p, m->c->leaf[i], m->c->leaf[j]) / m->top);
            fprintf(f, "<rect x=\"%.2f\" y=\"%.2f\" width=\"%.2f\" height=\"%.2f\" fill=\"%s\"/>\n",
                    left + (double)j * m->cell, above + (double)i * m->cell, m->cell, m->cell, fill);
        }
    fputs("</g>\n", f);
}

static void draw_names(FILE *f, const map *m)
{
    double left = MARGIN + m->names, above = MARGIN + HEAD, bottom = above + (double)m->p->shown * m->cell + 6;

    for (int64_t i = 0; i < m->p->shown; i++) {
        const char *name = agop_ids_name(m->p->d, 0, m->p->variable[m->c->leaf[i]]);
        double      along = ((double)i + .5) * m->cell + 4;
        svg_label(f, left - 6, above + along, m->names - 6, name);
        fprintf(f, "<g transform=\"rotate(-90 %.1f %.1f)\">", left + along, bottom);
        svg_label(f, left + along, bottom, m->names - 6, name);
        fputs("</g>\n", f);
    }
}

/* Room for the longest name. */
static int room_for_names(double *out, const scores_picture *p)
{
    const char **name = run_room(p->shown, sizeof *name);
    ranked      *all  = run_room(p->shown, sizeof *all);

    for (int64_t i = 0; name && all && i < p->shown; i++) {
        name[i]   = agop_ids_name(p->d, 0, p->variable[i]);
        all[i].at = i;
    }
    *out = name && all ? svg_gutter(name, all, p->shown) : 0;
    free(name);
    free(all);
    return *out > 0 ? 0 : -1;
}

int draw_heatmap(FILE *f, const void *what)
{
    const scores_picture *p = what;
    clusters              c = {.leaf = run_room(p->shown, sizeof *c.leaf)};
    map                   m = {.p = p, .c = &c};
    char                  title[96];
    int                   failed = 1;

    c.first = run_room(p->shown + 1, sizeof *c.first);
    if (!c.leaf || !c.first || room_for_names(&m.names, p) != 0)
        goto done;
    put_in_order(p, &c);
    for (int64_t i = 0; i < p->shown; i++)
        for (int64_t j = 0; j < i; j++)
            m.top = fmax(m.top, score_of(p, i, j));
    m.top  = m.top > 0 ? m.top : 1;
    m.cell = fmin((WIDTH - 2 * MARGIN - m.names) / (double)p->shown, CELL_MOST);
    snprintf(title, sizeof title, p->shown < p->all ? "Scores of %lld of %lld columns, those in the strongest pairs"
                                                    : "Scores of all columns",
             (long long)p->shown, (long long)p->all);
    svg_begin(f, MARGIN + HEAD + (double)p->shown * m.cell + m.names + MARGIN, title);
    draw_key(f, MARGIN + m.names, MARGIN + 24, m.top);
    draw_cells(f, &m);
    draw_names(f, &m);
    fputs("</svg>\n", f);
    failed = 0;
done:
    free(c.leaf);
    free(c.first);
    return failed ? -1 : 0;
}
