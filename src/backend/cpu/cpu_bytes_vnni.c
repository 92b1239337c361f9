/* cpu_bytes_vnni.c - products of bytes for AVX-512 with VNNI; see cpu_bytes.h. */
#include "backend/cpu/cpu_bytes.h"

#ifdef __x86_64__
#include <immintrin.h>
#include <string.h>

/* The whole file is compiled for this instruction set, as cpu_kernel_avx512.c is. */
#ifdef __clang__
#pragma clang attribute push(__attribute__((target("avx512f,avx512dq,avx512vl,avx512bw,avx512vnni,avx2,fma"))),       \
                             apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx512f,avx512dq,avx512vl,avx512bw,avx512vnni,avx2,fma")
#endif

enum { LANES = 16, WIDE = AGOP__BYTE_WIDE, HIGH = AGOP__BYTE_HIGH };

/* ---- rounding ---- */

static __mmask16 first_lanes(int64_t n)
{
    return n >= LANES ? (__mmask16)0xffff : (__mmask16)((1u << n) - 1);
}

static void range_of(float *low, float *high, const float *x, int64_t n)
{
    __m512 least = _mm512_set1_ps(x[0]), most = least;

    for (int64_t i = 0; i < n; i += LANES) {
        __m512 v = n - i >= LANES ? _mm512_loadu_ps(x + i) : _mm512_mask_loadu_ps(least, first_lanes(n - i), x + i);
        least    = _mm512_min_ps(least, v);
        most     = _mm512_max_ps(most, v);
    }
    *low  = _mm512_reduce_min_ps(least);
    *high = _mm512_reduce_max_ps(most);
}

/* Marsaglia's xorshift, a state in each lane. */
static __m512i next_random(__m512i s)
{
    s = _mm512_xor_si512(s, _mm512_slli_epi32(s, 13));
    s = _mm512_xor_si512(s, _mm512_srli_epi32(s, 17));
    return _mm512_xor_si512(s, _mm512_slli_epi32(s, 5));
}

/* One state per lane, mixed, because xorshift is slow to tell neighbours apart; none of them 0. */
static __m512i first_random(uint32_t seed)
{
    const __m512i lane = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    __m512i       s    = _mm512_mullo_epi32(lane, _mm512_set1_epi32((int)0x9e3779b1u));

    s = _mm512_add_epi32(s, _mm512_set1_epi32((int)seed));
    s = _mm512_mullo_epi32(_mm512_xor_si512(s, _mm512_srli_epi32(s, 15)), _mm512_set1_epi32((int)0x85ebca77u));
    s = _mm512_mullo_epi32(_mm512_xor_si512(s, _mm512_srli_epi32(s, 13)), _mm512_set1_epi32((int)0xc2b2ae3du));
    return _mm512_or_si512(_mm512_xor_si512(s, _mm512_srli_epi32(s, 16)), _mm512_set1_epi32(1 << 15));
}

/* 15 bits of chance, so that a sum of up to 256 is exact: what lies on one of the steps stays there. */
static void round_row(uint8_t *out, float *low, float *step, int64_t *sum, const float *x, int64_t n, uint32_t seed)
{
    const __m512i most = _mm512_set1_epi32(255);
    float         high;
    __m512i       random = first_random(seed), total = _mm512_setzero_si512();
    __m512        times, base, unit = _mm512_set1_ps(0x1p-15f);

    range_of(low, &high, x, n);
    *step = (high - *low) / 255;
    times = _mm512_set1_ps(*step > 0 ? 1 / *step : 0);
    base  = _mm512_set1_ps(*low);
    for (int64_t i = 0; i < n; i += LANES) {
        __mmask16 some = first_lanes(n - i);
        __m512    at   = _mm512_mul_ps(_mm512_sub_ps(_mm512_maskz_loadu_ps(some, x + i), base), times);
        __m512    add  = _mm512_mul_ps(_mm512_cvtepi32_ps(_mm512_srli_epi32(random, 17)), unit);
        __m512i   p    = _mm512_maskz_min_epi32(some, _mm512_cvttps_epi32(_mm512_add_ps(at, add)), most);
        total          = _mm512_add_epi32(total, p);
        random         = next_random(random);
        if (n - i >= LANES) /* a store under a mask takes many times as long */
            _mm_storeu_si128((__m128i *)(void *)(out + i), _mm512_cvtepi32_epi8(p));
        else
            _mm_mask_storeu_epi8(out + i, some, _mm512_cvtepi32_epi8(p));
    }
    *sum = _mm512_reduce_add_epi32(total);
}

/* ---- products ---- */

/* d += four products of bytes in each lane, b without a sign and a with one. Not the intrinsic: GCC 12 copies each of
 * the 24 sums from register to register then, and is half as fast. */
#define ADD(d, b, a) __asm__("vpdpbusd %2, %1, %0" : "+v"(d) : "v"(b), "v"(a))

#define ROW(i)                                                                                                         \
    memcpy(&four, A + 4 * (i), sizeof four);                                                                           \
    a = _mm512_set1_epi32(four);                                                                                       \
    ADD(d##i##0, b0, a);                                                                                               \
    ADD(d##i##1, b1, a);                                                                                               \
    ADD(d##i##2, b2, a)
#define ZERO(i) d##i##0 = _mm512_setzero_si512(), d##i##1 = d##i##0, d##i##2 = d##i##0
#define STORE(i)                                                                                                       \
    _mm512_storeu_si512(D + (i) * WIDE, d##i##0);                                                                      \
    _mm512_storeu_si512(D + (i) * WIDE + LANES, d##i##1);                                                              \
    _mm512_storeu_si512(D + (i) * WIDE + 2 * LANES, d##i##2)

static void multiply(int32_t *D, const uint8_t *A, const uint8_t *B, int64_t n)
{
    __m512i ZERO(0), ZERO(1), ZERO(2), ZERO(3), ZERO(4), ZERO(5), ZERO(6), ZERO(7), a;
    int32_t four;

    for (int64_t k = 0; k < n; k++, A += 4 * HIGH, B += 4 * WIDE) {
        __m512i b0 = _mm512_loadu_si512(B), b1 = _mm512_loadu_si512(B + 64), b2 = _mm512_loadu_si512(B + 128);
        ROW(0);
        ROW(1);
        ROW(2);
        ROW(3);
        ROW(4);
        ROW(5);
        ROW(6);
        ROW(7);
    }
    STORE(0);
    STORE(1);
    STORE(2);
    STORE(3);
    STORE(4);
    STORE(5);
    STORE(6);
    STORE(7);
}

/* C += what D says; see cpu_dense8.c. */
static void add_products(float *C, int64_t ldc, const int32_t *D, int64_t rows, int64_t cols, const agop__byte_rows *A,
                         const agop__byte_rows *B)
{
    for (int64_t j = 0; j < cols; j += LANES) {
        __mmask16 some = first_lanes(cols - j);
        __m512    step = _mm512_maskz_loadu_ps(some, B->step + j), low = _mm512_maskz_loadu_ps(some, B->low + j);
        __m512    sum  = _mm512_maskz_loadu_ps(some, B->sum + j);
        for (int64_t i = 0; i < rows; i++) {
            float *c = C + i * ldc + j;
            __m512 d = _mm512_cvtepi32_ps(_mm512_loadu_si512(D + i * WIDE + j)), v;
            d        = _mm512_fmadd_ps(step, d, _mm512_mul_ps(low, _mm512_set1_ps(A->sum[i])));
            v        = _mm512_fmadd_ps(_mm512_set1_ps(A->low[i]), sum, _mm512_maskz_loadu_ps(some, c));
            v        = _mm512_fmadd_ps(_mm512_set1_ps(A->step[i]), d, v);
            if (some == 0xffff)
                _mm512_storeu_ps(c, v);
            else
                _mm512_mask_storeu_ps(c, some, v);
        }
    }
}

/* ---- rows as they are ---- */

static __m256 halves(__m512 v)
{
    return _mm256_add_ps(_mm512_castps512_ps256(v), _mm512_extractf32x8_ps(v, 1));
}

static void dots(float *s, const float *x, const float *const *y, int64_t n, const float *next)
{
    const float *a = y[0], *b = y[1], *c = y[2], *d = y[3];
    __m512       s0 = _mm512_setzero_ps(), s1 = s0, s2 = s0, s3 = s0;
    __m256       sums;
    int64_t      i = 0;

    for (; i + LANES <= n; i += LANES) {
        __m512 v = _mm512_loadu_ps(x + i);
        _mm_prefetch((const char *)(next + i), _MM_HINT_T0);
        s0 = _mm512_fmadd_ps(v, _mm512_loadu_ps(a + i), s0);
        s1 = _mm512_fmadd_ps(v, _mm512_loadu_ps(b + i), s1);
        s2 = _mm512_fmadd_ps(v, _mm512_loadu_ps(c + i), s2);
        s3 = _mm512_fmadd_ps(v, _mm512_loadu_ps(d + i), s3);
    }
    if (i < n) {
        __mmask16 some = first_lanes(n - i);
        __m512    v    = _mm512_maskz_loadu_ps(some, x + i);
        s0             = _mm512_fmadd_ps(v, _mm512_maskz_loadu_ps(some, a + i), s0);
        s1             = _mm512_fmadd_ps(v, _mm512_maskz_loadu_ps(some, b + i), s1);
        s2             = _mm512_fmadd_ps(v, _mm512_maskz_loadu_ps(some, c + i), s2);
        s3             = _mm512_fmadd_ps(v, _mm512_maskz_loadu_ps(some, d + i), s3);
    }
    sums = _mm256_hadd_ps(_mm256_hadd_ps(halves(s0), halves(s1)), _mm256_hadd_ps(halves(s2), halves(s3)));
    _mm_storeu_ps(s, _mm_add_ps(_mm256_castps256_ps128(sums), _mm256_extractf128_ps(sums, 1)));
}

#ifdef __clang__
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

static const agop__byte_loops loops = {round_row, multiply, add_products, dots};

const agop__byte_loops *agop__cpu_byte_loops(void)
{
    return __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
                   __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vnni")
               ? &loops
               : 0;
}
#else
const agop__byte_loops *agop__cpu_byte_loops(void)
{
    return 0;
}
#endif
