/* counts.c - counts as text; see counts.h. Both are read line by line, so a name in quotes holds no line end. */
#include "io/counts.h"

#include <inttypes.h>
#include <locale.h>
#include <math.h>
#include <string.h>

#include "io/lines.h"
#include "io/number.h"
#include "io/sentence.h"

enum { NEWS = 1 << 10 }; /* lines between two calls of the caller's progress function */

typedef struct reading {
    agop__lines     l;
    agop__triplets *t;
    agop__err      *e;
    const char     *name;
    locale_t        locale;
    double          started;
    char            separator;
} reading;

static agop_status no_memory(const reading *r)
{
    return agop__fail_memory(r->e, 12 * (double)r->t->count, r->name);
}

/* The next line, as agop__lines_next, but that the caller may stop, without a carriage return at its end. */
static agop_status next_line(reading *r, agop_ctx *ctx, char **line, char **end)
{
    agop_status st = AGOP_OK;

    if (r->l.number % NEWS == 0 && agop__tell(ctx, "read", r->l.number, 0, r->started, r->name))
        TRY(agop__fail(r->e, AGOP_E_STOPPED, "stopped while reading %s", r->name));
    TRY(agop__lines_next(&r->l, line, end, r->e));
    if (*line && *end > *line && (*end)[-1] == '\r')
        *--*end = '\n';
    if (*line && r->l.number == 1 && *end - *line >= 3 && memcmp(*line, "\xEF\xBB\xBF", 3) == 0)
        *line += 3; /* the byte order mark of UTF-8 */
done:
    return st;
}

/* ---- tables ---- */

/* The one of comma, tab and semicolon that occurs most outside quotes. */
static char separator_of(const char *line, const char *end)
{
    static const char choices[] = ",\t;";
    int64_t           seen[3]   = {0};
    int               quoted = 0, best = 0;

    for (; line < end; line++) {
        const char *which = quoted ? NULL : strchr(choices, *line);
        quoted ^= *line == '"';
        if (which)
            seen[which - choices]++;
    }
    for (int k = 1; k < 3; k++)
        best = seen[k] > seen[best] ? k : best;
    return choices[best];
}

/* The field at *p, quotes taken away in place; *p goes to the separator or line end behind it. */
static agop_status take_field(const reading *r, char **p, char **field, size_t *length)
{
    char *from = *p, *to = *p;
    int   quoted = *from == '"', open = quoted;

    *field = to;
    for (from += quoted; *from != '\n' && (open || *from != r->separator); from++) {
        if (open && *from == '"' && *++from != '"') { /* the end; a doubled quote is one */
            open = 0;
            from--;
        } else {
            *to++ = *from;
        }
    }
    if (open)
        return agop__fail(r->e, AGOP_E_FORMAT, "%s:%" PRId64 ": a quote is opened and not closed in this line", r->name,
                          r->l.number);
    if (quoted)
        *to = '\n'; /* as behind any other field, so that a number ends there */
    *length = (size_t)(to - *field);
    *p      = from;
    return AGOP_OK;
}

static agop_status take_header(reading *r, char *p, const char *end)
{
    agop_status st = AGOP_OK;
    char       *field;
    size_t      length;

    r->separator = separator_of(p, end);
    for (;; p++) {
        TRY(take_field(r, &p, &field, &length));
        if (!agop__names_add(&r->t->col_names, field, length))
            TRY(no_memory(r));
        if (*p == '\n')
            break;
    }
done:
    return st;
}

/* As take_field would find them. */
static int64_t count_fields(const reading *r, const char *p)
{
    int64_t count = 1;
    int     open  = *p == '"';

    for (p += open; *p != '\n'; p++) {
        if (open && *p == '"' && p[1] == '"')
            p++;
        else if (open)
            open = *p != '"';
        else if (*p == r->separator && ++count && p[1] == '"')
            open = 1, p++;
    }
    return count;
}

/* The first row tells whether the first line has a field over the names of the rows. */
static void settle_header(reading *r, const char *line)
{
    agop__names *v = &r->t->col_names;

    if (count_fields(r, line) == v->count)
        memmove(v->at, v->at + 1, (size_t)--v->count * sizeof *v->at);
    r->t->cols = v->count;
}

static agop_status take_number(const reading *r, const char *field, size_t length, int64_t col, float *value)
{
    double      v     = NAN;
    const char *end   = agop__number(field, &v, r->locale);
    int         whole = end == field + length;

    *value = (float)v;
    if (whole && isfinite(*value))
        return AGOP_OK;
    return agop__fail(r->e, AGOP_E_FORMAT, "%s:%" PRId64 ": column '%.60s': '%s' is %s", r->name, r->l.number,
                      agop__names_at(&r->t->col_names, col), agop__show(field, length).text,
                      whole ? "infinite, or too large for single precision" : "not a number");
}

static agop_status take_row(reading *r, char *p)
{
    agop_status st = AGOP_OK;
    char       *field;
    size_t      length;
    float       value;
    int64_t     col = 0;

    if (r->t->rows == 0)
        settle_header(r, p);
    TRY(take_field(r, &p, &field, &length));
    if (!agop__names_add(&r->t->row_names, field, length))
        TRY(no_memory(r));
    for (; *p != '\n' && col < r->t->cols; col++) {
        p++;
        TRY(take_field(r, &p, &field, &length));
        if (length == 1 && *field == '0') /* nearly all */
            continue;
        TRY(take_number(r, field, length, col, &value));
        if (value != 0 && !agop__triplets_add(r->t, r->t->rows, col, value))
            TRY(no_memory(r));
    }
    if (*p != '\n' || col < r->t->cols)
        TRY(agop__fail(r->e, AGOP_E_FORMAT, "%s:%" PRId64 ": %s than the %" PRId64 " numbers that the first line "
                       "asks for", r->name, r->l.number, *p != '\n' ? "more" : "fewer", r->t->cols));
    r->t->rows++;
done:
    return st;
}

static agop_status begin(reading *r, agop__stream *s)
{
    r->locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    return r->locale ? agop__lines_begin(&r->l, s, r->e) : no_memory(r);
}

static void end_reading(reading *r)
{
    agop__lines_end(&r->l);
    if (r->locale)
        freelocale(r->locale);
}

agop_status agop__counts_read(agop__triplets *t, agop_ctx *ctx, agop__stream *s)
{
    reading     r  = {.t = t, .e = &ctx->err, .name = agop__stream_name(s), .started = agop__now()};
    agop_status st = AGOP_OK;
    char       *line, *end;

    TRY(begin(&r, s));
    TRY(next_line(&r, ctx, &line, &end));
    if (!line)
        TRY(agop__fail(r.e, AGOP_E_FORMAT, "%s: the file is empty", r.name));
    TRY(take_header(&r, line, end));
    for (;;) {
        TRY(next_line(&r, ctx, &line, &end));
        if (!line)
            break;
        if (end > line && t->rows == AGOP__MOST_LINES)
            TRY(agop__fail(r.e, AGOP_E_FORMAT, "%s: more than %d rows", r.name, AGOP__MOST_LINES));
        if (end > line)
            TRY(take_row(&r, line));
    }
done:
    end_reading(&r);
    return st;
}

/* ---- documents ---- */

static int in_word(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c >= 0x80;
}

static agop_status take_words(reading *r, agop__dict *words, char *p)
{
    for (; *p != '\n'; p++) {
        char   *word = p;
        int64_t number;
        for (; in_word((unsigned char)*p); p++)
            if (*p >= 'A' && *p <= 'Z')
                *p = (char)(*p - 'A' + 'a');
        if (p == word)
            continue;
        number = agop__dict_add(words, word, (size_t)(p - word));
        if (number < 0 || !agop__triplets_add(r->t, r->t->rows, number, 1))
            return no_memory(r);
        p--;
    }
    r->t->rows++;
    return AGOP_OK;
}

agop_status agop__words_read(agop__triplets *t, agop_ctx *ctx, agop__stream *s)
{
    reading     r     = {.t = t, .e = &ctx->err, .name = agop__stream_name(s), .started = agop__now()};
    agop__dict  words = {0};
    agop_status st    = AGOP_OK;
    char       *line, *end;

    TRY(begin(&r, s));
    for (;;) {
        TRY(next_line(&r, ctx, &line, &end));
        if (!line)
            break;
        if (t->rows == AGOP__MOST_LINES || words.count >= AGOP__MOST_LINES - (end - line))
            TRY(agop__fail(r.e, AGOP_E_FORMAT, "%s: more than %d lines or words", r.name, AGOP__MOST_LINES));
        TRY(take_words(&r, &words, line));
    }
    t->cols = words.count;
    for (int64_t k = 0; k < words.count; k++)
        if (!agop__names_add(&t->col_names, words.text[k], words.length[k]))
            TRY(no_memory(&r));
done:
    agop__dict_free(&words);
    end_reading(&r);
    return st;
}
