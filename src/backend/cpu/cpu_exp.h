/* cpu_exp.h - our exponential and power, on vectors; included by cpu_kernel.inc once per precision.
 *
 * Ours, because the same input must give the same bits wherever it stands: compilers use the vector routine for the
 * body of a loop and the scalar one for its tail. Here there is no tail: the last vector is padded. */

/* exp(x) for x <= 0, about 1 ulp; 0 where the result would be subnormal (below 2^-126 or 2^-1022), so that a kernel
 * matrix never holds numbers on which processors turn slow. NaN stays NaN.
 *
 *   x = n ln2 + r, |r| <= ln2/2:   exp(x) = 2^n (1 + r + r^2 q(r))
 *
 * q interpolates (e^r - 1 - r)/r^2 at Chebyshev nodes: relative error 1.0e-8 (degree 4) and 1.7e-17 (degree 9). Adding
 * MAGIC = 1.5 * 2^(mantissa bits) + bias rounds to an integer and leaves n + bias in the low bits of the sum: shifted
 * into the exponent field they are 2^n. ln2 is split so that n * LN2_HIGH is exact without a fused multiply. */
#if REAL_BITS == 32
#define MAGIC    (12582912.0f + 127.0f)
#define LOG2E    1.44269504088896341f
#define LN2_HIGH 0.693359375f
#define LN2_LOW  (-2.12194440054690583e-4f)
#define EXP_LOW  (-87.33654022216797f) /* ln 2^-126, rounded towards 0 */
#define LARGEST  3.40282347e+38f
#define MANTISSA 23
#define EXP_BIAS 127
#else
#define MAGIC    (6755399441055744.0 + 1023.0)
#define LOG2E    1.44269504088896340736
#define LN2_HIGH 6.93147180369123816490e-01
#define LN2_LOW  1.90821492927058770002e-10
#define EXP_LOW  (-708.3964185322641)
#define LARGEST  1.7976931348623157e308
#define MANTISSA 52
#define EXP_BIAS 1023
#endif

/* 2^(n) e^r, with t = n + MAGIC. */
INLINE VEC NAME(exp_part)(VEC t, VEC r)
{
#if REAL_BITS == 32
    static const REAL q[] = {0.5f, 0.16666576666119928f, 0.04166655421298415f, 0.008363232883682618f,
                             0.0013926250831497611f};
#else
    static const REAL q[] = {0.5, 0.16666666666666669, 0.041666666666623824, 0.008333333333330039,
                             0.0013888888917367081, 0.00019841269863171557, 2.4801521057868204e-05,
                             2.7557268276905696e-06, 2.7620201591031547e-07, 2.5100472505694996e-08};
#endif
    VEC p = NAME(all)(q[sizeof q / sizeof q[0] - 1]);

    for (int k = (int)(sizeof q / sizeof q[0]) - 2; k >= 0; k--)
        p = NAME(fma)(p, r, NAME(all)(q[k]));
    p = NAME(fma)(r * r, p, r) + (REAL)1;
    return p * (VEC)((IVEC)t << MANTISSA);
}

INLINE VEC NAME(exponential)(VEC x)
{
    VEC t = NAME(fma)(x, NAME(all)(LOG2E), NAME(all)(MAGIC));
    VEC n = t - (REAL)MAGIC;
    VEC r = NAME(fma)(n, NAME(all)(-LN2_HIGH), x);

    r = NAME(fma)(n, NAME(all)(-LN2_LOW), r);
    return NAME(zero_below)(x, NAME(all)(EXP_LOW), NAME(exp_part)(t, r));
}

/* The logarithm in two parts, for normal numbers: x = 2^e m with sqrt(1/2) <= m < sqrt(2), and ln m = 2 atanh(z),
 * z = (m-1)/(m+1). atanh(z) comes back. */
INLINE VEC NAME(log_parts)(VEC *e, VEC x)
{
#if REAL_BITS == 32
    const IVEC half_root = (IVEC){0} + 0x3f3504f3;
    const int  terms     = 5;
#else
    const IVEC half_root = (IVEC){0} + 0x3fe6a09e667f3bcd;
    const int  terms     = 11;
#endif
    IVEC shifted = ((IVEC)x - half_root) >> MANTISSA;
    VEC  m       = (VEC)((IVEC)x - (shifted << MANTISSA));
    VEC  z       = (m - (REAL)1) / (m + (REAL)1);
    VEC  zz      = z * z;
    VEC  series  = NAME(all)((REAL)(1.0 / (2 * terms - 1)));

    for (int k = terms - 2; k >= 1; k--)
        series = NAME(fma)(series, zz, NAME(all)((REAL)(1.0 / (2 * k + 1))));
    *e = __builtin_convertvector(shifted, VEC);
    return NAME(fma)(z * zz, series, z);
}

/* x^c for x >= 0 and -1 <= c <= 2, a few ulp; 0 where x is below the smallest normal number, for any c (callers treat
 * those pairs as coincident). NaN and infinity stay what they are.
 *
 * With x = 2^e m the exponent e c + c log2 m must be known to an absolute error of one ulp of 1, however large e c is:
 * so c is split into a short part, whose product with e is exact, and the rest. */
INLINE VEC NAME(power)(VEC x, REAL c)
{
#if REAL_BITS == 32
    const REAL c_high    = (REAL)((int)(c * 4096.0f)) / 4096.0f; /* 13 bits; e has 8 */
    const REAL smallest  = 1.17549435e-38f;
#else
    const REAL c_high    = (REAL)((int)(c * 1073741824.0)) / 1073741824.0; /* 31 bits; e has 11 */
    const REAL smallest  = 2.2250738585072014e-308;
#endif
    const REAL two_over_ln2 = (REAL)2.88539008177792681472;
    VEC        e;
    VEC        log2_m = NAME(log_parts)(&e, x) * two_over_ln2;

    VEC high = e * c_high;
    VEC low  = NAME(fma)(e, NAME(all)(c - c_high), log2_m * c);
    VEC t    = (high + low) + (REAL)MAGIC;
    /* Out of range the exponent field must saturate: all zeros is 2^n = 0, all ones is infinity. */
    t        = NAME(pick)((IVEC)(t < (REAL)(MAGIC - EXP_BIAS)), NAME(all)((REAL)(MAGIC - EXP_BIAS)), t);
    t        = NAME(pick)((IVEC)(t > (REAL)(MAGIC + EXP_BIAS + 1)), NAME(all)((REAL)(MAGIC + EXP_BIAS + 1)), t);
    VEC f    = (high - (t - (REAL)MAGIC)) + low;
    VEC y    = NAME(exp_part)(t, f * (REAL)0.693147180559945309417);
    /* NaN and infinity took a wrong turn through the integers above: give them back. */
    y = NAME(pick)((IVEC)(x <= (REAL)LARGEST), y, x);
    return NAME(zero_below)(x, NAME(all)(smallest), y);
}

/* -ln x for 0 < x <= 1, a few ulp, also next to 1, where there is no e and m - 1 is exact; as for the smallest normal
 * number where x is less. */
INLINE VEC NAME(minus_log)(VEC x)
{
#if REAL_BITS == 32
    const REAL smallest = 1.17549435e-38f;
#else
    const REAL smallest = 2.2250738585072014e-308;
#endif
    VEC e;
    VEC ln_m = NAME(log_parts)(&e, NAME(pick)((IVEC)(x < smallest), NAME(all)(smallest), x)) * (REAL)2;

    return -NAME(fma)(e, NAME(all)(LN2_HIGH), NAME(fma)(e, NAME(all)(LN2_LOW), ln_m));
}
