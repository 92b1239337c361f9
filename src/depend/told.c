/* told.c - pairs by all threads, each by itself; see told.h. */
#include "depend/told.h"

#include <math.h>
#include <stdatomic.h>

#include "base/memory.h"
#include "base/threads.h"
#include "depend/classical.h"
#include "depend/permute.h"
#include "depend/signs.h"

#define RANK_BYTES 256e6

typedef struct telling {
    const agop_ids   *d;
    agop_pair        *pair;
    const agop__side *left, *right;
    int64_t          *at_left, *at_right; /* where the variable of each number is */
    atomic_int        failed;
} telling;

static void test_pair(void *user, int i)
{
    telling              *w = user;
    agop_pair            *p = &w->pair[i];
    const agop_ids       *d = w->d;
    const agop__variable *u = &w->left->variable[w->at_left[p->a]], *v = &w->right->variable[w->at_right[p->b]];
    agop__measured        m = {.log10p = NAN};
    agop__err             e;

    if (d->plan.measure == AGOP__IDS)
        m.log10p = agop__pair_log10p(u, v, agop__common_rows(u, v, d->rows), p->score, &d->plan, 0);
    else if (agop__is_correlation(d->plan.measure) && p->score > 0) /* 0: perhaps of a column that does not vary */
        m.log10p = agop__correlation_log10p(p->score, agop__common_rows(u, v, d->rows));
    else if (agop__measure_columns(&m, d->plan.measure, u, v, d->rows, &e) != AGOP_OK)
        atomic_store(&w->failed, 1);
    p->log10_p = m.log10p;
    p->log10_q = agop__keep_rate(&d->keep, m.log10p);
}

agop_status agop__tell_pairs(agop_pair *pair, int64_t *count, agop_ctx *ctx, const agop_ids *d)
{
    telling     w    = {.d = d, .pair = pair, .left = &d->side[0], .right = &d->side[d->self ? 0 : 1]};
    int64_t     told = 0;
    agop_status st   = AGOP_OK;

    w.at_left  = agop__side_order(w.left);
    w.at_right = agop__side_order(w.right);
    if (!w.at_left || !w.at_right) {
        st = agop__fail_memory(&ctx->err, 8.0 * (double)(w.left->variables + w.right->variables), "pairs");
        goto done;
    }
    if (d->plan.tested)
        agop__parallel(ctx->threads, (int)*count, test_pair, &w);
    for (int64_t i = 0; i < *count; i++)
        if (d->plan.fdr <= 0 || pair[i].log10_q <= log10(d->plan.fdr))
            pair[told++] = pair[i];
    *count = told;
    if (atomic_load(&w.failed)) {
        st = agop__fail_memory(&ctx->err, 64.0 * (double)d->rows, "a measure");
        goto done;
    }
    TRY(agop__sign_pairs(pair, told, ctx, d, w.at_left, w.at_right, RANK_BYTES));
    if (d->plan.permutations > 0)
        TRY(agop__permute_pairs(pair, told, ctx, d, w.at_left, w.at_right));
done:
    free(w.at_left);
    free(w.at_right);
    return st;
}
