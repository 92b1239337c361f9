/* spearman.c - rank correlation, pair by pair; see spearman.h. */
#include "depend/spearman.h"

#include <math.h>
#include <stdatomic.h>

#include "base/memory.h"
#include "base/threads.h"

void agop__mid_ranks(double *rank, const double *v, int64_t n, agop__pair *scratch)
{
    agop__pair *p = scratch;

    for (int64_t i = 0; i < n; i++) /* + 0: the two zeros are one value */
        p[i] = (agop__pair){.key = agop__key(v[i] + 0.0), .value = i};
    agop__sort_pairs(p, scratch + n, n);
    for (int64_t i = 0, j; i < n; i = j) {
        for (j = i; j < n && p[j].key == p[i].key;)
            j++;
        for (int64_t k = i; k < j; k++)
            rank[p[k].value] = .5 * (double)(i + 1 + j);
    }
}

static double correlation(const double *x, const double *y, int64_t n)
{
    double middle = .5 * (double)(n + 1), xx = 0, yy = 0, xy = 0; /* the mean of ranks */

    for (int64_t i = 0; i < n; i++) {
        double u = x[i] - middle, v = y[i] - middle;
        xx += u * u;
        yy += v * v;
        xy += u * v;
    }
    return xx > 0 && yy > 0 ? xy / sqrt(xx * yy) : 0;
}

typedef struct work {
    agop_pair        *pair;
    const agop__side *left, *right;
    int64_t          *at_left, *at_right; /* where the variable of each number is */
    int64_t           rows;
    atomic_int        failed;
} work;

/* Rows that both have, close together; how many. */
static int64_t common(double *x, double *y, int64_t rows)
{
    int64_t n = 0;

    for (int64_t i = 0; i < rows; i++)
        if (!isnan(x[i]) && !isnan(y[i])) {
            x[n]   = x[i];
            y[n++] = y[i];
        }
    return n;
}

static void one_pair(void *user, int i)
{
    work                 *w = user;
    agop_pair            *p = &w->pair[i];
    const agop__variable *u = &w->left->variable[w->at_left[p->a]], *v = &w->right->variable[w->at_right[p->b]];
    double               *x, *y, *r, *s;
    agop__pair           *scratch;

    p->spearman = NAN;
    if (u->field->is_text || v->field->is_text)
        return;
    x       = agop__malloc(4 * w->rows, sizeof *x);
    scratch = agop__malloc(2 * w->rows, sizeof *scratch);
    if (x && scratch) {
        int64_t n;
        y = x + w->rows;
        r = y + w->rows;
        s = r + w->rows;
        agop__column_take(x, u->column, 0, w->rows);
        agop__column_take(y, v->column, 0, w->rows);
        n = common(x, y, w->rows);
        agop__mid_ranks(r, x, n, scratch);
        agop__mid_ranks(s, y, n, scratch);
        p->spearman = correlation(r, s, n);
    } else {
        atomic_store(&w->failed, 1);
    }
    free(x);
    free(scratch);
}

agop_status agop__spearman_pairs(agop_pair *pair, int64_t count, agop_ctx *ctx, const agop__side *left,
                                 const agop__side *right)
{
    work        w  = {.pair = pair, .left = left, .right = right, .at_left = agop__side_order(left),
                      .at_right = agop__side_order(right), .rows = left->t->rows};
    agop_status st = AGOP_OK;

    if (w.at_left && w.at_right)
        agop__parallel(ctx->threads, (int)count, one_pair, &w);
    if (!w.at_left || !w.at_right || atomic_load(&w.failed))
        st = agop__fail_memory(&ctx->err, 64.0 * (double)w.rows, "ranks");
    free(w.at_left);
    free(w.at_right);
    return st;
}
