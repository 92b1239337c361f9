/* libsvm.c - sparse text to a dense matrix; see libsvm.h.
 *
 * One pass collects labels and (index, value) pairs row by row, because the number of columns is known only at the
 * end; then the pairs are spread over the dense matrix. */
#include "io/libsvm.h"

#include <locale.h>
#include <math.h>
#include <string.h>
#include <strings.h>

#include "base/memory.h"
#include "io/lines.h"
#include "io/number.h"
#include "io/sentence.h"

static const int64_t most_index = 1 << 30;

/* ---- a line ---- */

typedef struct rows { /* what has been read */
    double  *label;
    int64_t *first; /* row i has pairs first[i] .. first[i+1]-1 */
    int64_t *index;
    double  *value;
    int64_t  count, room, pairs, pair_room, largest;
} rows;

typedef struct place { /* for sentences, and the limits */
    const agop__lines *l;
    locale_t     locale;
    int64_t      max_cols;
} place;

/* A number, or "nan" for one that is missing, that ends at `stop` or a blank; its end, or NULL. */
static const char *take_number(const char *p, char stop, double *v, locale_t locale)
{
    const char *q = agop__number(p, v, locale);
    if (!q && strncasecmp(p, "nan", 3) == 0) {
        *v = NAN;
        q  = p + 3;
    }
    return q && (agop__is_blank(*q) || *q == '\n' || *q == stop) ? q : NULL;
}

static agop_status refuse(const place *at, const char *p, const char *how, agop__err *e)
{
    size_t n = 0;
    while (!agop__is_blank(p[n]) && p[n] != '\n' && n < 1000)
        n++;
    return agop__fail(e, AGOP_E_FORMAT, "%s:%lld: '%s' %s", agop__stream_name(at->l->stream), (long long)at->l->number,
                      agop__show(p, n).text, how);
}

static agop_status no_memory(const place *at, agop__err *e)
{
    return agop__fail_memory(e, 0, agop__stream_name(at->l->stream));
}

static agop_status add_pair(rows *r, int64_t index, double value, const place *at, agop__err *e)
{
    if (r->pairs == r->pair_room) {
        int64_t room = r->pair_room ? 2 * r->pair_room : 1024;
        void   *p = r->index, *q = r->value;
        if (!agop__grow(&p, room, sizeof *r->index))
            return no_memory(at, e);
        r->index = p;
        if (!agop__grow(&q, room, sizeof *r->value))
            return no_memory(at, e);
        r->value     = q;
        r->pair_room = room;
    }
    r->index[r->pairs] = index;
    r->value[r->pairs] = value;
    r->pairs++;
    r->largest = index > r->largest ? index : r->largest;
    return AGOP_OK;
}

static agop_status add_row(rows *r, double label, const place *at, agop__err *e)
{
    if (r->count == r->room) {
        int64_t room = r->room ? 2 * r->room : 1024;
        void   *p = r->label, *q = r->first;
        if (!agop__grow(&p, room, sizeof *r->label))
            return no_memory(at, e);
        r->label = p;
        if (!agop__grow(&q, room, sizeof *r->first))
            return no_memory(at, e);
        r->first = q;
        r->room  = room;
    }
    r->label[r->count] = label;
    r->first[r->count] = r->pairs;
    r->count++;
    return AGOP_OK;
}

/* Digits before a colon; the byte behind it, or NULL. Too large an index is as good as one beyond all limits. */
static const char *take_index(const char *p, int64_t *index)
{
    const char *from = p;
    for (*index = 0; *p >= '0' && *p <= '9'; p++)
        *index = *index > most_index ? *index : *index * 10 + (*p - '0');
    return p > from && *p == ':' ? p + 1 : NULL;
}

/* "index:value" at *p; *last is the index before it in the row. */
static agop_status take_pair(rows *r, const char **p, int64_t *last, const place *at, agop__err *e)
{
    int64_t     index;
    double      value;
    const char *q = take_index(*p, &index), *end;

    if (!q)
        return refuse(at, *p, "is no index:value", e);
    if (index == 0)
        return refuse(at, *p, "has index 0; indices count from 1", e);
    if (index <= *last)
        return refuse(at, *p, "does not have a larger index than the one before it", e);
    if (index > most_index || (at->max_cols > 0 && index > at->max_cols))
        return refuse(at, *p, "has an index beyond the number of columns", e);
    end = take_number(q, ' ', &value, at->locale);
    if (!end)
        return refuse(at, *p, "has no number behind its colon", e);
    if (isinf(value))
        return refuse(at, *p, "is infinite", e);
    *last = index;
    *p    = end;
    return add_pair(r, index, value, at, e);
}

static agop_status take_line(rows *r, char *p, char *end, const place *at, agop__err *e)
{
    agop_status st      = AGOP_OK;
    char       *comment = memchr(p, '#', (size_t)(end - p));
    const char *q       = p;
    double      label;
    int64_t     last = 0;

    if (comment)
        *comment = '\n'; /* the line ends here */
    while (agop__is_blank(*q))
        q++;
    if (*q == '\n')
        goto done;
    p = (char *)(uintptr_t)q;
    q = take_number(q, ' ', &label, at->locale);
    if (!q)
        TRY(refuse(at, p, "is not a number, which a line must begin with", e));
    if (isinf(label))
        TRY(refuse(at, p, "is infinite", e));
    TRY(add_row(r, label, at, e));
    for (;;) {
        while (agop__is_blank(*q))
            q++;
        if (*q == '\n')
            break;
        TRY(take_pair(r, &q, &last, at, e));
    }
done:
    return st;
}

/* ---- the whole ---- */

/* Dense costs memory that a sparse file does not tell of: refuse what the machine cannot hold. */
static agop_status spread(double **values, const rows *r, int64_t cols, const char *name, agop__err *e)
{
    double bytes = (double)r->count * (double)cols * sizeof **values;

    *values =
        bytes > (double)agop__machine_bytes() || bytes > 9e18 ? NULL : agop__calloc(r->count * cols, sizeof **values);
    if (!*values)
        return agop__fail_memory(e, bytes, name);
    for (int64_t i = 0; i < r->count; i++) {
        int64_t end = i + 1 < r->count ? r->first[i + 1] : r->pairs;
        for (int64_t k = r->first[i]; k < end; k++)
            (*values)[i * cols + r->index[k] - 1] = r->value[k];
    }
    return AGOP_OK;
}

int agop__is_libsvm(const unsigned char *bytes, size_t count)
{
    char        line[1024 + 64]; /* zeros behind the text */
    size_t      n  = 0;
    const char *q  = line;
    locale_t    c  = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    int         is = 0;
    double      v;
    int64_t     index;

    /* the first line that is neither blank nor a comment, as far as it fits */
    while (count > 0 && (agop__is_blank((char)*bytes) || *bytes == '\n' || *bytes == '#')) {
        if (*bytes == '#')
            while (count > 1 && *bytes != '\n')
                bytes++, count--;
        bytes++, count--;
    }
    while (n < count && n < 1024 && bytes[n] != '\n' && bytes[n] != '\0')
        n++;
    memset(line, 0, sizeof line);
    memcpy(line, bytes, n);
    line[n] = '\n';
    if (c && (q = take_number(q, ' ', &v, c)) != NULL && agop__is_blank(*q)) {
        while (agop__is_blank(*q))
            q++;
        q  = take_index(q, &index);
        is = q && take_number(q, '#', &v, c) != NULL;
    }
    if (c)
        freelocale(c);
    return is;
}

agop_status agop__libsvm_read(double **values, double **label, int64_t *rows_out, int64_t *cols, int64_t min_cols,
                              int64_t max_cols, agop__stream *s, agop__err *e)
{
    agop_status st = AGOP_OK;
    agop__lines l  = {0};
    place       at = {.l = &l, .max_cols = max_cols, .locale = newlocale(LC_ALL_MASK, "C", (locale_t)0)};
    rows        r  = {0};
    char       *line, *end;

    *values = *label = NULL;
    *rows_out = *cols = 0;
    TRY(agop__lines_begin(&l, s, e));
    if (!at.locale)
        TRY(no_memory(&at, e));
    for (;;) {
        TRY(agop__lines_next(&l, &line, &end, e));
        if (!line)
            break;
        TRY(take_line(&r, line, end, &at, e));
    }
    if (l.number == 0)
        TRY(agop__fail(e, AGOP_E_FORMAT, "%s: the file is empty", agop__stream_name(s)));
    *cols = r.largest > min_cols ? r.largest : min_cols;
    TRY(spread(values, &r, *cols, agop__stream_name(s), e));
    *label    = r.label;
    *rows_out = r.count;
    r.label   = NULL;
done:
    if (at.locale)
        freelocale(at.locale);
    agop__lines_end(&l);
    free(r.label);
    free(r.first);
    free(r.index);
    free(r.value);
    return st;
}
