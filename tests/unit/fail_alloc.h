/* fail_alloc.h - make the nth allocation fail, to see that every failure comes back as AGOP_E_NOMEM.
 *
 * A test that uses it is linked with
 *   -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=aligned_alloc,--wrap=posix_memalign
 * The usual loop:
 *
 *   for (int64_t n = 1;; n++) {
 *       fail_alloc_arm(n);
 *       st = the_call(...);
 *       failed = fail_alloc_disarm();
 *       ... give back what was made ...
 *       if (!failed) { assert_int_equal(st, AGOP_OK); break; }
 *       assert_int_equal(st, AGOP_E_NOMEM);
 *   }
 *
 * Only allocations that our own code asks for are counted: what the C library takes inside itself is not seen.
 * Those of jansson count after json_set_alloc_funcs(malloc, free) in the test, because then they are our calls. */
#ifndef FAIL_ALLOC_H
#define FAIL_ALLOC_H

#include <stdint.h>

void    fail_alloc_arm(int64_t n); /* the nth allocation from now on fails, once; n = 0: none, only count */
int     fail_alloc_disarm(void);   /* 1: an allocation was made to fail since arming */
int64_t fail_alloc_count(void);    /* allocations since arming */

#endif
