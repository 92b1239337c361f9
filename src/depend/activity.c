/* activity.c - how active programs are in each row. Every member is standardised, so that none speaks louder than the
 * others, and counts alike: see docs/ids.md for what else was tried. */
#include <math.h>

#include "base/memory.h"
#include "depend/programs.h"

typedef struct acting {
    const agop_programs *p;
    int64_t             *at;    /* where the variable of each number is */
    double              *value; /* of one member: rows */
} acting;

/* v becomes (v - mean) / deviation, what is missing 0; all 0 where it does not vary. */
static void standardise(double *v, int64_t n)
{
    double mean = 0, square = 0, present = 0;

    for (int64_t i = 0; i < n; i++)
        if (!isnan(v[i])) {
            present++;
            mean += (v[i] - mean) / present;
        }
    for (int64_t i = 0; i < n; i++) {
        v[i] = isnan(v[i]) ? 0 : v[i] - mean;
        square += v[i] * v[i];
    }
    for (int64_t i = 0; i < n && square > 0; i++)
        v[i] /= sqrt(square / present);
}

static void add_program(double *sum, const acting *a, const agop_program *g)
{
    const agop__side *side = &a->p->d->side[0];
    int64_t           n    = a->p->d->rows;

    for (int64_t i = 0; i < n; i++)
        sum[i] = 0;
    for (int64_t k = 0; k < g->members; k++) {
        agop__column_take(a->value, side->variable[a->at[g->member[k]]].column, 0, n);
        standardise(a->value, n);
        for (int64_t i = 0; i < n; i++)
            sum[i] += g->sign[k] * a->value[i];
    }
    standardise(sum, n);
}

/* ---- the most active one ---- */

#define LEAST_SHARE .02 /* of all members: smaller programs are about themselves, not about kinds of rows */

/* Does program k mark some rows? It has its share of the members, and few rows are high in it while many are a little
 * low: the skewness of its activity is above two standard errors. */
static int marks(const agop_programs *p, const agop_mat *v, int64_t k)
{
    double cubes = 0, all = 0, n = (double)v->rows;

    for (int64_t i = 0; i < p->count; i++)
        all += (double)p->program[i].members;
    for (int64_t i = 0; i < v->rows; i++)
        cubes += pow(((const double *)v->data)[i * v->ld + k], 3);
    return (double)p->program[k].members >= LEAST_SHARE * all && cubes / n > 2 * sqrt(6 / n);
}

static void find_most(int64_t *most, const agop_programs *p, const agop_mat *v)
{
    for (int64_t i = 0; i < v->rows; i++)
        most[i] = -1;
    for (int64_t k = 0; k < v->cols; k++) {
        if (!marks(p, v, k))
            continue;
        for (int64_t i = 0; i < v->rows; i++) {
            const double *row = (const double *)v->data + i * v->ld;
            if (row[k] > (most[i] < 0 ? 0 : row[most[i]]))
                most[i] = k;
        }
    }
}

agop_status agop_programs_activity(agop_mat *out, int64_t *most, agop_ctx *ctx, const agop_programs *p)
{
    int64_t     n = p->d->rows;
    acting      a = {.p = p, .at = agop__side_order(&p->d->side[0]), .value = agop__malloc(n, sizeof *a.value)};
    double     *sum = agop__malloc(n, sizeof *sum), started = agop__now();
    agop_status st = AGOP_OK;

    if (!a.at || !a.value || !sum) {
        st = agop__fail_memory(&ctx->err, 16.0 * (double)n, "activities");
        goto done;
    }
    if (out->rows != n || out->cols != p->count || out->dtype != AGOP_F64) {
        st = agop__fail(&ctx->err, AGOP_E_SHAPE, "activities are %lld x %lld numbers of 8 bytes", (long long)n,
                        (long long)p->count);
        goto done;
    }
    for (int64_t k = 0; k < p->count; k++) {
        if (agop__tell(ctx, "activity", k, p->count, started, NULL)) {
            st = agop__fail(&ctx->err, AGOP_E_STOPPED, "stopped before the activities were known");
            goto done;
        }
        add_program(sum, &a, &p->program[k]);
        for (int64_t i = 0; i < n; i++)
            ((double *)out->data)[i * out->ld + k] = sum[i];
    }
    if (most)
        find_most(most, p, out);
done:
    free(a.at);
    free(a.value);
    free(sum);
    return st;
}
