/* test_check.c - the guarded backend guards: every switch of it is made to trip. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <math.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "conform/check.c"

static agop_ctx *open_or_fail(void)
{
    agop_ctx *ctx = NULL;
    assert_int_equal(agop__open_backend(&ctx, &agop__backend_check, "check", 1), AGOP_OK);
    return ctx;
}

/* Does `wrong` end its process, with `part` on stderr? In a process of its own. */
static void ends(void (*wrong)(agop_ctx *ctx), const char *part)
{
    char    text[300] = "";
    int     ends_of[2], status = 0;
    ssize_t got;
    pid_t   child;

    assert_int_equal(pipe(ends_of), 0);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void)dup2(ends_of[1], 2);
        (void)signal(SIGABRT, SIG_DFL);
        wrong(open_or_fail());
        _exit(0);
    }
    (void)close(ends_of[1]);
    got = read(ends_of[0], text, sizeof text - 1);
    assert_true(got >= 0);
    (void)close(ends_of[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    assert_non_null(strstr(text, part));
}

static agop__tile small(agop_ctx *ctx)
{
    agop__tile t;
    agop__err  e = {0};

    assert_int_equal(ctx->be->alloc(ctx->self, &t, 2, 3, AGOP_F32, &e), AGOP_OK);
    return t;
}

static void write_before(agop_ctx *ctx)
{
    agop__tile t           = small(ctx);
    ((float *)t.mem)[-1] = 1;
    ctx->be->release(ctx->self, &t);
}

static void write_after(agop_ctx *ctx)
{
    agop__tile t                 = small(ctx);
    ((float *)t.mem)[2 * t.ld] = 1;
    ctx->be->release(ctx->self, &t);
}

static void write_between(agop_ctx *ctx)
{
    agop__tile t         = small(ctx);
    ((float *)t.mem)[3] = 1;
    ctx->be->release(ctx->self, &t);
}

static void release_twice(agop_ctx *ctx)
{
    agop__tile t = small(ctx), again = t;
    ctx->be->release(ctx->self, &t);
    ctx->be->release(ctx->self, &again);
}

static void rows_outside(agop_ctx *ctx)
{
    agop__tile t = small(ctx);
    (void)ctx->be->rows(ctx->self, &t, 1, 2);
}

static void forget(agop_ctx *ctx)
{
    (void)small(ctx);
    agop_close(ctx);
}

static void test_check__a_write_outside_of_a_tile_ends_the_test(void **state)
{
    (void)state;
    ends(write_before, "before its start");
    ends(write_after, "past its end");
    ends(write_between, "between its rows");
}

static void test_check__misuse_of_tiles_ends_the_test(void **state)
{
    (void)state;
    ends(release_twice, "no live tile");
    ends(rows_outside, "rows 1 .. 2 of 2");
    ends(forget, "never released");
}

static void test_check__fresh_tiles_are_poisoned(void **state)
{
    agop_ctx  *ctx = open_or_fail();
    agop__tile t   = small(ctx), codes;
    agop__err  e   = {0};

    (void)state;
    assert_true(isnan(((float *)t.mem)[0]) && isnan(((float *)t.mem)[t.ld + 2]));
    assert_int_equal(ctx->be->alloc(ctx->self, &codes, 1, 1, AGOP__I32, &e), AGOP_OK);
    assert_int_equal(*(int32_t *)codes.mem, INT32_MIN);
    assert_true(t.ld > t.cols);
    ctx->be->release(ctx->self, &t);
    ctx->be->release(ctx->self, &codes);
    agop_close(ctx);
}

static void test_check__live_tiles_are_counted(void **state)
{
    agop_ctx  *ctx = open_or_fail();
    agop__tile a = small(ctx), b = small(ctx), none = {0};

    (void)state;
    assert_int_equal(agop__check_live(ctx->self), 2);
    ctx->be->release(ctx->self, &a);
    ctx->be->release(ctx->self, &none);
    assert_int_equal(agop__check_live(ctx->self), 1);
    ctx->be->release(ctx->self, &b);
    assert_int_equal(agop__check_live(ctx->self), 0);
    agop_close(ctx);
}

static void test_check__the_nth_operation_fails_once(void **state)
{
    agop_ctx  *ctx = open_or_fail();
    agop__tile t   = small(ctx), u;
    agop__err  e   = {0};
    float      f[6] = {0};
    int64_t    before = agop__check_operations(ctx->self);

    (void)state;
    agop__check_fail_at(ctx->self, 2);
    assert_int_equal(ctx->be->put(ctx->self, &t, f, 3, AGOP_F32, &e), AGOP_OK);
    assert_int_equal(ctx->be->alloc(ctx->self, &u, 1, 1, AGOP_F32, &e), AGOP_E_NOMEM);
    assert_null(u.mem);
    assert_int_equal(ctx->be->put(ctx->self, &t, f, 3, AGOP_F32, &e), AGOP_OK);
    agop__check_fail_at(ctx->self, 1);
    assert_int_equal(ctx->be->get(ctx->self, f, 3, AGOP_F32, &t, &e), AGOP_E_BACKEND);
    assert_int_equal(agop__check_operations(ctx->self), before + 4);
    ctx->be->release(ctx->self, &t);
    agop_close(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_check__a_write_outside_of_a_tile_ends_the_test),
        cmocka_unit_test(test_check__misuse_of_tiles_ends_the_test),
        cmocka_unit_test(test_check__fresh_tiles_are_poisoned),
        cmocka_unit_test(test_check__live_tiles_are_counted),
        cmocka_unit_test(test_check__the_nth_operation_fails_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
