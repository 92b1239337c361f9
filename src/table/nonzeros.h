/* nonzeros.h - a column of numbers of which most are zero: the others, and where they stand. */
#ifndef AGOP_TABLE_NONZEROS_H
#define AGOP_TABLE_NONZEROS_H

#include "base/status.h"

typedef struct agop__nonzeros {
    int64_t  count;
    int32_t *row;   /* rising */
    float   *value; /* finite, not zero */
} agop__nonzeros;

/* Is a column with so many of them held in this way? */
int         agop__mostly_zero(int64_t count, int64_t rows);
agop_status agop__nonzeros_copy(agop__nonzeros **out, const int32_t *row, const float *value, int64_t count,
                                agop__err *e);
void        agop__nonzeros_free(agop__nonzeros *z);
int64_t     agop__nonzeros_from(const agop__nonzeros *z, int64_t row); /* the first that is not before row */
double      agop__nonzeros_at(const agop__nonzeros *z, int64_t row);
void        agop__nonzeros_take(double *v, const agop__nonzeros *z, int64_t first, int64_t n); /* zeros, too */

#endif
