/* screen.c - which correlations of features may be the largest of a pair of variables; see screen.h.
 *
 * Features are centred and of length 1 over all n rows, so with steps s and s' of their rounding a product of bytes is
 * off by chance, with mean 0 and deviation d,
 *
 *   d^2 <= (s^2 + s'^2) / 4 + n s^2 s'^2 / 16
 *
 * (gemm8 of backend.h), and beside that no more than any sum in float32. What is further than FAR deviations, its own
 * and the other's, below another one is not the largest. */
#include "depend/screen.h"

#include <math.h>
#include <string.h>

#include "base/clones.h"
#include "base/memory.h"
#include "base/threads.h"

#define FAR 4.5F
enum {
    STRIP           = 2,    /* panels whose features stay near */
    FEWEST_TERMS    = 4,    /* of a variable: of the products of fewer too many are picked */
    FEWEST_FEATURES = 128,  /* of a block: to round both takes longer than to multiply one with fewer */
    FEWEST_ROWS     = 1000, /* of fewer a product is soon made */
    MOST_PICKS      = 4,    /* of all correlations looked at one in so many: more take longer than all of them */
};

int agop__screen_fits(const agop__side *s, const agop__block *b)
{
    return s->t->rows >= FEWEST_ROWS && !b->missing && b->terms >= FEWEST_TERMS &&
           agop__block_rows(s, b, 0) >= FEWEST_FEATURES;
}

/* ---- room ---- */

/* Features and panels of the largest block that fits. */
static void widest(int64_t *rows, int64_t *panels, const agop__side *s)
{
    *rows = *panels = 0;
    for (int64_t k = 0; k < s->blocks; k++) {
        int64_t here = agop__screen_fits(s, &s->block[k]) ? agop__block_rows(s, &s->block[k], 0) : 0;
        *rows        = here > *rows ? here : *rows;
        *panels      = here > 0 && s->block[k].panels > *panels ? s->block[k].panels : *panels;
    }
}

agop_status agop__screen_open(agop__screen *out, agop_ctx *ctx, const agop__side *s, const agop__side *t)
{
    int64_t     left, right, panels, others, most, high;
    agop_status st = AGOP_OK;

    widest(&left, &panels, s);
    widest(&right, &others, t);
    if (left == 0 || right == 0)
        return AGOP_OK;
    most          = left * right;
    high          = left < AGOP__PANEL * AGOP__TERMS_MOST ? left : AGOP__PANEL * AGOP__TERMS_MOST;
    out->near     = agop__malloc(high * right, sizeof *out->near);
    out->error[0] = agop__malloc(left, sizeof **out->error);
    out->error[1] = agop__malloc(right, sizeof **out->error);
    out->pick     = agop__malloc(most, sizeof *out->pick);
    out->start    = agop__malloc(panels * others, sizeof *out->start);
    out->picked   = agop__malloc(panels * others, sizeof *out->picked);
    if (!out->near || !out->error[0] || !out->error[1] || !out->pick || !out->start || !out->picked)
        return agop__fail_memory(&ctx->err, 12.0 * (double)most, "correlations");
    TRY(op_alloc(ctx, &out->step[0], left, 1, AGOP_F64));
    TRY(op_alloc(ctx, &out->step[1], right, 1, AGOP_F64));
done:
    return st;
}

static void drop_picks(agop__screen *x, agop_ctx *ctx)
{
    op_release(ctx, &x->rows);
    op_release(ctx, &x->sum);
    free(x->value);
    x->value = NULL;
}

void agop__screen_close(agop__screen *x, agop_ctx *ctx)
{
    drop_picks(x, ctx);
    op_release(ctx, &x->step[0]);
    op_release(ctx, &x->step[1]);
    free(x->near);
    free(x->error[0]);
    free(x->error[1]);
    free(x->pick);
    free(x->start);
    free(x->picked);
}

/* ---- products of bytes ---- */

agop_status agop__screen_begin(agop__screen *x, agop_ctx *ctx, const agop__side *s, const agop__block *a,
                               const agop__side *t, const agop__block *b)
{
    agop_status st = AGOP_OK;

    x->s = s;
    x->t = t;
    x->a = a;
    x->b = b;
    for (int side = 0; side < 2; side++) {
        memset(x->error[side], 0, (size_t)x->step[side].rows * sizeof **x->error);
        TRY(op_put(ctx, &x->step[side], x->error[side], 1, AGOP_F32));
    }
done:
    return st;
}

agop_status agop__screen_add_bytes(agop__screen *x, agop_ctx *ctx, agop__tile *G, const agop__tile *A,
                                   const agop__tile *B, int64_t first)
{
    agop__tile step = op_rows(ctx, &x->step[0], 0, A->rows), other = op_rows(ctx, &x->step[1], 0, B->rows);

    return op_gemm8(ctx, A, B, first > 0, G, x->a == x->b, (uint64_t)first, &step, &other);
}

/* ---- choice ---- */

static agop_status take_errors(agop__screen *x, agop_ctx *ctx, int side, const agop__side *s, const agop__block *b)
{
    agop__tile  step = op_rows(ctx, &x->step[side], 0, agop__block_rows(s, b, 0));
    float      *to = x->error[side];
    int64_t     at = 0;
    agop_status st;

    TRY(op_get(ctx, to, 1, AGOP_F32, &step));
    for (int64_t p = b->panel; p < b->panel + b->panels; p++) {
        const agop__panel *panel = &s->panel[p];
        for (int64_t r = 0; r < panel->units * agop__block_terms(b); r++, at++)
            to[at] = panel->factor[r] > 0 ? to[at] / 2 : -1;
    }
done:
    return st;
}

/* The pairs of one left panel. */
typedef struct picking {
    agop__screen      *x;
    const agop__panel *left;
    int64_t            p, row, high; /* which panel it is, its first feature, and how many it has */
    int64_t            ld;           /* features on the right */
    float              first, second; /* what errors of one side, and of both, are multiplied by */
} picking;

/* How far n correlations of a feature may be off; below 0: one of the two does not vary. In place of roots of sums of
 * squares their bounds x + y, and max + (sqrt(2) - 1) min, which is exact where x = y. */
AGOP__CLONES static void errors_of(float *off, float x, const float *others, int64_t n, float first, float second)
{
    for (int64_t j = 0; j < n; j++) {
        float y = others[j], most = x > y ? x : y, least = x > y ? y : x;
        float d = first * (most + 0.41421357F * least) + second * x * y;
        off[j]  = least < 0 ? -1 : FAR * d;
    }
}

AGOP__CLONES static void raise_least(float *least, const float *g, const float *off, int64_t n)
{
    for (int64_t j = 0; j < n; j++) {
        float low = off[j] < 0 ? -1 : fabsf(g[j]) - off[j];
        least[j]  = low > least[j] ? low : least[j];
    }
}

/* 0: none is. */
AGOP__CLONES static int mark_candidates(uint8_t *marked, const float *least, const float *g, const float *off,
                                        int64_t n)
{
    uint8_t any = 0;

    for (int64_t j = 0; j < n; j++) {
        marked[j] = (uint8_t)((off[j] >= 0) & (fabsf(g[j]) + off[j] >= least[j]));
        any |= marked[j];
    }
    return any;
}

/* Some right panels, whose features stay near while those of one left unit after another meet them. */
typedef struct strip {
    int64_t first, panels, col[STRIP]; /* panels of the block, and where their features begin */
    int64_t number;                    /* among the shares */
} strip;

static const agop__panel *right_panel(const picking *k, const strip *r, int64_t q)
{
    return &k->x->t->panel[k->x->b->panel + r->first + q];
}

/* Unit i of the left panel meets those from this one on: of a block with itself each pair is looked at once. */
static int64_t first_other(const picking *k, const strip *r, int64_t q, int64_t i)
{
    return k->x->a != k->x->b || r->first + q > k->p ? 0 : r->first + q < k->p ? AGOP__PANEL : i;
}

static void add_picks(const picking *k, const strip *r, int64_t q, int64_t i, int64_t row, int64_t col,
                     const uint8_t *marked)
{
    agop__screen      *x     = k->x;
    const agop__panel *right = right_panel(k, r, q);
    int64_t            u     = x->s->unit[k->left->first + i].variable - x->a->variable;
    int64_t           *count = &x->picked[r->number];

    for (int64_t j = first_other(k, r, q, i); j < right->units; j++) {
        int64_t v = x->t->unit[right->first + j].variable - x->b->variable;
        if (marked[j])
            x->pick[x->start[r->number] + (*count)++] =
                (agop__pick){{(int32_t)row, (int32_t)(col + j)}, (int32_t)(u * x->b->variables + v)};
    }
}

/* Of unit i of the left panel, feature by feature. */
static void pick_unit(const picking *k, const strip *r, int64_t i)
{
    const agop__screen *x = k->x;
    int64_t             L = agop__block_terms(x->b);
    float               least[STRIP][AGOP__PANEL] = {{0}}, off[AGOP__PANEL];
    uint8_t             marked[AGOP__PANEL];

    for (int pass = 0; pass < 2; pass++)
        for (int64_t f = i; f < k->high; f += k->left->units)
            for (int64_t ql = 0; ql < r->panels * L; ql++) {
                int64_t      q = ql / L, v = right_panel(k, r, q)->units, col = r->col[q] + ql % L * v;
                const float *g = x->near + f * k->ld + col;
                if (first_other(k, r, q, i) >= v)
                    continue;
                errors_of(off, x->error[0][k->row + f], x->error[1] + col, v, k->first, k->second);
                if (pass == 0)
                    raise_least(least[q], g, off, v);
                else if (mark_candidates(marked, least[q], g, off, v))
                    add_picks(k, r, q, i, k->row + f, col, marked);
            }
}

/* Each strip has room for all of its correlations, one after another. */
static void pick_strip(void *user, int number)
{
    const picking *k = user;
    agop__screen  *x = k->x;
    strip          r = {.first = (int64_t)number * STRIP, .number = number * x->a->panels + k->p};
    int64_t        col = 0;

    r.panels = x->b->panels - r.first < STRIP ? x->b->panels - r.first : STRIP;
    for (int64_t q = 0; q < r.first + r.panels; q++) {
        if (q >= r.first)
            r.col[q - r.first] = col;
        col += x->t->panel[x->b->panel + q].units * agop__block_terms(x->b);
    }
    x->start[r.number] = k->row * k->ld + k->high * r.col[0];
    for (int64_t i = 0; i < k->left->units; i++)
        pick_unit(k, &r, i);
}

/* Of the first `panels` on the left, after so many rows; how many picks, or -1: too many. Of a block with itself half
 * of the panels are looked at. */
static agop_status choose(int64_t *count, agop__screen *x, agop_ctx *ctx, agop__tile *G, int64_t rows, int64_t panels)
{
    int64_t     strips = (x->b->panels + STRIP - 1) / STRIP, looked = 0;
    picking     k = {.x = x, .ld = G->cols, .first = (float)sqrt((double)rows / (double)x->s->t->rows),
                     .second = (float)sqrt((double)rows)};
    agop_status st;

    *count    = 0;
    x->shares = x->a->panels * strips;
    memset(x->picked, 0, (size_t)x->shares * sizeof *x->picked);
    TRY(take_errors(x, ctx, 0, x->s, x->a));
    TRY(take_errors(x, ctx, 1, x->t, x->b));
    if (x->a == x->b)
        TRY(op_mirror(ctx, G));
    for (; k.p < panels; k.p++, k.row += k.high) {
        agop__tile part;
        k.left = &x->s->panel[x->a->panel + k.p];
        k.high = k.left->units * agop__block_terms(x->a);
        part   = op_rows(ctx, G, k.row, k.high);
        TRY(op_get(ctx, x->near, k.ld, AGOP_F32, &part));
        agop__parallel(ctx->threads, (int)strips, pick_strip, &k);
        for (int64_t q = 0; q < strips; q++)
            *count += x->picked[q * x->a->panels + k.p];
        looked += k.high * (k.ld - (x->a == x->b ? k.row : 0));
    }
    if (*count > looked / MOST_PICKS)
        *count = -1;
done:
    return st;
}

/* What was picked of all strips, one after another, behind the seam. */
static agop_status put_picks(agop__screen *x, agop_ctx *ctx, int64_t count)
{
    int64_t     at = 0;
    agop_status st;

    drop_picks(x, ctx);
    x->value = agop__calloc(count, sizeof *x->value);
    if (!x->value)
        return agop__fail_memory(&ctx->err, 8.0 * (double)count, "correlations");
    TRY(op_alloc(ctx, &x->rows, count, 2, AGOP__I32));
    TRY(op_alloc(ctx, &x->sum, count, 1, AGOP_F64));
    TRY(op_put(ctx, &x->sum, x->value, 1, AGOP_F64));
    for (int64_t k = 0; k < x->shares; at += x->picked[k++]) {
        agop__tile rows = op_rows(ctx, &x->rows, at, x->picked[k]);
        TRY(op_put(ctx, &rows, x->pick[x->start[k]].row, sizeof *x->pick / sizeof(int32_t), AGOP__I32));
    }
done:
    return st;
}

agop_status agop__screen_try(int *few, agop__screen *x, agop_ctx *ctx, agop__tile *G, int64_t rows)
{
    int64_t     count;
    agop_status st;

    TRY(choose(&count, x, ctx, G, rows, 1));
    *few = count >= 0;
done:
    return st;
}

agop_status agop__screen_pick(int *few, agop__screen *x, agop_ctx *ctx, agop__tile *G)
{
    int64_t     count;
    agop_status st;

    TRY(choose(&count, x, ctx, G, x->s->t->rows, x->a->panels));
    *few = count >= 0;
    if (*few)
        TRY(put_picks(x, ctx, count));
done:
    return st;
}

/* ---- what was chosen ---- */

agop_status agop__screen_add_picks(agop__screen *x, agop_ctx *ctx, const agop__tile *A, const agop__tile *B)
{
    return op_row_products(ctx, &x->sum, A, B, &x->rows);
}

agop_status agop__screen_join(double *pairs, agop__screen *x, agop_ctx *ctx)
{
    const double *value = x->value;
    agop_status   st;

    TRY(op_get(ctx, x->value, 1, AGOP_F64, &x->sum));
    for (int64_t k = 0; k < x->shares; k++)
        for (int64_t i = 0; i < x->picked[k]; i++, value++) {
            double *to = &pairs[x->pick[x->start[k] + i].pair];
            *to        = fmax(*to, fmin(1, fabs(*value)));
        }
done:
    return st;
}
