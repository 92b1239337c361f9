/* cpu_vector.h - one precision's vectors for one instruction set; included by cpu_kernel.inc with
 *
 *   REAL, REAL_BITS   float, 32 or double, 64
 *   CPU_ISA           0 baseline, 2 AVX2 + FMA, 5 AVX-512 (F, DQ, VL)
 *
 * Arithmetic, comparisons and shifts are GCC's vector extensions, so there is one text for all of them; what those
 * cannot say (fused multiply-add, square root, gather, a mask as bits) is the short list of intrinsics at the
 * end. The file undefines and redefines its names, because it is included once per precision. */

#if REAL_BITS == 32
#define NAME(x) x##_f32
#define INT     int32_t
#else
#define NAME(x) x##_f64
#define INT     int64_t
#endif

#if CPU_ISA == 5
#define BYTES 64
#elif CPU_ISA == 2
#define BYTES 32
#else
#define BYTES 16
#endif
#define LANES ((int64_t)(BYTES / (REAL_BITS / 8)))

typedef REAL NAME(vec) __attribute__((vector_size(BYTES)));
typedef INT  NAME(ivec) __attribute__((vector_size(BYTES)));
/* The same where it lies in memory: any alignment, and no promise about what else points there. */
typedef REAL NAME(mem) __attribute__((vector_size(BYTES), aligned(REAL_BITS / 8), may_alias));
typedef INT  NAME(imem) __attribute__((vector_size(BYTES), aligned(REAL_BITS / 8), may_alias));
#define VEC  NAME(vec)
#define IVEC NAME(ivec)
#define INLINE static inline __attribute__((always_inline, unused))

INLINE VEC NAME(load)(const REAL *p) { return *(const NAME(mem) *)p; }
INLINE void NAME(store)(REAL *p, VEC v) { *(NAME(mem) *)p = v; }
INLINE VEC NAME(all)(REAL x) { return x - (VEC){0}; }
INLINE VEC NAME(pick)(IVEC mask, VEC yes, VEC no) { return (VEC)(((IVEC)yes & mask) | ((IVEC)no & ~mask)); }
INLINE VEC NAME(absolute)(VEC a)
{
    return (VEC)((IVEC)a & (IVEC)~(IVEC)NAME(all)((REAL)-0.0));
}
/* The first n lanes only, n > 0; the others are 0 where they are loaded, and stay where they are stored. */
INLINE VEC NAME(load_n)(const REAL *p, int64_t n)
{
    VEC v = {0};
    if (n >= LANES)
        return NAME(load)(p);
    __builtin_memcpy(&v, p, (size_t)n * sizeof(REAL));
    return v;
}
INLINE void NAME(store_n)(REAL *p, VEC v, int64_t n)
{
    if (n >= LANES)
        NAME(store)(p, v);
    else
        __builtin_memcpy(p, &v, (size_t)n * sizeof(REAL));
}
INLINE REAL NAME(sum)(VEC v)
{
    /* by quarters: a chain of single additions would take longer than what it sums up */
    REAL part[LANES], s = 0;
    NAME(store)(part, v);
    for (int64_t half = LANES / 2; half >= 4; half /= 2)
        for (int64_t l = 0; l < half; l++)
            part[l] += part[half + l];
    for (int l = 0; l < (LANES < 4 ? (int)LANES : 4); l++)
        s += part[l];
    return s;
}

/* ---- what the extensions cannot say ---- */

#if CPU_ISA == 5 && REAL_BITS == 32
INLINE VEC NAME(fma)(VEC a, VEC b, VEC c) { return _mm512_fmadd_ps(a, b, c); }
INLINE VEC NAME(root)(VEC a) { return _mm512_sqrt_ps(a); }
INLINE VEC NAME(positive)(VEC a) { return _mm512_max_ps(_mm512_setzero_ps(), a); }
INLINE uint32_t NAME(at_most)(VEC a, VEC b) { return _mm512_cmp_ps_mask(a, b, _CMP_LE_OQ); }
INLINE VEC NAME(zero_below)(VEC x, VEC low, VEC y)
{
    return _mm512_maskz_mov_ps(_mm512_cmp_ps_mask(x, low, _CMP_NLT_UQ), y);
}
INLINE VEC NAME(gather)(const REAL *p, const int32_t *at)
{
    return _mm512_i32gather_ps(_mm512_loadu_si512(at), p, 4);
}
#elif CPU_ISA == 5
INLINE VEC NAME(fma)(VEC a, VEC b, VEC c) { return _mm512_fmadd_pd(a, b, c); }
INLINE VEC NAME(root)(VEC a) { return _mm512_sqrt_pd(a); }
INLINE VEC NAME(positive)(VEC a) { return _mm512_max_pd(_mm512_setzero_pd(), a); }
INLINE uint32_t NAME(at_most)(VEC a, VEC b) { return _mm512_cmp_pd_mask(a, b, _CMP_LE_OQ); }
INLINE VEC NAME(zero_below)(VEC x, VEC low, VEC y)
{
    return _mm512_maskz_mov_pd(_mm512_cmp_pd_mask(x, low, _CMP_NLT_UQ), y);
}
INLINE VEC NAME(gather)(const REAL *p, const int32_t *at)
{
    return _mm512_i32gather_pd(_mm256_loadu_si256((const __m256i *)(const void *)at), p, 8);
}
#elif CPU_ISA == 2 && REAL_BITS == 32
INLINE VEC NAME(fma)(VEC a, VEC b, VEC c) { return _mm256_fmadd_ps(a, b, c); }
INLINE VEC NAME(root)(VEC a) { return _mm256_sqrt_ps(a); }
INLINE VEC NAME(positive)(VEC a) { return _mm256_max_ps(_mm256_setzero_ps(), a); }
INLINE uint32_t NAME(at_most)(VEC a, VEC b) { return (uint32_t)_mm256_movemask_ps(_mm256_cmp_ps(a, b, _CMP_LE_OQ)); }
INLINE VEC NAME(zero_below)(VEC x, VEC low, VEC y) { return _mm256_and_ps(_mm256_cmp_ps(x, low, _CMP_NLT_UQ), y); }
INLINE VEC NAME(gather)(const REAL *p, const int32_t *at)
{
    return _mm256_i32gather_ps(p, _mm256_loadu_si256((const __m256i *)(const void *)at), 4);
}
#elif CPU_ISA == 2
INLINE VEC NAME(fma)(VEC a, VEC b, VEC c) { return _mm256_fmadd_pd(a, b, c); }
INLINE VEC NAME(root)(VEC a) { return _mm256_sqrt_pd(a); }
INLINE VEC NAME(positive)(VEC a) { return _mm256_max_pd(_mm256_setzero_pd(), a); }
INLINE uint32_t NAME(at_most)(VEC a, VEC b) { return (uint32_t)_mm256_movemask_pd(_mm256_cmp_pd(a, b, _CMP_LE_OQ)); }
INLINE VEC NAME(zero_below)(VEC x, VEC low, VEC y) { return _mm256_and_pd(_mm256_cmp_pd(x, low, _CMP_NLT_UQ), y); }
INLINE VEC NAME(gather)(const REAL *p, const int32_t *at)
{
    return _mm256_i32gather_pd(p, _mm_loadu_si128((const __m128i *)(const void *)at), 8);
}
#else
/* Baseline: no fused multiply-add, and everything that any processor can do. */
INLINE VEC NAME(fma)(VEC a, VEC b, VEC c) { return a * b + c; }
#if defined(__SSE2__) && REAL_BITS == 32
INLINE VEC NAME(root)(VEC a) { return _mm_sqrt_ps(a); }
#elif defined(__SSE2__)
INLINE VEC NAME(root)(VEC a) { return _mm_sqrt_pd(a); }
#else
INLINE VEC NAME(root)(VEC a)
{
    for (int l = 0; l < (int)LANES; l++)
        a[l] = (REAL)__builtin_sqrt((double)a[l]);
    return a;
}
#endif
INLINE VEC NAME(positive)(VEC a) { return (VEC)((IVEC)a & ~(IVEC)(a < (VEC){0})); } /* NaN stays */
INLINE uint32_t NAME(at_most)(VEC a, VEC b)
{
    IVEC     m = (IVEC)(a <= b);
    uint32_t r = 0;
    for (int l = 0; l < (int)LANES; l++)
        r |= (uint32_t)(m[l] & 1) << l;
    return r;
}
INLINE VEC NAME(zero_below)(VEC x, VEC low, VEC y) { return (VEC)((IVEC)y & ~(IVEC)(x < low)); }
INLINE VEC NAME(gather)(const REAL *p, const int32_t *at)
{
    VEC v = {0};
    for (int l = 0; l < (int)LANES; l++)
        v[l] = p[at[l]];
    return v;
}
#endif
