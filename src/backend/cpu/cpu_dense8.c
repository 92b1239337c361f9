/* cpu_dense8.c - gemm8 and row_products: products of rows that were rounded to bytes, and of some rows that were not.
 *
 * A stretch of the sum at a time: rows of both operands are rounded into scratch memory, panel by panel as cpu_bytes.h
 * has them, and multiplied by pairs of panels. With x = low + step p and y likewise, over a stretch of n columns
 *
 *   sum x y = step_x step_y sum p q + step_x low_y sum p + low_x sum y
 *
 * where for p one takes p - 128 and for low_x what belongs to it. Threads take panels from a counter; an element's
 * stretches come in order, so its bits do not depend on how many there are. */
#include <stdatomic.h>
#include <string.h>

#include "backend/cpu/cpu.h"
#include "base/memory.h"

enum {
    STRETCH  = 2048, /* of the sum: a panel of A stays in the first cache, one of B in the second */
    FOUR     = 4,    /* columns that are multiplied in one instruction */
    PIECE    = 256,  /* of rows: those of 400 stay in the second cache */
    SHARES   = 4,    /* of pairs of rows, for every thread: one is soon done, another waits for memory */
    OFFSET   = 128,
    TOGETHER = AGOP__BYTE_HIGH, /* rows that are rounded before they are laid beside each other */
};

int agop__cpu_bytes(void *self)
{
    return ((const agop__cpu *)self)->bytes != NULL;
}

/* One operand's stretch. */
typedef struct side8 {
    const agop__tile *t;
    agop__tile       *most; /* largest steps */
    int64_t           panel, panels; /* rows of one, and how many */
    uint8_t          *to;
    agop__byte_rows   of;
    int               offset; /* 1: p - OFFSET in place of p */
} side8;

typedef struct gemm8 {
    const agop__byte_loops *f;
    side8                   A, B;
    agop__tile             *C;
    int64_t                 k0, k, fours; /* the stretch at hand, and how many times four columns it is */
    uint64_t                seed;
    int                     lower;
    atomic_llong            next;
} gemm8;

/* ---- rounding ---- */

static uint8_t *panel_at(const gemm8 *g, const side8 *s, int64_t number)
{
    return s->to + number * s->panel * FOUR * g->fours;
}

/* Another one for every row of either operand and every stretch (the mixing is SplitMix64's). */
static uint32_t seed_of(const gemm8 *g, const side8 *s, int64_t row)
{
    uint64_t z = ((g->seed + (uint64_t)g->k0) * 2 + (uint64_t)s->offset) * 0x9e3779b97f4a7c15u + (uint64_t)row;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return (uint32_t)(z >> 32);
}

/* p: room for FOUR * fours bytes; what stands in the panel of row i, zeros where there is none. */
static void round_one(const gemm8 *g, const side8 *s, uint8_t *p, int64_t i)
{
    int64_t sum;
    double *most;

    if (i >= s->t->rows) {
        memset(p, 0, (size_t)(FOUR * g->fours));
        return;
    }
    g->f->round(p, &s->of.low[i], &s->of.step[i], &sum, agop__at(s->t, i, g->k0), g->k, seed_of(g, s, i));
    memset(p + g->k, 0, (size_t)(FOUR * g->fours - g->k));
    most  = agop__at(s->most, i, 0);
    *most = (double)s->of.step[i] > *most ? (double)s->of.step[i] : *most;
    if (s->offset) {
        for (int64_t k = 0; k < g->k; k++)
            p[k] ^= OFFSET;
        s->of.low[i] += OFFSET * s->of.step[i];
        s->of.sum[i] = (float)(sum - OFFSET * g->k);
    } else
        s->of.sum[i] = s->of.low[i] * (float)g->k + s->of.step[i] * (float)sum;
}

/* Some rows at a time, so that whole stretches of a panel are written. */
static void round_panel(const gemm8 *g, const side8 *s, int64_t number)
{
    uint8_t p[TOGETHER][STRETCH];

    for (int64_t r = 0; r < s->panel; r += TOGETHER) {
        uint8_t *to = panel_at(g, s, number) + r * FOUR;
        for (int64_t i = 0; i < TOGETHER; i++)
            round_one(g, s, p[i], number * s->panel + r + i);
        for (int64_t k = 0; k < g->fours; k++, to += s->panel * FOUR)
            for (int64_t i = 0; i < TOGETHER; i++)
                memcpy(to + i * FOUR, &p[i][k * FOUR], FOUR);
    }
}

static void round_panels(void *arg, int t, int of)
{
    gemm8 *g = arg;

    (void)t;
    (void)of;
    for (int64_t i; (i = atomic_fetch_add(&g->next, 1)) < g->A.panels + g->B.panels;)
        round_panel(g, i < g->A.panels ? &g->A : &g->B, i < g->A.panels ? i : i - g->A.panels);
}

/* ---- products ---- */

static agop__byte_rows rows_from(const side8 *s, int64_t i)
{
    return (agop__byte_rows){s->of.low + i, s->of.step + i, s->of.sum + i};
}

/* A panel of B and a part of A, as many parts as there are threads, is one thread's at a time. */
static void multiply_panels(void *arg, int t, int of)
{
    gemm8  *g = arg;
    int32_t D[AGOP__BYTE_HIGH * AGOP__BYTE_WIDE];

    (void)t;
    for (int64_t at; (at = atomic_fetch_add(&g->next, 1)) < g->B.panels * of;) {
        int64_t         b = at / of, first = g->A.panels * (at % of) / of;
        int64_t         j = b * g->B.panel, cols = g->C->cols - j < g->B.panel ? g->C->cols - j : g->B.panel;
        int64_t         least = g->lower ? j / g->A.panel : 0, end = g->A.panels * (at % of + 1) / of;
        agop__byte_rows right = rows_from(&g->B, j);
        for (int64_t a = first > least ? first : least; a < end; a++) {
            int64_t         i = a * g->A.panel, rows = g->C->rows - i < g->A.panel ? g->C->rows - i : g->A.panel;
            agop__byte_rows left = rows_from(&g->A, i);
            g->f->multiply(D, panel_at(g, &g->A, a), panel_at(g, &g->B, b), g->fours);
            g->f->add(agop__at(g->C, i, j), g->C->ld, D, rows, cols, &left, &right);
        }
    }
}

/* ---- the whole ---- */

static agop_status open_side(side8 *s, agop__err *e)
{
    s->panels = (s->t->rows + s->panel - 1) / s->panel;
    s->to     = agop__aligned(s->panels * s->panel * STRETCH, 1);
    s->of.low = agop__malloc(3 * s->t->rows, sizeof *s->of.low);
    if (!s->to || !s->of.low)
        return agop__fail_memory(e, (double)(s->panels * s->panel * STRETCH), "a product of bytes");
    s->of.step = s->of.low + s->t->rows;
    s->of.sum  = s->of.step + s->t->rows;
    return AGOP_OK;
}

static void close_side(side8 *s)
{
    free(s->to);
    free(s->of.low);
}

static agop_status check8(const agop__cpu *self, const gemm8 *g, agop__err *e)
{
    const agop__tile *a = g->A.most, *b = g->B.most;

    if (!self->bytes)
        return agop__fail(e, AGOP_E_BUG, "products of bytes, and there are none here");
    if (g->A.t->dtype != AGOP_F32 || g->B.t->dtype != AGOP_F32 || g->C->dtype != AGOP_F32)
        return agop__fail(e, AGOP_E_BUG, "products of bytes of type %d", (int)g->C->dtype);
    if (a->rows != g->A.t->rows || b->rows != g->B.t->rows || a->dtype != AGOP_F64 || b->dtype != AGOP_F64)
        return agop__fail(e, AGOP_E_BUG, "%lld and %lld steps do not fit", (long long)a->rows, (long long)b->rows);
    return AGOP_OK;
}

agop_status agop__cpu_gemm8(void *self, const agop__tile *A, const agop__tile *B, double b, agop__tile *C, int lower,
                            uint64_t seed, agop__tile *step, agop__tile *other, agop__err *e)
{
    const agop__cpu *cpu = self;
    gemm8            g   = {.f = cpu->bytes, .C = C, .seed = seed, .lower = lower};
    int64_t          mnk[3];
    agop_status      st;

    g.A = (side8){.t = A, .most = step, .panel = AGOP__BYTE_HIGH, .offset = 1};
    g.B = (side8){.t = B, .most = other, .panel = AGOP__BYTE_WIDE};
    TRY(check8(cpu, &g, e));
    TRY(agop__cpu_gemm_sides(mnk, 0, 1, A, B, C, e));
    agop__cpu_scale(C, b, 0);
    if (mnk[0] == 0 || mnk[1] == 0)
        goto done;
    TRY(open_side(&g.A, e));
    TRY(open_side(&g.B, e));
    for (; g.k0 < mnk[2]; g.k0 += STRETCH) {
        g.k     = mnk[2] - g.k0 < STRETCH ? mnk[2] - g.k0 : STRETCH;
        g.fours = (g.k + FOUR - 1) / FOUR;
        atomic_store(&g.next, 0);
        agop__cpu_parallel(cpu->threads, round_panels, &g);
        atomic_store(&g.next, 0);
        agop__cpu_parallel(cpu->threads, multiply_panels, &g);
    }
done:
    close_side(&g.A);
    close_side(&g.B);
    return st;
}

/* ---- some rows, as they are ---- */

typedef struct pairing {
    const agop__byte_loops *f;
    const agop__tile       *A, *B, *pairs;
    agop__tile             *s;
    atomic_llong            next;
} pairing;

static int32_t left_of(const pairing *p, int64_t c)
{
    return *(const int32_t *)agop__at(p->pairs, c, 0);
}

/* The first of the pairs c .. last that has another row of A than number c, or last. */
static int64_t next_left(const pairing *p, int64_t c, int64_t last)
{
    int64_t end = c + 1;

    while (end < last && left_of(p, end) == left_of(p, c))
        end++;
    return end;
}

/* Pairs c .. end, which have row x of A; n columns from number `col` on. Of those that lack to the last BYTE_DOTS the
 * first stands in, which is near. */
static void multiply_row(const pairing *p, const float *x, int64_t c, int64_t end, int64_t col, int64_t n,
                         const float *next)
{
    const int32_t *right = (const int32_t *)agop__at(p->pairs, c, 0) + 1;
    const float   *B = agop__at(p->B, 0, col), *y[AGOP__BYTE_DOTS];
    double        *to = agop__at(p->s, c, 0);
    float          s[AGOP__BYTE_DOTS];

    for (; c < end; c += AGOP__BYTE_DOTS) {
        int count = end - c < AGOP__BYTE_DOTS ? (int)(end - c) : AGOP__BYTE_DOTS;
        for (int k = 0; k < AGOP__BYTE_DOTS; k++)
            y[k] = B + p->B->ld * right[(k < count ? k : 0) * p->pairs->ld];
        p->f->dots(s, x, y, n, next);
        next = x;
        for (int k = 0; k < count; k++, to += p->s->ld, right += p->pairs->ld)
            *to += (double)s[k];
    }
}

/* All columns of pairs first .. last, a piece at a time. Rows of B that meet one of A soon meet the next, too, and are
 * near; the one of A is fetched while the last is at work. */
static void multiply_share(const pairing *p, int64_t first, int64_t last)
{
    for (int64_t i = 0; i < p->A->cols; i += PIECE) {
        int64_t n = p->A->cols - i < PIECE ? p->A->cols - i : PIECE;
        for (int64_t c = first, end; c < last; c = end) {
            const float *x = agop__at(p->A, left_of(p, c), i);
            end            = next_left(p, c, last);
            multiply_row(p, x, c, end, i, n, end < last ? agop__at(p->A, left_of(p, end), i) : x);
        }
    }
}

static void multiply_rows(void *arg, int t, int of)
{
    pairing *p     = arg;
    int64_t  count = p->pairs->rows, shares = (int64_t)of * SHARES;

    (void)t;
    for (int64_t k; (k = atomic_fetch_add(&p->next, 1)) < shares;)
        multiply_share(p, count * k / shares, count * (k + 1) / shares);
}

agop_status agop__cpu_row_products(void *self, agop__tile *s, const agop__tile *A, const agop__tile *B,
                                   const agop__tile *pairs, agop__err *e)
{
    const agop__cpu *cpu = self;
    pairing          p   = {.f = cpu->bytes, .A = A, .B = B, .pairs = pairs, .s = s};

    if (!cpu->bytes || A->dtype != AGOP_F32 || B->dtype != AGOP_F32 || A->cols != B->cols || s->dtype != AGOP_F64 ||
        pairs->dtype != AGOP__I32 || pairs->cols != 2 || pairs->rows != s->rows)
        return agop__fail(e, AGOP_E_BUG, "%lld pairs of rows do not fit", (long long)pairs->rows);
    agop__cpu_parallel(cpu->threads, multiply_rows, &p);
    return AGOP_OK;
}
