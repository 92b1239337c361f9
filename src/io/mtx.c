/* mtx.c - Matrix Market coordinate files; see mtx.h.
 *
 *     %%MatrixMarket matrix coordinate integer general
 *     % comments
 *     3 4 2            rows columns entries
 *     1 1 5            row column value, both counted from 1, in any order
 *     3 2 1
 */
#include "io/mtx.h"

#include <inttypes.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/memory.h"
#include "io/lines.h"
#include "io/number.h"
#include "io/sentence.h"

enum { NEWS = 1 << 20 }; /* entries between two calls of the caller's progress function */

typedef struct reading {
    agop__lines     l;
    agop__triplets *t;
    agop__err      *e;
    const char     *name;
    locale_t        locale;
    int64_t         promised, seen;
    int             pattern, symmetric;
} reading;

static const char *skip_blanks(const char *p)
{
    while (agop__is_blank(*p))
        p++;
    return p;
}

static size_t word_length(const char *p)
{
    size_t n = 0;
    while (!agop__is_blank(p[n]) && p[n] != '\n')
        n++;
    return n;
}

static agop_status refuse(const reading *r, const char *p, const char *how)
{
    return agop__fail(r->e, AGOP_E_FORMAT, "%s:%" PRId64 ": '%s' %s", r->name, r->l.number,
                      agop__show(p, word_length(p)).text, how);
}

static int is_comment(const char *line)
{
    return *line == '%' || *skip_blanks(line) == '\n';
}

/* ---- the header ---- */

int agop__is_mtx(const unsigned char *bytes, size_t count)
{
    return count >= 14 && strncasecmp((const char *)bytes, "%%MatrixMarket", 14) == 0;
}

/* Is the word at *p this one? Then *p goes behind it. */
static int take_word(const char **p, const char *word)
{
    const char *q = skip_blanks(*p);
    size_t      n = word_length(q);

    if (n != strlen(word) || strncasecmp(q, word, n) != 0)
        return 0;
    *p = skip_blanks(q + n);
    return 1;
}

static agop_status take_banner(reading *r, const char *p)
{
    if (!take_word(&p, "%%MatrixMarket") || !take_word(&p, "matrix"))
        return agop__fail(r->e, AGOP_E_FORMAT, "%s:1: this line must begin with %%%%MatrixMarket matrix coordinate",
                          r->name);
    if (!take_word(&p, "coordinate"))
        return refuse(r, p, "is not read, only the coordinate form of Matrix Market is");
    r->pattern = take_word(&p, "pattern");
    if (!r->pattern && !take_word(&p, "integer") && !take_word(&p, "real") && !take_word(&p, "double"))
        return refuse(r, p, "is not read as a field; it must be real, integer or pattern");
    r->symmetric = take_word(&p, "symmetric");
    if (!r->symmetric && !take_word(&p, "general"))
        return refuse(r, p, "is not read as a symmetry; it must be general or symmetric");
    return AGOP_OK;
}

/* Digits that end at a blank or the end of the line; the byte behind them, or NULL. What is too large stays so. */
static const char *take_count(const char *p, int64_t *count)
{
    const char *from = p;

    for (*count = 0; *p >= '0' && *p <= '9'; p++)
        *count = *count > INT64_MAX / 16 ? *count : *count * 10 + (*p - '0');
    return p > from && (agop__is_blank(*p) || *p == '\n') ? skip_blanks(p) : NULL;
}

static agop_status take_sizes(reading *r, const char *line)
{
    const char *p = take_count(skip_blanks(line), &r->t->rows);

    p = p ? take_count(p, &r->t->cols) : NULL;
    p = p ? take_count(p, &r->promised) : NULL;
    if (!p || *p != '\n')
        return agop__fail(r->e, AGOP_E_FORMAT, "%s:%" PRId64 ": this line must be: rows columns entries", r->name,
                          r->l.number);
    if (r->t->rows > AGOP__MOST_LINES || r->t->cols > AGOP__MOST_LINES)
        return agop__fail(r->e, AGOP_E_FORMAT, "%s:%" PRId64 ": a matrix may have %d rows and columns at most", r->name,
                          r->l.number, AGOP__MOST_LINES);
    if (r->symmetric && r->t->rows != r->t->cols)
        return agop__fail(r->e, AGOP_E_FORMAT, "%s:%" PRId64 ": a symmetric matrix of %" PRId64 " x %" PRId64, r->name,
                          r->l.number, r->t->rows, r->t->cols);
    return AGOP_OK;
}

/* ---- entries ---- */

static agop_status take_value(const reading *r, const char *p, float *value)
{
    double      v   = NAN;
    const char *end = agop__number(p, &v, r->locale);

    if (!end || *skip_blanks(end) != '\n' || (*end != '\n' && !agop__is_blank(*end)))
        return refuse(r, p, "is not a number, with which this line must end");
    *value = (float)v;
    return isfinite(*value) ? AGOP_OK : refuse(r, p, "is infinite, or too large for single precision");
}

/* Row or column, counted from 1, with something behind it. */
static agop_status take_index(const reading *r, const char **p, int64_t limit, int64_t *index)
{
    const char *end = take_count(*p, index);

    if (!end)
        return refuse(r, *p, "is no index; a line is: row column value");
    if (*index < 1 || *index > limit)
        return refuse(r, *p, "is an index outside the matrix; they count from 1");
    *index -= 1;
    *p = end;
    return AGOP_OK;
}

static agop_status take_entry(reading *r, const char *line)
{
    agop_status st    = AGOP_OK;
    float       value = 1;
    int64_t     i, j;
    const char *p = skip_blanks(line);

    if (r->seen == r->promised)
        TRY(agop__fail(r->e, AGOP_E_FORMAT, "%s:%" PRId64 ": more than the %" PRId64 " entries that the file promises",
                       r->name, r->l.number, r->promised));
    TRY(take_index(r, &p, r->t->rows, &i));
    TRY(take_index(r, &p, r->t->cols, &j));
    if (!r->pattern)
        TRY(take_value(r, p, &value));
    else if (*p != '\n')
        TRY(refuse(r, p, "follows the indices, where a pattern has no value"));
    r->seen++;
    if (!agop__triplets_add(r->t, i, j, value) || (r->symmetric && i != j && !agop__triplets_add(r->t, j, i, value)))
        st = agop__fail_memory(r->e, 12 * (double)r->t->count, r->name);
done:
    return st;
}

static agop_status take_entries(reading *r, agop_ctx *ctx)
{
    agop_status st      = AGOP_OK;
    double      started = agop__now();
    char       *line, *end;

    for (;;) {
        if (r->seen % NEWS == 0 && agop__tell(ctx, "read", r->seen, r->promised, started, r->name))
            TRY(agop__fail(r->e, AGOP_E_STOPPED, "stopped while reading %s", r->name));
        TRY(agop__lines_next(&r->l, &line, &end, r->e));
        if (!line)
            break;
        if (!is_comment(line))
            TRY(take_entry(r, line));
    }
    if (r->seen < r->promised)
        st = agop__fail(r->e, AGOP_E_FORMAT,
                        "%s: the file ends after %" PRId64 " of %" PRId64 " entries (an incomplete copy?)", r->name,
                        r->seen, r->promised);
done:
    return st;
}

agop_status agop__mtx_read(agop__triplets *t, agop_ctx *ctx, agop__stream *s)
{
    reading     r  = {.t = t, .e = &ctx->err, .name = agop__stream_name(s)};
    agop_status st = AGOP_OK;
    char       *line, *end;

    r.locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (!r.locale)
        TRY(agop__fail_memory(r.e, 0, r.name));
    TRY(agop__lines_begin(&r.l, s, r.e));
    TRY(agop__lines_next(&r.l, &line, &end, r.e));
    TRY(take_banner(&r, line ? line : "\n"));
    do {
        TRY(agop__lines_next(&r.l, &line, &end, r.e));
        if (!line)
            TRY(agop__fail(r.e, AGOP_E_FORMAT, "%s: the file ends before the size of the matrix", r.name));
    } while (is_comment(line));
    TRY(take_sizes(&r, line));
    TRY(take_entries(&r, ctx));
done:
    agop__lines_end(&r.l);
    if (r.locale)
        freelocale(r.locale);
    return st;
}

/* ---- names ---- */

/* The `field`-th (from 0) of tab-separated fields, or the last one, of every line. */
static agop_status read_names(agop__names *v, const char *path, int field, agop__err *e)
{
    agop_status   st = AGOP_OK;
    agop__lines   l  = {0};
    agop__stream *s  = NULL;
    char         *line, *end;

    TRY(agop__stream_open(&s, path, e));
    TRY(agop__lines_begin(&l, s, e));
    for (;;) {
        TRY(agop__lines_next(&l, &line, &end, e));
        if (!line)
            break;
        if (end > line && end[-1] == '\r')
            end--;
        for (int k = 0; k < field; k++) {
            char *tab = memchr(line, '\t', (size_t)(end - line));
            line      = tab ? tab + 1 : line;
        }
        if (memchr(line, '\t', (size_t)(end - line)))
            end = memchr(line, '\t', (size_t)(end - line));
        if (!agop__names_add(v, line, (size_t)(end - line)))
            TRY(agop__fail_memory(e, 0, path));
    }
done:
    agop__lines_end(&l);
    agop__stream_close(s);
    return st;
}

/* If PREFIX + name is there, compressed or not, it must have a name for each of `count`. */
static agop_status names_beside(agop__names *v, const char *prefix, const char *name, int field, int64_t count,
                                agop__err *e)
{
    static const char *const endings[] = {"", ".gz", ".zst"};
    agop_status              st        = AGOP_OK;
    agop__buffer             path      = {0};

    for (size_t k = 0; k < sizeof endings / sizeof *endings; k++) {
        path.length = 0;
        agop__buffer_print(&path, "%s%s%s", prefix, name, endings[k]);
        if (path.failed)
            TRY(agop__fail_memory(e, 0, "a file of names"));
        if (access(path.text, F_OK) != 0)
            continue;
        TRY(read_names(v, path.text, field, e));
        if (v->count != count)
            TRY(agop__fail(e, AGOP_E_FORMAT, "%s: %" PRId64 " lines for the %" PRId64 " of the matrix beside it",
                           path.text, v->count, count));
        break;
    }
done:
    agop__buffer_free(&path);
    return st;
}

/* The length of PREFIX in PREFIXmatrix.mtx[.gz|.zst]; -1: the file is called otherwise. */
static int64_t prefix_length(const char *path)
{
    static const char *const names[] = {"matrix.mtx", "matrix.mtx.gz", "matrix.mtx.zst"};
    size_t                   n       = strlen(path);

    for (size_t k = 0; k < sizeof names / sizeof *names; k++)
        if (n >= strlen(names[k]) && strcmp(path + n - strlen(names[k]), names[k]) == 0)
            return (int64_t)(n - strlen(names[k]));
    return -1;
}

agop_status agop__mtx_names(agop__triplets *t, const char *path, agop__err *e)
{
    agop_status st     = AGOP_OK;
    int64_t     length = prefix_length(path);
    char       *prefix = NULL;

    if (length < 0)
        goto done;
    prefix = agop__strdup(path);
    if (!prefix)
        TRY(agop__fail_memory(e, 0, path));
    prefix[length] = '\0';
    TRY(names_beside(&t->row_names, prefix, "features.tsv", 1, t->rows, e));
    if (t->row_names.count == 0)
        TRY(names_beside(&t->row_names, prefix, "genes.tsv", 1, t->rows, e));
    TRY(names_beside(&t->col_names, prefix, "barcodes.tsv", 0, t->cols, e));
    t->variables_in_rows = t->row_names.count > 0;
done:
    free(prefix);
    return st;
}
