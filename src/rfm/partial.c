/* partial.c - agop_partial: what is predicted for rows whose value in one column is another.
 *
 * All rows stand once below each other for each value of the grid, in one table, which is predicted as any other. */
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

static agop_status move_rows(agop_table **out, agop_ctx *ctx, const agop_model *m, const agop_table *t, int64_t column,
                             const double *grid, int64_t points)
{
    agop_status st;

    TRY(agop__table_make(out, t->rows * points, &ctx->err));
    for (int64_t f = 0; f < m->schema.fields; f++) {
        const char   *name = m->schema.field[f].name;
        int64_t       j    = agop__table_find(t, name);
        const double *own  = f == column ? grid : NULL;
        if (j < 0) {
            st = agop__lost_column(&ctx->err, NULL, name, &t->names);
            goto done;
        }
        TRY(t->column[j].is_text ? add_codes(*out, ctx, name, t, j, own, points)
                                 : add_numbers(*out, ctx, name, t, j, own, points));
    }
done:
    return st;
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
    agop_table *moved = NULL;
    double     *p     = NULL, *to;
    int64_t     width;
    agop_status st = AGOP_OK;

    if (!ctx)
        return AGOP_E_ARG;
    if (!out || !m || !t || !grid || points < 1 || column < 0 || column >= agop_model_columns(m) || output < 0 ||
        output >= agop__target_width(&m->target))
        return agop__fail(&ctx->err, AGOP_E_ARG, "a partial dependence needs a place for it, a model, a table, and a "
                          "column, a grid and an output that are there");
    if (out->rows != t->rows || out->cols != points || out->ld < points || out->dtype != AGOP_F64 ||
        (!out->data && t->rows > 0))
        return agop__fail(&ctx->err, AGOP_E_SHAPE, "curves are %lld x %lld in double, the place for them %lld x %lld",
                          (long long)t->rows, (long long)points, (long long)out->rows, (long long)out->cols);
    if (!on_grid(m, t, column, grid, points))
        return agop__fail(&ctx->err, AGOP_E_ARG, "the grid has a level that column '%.80s' has not",
                          m->schema.field[column].name);
    width = agop__target_width(&m->target);
    p     = agop__malloc(t->rows * points * width, sizeof *p);
    if (!p)
        return agop__fail_memory(&ctx->err, 8.0 * (double)(t->rows * points * width), "predictions");
    TRY(move_rows(&moved, ctx, m, t, column, grid, points));
    TRY(agop__predict_rows(p, NULL, ctx, m, moved));
    to = out->data;
    for (int64_t i = 0; to && i < t->rows; i++)
        for (int64_t k = 0; k < points; k++)
            to[i * out->ld + k] = p[(k * t->rows + i) * width + output];
done:
    agop_table_free(moved);
    free(p);
    return st;
}
