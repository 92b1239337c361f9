/* compare.c - the scores that those of a fit stand beside: of a constant and of a linear model (linear.h), learned on
 * rows that the metric was learned on, judged on the rows that judged it. */
#include <string.h>

#include "base/memory.h"
#include "rfm/fit.h"
#include "rfm/linear.h"

/* Rows learn and judge are encoded. */
static agop_status compare_rows(agop__comparison *out, const agop__fit *f)
{
    const agop__rows *r     = &f->rows;
    int64_t           c     = f->target->outputs;
    size_t            width = (size_t)f->schema->numeric * agop__element(f->plan.dtype);
    agop__design      d     = {0};
    agop__linear      l     = {0};
    double           *y     = agop__malloc(r->judges * c, sizeof *y);
    agop_status       st    = AGOP_OK;

    if (!y) {
        st = agop__fail_memory(&f->ctx->err, 8.0 * (double)(r->judges * c), "predictions");
        goto done;
    }
    TRY(agop__design_open(&d, f->ctx, f->schema, 0));
    agop__design_rows(&d, r->x, r->code, f->plan.dtype, r->learn);
    TRY(agop__linear_learn(&l, f->ctx, &d, r->Y, c, r->weight, -1));
    agop__design_rows(&d, (const char *)r->x + (size_t)r->judge * width, r->code + r->judge * f->schema->groups,
                      f->plan.dtype, r->judges);
    agop__linear_constant(y, &l, r->judges);
    TRY(agop__fit_score(&out->baseline, f, y, r->judge, r->judges));
    TRY(agop__linear_apply(y, f->ctx, &l, &d));
    TRY(agop__fit_score(&out->linear, f, y, r->judge, r->judges));
    out->ridge = l.ridge;
    out->rows  = l.rows;
done:
    agop__linear_free(&l);
    agop__design_close(&d);
    free(y);
    return st;
}

/* Of a tree: the first rows that did not judge. */
static agop_status choose_learners(int64_t **out, int64_t *count, const agop__fit *f)
{
    char   *judges = agop__calloc(f->rows.total, 1);
    int64_t n      = 0;

    *out = agop__malloc(AGOP__LINEAR_ROWS, sizeof **out);
    if (!*out || !judges) {
        free(judges);
        return agop__fail_memory(&f->ctx->err, (double)f->rows.total, "a linear model");
    }
    for (int64_t i = 0; i < f->rows.judges; i++)
        judges[f->judge_row[i]] = 1;
    for (int64_t i = 0; i < f->rows.n && n < AGOP__LINEAR_ROWS; i++)
        if (!judges[i])
            (*out)[n++] = i;
    *count = n;
    free(judges);
    return AGOP_OK;
}

agop_status agop__fit_compare(agop__comparison *out, const agop__fit *f, const agop_settings *s)
{
    agop__fit   part    = {0};
    int64_t    *learner = NULL, n = 0;
    agop_status st;

    if (f->rows.judges == 0)
        return AGOP_OK;
    if (!f->judge_row)
        return compare_rows(out, f);
    TRY(choose_learners(&learner, &n, f));
    TRY(agop__fit_part(&part, f, f->ctx, s, learner, n, f->judge_row, f->rows.judges));
    TRY(compare_rows(out, &part));
done:
    agop__fit_free(&part);
    free(learner);
    return st;
}

void agop__comparison_free(agop__comparison *c)
{
    agop__scores_free(&c->baseline);
    agop__scores_free(&c->linear);
}
