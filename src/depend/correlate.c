/* correlate.c - Pearson's and Spearman's correlations of all pairs of columns without missing cells: every column, or
 * its ranks, once of mean 0 and deviation 1, and then mean products of blocks of columns as products of matrices. */
#include <math.h>
#include <stdatomic.h>

#include "base/memory.h"
#include "base/threads.h"
#include "depend/classical.h"
#include "depend/finished.h"

enum { MOST = 1024, PANEL = 128 }; /* columns of a block; those that are multiplied at a time */
#define BLOCK_BYTES 128e6
#define STAGE_BYTES 8e6 /* columns on their way to a block */

typedef struct correlating {
    agop_ids   *d;
    agop_ctx   *ctx;
    int64_t    *whole[2], count[2], most; /* where such variables are, of either side; in a block */
    agop__tile  block[2], product;
    int64_t     held[2];               /* which blocks they are; -1: none */
    double     *stage, *size, *log10p; /* stage: columns; the others: PANEL x most */
    int64_t     staged;
    int         side; /* what is staged: columns `first` .. of a side */
    int64_t     first, width;
    atomic_int  failed;
    agop__batch batch;
    double     *done, total, started;
} correlating;

int agop__is_whole(const agop_ids *d, const agop__variable *v)
{
    return agop__is_correlation(d->plan.measure) && d->rows >= AGOP__FEWEST_ROWS && !v->missing;
}

static const agop__side *side_of(const correlating *c, int which)
{
    return &c->d->side[c->d->self ? 0 : which];
}

static const agop__variable *variable_at(const correlating *c, int which, int64_t k)
{
    return &side_of(c, which)->variable[c->whole[which][k]];
}

/* ---- blocks of columns ---- */

static void stage_column(void *user, int i)
{
    correlating *c = user;
    double      *v = c->stage + i * c->d->rows;
    agop__err    e;

    agop__column_take(v, variable_at(c, c->side, c->first + i)->column, 0, c->d->rows);
    if (agop__standard_column(v, v, c->d->rows, c->d->plan.measure == AGOP__SPEARMAN, &e) != AGOP_OK)
        atomic_store(&c->failed, 1);
}

static int64_t width_of(const correlating *c, int which, int64_t block)
{
    int64_t left = c->count[which] - block * c->most;

    return left < c->most ? left : c->most;
}

static agop_status fill_block(correlating *c, int which, int64_t block)
{
    int64_t     width = width_of(c, which, block), n = c->d->rows;
    agop_status st = AGOP_OK;

    if (c->held[which] == block)
        return AGOP_OK;
    c->held[which] = -1;
    c->side        = which;
    for (int64_t i = 0; i < width; i += c->staged) {
        int64_t    some = width - i < c->staged ? width - i : c->staged;
        agop__tile rows = op_rows(c->ctx, &c->block[which], i, some);
        c->first        = block * c->most + i;
        agop__parallel(c->ctx->threads, (int)some, stage_column, c);
        if (atomic_load(&c->failed))
            return agop__fail_memory(&c->ctx->err, 32.0 * (double)n, "ranks");
        TRY(op_put(c->ctx, &rows, c->stage, n, AGOP_F64));
    }
    c->held[which] = block;
done:
    return st;
}

/* ---- products ---- */

static void test_row(void *user, int i)
{
    correlating *c = user;

    for (int64_t j = 0; j < c->width; j++)
        c->log10p[i * c->most + j] = agop__correlation_log10p(c->size[i * c->most + j], c->d->rows);
}

/* Columns p .. of the left block, `rows` of them, with all of the right one; of a block with itself with those from
 * each on. */
static agop_status tell_panel(correlating *c, int64_t i, int64_t j, int64_t p, int64_t rows, int same)
{
    agop_status st = AGOP_OK;

    for (int64_t a = 0; a < rows; a++)
        for (int64_t b = 0; b < c->width; b++)
            c->size[a * c->most + b] = fmin(1, fabs(c->size[a * c->most + b]));
    if (c->d->plan.tested)
        agop__parallel(c->ctx->threads, (int)rows, test_row, c);
    for (int64_t a = 0; a < rows; a++)
        for (int64_t b = same ? a : 0; b < c->width; b++) {
            int64_t left   = variable_at(c, 0, i * c->most + p + a)->number;
            int64_t right  = variable_at(c, 1, j * c->most + (same ? p : 0) + b)->number;
            double  log10p = c->d->plan.tested && !(same && a == b) ? c->log10p[a * c->most + b] : (double)NAN;
            TRY(agop__batch_add(&c->batch, left, right, c->size[a * c->most + b], log10p));
        }
done:
    return st;
}

/* Of a block with itself each panel meets the columns from its own first one on. */
static agop_status multiply_blocks(correlating *c, int64_t i, int64_t j, int same)
{
    const agop__tile *right = &c->block[same ? 0 : 1];
    int64_t           high = width_of(c, 0, i), wide = width_of(c, 1, j);
    agop_status       st;

    TRY(fill_block(c, 0, i));
    if (!same)
        TRY(fill_block(c, 1, j));
    for (int64_t p = 0; p < high; p += PANEL) {
        int64_t    rows = high - p < PANEL ? high - p : PANEL, from = same ? p : 0;
        agop__tile A = op_rows(c->ctx, &c->block[0], p, rows), B = op_rows(c->ctx, right, from, wide - from);
        agop__tile G = op_rows(c->ctx, &c->product, 0, rows);
        c->width     = wide - from;
        G            = op_cols(c->ctx, &G, 0, c->width);
        TRY(agop__tell_scored(c->ctx, *c->done, c->total, c->started));
        TRY(op_gemm(c->ctx, 0, 1, 1 / (double)c->d->rows, &A, &B, 0, &G));
        TRY(op_get(c->ctx, c->size, c->most, AGOP_F64, &G));
        TRY(tell_panel(c, i, j, p, rows, same));
        *c->done += (double)rows * ((double)c->width - (same ? .5 * (double)rows : 0));
    }
done:
    return st;
}

/* ---- room ---- */

static agop_status open_correlating(correlating *c)
{
    int64_t     n = c->d->rows, fit, longest;
    agop_status st = AGOP_OK;

    for (int which = 0; which < 2; which++) {
        const agop__side *s = side_of(c, which);
        c->whole[which]     = agop__malloc(s->variables, sizeof *c->whole[which]);
        if (!c->whole[which])
            return agop__fail_memory(&c->ctx->err, 8.0 * (double)s->variables, "the variables");
        for (int64_t k = 0; k < s->variables; k++)
            if (agop__is_whole(c->d, &s->variable[k]))
                c->whole[which][c->count[which]++] = k;
    }
    if (c->count[0] == 0 || c->count[1] == 0)
        return AGOP_OK;
    fit       = (int64_t)(BLOCK_BYTES / 8 / (double)n);
    longest   = c->count[0] > c->count[1] ? c->count[0] : c->count[1];
    c->most   = fit < 1 ? 1 : fit < MOST ? fit : MOST;
    c->most   = c->most < longest ? c->most : longest;
    c->staged = 1 + (int64_t)(STAGE_BYTES / 8 / (double)n);
    c->staged = c->staged < c->most ? c->staged : c->most;
    c->stage  = agop__malloc(c->staged * n, sizeof *c->stage);
    c->size   = agop__malloc(PANEL * c->most, sizeof *c->size);
    c->log10p = agop__malloc(PANEL * c->most, sizeof *c->log10p);
    if (!c->stage || !c->size || !c->log10p)
        return agop__fail_memory(&c->ctx->err, 8.0 * (double)(c->staged * n), "columns");
    TRY(op_alloc(c->ctx, &c->block[0], c->most, n, AGOP_F64));
    if (!c->d->self || c->count[0] > c->most)
        TRY(op_alloc(c->ctx, &c->block[1], c->most, n, AGOP_F64));
    TRY(op_alloc(c->ctx, &c->product, PANEL, c->most, AGOP_F64));
done:
    return st;
}

static void close_correlating(correlating *c)
{
    for (int which = 0; which < 2; which++) {
        op_release(c->ctx, &c->block[which]);
        free(c->whole[which]);
    }
    op_release(c->ctx, &c->product);
    agop__batch_free(&c->batch);
    free(c->stage);
    free(c->size);
    free(c->log10p);
}

agop_status agop__correlate_whole(agop_ids *d, agop_ctx *ctx, uint64_t number, double *done, double total,
                                  double started)
{
    correlating c = {.d       = d,
                     .ctx     = ctx,
                     .held    = {-1, -1},
                     .batch   = {.d = d, .e = &ctx->err},
                     .done    = done,
                     .total   = total,
                     .started = started};
    int         there;
    agop_status st;

    TRY(open_correlating(&c));
    for (int64_t i = 0; i * c.most < c.count[0] && c.most > 0; i++)
        for (int64_t j = d->self ? i : 0; j * c.most < c.count[1]; j++) {
            TRY(agop__batch_begin(&there, &c.batch, number++));
            if (there) {
                *done += (double)width_of(&c, 0, i) * (double)width_of(&c, 1, j) / (d->self && i == j ? 2 : 1);
                continue;
            }
            TRY(multiply_blocks(&c, i, j, d->self && i == j));
            agop__batch_end(&c.batch);
        }
done:
    close_correlating(&c);
    return st;
}
