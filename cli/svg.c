/* svg.c - what all pictures are made of: text, lines, labels of bars, scales.
 *
 * Labels never touch bars: they have a gutter of their own, as wide as the longest one needs and no wider than
 * GUTTER; names longer than that lose their middle. Widths of text are estimated from classes of characters
 * (a little too wide rather than too narrow), since no font is at hand. */
#include "svg.h"

#include <math.h>
#include <string.h>

#include "words.h"

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

void svg_text(FILE *f, double x, double y, const char *anchor, const char *rest, const char *s)
{
    fprintf(f, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\"%s>", x, y, anchor, rest);
    escaped(f, s);
    fputs("</text>\n", f);
}

void svg_line(FILE *f, double x1, double y1, double x2, double y2, const char *colour)
{
    fprintf(f, "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"%s\"/>\n", x1, y1, x2, y2, colour);
}

void svg_label(FILE *f, double x, double y, double most, const char *name)
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

/* ---- scale ---- */

double svg_step(double top, int count)
{
    double rough = top / count, power = pow(10, floor(log10(rough))), m = rough / power;

    return power * (m <= 1 ? 1 : m <= 2 ? 2 : m <= 5 ? 5 : 10);
}

double svg_gutter(const char *const *name, const ranked *r, int64_t rows)
{
    double w = 24;

    for (int64_t i = 0; i < rows; i++) {
        double one = text_width(name[r[i].at], 12);
        w          = one > w ? one : w;
    }
    return (w < GUTTER ? w : GUTTER) + 8;
}

void svg_title(FILE *f, double x, double y, const char *s)
{
    svg_text(f, x, y + 14, "start", " font-size=\"14\" font-weight=\"bold\"", s);
}

void svg_under(FILE *f, double x, double y, double most, const char *s)
{
    char cut[WORDS_CUT];

    svg_text(f, x, y + 14 + UNDER, "start", "", words_fit_by(cut, s, most / 12, em));
}

/* ---- the frame ---- */

void svg_begin(FILE *f, double height, const char *title)
{
    char cut[WORDS_CUT];

    fprintf(f,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%.0f\" viewBox=\"0 0 %d %.0f\" "
            "font-family=\"DejaVu Sans, sans-serif\" font-size=\"12\" fill=\"" INK "\">\n"
            "<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>\n",
            WIDTH, height, WIDTH, height);
    if (title)
        svg_text(f, MARGIN, MARGIN + 12, "start", " font-size=\"17\"",
             words_fit_by(cut, title, (WIDTH - 2 * MARGIN) / 17.0, em));
}

/* ---- bars ---- */

void svg_number(FILE *f, double x, double y, const char *anchor, double v)
{
    char number[WORDS_NUMBER];

    snprintf(number, sizeof number, "%s%.4g", v < 0 ? "\xE2\x88\x92" : "", fabs(v));
    svg_text(f, x, y, anchor, " font-size=\"11\" stroke=\"white\" stroke-width=\"3\" paint-order=\"stroke\"", number);
}

void svg_bar_panel(FILE *f, const svg_bars *b, double x, double y, double width)
{
    enum { NUMBER = 60 }; /* room for one */

    double top    = b->rows && b->order[0].size > 0 ? b->order[0].size : 1;
    double gutter = svg_gutter(b->name, b->order, b->rows);
    double left = x + gutter, room = width - gutter - (b->numbers ? NUMBER : 12), zero = left, unit = room / top;
    double base = y + TITLE + (b->under ? UNDER : 0), bottom = base + (double)b->rows * ROW + 2, step;
    int    both = 0;

    for (int64_t i = 0; i < b->rows; i++)
        both |= b->value[b->order[i].at] < 0;
    if (both) {
        left += b->numbers ? NUMBER : 0;
        room -= b->numbers ? NUMBER : 0;
        zero = left + room / 2;
        unit = room / 2 / top;
    }
    svg_title(f, x, y, b->title);
    if (b->under)
        svg_under(f, x, y, width, b->under);
    step = svg_step(top, both ? 3 : 5);
    for (int s = both ? -(int)(top * 1.0001 / step) : 0; s * step <= top * 1.0001; s++) {
        svg_line(f, zero + s * step * unit, base, zero + s * step * unit, bottom, FAINT);
        svg_number(f, zero + s * step * unit, bottom + 15, "middle", s * step);
    }
    for (int64_t i = 0; i < b->rows; i++) {
        double v = b->value[b->order[i].at], mid = base + ((double)i + 0.5) * ROW, w = b->order[i].size * unit;
        svg_label(f, x + gutter - 8, mid + 4, gutter - 8, b->name[b->order[i].at]);
        fprintf(f, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.2f\" height=\"%d\" fill=\"%s\"/>\n", v < 0 ? zero - w : zero,
                mid - BAR / 2.0, w, BAR, v < 0 ? NEGATIVE : both ? POSITIVE : IMPORTANCE);
        if (b->numbers)
            svg_number(f, v < 0 ? zero - w - 5 : zero + w + 5, mid + 4, v < 0 ? "end" : "start", v);
    }
    svg_line(f, zero, base, zero, bottom, INK);
    svg_text(f, zero + (both ? 0 : room / 2), bottom + 33, "middle", " font-size=\"12\"", b->axis);
}
