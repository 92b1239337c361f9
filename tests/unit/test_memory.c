/* test_memory.c - sizes that overflow are refused, growth keeps what is there, and what the machine says of itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "base/memory.h"
#include "fail_alloc.h"

static void test_memory__sizes_that_overflow_are_refused(void **state)
{
    static const struct {
        int64_t count;
        size_t  size;
    } bad[] = {{-1, 1},
               {-1, 8},
               {INT64_MIN, 1},
               {INT64_MAX, 8},
               {INT64_MAX / 8 + 1, 8},
               {(int64_t)1 << 61, 8}, /* the product is 2^64: it would wrap to 0 */
               {((int64_t)1 << 61) + 1, 8},
               {INT64_MAX, SIZE_MAX},
               {3, SIZE_MAX / 2}};
    int   here = 5;
    void *p;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_null(agop__malloc(bad[i].count, bad[i].size));
        assert_null(agop__calloc(bad[i].count, bad[i].size));
        assert_null(agop__aligned(bad[i].count, bad[i].size));
        p = &here;
        assert_int_equal(agop__grow(&p, bad[i].count, bad[i].size), 0);
        assert_ptr_equal(p, &here);
    }
}

static void test_memory__nothing_is_still_an_address(void **state)
{
    void *p[5];

    (void)state;
    p[0] = agop__malloc(0, 8);
    p[1] = agop__calloc(0, 8);
    p[2] = agop__aligned(0, 8);
    p[3] = agop__malloc(8, 0);
    p[4] = NULL;
    assert_int_equal(agop__grow(&p[4], 0, 8), 1);
    for (int i = 0; i < 5; i++) {
        assert_non_null(p[i]);
        *(char *)p[i] = 1; /* at least one byte; the sanitizer looks */
        free(p[i]);
    }
}

static void test_memory__calloc_is_zero_and_aligned_is_aligned(void **state)
{
    unsigned char *z = agop__calloc(1000, 8);

    (void)state;
    for (int i = 0; i < 8000; i++)
        assert_int_equal(z[i], 0);
    free(z);
    for (int64_t n = 1; n < 300; n += 7) {
        char *a = agop__aligned(n, 3);
        assert_int_equal((uintptr_t)a % 64, 0);
        memset(a, 1, (size_t)(3 * n));
        free(a);
    }
}

static void test_memory__growth_keeps_what_is_there(void **state)
{
    void *p = NULL;

    (void)state;
    for (int64_t n = 1; n < 5000; n = 2 * n + 1) {
        assert_int_equal(agop__grow(&p, n, sizeof(int64_t)), 1);
        for (int64_t i = n / 2; i < n; i++)
            ((int64_t *)p)[i] = i;
        for (int64_t i = 0; i < n; i++)
            assert_int_equal(((int64_t *)p)[i], i);
    }
    free(p);
}

static void test_memory__growth_that_fails_leaves_the_old_block(void **state)
{
    void *p = agop__malloc(4, 1), *before = p;

    (void)state;
    memcpy(p, "abc", 4);
    fail_alloc_arm(1);
    assert_int_equal(agop__grow(&p, 1000, 1), 0);
    assert_true(fail_alloc_disarm());
    assert_ptr_equal(p, before);
    assert_string_equal((char *)p, "abc");
    free(p);
}

static void test_memory__copies_of_texts_are_their_own(void **state)
{
    char  text[] = "ridge", *copy = agop__strdup(text), *none;

    (void)state;
    text[0] = 'b';
    assert_string_equal(copy, "ridge");
    free(copy);
    copy = agop__strdup("");
    assert_string_equal(copy, "");
    free(copy);
    fail_alloc_arm(1);
    none = agop__strdup("x");
    assert_true(fail_alloc_disarm());
    assert_null(none);
}

static void test_memory__the_machine_has_more_than_we_hold(void **state)
{
    int64_t before = agop__peak_bytes();
    char   *block  = agop__malloc(32, 1 << 20);

    (void)state;
    assert_true(before > 100000);
    memset(block, 1, 32u << 20);
    assert_true(agop__peak_bytes() >= before);
    assert_true(agop__peak_bytes() >= 32 << 20);
    free(block);
    assert_true(agop__peak_bytes() >= 32 << 20); /* a peak does not sink */
    assert_true(agop__machine_bytes() >= agop__peak_bytes());
}

static void test_memory__what_is_given_back_is_held_no_more(void **state)
{
    const size_t size  = 64u << 20;
    int64_t      before = agop__held_bytes();
    char        *block = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    (void)state;
    assert_true(before > 100000);
    assert_true(block != MAP_FAILED);
    memset(block, 1, size);
    assert_true(agop__held_bytes() >= before + (60 << 20));
    assert_int_equal(munmap(block, size), 0);
    assert_true(agop__held_bytes() < before + (8 << 20));
    assert_true(agop__peak_bytes() >= before + (60 << 20));
}

static void test_status__every_code_has_its_name(void **state)
{
    (void)state;
    assert_string_equal(agop_status_name(AGOP_OK), "AGOP_OK");
    assert_string_equal(agop_status_name(AGOP_E_SHAPE), "AGOP_E_SHAPE");
    assert_string_equal(agop_status_name(AGOP_E_NOMEM), "AGOP_E_NOMEM");
    assert_string_equal(agop_status_name((agop_status)12345), "AGOP_E_UNKNOWN");
}

static void test_status__sentences_are_cut_not_overrun(void **state)
{
    agop__err e = {0};
    char      text[2000];

    (void)state;
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    assert_int_equal(agop__fail(&e, AGOP_E_DATA, "%s", text), AGOP_E_DATA);
    assert_int_equal(e.code, AGOP_E_DATA);
    assert_int_equal(strlen(e.text), sizeof e.text - 1);
    assert_int_equal(agop__fail(NULL, AGOP_E_DATA, "nobody listens"), AGOP_E_DATA);
    assert_int_equal(agop__fail_memory(&e, 12.34e9, "the kernel matrix"), AGOP_E_NOMEM);
    assert_string_equal(e.text, "no memory for 12.3 GB: the kernel matrix");
    assert_int_equal(agop__fail_memory(&e, 5e6, "rows"), AGOP_E_NOMEM);
    assert_string_equal(e.text, "no memory for 5.0 MB: rows");
    assert_int_equal(agop__fail_memory(&e, 0, "rows"), AGOP_E_NOMEM);
    assert_string_equal(e.text, "no memory: rows");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_memory__sizes_that_overflow_are_refused),
        cmocka_unit_test(test_memory__nothing_is_still_an_address),
        cmocka_unit_test(test_memory__calloc_is_zero_and_aligned_is_aligned),
        cmocka_unit_test(test_memory__growth_keeps_what_is_there),
        cmocka_unit_test(test_memory__growth_that_fails_leaves_the_old_block),
        cmocka_unit_test(test_memory__copies_of_texts_are_their_own),
        cmocka_unit_test(test_memory__the_machine_has_more_than_we_hold),
        cmocka_unit_test(test_memory__what_is_given_back_is_held_no_more),
        cmocka_unit_test(test_status__every_code_has_its_name),
        cmocka_unit_test(test_status__sentences_are_cut_not_overrun),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
