/* cpu_bytes.h - inner loops over rows that were rounded to bytes, for processors that sum products of bytes in one
 * instruction (avx512_vnni).
 *
 * A row of x of one stretch is low + step p, p = 0 .. 255. Of one side of a product stand p - 128, of the other p,
 * four columns of a row together, rows of a panel beside each other: panel[column / 4][row][column % 4]. */
#ifndef AGOP_CPU_BYTES_H
#define AGOP_CPU_BYTES_H

#include <stdint.h>

enum { AGOP__BYTE_HIGH = 8, AGOP__BYTE_WIDE = 48 }; /* rows of a panel of A; of B */
enum { AGOP__BYTE_DOTS = 4 };

/* Of every row of a stretch: sum p of A, where p is what stands in the panel, and sum x of B. */
typedef struct agop__byte_rows {
    float *low, *step, *sum;
} agop__byte_rows;

typedef struct agop__byte_loops {
    /* out = p of n numbers, each of the two p around a number by chance, so that low + step p has it for a mean;
     * *low, *step, and the sum of all p. */
    void (*round)(uint8_t *out, float *low, float *step, int64_t *sum, const float *x, int64_t n, uint32_t seed);
    /* D (HIGH x WIDE) = sums over 4 n columns of a panel of A times a panel of B. */
    void (*multiply)(int32_t *D, const uint8_t *A, const uint8_t *B, int64_t n);
    /* C (rows x cols of a pair of panels) += sums of products of x of A and y of B, from those of bytes in D. */
    void (*add)(float *C, int64_t ldc, const int32_t *D, int64_t rows, int64_t cols, const agop__byte_rows *A,
                const agop__byte_rows *B);
    /* Inner products of x with BYTE_DOTS y, n numbers each, as they are: what bytes have chosen. n numbers from `next`
     * on are wanted soon. */
    void (*dots)(float *s, const float *x, const float *const *y, int64_t n, const float *next);
} agop__byte_loops;

/* NULL: this processor has none. */
const agop__byte_loops *agop__cpu_byte_loops(void);

#endif
