/* picture.c - what a model looks at, drawn as SVG.
 *
 * Bars: on the left the importance of the columns, on the right the strongest loadings of the top eigenvectors.
 * Images: importance and eigenvectors as pictures of the shape the columns came from. A panel is drawn in its own
 * coordinates; `place` stacks them in two columns by their heights.
 *
 * Labels never touch bars: they have a gutter of their own, as wide as the longest one needs and no wider than
 * GUTTER; names longer than that lose their middle. Widths of text are estimated from classes of characters
 * (a little too wide rather than too narrow), since no font is at hand. */
#include "picture.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "order.h"
#include "words.h"

enum {
    WIDTH         = 1000,
    MARGIN        = 28,
    GAP           = 36, /* between the two columns of panels */
    PANEL         = (WIDTH - 2 * MARGIN - GAP) / 2,
    ROW           = 19, /* from one bar to the next */
    BAR           = 13,
    GUTTER        = 170, /* most room for labels */
    VALUE         = 52,  /* room for "12.3 %" after a bar */
    TITLE         = 30,
    SPACE         = 22, /* between panels */
    AXIS          = 44, /* ticks, their numbers, what they are */
    MOST_COLUMNS  = 30,
    MOST_LOADINGS = 12,
    MOST_VECTORS  = 3
};

#define INK        "#222222"
#define FAINT      "#d9d9d9"
#define IMPORTANCE "#3b6fa0"
#define POSITIVE   "#b2182b"
#define NEGATIVE   "#2166ac"

/* ---- text ---- */

static double em(uint32_t p)
{
    if (p < 0x80 && strchr("iljI.,:;'|! ", (int)p))
        return p == ' ' ? 0.34 : 0.37;
    if (p < 0x80 && strchr("frt()[]-/\\\"", (int)p))
        return 0.46;
    if (p == 'm' || p == 'M' || p == 'w' || p == 'W' || p == '@' || p == '%' || p == 0x2026)
        return 1.02;
    if ((p >= 'A' && p <= 'Z') || p == '+' || p == '=' || p == '<' || p == '>' || p == '~' || p == '#')
        return 0.78;
    if (p < 0x80 || (p >= 0xC0 && p < 0x500))
        return 0.645;
    if (p >= 0x300 && p < 0x370)
        return 0;
    return p < 0x1100 ? 0.85 : 1.05; /* East Asian, symbols */
}

static double text_width(const char *s, double size)
{
    double w = 0;
    size_t n;

    for (; *s; s += n)
        w += em(words_utf8(s, &n));
    return w * size;
}

/* XML has no way to write most control characters; what is no UTF-8 would make the whole file unreadable. */
static void escaped(FILE *f, const char *s)
{
    size_t n;

    for (; *s; s += n) {
        uint32_t p = words_utf8(s, &n);
        if (p == '&')
            fputs("&amp;", f);
        else if (p == '<')
            fputs("&lt;", f);
        else if (p == '>')
            fputs("&gt;", f);
        else if (p == '"')
            fputs("&quot;", f);
        else if (p < 0x20 || p == 0xFFFD || p == 0xFFFE || p == 0xFFFF)
            fputs("\xEF\xBF\xBD", f);
        else
            fwrite(s, 1, n, f);
    }
}

/* anchor: "start", "middle" or "end"; rest: further attributes, or "". */
static void text(FILE *f, double x, double y, const char *anchor, const char *rest, const char *s)
{
    fprintf(f, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\"%s>", x, y, anchor, rest);
    escaped(f, s);
    fputs("</text>\n", f);
}

static void line(FILE *f, double x1, double y1, double x2, double y2, const char *colour)
{
    fprintf(f, "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"%s\"/>\n", x1, y1, x2, y2, colour);
}

/* A label that ends at x, with the whole name on hovering when it had to be cut. */
static void label(FILE *f, double x, double y, double most, const char *name)
{
    char        cut[WORDS_CUT];
    const char *shown = words_fit_by(cut, name, most / 12 + 1e-6, em);

    fprintf(f, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"end\">", x, y);
    if (shown != name) {
        fputs("<title>", f);
        escaped(f, name);
        fputs("</title>", f);
    }
    escaped(f, shown);
    fputs("</text>\n", f);
}

static void percent(char out[WORDS_NUMBER], double share)
{
    double p = 100 * share;

    snprintf(out, WORDS_NUMBER, p >= 9.95 || p == 0 ? "%.0f %%" : p >= 0.095 ? "%.1f %%" : "%.1g %%", p);
    if (p > 0 && p < 0.01)
        snprintf(out, WORDS_NUMBER, "<0.01 %%");
}

/* ---- order and scale ---- */

/* 1, 2 or 5 times a power of ten, so that about `count` steps reach `top`. */
static double step_for(double top, int count)
{
    double rough = top / count, power = pow(10, floor(log10(rough))), m = rough / power;

    return power * (m <= 1 ? 1 : m <= 2 ? 2 : m <= 5 ? 5 : 10);
}

static double gutter_for(const char *const *name, const ranked *r, int64_t rows)
{
    double w = 24;

    for (int64_t i = 0; i < rows; i++) {
        double one = text_width(name[r[i].at], 12);
        w          = one > w ? one : w;
    }
    return (w < GUTTER ? w : GUTTER) + 8;
}

static void panel_title(FILE *f, double x, double y, const char *s)
{
    text(f, x, y + 14, "start", " font-size=\"14\" font-weight=\"bold\"", s);
}

/* ---- bars ---- */

/* Importance of the columns. */
static void importance_panel(FILE *f, const picture *p, const ranked *r, double x, double y)
{
    int64_t rows   = p->columns < MOST_COLUMNS ? p->columns : MOST_COLUMNS;
    double  gutter = gutter_for(p->column, r, rows), left = x + gutter, room = PANEL - gutter - VALUE;
    double  top = rows && r[0].size > 0 ? r[0].size : 1, rest = 0, step = step_for(top, 4), base, bottom;
    char    number[WORDS_NUMBER], more[96];

    panel_title(f, x, y, "Importance of columns");
    base   = y + TITLE;
    bottom = base + (double)rows * ROW + 2;
    for (double t = 0; t <= top * 1.0001; t += step) {
        line(f, left + t / top * room, base, left + t / top * room, bottom, t > 0 ? FAINT : INK);
        snprintf(number, sizeof number, "%g %%", round(1e6 * t) / 1e4);
        text(f, left + t / top * room, bottom + 15, "middle", " font-size=\"11\"", number);
    }
    for (int64_t i = 0; i < rows; i++) {
        double mid = base + ((double)i + 0.5) * ROW, w = r[i].size / top * room;
        label(f, left - 8, mid + 4, gutter - 8, p->column[r[i].at]);
        fprintf(f, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.2f\" height=\"%d\" fill=\"" IMPORTANCE "\"/>\n", left,
                mid - BAR / 2.0, w, BAR);
        percent(number, r[i].size);
        text(f, left + w + 5, mid + 4, "start",
             " font-size=\"11\" stroke=\"white\" stroke-width=\"3\" paint-order=\"stroke\"", number);
    }
    line(f, left, base, left, bottom, INK);
    text(f, left + room / 2, bottom + 33, "middle", " font-size=\"12\"", "share of the trace of the AGOP");
    if (rows == p->columns)
        return;
    for (int64_t i = rows; i < p->columns; i++)
        rest += r[i].size;
    percent(number, rest);
    snprintf(more, sizeof more, "and %lld more columns (%s)", (long long)(p->columns - rows), number);
    text(f, left, bottom + 54, "start", " font-size=\"12\" font-style=\"italic\"", more);
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
    double        gutter = gutter_for(p->feature, r, rows), left = x + gutter, room = PANEL - gutter - 12;
    double        top = rows && r[0].size > 0 ? r[0].size : 1, zero = left + room / 2, unit = room / 2 / top;
    double        step = step_for(top, 3), base = y + TITLE, bottom = base + (double)rows * ROW + 2;
    char          number[WORDS_NUMBER], title[96];

    percent(number, p->share[k]);
    snprintf(title, sizeof title, "Eigenvector %d (%s of the trace)", k + 1, number);
    panel_title(f, x, y, title);
    for (int s = -(int)(top * 1.0001 / step); s * step <= top * 1.0001; s++) {
        double at = zero + s * step * unit;
        line(f, at, base, at, bottom, FAINT);
        snprintf(number, sizeof number, "%s%g", s < 0 ? "\xE2\x88\x92" : "", fabs(round(s * step * 1e6) / 1e6));
        text(f, at, bottom + 15, "middle", " font-size=\"11\"", number);
    }
    for (int64_t i = 0; i < rows; i++) {
        double value = v[r[i].at], mid = base + ((double)i + 0.5) * ROW, w = r[i].size * unit;
        label(f, left - 8, mid + 4, gutter - 8, p->feature[r[i].at]);
        fprintf(f, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.2f\" height=\"%d\" fill=\"%s\"/>\n",
                value < 0 ? zero - w : zero, mid - BAR / 2.0, w, BAR, value < 0 ? NEGATIVE : POSITIVE);
    }
    line(f, zero, base, zero, bottom, INK);
    snprintf(title, sizeof title, rows < p->features ? "loading (the %lld strongest of %lld)" : "loading",
             (long long)rows, (long long)p->features);
    text(f, zero, bottom + 33, "middle", " font-size=\"12\"", title);
}

static void begin(FILE *f, double height, const char *title)
{
    char cut[WORDS_CUT];

    fprintf(f,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%.0f\" viewBox=\"0 0 %d %.0f\" "
            "font-family=\"DejaVu Sans, sans-serif\" font-size=\"12\" fill=\"" INK "\">\n"
            "<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>\n",
            WIDTH, height, WIDTH, height);
    if (title)
        text(f, MARGIN, MARGIN + 12, "start", " font-size=\"17\"",
             words_fit_by(cut, title, (WIDTH - 2 * MARGIN) / 17.0, em));
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
        end[side[k]] = begins[k] + TITLE + (double)shown_loadings(p, feature[k]) * ROW + AXIS;
    }
    begin(f, (end[0] > end[1] ? end[0] : end[1]) + MARGIN, p->title);
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
    text(f, x, y, anchor, " font-size=\"11\"", number);
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
        text(f, x + width / 2, y + 24, "middle", " font-size=\"11\"", "0");
    tick(f, x + width, y + 24, "end", s->high, as_percent);
    text(f, x + width / 2, y + 40, "middle", " font-size=\"12\"", what);
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
    begin(f, y + TITLE + high + 70 + MARGIN / 2.0, p->title);
    panel_title(f, x, y, "Importance");
    cells(f, p->importance, p, &share, x, y + TITLE, cell);
    legend(f, &share, x, y + TITLE + high + 14, wide < 140 ? 140 : wide, 1, "share of the trace");
    for (int k = 0; k < vectors; k++) {
        x += side + SPACE;
        percent(number, p->share[k]);
        snprintf(title, sizeof title, "Eigenvector %d (%s)", k + 1, number);
        panel_title(f, x, y, title);
        cells(f, p->loading + (int64_t)k * p->features, p, &loading, x, y + TITLE, cell);
        legend(f, &loading, x, y + TITLE + high + 14, wide < 140 ? 140 : wide, 0, "loading");
    }
    fputs("</svg>\n", f);
    return 0;
}

int picture_write(FILE *f, const picture *p)
{
    return p->height > 0 ? draw_images(f, p) : draw_bars(f, p);
}
