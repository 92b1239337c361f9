/* influence.c - agop_influence: the terms of f(x) = sum_j alpha_j k(x, x_j), the largest first.
 *
 * One row after the other: all leaves that are asked about it give their terms, those of one training row (which may be
 * in several leaves and trees) are added, and the largest are kept. */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "rfm/explain.h"

typedef struct asked {
    agop__questions  q;
    agop__machine   *machine; /* one per leaf, opened when it is first asked */
    double          *weight;  /* of the outputs */
    double          *own;     /* the same for one member */
    double          *K;       /* kernel values of one leaf: most */
    agop_neighbour  *term;    /* of one row: room */
    int64_t          most, room;
} asked;

static int by_row_asked(const void *a, const void *b)
{
    const agop__question *x = a, *y = b;

    return x->row != y->row ? (x->row > y->row) - (x->row < y->row) : (x->leaf > y->leaf) - (x->leaf < y->leaf);
}

static int by_training_row(const void *a, const void *b)
{
    const agop_neighbour *x = a, *y = b;

    return (x->row > y->row) - (x->row < y->row);
}

static int by_influence(const void *a, const void *b)
{
    const agop_neighbour *x = a, *y = b;
    double                u = fabs(x->influence), v = fabs(y->influence);

    return u != v ? (u < v) - (u > v) : (x->row > y->row) - (x->row < y->row);
}

/* alpha_j of the output that is asked for; weight: of the outputs. */
static double coefficient(const agop__member *one, const double *weight, int64_t j, int64_t outputs)
{
    double sum = 0;

    for (int64_t o = 0; o < outputs; o++)
        sum += weight[o] * one->alpha[j * outputs + o];
    return sum;
}

/* A machine with a curve c predicts c(h), h = sum_j alpha_j k_j: terms are multiplied by (c(h) - c(0)) / h, so that
 * they add up to what they move the answer by. own: weight of the outputs, times that. */
static void follow_curve(double *own, const agop__member *one, const double *weight, const double *K, int64_t n,
                         int64_t outputs)
{
    for (int64_t o = 0; o < outputs; o++) {
        double h = 0;
        own[o]   = weight[o];
        for (int64_t j = 0; j < n && one->curve; j++)
            h += K[j] * one->alpha[j * outputs + o];
        if (one->curve)
            own[o] *= fabs(h) > 1e-9 ? (agop__curve_value(&one->curve[o], h) - agop__curve_value(&one->curve[o], 0)) / h
                                     : agop__curve_slope(&one->curve[o], h);
    }
}

/* The terms of one member, added to those of the members before. far: their distances are those to tell. */
static agop_status add_member(agop_neighbour *term, asked *a, agop__machine *k, int64_t i, const agop__question *ask,
                              int far)
{
    const agop_model   *m    = a->q.m;
    const agop__member *one  = &k->leaf->member[i];
    size_t              size = (size_t)m->schema.numeric * agop__element(m->dtype);
    agop__points        p    = {0};
    agop__tile          K    = {0};
    agop_status         st;

    TRY(agop__map_points(&p, &k->ready[i].map, (const char *)a->q.x + (size_t)ask->row * size, m->dtype,
                         a->q.code + ask->row * m->schema.groups, 1));
    TRY(op_alloc(k->ctx, &K, 1, k->leaf->n, m->dtype));
    TRY(op_kernel(k->ctx, &K, &k->ready[i].map.kernel, &p, &k->ready[i].centres));
    TRY(op_get(k->ctx, a->K, k->leaf->n, AGOP_F64, &K));
    follow_curve(a->own, one, a->weight, a->K, k->leaf->n, m->target.outputs);
    for (int64_t j = 0; j < k->leaf->n; j++) {
        term[j].influence += ask->weight * one->weight * a->K[j] * coefficient(one, a->own, j, m->target.outputs);
        if (far)
            term[j].distance = pow(-log(a->K[j]), 1 / one->shape.exponent);
    }
done:
    op_release(k->ctx, &K);
    agop__points_free(&p, k->ctx);
    return st;
}

static int64_t heaviest(const agop__leaf *leaf)
{
    int64_t best = 0;

    for (int64_t i = 1; i < leaf->members; i++)
        if (leaf->member[i].weight > leaf->member[best].weight)
            best = i;
    return best;
}

static agop_status ask_leaf(asked *a, const agop__question *ask, int64_t *count)
{
    agop__machine    *k    = &a->machine[ask->leaf];
    const agop__leaf *leaf = &a->q.m->leaf[ask->leaf];
    agop_neighbour   *term = a->term + *count;
    agop_status       st   = AGOP_OK;

    if (!k->ready)
        TRY(agop__machine_open(k, a->q.ctx, a->q.m, leaf));
    for (int64_t j = 0; j < leaf->n; j++)
        term[j] = (agop_neighbour){.row = leaf->row ? leaf->row[j] : -1};
    for (int64_t i = 0; i < leaf->members; i++)
        TRY(add_member(term, a, k, i, ask, i == heaviest(leaf)));
    *count += leaf->n;
done:
    return st;
}

/* Terms of one training row become one; the distance is that in the leaf where it is nearest. */
static int64_t merge(agop_neighbour *term, int64_t count)
{
    int64_t kept = 0;

    qsort(term, (size_t)count, sizeof *term, by_training_row);
    for (int64_t i = 0; i < count; i++) {
        if (kept == 0 || term[i].row < 0 || term[i].row != term[kept - 1].row) {
            term[kept++] = term[i];
            continue;
        }
        term[kept - 1].influence += term[i].influence;
        term[kept - 1].distance = fmin(term[kept - 1].distance, term[i].distance);
    }
    return kept;
}

static void keep_largest(agop_neighbour *out, int64_t k, agop_neighbour *term, int64_t count)
{
    double sum = 0;

    qsort(term, (size_t)count, sizeof *term, by_influence);
    for (int64_t i = 0; i < count; i++)
        sum += fabs(term[i].influence);
    for (int64_t i = 0; i < k; i++) {
        out[i]       = i < count ? term[i] : (agop_neighbour){.row = -1, .distance = INFINITY};
        out[i].share = sum > 0 ? fabs(out[i].influence) / sum : 0;
    }
}

/* Rows that one row can meet, and the largest leaf. */
static agop_status make_room(asked *a)
{
    const agop_model *m = a->q.m;
    agop__err        *e = &a->q.ctx->err;

    for (int64_t i = 0, now = 0; i < a->q.count; i++) {
        int64_t n = m->leaf[a->q.ask[i].leaf].n;
        now       = (i > 0 && a->q.ask[i].row == a->q.ask[i - 1].row ? now : 0) + n;
        a->most   = n > a->most ? n : a->most;
        a->room   = now > a->room ? now : a->room;
    }
    a->machine = agop__calloc(m->leaves, sizeof *a->machine);
    a->weight  = agop__malloc(m->target.outputs, sizeof *a->weight);
    a->own     = agop__malloc(m->target.outputs, sizeof *a->own);
    a->K       = agop__malloc(a->most, sizeof *a->K);
    a->term    = agop__malloc(a->room, sizeof *a->term);
    if (!a->machine || !a->weight || !a->own || !a->K || !a->term)
        return agop__fail_memory(e, 32.0 * (double)a->room, "influences");
    return AGOP_OK;
}

agop_status agop_influence(agop_neighbour *out, agop_ctx *ctx, const agop_model *m, const agop_table *t,
                           const int64_t *output, int64_t k)
{
    asked       a       = {0};
    double      started = agop__now(), offset;
    int64_t     count   = 0;
    agop_status st;

    if (!ctx)
        return AGOP_E_ARG;
    if (!out || !m || !t || k < 1)
        return agop__fail(&ctx->err, AGOP_E_ARG, "influences need a place for them, a model, a table, and how many");
    TRY(agop__questions_make(&a.q, ctx, m, t, output));
    qsort(a.q.ask, (size_t)a.q.count, sizeof *a.q.ask, by_row_asked);
    TRY(make_room(&a));
    for (int64_t i = 0; i < a.q.count; i++) {
        const agop__question *ask = &a.q.ask[i];
        if (agop__tell(ctx, "explain", ask->row, t->rows, started, NULL)) {
            st = agop__fail(&ctx->err, AGOP_E_STOPPED, "stopped while explaining rows");
            goto done;
        }
        TRY(agop__output_weights(&offset, a.weight, ctx, &m->target, ask->output));
        TRY(ask_leaf(&a, ask, &count));
        if (i + 1 < a.q.count && ask[1].row == ask->row)
            continue;
        count = merge(a.term, count);
        keep_largest(out + ask->row * k, k, a.term, count);
        count = 0;
    }
done:
    for (int64_t l = 0; a.machine && l < m->leaves; l++)
        if (a.machine[l].ready)
            agop__machine_close(&a.machine[l]);
    free(a.machine);
    free(a.weight);
    free(a.own);
    free(a.K);
    free(a.term);
    agop__questions_free(&a.q);
    return st;
}
