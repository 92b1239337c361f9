/* order.c - positions by size; see order.h. */
#include "order.h"

#include <math.h>
#include <stdlib.h>

static int larger_first(const void *a, const void *b)
{
    const ranked *x = a, *y = b;

    if (x->size != y->size)
        return x->size < y->size ? 1 : -1;
    return x->at < y->at ? -1 : x->at > y->at;
}

ranked *order_by_size(const double *v, int64_t n)
{
    ranked *r = malloc((size_t)(n > 0 ? n : 1) * sizeof *r);

    for (int64_t i = 0; r && i < n; i++)
        r[i] = (ranked){.size = isfinite(v[i]) ? fabs(v[i]) : 0, .at = i};
    if (r)
        qsort(r, (size_t)n, sizeof *r, larger_first);
    return r;
}
