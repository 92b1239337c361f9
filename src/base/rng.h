/* rng.h - Philox4x32-10 (Salmon et al., SC 2011): counter-based, so results do not depend on threads. */
#ifndef AGOP_BASE_RNG_H
#define AGOP_BASE_RNG_H

#include <stdint.h>

typedef struct agop__rng {
    uint32_t key[2], counter[4], out[4];
    int      left;
} agop__rng;

void     agop__rng_seed(agop__rng *r, uint64_t seed, uint64_t stream);
uint32_t agop__rng_u32(agop__rng *r);
double   agop__rng_uniform(agop__rng *r);                  /* [0, 1) */
int64_t  agop__rng_below(agop__rng *r, int64_t n);         /* 0 .. n-1, unbiased */
void     agop__rng_shuffle(agop__rng *r, int64_t *v, int64_t n);
/* The block function itself, for the known-answer test. */
void agop__philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]);

#endif
