/* score.c - every pair of blocks: correlations of all their features as one product, joined into scores.
 *
 * Features are made anew for every pair of blocks, a few thousand rows at a time; those of the first block, and where
 * they are wanted twice (screen.c) of the second, are kept for all rows where they fit. Of a block with itself only one
 * triangle is computed. Where a block has missing cells both sides carry squares and presence, and every correlation is
 * that of the rows that both have. Of two sparse blocks the non-zeros are multiplied, always in double, and nothing is
 * done for the other cells. */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/threads.h"
#include "depend/finished.h"
#include "depend/panel_features.h"
#include "depend/screen.h"

enum { ROWS = 2048 }; /* at a time */
#define KEPT_BYTES 128e6 /* features of two blocks for all rows, at most */
#define NEAR_BYTES 10e6  /* features of the non-zeros of a block that are multiplied at a time: a third cache or less */

typedef struct scoring {
    agop_ids   *d;
    agop_ctx   *ctx;
    int64_t     rows, step; /* observations; at a time */
    agop__tile  left, right, product, strength;
    agop__tile  sums, exact, sum[2]; /* of sparse blocks, f64: product, strength, and sums of features of either side */
    agop__room  values; /* of the variables of either side */
    double     *host;   /* scores of a pair of panels */
    double     *pairs;  /* of a pair of blocks, by variable */
    double     *count, *log10p; /* the same, where p-values are asked for: rows that both have, and p */
    const agop__block *held, *full; /* `left`, and `right`, hold all rows of its features; NULL: of no block */
    agop__batch batch; /* of a pair of blocks */
    agop__screen screen; /* where the plan has one */
    double      done, total, started;
} scoring;

static const agop__side *side_of(const agop_ids *d, int which)
{
    return &d->side[d->self ? 0 : which];
}

/* ---- features ---- */

/* Rows first .. of a block on the left; *out is a view. */
static agop_status left_features(agop__tile *out, scoring *w, const agop__block *b, int pairwise, int64_t first,
                                 int64_t n)
{
    const agop__side *s    = side_of(w->d, 0);
    agop__tile        rows = op_rows(w->ctx, &w->left, 0, agop__block_rows(s, b, pairwise));

    if (w->held) {
        *out = op_cols(w->ctx, &rows, first, n);
        return AGOP_OK;
    }
    *out = op_cols(w->ctx, &rows, 0, n);
    return agop__block_features(out, w->ctx, &w->values, s, b, pairwise, first, n, &w->d->plan);
}

/* All rows of a block that will meet many others, if there is room for them. */
static agop_status hold(scoring *w, const agop__block *b, int pairwise)
{
    const agop__side *s = side_of(w->d, 0);
    agop__tile        rows, part;
    agop_status       st = AGOP_OK;

    if (w->held == b && !pairwise)
        return AGOP_OK;
    w->held = NULL; /* what follows is written over it */
    if (w->left.cols < w->rows || pairwise)
        return AGOP_OK;
    rows = op_rows(w->ctx, &w->left, 0, agop__block_rows(s, b, 0));
    for (int64_t i = 0; i < w->rows; i += w->step) {
        int64_t n = w->rows - i < w->step ? w->rows - i : w->step;
        part      = op_cols(w->ctx, &rows, i, n);
        TRY(agop__block_features(&part, w->ctx, &w->values, s, b, 0, i, n, &w->d->plan));
    }
    w->held = b;
done:
    return st;
}

/* ---- pairs of variables ---- */

static void clear_pairs(scoring *w, const agop__block *a, const agop__block *b, int pairwise)
{
    memset(w->pairs, 0, (size_t)(a->variables * b->variables) * sizeof *w->pairs);
    for (int64_t i = 0; w->count && i < a->variables * b->variables; i++)
        w->count[i] = pairwise ? 0 : (double)w->rows;
}

/* ---- products ---- */

/* What is done with features A of one block and B of another over the same rows; where the blocks are one, so are A
 * and B. first: row of the table. */
typedef agop_status meeting(scoring *w, agop__tile *G, const agop__tile *A, const agop__tile *B, int64_t first);

/* Over rows first .. last - 1, which come in turn. */
static agop_status meet(scoring *w, agop__tile *G, const agop__block *a, const agop__block *b, int64_t first,
                        int64_t last, meeting *fn)
{
    int               pairwise = a->missing || b->missing, ready = w->full == b && !pairwise;
    const agop__side *s = side_of(w->d, 1);
    agop__tile        A, B, rows = op_rows(w->ctx, &w->right, 0, agop__block_rows(s, b, pairwise));
    agop_status       st = AGOP_OK;

    TRY(hold(w, a, pairwise));
    if (!ready)
        w->full = NULL;
    for (int64_t i = first; i < last; i += w->step) {
        int64_t n = last - i < w->step ? last - i : w->step;
        TRY(left_features(&A, w, a, pairwise, i, n));
        B = op_cols(w->ctx, &rows, w->right.cols == w->rows ? i : 0, n);
        if (a != b && !ready)
            TRY(agop__block_features(&B, w->ctx, &w->values, s, b, pairwise, i, n, &w->d->plan));
        TRY(fn(w, G, &A, a == b ? &A : &B, i));
    }
    if (a != b && !pairwise && w->right.cols == w->rows && last == w->rows)
        w->full = b;
done:
    return st;
}

/* G += A B' ; of one block with itself the lower triangle. */
static agop_status add_products(scoring *w, agop__tile *G, const agop__tile *A, const agop__tile *B, int64_t first)
{
    int more = first > 0;

    if (A == B)
        return w->d->plan.units ? op_syrk16(w->ctx, A, more, G) : op_syrk(w->ctx, 0, 1, A, more, G);
    return w->d->plan.units ? op_gemm16(w->ctx, 0, 1, 1, A, B, more, G) : op_gemm(w->ctx, 0, 1, 1, A, B, more, G);
}

/* Sums over all rows of products of features of a (left) and b (right). */
static agop_status sum_products(scoring *w, agop__tile *G, const agop__block *a, const agop__block *b)
{
    agop_status st;

    TRY(meet(w, G, a, b, 0, w->rows, add_products));
    if (a == b)
        TRY(op_mirror(w->ctx, G));
done:
    return st;
}

/* Where products of a and b go: in w->product. */
static void product_of(agop__tile *G, scoring *w, const agop__block *a, const agop__block *b, int pairwise)
{
    *G = op_rows(w->ctx, &w->product, 0, agop__block_rows(side_of(w->d, 0), a, pairwise));
    *G = op_cols(w->ctx, G, 0, agop__block_rows(side_of(w->d, 1), b, pairwise));
}

/* ---- by bytes ---- */

static agop_status add_bytes(scoring *w, agop__tile *G, const agop__tile *A, const agop__tile *B, int64_t first)
{
    return agop__screen_add_bytes(&w->screen, w->ctx, G, A, B, first);
}

static agop_status add_picks(scoring *w, agop__tile *G, const agop__tile *A, const agop__tile *B, int64_t first)
{
    (void)G;
    (void)first;
    return agop__screen_add_picks(&w->screen, w->ctx, A, B);
}

/* *done: 1 where scores of a and b are in w->pairs; else all correlations must be computed. */
static agop_status screen_blocks(int *done, scoring *w, const agop__block *a, const agop__block *b)
{
    const agop__side *s = side_of(w->d, 0), *t = side_of(w->d, 1);
    agop__tile        G;
    agop_status       st = AGOP_OK;

    product_of(&G, w, a, b, 0);
    *done = w->d->plan.screened && agop__screen_fits(s, a) && agop__screen_fits(t, b);
    if (*done) {
        TRY(agop__screen_begin(&w->screen, w->ctx, s, a, t, b));
        TRY(meet(w, &G, a, b, 0, w->step, add_bytes));
        if (w->step < w->rows)
            TRY(agop__screen_try(done, &w->screen, w->ctx, &G, w->step));
    }
    if (*done) {
        TRY(meet(w, &G, a, b, w->step, w->rows, add_bytes));
        TRY(agop__screen_pick(done, &w->screen, w->ctx, &G));
    }
    if (*done) {
        TRY(meet(w, NULL, a, b, 0, w->rows, add_picks));
        clear_pairs(w, a, b, 0);
        TRY(agop__screen_join(w->pairs, &w->screen, w->ctx));
    }
done:
    return st;
}

/* ---- products of non-zeros ---- */

/* Rows at a time, of which neither block has more non-zeros than stay near. */
static int64_t step_of(const scoring *w, const agop__block *a, const agop__block *b)
{
    int64_t left = agop__block_cells(side_of(w->d, 0), a), right = agop__block_cells(side_of(w->d, 1), b);
    double  bytes = 8.0 * b->terms * (double)(left > right ? left : right);
    int64_t parts = 1 + (int64_t)(bytes / NEAR_BYTES);

    return (w->rows + parts - 1) / parts;
}

/* The correlations of a and b, both sparse. With z what a feature exceeds that of a zero by, sums over all rows:
 * sum z z' - sum z sum z' / n. */
static agop_status sum_cells(scoring *w, agop__tile *G, const agop__block *a, const agop__block *b, int same)
{
    const agop__side *s = side_of(w->d, 0), *t = side_of(w->d, 1);
    agop__excess      x = {0}, y = {0};
    int64_t           step = step_of(w, a, b);
    agop__tile        left  = op_rows(w->ctx, &w->sum[0], 0, agop__block_rows(s, a, 0));
    agop__tile        right = op_rows(w->ctx, &w->sum[1], 0, agop__block_rows(t, b, 0));
    agop_status       st;

    *G = op_rows(w->ctx, &w->sums, 0, left.rows);
    *G = op_cols(w->ctx, G, 0, right.rows);
    TRY(agop__block_sums(&left, w->ctx, s, a));
    TRY(agop__block_sums(&right, w->ctx, t, b));
    TRY(op_gemm(w->ctx, 0, 1, -1 / (double)w->rows, &left, &right, 0, G));
    for (int64_t i = 0; i < w->rows; i += step) {
        int64_t n = w->rows - i < step ? w->rows - i : step;
        TRY(agop__excess_open(&y, w->ctx, t, b, i, n, &w->d->plan));
        if (!same)
            TRY(agop__excess_open(&x, w->ctx, s, a, i, n, &w->d->plan));
        TRY(op_cell_products(w->ctx, G, same ? &y.terms : &x.terms, same ? &y.cells : &x.cells, &y.terms, &y.cells, n,
                             AGOP__PANEL, same));
        agop__excess_close(&x, w->ctx);
        agop__excess_close(&y, w->ctx);
    }
done:
    agop__excess_close(&x, w->ctx);
    agop__excess_close(&y, w->ctx);
    return st;
}

/* ---- what rounding did ---- */

/* A column of numbers of a block's features, as a tile. */
static agop_status put_features(agop__tile *out, scoring *w, const agop__side *s, const agop__block *b, int stretch)
{
    int64_t     at = 0;
    agop_status st;

    TRY(op_alloc(w->ctx, out, agop__block_rows(s, b, 0), 1, AGOP_F32));
    for (int64_t p = b->panel; p < b->panel + b->panels; p++) {
        const agop__panel *panel = &s->panel[p];
        agop__tile         part  = op_rows(w->ctx, out, at, panel->units * agop__block_terms(b));
        TRY(op_put(w->ctx, &part, stretch ? panel->stretch : panel->bias, 1, AGOP_F64));
        at += part.rows;
    }
done:
    return st;
}

/* C = alpha u v' + beta C of the biases of a and b, or of their stretches. */
static agop_status outer_product(scoring *w, agop__tile *C, double alpha, const agop__block *a, const agop__block *b,
                                 int stretch, double beta)
{
    agop__tile  left = {0}, right = {0};
    agop_status st;

    TRY(put_features(&left, w, side_of(w->d, 0), a, stretch));
    TRY(put_features(&right, w, side_of(w->d, 1), b, stretch));
    TRY(op_gemm(w->ctx, 0, 1, alpha, &left, &right, beta, C));
done:
    op_release(w->ctx, &left);
    op_release(w->ctx, &right);
    return st;
}

/* Rounded to bf16 features are not quite of mean 0 and length 1, the more so where many values are alike: with b the
 * sums over sqrt(n), G - b b' are the covariances of what was multiplied. */
static agop_status settle_rounding(scoring *w, agop__tile *G, const agop__block *a, const agop__block *b)
{
    agop__tile  scale = {0};
    agop_status st;

    TRY(outer_product(w, G, -1, a, b, 0, 1));
    TRY(op_alloc(w->ctx, &scale, G->rows, G->cols, AGOP_F32));
    TRY(outer_product(w, &scale, 1, a, b, 1, 0));
    TRY(op_multiply(w->ctx, G, &scale));
done:
    op_release(w->ctx, &scale);
    return st;
}

/* ---- scores ---- */

/* How many rows both have: products of presence, the last rows and columns. */
static agop_status count_common(scoring *w, const agop__tile *G, const agop__block *a, const agop__block *b,
                                const agop__panel *p, const agop__panel *q)
{
    const agop__side *s = side_of(w->d, 0), *t = side_of(w->d, 1);
    agop__tile        N = op_rows(w->ctx, G, G->rows - p->units, p->units);
    agop_status       st;

    N = op_cols(w->ctx, &N, G->cols - q->units, q->units);
    TRY(op_get(w->ctx, w->host, AGOP__PANEL, AGOP_F64, &N));
    for (int64_t i = 0; i < p->units; i++)
        for (int64_t j = 0; j < q->units; j++) {
            int64_t u = s->unit[p->first + i].variable - a->variable, v = t->unit[q->first + j].variable - b->variable;
            w->count[u * b->variables + v] = w->host[i * AGOP__PANEL + j];
        }
done:
    return st;
}

/* Scores of a pair of panels into w->pairs: of categories the largest over levels. */
static agop_status join_panels(scoring *w, const agop__tile *G, const agop__block *a, const agop__block *b,
                               const agop__panel *p, const agop__panel *q, int pairwise)
{
    const agop__side *s = side_of(w->d, 0), *t = side_of(w->d, 1);
    agop__tile        S = op_rows(w->ctx, a->sparse && b->sparse ? &w->exact : &w->strength, 0, p->units);
    agop_status       st;

    S = op_cols(w->ctx, &S, 0, q->units);
    TRY(op_strength(w->ctx, &S, G, agop__block_terms(a), agop__block_terms(b), w->d->plan.norm, pairwise));
    TRY(op_get(w->ctx, w->host, AGOP__PANEL, AGOP_F64, &S));
    for (int64_t i = 0; i < p->units; i++)
        for (int64_t j = 0; j < q->units; j++) {
            int64_t u = s->unit[p->first + i].variable - a->variable, v = t->unit[q->first + j].variable - b->variable;
            double *to = &w->pairs[u * b->variables + v];
            *to        = fmax(*to, fmin(1, w->host[i * AGOP__PANEL + j])); /* rounding knows no limit */
        }
    if (pairwise && w->d->plan.tested)
        TRY(count_common(w, G, a, b, p, q));
done:
    return st;
}

static agop_status join_blocks(scoring *w, const agop__tile *G, const agop__block *a, const agop__block *b, int same,
                               int pairwise)
{
    const agop__side *s = side_of(w->d, 0), *t = side_of(w->d, 1);
    int64_t           high = agop__unit_rows(a, pairwise), wide = agop__unit_rows(b, pairwise), row = 0;
    agop_status       st = AGOP_OK;

    clear_pairs(w, a, b, pairwise);
    for (int64_t p = 0; p < a->panels; p++) {
        const agop__panel *left = &s->panel[a->panel + p];
        agop__tile         rows = op_rows(w->ctx, G, row, high * left->units);
        int64_t            col  = 0;
        for (int64_t q = 0; q < b->panels; q++) {
            const agop__panel *right = &t->panel[b->panel + q];
            agop__tile         part  = op_cols(w->ctx, &rows, col, wide * right->units);
            if (!same || q >= p)
                TRY(join_panels(w, &part, a, b, left, right, pairwise));
            col += part.cols;
        }
        row += rows.rows;
    }
done:
    return st;
}

/* ---- pairs ---- */

typedef struct telling {
    scoring              *w;
    const agop__variable *u, *v; /* of blocks a and b */
    const agop__block    *a, *b;
    int                   same;
} telling;

/* Of a block with itself a pair may stand on either side of the diagonal: levels of two variables share panels. */
static double larger_of_both(const telling *t, const double *of, int64_t i, int64_t j)
{
    double one = of[i * t->b->variables + j];
    return t->same ? fmax(one, of[j * t->b->variables + i]) : one;
}

/* Significance of variable i of a with all of b; where it is not small, something that is not, either. */
static void test_row(void *user, int i)
{
    const telling        *t = user;
    const agop__ids_plan *p = &t->w->d->plan;

    for (int64_t j = t->same ? i + 1 : 0; j < t->b->variables; j++) {
        double  score = larger_of_both(t, t->w->pairs, i, j);
        int64_t n     = (int64_t)(t->w->count ? larger_of_both(t, t->w->count, i, j) : (double)t->w->rows);
        double *to    = &t->w->log10p[i * t->b->variables + j];
        *to           = agop__pair_log10p(&t->u[i], &t->v[j], n, score, p, log10(p->stored));
    }
}

static agop_status tell_pairs(scoring *w, const agop__block *a, const agop__block *b, int same)
{
    telling     t  = {.w = w, .a = a, .b = b, .same = same, .u = side_of(w->d, 0)->variable + a->variable,
                      .v = side_of(w->d, 1)->variable + b->variable};
    agop_status st = AGOP_OK;

    if (w->log10p)
        agop__parallel(w->ctx->threads, (int)a->variables, test_row, &t);
    for (int64_t i = 0; i < a->variables; i++)
        for (int64_t j = same ? i : 0; j < b->variables; j++) {
            double log10p = w->log10p && !(same && i == j) ? w->log10p[i * b->variables + j] : (double)NAN;
            TRY(agop__batch_add(&w->batch, t.u[i].number, t.v[j].number, larger_of_both(&t, w->pairs, i, j), log10p));
        }
done:
    return st;
}

/* A variable with itself is one of them. */
static double pairs_of(const agop__block *a, const agop__block *b)
{
    return (double)a->variables * (double)(a == b ? a->variables + 1 : b->variables) / (a == b ? 2 : 1);
}

static agop_status score_cells(scoring *w, const agop__block *a, const agop__block *b, int same)
{
    agop__tile  G;
    agop_status st;

    TRY(sum_cells(w, &G, a, b, same));
    TRY(join_blocks(w, &G, a, b, same, 0));
done:
    return st;
}

static agop_status score_features(scoring *w, const agop__block *a, const agop__block *b, int same)
{
    int         pairwise = a->missing || b->missing, done;
    agop__tile  G;
    agop_status st;

    product_of(&G, w, a, b, pairwise);
    TRY(screen_blocks(&done, w, a, b));
    if (done) {
        w->d->screened += pairs_of(a, b);
        goto done;
    }
    TRY(sum_products(w, &G, a, b));
    if (w->d->plan.units && !pairwise)
        TRY(settle_rounding(w, &G, a, b));
    TRY(join_blocks(w, &G, a, b, same, pairwise));
done:
    return st;
}

/* number: of this pair of blocks, whatever was done before */
static agop_status score_blocks(scoring *w, const agop__block *a, const agop__block *b, int same, int64_t number)
{
    int         there;
    agop_status st = AGOP_OK;

    TRY(agop__tell_scored(w->ctx, w->done, w->total, w->started));
    w->done += (double)a->variables * (double)b->variables;
    TRY(agop__batch_begin(&there, &w->batch, (uint64_t)number));
    if (there)
        goto done;
    if (a->panels == 0 || b->panels == 0)
        clear_pairs(w, a, b, a->missing || b->missing);
    else if (a->sparse && b->sparse)
        TRY(score_cells(w, a, b, same));
    else
        TRY(score_features(w, a, b, same));
    w->d->scored += pairs_of(a, b);
    TRY(tell_pairs(w, a, b, same));
    agop__batch_end(&w->batch);
done:
    return st;
}

/* Features of a level are one, and all levels are alike: the largest of several tests. Two levels are one test. */
static double tests_of(const agop__variable *v)
{
    int64_t levels = v->field->is_text ? v->field->levels.count - (v->field->missing_level >= 0) : 1;

    return levels > 2 ? (double)levels : 1;
}

double agop__pair_log10p(const agop__variable *u, const agop__variable *v, int64_t n, double score,
                         const agop__ids_plan *plan, double limit)
{
    double tests = log10(tests_of(u) * tests_of(v));

    return fmin(0, agop__null_log10p(u->null, v->null, n, plan->norm, score, limit - tests) + tests);
}

/* ---- room ---- */

/* Rows of features and variables of the largest block, and whether some block has missing cells. */
static void widest(int64_t *rows, int64_t *variables, const agop__side *s, int pairwise)
{
    for (int64_t k = 0; k < s->blocks; k++) {
        int64_t here = agop__block_rows(s, &s->block[k], pairwise);
        *rows        = here > *rows ? here : *rows;
        *variables   = s->block[k].variables > *variables ? s->block[k].variables : *variables;
    }
}

/* Some blocks have missing cells, or are sparse, or are not. */
typedef struct kinds {
    int missing, sparse, other;
} kinds;

static kinds kinds_of(const agop__side *s)
{
    kinds some = {0};

    for (int64_t k = 0; k < s->blocks; k++) {
        some.missing |= s->block[k].missing;
        some.sparse |= s->block[k].sparse;
        some.other |= !s->block[k].sparse;
    }
    return some;
}

static agop_status open_host(scoring *w, int64_t pairs)
{
    w->pairs = agop__malloc(pairs, sizeof *w->pairs);
    w->host  = agop__malloc(AGOP__PANEL * AGOP__PANEL, sizeof *w->host);
    if (w->d->plan.tested) {
        w->log10p = agop__malloc(pairs, sizeof *w->log10p);
        w->count  = agop__malloc(pairs, sizeof *w->count);
    }
    if (!w->pairs || !w->host || (w->d->plan.tested && (!w->count || !w->log10p)))
        return agop__fail_memory(&w->ctx->err, 8.0 * (double)pairs, "scores");
    return AGOP_OK;
}

static agop_status open_sparse(scoring *w, int64_t left, int64_t right)
{
    agop_status st;

    TRY(op_alloc(w->ctx, &w->sums, left, right, AGOP_F64));
    TRY(op_alloc(w->ctx, &w->exact, AGOP__PANEL, AGOP__PANEL, AGOP_F64));
    TRY(op_alloc(w->ctx, &w->sum[0], left, 1, AGOP_F64));
    TRY(op_alloc(w->ctx, &w->sum[1], right, 1, AGOP_F64));
done:
    return st;
}

static agop_status open_scoring(scoring *w)
{
    const agop__side *s = side_of(w->d, 0), *t = side_of(w->d, 1);
    kinds             ours = kinds_of(s), theirs = kinds_of(t);
    int32_t           dtype = w->d->plan.dtype;
    int               pairwise = ours.missing || theirs.missing;
    int64_t           left = 0, right = 0, u = 0, v = 0;
    double            room = KEPT_BYTES;
    agop_status       st;

    w->rows = s->t->rows;
    w->step = w->rows < ROWS ? w->rows : ROWS;
    widest(&left, &u, s, pairwise);
    widest(&right, &v, t, pairwise);
    TRY(open_host(w, u * v));
    if (ours.sparse && theirs.sparse)
        TRY(open_sparse(w, left, right));
    if (!ours.other && !theirs.other)
        goto done;
    if (w->d->plan.screened)
        TRY(agop__screen_open(&w->screen, w->ctx, s, t));
    for (int side = 0; side < 2; side++) {
        int64_t rows  = side ? right : left;
        double  bytes = (double)rows * (double)w->rows * (dtype == AGOP_F64 ? 8 : 4);
        int     again = t->blocks > 1 && (side == 0 || w->screen.near); /* its features are wanted more than once */
        if (again && bytes <= room)
            room -= bytes;
        else
            again = 0;
        TRY(op_alloc(w->ctx, side ? &w->right : &w->left, rows, again ? w->rows : w->step, dtype));
    }
    TRY(op_alloc(w->ctx, &w->product, left, right, dtype));
    TRY(op_alloc(w->ctx, &w->strength, AGOP__PANEL, AGOP__PANEL, dtype));
    TRY(agop__room_open(&w->values, w->ctx, s, t, w->step));
done:
    return st;
}

static void close_scoring(scoring *w)
{
    op_release(w->ctx, &w->left);
    op_release(w->ctx, &w->right);
    op_release(w->ctx, &w->product);
    op_release(w->ctx, &w->strength);
    op_release(w->ctx, &w->sums);
    op_release(w->ctx, &w->exact);
    op_release(w->ctx, &w->sum[0]);
    op_release(w->ctx, &w->sum[1]);
    agop__room_close(&w->values, w->ctx);
    agop__screen_close(&w->screen, w->ctx);
    agop__batch_free(&w->batch);
    free(w->host);
    free(w->pairs);
    free(w->count);
    free(w->log10p);
}

agop_status agop__ids_run(agop_ids *d, agop_ctx *ctx, double started)
{
    const agop__side *s = side_of(d, 0), *t = side_of(d, 1);
    scoring           w = {.d = d, .ctx = ctx, .started = started, .batch = {.d = d, .e = &ctx->err}};
    agop_status       st;

    w.total = (double)s->variables * (double)t->variables / (d->self ? 2 : 1);
    TRY(open_scoring(&w));
    for (int64_t i = 0; i < s->blocks; i++)
        for (int64_t j = d->self ? i : 0; j < t->blocks; j++)
            TRY(score_blocks(&w, &s->block[i], &t->block[j], d->self && i == j, i * t->blocks + j));
    if (d->plan.tested)
        TRY(agop__keep_rates(&d->keep, &ctx->err));
done:
    close_scoring(&w);
    return st;
}
