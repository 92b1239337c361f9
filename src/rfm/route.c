/* route.c - which leaves are asked about a row, and what they say together.
 *
 * Hard: down the tree by v'x <= threshold. Soft: a leaf's weight is the product over its path of the logistic function
 * of +-(v'x - threshold) / (temperature x scale); the largest few are kept and normalised. Trees count equally. */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "rfm/model.h"

/* Paths of less weight than this are not followed. */
#define FAINT 1e-4

void agop__tree_free(agop__tree *t)
{
    free(t->node);
    free(t->direction);
    free(t->root);
    memset(t, 0, sizeof *t);
}

double agop__project(const double *v, const agop__schema *s, int32_t dtype, const void *x, const int32_t *code)
{
    double  sum = 0;
    int64_t at  = s->numeric;

    for (int64_t j = 0; j < s->numeric; j++)
        sum += v[j] * (dtype == AGOP_F32 ? (double)((const float *)x)[j] : ((const double *)x)[j]);
    for (int32_t g = 0; g < s->groups; at += s->group_levels[g], g++)
        if (code[g] >= 0 && code[g] < s->group_levels[g])
            sum += v[at + code[g]];
    return sum;
}

/* ---- one row ---- */

typedef struct walk {
    const agop_model *m;
    const void       *x;
    const int32_t    *code;
    double            temperature;
    agop__share      *out;
    int64_t           count, most;
} walk;

/* Keep the largest `most`, in falling order; equal weights stay in the order of the tree. */
static void meet(walk *w, int64_t leaf, double weight)
{
    int64_t at = w->count < w->most ? w->count++ : w->most;

    if (at == w->most) {
        if (weight <= w->out[at - 1].weight)
            return;
        at--;
    }
    for (; at > 0 && w->out[at - 1].weight < weight; at--)
        w->out[at] = w->out[at - 1];
    w->out[at] = (agop__share){.leaf = leaf, .weight = weight};
}

static void follow(walk *w, int64_t at, double weight)
{
    const agop__tree *t = &w->m->tree;
    double            p, go;

    if (at < 0) {
        meet(w, -1 - at, weight);
        return;
    }
    p = agop__project(t->direction + at * t->width, &w->m->schema, w->m->dtype, w->x, w->code) - t->node[at].threshold;
    if (!(w->temperature > 0) || !(t->node[at].scale > 0)) {
        follow(w, p <= 0 ? t->node[at].left : t->node[at].right, weight);
        return;
    }
    go = 1 / (1 + exp(-p / (w->temperature * t->node[at].scale))); /* to the right */
    if (weight * (1 - go) > FAINT)
        follow(w, t->node[at].left, weight * (1 - go));
    if (weight * go > FAINT)
        follow(w, t->node[at].right, weight * go);
}

int64_t agop__route(agop__share *out, const agop_model *m, const void *x, const int32_t *code, double temperature)
{
    const agop__tree *t     = &m->tree;
    int64_t           count = 0;

    if (t->trees == 0) {
        out[0] = (agop__share){.leaf = 0, .weight = 1};
        return 1;
    }
    for (int64_t k = 0; k < t->trees; k++) {
        walk   w = {.m = m, .x = x, .code = code, .temperature = temperature, .out = out + count, .most = t->most};
        double sum = 0;
        follow(&w, t->root[k], 1);
        for (int64_t i = 0; i < w.count; i++)
            sum += w.out[i].weight;
        for (int64_t i = 0; i < w.count; i++)
            w.out[i].weight /= sum * (double)t->trees;
        count += w.count;
    }
    return count;
}

/* ---- a block of rows ---- */

/* The rows that ask one leaf, gathered. */
typedef struct asking {
    void    *x;
    int32_t *code;
    double  *y;
} asking;

static agop_status ask_leaf(double *out, const agop_model *m, agop__machine *k, const asking *a,
                            const void *x, const int32_t *code, const int64_t *row, const double *weight, int64_t count,
                            int64_t group)
{
    size_t      width = (size_t)m->schema.numeric * agop__element(m->dtype);
    int64_t     g = m->schema.groups, c = m->target.outputs, filled = (count + group - 1) / group * group;
    agop_status st;

    for (int64_t i = 0; i < count; i++) {
        memcpy((char *)a->x + (size_t)i * width, (const char *)x + (size_t)row[i] * width, width);
        memcpy(a->code + i * g, code + row[i] * g, (size_t)g * sizeof *code);
    }
    memset((char *)a->x + (size_t)count * width, 0, (size_t)(filled - count) * width);
    for (int64_t i = count * g; i < filled * g; i++)
        a->code[i] = -1;
    TRY(agop__machine_apply(a->y, k, a->x, a->code, filled));
    for (int64_t i = 0; i < count; i++)
        for (int64_t o = 0; o < c; o++)
            out[row[i] * c + o] += weight[i] * a->y[i * c + o];
done:
    return st;
}

/* Rows and weights of the shares, those of one leaf together and in the order of the rows. start, all zero, has
 * leaves + 1 entries; those of leaf l come to end at start[l]. */
static void sort_by_leaf(int64_t *row, double *weight, int64_t *start, int64_t leaves, const agop__share *share,
                         const int64_t *count, int64_t rows, int64_t room)
{
    for (int64_t i = 0; i < rows; i++)
        for (int64_t k = 0; k < count[i]; k++)
            start[share[i * room + k].leaf + 1]++;
    for (int64_t l = 0; l < leaves; l++)
        start[l + 1] += start[l];
    for (int64_t i = 0; i < rows; i++)
        for (int64_t k = 0; k < count[i]; k++) {
            int64_t at = start[share[i * room + k].leaf]++;
            row[at]    = i;
            weight[at] = share[i * room + k].weight;
        }
}

agop_status agop__ask(double *out, agop_ctx *ctx, const agop_model *m, agop__machine *machines, const void *x,
                      const int32_t *code, int64_t rows, int64_t group)
{
    size_t       width = (size_t)m->schema.numeric * agop__element(m->dtype);
    int64_t      g = m->schema.groups, c = m->target.outputs, room = m->tree.most * m->tree.trees;
    agop__share *share = NULL;
    int64_t     *count = NULL, *row = NULL, *start = NULL, asked = 0;
    double      *weight = NULL;
    asking       a  = {0};
    agop_status  st = AGOP_OK;

    if (m->tree.trees == 0)
        return agop__machine_apply(out, machines, x, code, rows);
    share  = agop__malloc(rows * room, sizeof *share);
    count  = agop__malloc(rows, sizeof *count);
    row    = agop__malloc(rows * room, sizeof *row);
    weight = agop__malloc(rows * room, sizeof *weight);
    start  = agop__calloc(m->leaves + 1, sizeof *start);
    a      = (asking){.x    = agop__aligned((rows + group) * m->schema.numeric, agop__element(m->dtype)),
                      .code = agop__malloc((rows + group) * g, sizeof *a.code),
                      .y    = agop__malloc((rows + group) * c, sizeof *a.y)};
    if (!share || !count || !row || !weight || !start || !a.x || !a.code || !a.y) {
        st = agop__fail_memory(&ctx->err, (double)rows * (double)width, "a block of rows");
        goto done;
    }
    memset(out, 0, (size_t)(rows * c) * sizeof *out);
    for (int64_t i = 0; i < rows; i++)
        count[i] = agop__route(share + i * room, m, (const char *)x + (size_t)i * width, code + i * g,
                               m->tree.temperature);
    sort_by_leaf(row, weight, start, m->leaves, share, count, rows, room);
    for (int64_t l = 0; l < m->leaves; l++) { /* leaf by leaf, so sums are always made in the same order */
        int64_t askers = start[l] - asked;
        if (askers)
            TRY(ask_leaf(out, m, &machines[l], &a, x, code, row + asked, weight + asked, askers, group));
        asked = start[l];
    }
done:
    free(start);
    free(a.y);
    free(a.code);
    free(a.x);
    free(weight);
    free(row);
    free(count);
    free(share);
    return st;
}
