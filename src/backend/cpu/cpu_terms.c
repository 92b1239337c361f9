/* cpu_terms.c - features of single variables, and how strongly those of two variables go together. */
#include <math.h>

#include "backend/cpu/cpu.h"

enum { PIECE = 512 }; /* observations at a time: what they need stays in the first cache */

/* ---- terms ---- */

typedef struct spreading {
    const agop__cpu   *self;
    agop__tile        *Z;
    const agop__terms *t;
    const agop__tile  *X;
} spreading;

void agop__cpu_first_term(const agop__cpu *self, double *p, const double *x, int64_t n, const agop__terms *t)
{
    for (int64_t i = 0; i < n; i++)
        p[i] = t->count ? -t->rate * x[i] * x[i] : x[i];
    if (t->count)
        self->loops[1]->exp(p, p, n);
}

void agop__cpu_next_term(double *p, const double *x, int64_t n, int32_t k)
{
    double root = 1 / sqrt((double)k);

    for (int64_t i = 0; i < n; i++)
        p[i] *= x[i] * root;
}

static void store(agop__tile *Z, int64_t row, int64_t first, const double *v, int64_t n)
{
    if (Z->dtype == AGOP_F64) {
        double *to = agop__at(Z, row, first);
        for (int64_t i = 0; i < n; i++)
            to[i] = v[i];
    } else {
        float *to = agop__at(Z, row, first);
        for (int64_t i = 0; i < n; i++)
            to[i] = (float)v[i];
    }
}

/* One term p of variable a for n observations, present where there[i] is 1. */
static void store_term(const spreading *s, int64_t k, int64_t a, int64_t first, const double *p, const double *there,
                       int64_t n)
{
    int64_t row    = k * s->X->rows + a, squares = (s->t->count ? s->t->count : 1) * s->X->rows;
    double  shift  = *(const double *)agop__at(s->t->shift, row, 0);
    double  factor = *(const double *)agop__at(s->t->factor, row, 0), z[PIECE];

    for (int64_t i = 0; i < n; i++)
        z[i] = (p[i] - shift) * factor * there[i];
    store(s->Z, row, first, z, n);
    if (!s->t->pairwise)
        return;
    for (int64_t i = 0; i < n; i++)
        z[i] *= z[i];
    store(s->Z, squares + row, first, z, n);
}

static void spread_piece(const spreading *s, int64_t a, int64_t first, int64_t n)
{
    const double *at = agop__at(s->X, a, first);
    int32_t       terms = s->t->count;
    double        x[PIECE], p[PIECE], there[PIECE];

    for (int64_t i = 0; i < n; i++) {
        there[i] = at[i] == at[i];
        x[i]     = at[i] == at[i] ? at[i] : 0;
    }
    agop__cpu_first_term(s->self, p, x, n, s->t);
    store_term(s, 0, a, first, p, there, n);
    for (int32_t k = 1; k < terms; k++) {
        agop__cpu_next_term(p, x, n, k);
        store_term(s, k, a, first, p, there, n);
    }
    if (s->t->pairwise)
        store(s->Z, 2 * (terms ? terms : 1) * s->X->rows + a, first, there, n);
}

static void spread(void *arg, int t, int of)
{
    const spreading *s = arg;

    for (int64_t a = t; a < s->X->rows; a += of)
        for (int64_t i = 0; i < s->X->cols; i += PIECE)
            spread_piece(s, a, i, s->X->cols - i < PIECE ? s->X->cols - i : PIECE);
}

agop_status agop__cpu_terms(void *self, agop__tile *Z, const agop__terms *t, const agop__tile *X, agop__err *e)
{
    const agop__cpu *cpu  = self;
    int64_t          T    = t->count ? t->count : 1;
    spreading        s    = {.self = cpu, .Z = Z, .t = t, .X = X};

    if (X->dtype != AGOP_F64 || t->shift->rows != T * X->rows || t->factor->rows != T * X->rows ||
        Z->rows != (t->pairwise ? 2 * T + 1 : T) * X->rows || Z->cols != X->cols)
        return agop__fail(e, AGOP_E_BUG, "terms of %lld variables do not fit", (long long)X->rows);
    agop__cpu_parallel(cpu->threads, spread, &s);
    return AGOP_OK;
}

/* ---- strength ---- */

typedef struct weighing {
    agop__tile       *S;
    const agop__tile *G;
    int64_t           K, L, w, v;
    int               norm;
} weighing;

static double element(const agop__tile *G, int64_t i, int64_t j)
{
    const void *at = agop__at(G, i, j);
    return G->dtype == AGOP_F64 ? *(const double *)at : (double)*(const float *)at;
}

static void put(agop__tile *S, int64_t i, int64_t j, double value)
{
    void *at = agop__at(S, i, j);

    if (S->dtype == AGOP_F64)
        *(double *)at = value;
    else
        *(float *)at = (float)value;
}

/* One more correlation in what will be the strength. */
static double join(double so_far, double r, int norm)
{
    r = fabs(r);
    return norm == AGOP__STRENGTH_MAX ? fmax(so_far, r) : norm == AGOP__STRENGTH_MEAN ? so_far + r : so_far + r * r;
}

static double finish(double sum, double terms, int norm)
{
    return norm == AGOP__STRENGTH_MAX ? sum : norm == AGOP__STRENGTH_MEAN ? sum / terms : sqrt(sum / terms);
}

/* s[b] joined by one correlation with each of n variables. */
static void join_singles(float *s, const float *g, int64_t n, int norm)
{
    if (norm == AGOP__STRENGTH_MAX)
        for (int64_t b = 0; b < n; b++)
            s[b] = s[b] > fabsf(g[b]) ? s[b] : fabsf(g[b]);
    else if (norm == AGOP__STRENGTH_MEAN)
        for (int64_t b = 0; b < n; b++)
            s[b] += fabsf(g[b]);
    else
        for (int64_t b = 0; b < n; b++)
            s[b] += g[b] * g[b];
}

static void join_doubles(double *s, const double *g, int64_t n, int norm)
{
    if (norm == AGOP__STRENGTH_MAX)
        for (int64_t b = 0; b < n; b++)
            s[b] = s[b] > fabs(g[b]) ? s[b] : fabs(g[b]);
    else if (norm == AGOP__STRENGTH_MEAN)
        for (int64_t b = 0; b < n; b++)
            s[b] += fabs(g[b]);
    else
        for (int64_t b = 0; b < n; b++)
            s[b] += g[b] * g[b];
}

static void weigh_rows(void *arg, int t, int of)
{
    const weighing *q = arg;

    for (int64_t a = t; a < q->w; a += of) {
        for (int64_t b = 0; b < q->v; b++)
            put(q->S, a, b, 0);
        for (int64_t k = 0; k < q->K; k++)
            for (int64_t l = 0; l < q->L; l++) {
                const void *g = agop__at(q->G, k * q->w + a, l * q->v);
                if (q->G->dtype == AGOP_F64)
                    join_doubles(agop__at(q->S, a, 0), g, q->v, q->norm);
                else
                    join_singles(agop__at(q->S, a, 0), g, q->v, q->norm);
            }
        for (int64_t b = 0; b < q->v; b++)
            put(q->S, a, b, finish(element(q->S, a, b), (double)(q->K * q->L), q->norm));
    }
}

/* The correlation of term k of a and term l of b over the observations that both have. */
static double pairwise_correlation(const weighing *q, int64_t a, int64_t k, int64_t b, int64_t l)
{
    int64_t ra = k * q->w + a, rb = l * q->v + b, ma = 2 * q->K * q->w + a, mb = 2 * q->L * q->v + b;
    double  m  = element(q->G, ma, mb), sa = element(q->G, ra, mb), sb = element(q->G, ma, rb);
    double  qa = m * element(q->G, q->K * q->w + ra, mb), qb = m * element(q->G, ma, q->L * q->v + rb);
    double  da = qa - sa * sa, db = qb - sb * sb, least = q->G->dtype == AGOP_F64 ? 1e-12 : 1e-5;

    return da > least * qa && db > least * qb ? (m * element(q->G, ra, rb) - sa * sb) / sqrt(da * db) : 0;
}

static void weigh_pairs(void *arg, int t, int of)
{
    const weighing *q = arg;

    for (int64_t a = t; a < q->w; a += of)
        for (int64_t b = 0; b < q->v; b++) {
            double sum = 0;
            for (int64_t k = 0; k < q->K; k++)
                for (int64_t l = 0; l < q->L; l++)
                    sum = join(sum, pairwise_correlation(q, a, k, b, l), q->norm);
            put(q->S, a, b, finish(sum, (double)(q->K * q->L), q->norm));
        }
}

agop_status agop__cpu_strength(void *self, agop__tile *S, const agop__tile *G, int32_t K, int32_t L, int norm,
                               int pairwise, agop__err *e)
{
    const agop__cpu *cpu = self;
    weighing         q   = {.S = S, .G = G, .K = K, .L = L, .w = S->rows, .v = S->cols, .norm = norm};

    if (S->dtype != G->dtype || G->rows != (pairwise ? 2 * K + 1 : K) * S->rows ||
        G->cols != (pairwise ? 2 * L + 1 : L) * S->cols)
        return agop__fail(e, AGOP_E_BUG, "correlations of %lld and %lld variables do not fit", (long long)S->rows,
                          (long long)S->cols);
    agop__cpu_parallel(cpu->threads, pairwise ? weigh_pairs : weigh_rows, &q);
    return AGOP_OK;
}
