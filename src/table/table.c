/* table.c - tables: storage, the public functions, and what readers need to build one.
 *
 * A column is either numbers behind a stride (a caller's matrix, a block read from a file, or an array of its
 * own) or codes into its own dictionary of texts; a file that was read whole has both packed (store.c), and one that is
 * sparse non-zeros (nonzeros.c). Columns are only ever added. Names are kept in a dictionary whose numbers are the
 * column numbers, so a table of 20 000 genes finds a column as fast as one of ten. */
#include "table/table.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"

/* ---- reading cells ---- */

double agop__column_at(const agop__column *c, int64_t row)
{
    if (c->packed)
        return agop__pack_at(c->packed, row);
    if (c->nonzeros)
        return agop__nonzeros_at(c->nonzeros, row);
    if (c->dtype == AGOP_F32)
        return (double)((const float *)c->number)[row * c->stride];
    return ((const double *)c->number)[row * c->stride];
}

int32_t agop__column_code(const agop__column *c, int64_t row)
{
    return c->packed ? (int32_t)agop__pack_at(c->packed, row) : c->code[row];
}

void agop__column_take(double *v, const agop__column *c, int64_t first, int64_t n)
{
    if (c->packed)
        agop__pack_take(v, c->packed, first, n);
    else if (c->nonzeros)
        agop__nonzeros_take(v, c->nonzeros, first, n);
    else if (c->dtype == AGOP_F32)
        for (int64_t i = 0; i < n; i++)
            v[i] = (double)((const float *)c->number)[(first + i) * c->stride];
    else
        for (int64_t i = 0; i < n; i++)
            v[i] = ((const double *)c->number)[(first + i) * c->stride];
}

void agop__column_codes(int32_t *v, const agop__column *c, int64_t first, int64_t n)
{
    double some[256];

    if (!c->packed && n > 0)
        memcpy(v, c->code + first, (size_t)n * sizeof *v);
    while (c->packed && n > 0) {
        int64_t here = n < 256 ? n : 256;
        agop__pack_take(some, c->packed, first, here);
        for (int64_t i = 0; i < here; i++)
            v[i] = (int32_t)some[i];
        v += here;
        first += here;
        n -= here;
    }
}

double agop__table_at(const agop_table *t, int64_t row, int64_t col)
{
    return agop__column_at(&t->column[col], row);
}

int64_t agop__table_find(const agop_table *t, const char *name)
{
    return agop__dict_find(&t->names, name, strlen(name));
}

size_t agop__next_name(const char **name, const char **list)
{
    size_t n;

    while (*list && **list == ',')
        ++*list;
    if (!*list || !**list)
        return 0;
    n     = strcspn(*list, ",");
    *name = *list;
    *list += n;
    return n;
}

const char *agop__table_targets(const agop_table *t, const char *setting)
{
    const char *rest  = setting, *name;
    int64_t     known = 0, asked = 0;

    for (size_t n; (n = agop__next_name(&name, &rest)) > 0; asked++)
        known += agop__dict_find(&t->names, name, n) >= 0;
    return (asked > 0 && known == asked) || !t->targets ? setting : t->targets;
}

/* ---- sentences ---- */

/* Names beyond this many are not searched for a near one: it is only a courtesy. */
enum { MOST_NEAR = 5000 };

/* Is there a name near `word`? AGOP_E_NOMEM, or AGOP_OK with *found NULL or in `near`. */
static agop_status near_name(const char **found, char near[64], const char *word, const agop__dict *names, agop__err *e)
{
    agop__buffer all = {0};
    agop_status  st  = AGOP_OK;

    *found = NULL;
    for (int64_t i = 0; i < names->count && i < MOST_NEAR; i++) {
        agop__buffer_add(&all, "|", i > 0);
        agop__buffer_add(&all, names->text[i], names->length[i]);
    }
    if (all.failed)
        st = agop__fail_memory(e, 0, "names of columns");
    else if (all.text)
        *found = agop_closest(word, all.text, near, 64);
    agop__buffer_free(&all);
    return st;
}

agop_status agop__no_column(agop__err *e, const char *file, const char *name, size_t length, const char *role,
                            const agop__dict *names)
{
    char        near[64], word[64];
    const char *found, *f = file ? file : "", *colon = file ? ": " : "";

    (void)snprintf(word, sizeof word, "%.*s", (int)(length < 60 ? length : 60), name);
    if (near_name(&found, near, word, names, e) != AGOP_OK)
        return AGOP_E_NOMEM;
    if (found)
        return agop__fail(e, AGOP_E_DATA, "%s%sthere is no column '%s' (%s): did you mean '%s'?", f, colon, word, role,
                          found);
    return agop__fail(e, AGOP_E_DATA, "%s%sthere is no column '%s' (%s) among %" PRId64, f, colon, word, role,
                      names->count);
}

agop_status agop__lost_column(agop__err *e, const char *file, const char *name, const agop__dict *names)
{
    char        near[64];
    const char *found, *f = file ? file : "", *colon = file ? ": " : "";

    if (near_name(&found, near, name, names, e) != AGOP_OK)
        return AGOP_E_NOMEM;
    if (found)
        return agop__fail(e, AGOP_E_DATA,
                          "%s%scolumn '%.60s' is missing (the model was fitted with it); is it the one called '%s'?", f,
                          colon, name, found);
    return agop__fail(e, AGOP_E_DATA, "%s%scolumn '%.60s' is missing (the model was fitted with it)", f, colon, name);
}

/* ---- building ---- */

agop_status agop__table_make(agop_table **out, int64_t rows, agop__err *e)
{
    *out = agop__calloc(1, sizeof **out);
    if (!*out)
        return agop__fail_memory(e, 0, "a table");
    (*out)->rows = rows;
    return AGOP_OK;
}

static void free_column(agop__column *c)
{
    free(c->owned);
    free(c->code);
    agop__dict_free(&c->levels);
    agop__pack_free(c->packed);
    agop__nonzeros_free(c->nonzeros);
}

/* Put a finished column at the end under its name; it is freed when that fails. The name goes in last, because a
 * dictionary never forgets. */
static agop_status append(agop_table *t, const char *name, agop__column *c, agop__err *e)
{
    agop_status st     = AGOP_OK;
    void       *column = t->column;

    if (!name || !*name) {
        st = agop__fail(e, AGOP_E_ARG, "a column needs a name");
        goto done;
    }
    if (agop__table_find(t, name) >= 0) {
        st = agop__fail(e, AGOP_E_ARG, "two columns are called '%.60s'", name);
        goto done;
    }
    if (t->cols == t->room) {
        int64_t room = t->room ? 2 * t->room : 16;
        if (!agop__grow(&column, room, sizeof *t->column)) {
            st = agop__fail_memory(e, (double)room * (double)sizeof *t->column, "columns of a table");
            goto done;
        }
        t->column = column;
        t->room   = room;
    }
    if (agop__dict_add(&t->names, name, strlen(name)) < 0) {
        st = agop__fail_memory(e, 0, "the name of a column");
        goto done;
    }
    c->name              = t->names.text[t->cols];
    t->column[t->cols++] = *c;
done:
    if (st != AGOP_OK)
        free_column(c);
    return st;
}

static agop_status copy_levels(agop__dict *out, const agop__dict *levels, agop__err *e)
{
    for (int64_t k = 0; k < levels->count; k++)
        if (agop__dict_add(out, levels->text[k], levels->length[k]) < 0)
            return agop__fail_memory(e, 0, "the texts of a column");
    return AGOP_OK;
}

agop_status agop__table_take_number(agop_table *t, const char *name, double *number, agop__err *e)
{
    agop__column c = {.number = number, .owned = number, .stride = 1, .dtype = AGOP_F64};
    return append(t, name, &c, e);
}

agop_status agop__table_take_text(agop_table *t, const char *name, int32_t *code, const agop__dict *levels,
                                  agop__err *e)
{
    agop__column c  = {.is_text = 1, .code = code};
    agop_status  st = copy_levels(&c.levels, levels, e);
    if (st != AGOP_OK) {
        free_column(&c);
        return st;
    }
    return append(t, name, &c, e);
}

agop_status agop__table_take_packed(agop_table *t, const char *name, agop__pack *p, const agop__dict *levels,
                                    agop__err *e)
{
    agop__column c  = {.is_text = levels != NULL, .packed = p, .dtype = AGOP_F64};
    agop_status  st = levels ? copy_levels(&c.levels, levels, e) : AGOP_OK;
    if (st != AGOP_OK) {
        free_column(&c);
        return st;
    }
    return append(t, name, &c, e);
}

agop_status agop__table_take_nonzeros(agop_table *t, const char *name, agop__nonzeros *z, agop__err *e)
{
    agop__column c = {.nonzeros = z, .dtype = AGOP_F64};
    return append(t, name, &c, e);
}

agop_status agop__table_move(agop_table *t, const char *name, agop__column *from, agop__err *e)
{
    agop__column c = *from;
    memset(from, 0, sizeof *from);
    return append(t, name, &c, e);
}

agop_status agop__table_add_view(agop_table *t, const char *name, const void *first, int64_t stride, int32_t dtype,
                                 agop__err *e)
{
    agop__column c = {.number = first, .stride = stride, .dtype = dtype};
    return append(t, name, &c, e);
}

/* rows(t) numbers of a column, close together. */
static void *compact(const agop__column *from, int64_t first, int64_t rows)
{
    size_t size = from->dtype == AGOP_F32 ? sizeof(float) : sizeof(double);
    char  *copy = agop__malloc(rows, size);
    if (copy && !from->number) {
        agop__column_take((double *)(void *)copy, from, first, rows);
        return copy;
    }
    for (int64_t i = 0; copy && i < rows; i++)
        memcpy(copy + (size_t)i * size, (const char *)from->number + (size_t)((first + i) * from->stride) * size, size);
    return copy;
}

agop_status agop__table_add_copy(agop_table *t, const char *name, const agop__column *from, int64_t first, agop__err *e)
{
    agop__column c = {.is_text = from->is_text, .stride = 1, .dtype = from->dtype};

    if (from->is_text) {
        c.code = agop__malloc(t->rows, sizeof *c.code);
        if (!c.code)
            return agop__fail_memory(e, (double)t->rows * 4, "a column of texts");
        agop__column_codes(c.code, from, first, t->rows);
        return agop__table_take_text(t, name, c.code, &from->levels, e);
    }
    c.number = c.owned = compact(from, first, t->rows);
    if (!c.owned)
        return agop__fail_memory(e, (double)t->rows * 8, "a column of numbers");
    return append(t, name, &c, e);
}

/* ---- numbers as categories ---- */

/* The C library writes the decimal point of the program's locale; categories must not depend on it. */
static size_t plain_point(char *text)
{
    size_t n = 0;
    for (const char *p = text; *p; p++) {
        if (strchr("0123456789+-e", *p))
            text[n++] = *p;
        else if (n == 0 || text[n - 1] != '.') /* a point of several bytes becomes one */
            text[n++] = '.';
    }
    text[n] = '\0';
    return n;
}

size_t agop__number_text(char text[AGOP__NUMBER_TEXT], double value)
{
    if (fabs(value) < 1e15 && value == floor(value))
        return (size_t)snprintf(text, AGOP__NUMBER_TEXT, "%" PRId64, (int64_t)value);
    for (int digits = 15; digits <= 17; digits++) {
        (void)snprintf(text, AGOP__NUMBER_TEXT, "%.*g", digits, value);
        if (strtod(text, NULL) == value) /* read in the locale that wrote it */
            break;
    }
    return plain_point(text);
}

agop_status agop__column_as_text(int32_t **code, agop__dict *levels, const agop__column *c, int64_t rows, agop__err *e)
{
    char        text[AGOP__NUMBER_TEXT];
    double      last = NAN;
    int64_t     k    = -1;
    agop_status st   = AGOP_OK;

    memset(levels, 0, sizeof *levels);
    *code = agop__malloc(rows, sizeof **code);
    if (!*code) {
        st = agop__fail_memory(e, (double)rows * 4, "categories of a column");
        goto done;
    }
    for (int64_t i = 0; i < rows; i++) {
        double v = agop__column_at(c, i);
        if (isnan(v)) {
            (*code)[i] = -1;
            continue;
        }
        if (v != last) { /* sorted and constant columns cost one look */
            k = agop__dict_add(levels, text, agop__number_text(text, v));
            if (k < 0 || k > INT32_MAX) {
                st = agop__fail_memory(e, 0, "categories of a column");
                goto done;
            }
            last = v;
        }
        (*code)[i] = (int32_t)k;
    }
done:
    if (st != AGOP_OK) {
        free(*code);
        *code = NULL;
        agop__dict_free(levels);
    }
    return st;
}

/* ---- the public functions ---- */

agop_status agop_table_new(agop_table **out, agop_ctx *ctx, int64_t rows)
{
    if (!ctx)
        return AGOP_E_ARG;
    if (!out)
        return agop__fail(&ctx->err, AGOP_E_ARG, "a new table needs a place for it");
    *out = NULL;
    if (rows < 0)
        return agop__fail(&ctx->err, AGOP_E_ARG, "a table cannot have %" PRId64 " rows", rows);
    return agop__table_make(out, rows, &ctx->err);
}

int agop__find_infinite(int64_t *row, int64_t *col, const agop_mat *X)
{
    for (int64_t i = 0; i < X->rows; i++)
        for (int64_t j = 0; j < X->cols; j++) {
            int64_t k = i * X->ld + j;
            if (X->dtype == AGOP_F32 ? isinf(((const float *)X->data)[k]) : isinf(((const double *)X->data)[k])) {
                *row = i;
                *col = j;
                return 1;
            }
        }
    return 0;
}

static agop_status refuse_infinite(const agop_mat *X, const char *name, agop__err *e)
{
    int64_t row, col;
    char    numbered[32];

    if (!agop__find_infinite(&row, &col, X))
        return AGOP_OK;
    (void)snprintf(numbered, sizeof numbered, "x%" PRId64, col + 1);
    return agop__fail(e, AGOP_E_NUMERIC, "column '%.60s' is infinite in row %" PRId64 ": use NaN for what is missing",
                      name ? name : numbered, row + 1);
}

static agop_status check_mat(const agop_mat *X, agop__err *e)
{
    if (!X || (X->dtype != AGOP_F32 && X->dtype != AGOP_F64))
        return agop__fail(e, AGOP_E_ARG, "a matrix must be AGOP_F32 or AGOP_F64");
    if (X->rows < 0 || X->cols < 0 || X->ld < X->cols)
        return agop__fail(e, AGOP_E_ARG, "a matrix of %" PRId64 " x %" PRId64 " cannot have ld %" PRId64, X->rows,
                          X->cols, X->ld);
    if (!X->data && X->rows > 0 && X->cols > 0)
        return agop__fail(e, AGOP_E_ARG, "a matrix needs data");
    return AGOP_OK;
}

agop_status agop_table_from_mat(agop_table **out, agop_ctx *ctx, const agop_mat *X)
{
    agop_table *t = NULL;
    char        name[32];
    agop_status st;

    if (!ctx)
        return AGOP_E_ARG;
    if (!out)
        return agop__fail(&ctx->err, AGOP_E_ARG, "a new table needs a place for it");
    *out = NULL;
    TRY(check_mat(X, &ctx->err));
    TRY(refuse_infinite(X, NULL, &ctx->err));
    TRY(agop__table_make(&t, X->rows, &ctx->err));
    for (int64_t j = 0; j < X->cols; j++) {
        size_t      size  = X->dtype == AGOP_F32 ? sizeof(float) : sizeof(double);
        const void *first = X->data ? (const char *)X->data + (size_t)j * size : NULL;
        (void)snprintf(name, sizeof name, "x%" PRId64, j + 1);
        TRY(agop__table_add_view(t, name, first, X->ld, X->dtype, &ctx->err));
    }
    *out = t;
    t    = NULL;
done:
    agop_table_free(t);
    return st;
}

agop_status agop_table_add_numeric(agop_table *t, agop_ctx *ctx, const char *name, const double *values)
{
    agop__column c = {.number = values, .stride = 1, .dtype = AGOP_F64};
    agop_mat     m = {.data = (void *)(uintptr_t)values, .cols = 1, .ld = 1, .dtype = AGOP_F64}; /* read only */
    agop_status  st;

    if (!ctx)
        return AGOP_E_ARG;
    if (!t || !name || (!values && t->rows > 0))
        return agop__fail(&ctx->err, AGOP_E_ARG, "a column needs a table, a name and values");
    m.rows = t->rows;
    st     = refuse_infinite(&m, name, &ctx->err);
    return st != AGOP_OK ? st : agop__table_add_copy(t, name, &c, 0, &ctx->err);
}

agop_status agop_table_add_text(agop_table *t, agop_ctx *ctx, const char *name, const char *const *values)
{
    agop__column c = {.is_text = 1};
    agop_status  st;

    if (!ctx)
        return AGOP_E_ARG;
    if (!t || !name || (!values && t->rows > 0))
        return agop__fail(&ctx->err, AGOP_E_ARG, "a column needs a table, a name and values");
    c.code = agop__malloc(t->rows, sizeof *c.code);
    if (!c.code)
        return agop__fail_memory(&ctx->err, (double)t->rows * 4, "a column of texts");
    for (int64_t i = 0; i < t->rows; i++) {
        int64_t k = values[i] ? agop__dict_add(&c.levels, values[i], strlen(values[i])) : -1;
        if ((values[i] && k < 0) || k > INT32_MAX) {
            st = agop__fail_memory(&ctx->err, 0, "the texts of a column");
            free_column(&c);
            return st;
        }
        c.code[i] = (int32_t)k;
    }
    return append(t, name, &c, &ctx->err);
}

agop_status agop_table_add_view(agop_table *t, agop_ctx *ctx, const char *name, const void *first, int64_t stride,
                                int32_t dtype)
{
    agop_mat    m = {.data = (void *)(uintptr_t)first, .cols = 1, .ld = stride, .dtype = dtype}; /* read only */
    agop_status st;

    if (!ctx)
        return AGOP_E_ARG;
    if (!t || !name || (!first && t->rows > 0) || stride < 1 || (dtype != AGOP_F32 && dtype != AGOP_F64))
        return agop__fail(&ctx->err, AGOP_E_ARG,
                          "a view needs a table, a name, values of AGOP_F32 or AGOP_F64 and a stride of 1 or more");
    m.rows = t->rows;
    st     = refuse_infinite(&m, name, &ctx->err);
    return st != AGOP_OK ? st : agop__table_add_view(t, name, first, stride, dtype, &ctx->err);
}

/* The levels as a dictionary: each has to be there and to be another than those before, since codes are their
 * numbers. */
static agop_status level_dict(agop__dict *out, const char *name, const char *const *level, int64_t levels,
                              agop__err *e)
{
    for (int64_t k = 0; k < levels; k++) {
        int64_t number = level[k] ? agop__dict_add(out, level[k], strlen(level[k])) : k;
        if (number < 0)
            return agop__fail_memory(e, 0, "the texts of a column");
        if (!level[k] || number < k)
            return agop__fail(e, AGOP_E_ARG, "column '%.80s': level %lld is %s", name, (long long)k,
                              level[k] ? "there already" : "NULL");
    }
    return AGOP_OK;
}

agop_status agop_table_add_codes(agop_table *t, agop_ctx *ctx, const char *name, const int32_t *code,
                                 const char *const *level, int64_t levels)
{
    agop__dict  dict = {0};
    int32_t    *copy = NULL;
    agop_status st;

    if (!ctx)
        return AGOP_E_ARG;
    if (!t || !name || levels < 0 || levels > INT32_MAX || (!code && t->rows > 0) || (!level && levels > 0))
        return agop__fail(&ctx->err, AGOP_E_ARG, "a column of codes needs a table, a name, codes and their levels");
    for (int64_t i = 0; i < t->rows; i++)
        if (code[i] < -1 || code[i] >= levels)
            return agop__fail(&ctx->err, AGOP_E_ARG, "column '%.80s': row %lld has code %d, but there are %lld levels",
                              name, (long long)i, (int)code[i], (long long)levels);
    TRY(level_dict(&dict, name, level, levels, &ctx->err));
    copy = agop__malloc(t->rows, sizeof *copy);
    if (!copy) {
        st = agop__fail_memory(&ctx->err, (double)t->rows * 4, "a column of texts");
        goto done;
    }
    if (t->rows > 0)
        memcpy(copy, code, (size_t)t->rows * sizeof *copy);
    st = agop__table_take_text(t, name, copy, &dict, &ctx->err);
done:
    agop__dict_free(&dict);
    return st;
}

static const agop__column *column_of(const agop_table *t, int64_t col)
{
    return t && col >= 0 && col < t->cols ? &t->column[col] : NULL;
}

int64_t agop_table_rows(const agop_table *t)
{
    return t ? t->rows : 0;
}

int64_t agop_table_cols(const agop_table *t)
{
    return t ? t->cols : 0;
}

const char *agop_table_name(const agop_table *t, int64_t col)
{
    const agop__column *c = column_of(t, col);
    return c ? c->name : NULL;
}

int agop_table_is_text(const agop_table *t, int64_t col)
{
    const agop__column *c = column_of(t, col);
    return c && c->is_text;
}

int64_t agop_table_missing(const agop_table *t, int64_t col)
{
    const agop__column *c       = column_of(t, col);
    int64_t             missing = 0;

    for (int64_t i = 0; c && i < t->rows; i++)
        missing += c->is_text ? agop__column_code(c, i) == -1 : isnan(agop__column_at(c, i)) != 0;
    return missing;
}

int64_t agop_table_levels(const agop_table *t, int64_t col)
{
    const agop__column *c = column_of(t, col);
    return c && c->is_text ? c->levels.count : 0;
}

const char *agop_table_level(const agop_table *t, int64_t col, int64_t level)
{
    return level >= 0 && level < agop_table_levels(t, col) ? t->column[col].levels.text[level] : NULL;
}

double agop_table_number(const agop_table *t, int64_t row, int64_t col)
{
    const agop__column *c = column_of(t, col);
    if (!c || row < 0 || row >= t->rows)
        return NAN;
    return c->is_text ? (double)agop__column_code(c, row) : agop__column_at(c, row);
}

void agop_table_free(agop_table *t)
{
    if (!t)
        return;
    for (int64_t j = 0; j < t->cols; j++)
        free_column(&t->column[j]);
    free(t->column);
    agop__dict_free(&t->names);
    free(t->block);
    free(t->targets);
    free(t);
}
