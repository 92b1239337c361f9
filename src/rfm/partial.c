/* partial.c - agop_partial: what is predicted for rows whose value in one column is another; agop_partial_along: for
 * rows moved along a direction of several numeric columns.
 *
 * All rows stand once below each other for each value of the grid, in one table, which is predicted as any other. */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "rfm/model.h"

static agop_status add_numbers(agop_table *to, agop_ctx *ctx, const char *name, const agop_table *t, int64_t j,
                               const double *grid, int64_t points)
{
    double *v = agop__malloc(t->rows * points, sizeof *v);

    if (!v)
        return agop__fail_memory(&ctx->err, 8.0 * (double)(t->rows * points), "rows moved along a column");
    for (int64_t i = 0; i < t->rows * points; i++)
        v[i] = grid ? grid[i / t->rows] : agop__table_at(t, i % t->rows, j);
    return agop__table_take_number(to, name, v, &ctx->err);
}

static agop_status add_codes(agop_table *to, agop_ctx *ctx, const char *name, const agop_table *t, int64_t j,
                             const double *grid, int64_t points)
{
    const agop__column *c = &t->column[j];
    int32_t            *v = agop__malloc(t->rows * points, sizeof *v);

    if (!v)
        return agop__fail_memory(&ctx->err, 4.0 * (double)(t->rows * points), "rows moved along a column");
    for (int64_t i = 0; i < t->rows * points; i++)
        v[i] = grid ? (int32_t)grid[i / t->rows] : agop__column_code(c, i % t->rows);
    return agop__table_take_text(to, name, v, &c->levels, &ctx->err);
}

/* How the cells of one field become those of the moved rows. */
typedef agop_status move_fn(agop_table *to, agop_ctx *ctx, const void *how, int64_t field, const agop_table *t,
                            int64_t j);

static agop_status move_rows(agop_table **out, agop_ctx *ctx, const agop_model *m, const agop_table *t, int64_t points,
                             move_fn *move, const void *how)
{
    agop_status st;

    TRY(agop__table_make(out, t->rows * points, &ctx->err));
    for (int64_t f = 0; f < m->schema.fields; f++) {
        int64_t j = agop__table_find(t, m->schema.field[f].name);
        if (j < 0) {
            st = agop__lost_column(&ctx->err, NULL, m->schema.field[f].name, &t->names);
            goto done;
        }
        TRY(move(*out, ctx, how, f, t, j));
    }
done:
    return st;
}

/* Answers for the moved rows: out is rows(t) x points. */
static agop_status ask_moved(agop_mat *out, agop_ctx *ctx, const agop_model *m, const agop_table *t, int64_t output,
                             move_fn *move, const void *how)
{
    int64_t     points = out->cols, width = agop__target_width(&m->target);
    double     *p     = agop__malloc(t->rows * points * width, sizeof *p), *to = out->data;
    agop_table *moved = NULL;
    agop_status st;

    if (!p)
        return agop__fail_memory(&ctx->err, 8.0 * (double)(t->rows * points * width), "predictions");
    TRY(move_rows(&moved, ctx, m, t, points, move, how));
    TRY(agop__predict_rows(p, NULL, ctx, m, moved));
    for (int64_t i = 0; to && i < t->rows; i++)
        for (int64_t k = 0; k < points; k++)
            to[i * out->ld + k] = p[(k * t->rows + i) * width + output];
done:
    agop_table_free(moved);
    free(p);
    return st;
}

static agop_status check_place(const agop_mat *out, const agop_table *t, int64_t points, agop__err *e)
{
    if (out->rows == t->rows && out->cols == points && out->ld >= points && out->dtype == AGOP_F64 &&
        (out->data || t->rows == 0))
        return AGOP_OK;
    return agop__fail(e, AGOP_E_SHAPE, "curves are %lld x %lld in double, the place for them %lld x %lld",
                      (long long)t->rows, (long long)points, (long long)out->rows, (long long)out->cols);
}

/* ---- along a column ---- */

typedef struct along_column {
    int64_t       column, points;
    const double *grid;
} along_column;

static agop_status set_column(agop_table *to, agop_ctx *ctx, const void *how, int64_t field, const agop_table *t,
                              int64_t j)
{
    const along_column *a    = how;
    const char         *name = t->names.text[j];

    return (t->column[j].is_text ? add_codes : add_numbers)(to, ctx, name, t, j, field == a->column ? a->grid : NULL,
                                                            a->points);
}

/* Levels of a column of texts are whole numbers that it has, or -1: missing. */
static int on_grid(const agop_model *m, const agop_table *t, int64_t column, const double *grid, int64_t points)
{
    int64_t j = agop__table_find(t, m->schema.field[column].name);

    for (int64_t p = 0; j >= 0 && t->column[j].is_text && p < points; p++)
        if (!(grid[p] >= -1 && grid[p] < (double)t->column[j].levels.count))
            return 0;
    return 1;
}

agop_status agop_partial(agop_mat *out, agop_ctx *ctx, const agop_model *m, const agop_table *t, int64_t column,
                         const double *grid, int64_t points, int64_t output)
{
    along_column how = {column, points, grid};
    agop_status  st  = AGOP_OK;

    if (!ctx)
        return AGOP_E_ARG;
    if (!out || !m || !t || !grid || points < 1 || column < 0 || column >= agop_model_columns(m) || output < 0 ||
        output >= agop__target_width(&m->target))
        return agop__fail(&ctx->err, AGOP_E_ARG, "a partial dependence needs a place for it, a model, a table, and a "
                          "column, a grid and an output that are there");
    TRY(check_place(out, t, points, &ctx->err));
    if (!on_grid(m, t, column, grid, points))
        return agop__fail(&ctx->err, AGOP_E_ARG, "the grid has a level that column '%.80s' has not",
                          m->schema.field[column].name);
    st = ask_moved(out, ctx, m, t, output, set_column, &how);
done:
    return st;
}

/* ---- along a direction ---- */

/* Keeps of a direction what it says of numeric columns and makes it of length 1, or all zero. */
static void keep_numbers(double *direction, const agop__schema *s)
{
    double square = 0;

    for (int64_t i = 0; i < s->fields; i++) {
        const agop__field *f    = &s->field[s->in_order[i]];
        int64_t            next = i + 1 < s->fields ? s->start[i + 1] : s->features;
        for (int64_t j = s->start[i]; j < next; j++) {
            if (f->is_text || f->constant || j > s->start[i]) /* behind a number comes "missing" */
                direction[j] = 0;
            square += direction[j] * direction[j];
        }
    }
    for (int64_t j = 0; j < s->features; j++)
        direction[j] = square > 0 ? direction[j] / sqrt(square) : 0;
}

/* v'u of every row, u in standard deviations from the mean; a missing cell is at the mean. */
static agop_status find_positions(double *position, agop_ctx *ctx, const agop__schema *s, const agop_table *t,
                                  const double *v)
{
    memset(position, 0, (size_t)t->rows * sizeof *position);
    for (int64_t i = 0; i < s->fields; i++) {
        const agop__field *f       = &s->field[s->in_order[i]];
        double             loading = v[s->start[i]];
        int64_t            j       = loading != 0 ? agop__table_find(t, f->name) : -1;
        if (loading == 0)
            continue;
        if (j < 0)
            return agop__lost_column(&ctx->err, NULL, f->name, &t->names);
        if (t->column[j].is_text)
            return agop__fail(&ctx->err, AGOP_E_DATA, "column '%.80s' holds text, but the model has numbers there",
                              f->name);
        for (int64_t row = 0; row < t->rows; row++) {
            double x = agop__table_at(t, row, j);
            position[row] += isnan(x) ? 0 : loading * (x - f->mean) / f->deviation;
        }
    }
    return AGOP_OK;
}

agop_status agop_along(double *position, double *direction, agop_ctx *ctx, const agop_model *m, const agop_table *t)
{
    if (!ctx)
        return AGOP_E_ARG;
    if (!direction || !m || (position && !t))
        return agop__fail(&ctx->err, AGOP_E_ARG, "positions along a direction need a direction, a model and a table");
    keep_numbers(direction, &m->schema);
    return position ? find_positions(position, ctx, &m->schema, t, direction) : AGOP_OK;
}

typedef struct along_direction {
    int64_t       points;
    const double *grid, *position;
    double       *step; /* by field: v in units of the column */
} along_direction;

/* u + (grid - v'u) v: the row moves along v to the place on the grid, and what is across stays. */
static agop_status shift_column(agop_table *to, agop_ctx *ctx, const void *how, int64_t field, const agop_table *t,
                                int64_t j)
{
    const along_direction *a = how;
    double                *x;

    if (t->column[j].is_text)
        return add_codes(to, ctx, t->names.text[j], t, j, NULL, a->points);
    x = agop__malloc(t->rows * a->points, sizeof *x);
    if (!x)
        return agop__fail_memory(&ctx->err, 8.0 * (double)(t->rows * a->points), "rows moved along a direction");
    for (int64_t i = 0; i < t->rows * a->points; i++)
        x[i] = agop__table_at(t, i % t->rows, j) +
               a->step[field] * (a->grid[i / t->rows] - a->position[i % t->rows]);
    return agop__table_take_number(to, t->names.text[j], x, &ctx->err);
}

agop_status agop_partial_along(agop_mat *out, agop_ctx *ctx, const agop_model *m, const agop_table *t,
                               const double *direction, const double *grid, int64_t points, int64_t output)
{
    const agop__schema *s = m ? &m->schema : NULL;
    double             *v = NULL, *position = NULL, *step = NULL;
    along_direction     how;
    agop_status         st = AGOP_OK;

    if (!ctx)
        return AGOP_E_ARG;
    if (!out || !m || !t || !direction || !grid || points < 1 || output < 0 ||
        output >= agop__target_width(&m->target))
        return agop__fail(&ctx->err, AGOP_E_ARG, "a partial dependence needs a place for it, a model, a table, and a "
                          "direction, a grid and an output that are there");
    TRY(check_place(out, t, points, &ctx->err));
    v        = agop__malloc(s->features, sizeof *v);
    position = agop__malloc(t->rows, sizeof *position);
    step     = agop__malloc(s->fields, sizeof *step);
    if (!v || !position || !step) {
        st = agop__fail_memory(&ctx->err, 8.0 * (double)(s->features + t->rows), "a direction");
        goto done;
    }
    memcpy(v, direction, (size_t)s->features * sizeof *v);
    TRY(agop_along(position, v, ctx, m, t));
    for (int64_t i = 0; i < s->fields; i++)
        step[s->in_order[i]] = v[s->start[i]] * s->field[s->in_order[i]].deviation;
    how = (along_direction){.points = points, .grid = grid, .position = position, .step = step};
    st  = ask_moved(out, ctx, m, t, output, shift_column, &how);
done:
    free(step);
    free(position);
    free(v);
    return st;
}
