/* words.c - small things about text: UTF-8, numbers, CSV cells, units. No state, no locale. */
#include "words.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

uint32_t words_utf8(const char *s, size_t *length)
{
    static const uint32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};
    const unsigned char  *b        = (const unsigned char *)s;
    size_t                n        = b[0] < 0x80 ? 1 : b[0] >= 0xF0 ? 4 : b[0] >= 0xE0 ? 3 : b[0] >= 0xC0 ? 2 : 0;
    uint32_t              point;

    *length = 1;
    if (n == 1)
        return b[0];
    if (n == 0 || b[0] > 0xF4)
        return 0xFFFD;
    point = b[0] & (0xFFu >> (n + 1));
    for (size_t i = 1; i < n; i++) {
        if ((b[i] & 0xC0) != 0x80) /* also the end of the text */
            return 0xFFFD;
        point = point << 6 | (b[i] & 0x3Fu);
    }
    /* An overlong form or a surrogate is no character. */
    if (point < least[n] || point > 0x10FFFF || (point >= 0xD800 && point < 0xE000))
        return 0xFFFD;
    *length = n;
    return point;
}

static double cells_of(uint32_t p)
{
    if ((p >= 0x300 && p < 0x370) || p == 0x200B || p == 0x200D || (p >= 0xFE00 && p < 0xFE10))
        return 0;
    if ((p >= 0x1100 && p < 0x1160) || (p >= 0x2E80 && p < 0xA4D0) || (p >= 0xAC00 && p < 0xD7A4) ||
        (p >= 0xF900 && p < 0xFB00) || (p >= 0xFE30 && p < 0xFE70) || (p >= 0xFF00 && p < 0xFF61) ||
        (p >= 0x1F300 && p < 0x1FA00) || (p >= 0x20000 && p < 0x30000))
        return 2;
    return 1;
}

static double width_of(const char *s, double (*wide)(uint32_t))
{
    double w = 0;
    size_t n;

    for (; *s; s += n)
        w += wide(words_utf8(s, &n));
    return w;
}

int words_cells(const char *s)
{
    return (int)width_of(s, cells_of);
}

/* The head takes a little more than half: names that differ do so mostly at either end. */
const char *words_fit_by(char buffer[WORDS_CUT], const char *s, double most, double (*wide)(uint32_t))
{
    static const char dots[] = "\xE2\x80\xA6";
    double            room = most - wide(0x2026), taken = 0;
    const char       *tail = s + strlen(s);
    size_t            head = 0, n, bytes = 0;

    if (strlen(s) < WORDS_CUT && width_of(s, wide) <= most)
        return s;
    for (const char *p = s; *p && head + 4 < WORDS_CUT / 2; p += n, head += n) {
        double w = wide(words_utf8(p, &n));
        if (taken + w > room * 0.55)
            break;
        taken += w;
    }
    while (tail > s + head && bytes + 8 < WORDS_CUT / 2) {
        const char *before = tail - 1;
        while (before > s + head && ((unsigned char)*before & 0xC0) == 0x80)
            before--;
        double w = wide(words_utf8(before, &n));
        if (taken + w > room)
            break;
        taken += w;
        bytes += (size_t)(tail - before);
        tail = before;
    }
    snprintf(buffer, WORDS_CUT, "%.*s%s%s", (int)head, s, dots, tail);
    return buffer;
}

const char *words_fit(char buffer[WORDS_CUT], const char *s, int most)
{
    return words_fit_by(buffer, s, most, cells_of);
}

/* %.15g drops trailing zeros and every decimal of 15 digits survives a double, so where 15 digits read back
 * they are already the shortest; otherwise 16 or 17 are needed. */
const char *words_number(char buffer[WORDS_NUMBER], double v)
{
    if (isnan(v))
        return "nan"; /* never "-nan" */
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(buffer, WORDS_NUMBER, "%.*g", digits, v);
        if (digits == 17 || strtod(buffer, NULL) == v)
            break;
    }
    return buffer;
}

const char *words_seconds(char buffer[WORDS_NUMBER], double s)
{
    if (s < 0.0995)
        snprintf(buffer, WORDS_NUMBER, "%.2g s", s < 0.001 ? 0.001 : s);
    else if (s < 99.5)
        snprintf(buffer, WORDS_NUMBER, "%.1f s", s);
    else if (s < 5970)
        snprintf(buffer, WORDS_NUMBER, "%d min %02d s", (int)s / 60, (int)s % 60);
    else
        snprintf(buffer, WORDS_NUMBER, "%.0f h %02d min", floor(s / 3600), (int)(fmod(s, 3600) / 60));
    return buffer;
}

const char *words_bytes(char buffer[WORDS_NUMBER], double b)
{
    static const char *const unit[] = {"bytes", "kB", "MB", "GB", "TB"};
    int                      i      = 0;

    for (; b >= 1000 && i < 4; i++)
        b /= 1000;
    snprintf(buffer, WORDS_NUMBER, i && b < 9.95 ? "%.1f %s" : "%.0f %s", b, unit[i]);
    return buffer;
}

void words_csv(FILE *f, const char *s)
{
    size_t n = strlen(s);

    if (n && !strpbrk(s, ",\"\r\n") && s[0] != ' ' && s[n - 1] != ' ') {
        fputs(s, f);
        return;
    }
    fputc('"', f);
    for (; *s; s++) {
        if (*s == '"')
            fputc('"', f);
        fputc(*s, f);
    }
    fputc('"', f);
}

void words_line(FILE *f, const char *s)
{
    for (; *s; s++) {
        unsigned char b = (unsigned char)*s;
        if (b == '\n')
            fputs("\\n", f);
        else if (b == '\t')
            fputs("\\t", f);
        else if (b < 0x20 || b == 0x7F)
            fprintf(f, "\\x%02x", b);
        else
            fputc(b, f);
    }
}

void words_padded(FILE *f, const char *s, int cells)
{
    char cut[WORDS_CUT];

    s = words_fit(cut, s, cells);
    words_line(f, s);
    fprintf(f, "%*s", cells - words_cells(s), "");
}

int words_ends(const char *path, const char *ext)
{
    const char *dot = strrchr(path, '.');

    return dot && strcasecmp(dot + 1, ext) == 0;
}
