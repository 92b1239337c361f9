/* sparse.c - sparse matrices by column: made from arrays or from a file's entries, then counts made comparable.
 *
 * However a matrix comes, its entries are put into their columns first, in the order in which they are, and settle()
 * then sorts each column, adds up what stands in one cell and drops the zeros, in place. */
#include "table/sparse.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/sort.h"
#include "io/counts.h"
#include "io/h5.h"
#include "io/mtx.h"
#include "io/stream.h"

/* ---- making ---- */

static agop_status make(agop_sparse **out, int64_t rows, int64_t cols, int64_t entries, const char *name, agop__err *e)
{
    double       bytes = 8 * ((double)entries + (double)cols);
    agop_sparse *m     = bytes > (double)agop__machine_bytes() ? NULL : agop__calloc(1, sizeof *m);

    if (m) {
        m->rows  = rows;
        m->cols  = cols;
        m->start = agop__calloc(cols + 2, sizeof *m->start); /* one more, for counting */
        m->row   = agop__malloc(entries, sizeof *m->row);
        m->value = agop__malloc(entries, sizeof *m->value);
    }
    if (!m || !m->start || !m->row || !m->value) {
        agop_sparse_free(m);
        return agop__fail_memory(e, bytes, name);
    }
    *out = m;
    return AGOP_OK;
}

void agop_sparse_free(agop_sparse *m)
{
    if (!m)
        return;
    free(m->start);
    free(m->row);
    free(m->value);
    agop__names_free(&m->column_names);
    agop__names_free(&m->row_names);
    free(m);
}

/* Arrays as long as what is left in them; where that fails they stay longer. */
static void shrink(agop_sparse *m)
{
    void *row = m->row, *value = m->value;

    if (agop__grow(&row, m->start[m->cols], sizeof *m->row))
        m->row = row;
    if (agop__grow(&value, m->start[m->cols], sizeof *m->value))
        m->value = value;
}

static agop_status name_columns(agop_sparse *m, agop__err *e)
{
    char name[32];

    for (int64_t j = m->column_names.count; j < m->cols; j++) {
        int n = snprintf(name, sizeof name, "x%" PRId64, j + 1);
        if (!agop__names_add(&m->column_names, name, (size_t)n))
            return agop__fail_memory(e, 0, "names of columns");
    }
    return AGOP_OK;
}

/* ---- order within the columns ---- */

static int is_rising(const int32_t *row, int64_t n)
{
    for (int64_t k = 1; k < n; k++)
        if (row[k] <= row[k - 1])
            return 0;
    return 1;
}

static int64_t longest(const agop_sparse *m)
{
    int64_t most = 0;
    for (int64_t j = 0; j < m->cols; j++)
        if (m->start[j + 1] - m->start[j] > most)
            most = m->start[j + 1] - m->start[j];
    return most;
}

/* Sorted by row; the values of one row stay in the order in which they came, so that their sum is the same everywhere.
 * pair: room for twice n. */
static void sort_column(int32_t *row, float *value, int64_t n, agop__pair *pair)
{
    for (int64_t k = 0; k < n; k++) {
        uint32_t bits;
        memcpy(&bits, &value[k], sizeof bits);
        pair[k] = (agop__pair){(uint64_t)row[k], (int64_t)bits};
    }
    agop__sort_pairs(pair, pair + n, n);
    for (int64_t k = 0; k < n; k++) {
        uint32_t bits = (uint32_t)pair[k].value;
        memcpy(&value[k], &bits, sizeof bits);
        row[k] = (int32_t)pair[k].key;
    }
}

/* Entries from .. end-1 of the arrays, sorted, go to `to` and after: one for each row, none that is zero. The place
 * behind them; -1: a sum is beyond single precision. */
static int64_t merge_column(agop_sparse *m, int64_t from, int64_t end, int64_t to)
{
    while (from < end) {
        int32_t row = m->row[from];
        double  sum = 0;
        for (; from < end && m->row[from] == row; from++)
            sum += (double)m->value[from];
        m->row[to]   = row;
        m->value[to] = (float)sum;
        if (!isfinite(m->value[to]))
            return -1;
        to += m->value[to] != 0;
    }
    return to;
}

static agop_status settle(agop_sparse *m, const char *name, agop__err *e)
{
    agop__pair *pair = NULL;
    int64_t     to = 0, from = 0;

    for (int64_t j = 0; j < m->cols && to >= 0; j++) {
        int64_t end = m->start[j + 1];
        if (!is_rising(m->row + from, end - from)) {
            if (!pair && !(pair = agop__malloc(2 * longest(m), sizeof *pair)))
                return agop__fail_memory(e, 0, name);
            sort_column(m->row + from, m->value + from, end - from, pair);
        }
        to              = merge_column(m, from, end, to);
        m->start[j + 1] = to;
        from            = end;
    }
    free(pair);
    if (to < 0)
        return agop__fail(e, AGOP_E_DATA, "%s: several values in one cell add up to more than single precision holds",
                          name);
    if (to < from)
        shrink(m);
    return AGOP_OK;
}

/* ---- from the entries of a file ---- */

/* start[j+1] counts on from the beginning of column j to its end while entries are put there. */
static void place_entries(agop_sparse *m, agop__triplets *t, int swap)
{
    for (const agop__piece *p = t->first; p; p = p->next)
        for (int64_t k = 0; k < p->count; k++)
            m->start[(swap ? p->entry[k].row : p->entry[k].col) + 2]++;
    for (int64_t j = 0; j < m->cols; j++)
        m->start[j + 2] += m->start[j + 1];
    for (; t->first; agop__triplets_drop_first(t))
        for (int64_t k = 0; k < t->first->count; k++) {
            const agop__triplet *x  = &t->first->entry[k];
            int64_t              to = m->start[(swap ? x->row : x->col) + 1]++;
            m->row[to]              = swap ? x->col : x->row;
            m->value[to]            = x->value;
        }
}

agop_status agop__sparse_of(agop_sparse **out, agop__triplets *t, int swap, const char *name, agop__err *e)
{
    agop_sparse *m = NULL;
    agop_status  st;

    TRY(make(&m, swap ? t->cols : t->rows, swap ? t->rows : t->cols, t->count, name, e));
    place_entries(m, t, swap);
    TRY(settle(m, name, e));
    m->column_names = swap ? t->row_names : t->col_names;
    m->row_names    = swap ? t->col_names : t->row_names;
    t->row_names = t->col_names = (agop__names){0};
    TRY(name_columns(m, e));
    *out = m;
    m    = NULL;
done:
    agop__triplets_free(t);
    agop_sparse_free(m);
    return st;
}

/* ---- from arrays ---- */

static agop_status check_arrays(int64_t rows, int64_t cols, const int64_t *start, const int32_t *row,
                                const float *value, agop__err *e)
{
    if (start[0] != 0)
        return agop__fail(e, AGOP_E_ARG, "the first start is %" PRId64 ", not 0", start[0]);
    for (int64_t j = 0; j < cols; j++) {
        if (start[j + 1] < start[j])
            return agop__fail(e, AGOP_E_ARG, "column %" PRId64 " ends before it starts", j);
        for (int64_t k = start[j]; k < start[j + 1]; k++) {
            if (row[k] < 0 || row[k] >= rows)
                return agop__fail(e, AGOP_E_SHAPE,
                                  "column %" PRId64 " has row %" PRId32 ", the matrix %" PRId64 " rows", j, row[k],
                                  rows);
            if (!isfinite(value[k]))
                return agop__fail(e, AGOP_E_DATA,
                                  "column %" PRId64 ", row %" PRId32 ": NaN or infinite, which a sparse matrix cannot hold",
                                  j, row[k]);
        }
    }
    return AGOP_OK;
}

static agop_status copy_names(agop__names *v, const char *const *names, int64_t count, agop__err *e)
{
    for (int64_t i = 0; names && i < count; i++) {
        if (!names[i])
            return agop__fail(e, AGOP_E_ARG, "name %" PRId64 " is NULL", i);
        if (!agop__names_add(v, names[i], strlen(names[i])))
            return agop__fail_memory(e, 0, "names");
    }
    return AGOP_OK;
}

agop_status agop_sparse_new(agop_sparse **out, agop_ctx *ctx, int64_t rows, int64_t cols, const int64_t *start,
                            const int32_t *row, const float *value, const char *const *column_names,
                            const char *const *row_names)
{
    agop_sparse *m = NULL;
    agop_status  st;

    if (!ctx)
        return AGOP_E_ARG;
    if (!out)
        return agop__fail(&ctx->err, AGOP_E_ARG, "a sparse matrix needs a place for it");
    *out = NULL;
    if (rows < 0 || cols < 0 || rows > AGOP__MOST_LINES || cols > AGOP__MOST_LINES)
        TRY(agop__fail(&ctx->err, AGOP_E_ARG,
                       "a sparse matrix has 0 to %d rows and columns, not %" PRId64 " x %" PRId64, AGOP__MOST_LINES,
                       rows, cols));
    if (!start || !row || !value)
        TRY(agop__fail(&ctx->err, AGOP_E_ARG, "a sparse matrix needs starts, rows and values"));
    TRY(check_arrays(rows, cols, start, row, value, &ctx->err));
    TRY(make(&m, rows, cols, start[cols], "a sparse matrix", &ctx->err));
    memcpy(m->start, start, ((size_t)cols + 1) * sizeof *start);
    memcpy(m->row, row, (size_t)start[cols] * sizeof *row);
    memcpy(m->value, value, (size_t)start[cols] * sizeof *value);
    TRY(settle(m, "a sparse matrix", &ctx->err));
    TRY(copy_names(&m->column_names, column_names, cols, &ctx->err));
    TRY(copy_names(&m->row_names, row_names, rows, &ctx->err));
    TRY(name_columns(m, &ctx->err));
    *out = m;
    m    = NULL;
done:
    agop_sparse_free(m);
    return st;
}

/* ---- counts made comparable ---- */

static agop_status drop_rare(agop_sparse *m, int64_t min_rows, agop__err *e)
{
    agop__names names = {0};
    int64_t     kept = 0, to = 0, from = 0;

    for (int64_t j = 0; j < m->cols; j++) {
        int64_t     end = m->start[j + 1], n = end - from;
        const char *name = agop__names_at(&m->column_names, j);
        if (n >= min_rows) {
            if (!agop__names_add(&names, name, strlen(name))) {
                agop__names_free(&names);
                return agop__fail_memory(e, 0, "names of columns");
            }
            memmove(m->row + to, m->row + from, (size_t)n * sizeof *m->row);
            memmove(m->value + to, m->value + from, (size_t)n * sizeof *m->value);
            m->start[++kept] = to += n;
        }
        from = end;
    }
    m->cols = kept;
    agop__names_free(&m->column_names);
    m->column_names = names;
    shrink(m);
    return AGOP_OK;
}

/* Every row is divided by its sum / target, as in counts per million; a row of zeros stays one. */
static agop_status normalise(agop_sparse *m, double target, agop__err *e)
{
    double *sum = agop__calloc(m->rows, sizeof *sum);

    if (!sum)
        return agop__fail_memory(e, 8 * (double)m->rows, "sums of rows");
    for (int64_t k = 0; k < m->start[m->cols]; k++)
        sum[m->row[k]] += (double)m->value[k];
    for (int64_t k = 0; k < m->start[m->cols]; k++)
        m->value[k] = (float)((double)m->value[k] * (target / sum[m->row[k]]));
    free(sum);
    return AGOP_OK;
}

static agop_status no_negative(const agop_sparse *m, const char *what, const char *name, agop__err *e)
{
    for (int64_t j = 0; j < m->cols; j++)
        for (int64_t k = m->start[j]; k < m->start[j + 1]; k++)
            if (m->value[k] < 0)
                return agop__fail(e, AGOP_E_DATA,
                                  "%s: column '%.60s', row %" PRId32 ": %g is negative, and %s needs counts", name,
                                  agop__names_at(&m->column_names, j), m->row[k] + 1, (double)m->value[k], what);
    return AGOP_OK;
}

agop_status agop__sparse_prepare(agop_sparse *m, const agop_settings *s, const char *name, agop__err *e)
{
    int64_t     min_rows = agop__int(s, "min_rows", 0);
    double      target   = agop__real(s, "normalise", 0);
    int         log      = agop__bool(s, "log1p", 0);
    agop_status st       = AGOP_OK;

    if (min_rows > 0)
        TRY(drop_rare(m, min_rows, e));
    if (target > 0 || log)
        TRY(no_negative(m, target > 0 ? "normalise" : "log1p", name, e));
    if (target > 0)
        TRY(normalise(m, target, e));
    for (int64_t k = 0; log && k < m->start[m->cols]; k++)
        m->value[k] = (float)log1p((double)m->value[k]);
    if (target > 0)
        TRY(settle(m, name, e)); /* the smallest may have become zero */
done:
    return st;
}

/* ---- reading ---- */

/* The entries of a file, told by its first bytes. */
static agop_status read_file(agop__triplets *t, agop_ctx *ctx, const char *path, const agop_settings *settings)
{
    agop__stream        *s = NULL;
    const unsigned char *bytes;
    size_t               count;
    const char          *layer = agop__text(settings, "layer");
    agop_status          st;

    TRY(agop__stream_open(&s, path, &ctx->err));
    TRY(agop__stream_peek(s, &bytes, &count, &ctx->err));
    if (agop__is_hdf5(bytes, count)) {
        TRY(agop__h5_read(t, ctx, path, layer));
    } else if (*layer) {
        st = agop__fail(&ctx->err, AGOP_E_DATA, "%s: no layer is called '%.40s': only .h5ad files have layers",
                        agop__stream_name(s), layer);
    } else if (agop__bool(settings, "text", 0)) {
        st = agop__words_read(t, ctx, s);
    } else if (agop__is_mtx(bytes, count)) {
        TRY(agop__mtx_read(t, ctx, s));
        TRY(agop__mtx_names(t, path, &ctx->err));
    } else {
        st = agop__counts_read(t, ctx, s);
    }
done:
    agop__stream_close(s);
    return st;
}

agop_status agop_sparse_is(int *is, agop_ctx *ctx, const char *path)
{
    agop__stream        *s = NULL;
    const unsigned char *bytes;
    size_t               count;
    agop_status          st = AGOP_OK;

    if (!ctx)
        return AGOP_E_ARG;
    if (!is || !path)
        return agop__fail(&ctx->err, AGOP_E_ARG, "looking at a file needs its path and a place for the answer");
    *is = 0;
    if (strcmp(path, "-") == 0)
        goto done;
    TRY(agop__stream_open(&s, path, &ctx->err));
    TRY(agop__stream_peek(s, &bytes, &count, &ctx->err));
    *is = agop__is_hdf5(bytes, count) || agop__is_mtx(bytes, count);
done:
    agop__stream_close(s);
    return st;
}

agop_status agop_sparse_read(agop_sparse **out, agop_ctx *ctx, const char *path, const agop_settings *s)
{
    agop__triplets t = {0};
    agop_sparse   *m = NULL;
    agop_status    st;

    if (!ctx)
        return AGOP_E_ARG;
    if (!out)
        return agop__fail(&ctx->err, AGOP_E_ARG, "reading a file needs a place for the matrix");
    *out = NULL;
    if (!path)
        return agop__fail(&ctx->err, AGOP_E_ARG, "reading a file needs its path");
    TRY(read_file(&t, ctx, path, s));
    TRY(agop__sparse_of(&m, &t, agop__bool(s, "genes_in_rows", t.variables_in_rows), path, &ctx->err));
    TRY(agop__sparse_prepare(m, s, path, &ctx->err));
    if (m->rows == 0 || m->cols == 0)
        TRY(agop__fail(&ctx->err, AGOP_E_DATA, "%s: no %s%s", path, m->rows == 0 ? "observations" : "variables",
                       m->rows && agop__int(s, "min_rows", 0) > 0 ? " are left; try a smaller min_rows" : ""));
    *out = m;
    m    = NULL;
done:
    agop__triplets_free(&t);
    agop_sparse_free(m);
    return st;
}

/* ---- asking ---- */

int64_t agop_sparse_rows(const agop_sparse *s)
{
    return s ? s->rows : 0;
}

int64_t agop_sparse_cols(const agop_sparse *s)
{
    return s ? s->cols : 0;
}

int64_t agop_sparse_nonzeros(const agop_sparse *s)
{
    return s ? s->start[s->cols] : 0;
}

const char *agop_sparse_column_name(const agop_sparse *s, int64_t col)
{
    return s && col >= 0 && col < s->cols ? agop__names_at(&s->column_names, col) : NULL;
}

const char *agop_sparse_row_name(const agop_sparse *s, int64_t row)
{
    return s && row >= 0 && row < s->row_names.count ? agop__names_at(&s->row_names, row) : NULL;
}

int64_t agop_sparse_column(const agop_sparse *s, int64_t col, const int32_t **row, const float **value)
{
    int inside = s && col >= 0 && col < s->cols;

    if (row)
        *row = inside ? s->row + s->start[col] : NULL;
    if (value)
        *value = inside ? s->value + s->start[col] : NULL;
    return inside ? s->start[col + 1] - s->start[col] : 0;
}
