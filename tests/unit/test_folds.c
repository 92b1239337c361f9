/* test_folds.c - how rows are dealt into folds. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rfm/folds.h"

enum { ROWS = 203, CLASSES = 3, GROUPS = 41 };

static char    keep[ROWS];
static double  class_of[ROWS];
static int64_t group[ROWS];

static void make(void)
{
    for (int i = 0; i < ROWS; i++) {
        keep[i]     = i % 29 != 7;
        class_of[i] = i % 31 == 0 ? 2 : i % 3 == 0;
        group[i]    = (i * 17 / 3) % GROUPS;
    }
}

static void deal(int32_t *fold, const int64_t *of, int32_t folds, const double *classes, uint64_t seed, uint64_t repeat)
{
    agop__folds f = {0};
    agop__err   e;

    assert_int_equal(agop__folds_open(&f, keep, of, GROUPS, ROWS, seed, repeat, &e), AGOP_OK);
    assert_int_equal(agop__folds_deal(fold, &f, folds, classes, CLASSES, ROWS, &e), AGOP_OK);
    agop__folds_close(&f);
}

static void test_folds__every_kept_row_is_in_one_fold_of_nearly_equal_size(void **state)
{
    int32_t fold[ROWS];

    (void)state;
    for (int32_t folds = 2; folds < 12; folds++) {
        int64_t count[12] = {0}, least = ROWS, most = 0;
        deal(fold, NULL, folds, NULL, 1, 0);
        for (int i = 0; i < ROWS; i++) {
            assert_true(keep[i] ? fold[i] >= 0 && fold[i] < folds : fold[i] == -1);
            if (keep[i])
                count[fold[i]]++;
        }
        for (int32_t k = 0; k < folds; k++) {
            least = count[k] < least ? count[k] : least;
            most  = count[k] > most ? count[k] : most;
        }
        assert_true(most - least <= 1);
    }
}

static void test_folds__every_class_is_dealt_evenly(void **state)
{
    int32_t fold[ROWS];

    (void)state;
    for (int32_t folds = 2; folds < 12; folds++) {
        deal(fold, NULL, folds, class_of, 2, 0);
        for (int c = 0; c < CLASSES; c++) {
            int64_t count[12] = {0}, all = 0;
            for (int i = 0; i < ROWS; i++)
                if (keep[i] && class_of[i] == c) {
                    count[fold[i]]++;
                    all++;
                }
            for (int32_t k = 0; k < folds; k++)
                assert_true(count[k] == all / folds || count[k] == (all + folds - 1) / folds);
        }
    }
}

static void test_folds__a_group_is_never_parted(void **state)
{
    int32_t fold[ROWS], of[GROUPS];

    (void)state;
    for (int classes = 0; classes < 2; classes++)
        for (int32_t folds = 2; folds < 8; folds++) {
            int64_t count[8] = {0};
            deal(fold, group, folds, classes ? class_of : NULL, 3, 0);
            memset(of, -1, sizeof of);
            for (int i = 0; i < ROWS; i++) {
                if (!keep[i])
                    continue;
                count[fold[i]]++;
                if (of[group[i]] >= 0)
                    assert_int_equal(of[group[i]], fold[i]);
                of[group[i]] = fold[i];
            }
            for (int32_t k = 0; k < folds; k++) /* groups of five or so */
                assert_true(fabs((double)count[k] - 196.0 / folds) <= 6);
        }
}

static void test_folds__the_seed_and_the_repeat_decide(void **state)
{
    int32_t a[ROWS], b[ROWS], c[ROWS], d[ROWS];

    (void)state;
    deal(a, NULL, 5, class_of, 7, 0);
    deal(b, NULL, 5, class_of, 7, 0);
    deal(c, NULL, 5, class_of, 8, 0);
    deal(d, NULL, 5, class_of, 7, 1);
    assert_memory_equal(a, b, sizeof a);
    assert_memory_not_equal(a, c, sizeof a);
    assert_memory_not_equal(a, d, sizeof a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_folds__every_kept_row_is_in_one_fold_of_nearly_equal_size),
        cmocka_unit_test(test_folds__every_class_is_dealt_evenly),
        cmocka_unit_test(test_folds__a_group_is_never_parted),
        cmocka_unit_test(test_folds__the_seed_and_the_repeat_decide),
    };

    make();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
