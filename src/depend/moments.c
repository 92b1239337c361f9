/* moments.c - means and deviations of features, in double; and what tails and matrix units need to know besides. */
#include <math.h>
#include <string.h>

#include "base/clones.h"
#include "base/memory.h"
#include "base/threads.h"
#include "depend/panel_features.h"

enum { MOMENT_ROWS = 2048 }; /* rows at a time */
enum { PIECE = 512 };        /* of them that are multiplied at a time */
enum { LANES = 32 };         /* sums that go side by side, whatever the processor */

typedef struct summing {
    agop__side           *s;
    const agop__ids_plan *plan;
    agop__tile            Z, sum;         /* features of a panel; what those of a group come to */
    double               *host;           /* the same, or products of features */
    double               *feature, *cube; /* where p-values are asked for: features on this side of the seam, and third
                                             powers */
    agop__room            values;
    int64_t               rows; /* at a time */
    int                   bf16; /* 1: sums are those of features as matrix units see them */
} summing;

static agop_status open_summing(summing *m, agop_ctx *ctx)
{
    agop__block widest = {.terms = m->plan->terms};
    int64_t     most, side = m->plan->terms * AGOP__PANEL, pairs = m->plan->terms * side, rows = m->s->t->rows;
    agop_status st;

    m->rows = rows < MOMENT_ROWS ? rows : MOMENT_ROWS;
    TRY(agop__room_open(&m->values, ctx, m->s, m->s, m->rows));
    most    = agop__unit_rows(&widest, 1) * m->values.x.rows;
    m->host = agop__malloc(pairs > most ? pairs : most, sizeof *m->host);
    if (!m->host)
        return agop__fail_memory(&ctx->err, 8.0 * (double)(pairs > most ? pairs : most), "sums");
    if (m->plan->tested) {
        m->feature = agop__malloc(side * m->rows, sizeof *m->feature);
        m->cube    = agop__malloc(side, sizeof *m->cube);
        if (!m->feature || !m->cube)
            return agop__fail_memory(&ctx->err, 8.0 * (double)(side * m->rows), "features");
    }
    TRY(op_alloc(ctx, &m->Z, side, m->plan->tested ? m->rows : 1, AGOP_F64));
    TRY(op_alloc(ctx, &m->sum, most, 1, AGOP_F64));
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

/* ---- what is looked at ---- */

/* Of a group: all rows, or as many as its longest variable has non-zeros. */
static int64_t length_of(const summing *m, const agop__block *g)
{
    int64_t most = 0, first = m->s->panel[g->panel].first;

    for (int64_t u = 0; g->sparse && u < agop__group_units(m->s, g); u++) {
        int64_t count = m->s->variable[m->s->unit[first + u].variable].cells->count;
        most          = count > most ? count : most;
    }
    return g->sparse ? most : m->s->t->rows;
}

static agop__taking part_of(const summing *m, const agop__block *g, int64_t first, int64_t length)
{
    return (agop__taking){.s     = m->s,
                          .g     = g,
                          .plan  = m->plan,
                          .first = first,
                          .n     = length - first < m->rows ? length - first : m->rows,
                          .what  = g->sparse ? AGOP__NONZEROS : AGOP__CELLS};
}

/* Rows of unit u of a panel that were not looked at, all zeros. */
static double zeros_of(const summing *m, const agop__block *g, const agop__panel *p, int64_t u)
{
    const agop__variable *v = &m->s->variable[m->s->unit[p->first + u].variable];

    return g->sparse ? (double)(m->s->t->rows - v->cells->count) : 0;
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

/* ---- sums ---- */

static agop__panel *panel_of(const summing *m, const agop__block *g, int64_t k)
{
    return &m->s->panel[g->panel + k];
}

/* Where in m->host the sums of a panel are: of features, of their squares, and how many values there are. */
static double *sums_of(const summing *m, const agop__block *g, const agop__panel *p)
{
    return m->host + agop__unit_rows(g, 1) * (p->first - panel_of(m, g, 0)->first);
}

/* Zeros that were not looked at. */
static void add_zeros(summing *m, const agop__block *g, const agop__panel *p)
{
    int64_t count = agop__block_terms(g) * p->units;
    double *sum   = sums_of(m, g, p);

    for (int64_t i = 0; i < count; i++) {
        double zeros = zeros_of(m, g, p, i % p->units), zero = m->bf16 ? nearest16(at_zero(p, i)) : at_zero(p, i);
        sum[i] += zeros * zero;
        sum[count + i] += zeros * zero * zero;
    }
    for (int64_t u = 0; u < p->units; u++)
        sum[2 * count + u] += zeros_of(m, g, p, u);
}

/* m->host: of the panels with their shifts and factors, over the first `length` of what is looked at and all other
 * zeros. */
static agop_status sum_group(summing *m, agop_ctx *ctx, const agop__block *g, int64_t length)
{
    agop__tile  sum = op_rows(ctx, &m->sum, 0, agop__block_rows(m->s, g, 1)), part;
    agop__laid  l;
    agop_status st;

    memset(m->host, 0, (size_t)sum.rows * sizeof *m->host);
    TRY(op_put(ctx, &sum, m->host, 1, AGOP_F64));
    for (int64_t i = 0; i < length; i += m->rows) {
        agop__taking t = part_of(m, g, i, length);
        TRY(agop__take_values(&m->values, ctx, &t));
        for (int64_t k = 0; k < g->panels; k++) {
            const agop__panel *p = panel_of(m, g, k);
            TRY(agop__lay_out(&l, ctx, &m->values, &t, p));
            l.terms.bf16 = m->bf16;
            part         = op_rows(ctx, &sum, sums_of(m, g, p) - m->host, agop__unit_rows(g, 1) * p->units);
            st           = op_term_sums(ctx, &part, &l.terms, &l.x);
            agop__take_up(&l, ctx);
            TRY(st);
        }
    }
    TRY(op_get(ctx, m->host, 1, AGOP_F64, &sum));
    for (int64_t k = 0; k < g->panels; k++)
        add_zeros(m, g, panel_of(m, g, k));
done:
    return st;
}

/* ---- shifts and factors ---- */

/* Of a group of one panel. */
static agop_status learn_zero(summing *m, agop_ctx *ctx, const agop__block *g)
{
    agop__panel *p     = panel_of(m, g, 0);
    int64_t      count = agop__block_terms(g) * p->units;
    agop__taking t     = {.s = m->s, .g = g, .plan = m->plan, .n = 1, .what = AGOP__ZERO};
    agop__tile   Z     = op_rows(ctx, &m->Z, 0, count);
    agop_status  st;

    Z       = op_cols(ctx, &Z, 0, 1);
    p->zero = agop__malloc(count, sizeof *p->zero);
    if (!p->zero)
        return agop__fail_memory(&ctx->err, 8.0 * (double)count, "features");
    TRY(agop__group_features(&Z, ctx, &m->values, &t, 0));
    TRY(op_get(ctx, p->zero, 1, AGOP_F64, &Z));
done:
    return st;
}

/* From sums about the shifts; the fewest values of a unit. */
static double settle(agop__panel *p, const double *sum, int64_t count)
{
    double fewest = INFINITY;

    for (int64_t i = 0; i < count; i++) {
        double values = sum[2 * count + i % p->units], off = sum[i] / fmax(1, values);
        double length = sqrt(fmax(0, sum[count + i] - values * off * off));
        p->shift[i] += off;
        p->factor[i] = length > AGOP__LEAST_LENGTH ? 1 / length : 0;
        fewest       = fmin(fewest, values);
    }
    return fewest;
}

static agop_status settle_group(summing *m, agop_ctx *ctx, const agop__block *g, int64_t length, double *fewest)
{
    agop_status st;

    *fewest = INFINITY;
    for (int64_t k = 0; k < g->panels; k++)
        for (int64_t i = 0; i < agop__block_terms(g) * panel_of(m, g, k)->units; i++)
            panel_of(m, g, k)->factor[i] = 1;
    TRY(sum_group(m, ctx, g, length));
    for (int64_t k = 0; k < g->panels; k++) {
        agop__panel *p = panel_of(m, g, k);
        *fewest        = fmin(*fewest, settle(p, sums_of(m, g, p), agop__block_terms(g) * p->units));
    }
done:
    return st;
}

/* bias and stretch of all panels: sum / sqrt(rows) and 1 / length of the features as matrix units see them. */
static agop_status learn_rounding(summing *m, agop_ctx *ctx, const agop__block *g)
{
    double      rows = (double)m->s->t->rows;
    agop_status st;

    m->bf16 = 1;
    st      = sum_group(m, ctx, g, length_of(m, g));
    m->bf16 = 0;
    for (int64_t k = 0; st == AGOP_OK && k < g->panels; k++) {
        agop__panel  *p     = panel_of(m, g, k);
        const double *sum   = sums_of(m, g, p);
        int64_t       count = agop__block_terms(g) * p->units;
        p->bias             = agop__calloc(count, sizeof *p->bias);
        p->stretch          = agop__calloc(count, sizeof *p->stretch);
        if (!p->bias || !p->stretch)
            return agop__fail_memory(&ctx->err, 16.0 * (double)count, "features");
        for (int64_t r = 0; r < count; r++) {
            double squares = sum[count + r] - sum[r] * sum[r] / rows;
            p->bias[r]     = sum[r] / sqrt(rows);
            p->stretch[r]  = squares > .5 ? 1 / sqrt(squares) : 0;
        }
    }
    return st;
}

/* Of every panel of a group; a factor of 1, so that what learn_zero looks at is phi itself. */
static agop_status open_features(summing *m, agop_ctx *ctx, const agop__block *g)
{
    for (int64_t k = 0; k < g->panels; k++) {
        agop__panel *p     = panel_of(m, g, k);
        int64_t      count = agop__block_terms(g) * p->units;
        p->shift           = agop__calloc(count, sizeof *p->shift);
        p->factor          = agop__calloc(count, sizeof *p->factor);
        if (!p->shift || !p->factor)
            return agop__fail_memory(&ctx->err, 16.0 * (double)count, "features");
        for (int64_t i = 0; i < count; i++)
            p->factor[i] = 1;
    }
    return AGOP_OK;
}

/* The mean of m of n rows is so near that of all that one more pass gives both mean and length: squares about it are
 * n / m times those about the mean at most. The first rows are enough, unless most of them are missing. */
static agop_status learn_group(summing *m, agop_ctx *ctx, const agop__block *g)
{
    int64_t     length = length_of(m, g), first = length < m->rows ? length : m->rows;
    double      fewest;
    agop_status st;

    TRY(open_features(m, ctx, g));
    if (g->sparse)
        TRY(learn_zero(m, ctx, g));
    TRY(settle_group(m, ctx, g, first, &fewest));
    if (fewest < (double)first / 8)
        TRY(settle_group(m, ctx, g, length, &fewest));
    TRY(settle_group(m, ctx, g, length, &fewest));
    if (m->plan->units && !g->missing)
        TRY(learn_rounding(m, ctx, g));
done:
    return st;
}

/* ---- nulls ---- */

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

static void square_all(double *to, const double *x, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        to[i] = x[i] * x[i];
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
            square_all(square, x, n);
            a->m->cube[u * a->terms + k] += dot(x, square, n);
            for (int64_t l = 0; l <= k; l++)
                a->m->host[(u * a->terms + k) * a->terms + l] +=
                    dot(x, a->m->feature + (l * a->units + u) * a->n + i, n);
        }
    }
}

/* Of each unit of a group of one panel, products (the lower triangle) and third powers of its features, which have
 * length 1, summed: m->host and m->cube. */
static agop_status sum_powers(summing *m, agop_ctx *ctx, const agop__block *g)
{
    const agop__panel *p = panel_of(m, g, 0);
    int64_t            T = agop__block_terms(g), length = length_of(m, g);
    adding             a = {.m = m, .terms = T, .units = p->units};
    agop__tile         Z = op_rows(ctx, &m->Z, 0, T * p->units), part;
    agop_status        st = AGOP_OK;

    for (int64_t u = 0; u < p->units; u++)
        for (int64_t k = 0; k < T; k++) {
            double zeros = zeros_of(m, g, p, u), z = at_zero(p, k * p->units + u);
            m->cube[u * T + k] = zeros * z * z * z;
            for (int64_t l = 0; l <= k; l++)
                m->host[(u * T + k) * T + l] = zeros * z * at_zero(p, l * p->units + u);
        }
    for (int64_t i = 0; i < length; i += m->rows) {
        agop__taking t = part_of(m, g, i, length);
        part           = op_cols(ctx, &Z, 0, t.n);
        TRY(agop__group_features(&part, ctx, &m->values, &t, 0));
        TRY(op_get(ctx, m->feature, t.n, AGOP_F64, &part));
        a.n = t.n;
        agop__parallel(ctx->threads, (int)p->units, add_powers, &a);
    }
done:
    return st;
}

/* What scores of these variables are between independent ones follows from their own features. Of a category the level
 * that is skewed most stands for all. */
static agop_status learn_nulls(summing *m, agop_ctx *ctx, const agop__block *g)
{
    const agop__panel *p = panel_of(m, g, 0);
    int64_t            T = agop__block_terms(g);
    agop_status        st;

    TRY(sum_powers(m, ctx, g));
    for (int64_t u = 0; u < p->units; u++) {
        agop__variable *v = &m->s->variable[m->s->unit[p->first + u].variable];
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

static agop_status learn_block(summing *m, agop_ctx *ctx, const agop__block *b)
{
    agop__block g  = *b;
    agop_status st = AGOP_OK;

    for (int64_t k = 0; k < b->panels; k += g.panels) {
        g = agop__group_at(b, k);
        TRY(learn_group(m, ctx, &g));
    }
    g.panels = 1;
    for (g.panel = b->panel; m->plan->tested && g.panel < b->panel + b->panels; g.panel++)
        TRY(learn_nulls(m, ctx, &g));
done:
    return st;
}

agop_status agop__learn_features(agop__side *s, agop_ctx *ctx, const agop__ids_plan *plan)
{
    summing     m = {.s = s, .plan = plan};
    agop_status st;

    TRY(open_summing(&m, ctx));
    for (int64_t k = 0; k < s->blocks; k++)
        TRY(learn_block(&m, ctx, &s->block[k]));
done:
    close_summing(&m, ctx);
    return st;
}
