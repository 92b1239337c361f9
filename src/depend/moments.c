/* moments.c - means and deviations of features, in double; and what tails and matrix units need to know besides. */
#include <math.h>
#include <string.h>

#include "base/clones.h"
#include "base/memory.h"
#include "base/threads.h"
#include "depend/panel_features.h"

enum { MOMENT_ROWS = 4096 }; /* rows at a time */
enum { PIECE = 512 };        /* of them that are multiplied at a time */
enum { LANES = 32 };         /* sums that go side by side, whatever the processor */

typedef struct summing {
    agop__tile Z, sum;         /* features of a panel; what they come to */
    double    *host;           /* the same, or products of features */
    double    *feature, *cube; /* where p-values are asked for: features on this side of the seam, and third powers */
    agop__room values;
    int64_t    rows; /* at a time */
    int        bf16; /* 1: sums are those of features as matrix units see them */
} summing;

static agop_status open_summing(summing *m, agop_ctx *ctx, int64_t rows, const agop__ids_plan *plan)
{
    int64_t     most = (2 * (int64_t)plan->terms + 1) * AGOP__PANEL, side = plan->terms * AGOP__PANEL;
    int64_t     pairs = plan->terms * side, numbers = pairs > most ? pairs : most;
    agop_status st      = AGOP_OK;

    m->rows = rows < MOMENT_ROWS ? rows : MOMENT_ROWS;
    m->host = agop__malloc(numbers, sizeof *m->host);
    if (!m->host)
        return agop__fail_memory(&ctx->err, 8.0 * (double)numbers, "sums");
    if (plan->tested) {
        m->feature = agop__malloc(side * m->rows, sizeof *m->feature);
        m->cube    = agop__malloc(side, sizeof *m->cube);
        if (!m->feature || !m->cube)
            return agop__fail_memory(&ctx->err, 8.0 * (double)(side * m->rows), "features");
    }
    TRY(op_alloc(ctx, &m->Z, side, plan->tested ? m->rows : 1, AGOP_F64));
    TRY(op_alloc(ctx, &m->sum, most, 1, AGOP_F64));
    TRY(agop__room_open(&m->values, ctx, m->rows));
done:
    return st;
}

static void close_summing(summing *m, agop_ctx *ctx)
{
    op_release(ctx, &m->Z);
    op_release(ctx, &m->sum);
    agop__room_close(&m->values, ctx);
    free(m->feature);
    free(m->cube);
    free(m->host);
}

/* What is looked at of a panel when it is learned: all rows, or as many as its longest variable has non-zeros. */
static int64_t length_of(const agop__side *s, const agop__block *b, const agop__panel *p)
{
    int64_t most = 0;

    for (int64_t u = 0; b->sparse && u < p->units; u++) {
        int64_t count = s->variable[s->unit[p->first + u].variable].cells->count;
        most          = count > most ? count : most;
    }
    return b->sparse ? most : s->t->rows;
}

/* Rows of a unit that were not looked at, all zeros. */
static double zeros_of(const agop__side *s, const agop__block *b, const agop__panel *p, int64_t u)
{
    return b->sparse ? (double)(s->t->rows - s->variable[s->unit[p->first + u].variable].cells->count) : 0;
}

/* Feature i of the cell 0. */
static double at_zero(const agop__panel *p, int64_t i)
{
    return p->zero ? (p->zero[i] - p->shift[i]) * p->factor[i] : 0;
}

/* The nearest bf16, ties to even, as the backend rounds. */
static double nearest16(double v)
{
    float    f = (float)v;
    uint32_t bits;

    memcpy(&bits, &f, sizeof bits);
    bits = (bits + 0x7fff + ((bits >> 16) & 1)) & 0xffff0000;
    memcpy(&f, &bits, sizeof f);
    return (double)f;
}

static agop__taking part_of(summing *m, const agop__side *s, const agop__block *b, const agop__panel *p,
                            const agop__ids_plan *plan, int64_t first)
{
    int64_t left = length_of(s, b, p) - first;

    return (agop__taking){.s     = s,
                          .panel = p,
                          .plan  = plan,
                          .to    = m->values.host,
                          .first = first,
                          .n     = left < m->rows ? left : m->rows,
                          .what  = b->sparse ? AGOP__NONZEROS : AGOP__CELLS};
}

/* m->host: of the panel with its shift and factor, over the first `length` of what is looked at and all other zeros,
 * sums of features, of their squares, and how many values there are */
static agop_status sum_panel(summing *m, agop_ctx *ctx, const agop__side *s, const agop__block *b, const agop__panel *p,
                             const agop__ids_plan *plan, int64_t length)
{
    int64_t     count = agop__block_terms(b) * p->units, rows = 2 * count + p->units;
    agop__tile  sum = op_rows(ctx, &m->sum, 0, rows);
    agop__laid  l;
    agop_status st;

    for (int64_t r = 0; r < rows; r++)
        m->host[r] = 0;
    TRY(op_put(ctx, &sum, m->host, 1, AGOP_F64));
    for (int64_t i = 0; i < length; i += m->rows) {
        agop__taking t = part_of(m, s, b, p, plan, i);
        TRY(agop__lay_out(&l, ctx, &m->values, &t, b));
        l.terms.bf16 = m->bf16;
        st           = op_term_sums(ctx, &sum, &l.terms, &l.x);
        agop__take_up(&l, ctx);
        TRY(st);
    }
    TRY(op_get(ctx, m->host, 1, AGOP_F64, &sum));
    for (int64_t i = 0; i < count; i++) {
        double zeros = zeros_of(s, b, p, i % p->units), zero = m->bf16 ? nearest16(at_zero(p, i)) : at_zero(p, i);
        m->host[i] += zeros * zero;
        m->host[count + i] += zeros * zero * zero;
    }
    for (int64_t u = 0; u < p->units; u++)
        m->host[2 * count + u] += zeros_of(s, b, p, u);
done:
    return st;
}

static agop_status learn_zero(summing *m, agop_ctx *ctx, const agop__side *s, const agop__block *b, agop__panel *p,
                              const agop__ids_plan *plan)
{
    int64_t      count = agop__block_terms(b) * p->units;
    agop__taking t     = {.s = s, .panel = p, .plan = plan, .to = m->values.host, .n = 1, .what = AGOP__ZERO};
    agop__tile   Z     = op_rows(ctx, &m->Z, 0, count);
    agop_status  st;

    Z       = op_cols(ctx, &Z, 0, 1);
    p->zero = agop__malloc(count, sizeof *p->zero);
    if (!p->zero)
        return agop__fail_memory(&ctx->err, 8.0 * (double)count, "features");
    TRY(agop__spread_panel(&Z, ctx, &m->values, &t, b, 0));
    TRY(op_get(ctx, p->zero, 1, AGOP_F64, &Z));
done:
    return st;
}

/* p->bias and p->stretch: sum / sqrt(rows) and 1 / length of the features as matrix units see them. */
static agop_status learn_rounding(summing *m, agop_ctx *ctx, const agop__side *s, const agop__block *b, agop__panel *p,
                                  const agop__ids_plan *plan)
{
    int64_t     count = agop__block_terms(b) * p->units;
    double      rows  = (double)s->t->rows;
    agop_status st;

    p->bias    = agop__calloc(count, sizeof *p->bias);
    p->stretch = agop__calloc(count, sizeof *p->stretch);
    if (!p->bias || !p->stretch)
        return agop__fail_memory(&ctx->err, 16.0 * (double)count, "features");
    m->bf16 = 1;
    st      = sum_panel(m, ctx, s, b, p, plan, length_of(s, b, p));
    m->bf16 = 0;
    for (int64_t r = 0; st == AGOP_OK && r < count; r++) {
        double squares = m->host[count + r] - m->host[r] * m->host[r] / rows;
        p->bias[r]     = m->host[r] / sqrt(rows);
        p->stretch[r]  = squares > .5 ? 1 / sqrt(squares) : 0;
    }
    return st;
}

/* Shifts and factors from sums about the shifts; the fewest values of a unit. */
static double settle(agop__panel *p, const summing *m, int64_t count)
{
    double fewest = INFINITY;

    for (int64_t i = 0; i < count; i++) {
        double values = m->host[2 * count + i % p->units], off = m->host[i] / fmax(1, values);
        double length = sqrt(fmax(0, m->host[count + i] - values * off * off));
        p->shift[i] += off;
        p->factor[i] = length > AGOP__LEAST_LENGTH ? 1 / length : 0;
        fewest       = fmin(fewest, values);
    }
    return fewest;
}

static agop_status settle_panel(summing *m, agop_ctx *ctx, const agop__side *s, const agop__block *b, agop__panel *p,
                                const agop__ids_plan *plan, int64_t length, double *fewest)
{
    int64_t     count = agop__block_terms(b) * p->units;
    agop_status st;

    for (int64_t i = 0; i < count; i++)
        p->factor[i] = 1;
    TRY(sum_panel(m, ctx, s, b, p, plan, length));
    *fewest = settle(p, m, count);
done:
    return st;
}

/* The mean of m of n rows is so near that of all that one more pass gives both mean and length: squares about it are
 * n / m times those about the mean at most. The first rows are enough, unless most of them are missing. */
static agop_status learn_panel(summing *m, agop_ctx *ctx, const agop__side *s, const agop__block *b, agop__panel *p,
                               const agop__ids_plan *plan)
{
    int64_t     count = agop__block_terms(b) * p->units, length = length_of(s, b, p);
    int64_t     first = length < m->rows ? length : m->rows;
    double      fewest;
    agop_status st;

    p->shift  = agop__calloc(count, sizeof *p->shift);
    p->factor = agop__calloc(count, sizeof *p->factor);
    if (!p->shift || !p->factor)
        return agop__fail_memory(&ctx->err, 16.0 * (double)count, "features");
    for (int64_t i = 0; i < count; i++)
        p->factor[i] = 1; /* what learn_zero looks at is phi itself */
    if (b->sparse)
        TRY(learn_zero(m, ctx, s, b, p, plan));
    TRY(settle_panel(m, ctx, s, b, p, plan, first, &fewest));
    if (fewest < (double)first / 8)
        TRY(settle_panel(m, ctx, s, b, p, plan, length, &fewest));
    TRY(settle_panel(m, ctx, s, b, p, plan, length, &fewest));
    if (plan->units && !b->missing)
        TRY(learn_rounding(m, ctx, s, b, p, plan));
done:
    return st;
}

/* In an order that does not depend on the processor. */
AGOP__CLONES static double dot(const double *a, const double *b, int64_t n)
{
    double  part[LANES] = {0}, sum = 0;
    int64_t whole       = n - n % LANES;

    for (int64_t i = 0; i < whole; i += LANES)
        for (int l = 0; l < LANES; l++)
            part[l] += a[i + l] * b[i + l];
    for (int64_t i = whole; i < n; i++)
        part[i - whole] += a[i] * b[i];
    for (int l = 0; l < LANES; l++)
        sum += part[l];
    return sum;
}

/* Some rows of a panel's features. */
typedef struct adding {
    summing *m;
    int64_t  terms, units, n;
} adding;

/* Of unit u: what is its of m->host and m->cube. A piece of its rows stays in the first cache. */
static void add_powers(void *user, int u)
{
    const adding *a = user;

    for (int64_t i = 0; i < a->n; i += PIECE) {
        int64_t n = a->n - i < PIECE ? a->n - i : PIECE;
        for (int64_t k = 0; k < a->terms; k++) {
            const double *x = a->m->feature + (k * a->units + u) * a->n + i;
            double        square[PIECE];
            for (int64_t r = 0; r < n; r++)
                square[r] = x[r] * x[r];
            a->m->cube[u * a->terms + k] += dot(x, square, n);
            for (int64_t l = 0; l <= k; l++)
                a->m->host[(u * a->terms + k) * a->terms + l] +=
                    dot(x, a->m->feature + (l * a->units + u) * a->n + i, n);
        }
    }
}

/* Of each unit of a panel, products (the lower triangle) and third powers of its features, which have length 1, summed:
 * m->host and m->cube. */
static agop_status sum_powers(summing *m, agop_ctx *ctx, const agop__side *s, const agop__block *b,
                              const agop__panel *p, const agop__ids_plan *plan)
{
    int64_t     T = agop__block_terms(b), length = length_of(s, b, p);
    adding      a = {.m = m, .terms = T, .units = p->units};
    agop__tile  Z = op_rows(ctx, &m->Z, 0, T * p->units), part;
    agop_status st = AGOP_OK;

    for (int64_t u = 0; u < p->units; u++)
        for (int64_t k = 0; k < T; k++) {
            double zeros = zeros_of(s, b, p, u), z = at_zero(p, k * p->units + u);
            m->cube[u * T + k] = zeros * z * z * z;
            for (int64_t l = 0; l <= k; l++)
                m->host[(u * T + k) * T + l] = zeros * z * at_zero(p, l * p->units + u);
        }
    for (int64_t i = 0; i < length; i += m->rows) {
        agop__taking t = part_of(m, s, b, p, plan, i);
        part           = op_cols(ctx, &Z, 0, t.n);
        TRY(agop__spread_panel(&part, ctx, &m->values, &t, b, 0));
        TRY(op_get(ctx, m->feature, t.n, AGOP_F64, &part));
        a.n = t.n;
        agop__parallel(ctx->threads, (int)p->units, add_powers, &a);
    }
done:
    return st;
}

/* What scores of these variables are between independent ones follows from their own features. Of a category the level
 * that is skewed most stands for all. */
static agop_status learn_nulls(summing *m, agop_ctx *ctx, agop__side *s, const agop__block *b, const agop__panel *p,
                               const agop__ids_plan *plan)
{
    int64_t     T = agop__block_terms(b);
    agop_status st;

    TRY(sum_powers(m, ctx, s, b, p, plan));
    for (int64_t u = 0; u < p->units; u++) {
        agop__variable *v = &s->variable[s->unit[p->first + u].variable];
        agop__null      now;
        double          corr[AGOP__TERMS_MOST * AGOP__TERMS_MOST], skew[AGOP__TERMS_MOST];
        for (int64_t k = 0; k < T; k++) {
            skew[k] = sqrt(v->present) * m->cube[u * T + k];
            for (int64_t l = 0; l <= k; l++)
                corr[k * T + l] = corr[l * T + k] = m->host[(u * T + k) * T + l];
        }
        agop__null_make(&now, corr, (int)T);
        agop__null_skew(&now, skew);
        if (!v->null && !(v->null = agop__calloc(1, sizeof *v->null)))
            return agop__fail_memory(&ctx->err, (double)sizeof *v->null, "p-values");
        if (v->null->active == 0 || now.skew[0] > v->null->skew[0])
            *v->null = now;
    }
done:
    return st;
}

agop_status agop__learn_features(agop__side *s, agop_ctx *ctx, const agop__ids_plan *plan)
{
    summing     m = {0};
    agop_status st;

    TRY(open_summing(&m, ctx, s->t->rows, plan));
    for (int64_t k = 0; k < s->blocks; k++)
        for (int64_t p = s->block[k].panel; p < s->block[k].panel + s->block[k].panels; p++) {
            TRY(learn_panel(&m, ctx, s, &s->block[k], &s->panel[p], plan));
            if (plan->tested)
                TRY(learn_nulls(&m, ctx, s, &s->block[k], &s->panel[p], plan));
        }
done:
    close_summing(&m, ctx);
    return st;
}
