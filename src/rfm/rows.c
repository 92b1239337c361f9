/* rows.c - the rows of a tree's fit: encoded whenever they are looked at, never kept all together.
 *
 * The order of a fit is random, that of a table is not, and a table may be larger than memory. So rows that are asked
 * for are visited in the order of the table, a block at a time, whatever order they were asked for in. */
#include <string.h>

#include "base/memory.h"
#include "base/sort.h"
#include "rfm/fit.h"

enum { BLOCK = 4096 };

typedef struct block {
    int64_t *row;
    char    *x;
    int32_t *code;
} block;

static void free_block(block *b)
{
    free(b->row);
    free(b->x);
    free(b->code);
}

/* Places of index by the rows of the tables, those of the validation table behind the others. */
static void put_in_order(agop__pair *p, agop__pair *scratch, const agop__fit *f, const int64_t *index, int64_t n)
{
    const agop__origin *o = &f->rows.origin;

    for (int64_t i = 0; i < n; i++) {
        int64_t behind = index[i] < f->rows.n ? 0 : o->train->rows;
        p[i]           = (agop__pair){.key = (uint64_t)(behind + o->row[index[i]]), .value = i};
    }
    agop__sort_pairs(p, scratch, n);
}

/* Pairs p[0 .. n-1], which are rows of one table. */
static agop_status visit(const block *b, const agop__fit *f, agop_ctx *ctx, const agop_table *t, const agop__pair *p,
                         int64_t n, int64_t behind, agop__row_fn *use, void *user)
{
    const agop__schema *s     = f->schema;
    size_t              width = (size_t)s->numeric * agop__element(f->plan.dtype);
    agop_status         st    = AGOP_OK;

    for (int64_t first = 0; first < n; first += BLOCK) {
        int64_t count = n - first < BLOCK ? n - first : BLOCK;
        for (int64_t i = 0; i < count; i++)
            b->row[i] = (int64_t)p[first + i].key - behind;
        TRY(agop__schema_encode_rows(b->x, f->plan.dtype, b->code, s, ctx, t, b->row, count));
        for (int64_t i = 0; i < count; i++)
            use(user, p[first + i].value, b->x + (size_t)i * width, b->code + i * s->groups);
    }
done:
    return st;
}

agop_status agop__each_row(const agop__fit *f, agop_ctx *ctx, const int64_t *index, int64_t n, agop__row_fn *use,
                           void *user)
{
    const agop__origin *o     = &f->rows.origin;
    agop__pair         *p     = agop__malloc(2 * n, sizeof *p);
    block               b     = {.row  = agop__malloc(BLOCK, sizeof *b.row),
                                 .x    = agop__aligned(BLOCK * f->schema->numeric, agop__element(f->plan.dtype)),
                                 .code = agop__malloc(BLOCK * f->schema->groups, sizeof *b.code)};
    int64_t             train = 0, behind = o->train->rows;
    agop_status         st;

    if (!p || !b.row || !b.x || !b.code) {
        st = agop__fail_memory(&ctx->err, 32.0 * (double)n, "a block of rows");
        goto done;
    }
    put_in_order(p, p + n, f, index, n);
    while (train < n && (int64_t)p[train].key < behind)
        train++;
    TRY(visit(&b, f, ctx, o->train, p, train, 0, use, user));
    TRY(visit(&b, f, ctx, o->valid, p + train, n - train, behind, use, user));
done:
    free_block(&b);
    free(p);
    return st;
}

/* ---- copies ---- */

typedef struct copy {
    const agop__fit *f; /* where to */
    int64_t          first;
} copy;

static void copy_one(void *user, int64_t i, const void *x, const int32_t *code)
{
    const copy *c     = user;
    size_t      width = (size_t)c->f->schema->numeric * agop__element(c->f->plan.dtype);
    int64_t     g     = c->f->schema->groups;

    memcpy((char *)c->f->rows.x + (size_t)(c->first + i) * width, x, width);
    memcpy(c->f->rows.code + (c->first + i) * g, code, (size_t)g * sizeof *code);
}

agop_status agop__copy_rows(agop__fit *part, int64_t first, const agop__fit *whole, const int64_t *index, int64_t n)
{
    const agop__rows *from = &whole->rows;
    agop__rows       *to   = &part->rows;
    int64_t           c = whole->target->columns, o = whole->target->outputs;
    copy              where = {.f = part, .first = first};

    for (int64_t i = 0; i < n; i++) {
        memcpy(to->truth + (first + i) * c, from->truth + index[i] * c, (size_t)c * sizeof *to->truth);
        if (from->weight)
            to->weight[first + i] = from->weight[index[i]];
        if (first + i < to->n)
            agop__target_encode(to->Y + (first + i) * o, whole->target, to->truth + (first + i) * c);
    }
    return agop__each_row(whole, part->ctx, index, n, copy_one, &where);
}
