/* triplets.h - a sparse matrix on its way from a file: (row, column, value) in any order, and names.
 *
 * Every reader of sparse files fills one of these; table/sparse.c makes the columns of it. Entries lie in pieces that
 * are given back one by one while the columns are filled, each from its beginning: where these arrays are large, pages
 * of theirs are taken no faster than pieces are given back. */
#ifndef AGOP_IO_TRIPLETS_H
#define AGOP_IO_TRIPLETS_H

#include "base/status.h"
#include "base/text.h"

typedef struct agop__triplet {
    int32_t row, col;
    float   value;
} agop__triplet;

typedef struct agop__piece {
    struct agop__piece *next;
    int64_t             count, room;
    agop__triplet       entry[];
} agop__piece;

/* Zero-initialise. Rows and columns are those of the file; either list of names may be empty. */
typedef struct agop__triplets {
    int64_t      rows, cols, count;
    agop__names  row_names, col_names;
    int          variables_in_rows; /* what this kind of file always has */
    agop__piece *first, *last;
} agop__triplets;

enum { AGOP__MOST_LINES = INT32_MAX }; /* rows, or columns */

int  agop__triplets_add(agop__triplets *t, int64_t row, int64_t col, float value); /* 1: done; 0: no memory */
void agop__triplets_drop_first(agop__triplets *t);                                 /* the first piece */
void agop__triplets_free(agop__triplets *t);

#endif
