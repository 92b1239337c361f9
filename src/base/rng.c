/* rng.c - Philox4x32-10: ten rounds of two 32 x 32 multiplications, keys bumped by Weyl constants. */
#include "base/rng.h"

#include <string.h>

void agop__philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4])
{
    uint32_t c[4], k[2] = {key[0], key[1]};

    memcpy(c, counter, sizeof c);
    for (int round = 0; round < 10; round++) {
        uint64_t a = (uint64_t)0xD2511F53u * c[0], b = (uint64_t)0xCD9E8D57u * c[2];
        uint32_t n0 = (uint32_t)(b >> 32) ^ c[1] ^ k[0], n2 = (uint32_t)(a >> 32) ^ c[3] ^ k[1];
        c[1] = (uint32_t)b;
        c[3] = (uint32_t)a;
        c[0] = n0;
        c[2] = n2;
        k[0] += 0x9E3779B9u;
        k[1] += 0xBB67AE85u;
    }
    memcpy(out, c, sizeof c);
}

void agop__rng_seed(agop__rng *r, uint64_t seed, uint64_t stream)
{
    memset(r, 0, sizeof *r);
    r->key[0]     = (uint32_t)seed;
    r->key[1]     = (uint32_t)(seed >> 32);
    r->counter[2] = (uint32_t)stream;
    r->counter[3] = (uint32_t)(stream >> 32);
}

uint32_t agop__rng_u32(agop__rng *r)
{
    if (r->left == 0) {
        agop__philox(r->counter, r->key, r->out);
        if (++r->counter[0] == 0)
            ++r->counter[1];
        r->left = 4;
    }
    return r->out[4 - r->left--];
}

double agop__rng_uniform(agop__rng *r)
{
    uint64_t high = agop__rng_u32(r) >> 5, low = agop__rng_u32(r) >> 6;
    return (double)(high << 26 | low) / 9007199254740992.0;
}

int64_t agop__rng_below(agop__rng *r, int64_t n)
{
    uint64_t range = (uint64_t)n, limit = UINT64_MAX - UINT64_MAX % range, v;
    do {
        v = (uint64_t)agop__rng_u32(r) << 32;
        v |= agop__rng_u32(r);
    } while (v >= limit);
    return (int64_t)(v % range);
}

void agop__rng_shuffle(agop__rng *r, int64_t *v, int64_t n)
{
    for (int64_t i = n - 1; i > 0; i--) {
        int64_t j = agop__rng_below(r, i + 1), t = v[i];
        v[i]      = v[j];
        v[j]      = t;
    }
}
