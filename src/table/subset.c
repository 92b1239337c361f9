/* subset.c - some rows of a table as a table of its own, packed like one that was read.
 *
 * Its dictionaries hold the texts of these rows only, numbered as they come, so that nothing can be learned from it
 * that a file of the same rows would not tell. */
#include <string.h>

#include "base/memory.h"
#include "table/table.h"

typedef struct column_copy {
    const agop__column *from;
    const int64_t      *row;
    int64_t            *code; /* text: number in the table -> number here, or -1 */
    agop__dict          levels;
    double             *cells;  /* room for a chunk */
    int32_t            *codes;
} column_copy;

static agop_status add_numbers(agop__pack *p, const column_copy *c, int64_t first, int64_t n, agop__err *e)
{
    for (int64_t i = 0; i < n; i++)
        c->cells[i] = agop__column_at(c->from, c->row[first + i]);
    return agop__pack_add(p, c->cells, n, e);
}

static agop_status add_texts(agop__pack *p, column_copy *c, int64_t first, int64_t n, agop__err *e)
{
    for (int64_t i = 0; i < n; i++) {
        int32_t level = agop__column_code(c->from, c->row[first + i]);
        if (level >= 0 && c->code[level] < 0)
            c->code[level] = agop__dict_add(&c->levels, c->from->levels.text[level], c->from->levels.length[level]);
        if (level >= 0 && c->code[level] < 0)
            return agop__fail_memory(e, 0, "texts");
        c->codes[i] = level < 0 ? level : (int32_t)c->code[level];
    }
    return agop__pack_add_codes(p, c->codes, n, e);
}

static agop_status copy_column(agop_table *t, agop__store *store, int64_t chunk, const agop__column *from,
                               const int64_t *row, agop__err *e)
{
    column_copy c    = {.from = from, .row = row};
    agop__pack *pack = NULL;
    agop_status st;

    c.cells = agop__malloc(chunk, sizeof *c.cells);
    c.codes = agop__malloc(chunk, sizeof *c.codes);
    c.code  = agop__malloc(from->levels.count, sizeof *c.code);
    if (!c.cells || !c.codes || !c.code) {
        st = agop__fail_memory(e, 12.0 * (double)chunk, "rows of a table");
        goto done;
    }
    for (int64_t k = 0; k < from->levels.count; k++)
        c.code[k] = -1;
    TRY(agop__pack_open(&pack, store, e));
    for (int64_t i = 0; i < t->rows; i += chunk) {
        int64_t n = t->rows - i < chunk ? t->rows - i : chunk;
        TRY(from->is_text ? add_texts(pack, &c, i, n, e) : add_numbers(pack, &c, i, n, e));
    }
    st   = agop__table_take_packed(t, from->name, pack, from->is_text ? &c.levels : NULL, e);
    pack = NULL;
done:
    if (pack)
        agop__pack_free(pack);
    agop__dict_free(&c.levels);
    free(c.cells);
    free(c.codes);
    free(c.code);
    return st;
}

agop_status agop__table_subset(agop_table **out, const agop_table *t, const int64_t *row, int64_t n, const char *cache,
                               agop__err *e)
{
    int64_t      chunk = agop__store_chunk_rows(t->cols);
    agop__store *store = NULL;
    agop_table  *some  = NULL;
    agop_status  st;

    *out = NULL;
    TRY(agop__table_make(&some, n, e));
    if (t->targets && !(some->targets = agop__strdup(t->targets)))
        TRY(agop__fail_memory(e, 0, "a table"));
    TRY(agop__store_open(&store, cache, chunk, e));
    for (int64_t j = 0; j < t->cols; j++)
        TRY(copy_column(some, store, chunk, &t->column[j], row, e));
    *out = some;
    some = NULL;
done:
    if (store)
        agop__store_close(store);
    agop_table_free(some);
    return st;
}
