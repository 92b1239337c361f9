/* cpu_terms.c - features of single variables, and how strongly those of two variables go together. */
#include <math.h>
#include <string.h>

#include "backend/cpu/cpu.h"
#include "base/clones.h"

enum { PIECE = 256 }; /* observations that are summed at a time: their terms stay in the first cache */
enum { LANES = 8 };   /* sums that go side by side, whatever the processor */

/* ---- terms ---- */

typedef struct spreading {
    const agop__cpu   *self;
    agop__tile        *Z; /* terms, or what they sum to */
    const agop__terms *t;
    const agop__tile  *X;
} spreading;

void agop__cpu_variable_of(agop__cpu_variable *v, const agop__terms *t, int64_t a, int64_t w)
{
    v->terms = agop__cpu_term_count(t);
    v->plain = t->count == 0;
    v->rate  = t->rate;
    for (int64_t k = 0; k < v->terms; k++) {
        v->shift[k]  = *(const double *)agop__at(t->shift, k * w + a, 0);
        v->factor[k] = *(const double *)agop__at(t->factor, k * w + a, 0);
        v->root[k]   = k > 0 ? 1 / sqrt((double)k) : 0;
    }
}

static int fits(const spreading *s, int pairwise)
{
    int64_t T = agop__cpu_term_count(s->t);

    return s->X->dtype == AGOP_F64 && T <= AGOP__TERMS_MOST && s->t->shift->rows == T * s->X->rows &&
           s->t->factor->rows == T * s->X->rows && s->Z->rows == (pairwise ? 2 * T + 1 : T) * s->X->rows;
}

static agop_status misfit(const agop__tile *X, agop__err *e)
{
    return agop__fail(e, AGOP_E_BUG, "terms of %lld variables do not fit", (long long)X->rows);
}

/* Row `to` of Z is the square of row `from`. */
static void square_row(agop__tile *Z, int64_t to, int64_t from)
{
    if (Z->dtype == AGOP_F64) {
        const double *z = agop__at(Z, from, 0);
        double       *s = agop__at(Z, to, 0);
        for (int64_t i = 0; i < Z->cols; i++)
            s[i] = z[i] * z[i];
    } else {
        const float *z = agop__at(Z, from, 0);
        float       *s = agop__at(Z, to, 0);
        for (int64_t i = 0; i < Z->cols; i++)
            s[i] = z[i] * z[i];
    }
}

static void mark_present(agop__tile *Z, int64_t to, const double *x)
{
    if (Z->dtype == AGOP_F64) {
        double *there = agop__at(Z, to, 0);
        for (int64_t i = 0; i < Z->cols; i++)
            there[i] = x[i] == x[i];
    } else {
        float *there = agop__at(Z, to, 0);
        for (int64_t i = 0; i < Z->cols; i++)
            there[i] = x[i] == x[i];
    }
}

/* The variables that thread t of so many has. */
static void spread(void *arg, int t, int of)
{
    const spreading   *s = arg;
    int64_t            w = s->X->rows, T = agop__cpu_term_count(s->t);
    agop__cpu_variable v;

    for (int64_t a = t; a < w; a += of) {
        const double *x = agop__at(s->X, a, 0);
        agop__cpu_variable_of(&v, s->t, a, w);
        s->self->loops[1]->terms(agop__at(s->Z, a, 0), w * s->Z->ld, s->Z->dtype, x, s->X->cols, &v);
        if (!s->t->pairwise)
            continue;
        for (int64_t k = 0; k < T; k++)
            square_row(s->Z, (T + k) * w + a, k * w + a);
        mark_present(s->Z, 2 * T * w + a, x);
    }
}

agop_status agop__cpu_terms(void *self, agop__tile *Z, const agop__terms *t, const agop__tile *X, agop__err *e)
{
    const agop__cpu *cpu = self;
    spreading        s   = {.self = cpu, .Z = Z, .t = t, .X = X};

    if (!fits(&s, t->pairwise) || Z->cols != X->cols)
        return misfit(X, e);
    agop__cpu_parallel(cpu->threads, spread, &s);
    return AGOP_OK;
}

/* ---- summed ---- */

typedef double lanes __attribute__((vector_size(LANES * sizeof(double)), aligned(sizeof(double)), may_alias));

AGOP__CLONES static void add_up(double *sum, double *squares, const double *z, int64_t n)
{
    lanes part = {0}, square = {0}, last = {0};

    for (; n >= LANES; z += LANES, n -= LANES) {
        part += *(const lanes *)z;
        square += *(const lanes *)z * *(const lanes *)z;
    }
    memcpy(&last, z, (size_t)n * sizeof *z);
    part += last;
    square += last * last;
    for (int l = 1; l < LANES; l++) {
        part[0] += part[l];
        square[0] += square[l];
    }
    *sum += part[0];
    *squares += square[0];
}

AGOP__CLONES static int64_t count_present(const double *x, int64_t n)
{
    int64_t count = 0;

    for (int64_t i = 0; i < n; i++)
        count += x[i] == x[i];
    return count;
}

/* z (rows PIECE apart): the terms of n observations, as they are or as bf16. */
static void lay_out(double *z, const spreading *s, const double *x, int64_t n, const agop__cpu_variable *v)
{
    float rounded[AGOP__TERMS_MOST * PIECE];

    if (!s->t->bf16) {
        s->self->loops[1]->terms(z, PIECE, AGOP_F64, x, n, v);
        return;
    }
    s->self->loops[1]->terms(rounded, PIECE, AGOP_F32, x, n, v);
    for (int64_t k = 0; k < v->terms; k++) {
        s->self->loops[0]->round16(rounded + k * PIECE, n);
        for (int64_t i = 0; i < n; i++)
            z[k * PIECE + i] = (double)rounded[k * PIECE + i];
    }
}

static void sum_up(void *arg, int t, int of)
{
    const spreading   *s = arg;
    int64_t            w = s->X->rows, T = agop__cpu_term_count(s->t);
    agop__cpu_variable v;
    double             z[AGOP__TERMS_MOST * PIECE];

    for (int64_t a = t; a < w; a += of) {
        agop__cpu_variable_of(&v, s->t, a, w);
        for (int64_t i = 0; i < s->X->cols; i += PIECE) {
            const double *x = agop__at(s->X, a, i);
            int64_t       n = s->X->cols - i < PIECE ? s->X->cols - i : PIECE;
            lay_out(z, s, x, n, &v);
            for (int64_t k = 0; k < T; k++)
                add_up(agop__at(s->Z, k * w + a, 0), agop__at(s->Z, (T + k) * w + a, 0), z + k * PIECE, n);
            *(double *)agop__at(s->Z, 2 * T * w + a, 0) += (double)count_present(x, n);
        }
    }
}

agop_status agop__cpu_term_sums(void *self, agop__tile *sums, const agop__terms *t, const agop__tile *X, agop__err *e)
{
    const agop__cpu *cpu = self;
    spreading        s   = {.self = cpu, .Z = sums, .t = t, .X = X};

    if (!fits(&s, 1) || sums->cols != 1 || sums->dtype != AGOP_F64)
        return misfit(X, e);
    agop__cpu_parallel(cpu->threads, sum_up, &s);
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
