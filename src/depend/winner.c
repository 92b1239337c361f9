/* winner.c - of one pair the features whose correlation is the largest, in double and in two passes, and these as
 * functions of cells: what a score has found. */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "depend/ids.h"

/* Features of both variables over the rows that both have. */
typedef struct moments {
    const agop__ids_plan *plan;
    const double         *value[2]; /* scaled */
    int64_t               n;
    double                mean[2][AGOP__TERMS_MOST], square[2][AGOP__TERMS_MOST]; /* square: sums, about the mean */
    double                product[AGOP__TERMS_MOST][AGOP__TERMS_MOST];
} moments;

void agop__features_at(double *to, double x, const agop__ids_plan *plan)
{
    to[0] = exp(-plan->rate * x * x);
    for (int32_t k = 1; k < plan->terms; k++)
        to[k] = to[k - 1] * x / sqrt((double)k);
}

/* About the first row: of what does not vary the mean is exact. */
static void find_means(moments *m)
{
    double first[AGOP__TERMS_MOST], phi[AGOP__TERMS_MOST], sum[AGOP__TERMS_MOST];

    for (int side = 0; side < 2 && m->n > 0; side++) {
        memset(sum, 0, sizeof sum);
        agop__features_at(first, m->value[side][0], m->plan);
        for (int64_t i = 0; i < m->n; i++) {
            agop__features_at(phi, m->value[side][i], m->plan);
            for (int32_t k = 0; k < m->plan->terms; k++)
                sum[k] += phi[k] - first[k];
        }
        for (int32_t k = 0; k < m->plan->terms; k++)
            m->mean[side][k] = first[k] + sum[k] / (double)m->n;
    }
}

static void find_products(moments *m)
{
    const int32_t K = m->plan->terms;
    double        phi[2][AGOP__TERMS_MOST];

    for (int64_t i = 0; i < m->n; i++) {
        for (int side = 0; side < 2; side++) {
            agop__features_at(phi[side], m->value[side][i], m->plan);
            for (int32_t k = 0; k < K; k++) {
                phi[side][k] -= m->mean[side][k];
                m->square[side][k] += phi[side][k] * phi[side][k];
            }
        }
        for (int32_t k = 0; k < K; k++)
            for (int32_t l = 0; l < K; l++)
                m->product[k][l] += phi[0][k] * phi[1][l];
    }
}

static double length_of(const moments *m, int side, int32_t k)
{
    double length = sqrt(m->square[side][k]);

    return length > AGOP__LEAST_LENGTH ? length : 0;
}

static void choose(agop_winner *out, const moments *m)
{
    for (int32_t k = 0; k < m->plan->terms; k++)
        for (int32_t l = 0; l < m->plan->terms; l++) {
            double lengths = length_of(m, 0, k) * length_of(m, 1, l);
            double r       = lengths > 0 ? fmax(-1, fmin(1, m->product[k][l] / lengths)) : 0;
            if (fabs(r) > fabs(out->r)) {
                out->k = k;
                out->l = l;
                out->r = r;
            }
        }
    out->mean_a      = m->mean[0][out->k];
    out->mean_b      = m->mean[1][out->l];
    out->deviation_a = length_of(m, 0, out->k) / sqrt(fmax(1, (double)m->n));
    out->deviation_b = length_of(m, 1, out->l) / sqrt(fmax(1, (double)m->n));
}

/* Variable `number` of a side; NULL: there is none. */
static const agop__variable *variable_at(const agop_ids *d, int side, int64_t number)
{
    const agop__side *s = &d->side[d->self ? 0 : side];

    for (int64_t k = 0; k < s->variables; k++)
        if (s->variable[k].number == number)
            return &s->variable[k];
    return NULL;
}

static agop_status check_variable(const agop_ids *d, int side, int64_t number, agop__err *e)
{
    const agop__variable *v = variable_at(d, side, number);

    if (!v)
        return agop__fail(e, AGOP_E_PARAM, "there is no variable %lld: count from 0 to %lld", (long long)number,
                          (long long)agop_ids_variables(d, side) - 1);
    if (v->field->is_text)
        return agop__fail(e, AGOP_E_PARAM, "column '%.60s' is a category, of which no function wins", v->field->name);
    return AGOP_OK;
}

agop_status agop_ids_winner(agop_winner *out, agop_ctx *ctx, const agop_ids *d, int64_t a, int64_t b)
{
    moments     m    = {.plan = &d->plan};
    double     *both = NULL;
    agop_status st;

    *out = (agop_winner){.a = a, .b = b};
    if (d->plan.measure != AGOP__IDS)
        return agop__fail(&ctx->err, AGOP_E_PARAM, "only scores of the measure ids are those of functions");
    TRY(check_variable(d, 0, a, &ctx->err));
    TRY(check_variable(d, 1, b, &ctx->err));
    both = agop__malloc(2 * d->rows, sizeof *both);
    if (!both) {
        st = agop__fail_memory(&ctx->err, 16.0 * (double)d->rows, "two columns");
        goto done;
    }
    m.value[0] = both;
    m.value[1] = both + d->rows;
    m.n        = out->rows =
        agop__both_values(both, both + d->rows, variable_at(d, 0, a), variable_at(d, 1, b), d->rows, &d->plan);
    find_means(&m);
    find_products(&m);
    choose(out, &m);
done:
    free(both);
    return st;
}

void agop_ids_winning(double *out, const agop_ids *d, const agop_winner *w, int side, const double *x, int64_t n)
{
    const int32_t k    = side ? w->l : w->k;
    const double  mean = side ? w->mean_b : w->mean_a, deviation = side ? w->deviation_b : w->deviation_a;
    double        phi[AGOP__TERMS_MOST];

    memmove(out, x, (size_t)n * sizeof *out);
    agop__scale_values(out, variable_at(d, side, side ? w->b : w->a), n, &d->plan);
    for (int64_t i = 0; i < n; i++) {
        if (isnan(out[i]))
            continue;
        agop__features_at(phi, out[i], &d->plan);
        out[i] = deviation > 0 ? (phi[k] - mean) / deviation : 0;
    }
}
