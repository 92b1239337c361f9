/* numbers.h - random numbers and small comparisons for tests. */
#ifndef TEST_NUMBERS_H
#define TEST_NUMBERS_H

#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/rng.h"

/* count normal numbers, malloc'd; the same for the same seed. */
static inline double *normals(int64_t count, uint64_t seed)
{
    double   *v = calloc((size_t)count + 1, sizeof *v);
    agop__rng r;
    agop__rng_seed(&r, seed, 0);
    for (int64_t i = 0; i < count; i++)
        v[i] = sqrt(-2 * log(1 - agop__rng_uniform(&r))) * cos(6.283185307179586 * agop__rng_uniform(&r));
    return v;
}

/* Largest difference, as a share of the largest entry of b; infinite where a is not a number. */
static inline double apart(const double *a, const double *b, int64_t count)
{
    double top = 0, most = 0;
    for (int64_t i = 0; i < count; i++) {
        top  = fmax(top, fabs(b[i]));
        most = isnan(a[i]) ? INFINITY : fmax(most, fabs(a[i] - b[i]));
    }
    return most / (top > 0 ? top : 1);
}

#endif
