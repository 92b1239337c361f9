/* sort.h - many numbered things put in order, in a time that grows with their number only. */
#ifndef AGOP_BASE_SORT_H
#define AGOP_BASE_SORT_H

#include <stdint.h>
#include <string.h>

typedef struct agop__pair {
    uint64_t key;
    int64_t  value;
} agop__pair;

/* Rising by key; pairs of one key stay in the order in which they came. scratch has n entries. */
void agop__sort_pairs(agop__pair *v, agop__pair *scratch, int64_t n);

void agop__sort(double *v, double *scratch, int64_t n); /* rising; no NaN; -0 is below 0; scratch has n entries */

/* Numbers as keys of the same order: negatives flipped, the sign turned round; no NaN. */
static inline uint64_t agop__key(double v)
{
    uint64_t u;
    memcpy(&u, &v, sizeof u);
    return u ^ (((uint64_t)0 - (u >> 63)) | UINT64_C(1) << 63);
}

static inline double agop__number_of_key(uint64_t k)
{
    uint64_t u = k ^ (((k >> 63) - 1) | UINT64_C(1) << 63);
    double   v;
    memcpy(&v, &u, sizeof v);
    return v;
}

/* Of qsort: doubles in rising order; no NaN. */
int agop__rising(const void *a, const void *b);
/* v[k] as it would be if v were sorted; no NaN. v is left in another order. */
double agop__select(double *v, int64_t n, int64_t k);

#endif
