/* cpu_units.h - products of bf16 matrices, summed in float32, by oneDNN where the machine has it.
 *
 *   agop__units      the library, found when it is first asked for; nothing links to it
 *   agop__product    one shape of product, planned once, run by many threads at a time
 *
 * A bf16 is the upper half of a float: eight bits of precision, so rounding to one is off by at most 2^-8 of it. */
#ifndef AGOP_CPU_UNITS_H
#define AGOP_CPU_UNITS_H

#include "base/status.h"

typedef struct agop__units   agop__units;
typedef struct agop__product agop__product;

#define AGOP__UNITS_STEP 32 /* sums are this long, or a multiple: pad with zeros */

/* AGOP_E_UNSUPPORTED with the reason where the processor or the library is not there. */
agop_status agop__units_open(agop__units **out, agop__err *e);
void        agop__units_close(agop__units *u);

/* op(A) op(B), op(A) m x k, op(B) k x n. Both are row-major as they lie in memory, without gaps between their rows:
 * oneDNN has fast products of no others. */
typedef struct agop__product_shape {
    int64_t m, n, k;
    int     ta, tb;
} agop__product_shape;

/* For threads 0 .. threads-1, which need not be there yet. */
agop_status agop__product_open(agop__product **out, agop__units *u, const agop__product_shape *s, int threads,
                               agop__err *e);
void        agop__product_close(agop__product *p);
/* C (rows x cols, ldc apart) += the upper left part of op(A) op(B), by one thread alone, inside agop__cpu_parallel.
 * 1: done. */
int agop__product_add(const agop__product *p, int thread, const uint16_t *A, const uint16_t *B, float *C, int64_t ldc,
                      int64_t rows, int64_t cols);

#endif
