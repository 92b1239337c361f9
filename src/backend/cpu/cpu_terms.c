/* cpu_terms.c - features of single variables, and how strongly those of two variables go together. */
#include <math.h>

#include "backend/cpu/cpu.h"
#include "base/clones.h"

enum { PIECE = 512 }; /* observations at a time: what they need stays in the first cache */
enum { LANES = 16 };  /* sums that go side by side, whatever the processor */

/* ---- terms ---- */

typedef struct spreading {
    const agop__cpu   *self;
    agop__tile        *Z; /* terms, or what they sum to */
    const agop__terms *t;
    const agop__tile  *X;
} spreading;

/* Some observations of one variable. */
typedef struct piece {
    int64_t first, n;
    double  x[PIECE], there[PIECE]; /* 0 and 0 where it is missing */
    double  p[PIECE], z[PIECE];     /* the term that is looked at; the same, centred and scaled */
} piece;

void agop__cpu_first_term(const agop__cpu *self, double *p, const double *x, int64_t n, const agop__terms *t)
{
    for (int64_t i = 0; i < n; i++)
        p[i] = t->count ? -t->rate * x[i] * x[i] : x[i];
    if (t->count)
        self->loops[1]->exp(p, p, n);
}

AGOP__CLONES static void times(double *restrict p, const double *restrict x, int64_t n, double root)
{
    for (int64_t i = 0; i < n; i++)
        p[i] *= x[i] * root;
}

void agop__cpu_next_term(double *p, const double *x, int64_t n, int32_t k)
{
    times(p, x, n, 1 / sqrt((double)k));
}

AGOP__CLONES static void open_piece(piece *q, const double *at)
{
    for (int64_t i = 0; i < q->n; i++) {
        q->there[i] = at[i] == at[i];
        q->x[i]     = at[i] == at[i] ? at[i] : 0;
    }
}

/* What is made of term k of variable a. */
typedef void use_term(const spreading *s, piece *q, int64_t k, int64_t a, double shift, double factor);

/* Term after term of the variables that thread t of so many has. */
static void each_term(const spreading *s, int t, int of, use_term *use)
{
    piece q = {.n = 0};

    for (int64_t a = t; a < s->X->rows; a += of)
        for (q.first = 0; q.first < s->X->cols; q.first += PIECE) {
            q.n = s->X->cols - q.first < PIECE ? s->X->cols - q.first : PIECE;
            open_piece(&q, agop__at(s->X, a, q.first));
            for (int32_t k = 0; k == 0 || k < s->t->count; k++) {
                int64_t row = k * s->X->rows + a;
                if (k == 0)
                    agop__cpu_first_term(s->self, q.p, q.x, q.n, s->t);
                else
                    agop__cpu_next_term(q.p, q.x, q.n, k);
                use(s, &q, k, a, *(const double *)agop__at(s->t->shift, row, 0),
                    *(const double *)agop__at(s->t->factor, row, 0));
            }
        }
}

static int fits(const spreading *s, int pairwise)
{
    int64_t T = agop__cpu_term_count(s->t);

    return s->X->dtype == AGOP_F64 && s->t->shift->rows == T * s->X->rows && s->t->factor->rows == T * s->X->rows &&
           s->Z->rows == (pairwise ? 2 * T + 1 : T) * s->X->rows;
}

static agop_status misfit(const agop__tile *X, agop__err *e)
{
    return agop__fail(e, AGOP_E_BUG, "terms of %lld variables do not fit", (long long)X->rows);
}

/* ---- stored ---- */

static void store(agop__tile *Z, int64_t row, const piece *q, const double *v)
{
    if (Z->dtype == AGOP_F64) {
        double *to = agop__at(Z, row, q->first);
        for (int64_t i = 0; i < q->n; i++)
            to[i] = v[i];
    } else {
        float *to = agop__at(Z, row, q->first);
        for (int64_t i = 0; i < q->n; i++)
            to[i] = (float)v[i];
    }
}

AGOP__CLONES static void centre(piece *restrict q, double shift, double factor)
{
    for (int64_t i = 0; i < q->n; i++)
        q->z[i] = (q->p[i] - shift) * factor * q->there[i];
}

static void store_term(const spreading *s, piece *q, int64_t k, int64_t a, double shift, double factor)
{
    int64_t w = s->X->rows, T = agop__cpu_term_count(s->t);

    centre(q, shift, factor);
    store(s->Z, k * w + a, q, q->z);
    if (!s->t->pairwise)
        return;
    for (int64_t i = 0; i < q->n; i++)
        q->z[i] *= q->z[i];
    store(s->Z, (T + k) * w + a, q, q->z);
    if (k == 0)
        store(s->Z, 2 * T * w + a, q, q->there);
}

static void spread(void *arg, int t, int of)
{
    each_term(arg, t, of, store_term);
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

typedef struct lanes {
    double z[LANES], square[LANES], there[LANES];
} lanes;

/* Of (v - shift) factor where there is one. */
AGOP__CLONES static void add_lanes(lanes *sum, const double *v, const double *there, int64_t n, double shift,
                                   double factor)
{
    lanes   s = {{0}, {0}, {0}};
    int64_t whole = n - n % LANES;

    for (int64_t i = 0; i < whole; i += LANES)
        for (int l = 0; l < LANES; l++) {
            double z = (v[i + l] - shift) * factor * there[i + l];
            s.z[l] += z;
            s.square[l] += z * z;
            s.there[l] += there[i + l];
        }
    for (int64_t i = whole; i < n; i++) {
        double z = (v[i] - shift) * factor * there[i];
        s.z[i - whole] += z;
        s.square[i - whole] += z * z;
        s.there[i - whole] += there[i];
    }
    *sum = s;
}

static void round_values(const agop__cpu *self, double *z, int64_t n)
{
    float rounded[PIECE];

    for (int64_t i = 0; i < n; i++)
        rounded[i] = (float)z[i];
    self->loops[0]->round16(rounded, n);
    for (int64_t i = 0; i < n; i++)
        z[i] = (double)rounded[i];
}

static double over_lanes(const double *v)
{
    double sum = 0;

    for (int l = 0; l < LANES; l++)
        sum += v[l];
    return sum;
}

static void sum_term(const spreading *s, piece *q, int64_t k, int64_t a, double shift, double factor)
{
    int64_t w = s->X->rows, T = agop__cpu_term_count(s->t);
    lanes   sum;

    if (s->t->bf16) {
        centre(q, shift, factor);
        round_values(s->self, q->z, q->n);
        add_lanes(&sum, q->z, q->there, q->n, 0, 1);
    } else
        add_lanes(&sum, q->p, q->there, q->n, shift, factor);
    *(double *)agop__at(s->Z, k * w + a, 0) += over_lanes(sum.z);
    *(double *)agop__at(s->Z, (T + k) * w + a, 0) += over_lanes(sum.square);
    if (k == 0)
        *(double *)agop__at(s->Z, 2 * T * w + a, 0) += over_lanes(sum.there);
}

static void sum_up(void *arg, int t, int of)
{
    each_term(arg, t, of, sum_term);
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
