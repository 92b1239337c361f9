/* ids_scatter.c - pairs as scatter plots. The column that explains the other better stands below, and a line is the
 * mean of the other among rows that stand next to each other; beside it the curve that the score has found, and of the
 * two the one that says more of the pair is the thick one. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ids_scatter.h"
#include "svg.h"
#include "words.h"

enum { ACROSS = 3, MOST = 9, DOTS = 800, LEFT = 58, BETWEEN = 26, BELOW = 40, ABOVE = 40, TOP = MARGIN + 48 };
enum { WEAKEST = 3 }; /* pairs that score less than this part of the strongest are no strong pairs */
#define CURVE "#e08214"
#define THICK(colour) " stroke=\"" colour "\" stroke-width=\"2.2\""
#define THIN(colour) " stroke=\"" colour "\" stroke-width=\"1\""

typedef struct dot {
    double x, y;
} dot;

static int by_x(const void *p, const void *q)
{
    const dot *a = p, *b = q;

    return a->x != b->x ? (a->x > b->x) - (a->x < b->x) : (a->y > b->y) - (a->y < b->y);
}

/* Rows of equal x stay in one bin. */
static void find_means(dots *d)
{
    double mean = 0, total = 0, between = 0;

    for (int64_t i = 0; i < d->n; i++)
        mean += d->y[i] / (double)d->n;
    for (int64_t i = 0; i < d->n; i++)
        total += (d->y[i] - mean) * (d->y[i] - mean);
    d->bins = 0;
    for (int64_t first = 0, next; first < d->n && d->bins < BINS; first = next) {
        double sum[2] = {0, 0}, count;
        next = d->n * (d->bins + 1) / BINS;
        next = next > first ? next : first + 1;
        while (next < d->n && (d->x[next] == d->x[next - 1] || d->bins == BINS - 1))
            next++;
        count = (double)(next - first);
        for (int64_t i = first; i < next; i++) {
            sum[0] += d->x[i];
            sum[1] += d->y[i];
        }
        d->mid[d->bins]    = sum[0] / count;
        d->mean[d->bins++] = sum[1] / count;
        between += count * (sum[1] / count - mean) * (sum[1] / count - mean);
    }
    d->explained = total > 0 ? between / total : 0;
}

static void close_dots(dots *d)
{
    free(d->x);
    free(d->y);
}

static int open_dots(dots *d, const agop_table *x, int64_t i, const agop_table *y, int64_t j)
{
    int64_t rows = agop_table_rows(x);
    dot    *all  = run_room(rows, sizeof *all);

    *d = (dots){.x_name = agop_table_name(x, i), .y_name = agop_table_name(y, j)};
    d->x = run_room(rows, sizeof *d->x);
    d->y = run_room(rows, sizeof *d->y);
    if (!all || !d->x || !d->y) {
        free(all);
        return -1;
    }
    for (int64_t r = 0; r < rows; r++) {
        dot one = {agop_table_number(x, r, i), agop_table_number(y, r, j)};
        if (!isnan(one.x) && !isnan(one.y))
            all[d->n++] = one;
    }
    qsort(all, (size_t)d->n, sizeof *all, by_x);
    for (int64_t r = 0; r < d->n; r++) {
        d->x[r] = all[r].x;
        d->y[r] = all[r].y;
    }
    free(all);
    d->every = d->n / DOTS + 1; /* of many rows every so manieth is a dot */
    d->first = d->every / 2;
    find_means(d);
    return 0;
}

/* Both ways, and the better one stays. */
static int open_better(dots *d, const pairs_picture *p, int64_t i, int64_t j)
{
    dots other = {0};

    if (open_dots(d, p->x, i, p->y, j) != 0 || open_dots(&other, p->y, j, p->x, i) != 0) {
        close_dots(d);
        close_dots(&other);
        *d = (dots){0};
        return -1;
    }
    other.side = 1;
    if (other.explained > d->explained) {
        dots better = other;
        other       = *d;
        *d          = better;
    }
    close_dots(&other);
    return 0;
}

/* ---- drawing ---- */

static void reach(frame *a, int axis, const dots *d, const double *v)
{
    double low = INFINITY, high = -INFINITY, pad;

    for (int64_t i = d->first; i < d->n; i += d->every) {
        low  = fmin(low, v[i]);
        high = fmax(high, v[i]);
    }
    if (d->n == 0)
        low = high = 0;
    pad            = high > low ? .04 * (high - low) : 1;
    a->first[axis] = low;
    a->last[axis]  = high;
    a->low[axis]   = low - pad;
    a->high[axis]  = high + pad;
}

/* 20000 as 20k: there is little room. */
static void draw_number(FILE *f, double x, double y, const char *anchor, double v)
{
    char        number[40];
    double      size = fabs(v);
    const char *unit = size >= 1e9 || size < 1e4 ? "" : size >= 1e6 ? "M" : "k";

    snprintf(number, sizeof number, "%s%.4g%s", v < 0 ? "\xE2\x88\x92" : "",
             size / (*unit == 'M' ? 1e6 : *unit == 'k' ? 1e3 : 1), unit);
    svg_text(f, x, y, anchor, " font-size=\"11\"", number);
}

static void draw_axes(FILE *f, const frame *a, const dots *d)
{
    double step = svg_step(a->high[0] - a->low[0], 5), bottom = a->top + PANEL_HIGH;
    char   cut[WORDS_CUT], turn[96];

    for (double s = ceil(a->low[0] / step); s * step <= a->high[0]; s++) {
        svg_line(f, frame_x(a, s * step), bottom, frame_x(a, s * step), bottom + 4, INK);
        draw_number(f, frame_x(a, s * step), bottom + 17, "middle", s * step);
    }
    step = svg_step(a->high[1] - a->low[1], 5);
    for (double s = ceil(a->low[1] / step); s * step <= a->high[1]; s++) {
        svg_line(f, a->left - 4, frame_y(a, s * step), a->left, frame_y(a, s * step), INK);
        draw_number(f, a->left - 7, frame_y(a, s * step) + 4, "end", s * step);
    }
    svg_line(f, a->left, bottom, a->left + a->width, bottom, INK);
    svg_line(f, a->left, a->top, a->left, bottom, INK);
    svg_text(f, a->left + a->width / 2, bottom + 34, "middle", "", words_fit(cut, d->x_name, 34));
    snprintf(turn, sizeof turn, " transform=\"rotate(-90 %.1f %.1f)\"", a->left - 44, a->top + PANEL_HIGH / 2.0);
    svg_text(f, a->left - 44, a->top + PANEL_HIGH / 2.0, "middle", turn, words_fit(cut, d->y_name, 28));
}

static void draw_dots(FILE *f, const frame *a, const dots *d)
{
    fprintf(f, "<g fill=\"%s\" fill-opacity=\"%s\">\n", IMPORTANCE, d->n > 200 ? "0.35" : "0.55");
    for (int64_t i = d->first; i < d->n; i += d->every)
        fprintf(f, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"%s\"/>\n", frame_x(a, d->x[i]), frame_y(a, d->y[i]),
                d->n > 200 ? "1.9" : "2.4");
    fputs("</g>\n", f);
}

static void draw_means(FILE *f, const frame *a, const dots *d, const char *stroke)
{
    fprintf(f, "<polyline fill=\"none\" stroke-linejoin=\"round\"%s points=\"", stroke);
    for (int k = 0; k < d->bins; k++)
        fprintf(f, "%.1f,%.1f ", frame_x(a, d->mid[k]), frame_y(a, d->mean[k]));
    fputs("\"/>\n", f);
}

/* The mean, and where the score is one of functions their curve: thick is what says more. */
static int draw_lines(FILE *f, const frame *a, const dots *d, const pairs_picture *all, const agop_pair *p)
{
    agop_winner w = {0};
    int         by_curve;

    if (all->winners && agop_ids_winner(&w, all->ctx, all->d, p->a, p->b) != AGOP_OK)
        return -1;
    by_curve = w.r * w.r > d->explained;
    draw_means(f, a, d, by_curve ? THIN(POSITIVE) : THICK(POSITIVE));
    return w.r != 0 ? draw_curve(f, a, d, all->d, &w, by_curve ? THICK(CURVE) : THIN(CURVE)) : 0;
}

static int draw_panel(FILE *f, const dots *d, const pairs_picture *all, const agop_pair *p, double x, double y,
                      double width)
{
    frame a = {.left = x + LEFT, .top = y + ABOVE, .width = width - LEFT};
    char  said[128];

    reach(&a, 0, d, d->x);
    reach(&a, 1, d, d->y);
    snprintf(said, sizeof said, "score %.2f, Spearman %s%.2f", p->score,
             p->spearman <= -.005 ? "\xE2\x88\x92" : "", fabs(p->spearman));
    svg_text(f, x + LEFT, y + 26, "start", "", said);
    draw_axes(f, &a, d);
    draw_dots(f, &a, d);
    return draw_lines(f, &a, d, all, p);
}

/* Which line is what, below the title. */
static void draw_legend(FILE *f, int winners)
{
    enum { SAMPLE = 22, APART = 32, SECOND = 300, THIRD = 730 };
    const double y = MARGIN + 36;

    fprintf(f, "<path%s d=\"M%d %.1fh%d\"/>\n", THICK(POSITIVE), MARGIN, y - 4, SAMPLE);
    svg_text(f, MARGIN + APART, y, "start", "", "mean over 20 parts of the rows");
    if (!winners)
        return;
    fprintf(f, "<path%s d=\"M%d %.1fh%d\"/>\n", THICK(CURVE), SECOND, y - 4, SAMPLE);
    svg_text(f, SECOND + APART, y, "start", "", "where the two functions that correlate most are equal");
    svg_text(f, THIRD, y, "start", "", "thick: what says more of the pair");
}

/* ---- which ---- */

static int by_what_is_not_monotonic(const void *p, const void *q)
{
    const agop_pair *a = p, *b = q;
    double           x = a->score - fabs(a->spearman), y = b->score - fabs(b->spearman);

    if (x != y)
        return x > y ? -1 : 1;
    return a->a != b->a ? (a->a > b->a) - (a->a < b->a) : (a->b > b->b) - (a->b < b->b);
}

static int64_t column_of(const agop_table *t, const char *name)
{
    int64_t j = agop_table_cols(t);

    while (--j >= 0 && strcmp(agop_table_name(t, j), name) != 0)
        ;
    return j;
}

int draw_scatter(FILE *f, const void *what)
{
    const pairs_picture *p   = what;
    agop_pair           *all = run_room(p->pairs, sizeof *all);
    int64_t              count = 0, shown, lines;
    double               width = (WIDTH - 2 * MARGIN - (ACROSS - 1) * BETWEEN) / (double)ACROSS, high;
    int                  failed = !all;

    for (int64_t i = 0; all && i < p->pairs; i++)
        if (!isnan(p->pair[i].spearman) && p->pair[i].score >= p->pair[0].score / WEAKEST)
            all[count++] = p->pair[i]; /* not categories */
    if (all)
        qsort(all, (size_t)count, sizeof *all, by_what_is_not_monotonic);
    shown = count < MOST ? count : MOST;
    lines = (shown + ACROSS - 1) / ACROSS;
    high  = ABOVE + PANEL_HIGH + BELOW + 6;
    svg_begin(f, TOP + 8 + (double)(lines ? lines : 1) * high + MARGIN,
              count ? "Strong pairs, the least monotonic first" : "There are no pairs of numbers");
    if (count)
        draw_legend(f, p->winners);
    for (int64_t i = 0; i < shown && !failed; i++) {
        const int64_t across = i % ACROSS, down = i / ACROSS;
        dots          d;
        failed = open_better(&d, p, column_of(p->x, agop_ids_name(p->d, 0, all[i].a)),
                             column_of(p->y, agop_ids_name(p->d, 1, all[i].b))) != 0;
        failed = failed || draw_panel(f, &d, p, &all[i], MARGIN + (double)across * (width + BETWEEN),
                                      TOP + (double)down * high, width) != 0;
        close_dots(&d);
    }
    fputs("</svg>\n", f);
    free(all);
    return failed ? -1 : 0;
}
