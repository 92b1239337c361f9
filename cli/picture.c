/* picture.c - what a model looks at, drawn as SVG.
 *
 * Bars: on the left the importance of the columns, on the right the strongest loadings of the top eigenvectors.
 * Images: importance and eigenvectors as pictures of the shape the columns came from. A panel is drawn in its own
 * coordinates; `place` stacks them in two columns by their heights. */
#include "picture.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "direction.h"
#include "order.h"
#include "svg.h"
#include "words.h"

enum {
    VALUE         = 52, /* room for "12.3 %" after a bar */
    MOST_COLUMNS  = 30,
    MOST_LOADINGS = 12,
    MOST_VECTORS  = 3
};

static void percent(char out[WORDS_NUMBER], double share)
{
    double p = 100 * share;

    snprintf(out, WORDS_NUMBER, p >= 9.95 || p == 0 ? "%.0f %%" : p >= 0.095 ? "%.1f %%" : "%.1g %%", p);
    if (p > 0 && p < 0.01)
        snprintf(out, WORDS_NUMBER, "<0.01 %%");
}

/* ---- bars ---- */

/* Importance of the columns. */
static void importance_panel(FILE *f, const picture *p, const ranked *r, double x, double y)
{
    int64_t rows   = p->columns < MOST_COLUMNS ? p->columns : MOST_COLUMNS;
    double  gutter = svg_gutter(p->column, r, rows), left = x + gutter, room = PANEL - gutter - VALUE;
    double  top = rows && r[0].size > 0 ? r[0].size : 1, rest = 0, step = svg_step(top, 4), base, bottom;
    char    number[WORDS_NUMBER], more[96];

    svg_title(f, x, y, "Importance of columns");
    base   = y + TITLE;
    bottom = base + (double)rows * ROW + 2;
    for (double t = 0; t <= top * 1.0001; t += step) {
        svg_line(f, left + t / top * room, base, left + t / top * room, bottom, t > 0 ? FAINT : INK);
        snprintf(number, sizeof number, "%g %%", round(1e6 * t) / 1e4);
        svg_text(f, left + t / top * room, bottom + 15, "middle", " font-size=\"11\"", number);
    }
    for (int64_t i = 0; i < rows; i++) {
        double mid = base + ((double)i + 0.5) * ROW, w = r[i].size / top * room;
        svg_label(f, left - 8, mid + 4, gutter - 8, p->column[r[i].at]);
        fprintf(f, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.2f\" height=\"%d\" fill=\"" IMPORTANCE "\"/>\n", left,
                mid - BAR / 2.0, w, BAR);
        percent(number, r[i].size);
        svg_text(f, left + w + 5, mid + 4, "start",
             " font-size=\"11\" stroke=\"white\" stroke-width=\"3\" paint-order=\"stroke\"", number);
    }
    svg_line(f, left, base, left, bottom, INK);
    svg_text(f, left + room / 2, bottom + 33, "middle", " font-size=\"12\"", "share of the trace of the AGOP");
    if (rows == p->columns)
        return;
    for (int64_t i = rows; i < p->columns; i++)
        rest += r[i].size;
    percent(number, rest);
    snprintf(more, sizeof more, "and %lld more columns (%s)", (long long)(p->columns - rows), number);
    svg_text(f, left, bottom + 54, "start", " font-size=\"12\" font-style=\"italic\"", more);
}

/* So many rows has a panel of loadings: those too small to be seen are left out. */
static int64_t shown_loadings(const picture *p, const ranked *r)
{
    int64_t rows = 1;

    while (rows < p->features && rows < MOST_LOADINGS && r[rows].size > 0.004 * r[0].size)
        rows++;
    return rows;
}

/* The strongest loadings of eigenvector k. */
static void vector_panel(FILE *f, const picture *p, int k, const ranked *r, double x, double y)
{
    const double *v      = p->loading + (int64_t)k * p->features;
    int64_t       rows   = shown_loadings(p, r);
    char          number[WORDS_NUMBER], title[96], axis[96], under[DIRECTION_TEXT];
    svg_bars      bars = {.title = title, .under = under, .axis = axis, .name = p->feature, .value = v, .order = r,
                          .rows = rows};

    direction_text(under, v, p->feature, p->features);
    percent(number, p->share[k]);
    snprintf(title, sizeof title, "Eigenvector %d (%s of the trace)", k + 1, number);
    snprintf(axis, sizeof axis, rows < p->features ? "loading (the %lld strongest of %lld)" : "loading",
             (long long)rows, (long long)p->features);
    svg_bar_panel(f, &bars, x, y, PANEL);
}

static double head_of(const picture *p)
{
    return MARGIN + (p->title ? 34 : 0);
}

/* Importance on the left, the first eigenvector on the right, the others where there is more room. */
static void place(FILE *f, const picture *p, const ranked *column, ranked *const *feature, int vectors)
{
    int64_t columns = p->columns < MOST_COLUMNS ? p->columns : MOST_COLUMNS;
    double  top     = head_of(p), end[2]; /* of what stands left and right */
    double  begins[MOST_VECTORS];
    int     side[MOST_VECTORS];

    end[0] = top + TITLE + (double)columns * ROW + AXIS + (columns < p->columns ? 22 : 0);
    end[1] = top - SPACE;
    for (int k = 0; k < vectors; k++) {
        side[k]      = end[1] < end[0];
        begins[k]    = end[side[k]] + SPACE;
        end[side[k]] = begins[k] + TITLE + UNDER + (double)shown_loadings(p, feature[k]) * ROW + AXIS;
    }
    svg_begin(f, (end[0] > end[1] ? end[0] : end[1]) + MARGIN, p->title);
    importance_panel(f, p, column, MARGIN, top);
    for (int k = 0; k < vectors; k++)
        vector_panel(f, p, k, feature[k], MARGIN + side[k] * (PANEL + GAP), begins[k]);
    fputs("</svg>\n", f);
}

static int draw_bars(FILE *f, const picture *p)
{
    int     vectors = p->vectors < MOST_VECTORS ? p->vectors : MOST_VECTORS, failed;
    ranked *column = order_by_size(p->importance, p->columns), *feature[MOST_VECTORS] = {NULL};

    failed = !column;
    for (int k = 0; k < vectors; k++) {
        feature[k] = order_by_size(p->loading + (int64_t)k * p->features, p->features);
        failed     = failed || !feature[k];
    }
    if (!failed)
        place(f, p, column, feature, vectors);
    for (int k = 0; k < MOST_VECTORS; k++)
        free(feature[k]);
    free(column);
    return failed ? -1 : 0;
}

/* ---- images ---- */

typedef struct colour {
    int r, g, b;
} colour;

/* Between the stops of a scale, linearly; t in [0, 1]. */
static colour blend(const colour *stop, int count, double t)
{
    double at = (t < 0 ? 0 : t > 1 ? 1 : t) * (count - 1);
    int    i  = at >= count - 1 ? count - 2 : (int)at;
    double w  = at - i;
    colour c  = {(int)lround(stop[i].r + w * (stop[i + 1].r - stop[i].r)),
                 (int)lround(stop[i].g + w * (stop[i + 1].g - stop[i].g)),
                 (int)lround(stop[i].b + w * (stop[i + 1].b - stop[i].b))};

    return c;
}

/* From blue over white to red, white at 0; even in lightness on both sides. */
static colour diverging(double t)
{
    static const colour stop[] = {{5, 48, 97},     {33, 102, 172}, {103, 169, 207}, {209, 229, 240}, {255, 255, 255},
                                  {253, 219, 199}, {239, 138, 98}, {178, 24, 43},   {103, 0, 31}};

    return blend(stop, 9, t);
}

/* From white to dark blue; the lightness falls evenly, so it also prints in grey. */
static colour sequential(double t)
{
    static const colour stop[] = {{255, 255, 255}, {222, 235, 247}, {158, 202, 225},
                                  {66, 146, 198},  {8, 81, 156},    {8, 38, 88}};

    return blend(stop, 6, t);
}

typedef struct scale {
    double low, high;
    colour (*of)(double);
} scale;

static void fill(FILE *f, const scale *s, double v)
{
    double t = s->high > s->low ? (v - s->low) / (s->high - s->low) : 0;
    colour c = s->of(isfinite(t) ? t : 0);

    fprintf(f, " fill=\"#%02x%02x%02x\"/>\n", (unsigned)c.r, (unsigned)c.g, (unsigned)c.b);
}

/* Cells of `cell` units; each is drawn a little over its right and lower neighbour's place, which then covers it, so
 * that no renderer shows seams. */
static void cells(FILE *f, const double *v, const picture *p, const scale *s, double x, double y, double cell)
{
    for (int64_t i = 0; i < p->height; i++)
        for (int64_t j = 0; j < p->width; j++) {
            double w = cell + (j + 1 < p->width ? 0.4 : 0), h = cell + (i + 1 < p->height ? 0.4 : 0);
            fprintf(f, "<rect x=\"%.2f\" y=\"%.2f\" width=\"%.2f\" height=\"%.2f\"", x + (double)j * cell,
                    y + (double)i * cell, w, h);
            fill(f, s, v[i * p->width + j]);
        }
    fprintf(f,
            "<rect x=\"%.2f\" y=\"%.2f\" width=\"%.2f\" height=\"%.2f\" fill=\"none\" stroke=\"#888888\" "
            "stroke-width=\"0.8\"/>\n",
            x, y, cell * (double)p->width, cell * (double)p->height);
}

static void tick(FILE *f, double x, double y, const char *anchor, double v, int as_percent)
{
    char number[WORDS_NUMBER];

    if (as_percent)
        percent(number, v);
    else
        snprintf(number, sizeof number, "%s%.2g", v < 0 ? "\xE2\x88\x92" : "", fabs(v));
    svg_text(f, x, y, anchor, " font-size=\"11\"", number);
}

static void legend(FILE *f, const scale *s, double x, double y, double width, int as_percent, const char *what)
{
    enum { STEPS = 64 };

    for (int i = 0; i < STEPS; i++) {
        fprintf(f, "<rect x=\"%.2f\" y=\"%.1f\" width=\"%.2f\" height=\"10\"", x + i * width / STEPS, y,
                width / STEPS + (i + 1 < STEPS ? 0.4 : 0));
        fill(f, s, s->low + (i + 0.5) / STEPS * (s->high - s->low));
    }
    fprintf(f,
            "<rect x=\"%.2f\" y=\"%.1f\" width=\"%.2f\" height=\"10\" fill=\"none\" stroke=\"#888888\" "
            "stroke-width=\"0.8\"/>\n",
            x, y, width);
    tick(f, x, y + 24, "start", s->low, as_percent);
    if (s->low < 0)
        svg_text(f, x + width / 2, y + 24, "middle", " font-size=\"11\"", "0");
    tick(f, x + width, y + 24, "end", s->high, as_percent);
    svg_text(f, x + width / 2, y + 40, "middle", " font-size=\"12\"", what);
}

static double largest(const double *v, int64_t n)
{
    double top = 0;

    for (int64_t i = 0; i < n; i++)
        if (fabs(v[i]) > top) /* false for NaN */
            top = fabs(v[i]);
    return top > 0 ? top : 1;
}

/* Eigenvectors share one scale: they have the same length, so their colours may be compared. */
static int draw_images(FILE *f, const picture *p)
{
    int    vectors = p->vectors < MOST_VECTORS ? p->vectors : MOST_VECTORS;
    double side = (WIDTH - 2.0 * MARGIN - SPACE * vectors) / (vectors + 1), y = head_of(p), x = MARGIN, cell, wide,
           high;
    double top     = vectors ? largest(p->loading, vectors * p->features) : 1;
    scale  loading = {-top, top, diverging}, share = {0, largest(p->importance, p->columns), sequential};
    char   number[WORDS_NUMBER], title[64];

    side = side < 420 ? side : 420;
    cell = side / (double)(p->width > p->height ? p->width : p->height);
    wide = cell * (double)p->width;
    high = cell * (double)p->height;
    svg_begin(f, y + TITLE + high + 70 + MARGIN / 2.0, p->title);
    svg_title(f, x, y, "Importance");
    cells(f, p->importance, p, &share, x, y + TITLE, cell);
    legend(f, &share, x, y + TITLE + high + 14, wide < 140 ? 140 : wide, 1, "share of the trace");
    for (int k = 0; k < vectors; k++) {
        x += side + SPACE;
        percent(number, p->share[k]);
        snprintf(title, sizeof title, "Eigenvector %d (%s)", k + 1, number);
        svg_title(f, x, y, title);
        cells(f, p->loading + (int64_t)k * p->features, p, &loading, x, y + TITLE, cell);
        legend(f, &loading, x, y + TITLE + high + 14, wide < 140 ? 140 : wide, 0, "loading");
    }
    fputs("</svg>\n", f);
    return 0;
}

int picture_write(FILE *f, const void *picture_of)
{
    const picture *p = picture_of;

    return p->height > 0 ? draw_images(f, p) : draw_bars(f, p);
}
