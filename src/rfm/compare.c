/* compare.c - the scores that those of a fit stand beside: of a constant and of a linear model (linear.h), learned on
 * rows that the metric was learned on, judged on the rows that judged it. */
#include <string.h>

#include "base/memory.h"
#include "rfm/fit.h"
#include "rfm/linear.h"

static void take_rows(agop__design *d, const agop__fit *f, int64_t first, int64_t n)
{
    size_t width = (size_t)f->schema->numeric * agop__element(f->plan.dtype);
    agop__design_rows(d, (const char *)f->rows.x + (size_t)first * width, f->rows.code + first * f->schema->groups,
                      f->plan.dtype, n);
}

/* Outputs for rows first .. first+n-1 by models of rows from .. from+m-1; all are encoded. */
static agop_status predict_rows(agop__comparison *out, const agop__fit *f, int64_t first, int64_t n, int64_t from,
                                int64_t m)
{
    const agop__rows *r  = &f->rows;
    int64_t           c  = f->target->outputs, at = (first - out->first) * c;
    agop__design      d  = {0};
    agop__linear      l  = {0};
    agop_status       st;

    TRY(agop__design_open(&d, f->ctx, f->schema, 0));
    take_rows(&d, f, from, m);
    TRY(agop__linear_learn(&l, f->ctx, &d, r->Y + from * c, c, r->weight ? r->weight + from : NULL, -1));
    take_rows(&d, f, first, n);
    agop__linear_constant(out->constant + at, &l, n);
    TRY(agop__linear_apply(out->line + at, f->ctx, &l, &d));
    out->ridge = l.ridge;
    out->rows  = l.rows;
done:
    agop__linear_free(&l);
    agop__design_close(&d);
    return st;
}

/* Where halves judge, they may change their parts later: the half that learns is predicted by the other one. */
static agop_status predict_judges(agop__comparison *out, const agop__fit *f)
{
    const agop__rows *r      = &f->rows;
    int               halves = r->judge < r->n && f->plan.divisions != 1 && r->learn < r->n;
    int64_t           size;
    agop_status       st;

    out->first    = halves ? 0 : r->judge;
    size          = (r->judge + r->judges - out->first) * f->target->outputs;
    out->constant = agop__malloc(size, sizeof *out->constant);
    out->line     = agop__malloc(size, sizeof *out->line);
    if (!out->constant || !out->line)
        return agop__fail_memory(&f->ctx->err, 16.0 * (double)size, "predictions");
    if (halves)
        TRY(predict_rows(out, f, 0, r->learn, r->learn, r->n - r->learn));
    TRY(predict_rows(out, f, r->judge, r->judges, 0, r->learn));
done:
    return st;
}

agop_status agop__comparison_score(agop__comparison *c, const agop__fit *f)
{
    int64_t     at = (f->rows.judge - c->first) * f->target->outputs;
    agop_status st = AGOP_OK;

    if (c->rows == 0)
        return AGOP_OK;
    TRY(agop__fit_score(&c->baseline, f, c->constant + at, f->rows.judge, f->rows.judges));
    TRY(agop__fit_score(&c->linear, f, c->line + at, f->rows.judge, f->rows.judges));
done:
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
        return predict_judges(out, f);
    TRY(choose_learners(&learner, &n, f));
    TRY(agop__fit_part(&part, f, f->ctx, s, learner, n, f->judge_row, f->rows.judges));
    TRY(predict_judges(out, &part));
    TRY(agop__comparison_score(out, &part));
done:
    agop__fit_free(&part);
    free(learner);
    return st;
}

void agop__comparison_free(agop__comparison *c)
{
    agop__scores_free(&c->baseline);
    agop__scores_free(&c->linear);
    free(c->constant);
    free(c->line);
}
