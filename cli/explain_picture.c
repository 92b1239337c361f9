/* explain_picture.c - an explanation as a picture: bars of contributions, or one panel per curve of --partial. */
#include <math.h>
#include <stdlib.h>

#include "explanation.h"
#include "order.h"
#include "svg.h"
#include "words.h"

enum { MOST_BARS = 30, CURVE_HIGH = 190, SIDE = 62 /* numbers of the vertical axis */ };

/* ---- bars ---- */

/* "column = cell" for the bars of one row. */
static char (*label_cells(const explanation *x, const char **name))[256]
{
    char(*label)[256] = run_room(x->columns, sizeof *label), cell[80];

    for (int64_t j = 0; label && j < x->columns; j++) {
        explanation_cell(cell, x, 0, j);
        snprintf(label[j], sizeof label[j], "%.160s = %s", x->name[j], cell);
        name[j] = label[j];
    }
    return label;
}

/* "price: 23.4 = 22.1 for the mean row + 1.3", or over how many rows the mean goes. */
static void say_title(char title[512], const explanation *x)
{
    double moved = x->value[0] - x->base[0];

    if (x->rows > 1)
        snprintf(title, 512, "Mean |contribution| over %lld rows", (long long)x->rows);
    else
        snprintf(title, 512, "Row %lld: %.300s %.5g = %.5g for the mean row %s %.5g", (long long)x->number[0],
                 agop_model_output_name(x->m, x->what, x->output[0]), x->value[0], x->base[0],
                 moved < 0 ? "\xE2\x88\x92" : "+", fabs(moved));
}

int draw_explanation(FILE *f, const void *what)
{
    const explanation *x       = what;
    const double      *value   = x->rows == 1 ? x->part : x->mean;
    const char       **name    = run_room(x->columns, sizeof *name);
    ranked            *order   = order_by_size(value, x->columns);
    char(*label)[256]          = x->rows == 1 && name ? label_cells(x, name) : NULL;
    int64_t  rows              = explanation_shown(x, MOST_BARS);
    int      failed            = !name || !order || (x->rows == 1 && !label);
    char     title[512], panel[96];
    svg_bars bars = {
        .title = panel, .axis = "contribution", .value = value, .order = order, .rows = rows, .numbers = 1};

    if (failed)
        goto done;
    bars.name = x->rows == 1 ? name : x->name;
    say_title(title, x);
    snprintf(panel, sizeof panel, rows < x->columns ? "The %lld largest of %lld columns" : "All columns",
             (long long)rows, (long long)x->columns);
    svg_begin(f, MARGIN + 34 + TITLE + (double)rows * ROW + AXIS + MARGIN, title);
    svg_bar_panel(f, &bars, MARGIN, MARGIN + 34, WIDTH - 2 * MARGIN);
    fputs("</svg>\n", f);
done:
    free(label);
    free(order);
    free(name);
    return failed ? -1 : 0;
}

/* ---- curves ---- */

/* A panel's place and the values at its edges. */
typedef struct frame {
    double x, y, width, low, high;
} frame;

static double across(const frame *a, const curve *c, int64_t k)
{
    double span = c->grid[c->points - 1] - c->grid[0];

    if (c->level[0])
        return a->x + ((double)k + 0.5) / (double)c->points * a->width;
    return a->x + (span > 0 ? (c->grid[k] - c->grid[0]) / span : 0.5) * a->width;
}

static double up(const frame *a, double v)
{
    return a->y + (a->high - v) / (a->high - a->low) * CURVE_HIGH;
}

/* All panels have one scale, so that their curves may be compared. */
static void reach(frame *a, const curves_picture *p)
{
    double pad;

    a->low  = INFINITY;
    a->high = -INFINITY;
    for (int64_t i = 0; i < p->curves; i++)
        for (int64_t k = 0; k < p->c[i].points; k++) {
            a->low  = fmin(a->low, p->c[i].low[k]);
            a->high = fmax(a->high, p->c[i].high[k]);
            a->low  = fmin(a->low, p->c[i].mean[k]);
            a->high = fmax(a->high, p->c[i].mean[k]);
        }
    pad = a->high > a->low ? 0.05 * (a->high - a->low) : 0.5 + 0.05 * fabs(a->low);
    a->low -= pad;
    a->high += pad;
}

static void draw_axes(FILE *f, const frame *a, const curve *c)
{
    double step = svg_step(a->high - a->low, 5), bottom = a->y + CURVE_HIGH;
    char   cut[WORDS_CUT];

    for (double s = ceil(a->low / step); s * step <= a->high; s++) {
        svg_line(f, a->x, up(a, s * step), a->x + a->width, up(a, s * step), FAINT);
        svg_number(f, a->x - 6, up(a, s * step) + 4, "end", s * step);
    }
    svg_line(f, a->x, bottom, a->x + a->width, bottom, INK);
    if (!c->level[0]) {
        double first = c->grid[0], span = c->grid[c->points - 1] - first, tick = span > 0 ? svg_step(span, 4) : 1;
        if (!(span > 0))
            svg_number(f, a->x + a->width / 2, bottom + 15, "middle", first);
        for (double s = ceil(first / tick - 1e-9); span > 0 && s * tick <= first + span * (1 + 1e-9); s++) {
            double at = a->x + (s * tick - first) / span * a->width;
            svg_line(f, at, bottom, at, bottom + 4, INK);
            svg_number(f, at, bottom + 17, "middle", s * tick);
        }
        return;
    }
    for (int64_t k = 0; k < c->points; k++)
        svg_text(f, across(a, c, k), bottom + 15, "middle", " font-size=\"11\"",
                 words_fit(cut, c->level[k], (int)fmax(1, a->width / (double)c->points / 8)));
}

/* A band and a line for numbers; for levels, between which nothing is, bars of the band and points. */
static void draw_curve(FILE *f, const frame *a, const curve *c)
{
    if (c->level[0] || c->points == 1) {
        for (int64_t k = 0; k < c->points; k++)
            fprintf(f,
                    "<rect x=\"%.1f\" y=\"%.1f\" width=\"12\" height=\"%.1f\" fill=\"" IMPORTANCE
                    "\" fill-opacity=\"0.25\"/>\n<circle cx=\"%.1f\" cy=\"%.1f\" r=\"4\" fill=\"" IMPORTANCE "\"/>\n",
                    across(a, c, k) - 6, up(a, c->high[k]), up(a, c->low[k]) - up(a, c->high[k]), across(a, c, k),
                    up(a, c->mean[k]));
        return;
    }
    fputs("<polygon fill=\"" IMPORTANCE "\" fill-opacity=\"0.2\" points=\"", f);
    for (int64_t k = 0; k < c->points; k++)
        fprintf(f, "%.1f,%.1f ", across(a, c, k), up(a, c->high[k]));
    for (int64_t k = c->points - 1; k >= 0; k--)
        fprintf(f, "%.1f,%.1f ", across(a, c, k), up(a, c->low[k]));
    fputs("\"/>\n<polyline fill=\"none\" stroke-width=\"2\" stroke=\"" IMPORTANCE "\" points=\"", f);
    for (int64_t k = 0; k < c->points; k++)
        fprintf(f, "%.1f,%.1f ", across(a, c, k), up(a, c->mean[k]));
    fputs("\"/>\n", f);
}

static void title_curve(FILE *f, const curve *c, int64_t number, double x, double y)
{
    char cut[WORDS_CUT], title[64];

    if (c->direction) {
        snprintf(title, sizeof title, "Direction %lld (%.3g %% of the trace)", (long long)number, 100 * c->share);
        svg_under(f, x, y, PANEL, c->name);
    }
    svg_title(f, x, y, c->direction ? title : words_fit(cut, c->name, 50));
}

int draw_curves(FILE *f, const void *what)
{
    const curves_picture *p    = what;
    const explanation    *x    = p->x;
    double                head = TITLE + (p->c->direction ? UNDER : 0), tall = head + CURVE_HIGH + AXIS;
    frame                 a    = {.width = PANEL - SIDE - 12};
    char                  title[512];
    int64_t               lines;

    reach(&a, p);
    snprintf(title, sizeof title, "Mean %.300s over %lld rows, and where 80 %% of them lie",
             agop_model_output_name(x->m, x->what, x->output[0]), (long long)x->rows);
    lines = (p->curves + 1) / 2;
    svg_begin(f, MARGIN + 34 + (double)lines * tall, title);
    for (int64_t i = 0; i < p->curves; i++) {
        int64_t line = i / 2;
        double  left = MARGIN + (double)(i % 2) * (PANEL + GAP), y = MARGIN + 34 + (double)line * tall;
        a.x = left + SIDE;
        a.y = y + head;
        title_curve(f, &p->c[i], i + 1, left, y);
        draw_axes(f, &a, &p->c[i]);
        draw_curve(f, &a, &p->c[i]);
    }
    fputs("</svg>\n", f);
    return 0;
}
