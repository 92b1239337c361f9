/* number.c - decimal text to double; see number.h.
 *
 * A decimal is w * 10^e with an integer w. Three ways, each exact, from fast to slow:
 *   1. w < 2^53 and |e| <= 22: w and 10^|e| are doubles, so one IEEE operation rounds once (Clinger 1990);
 *   2. w < 2^64 and |e| <= 27: 5^27 < 2^63, so w * 5^e and w / 5^-e are done in 128-bit integers, and the
 *      remainder is kept in a sticky bit for the only rounding, that from 64 bits to 53;
 *   3. the rest (more than 19 digits, far exponents): strtod in the "C" locale, which glibc rounds correctly.
 * Most tables never leave the first; doubles printed in full (17 digits) take the second. */
#include "io/number.h"

#include <float.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

__extension__ typedef unsigned __int128 wide;

enum { MOST_DIGITS = 19, MOST_FIVES = 27, MOST_TENS = 22, FAR = 100000 };

static const double ten[MOST_TENS + 1] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                          1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

static const uint64_t five[MOST_FIVES + 1] = {1u,
                                              5u,
                                              25u,
                                              125u,
                                              625u,
                                              3125u,
                                              15625u,
                                              78125u,
                                              390625u,
                                              1953125u,
                                              9765625u,
                                              48828125u,
                                              244140625u,
                                              1220703125u,
                                              6103515625u,
                                              30517578125u,
                                              152587890625u,
                                              762939453125u,
                                              3814697265625u,
                                              19073486328125u,
                                              95367431640625u,
                                              476837158203125u,
                                              2384185791015625u,
                                              11920928955078125u,
                                              59604644775390625u,
                                              298023223876953125u,
                                              1490116119384765625u,
                                              7450580596923828125u};

/* m * 2^n for m that fills 63 or 64 bits and a result far from the ends of the range: the conversion of m
 * rounds, the multiplication by a power of two does not. */
static double scaled(uint64_t m, int n)
{
    uint64_t bits = (uint64_t)(n + 1023) << 52;
    double   power;
    memcpy(&power, &bits, sizeof power);
    return (double)m * power;
}

/* w / 10^k = (w / 5^k) / 2^k, w > 0, 0 < k <= 27. Both are shifted to fill 64 bits; then the quotient of w *
 * 2^63 by 5^k has 63 or 64 bits, ten more than a double, and its lowest can hold "there is a remainder". */
static double divided(uint64_t w, int k)
{
    int      s = __builtin_clzll(w), t = __builtin_clzll(five[k]);
    uint64_t d = five[k] << t;
    wide     n = (wide)(w << s) << 63;
    uint64_t q = (uint64_t)(n / d);
    return scaled(q | ((wide)q * d != n), t - s - 63 - k);
}

/* w * 10^k = (w * 5^k) * 2^k, w > 0, 0 <= k <= 27; the product has at most 127 bits. */
static double multiplied(uint64_t w, int k)
{
    wide     p    = (wide)w * five[k];
    uint64_t high = (uint64_t)(p >> 64);
    int      n    = high ? 64 - __builtin_clzll(high) : 0; /* bits beyond the lower 64 */
    uint64_t m    = (uint64_t)(p >> n);
    if (n && (p & (((wide)1 << n) - 1)))
        m |= 1;
    return scaled(m, n + k);
}

/* Eight digits at once, in a little-endian machine word. */
static int eight_digits(const char *p, uint64_t *value)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    uint64_t v;
    memcpy(&v, p, sizeof v);
    /* A digit's high half is 3, also after adding 6 to the byte. */
    if ((v & 0xF0F0F0F0F0F0F0F0u) != 0x3030303030303030u ||
        ((v + 0x0606060606060606u) & 0xF0F0F0F0F0F0F0F0u) != 0x3030303030303030u)
        return 0;
    v      = (v & 0x0F0F0F0F0F0F0F0Fu) * (1 + (10u << 8)) >> 8;    /* pairs */
    v      = (v & 0x00FF00FF00FF00FFu) * (1 + (100u << 16)) >> 16; /* fours */
    *value = (v & 0x0000FFFF0000FFFFu) * (1 + ((uint64_t)10000 << 32)) >> 32;
    return 1;
#else
    (void)p;
    (void)value;
    return 0;
#endif
}

/* Digits from p on, appended to w (which wraps when there are too many); returns the byte behind them. */
static const char *digits(const char *p, uint64_t *w)
{
    uint64_t eight;
    while (eight_digits(p, &eight)) {
        *w = *w * 100000000u + eight;
        p += 8;
    }
    for (; *p >= '0' && *p <= '9'; p++)
        *w = *w * 10u + (uint64_t)(*p - '0');
    return p;
}

/* The exponent behind 'e', 0 when there is no well-formed one; *p moves behind it. Kept small enough to add
 * to. */
static int64_t exponent_of(const char **p)
{
    const char *q        = *p + 1;
    int         negative = *q == '-';
    int64_t     x        = 0;

    q += *q == '-' || *q == '+';
    if (*q < '0' || *q > '9')
        return 0;
    for (; *q >= '0' && *q <= '9'; q++)
        x = x < FAR ? x * 10 + (*q - '0') : x;
    *p = q;
    return negative ? -x : x;
}

/* More than 19 digits may still be 19 that count: "0.000000000000000000012". */
static int64_t digits_that_count(const char *p, const char *end)
{
    int64_t n = 0;
    for (; p < end; p++)
        n += *p != '.' && (n > 0 || *p != '0');
    return n;
}

const char *agop__number(const char *p, double *out, locale_t c)
{
    const char *first, *point, *last;
    int         negative = *p == '-';
    uint64_t    w        = 0;
    int64_t     e        = 0, n;
    double      v;

    p += *p == '-' || *p == '+';
    first = p;
    p     = digits(p, &w);
    point = p;
    n     = p - first;
    if (*p == '.') {
        p = digits(p + 1, &w);
        e = point + 1 - p;
        n -= e;
    }
    last = p;
    if (n == 0)
        return NULL;
    if (*p == 'e' || *p == 'E')
        e += exponent_of(&p);

    if (n > MOST_DIGITS && digits_that_count(first, last) > MOST_DIGITS)
        v = strtod_l(first, NULL, c);
    else if (w == 0)
        v = 0;
    else if (FLT_EVAL_METHOD == 0 && w < (uint64_t)1 << 53 && e >= -MOST_TENS && e <= MOST_TENS)
        v = e < 0 ? (double)w / ten[-e] : (double)w * ten[e];
    else if (e >= 0 && e <= MOST_FIVES)
        v = multiplied(w, (int)e);
    else if (e < 0 && e >= -MOST_FIVES)
        v = divided(w, (int)-e);
    else
        v = strtod_l(first, NULL, c);
    *out = negative ? -v : v;
    return p;
}
