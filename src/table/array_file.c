/* array_file.c - files told by their content, and array files (.npy, .npz, libsvm) as whole tables.
 *
 * The numbers of .npy and .npz are packed while they are read (packing.c). Text arrays are taken apart, into a
 * dictionary for each column; the numbers of a libsvm file stay where its reader put them. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "io/libsvm.h"
#include "io/npy.h"
#include "io/stream.h"
#include "table/packing.h"
#include "table/reader_private.h"

static agop_status no_infinite(const char *file, const agop_mat *X, agop__err *e)
{
    int64_t row, col;
    if (agop__find_infinite(&row, &col, X))
        return agop__fail(e, AGOP_E_FORMAT,
                          "%s: row %" PRId64 ", column 'x%" PRId64 "': infinite; use NaN for what is missing", file,
                          row + 1, col + 1);
    return AGOP_OK;
}

/* The missing cells of a text array are those of a CSV file. */
static int is_missing(const char *s)
{
    static const char *const words[] = {"", "NA", "N/A", "NaN", "nan", "null", "NULL", "None", "?"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(s, words[i]) == 0)
            return 1;
    return 0;
}

static agop_status add_text(agop_table *t, const char *name, const agop__array *a, int64_t col, agop__err *e)
{
    agop__column c  = {.is_text = 1, .code = agop__malloc(a->rows, sizeof(int32_t))};
    agop_status  st = AGOP_OK;

    for (int64_t i = 0; c.code && i < a->rows; i++) {
        const char *s = a->text[i * a->cols + col];
        int64_t     k = is_missing(s) ? -1 : agop__dict_add(&c.levels, s, strlen(s));
        if ((k < 0 && !is_missing(s)) || k > INT32_MAX) {
            st = agop__fail_memory(e, 0, "the texts of an array");
            break;
        }
        c.code[i] = (int32_t)k;
    }
    if (!c.code)
        st = agop__fail_memory(e, (double)a->rows * 4, "a column of texts");
    if (st != AGOP_OK) {
        free(c.code);
        agop__dict_free(&c.levels);
        return st;
    }
    return agop__table_move(t, name, &c, e);
}

/* Takes the numbers of the array. */
static agop_status array_table(agop_table **out, agop__array *a, const char *file, agop__err *e)
{
    agop_mat    X = {.data = a->data, .rows = a->rows, .cols = a->cols, .ld = a->cols, .dtype = a->dtype};
    agop_table *t = NULL;
    agop_status st;

    if (a->data)
        TRY(no_infinite(file, &X, e));
    TRY(agop__table_make(&t, a->rows, e));
    for (int64_t j = 0; j < a->cols; j++) {
        size_t size = a->dtype == AGOP_F32 ? sizeof(float) : sizeof(double);
        char   name[32];
        (void)snprintf(name, sizeof name, "x%" PRId64, j + 1);
        TRY(a->text ? add_text(t, name, a, j, e)
                    : agop__table_add_view(t, name, (const char *)a->data + (size_t)j * size, a->cols, a->dtype, e));
    }
    t->block = a->data;
    a->data  = NULL;
    *out     = t;
    t        = NULL;
done:
    agop_table_free(t);
    return st;
}

static agop_status libsvm_table(agop_table **out, agop__stream *s, const char *file, const char *label, int64_t width,
                                agop__err *e)
{
    agop__array a      = {.dtype = AGOP_F64};
    double     *values = NULL, *labels = NULL;
    agop_table *t = NULL, *x = NULL;
    agop_mat    y = {.cols = 1, .ld = 1, .dtype = AGOP_F64};
    agop_status st;

    TRY(agop__libsvm_read(&values, &labels, &a.rows, &a.cols, width, width, s, e));
    y.data = labels;
    y.rows = a.rows;
    a.data = values;
    values = NULL;
    TRY(no_infinite(file, &y, e));
    TRY(array_table(&x, &a, file, e));
    TRY(agop__table_make(&t, x->rows, e));
    st     = agop__table_take_number(t, label, labels, e);
    labels = NULL; /* taken, whatever came of it */
    if (st != AGOP_OK)
        goto done;
    for (int64_t j = 0; j < x->cols; j++)
        TRY(agop__table_move(t, x->column[j].name, &x->column[j], e));
    t->block = x->block;
    x->block = NULL;
    *out     = t;
    t        = NULL;
done:
    free(values);
    free(labels);
    agop__array_free(&a);
    agop_table_free(x);
    agop_table_free(t);
    return st;
}

static int kind_of(const unsigned char *bytes, size_t count)
{
    return agop__is_npy(bytes, count)      ? AGOP__FILE_NPY
           : agop__is_zip(bytes, count)    ? AGOP__FILE_NPZ
           : agop__is_libsvm(bytes, count) ? AGOP__FILE_LIBSVM
                                           : AGOP__FILE_CSV;
}

/* An .npy array at the beginning of a stream. */
static agop_status npy_table(agop__file *out, agop_ctx *ctx, agop__stream *s, const char *cache)
{
    agop__npy   n;
    agop__array a = {0};
    agop_status st;

    TRY(agop__npy_begin(&n, s, &ctx->err));
    if (n.is_text) {
        TRY(agop__npy_rest(&a, &n, &ctx->err));
        TRY(array_table(&out->table, &a, out->name, &ctx->err));
    } else {
        TRY(agop__pack_array(&out->table, ctx, &n, out->name, cache));
    }
done:
    agop__array_free(&a);
    return st;
}

agop_status agop__file_inner(agop__file *out, agop_ctx *ctx, const char *path, const char *inner, const char *cache)
{
    agop__stream *s = NULL;
    agop_status   st;

    memset(out, 0, sizeof *out);
    out->kind = AGOP__FILE_NPZ;
    out->name = agop__strdup(path);
    if (!out->name) {
        st = agop__fail_memory(&ctx->err, 0, "opening a file");
        goto done;
    }
    TRY(agop__npz_open(&s, path, inner, &ctx->err));
    TRY(npy_table(out, ctx, s, cache));
done:
    agop__stream_close(s);
    if (st != AGOP_OK)
        agop__file_close(out);
    return st;
}

agop_status agop__file_open(agop__file *out, agop_ctx *ctx, const char *path, const char *label, int64_t width,
                            const char *cache)
{
    agop__stream        *s = NULL;
    agop__err           *e = &ctx->err;
    const unsigned char *bytes;
    size_t               count;
    agop_status          st;

    memset(out, 0, sizeof *out);
    TRY(agop__stream_open(&s, path, e));
    TRY(agop__stream_peek(s, &bytes, &count, e));
    out->kind = kind_of(bytes, count);
    out->name = agop__strdup(agop__stream_name(s));
    if (!out->name) {
        st = agop__fail_memory(e, 0, "opening a file");
        goto done;
    }
    if (out->kind == AGOP__FILE_CSV) {
        st = agop__csv_open(&out->csv, s, ctx->threads, e);
        s  = NULL; /* taken, whatever came of it */
    } else if (out->kind == AGOP__FILE_NPY) {
        st = npy_table(out, ctx, s, cache);
    } else if (out->kind == AGOP__FILE_LIBSVM) {
        st = libsvm_table(&out->table, s, out->name, label, width, e);
    } else if (strcmp(path, "-") == 0) {
        st = agop__fail(e, AGOP_E_UNSUPPORTED, "an .npz file cannot be read from standard input: name the file");
    } else {
        agop__file_close(out);
        st = agop__file_inner(out, ctx, path, NULL, cache);
    }
done:
    agop__stream_close(s);
    if (st != AGOP_OK)
        agop__file_close(out);
    return st;
}

void agop__file_close(agop__file *f)
{
    free(f->name);
    agop__csv_close(f->csv);
    agop_table_free(f->table);
    memset(f, 0, sizeof *f);
}

/* ---- the other kind of column ---- */

agop_status agop__make_text(agop__column *c, int64_t rows, agop__err *e)
{
    agop_status st;

    if (c->is_text)
        return AGOP_OK;
    st = agop__column_as_text(&c->code, &c->levels, c, rows, e);
    if (st != AGOP_OK)
        return st;
    free(c->owned);
    agop__pack_free(c->packed);
    c->owned   = NULL;
    c->number  = NULL;
    c->packed  = NULL;
    c->is_text = 1;
    return AGOP_OK;
}

agop_status agop__make_number(agop__column *c, int64_t rows, const char *file, agop__err *e)
{
    double     *value = NULL, *number = NULL;
    agop_status st = AGOP_OK;

    if (!c->is_text)
        return AGOP_OK;
    value  = agop__malloc(c->levels.count, sizeof *value); /* every text is read once */
    number = agop__malloc(rows, sizeof *number);
    if (!value || !number) {
        st = agop__fail_memory(e, (double)rows * 8, "a column of numbers");
        goto done;
    }
    for (int64_t k = 0; k < c->levels.count; k++)
        if (!agop__parse_real(c->levels.text[k], &value[k])) {
            st = agop__fail(e, AGOP_E_FORMAT, "%s: column '%.60s': '%.40s' is not a number", file, c->name,
                            c->levels.text[k]);
            goto done;
        }
    for (int64_t i = 0; i < rows; i++) {
        int32_t k = agop__column_code(c, i);
        number[i] = k < 0 ? NAN : value[k];
    }
    free(c->code);
    agop__pack_free(c->packed);
    agop__dict_free(&c->levels);
    c->code    = NULL;
    c->packed  = NULL;
    c->is_text = 0;
    c->number = c->owned = number;
    c->stride            = 1;
    c->dtype             = AGOP_F64;
    number               = NULL;
done:
    free(value);
    free(number);
    return st;
}
