/* dense.c - a sparse matrix as a table: of a column that is mostly zero the non-zeros, others packed, so that counts
 * take a byte or two per cell. */
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "table/sparse.h"
#include "table/table.h"

/* A name that the table does not have yet: genes of one symbol become "SYMBOL", "SYMBOL (2)", ... */
static agop_status own_name(char **out, const agop_table *t, const char *name, agop__err *e)
{
    size_t room = strlen(name) + 32;

    *out = agop__malloc((int64_t)room, 1);
    if (!*out)
        return agop__fail_memory(e, (double)room, "a name");
    (void)snprintf(*out, room, "%s", name);
    for (int64_t k = 2; agop__table_find(t, *out) >= 0; k++)
        (void)snprintf(*out, room, "%s (%lld)", name, (long long)k);
    return AGOP_OK;
}

/* Column j, a chunk of rows at a time; `chunk` has room for it. */
static agop_status pack_column(agop__pack *p, double *chunk, const agop_sparse *m, int64_t j, int64_t room,
                               agop__err *e)
{
    int64_t     at = m->start[j];
    agop_status st = AGOP_OK;

    for (int64_t first = 0; first < m->rows; first += room) {
        int64_t n = m->rows - first < room ? m->rows - first : room;
        for (int64_t i = 0; i < n; i++)
            chunk[i] = 0;
        for (; at < m->start[j + 1] && m->row[at] < first + n; at++)
            chunk[m->row[at] - first] = (double)m->value[at];
        TRY(agop__pack_add(p, chunk, n, e));
    }
done:
    return st;
}

static agop_status add_packed(agop_table *t, agop__store *store, const char *name, double *chunk, const agop_sparse *m,
                              int64_t j, int64_t room, agop__err *e)
{
    agop__pack *p = NULL;
    agop_status st;

    TRY(agop__pack_open(&p, store, e));
    st = pack_column(p, chunk, m, j, room, e);
    if (st == AGOP_OK)
        st = agop__table_take_packed(t, name, p, NULL, e); /* the pack is the table's, also when this fails */
    else
        agop__pack_free(p);
done:
    return st;
}

static agop_status add_nonzeros(agop_table *t, const char *name, const agop_sparse *m, int64_t j, agop__err *e)
{
    agop__nonzeros *z = NULL;
    const int32_t  *row;
    const float    *value;
    int64_t         count = agop_sparse_column(m, j, &row, &value);
    agop_status     st;

    TRY(agop__nonzeros_copy(&z, row, value, count, e));
    TRY(agop__table_take_nonzeros(t, name, z, e)); /* they are the table's, also when this fails */
done:
    return st;
}

static agop_status add_column(agop_table *t, agop__store *store, double *chunk, const agop_sparse *m, int64_t j,
                              int64_t room, agop__err *e)
{
    char       *name = NULL;
    agop_status st;

    TRY(own_name(&name, t, agop_sparse_column_name(m, j), e));
    if (agop__mostly_zero(m->start[j + 1] - m->start[j], m->rows))
        TRY(add_nonzeros(t, name, m, j, e));
    else
        TRY(add_packed(t, store, name, chunk, m, j, room, e));
done:
    free(name);
    return st;
}

agop_status agop_table_from_sparse(agop_table **out, agop_ctx *ctx, const agop_sparse *m, const agop_settings *s)
{
    int64_t      room  = agop__store_chunk_rows(m->cols);
    double      *chunk = agop__malloc(room, sizeof *chunk);
    agop_table  *t     = NULL;
    agop__store *store = NULL;
    agop_status  st;

    *out = NULL;
    if (!chunk) {
        st = agop__fail_memory(&ctx->err, 8.0 * (double)room, "packing a column");
        goto done;
    }
    TRY(agop__table_make(&t, m->rows, &ctx->err));
    TRY(agop__store_open(&store, agop__text(s, "cache"), room, &ctx->err));
    for (int64_t j = 0; j < m->cols; j++)
        TRY(add_column(t, store, chunk, m, j, room, &ctx->err));
    *out = t;
    t    = NULL;
done:
    agop__store_close(store);
    agop_table_free(t);
    free(chunk);
    return st;
}
