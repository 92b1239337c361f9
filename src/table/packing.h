/* packing.h - several columns packed side by side while a file is read. */
#ifndef AGOP_TABLE_PACKING_H
#define AGOP_TABLE_PACKING_H

#include "io/npy.h"
#include "table/table.h"

typedef struct agop__packing {
    agop__store *store;
    agop__pack **pack; /* cols; each NULL once it was given away */
    int64_t      cols, chunk_rows;
} agop__packing;

/* cache: a folder, or "" for memory. chunk_rows 0: what suits so many columns. */
agop_status agop__packing_open(agop__packing *p, int64_t cols, const char *cache, int64_t chunk_rows, agop__err *e);
void        agop__packing_close(agop__packing *p);
/* Calls add(user, col, pack, e) for every column, in threads; of several failures the first column's is told. */
typedef agop_status agop__pack_fn(void *user, int64_t col, agop__pack *pack, agop__err *e);
agop_status         agop__packing_add(agop__packing *p, int threads, agop__pack_fn *add, void *user, agop__err *e);

/* The numbers of an array as a table of columns x1 .. xd; `file` is for sentences. A tell may stop it. */
agop_status agop__pack_array(agop_table **out, agop_ctx *ctx, agop__npy *a, const char *file, const char *cache);

#endif
