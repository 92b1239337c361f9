/* check.h - a backend for tests: cpu behind guards.
 *
 *   fresh tiles hold NaN (integers 0x80000000), so that reading what was never written shows;
 *   rows are 3 elements apart more than they are long, so that confusing ld and cols shows;
 *   the bytes around a tile and between its rows are checked when it is released: a write there ends the test;
 *   live tiles are counted; the nth operation fails on request.
 *
 * Spec: "check", or "check:avx2" and so on for the loops behind it. */
#ifndef AGOP_TESTS_CHECK_H
#define AGOP_TESTS_CHECK_H

#include "backend/backend.h"

extern const agop__backend agop__backend_check;

/* `self` is ctx->self of a context over agop__backend_check. */
int64_t agop__check_live(void *self);               /* tiles allocated and not released */
int64_t agop__check_operations(void *self);         /* operations that can fail, so far */
void    agop__check_fail_at(void *self, int64_t n); /* the nth operation from now fails, n >= 1; 0: none */

#endif
