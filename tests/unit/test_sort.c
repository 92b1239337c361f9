/* test_sort.c - pairs in the order of their keys, keys in the order of numbers, and one place of a sorted row. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/sort.h"
#include "numbers.h"

enum { MOST = 1000 };

static int rising(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Random numbers, few different ones, all equal, rising, falling, a mountain. */
static void fill(double *v, int64_t n, int kind)
{
    double *z = normals(n, (uint64_t)(n + kind));
    for (int64_t i = 0; i < n; i++)
        v[i] = kind == 0   ? z[i]
               : kind == 1 ? floor(2 * z[i])
               : kind == 2 ? 3
               : kind == 3 ? (double)i
               : kind == 4 ? (double)-i
                           : (double)(i < n / 2 ? i : n - i);
    free(z);
}

static void test_select__is_the_place_of_a_sorted_row(void **state)
{
    static const int64_t sizes[] = {1, 2, 3, 4, 7, 64, MOST};
    double               v[MOST], sorted[MOST];
    (void)state;
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
        for (int kind = 0; kind < 6; kind++) {
            int64_t n = sizes[s];
            fill(sorted, n, kind);
            qsort(sorted, (size_t)n, sizeof *sorted, rising);
            for (int64_t k = 0; k < n; k += 1 + n / 50) {
                fill(v, n, kind);
                assert_true(agop__select(v, n, k) == sorted[k]);
                qsort(v, (size_t)n, sizeof *v, rising); /* nothing was lost */
                assert_memory_equal(v, sorted, (size_t)n * sizeof *v);
            }
        }
}

static void test_sort_pairs__rise_and_stay_in_order_where_equal(void **state)
{
    double     v[MOST];
    agop__pair p[MOST], scratch[MOST];
    (void)state;
    for (int kind = 0; kind < 6; kind++) {
        fill(v, MOST, kind);
        for (int64_t i = 0; i < MOST; i++)
            p[i] = (agop__pair){.key = agop__key(v[i]), .value = i};
        agop__sort_pairs(p, scratch, MOST);
        for (int64_t i = 1; i < MOST; i++) {
            double before = agop__number_of_key(p[i - 1].key), here = agop__number_of_key(p[i].key);
            assert_true(before < here || (before == here && p[i - 1].value < p[i].value));
            assert_true(v[p[i].value] == here);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_select__is_the_place_of_a_sorted_row),
        cmocka_unit_test(test_sort_pairs__rise_and_stay_in_order_where_equal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
