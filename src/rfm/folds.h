/* folds.h - rows dealt into parts for cross-validation. */
#ifndef AGOP_RFM_FOLDS_H
#define AGOP_RFM_FOLDS_H

#include "base/settings.h"

/* Rows that belong together, in a random order the largest first: members member[first[g] .. first[g+1]-1]. */
typedef struct agop__folds {
    int64_t  rows, groups; /* rows: that are dealt at all */
    int64_t *member;       /* rows */
    int64_t *first;        /* groups + 1 */
} agop__folds;

/* group: the number of each of n rows' group, below `groups`; NULL: every row is one. keep: rows that are dealt. */
agop_status agop__folds_open(agop__folds *out, const char *keep, const int64_t *group, int64_t groups, int64_t n,
                             uint64_t seed, uint64_t repeat, agop__err *e);
void        agop__folds_close(agop__folds *f);
/* fold[i] of every row of f, others -1; group after group goes to the fold that has the smallest share of its classes,
 * of equals the one with fewest rows, so that folds hold every class in proportion. class_of: n numbers below
 * `classes`, or NULL. */
agop_status agop__folds_deal(int32_t *fold, const agop__folds *f, int32_t folds, const double *class_of,
                             int64_t classes, int64_t n, agop__err *e);

#endif
