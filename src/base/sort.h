/* sort.h - many numbered things put in order, in a time that grows with their number only. */
#ifndef AGOP_BASE_SORT_H
#define AGOP_BASE_SORT_H

#include <stdint.h>

typedef struct agop__pair {
    uint64_t key;
    int64_t  value;
} agop__pair;

/* Rising by key; pairs of one key stay in the order in which they came. scratch has n entries. */
void agop__sort_pairs(agop__pair *v, agop__pair *scratch, int64_t n);

uint64_t agop__key(double v);            /* numbers as keys of the same order; no NaN; -0 is below 0 */
double   agop__number_of_key(uint64_t k); /* and back */

/* Of qsort: doubles in rising order; no NaN. */
int agop__rising(const void *a, const void *b);
/* v[k] as it would be if v were sorted; no NaN. v is left in another order. */
double agop__select(double *v, int64_t n, int64_t k);

#endif
