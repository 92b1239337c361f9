/* units.c - may an average be taken on matrix units? See gradient.h.
 *
 * A product of bf16 numbers is off by 2^-8 of each term, at random. An average over many rows forgives that, unless
 * the terms cancel: centres that pull a row to all sides may leave less than what rounding made of them. That cannot be
 * read off the sizes, so it is tried: the gradients of a few rows, both ways. Of many outputs two sums with random
 * signs are taken: the squares of their gradients, and of the errors of these, are on average those of all outputs.
 * With errors d of gradients g,
 *
 *   AGOP' - AGOP = mean of g d' + d g' + d d',    lost = mean |d|^2 / mean |g|^2
 *
 * By gradients every row meets the same rounded coordinates, so d may go along with g: 2 sqrt(lost) is the bound that
 * holds. The Gram route rounds weights alone, each for itself, so that over m rows the first two average out, and
 * lost + 2 sqrt(lost / m) is what remains; the trial, which rounds coordinates too, is on the safe side there. */
#include <string.h>

#include "base/memory.h"
#include "base/rng.h"
#include "kernel/gradient.h"

enum { SLICES = 4, SLICE_ROWS = 16, SUMS = 2 };
/* With fewer coordinates there is as much to round as to multiply, and centres do crowd; with fewer sums for each pair
 * its distance is what takes the time; with fewer rows the trial does. docs/adr/0017 has the figures. */
enum { FEWEST_COORDINATES = 64, FEWEST_SUMS = 500, FEWEST_ROWS = 4000 };
/* So that an AGOP is off by 2 % of its trace at most, and by less than 1 %. */
#define MOST_LOST_GRADIENTS 1e-4
#define MOST_LOST_GRAM      5e-3

/* Over the rows that are tried: squared lengths of gradients and of the difference that bf16 makes, and their sums. */
typedef struct trial {
    double  size, lost;
    double *host, *host16, *sum;
} trial;

/* alpha, or two sums of its columns with random signs. */
static agop_status few_outputs(agop__tile *out, const agop__average *a)
{
    agop_ctx   *ctx = a->map->ctx;
    int64_t     n = a->alpha->rows, c = a->alpha->cols, few = c < SUMS ? c : SUMS;
    double     *alpha = agop__malloc(n * c, sizeof *alpha), *sums = agop__calloc(n * few, sizeof *sums);
    agop__rng   rng;
    agop_status st;

    if (!alpha || !sums) {
        st = agop__fail_memory(&ctx->err, 8.0 * (double)(n * c), "coefficients");
        goto done;
    }
    agop__rng_seed(&rng, 0, 0);
    TRY(op_alloc(ctx, out, n, few, a->alpha->dtype));
    TRY(op_get(ctx, alpha, c, AGOP_F64, a->alpha));
    for (int64_t s = 0; s < few; s++)
        for (int64_t o = 0; o < c; o++) {
            double sign = c <= SUMS ? s == o : agop__rng_uniform(&rng) < .5 ? -1 : 1;
            for (int64_t i = 0; i < n; i++)
                sums[i * few + s] += sign * alpha[i * c + o];
        }
    TRY(op_put(ctx, out, sums, few, AGOP_F64));
done:
    free(sums);
    free(alpha);
    return st;
}

static agop_status try_slice(trial *t, const agop__average *a, const agop__tile *alpha, int64_t first, agop__tile *G)
{
    agop_ctx    *ctx = a->map->ctx;
    agop__kernel k   = a->map->kernel;
    agop__points x   = agop__points_rows(a->x, ctx, first, G->rows);
    agop_status  st;

    TRY(op_gradient(ctx, G, &k, &x, a->z, alpha));
    TRY(op_get(ctx, t->host, G->cols, AGOP_F64, G));
    k.bf16 = 1;
    TRY(op_gradient(ctx, G, &k, &x, a->z, alpha));
    TRY(op_get(ctx, t->host16, G->cols, AGOP_F64, G));
    for (int64_t i = 0; i < G->rows * G->cols; i++) {
        double off = t->host16[i] - t->host[i];
        t->size += t->host[i] * t->host[i];
        t->lost += off * off;
        t->sum[i % G->cols] += t->host[i];
    }
done:
    return st;
}

static agop_status accuracy_lost(double *out, const agop__average *a, int64_t e)
{
    agop_ctx   *ctx  = a->map->ctx;
    int64_t     rows = a->x->u.rows, count = rows < SLICE_ROWS ? rows : SLICE_ROWS;
    int64_t     wide = e * (a->alpha->cols < SUMS ? a->alpha->cols : SUMS);
    trial       t    = {.host = agop__malloc(count * wide, sizeof *t.host), .sum = agop__calloc(wide, sizeof *t.sum),
                        .host16 = agop__malloc(count * wide, sizeof *t.host16)};
    agop__tile  G = {0}, alpha = {0};
    agop_status st = AGOP_OK;

    if (!t.host || !t.host16 || !t.sum) {
        st = agop__fail_memory(&ctx->err, 16.0 * (double)(count * wide), "gradients");
        goto done;
    }
    TRY(few_outputs(&alpha, a));
    TRY(op_alloc(ctx, &G, count, wide, a->map->dtype));
    for (int64_t s = 0; s < SLICES; s++)
        TRY(try_slice(&t, a, &alpha, (rows - count) * s / (SLICES - 1), &G));
    for (int64_t i = 0; i < wide && a->centre; i++) /* what is left of them without their mean */
        t.size -= t.sum[i] * t.sum[i] / (double)(SLICES * count);
    *out = t.lost / t.size;
done:
    op_release(ctx, &alpha);
    op_release(ctx, &G);
    free(t.host);
    free(t.host16);
    free(t.sum);
    return st;
}

static int may_pay(const agop__average *a, int64_t e)
{
    if (a->memory > 0 && (double)agop__held_bytes() + AGOP__UNITS_BYTES > (double)a->memory)
        return 0;
    return e >= FEWEST_COORDINATES && e * a->alpha->cols >= FEWEST_SUMS && a->x->u.rows >= FEWEST_ROWS;
}

agop_status agop__units_begin(agop__average *a, int64_t e)
{
    agop_ctx   *ctx   = a->map->ctx;
    int         asked = a->units == AGOP__UNITS_ON, may = a->map->dtype == AGOP_F32 && a->map->kernel.kind == AGOP__L2;
    agop_status st    = AGOP_OK;

    if (a->units == AGOP__UNITS_OFF || !may || (!asked && !may_pay(a, e))) {
        a->units = AGOP__UNITS_OFF;
        return AGOP_OK;
    }
    st       = op_units(ctx);
    a->units = AGOP__UNITS_ON;
    if (st == AGOP_E_UNSUPPORTED && !asked) { /* then it is simply not there, and nothing failed */
        memset(&ctx->err, 0, sizeof ctx->err);
        a->units = AGOP__UNITS_OFF;
        st       = AGOP_OK;
    }
    return st;
}

agop_status agop__units_try(agop__average *a, int64_t e)
{
    double      lost = 0, most = a->route == AGOP__ROUTE_GRAM ? MOST_LOST_GRAM : MOST_LOST_GRADIENTS;
    agop_status st;

    TRY(accuracy_lost(&lost, a, e));
    if (!(lost <= most)) /* nor where it is NaN */
        a->units = AGOP__UNITS_OFF;
done:
    return st;
}
