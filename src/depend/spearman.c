/* spearman.c - rank correlation, pair by pair; see spearman.h. */
#include "depend/spearman.h"

#include <math.h>
#include <stdatomic.h>

#include "base/memory.h"
#include "base/threads.h"
#include "depend/measures.h"

enum { FEWEST = 4 }; /* rows that a correlation is told of */

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
    agop__measured        r = {.value = NAN};
    agop__err             e;
    double               *x = agop__malloc(2 * w->rows, sizeof *x);
    int64_t               n;

    if (!x) {
        atomic_store(&w->failed, 1);
    } else if (!u->field->is_text && !v->field->is_text) {
        agop__column_take(x, u->column, 0, w->rows);
        agop__column_take(x + w->rows, v->column, 0, w->rows);
        n = common(x, x + w->rows, w->rows);
        if (n >= FEWEST && agop__spearman(&r, x, x + w->rows, n, &e) != AGOP_OK)
            atomic_store(&w->failed, 1);
    }
    p->spearman = r.value;
    free(x);
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
