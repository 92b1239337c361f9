/* test_registry.c - opening a context: names, refusals and their sentences, and what opening leaves behind. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "backend/backend.h"
#include "fail_alloc.h"

/* OpenMP is the backend's affair; this one question is asked to see that its settings come back. */
int omp_get_max_threads(void);

static void test_open__auto_cpu_and_null_are_the_cpu(void **state)
{
    static const char *const names[] = {"auto", "cpu", NULL, "cpu:baseline"};

    (void)state;
    for (int i = 0; i < 4; i++) {
        agop_ctx *ctx = NULL;
        assert_int_equal(agop_open(&ctx, names[i], 2), AGOP_OK);
        assert_ptr_equal(ctx->be, &agop__backend_cpu);
        assert_int_equal(ctx->threads, 2);
        assert_string_equal(agop_errmsg(ctx), "");
        agop_close(ctx);
    }
}

static void test_open__no_threads_asked_takes_what_openmp_offers(void **state)
{
    agop_ctx *ctx = NULL;

    (void)state;
    assert_int_equal(agop_open(&ctx, "cpu", 0), AGOP_OK);
    assert_int_equal(ctx->threads, omp_get_max_threads());
    agop_close(ctx);
}

static void refused(const char *name, int threads, agop_status code, const char *part)
{
    agop_ctx *ctx = (agop_ctx *)(void *)&ctx;

    assert_int_equal(agop_open(&ctx, name, threads), code);
    assert_null(ctx);
    if (!strstr(agop_errmsg(NULL), part))
        fail_msg("\"%s\" does not say \"%s\"", agop_errmsg(NULL), part);
}

static void test_open__an_unknown_name_is_refused_with_the_closest(void **state)
{
    (void)state;
    refused("cpi", 1, AGOP_E_UNSUPPORTED, "did you mean \"cpu\"?");
    refused("cpuu", 1, AGOP_E_UNSUPPORTED, "did you mean \"cpu\"?");
    refused("autoo", 1, AGOP_E_UNSUPPORTED, "did you mean \"auto\"?");
    refused("quantum computer", 1, AGOP_E_UNSUPPORTED, "use \"auto\" or \"cpu\"");
    refused("", 1, AGOP_E_UNSUPPORTED, "no backend \"\"");
}

static void test_open__cuda_is_told_apart_from_a_misspelling(void **state)
{
    (void)state;
    refused("cuda", 1, AGOP_E_UNSUPPORTED, "this build has no CUDA backend");
    refused("cuda:0", 1, AGOP_E_UNSUPPORTED, "this build has no CUDA backend");
    refused("cdua", 1, AGOP_E_UNSUPPORTED, "this build has no CUDA backend");
}

static void test_open__an_unknown_instruction_set_is_refused_with_the_closest(void **state)
{
    (void)state;
    refused("cpu:avx51", 1, AGOP_E_UNSUPPORTED, "did you mean \"cpu:avx512\"?");
    refused("cpu:base", 1, AGOP_E_UNSUPPORTED, "did you mean \"cpu:baseline\"?");
    refused("cpu:", 1, AGOP_E_UNSUPPORTED, "no instruction set \"cpu:\"");
}

static void test_open__negative_threads_and_no_pointer_are_the_callers_fault(void **state)
{
    (void)state;
    refused("cpu", -1, AGOP_E_ARG, "-1 threads");
    assert_int_equal(agop_open(NULL, "cpu", 1), AGOP_E_ARG);
}

static void test_open__running_out_of_memory_leaves_nothing(void **state)
{
    (void)state;
    for (int64_t n = 1;; n++) {
        agop_ctx   *ctx = NULL;
        agop_status st;
        int         failed;
        fail_alloc_arm(n);
        st     = agop_open(&ctx, "cpu", 1);
        failed = fail_alloc_disarm();
        if (!failed) {
            assert_int_equal(st, AGOP_OK);
            assert_true(n > 2);
            agop_close(ctx);
            break;
        }
        assert_int_equal(st, AGOP_E_NOMEM);
        assert_null(ctx);
        assert_non_null(strstr(agop_errmsg(NULL), "no memory"));
    }
}

static void *open_badly(void *sentence)
{
    agop_ctx *ctx;

    if (agop_open(&ctx, "cpi", 1) == AGOP_E_UNSUPPORTED)
        (void)strncpy(sentence, agop_errmsg(NULL), 200);
    return NULL;
}

static void test_errmsg__of_a_failed_open_belongs_to_its_thread(void **state)
{
    char      theirs[256] = "";
    pthread_t thread;

    (void)state;
    refused("cpu", -7, AGOP_E_ARG, "-7 threads");
    assert_int_equal(pthread_create(&thread, NULL, open_badly, theirs), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_non_null(strstr(theirs, "cpi"));
    assert_non_null(strstr(agop_errmsg(NULL), "-7 threads"));
}

static void test_backend_name__lists_and_ends(void **state)
{
    (void)state;
    assert_string_equal(agop_backend_name(0), "cpu");
    assert_null(agop_backend_name(1));
    assert_null(agop_backend_name(-1));
}

static void test_close__null_is_fine(void **state)
{
    (void)state;
    agop_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_open__auto_cpu_and_null_are_the_cpu),
        cmocka_unit_test(test_open__no_threads_asked_takes_what_openmp_offers),
        cmocka_unit_test(test_open__an_unknown_name_is_refused_with_the_closest),
        cmocka_unit_test(test_open__cuda_is_told_apart_from_a_misspelling),
        cmocka_unit_test(test_open__an_unknown_instruction_set_is_refused_with_the_closest),
        cmocka_unit_test(test_open__negative_threads_and_no_pointer_are_the_callers_fault),
        cmocka_unit_test(test_open__running_out_of_memory_leaves_nothing),
        cmocka_unit_test(test_errmsg__of_a_failed_open_belongs_to_its_thread),
        cmocka_unit_test(test_backend_name__lists_and_ends),
        cmocka_unit_test(test_close__null_is_fine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
