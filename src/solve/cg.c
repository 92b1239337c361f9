/* cg.c - preconditioned conjugate gradients, every output with its own recurrence and all of them sharing the products
 * with K; see cg.h.
 *
 * In single precision a product with K is good to about 1e-5 of the right side. So they run in cycles: each lowers the
 * residual by 1e-5 at most, and between cycles it is computed anew in double. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "solve/cg.h"

enum {
    ROUGH_ROWS = 2000, /* from which on the cost of a factorisation is above that of the few steps of a rough solve */
    CLOSE_ROWS = 8000, /* the same for the many of a close one */
    MOST_STEPS = 2000, CYCLES = 6, LEAST_RANK = 256, RANK = 1000, FREE_RANK = 2000,
    ROWS_PER_STEP = 80, /* a factorisation takes as long as n / 80 steps with a matrix that is kept */
    LOOK_AT = 20 /* steps that tell how many more there will be */
};
#define ONE_CYCLE_SINGLE 1e-5
#define ONE_CYCLE_DOUBLE 1e-10

typedef struct search {
    agop__system        *s;
    agop__solution      *out;
    double               ridge;
    agop__preconditioner pre;
    agop__tile           in, product;    /* n x c */
    double              *r, *z, *p, *q;  /* n x c */
    double              *size, *rz, *dot; /* c: |Y|^2, r'z, room for sums */
    double               aim;      /* residual at the end */
    int64_t              patience; /* steps that are less work than the direct way; 0: there is none */
    double               began;
} search;

/* ---- which way ---- */

static int matrix_fits(const agop__system *s)
{
    return s->K.mem || (double)agop__held_bytes() + agop__system_bytes(s->n, s->dtype) <= (double)s->memory;
}

int agop__cg_wanted(const agop__system *s, const agop__solution *out, int check)
{
    if (s->solver != AGOP__SOLVER_AUTO)
        return s->solver == AGOP__SOLVER_CG;
    if (out->loo || check == AGOP__UNCHECKED)
        return 0;
    return s->n >= (check == AGOP__ROUGHLY ? ROUGH_ROWS : CLOSE_ROWS) || !matrix_fits(s);
}

/* ---- one cycle ---- */

/* out[o] = a_o . b_o */
static void dots(double *out, const search *g, const double *a, const double *b)
{
    int64_t c = g->s->c;

    memset(out, 0, (size_t)c * sizeof *out);
    for (int64_t i = 0; i < g->s->n; i++)
        for (int64_t o = 0; o < c; o++)
            out[o] += a[i * c + o] * b[i * c + o];
}

/* Worst |r_o| / |Y_o|. */
static double share(const search *g)
{
    double worst = 0;

    dots(g->dot, g, g->r, g->r);
    for (int64_t o = 0; o < g->s->c; o++) {
        double one = sqrt(g->size[o] > 0 ? g->dot[o] / g->size[o] : g->dot[o]);
        if (!(one <= worst)) /* NaN counts as worst */
            worst = one;
    }
    return worst;
}

/* q = (K + ridge W^-1) v */
static agop_status multiply(search *g, const double *v)
{
    agop__system *s = g->s;
    agop_status   st;

    TRY(op_put(s->ctx, &g->in, v, s->c, AGOP_F64));
    TRY(op_kernel_symm(s->ctx, &g->product, &s->map.kernel, &s->points, s->K.mem ? &s->K : NULL, &g->in));
    TRY(op_get(s->ctx, g->q, s->c, AGOP_F64, &g->product));
    for (int64_t i = 0; i < s->n * s->c; i++)
        g->q[i] += g->ridge / (s->weight ? s->weight[i / s->c] : 1) * v[i];
done:
    return st;
}

/* z = P^-1 r; the next direction p = z + (r'z new / old) p */
static agop_status next_direction(search *g, int first)
{
    int64_t     c = g->s->c;
    agop_status st;

    TRY(agop__precondition_apply(g->z, &g->pre, g->r, c));
    dots(g->dot, g, g->r, g->z);
    for (int64_t o = 0; o < c; o++) {
        double old = g->rz[o];
        g->rz[o]   = g->dot[o];
        g->dot[o]  = first || !(old > 0) ? 0 : g->dot[o] / old;
    }
    for (int64_t i = 0; i < g->s->n; i++)
        for (int64_t o = 0; o < c; o++)
            g->p[i * c + o] = g->z[i * c + o] + (g->dot[o] != 0 ? g->dot[o] * g->p[i * c + o] : 0);
done:
    return st;
}

static int tell(const search *g, double now)
{
    char detail[64];
    (void)snprintf(detail, sizeof detail, "step %lld: residual %.1e", (long long)g->out->steps, now);
    return agop__tell(g->s->ctx, "solve", 0, 0, g->began, detail);
}

/* Will the direct way be faster? By the steps so far: as many more for every factor that is still to go. */
static int too_slow(const search *g, double reached)
{
    double all = g->aim < reached ? (double)g->out->steps * log(g->aim) / log(reached) : (double)g->out->steps;

    return g->patience > 0 && g->out->steps >= LOOK_AT &&
           (g->out->steps >= g->patience || !(reached < .5) || all > 2 * (double)g->patience);
}

/* From r on, until its share of Y is `goal` or all steps are taken; alpha and r are moved along, *reached says where r
 * came to. */
static agop_status cycle(search *g, double goal, double *reached)
{
    int64_t     c = g->s->c;
    agop_status st = AGOP_OK;

    *reached = share(g);
    for (int first = 1; *reached > goal && g->out->steps < MOST_STEPS && !too_slow(g, *reached); first = 0) {
        TRY(next_direction(g, first));
        TRY(multiply(g, g->p));
        dots(g->dot, g, g->p, g->q);
        for (int64_t o = 0; o < c; o++)
            g->dot[o] = g->dot[o] > 0 ? g->rz[o] / g->dot[o] : 0; /* 0: this output is solved already */
        for (int64_t i = 0; i < g->s->n; i++)
            for (int64_t o = 0; o < c; o++) {
                g->out->alpha[i * c + o] += g->dot[o] * g->p[i * c + o];
                g->r[i * c + o] -= g->dot[o] * g->q[i * c + o];
            }
        g->out->steps++;
        *reached = share(g);
        if (tell(g, *reached)) {
            st = agop__fail(&g->s->ctx->err, AGOP_E_STOPPED, "stopped during the solve");
            goto done;
        }
        if (isnan(*reached))
            break;
    }
done:
    return st;
}

/* ---- cycles ---- */

/* Beginning with alpha = 0, or the guess if it is better than that. */
static agop_status begin(search *g)
{
    int64_t     size = g->s->n * g->s->c;
    agop_status st   = AGOP_OK;

    dots(g->size, g, g->s->Y, g->s->Y);
    if (g->out->warm) {
        TRY(multiply(g, g->out->alpha));
        for (int64_t i = 0; i < size; i++)
            g->r[i] = g->s->Y[i] - g->q[i];
        if (share(g) < 1)
            goto done;
    }
    memset(g->out->alpha, 0, (size_t)size * sizeof *g->out->alpha);
    memcpy(g->r, g->s->Y, (size_t)size * sizeof *g->r);
done:
    return st;
}

static agop_status run_cycles(search *g, int check)
{
    double      least = g->s->dtype == AGOP_F32 ? ONE_CYCLE_SINGLE : ONE_CYCLE_DOUBLE, now, before = INFINITY;
    agop_status st;

    TRY(begin(g));
    g->aim = check == AGOP__ROUGHLY ? AGOP__SOLVE_ROUGH / 2 : g->s->tolerance / 2;
    if (check == AGOP__ROUGHLY) {
        st = cycle(g, g->aim, &g->out->residual);
        goto done;
    }
    for (int k = 0; k < CYCLES; k++) {
        now = share(g);
        TRY(cycle(g, fmax(now * least, g->aim), &now));
        if (too_slow(g, now)) {
            g->out->residual = now;
            break;
        }
        TRY(agop__residual(g->r, &g->out->residual, g->s, g->ridge, g->out->alpha, AGOP_F64));
        g->out->refinements = k;
        if (!(g->out->residual > g->s->tolerance) || !(g->out->residual < .5 * before) ||
            g->out->steps >= MOST_STEPS)
            break;
        before = g->out->residual;
    }
done:
    return st;
}

/* Columns of the preconditioner: enough that most eigenvalues above the tail's are met, and its making, n rank^2, is no
 * more work than the steps that it saves. A third of the memory left is for it: its columns, twice over while the last
 * ones are scaled and read. */
static int64_t choose_rank(const search *g, int check)
{
    const agop__system *s    = g->s;
    double              free = (double)s->memory - (double)agop__held_bytes();
    double              room = free / 3 / ((double)s->n * (s->dtype == AGOP_F32 ? 4 : 8));
    int64_t             most = g->out->matrix_free ? FREE_RANK : check == AGOP__ROUGHLY ? RANK / 2 : RANK;
    int64_t             rank = s->n / 10;

    rank = rank < most ? rank : most;
    rank = (double)rank < room ? rank : (int64_t)room;
    return rank > LEAST_RANK ? rank : LEAST_RANK;
}

static agop_status open_search(search *g, int check)
{
    agop__system *s    = g->s;
    int64_t       size = s->n * s->c;
    int           free_of_matrix = !matrix_fits(s);
    double        started = agop__now();
    agop_status   st;

    g->began = started;
    g->out->matrix_free = free_of_matrix;
    g->r    = agop__malloc(4 * size, sizeof *g->r);
    g->size = agop__malloc(3 * s->c, sizeof *g->size);
    if (!g->r || !g->size)
        return agop__fail_memory(&s->ctx->err, 32.0 * (double)size, "conjugate gradients");
    g->z   = g->r + size;
    g->p   = g->z + size;
    g->q   = g->p + size;
    g->rz  = g->size + s->c;
    g->dot = g->rz + s->c;
    TRY(op_alloc(s->ctx, &g->in, s->n, s->c, s->dtype));
    TRY(op_alloc(s->ctx, &g->product, s->n, s->c, s->dtype));
    if (!free_of_matrix) {
        if (!s->K.mem)
            TRY(op_alloc(s->ctx, &s->K, s->n, s->n, s->dtype));
        TRY(op_kernel_lower(s->ctx, &s->K, &s->map.kernel, &s->points));
        s->values = 1;
        g->out->seconds_kernel += agop__now() - started;
    }
    TRY(agop__precondition(&g->pre, s, g->ridge, choose_rank(g, check)));
    g->out->rank = g->pre.rank;
done:
    return st;
}

agop_status agop__cg(agop__solution *out, agop__system *s, double ridge, int check, int *slow)
{
    search      g = {.s = s, .out = out, .ridge = ridge};
    double      started = agop__now(), kernel = out->seconds_kernel;
    double      enough = check == AGOP__ROUGHLY ? AGOP__SOLVE_ROUGH : fmax(AGOP__SOLVE_GOOD, s->tolerance);
    agop_status st;

    *slow            = 0;
    out->steps       = 0;
    out->refinements = 0;
    out->residual    = -1;
    TRY(open_search(&g, check));
    if (s->solver == AGOP__SOLVER_AUTO && !out->matrix_free)
        g.patience = s->n / ROWS_PER_STEP > LOOK_AT ? s->n / ROWS_PER_STEP : LOOK_AT;
    TRY(run_cycles(&g, check));
    if (out->residual <= enough)
        goto done;
    *slow = s->solver == AGOP__SOLVER_AUTO && !out->matrix_free;
    st    = agop__fail(&s->ctx->err, AGOP_E_NUMERIC,
                       "%lld steps of conjugate gradients lower the residual only to %.1e: raise ridge (now %g)",
                       (long long)out->steps, out->residual, ridge);
done:
    out->seconds_solve += agop__now() - started - (out->seconds_kernel - kernel);
    agop__precondition_free(&g.pre);
    op_release(s->ctx, &g.product);
    op_release(s->ctx, &g.in);
    free(g.size);
    free(g.r);
    return st;
}
