/* questions.c - rows of a table as questions to the leaves of a model: see explain.h. */
#include <string.h>

#include "base/memory.h"
#include "rfm/explain.h"

static int in_order(const void *a, const void *b)
{
    const agop__question *x = a, *y = b;

    if (x->leaf != y->leaf)
        return x->leaf < y->leaf ? -1 : 1;
    if (x->output != y->output)
        return x->output < y->output ? -1 : 1;
    return (x->row > y->row) - (x->row < y->row);
}

/* The output to explain of each row: as asked, or the first target, or the class that is answered. */
static agop_status settle_outputs(int64_t *to, const agop__questions *q, const agop_table *t, const int64_t *output)
{
    const agop__target *g     = &q->m->target;
    int64_t             width = agop__target_width(g);
    double             *p     = NULL;
    agop_status         st    = AGOP_OK;

    for (int64_t i = 0; i < q->rows; i++) {
        to[i] = output ? output[i] : 0;
        if (to[i] < 0 || to[i] >= width)
            return agop__fail(&q->ctx->err, AGOP_E_ARG, "output %lld of row %lld: the model has %lld",
                              (long long)to[i], (long long)i, (long long)width);
    }
    if (output || !g->classification)
        return AGOP_OK;
    p = agop__malloc(q->rows * width, sizeof *p);
    if (!p)
        return agop__fail_memory(&q->ctx->err, 8.0 * (double)(q->rows * width), "probabilities");
    TRY(agop__predict_rows(p, NULL, q->ctx, q->m, t));
    for (int64_t i = 0; i < q->rows; i++)
        to[i] = agop__target_decide(g, p + i * width);
done:
    free(p);
    return st;
}

static agop_status ask(agop__questions *q, const int64_t *output)
{
    const agop_model *m     = q->m;
    int64_t           most  = m->tree.trees ? m->tree.most * m->tree.trees : 1;
    size_t            width = (size_t)m->schema.numeric * agop__element(m->dtype);
    agop__share      *share = agop__malloc(most, sizeof *share);

    q->ask = agop__malloc(q->rows * most, sizeof *q->ask);
    if (!share || !q->ask) {
        free(share);
        return agop__fail_memory(&q->ctx->err, 32.0 * (double)(q->rows * most), "questions");
    }
    for (int64_t i = 0; i < q->rows; i++) {
        int64_t count = agop__route(share, m, (const char *)q->x + (size_t)i * width, q->code + i * m->schema.groups,
                                    m->tree.temperature);
        for (int64_t k = 0; k < count; k++)
            q->ask[q->count++] =
                (agop__question){.leaf = share[k].leaf, .output = output[i], .row = i, .weight = share[k].weight};
    }
    qsort(q->ask, (size_t)q->count, sizeof *q->ask, in_order);
    free(share);
    return AGOP_OK;
}

agop_status agop__questions_make(agop__questions *out, agop_ctx *ctx, const agop_model *m, const agop_table *t,
                                 const int64_t *output)
{
    agop__surprises seen   = {0};
    int64_t        *settle = agop__malloc(t->rows, sizeof *settle);
    agop_status     st     = AGOP_OK;

    *out = (agop__questions){.ctx  = ctx,
                             .m    = m,
                             .rows = t->rows,
                             .x    = agop__aligned(t->rows * m->schema.numeric, agop__element(m->dtype)),
                             .code = agop__malloc(t->rows * m->schema.groups, sizeof *out->code)};
    if (!settle || !out->x || !out->code) {
        st = agop__fail_memory(&ctx->err, 8.0 * (double)(t->rows * m->schema.numeric), "the encoded rows");
        goto done;
    }
    TRY(agop__schema_encode(out->x, m->dtype, out->code, &m->schema, ctx, t, 0, t->rows, &seen));
    TRY(settle_outputs(settle, out, t, output));
    if (output || !m->target.classification) /* else the prediction has told it */
        agop__note_surprises(ctx, &seen);
    TRY(ask(out, settle));
done:
    free(settle);
    if (st != AGOP_OK)
        agop__questions_free(out);
    return st;
}

void agop__questions_free(agop__questions *q)
{
    free(q->x);
    free(q->code);
    free(q->ask);
    memset(q, 0, sizeof *q);
}

int64_t agop__questions_alike(const agop__questions *q, int64_t first)
{
    int64_t end = first;

    while (end < q->count && q->ask[end].leaf == q->ask[first].leaf && q->ask[end].output == q->ask[first].output)
        end++;
    return end - first;
}

void agop__questions_rows(void *x, int32_t *code, const agop__questions *q, const agop__question *ask, int64_t n)
{
    size_t  width = (size_t)q->m->schema.numeric * agop__element(q->m->dtype);
    int64_t g     = q->m->schema.groups;

    for (int64_t i = 0; i < n; i++) {
        memcpy((char *)x + (size_t)i * width, (const char *)q->x + (size_t)ask[i].row * width, width);
        memcpy(code + i * g, q->code + ask[i].row * g, (size_t)g * sizeof *code);
    }
}
