/* cpu_dense16.c - round16, gemm16 and syrk16: float32 in, bf16 multiplied, float32 out.
 *
 * A stretch of the sum at a time: both operands' share is rounded into scratch memory as it lies, filled up with zeros
 * to a length that matrix units like, and added to C block by block. Threads take blocks from a counter and multiply
 * alone; an element's stretches come in order, so its bits depend on the number of threads only through the blocks. */
#include <stdatomic.h>
#include <string.h>

#include "backend/cpu/cpu.h"
#include "base/memory.h"

enum {
    STRETCH       = 2048,    /* of the sum */
    SCRATCH       = 1 << 23, /* elements of both operands, before a stretch is made shorter */
    LARGEST_BLOCK = 512,
    LEAST_BLOCK   = 128,
};

agop_status agop__cpu_units(void *self, agop__err *e)
{
    agop__cpu *cpu = self;

    if (cpu->units)
        return AGOP_OK;
    if (strcmp(cpu->loops[0]->isa, "avx512") != 0)
        return agop__fail(e, AGOP_E_UNSUPPORTED, "matrix units come with avx512, and this context computes with %s: "
                          "take \"cpu\" on a machine that has them", cpu->loops[0]->isa);
    return agop__units_open(&cpu->units, e);
}

static agop_status check16(const agop__cpu *self, const agop__tile *t, agop__err *e)
{
    if (!self->units || t->dtype != AGOP_F32)
        return agop__fail(e, AGOP_E_BUG, "bf16 products of type %d, matrix units %s", (int)t->dtype,
                          self->units ? "open" : "not open");
    return AGOP_OK;
}

agop_status agop__cpu_round16(void *self, agop__tile *A, agop__err *e)
{
    const agop__cpu *cpu = self;
    agop_status      st;

    TRY(check16(cpu, A, e));
    for (int64_t i = 0; i < A->rows && A->cols > 0; i++)
        cpu->loops[0]->round16(agop__at(A, i, 0), A->cols);
done:
    return st;
}

/* ---- products ---- */

/* One operand's stretch, block after block, each without gaps and as it lies in memory: one direction is the sum's. All
 * blocks are of one size, the last one filled up with zeros. */
typedef struct stretch {
    const agop__tile *t;
    uint16_t         *to;
    int64_t           side, block, blocks; /* the other direction, which is one of C's */
    int               down;        /* the sum goes down the rows */
    float             factor;
} stretch;

typedef struct gemm16 {
    const agop__cpu_loops *f;
    stretch                A, B;
    agop__tile            *C;
    int64_t                k0, k, padded; /* the stretch at hand */
    agop__product         *product;
    int                    lower; /* only blocks that reach below the diagonal */
    atomic_llong           next;
    atomic_int             failed;
} gemm16;

static int64_t up(int64_t n, int64_t multiple)
{
    return (n + multiple - 1) / multiple * multiple;
}

static uint16_t *block_at(const gemm16 *g, const stretch *s, int64_t number)
{
    return s->to + number * s->block * g->padded;
}

/* `count` numbers of row i, from the first on, and zeros up to `wide`. */
static void round_some(const gemm16 *g, const stretch *s, uint16_t *to, int64_t i, int64_t first, int64_t count,
                       int64_t wide)
{
    if (count > 0)
        g->f->to_bf16(to, agop__at(s->t, i, first), count, s->factor);
    memset(to + count, 0, (size_t)(wide - count) * sizeof *to);
}

/* Row i of one operand: a row of a block, or of each where the sum goes down. */
static void round_row(const gemm16 *g, const stretch *s, int64_t i)
{
    if (!s->down)
        round_some(g, s, s->to + i * g->padded, i, g->k0, i < s->side ? g->k : 0, g->padded);
    for (int64_t b = 0; s->down && b < s->blocks; b++) {
        int64_t first = b * s->block, count = s->side - first < s->block ? s->side - first : s->block;
        round_some(g, s, block_at(g, s, b) + i * s->block, g->k0 + i, first, i < g->k ? count : 0, s->block);
    }
}

static void round_rows(void *arg, int t, int of)
{
    gemm16 *g = arg;
    int64_t a = g->A.down ? g->padded : g->A.blocks * g->A.block, b = g->B.down ? g->padded : g->B.blocks * g->B.block;

    (void)t;
    (void)of;
    if (g->B.to == g->A.to) /* one matrix with itself */
        b = 0;
    for (int64_t i; (i = atomic_fetch_add(&g->next, 1)) < a + b;)
        round_row(g, i < a ? &g->A : &g->B, i < a ? i : i - a);
}

static void multiply_blocks(void *arg, int t, int of)
{
    gemm16 *g = arg;

    (void)of;
    for (int64_t at; (at = atomic_fetch_add(&g->next, 1)) < g->A.blocks * g->B.blocks;) {
        int64_t a = at / g->B.blocks, b = at % g->B.blocks, i = a * g->A.block, j = b * g->B.block;
        int64_t rows = g->C->rows - i < g->A.block ? g->C->rows - i : g->A.block;
        int64_t cols = g->C->cols - j < g->B.block ? g->C->cols - j : g->B.block;
        if (g->lower && b > a)
            continue;
        if (!agop__product_add(g->product, t, block_at(g, &g->A, a), block_at(g, &g->B, b), agop__at(g->C, i, j),
                               g->C->ld, rows, cols))
            atomic_store(&g->failed, 1);
    }
}

static void split_side(stretch *s, int64_t most)
{
    int64_t blocks = (s->side + most - 1) / most;

    s->block  = up((s->side + blocks - 1) / blocks, 16);
    s->blocks = (s->side + s->block - 1) / s->block;
}

/* Blocks of about equal size, at least two for each thread where that does not make them small. Of a triangle those on
 * the diagonal are multiplied whole, so they are smaller. */
static void split_blocks(gemm16 *g, int threads)
{
    for (int64_t most = g->lower ? LARGEST_BLOCK / 2 : LARGEST_BLOCK;; most /= 2) {
        split_side(&g->A, most);
        split_side(&g->B, most);
        if ((g->lower ? g->A.blocks * (g->A.blocks + 1) / 2 : g->A.blocks * g->B.blocks) >= 2 * threads ||
            most <= LEAST_BLOCK)
            return;
    }
}

/* A stretch is another one's length: at the first, and perhaps at the last. */
static agop_status open_product(gemm16 *g, const agop__cpu *cpu, int ta, int tb, agop__err *e)
{
    agop__product_shape s = {.m = g->A.block, .n = g->B.block, .k = g->padded, .ta = ta, .tb = tb};

    agop__product_close(g->product);
    return agop__product_open(&g->product, cpu->units, &s, cpu->threads, e);
}

static agop_status open_scratch(gemm16 *g, int64_t longest, int same, agop__err *e)
{
    int64_t a = g->A.blocks * g->A.block * longest, b = g->B.blocks * g->B.block * longest;

    g->A.to = agop__aligned(a, sizeof *g->A.to);
    g->B.to = same ? g->A.to : agop__aligned(b, sizeof *g->B.to);
    if (!g->A.to || !g->B.to)
        return agop__fail_memory(e, 2.0 * (double)(a + b), "a product in bf16");
    return AGOP_OK;
}

/* C += op(A) op(B) of sides m, n, k; `same`: A and B are one, rounded once. */
static agop_status add_product(gemm16 *g, const agop__cpu *cpu, const int64_t mnk[3], int same, agop__err *e)
{
    int64_t     longest = SCRATCH / (mnk[0] + mnk[1]) / AGOP__UNITS_STEP * AGOP__UNITS_STEP;
    agop_status st;

    longest = longest < 8 * AGOP__UNITS_STEP ? 8 * AGOP__UNITS_STEP : longest > STRETCH ? STRETCH : longest;
    longest = longest > mnk[2] ? up(mnk[2], AGOP__UNITS_STEP) : longest;
    TRY(open_scratch(g, longest, same, e));
    for (; g->k0 < mnk[2]; g->k0 += longest) {
        int64_t before = g->padded;
        g->k           = mnk[2] - g->k0 < longest ? mnk[2] - g->k0 : longest;
        g->padded      = up(g->k, AGOP__UNITS_STEP);
        if (g->padded != before)
            TRY(open_product(g, cpu, g->A.down, !g->B.down, e));
        atomic_store(&g->next, 0);
        agop__cpu_parallel(cpu->threads, round_rows, g);
        atomic_store(&g->next, 0);
        agop__cpu_parallel(cpu->threads, multiply_blocks, g);
    }
    if (atomic_load(&g->failed))
        TRY(agop__fail(e, AGOP_E_BACKEND, "oneDNN did not finish a product of %lld x %lld x %lld", (long long)mnk[0],
                       (long long)mnk[1], (long long)mnk[2]));
done:
    agop__product_close(g->product);
    if (g->B.to != g->A.to)
        free(g->B.to);
    free(g->A.to);
    return st;
}

agop_status agop__cpu_gemm16(void *self, int ta, int tb, double a, const agop__tile *A, const agop__tile *B, double b,
                             agop__tile *C, agop__err *e)
{
    const agop__cpu *cpu = self;
    gemm16           g   = {.f = cpu->loops[0], .C = C};
    int64_t          s[3];
    agop_status      st;

    TRY(check16(cpu, A, e));
    TRY(agop__cpu_gemm_sides(s, ta, tb, A, B, C, e));
    agop__cpu_scale(C, b, 0);
    if (s[0] == 0 || s[1] == 0 || s[2] == 0)
        goto done;
    g.A = (stretch){.t = A, .side = s[0], .down = ta, .factor = (float)a};
    g.B = (stretch){.t = B, .side = s[1], .down = !tb, .factor = 1};
    split_blocks(&g, cpu->threads);
    st = add_product(&g, cpu, s, a == 1 && ta && !tb && A->mem == B->mem && A->cols == B->cols, e);
done:
    return st;
}

agop_status agop__cpu_syrk16(void *self, const agop__tile *A, double b, agop__tile *C, agop__err *e)
{
    const agop__cpu *cpu = self;
    gemm16           g   = {.f = cpu->loops[0], .C = C, .lower = 1};
    int64_t          s[3];
    agop_status      st;

    TRY(check16(cpu, A, e));
    TRY(agop__cpu_gemm_sides(s, 0, 1, A, A, C, e));
    agop__cpu_scale(C, b, 1);
    if (s[0] == 0 || s[2] == 0)
        goto done;
    g.A = g.B = (stretch){.t = A, .side = s[0], .factor = 1};
    split_blocks(&g, cpu->threads);
    st = add_product(&g, cpu, s, 1, e);
done:
    return st;
}
