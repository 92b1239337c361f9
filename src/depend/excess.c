/* excess.c - of sparse blocks: what features exceed those of zeros by, from the non-zeros alone. */
#include "base/memory.h"
#include "base/threads.h"
#include "depend/ids.h"

static int64_t variable_of(const agop__side *s, const agop__block *b, int64_t k)
{
    return s->unit[s->panel[b->panel].first + k].variable;
}

int64_t agop__block_cells(const agop__side *s, const agop__block *b)
{
    int64_t cells = 0;

    for (int64_t k = 0; k < b->variables; k++)
        cells += s->variable[variable_of(s, b, k)].cells->count;
    return cells;
}

/* ---- cells ---- */

typedef struct gathering {
    const agop__side     *s;
    const agop__block    *b;
    const agop__ids_plan *plan;
    int64_t               first;
    int32_t              *start, *row; /* as agop__cells has them */
    double               *x;
} gathering;

static void gather(void *user, int k)
{
    const gathering      *g  = user;
    const agop__variable *v  = &g->s->variable[variable_of(g->s, g->b, k)];
    int64_t               at = agop__nonzeros_from(v->cells, g->first), n = g->start[k + 1] - g->start[k];
    int32_t              *row = g->row + g->start[k];
    double               *x   = g->x + g->start[k];

    for (int64_t i = 0; i < n; i++) {
        row[i] = (int32_t)(v->cells->row[at + i] - g->first);
        x[i]   = (double)v->cells->value[at + i];
    }
    agop__scale_values(x, v, n, g->plan);
}

static agop_status put_row(agop__tile *out, agop_ctx *ctx, const void *v, int64_t n, int32_t dtype)
{
    agop_status st;

    TRY(op_alloc(ctx, out, 1, n, dtype));
    TRY(op_put(ctx, out, v, n, dtype));
done:
    return st;
}

static agop_status take_cells(agop__cells *out, agop_ctx *ctx, gathering *g, int64_t n)
{
    int64_t     variables = g->b->variables, cells = 0;
    agop_status st        = AGOP_E_NOMEM;

    g->start = agop__malloc(variables + 1, sizeof *g->start);
    for (int64_t k = 0; g->start && k <= variables; k++) {
        const agop__nonzeros *z = k < variables ? g->s->variable[variable_of(g->s, g->b, k)].cells : NULL;
        g->start[k]             = (int32_t)cells; /* so few rows are asked for that they are less than 2^31 */
        cells += z ? agop__nonzeros_from(z, g->first + n) - agop__nonzeros_from(z, g->first) : 0;
    }
    g->row = agop__malloc(cells, sizeof *g->row);
    g->x   = agop__malloc(cells, sizeof *g->x);
    if (!g->start || !g->row || !g->x)
        TRY(agop__fail_memory(&ctx->err, 12.0 * (double)cells, "non-zeros"));
    agop__parallel(ctx->threads, (int)variables, gather, g);
    TRY(put_row(&out->start, ctx, g->start, variables + 1, AGOP__I32));
    TRY(put_row(&out->row, ctx, g->row, cells, AGOP__I32));
    TRY(put_row(&out->x, ctx, g->x, cells, AGOP_F64));
done:
    free(g->start);
    free(g->row);
    free(g->x);
    return st;
}

/* ---- their terms ---- */

/* of[feature k units + u] of every panel to feature k variables + number of the block. */
static void take_feature(double *to, const agop__side *s, const agop__block *b, int zero)
{
    for (int64_t p = b->panel; p < b->panel + b->panels; p++) {
        const agop__panel *q    = &s->panel[p];
        const double      *from = zero ? q->zero : q->factor;
        for (int64_t k = 0; k < b->terms; k++)
            for (int64_t u = 0; u < q->units; u++)
                to[k * b->variables + q->first - s->panel[b->panel].first + u] = from[k * q->units + u];
    }
}

static agop_status take_terms(agop__excess *out, agop_ctx *ctx, const agop__side *s, const agop__block *b)
{
    int64_t     count = b->terms * b->variables;
    double     *host  = agop__malloc(count, sizeof *host);
    agop_status st    = AGOP_OK;

    if (!host)
        return agop__fail_memory(&ctx->err, 8.0 * (double)count, "features");
    for (int zero = 0; zero < 2; zero++) {
        agop__tile *to = zero ? &out->zero : &out->factor;
        take_feature(host, s, b, zero);
        TRY(op_alloc(ctx, to, count, 1, AGOP_F64));
        TRY(op_put(ctx, to, host, 1, AGOP_F64));
    }
done:
    free(host);
    return st;
}

agop_status agop__excess_open(agop__excess *out, agop_ctx *ctx, const agop__side *s, const agop__block *b,
                              int64_t first, int64_t n, const agop__ids_plan *plan)
{
    gathering   g = {.s = s, .b = b, .plan = plan, .first = first};
    agop_status st;

    *out       = (agop__excess){.terms = {.count = b->terms, .rate = plan->rate}};
    TRY(take_cells(&out->cells, ctx, &g, n));
    TRY(take_terms(out, ctx, s, b));
    out->terms.shift  = &out->zero;
    out->terms.factor = &out->factor;
done:
    if (st != AGOP_OK)
        agop__excess_close(out, ctx);
    return st;
}

void agop__excess_close(agop__excess *x, agop_ctx *ctx)
{
    op_release(ctx, &x->cells.start);
    op_release(ctx, &x->cells.row);
    op_release(ctx, &x->cells.x);
    op_release(ctx, &x->zero);
    op_release(ctx, &x->factor);
}

agop_status agop__block_sums(agop__tile *Z, agop_ctx *ctx, const agop__side *s, const agop__block *b)
{
    double     *sum = agop__malloc(Z->rows, sizeof *sum);
    int64_t     at  = 0;
    agop_status st;

    if (!sum)
        return agop__fail_memory(&ctx->err, 8.0 * (double)Z->rows, "sums");
    for (int64_t p = b->panel; p < b->panel + b->panels; p++)
        for (int64_t i = 0; i < b->terms * s->panel[p].units; i++)
            sum[at++] = (double)s->t->rows * (s->panel[p].shift[i] - s->panel[p].zero[i]) * s->panel[p].factor[i];
    st = op_put(ctx, Z, sum, 1, AGOP_F64);
    free(sum);
    return st;
}
