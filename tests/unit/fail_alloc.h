/* fail_alloc.h - make the nth allocation fail.
 *
 * The unit tests are linked with --wrap, so that every malloc, calloc, realloc, aligned_alloc and posix_memalign
 * that our objects (or the test) ask for goes through fail_alloc.c. Allocations inside shared libraries do not.
 *
 *     for (n = 1;; n++) {
 *         fail_alloc_at(n);
 *         st = agop_something(...);
 *         if (!fail_alloc_off())
 *             break;             // the call asked for fewer than n: every one has failed once
 *         assert_int_equal(st, AGOP_E_NOMEM);
 *     }
 */
#ifndef AGOP_TESTS_FAIL_ALLOC_H
#define AGOP_TESTS_FAIL_ALLOC_H

void fail_alloc_at(long n); /* the nth request from now fails (1 = the next), and only that one */
int  fail_alloc_off(void);  /* stop failing; 1: a request did fail since fail_alloc_at */
long fail_alloc_count(void); /* requests since fail_alloc_at */

#endif
