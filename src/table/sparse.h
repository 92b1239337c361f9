/* sparse.h - what an agop_sparse is inside: compressed columns. */
#ifndef AGOP_TABLE_SPARSE_H
#define AGOP_TABLE_SPARSE_H

#include "base/settings.h"
#include "base/text.h"
#include "io/triplets.h"

struct agop_sparse {
    int64_t     rows, cols;
    int64_t    *start; /* cols + 1; column j is start[j] .. start[j+1]-1 of row and value */
    int32_t    *row;   /* ascending within a column */
    float      *value; /* finite, not zero */
    agop__names column_names;
    agop__names row_names; /* may be empty */
};

/* Takes the entries and the names of t, whatever comes of it. swap: columns of the matrix are the rows of t. name: of
 * the file, for sentences. */
agop_status agop__sparse_of(agop_sparse **out, agop__triplets *t, int swap, const char *name, agop__err *e);
/* min_rows, normalise and log1p. */
agop_status agop__sparse_prepare(agop_sparse *m, const agop_settings *s, const char *name, agop__err *e);

#endif
