/* test_sparse.c - sparse matrices: made of arrays and of files against dense loops, scaled, refused. */
#include "table_support.h"

#include <math.h>
#include <unistd.h>

#include "base/rng.h"
#include "table/sparse.h"
#include "table/table.h"

/* What is at (i, j), by looking at every entry of the column. */
static double at(const agop_sparse *m, int64_t i, int64_t j)
{
    const int32_t *row;
    const float   *value;
    int64_t        n   = agop_sparse_column(m, j, &row, &value);
    double         sum = 0;
    for (int64_t k = 0; k < n; k++)
        sum += row[k] == i ? (double)value[k] : 0;
    return sum;
}

static void assert_well_formed(const agop_sparse *m)
{
    int64_t all = 0;
    for (int64_t j = 0; j < agop_sparse_cols(m); j++) {
        const int32_t *row;
        const float   *value;
        int64_t        n = agop_sparse_column(m, j, &row, &value);
        for (int64_t k = 0; k < n; k++) {
            assert_true(row[k] >= 0 && row[k] < agop_sparse_rows(m));
            assert_true(k == 0 || row[k] > row[k - 1]);
            assert_true(value[k] != 0 && isfinite(value[k]));
        }
        all += n;
    }
    assert_int_equal(all, agop_sparse_nonzeros(m));
}

/* ---- of arrays ---- */

static const int64_t start[] = {0, 4, 4, 7};
static const int32_t rows_of[] = {3, 0, 3, 1, 2, 0, 2};
static const float   values[]  = {1, 2, 0.5f, 0, 4, -1, -4};

static void test_sparse__rows_are_sorted_summed_and_without_zeros(void **state)
{
    agop_ctx          ctx     = listen(1);
    const char *const names[] = {"a", "b", "a"}, *const obs[] = {"r", "s", "t", "u"};
    agop_sparse      *m       = NULL;
    const int32_t    *row;
    const float      *value;

    (void)state;
    assert_int_equal(agop_sparse_new(&m, &ctx, 4, 3, start, rows_of, values, names, obs), AGOP_OK);
    assert_well_formed(m);
    assert_int_equal(agop_sparse_nonzeros(m), 3);
    assert_int_equal(agop_sparse_column(m, 0, &row, &value), 2);
    assert_int_equal(row[0], 0);
    assert_int_equal(row[1], 3);
    assert_true(value[0] == 2 && value[1] == 1.5f);
    assert_int_equal(agop_sparse_column(m, 1, NULL, NULL), 0);
    assert_int_equal(agop_sparse_column(m, 2, &row, &value), 1);
    assert_true(row[0] == 0 && value[0] == -1);
    assert_string_equal(agop_sparse_column_name(m, 2), "a");
    assert_string_equal(agop_sparse_row_name(m, 3), "u");
    assert_null(agop_sparse_column_name(m, 3));
    assert_null(agop_sparse_row_name(m, -1));
    assert_int_equal(agop_sparse_column(m, 3, &row, &value), 0);
    assert_null(row);
    agop_sparse_free(m);
    agop_sparse_free(NULL);
}

static void test_sparse__columns_without_names_are_numbered(void **state)
{
    agop_ctx     ctx = listen(1);
    agop_sparse *m   = NULL;

    (void)state;
    assert_int_equal(agop_sparse_new(&m, &ctx, 4, 3, start, rows_of, values, NULL, NULL), AGOP_OK);
    assert_string_equal(agop_sparse_column_name(m, 2), "x3");
    assert_null(agop_sparse_row_name(m, 0));
    agop_sparse_free(m);
}

static void test_sparse__bad_arrays_are_refused(void **state)
{
    agop_ctx      ctx     = listen(1);
    const int64_t two[]   = {0, 1, 2}, late[] = {1, 1, 2}, back[] = {0, 2, 1};
    const int32_t ok[]    = {0, 1}, high[] = {0, 2}, low[] = {-1, 0};
    const float   one[]   = {1, 1}, nan[] = {1, NAN}, inf[] = {-INFINITY, 1}, huge[] = {3e38f, 3e38f};
    const int64_t single[] = {0, 2, 2};
    const int32_t same[]   = {1, 1};
    agop_sparse  *m        = NULL;

    (void)state;
    assert_int_equal(agop_sparse_new(&m, &ctx, 2, 2, late, ok, one, NULL, NULL), AGOP_E_ARG);
    assert_sentence(&ctx, "the first start is 1, not 0");
    assert_int_equal(agop_sparse_new(&m, &ctx, 2, 2, back, ok, one, NULL, NULL), AGOP_E_ARG);
    assert_sentence(&ctx, "column 1 ends before it starts");
    assert_int_equal(agop_sparse_new(&m, &ctx, 2, 2, two, high, one, NULL, NULL), AGOP_E_SHAPE);
    assert_sentence(&ctx, "column 1 has row 2, the matrix 2 rows");
    assert_int_equal(agop_sparse_new(&m, &ctx, 2, 2, two, low, one, NULL, NULL), AGOP_E_SHAPE);
    assert_int_equal(agop_sparse_new(&m, &ctx, 2, 2, two, ok, nan, NULL, NULL), AGOP_E_DATA);
    assert_sentence(&ctx, "column 1, row 1: NaN or infinite");
    assert_int_equal(agop_sparse_new(&m, &ctx, 2, 2, two, ok, inf, NULL, NULL), AGOP_E_DATA);
    assert_int_equal(agop_sparse_new(&m, &ctx, 2, 2, single, same, huge, NULL, NULL), AGOP_E_DATA);
    assert_sentence(&ctx, "more than single precision holds");
    assert_int_equal(agop_sparse_new(&m, &ctx, -1, 2, two, ok, one, NULL, NULL), AGOP_E_ARG);
    assert_int_equal(agop_sparse_new(&m, &ctx, 2, INT64_C(1) << 31, two, ok, one, NULL, NULL), AGOP_E_ARG);
    assert_int_equal(agop_sparse_new(&m, &ctx, 2, 2, NULL, ok, one, NULL, NULL), AGOP_E_ARG);
    assert_int_equal(agop_sparse_new(&m, &ctx, 2, 2, two, NULL, one, NULL, NULL), AGOP_E_ARG);
    assert_int_equal(agop_sparse_new(NULL, &ctx, 2, 2, two, ok, one, NULL, NULL), AGOP_E_ARG);
    assert_null(m);
}

/* Random entries, many in one cell, against a dense array of sums. Small integers, so that sums are exact. */
static void test_sparse__random_entries_equal_a_dense_sum(void **state)
{
    enum { N = 37, D = 11, ENTRIES = 900 };
    agop__rng      rng;
    agop_ctx       ctx            = listen(1);
    double         dense[N][D]    = {{0}};
    agop__triplets t              = {.rows = N, .cols = D}, u = {.rows = D, .cols = N};
    agop_sparse   *m              = NULL, *swapped = NULL;

    (void)state;
    agop__rng_seed(&rng, 3, 0);
    for (int k = 0; k < ENTRIES; k++) {
        int64_t i = agop__rng_below(&rng, N), j = agop__rng_below(&rng, D - 1);
        float   v = (float)agop__rng_below(&rng, 7) - 3;
        dense[i][j] += (double)v;
        assert_true(agop__triplets_add(&t, i, j, v) && agop__triplets_add(&u, j, i, v));
    }
    assert_int_equal(agop__sparse_of(&m, &t, 0, "a", &ctx.err), AGOP_OK);
    assert_int_equal(agop__sparse_of(&swapped, &u, 1, "a", &ctx.err), AGOP_OK);
    assert_null(t.first);
    assert_well_formed(m);
    assert_well_formed(swapped);
    for (int64_t i = 0; i < N; i++)
        for (int64_t j = 0; j < D; j++) {
            assert_true(at(m, i, j) == dense[i][j]);
            assert_true(at(swapped, i, j) == dense[i][j]);
        }
    agop_sparse_free(m);
    agop_sparse_free(swapped);
}

/* ---- of files ---- */

static char path[] = "/tmp/agop_sparse_XXXXXX";

static int make_file(void **state)
{
    static const char text[] = "%%MatrixMarket matrix coordinate integer general\n"
                               "4 3 6\n1 1 2\n1 2 2\n2 1 1\n2 3 3\n3 2 5\n1 1 1\n";
    int               fd     = mkstemp(path);
    (void)state;
    if (fd < 0 || write(fd, text, sizeof text - 1) != (ssize_t)sizeof text - 1)
        return -1;
    return close(fd);
}

static int remove_file(void **state)
{
    (void)state;
    return unlink(path);
}

/* python3 -c 'import numpy as np; x = np.array([[3,2,0],[1,0,3],[0,5,0],[0,0,0]]); s = x.sum(1, keepdims=True)
 *             print(np.log1p(x / np.where(s == 0, 1, s) * 10).tolist())' */
static void test_sparse__scaled_then_logarithm(void **state)
{
    static const double want[4][3] = {{1.9459101490553132, 1.6094379124341003, 0},
                                      {1.252762968495368, 0, 2.1400661634962708},
                                      {0, 2.3978952727983707, 0},
                                      {0, 0, 0}};
    agop_ctx            ctx        = listen(1);
    agop_settings      *s          = settings("normalise", "10", "log1p", "true", NULL);
    agop_sparse        *m          = NULL;

    (void)state;
    assert_int_equal(agop_sparse_read(&m, &ctx, path, s), AGOP_OK);
    assert_well_formed(m);
    for (int64_t i = 0; i < 4; i++)
        for (int64_t j = 0; j < 3; j++)
            assert_close(at(m, i, j), want[i][j], 3e-7);
    agop_sparse_free(m);
    agop_settings_free(s);
}

static void test_sparse__genes_in_rows_turns_the_file_round(void **state)
{
    agop_ctx       ctx = listen(1);
    agop_settings *s   = settings("genes_in_rows", "true", "normalise", "4", NULL);
    agop_sparse   *m   = NULL;

    (void)state;
    assert_int_equal(agop_sparse_read(&m, &ctx, path, s), AGOP_OK);
    assert_int_equal(agop_sparse_rows(m), 3);
    assert_int_equal(agop_sparse_cols(m), 4);
    assert_true(at(m, 0, 0) == 3 && at(m, 0, 1) == 1 && at(m, 2, 1) == 4); /* the sum is that of an observation */
    agop_sparse_free(m);
    agop_settings_free(s);
}

static void test_sparse__rare_variables_go_before_scaling(void **state)
{
    agop_ctx       ctx = listen(1);
    agop_settings *s   = settings("min_rows", "2", "normalise", "1", NULL);
    agop_sparse   *m   = NULL;

    (void)state;
    assert_int_equal(agop_sparse_read(&m, &ctx, path, s), AGOP_OK);
    assert_well_formed(m);
    assert_int_equal(agop_sparse_cols(m), 2);
    assert_string_equal(agop_sparse_column_name(m, 1), "x2");
    assert_true(at(m, 1, 0) == 1); /* its 3 in the third column is no part of the sum */
    agop_sparse_free(m);
    agop_settings_free(s);
    s = settings("min_rows", "3", NULL);
    assert_int_equal(agop_sparse_read(&m, &ctx, path, s), AGOP_E_DATA);
    assert_sentence(&ctx, "no variables are left; try a smaller min_rows");
    assert_null(m);
    agop_settings_free(s);
}

static void test_sparse__only_counts_are_scaled(void **state)
{
    agop_ctx       ctx = listen(1);
    agop_sparse   *m   = NULL;
    agop_settings *s   = settings("log1p", "true", NULL);

    (void)state;
    assert_int_equal(agop_sparse_new(&m, &ctx, 4, 3, start, rows_of, values, NULL, NULL), AGOP_OK);
    assert_int_equal(agop__sparse_prepare(m, s, "a.mtx", &ctx.err), AGOP_E_DATA);
    assert_sentence(&ctx, "a.mtx: column 'x3', row 1: -1 is negative, and log1p needs counts");
    agop_sparse_free(m);
    agop_settings_free(s);
}

static void test_sparse__what_scaling_makes_zero_is_none(void **state)
{
    const int64_t  first[] = {0, 1, 2};
    const int32_t  row[]   = {0, 0};
    const float    value[] = {1e-30f, 1e30f};
    agop_ctx       ctx     = listen(1);
    agop_settings *s       = settings("normalise", "1", NULL);
    agop_sparse   *m       = NULL;

    (void)state;
    assert_int_equal(agop_sparse_new(&m, &ctx, 1, 2, first, row, value, NULL, NULL), AGOP_OK);
    assert_int_equal(agop__sparse_prepare(m, s, "a", &ctx.err), AGOP_OK);
    assert_well_formed(m);
    assert_int_equal(agop_sparse_nonzeros(m), 1);
    agop_sparse_free(m);
    agop_settings_free(s);
}

static void test_sparse__no_file_and_no_matrix_are_told(void **state)
{
    agop_ctx     ctx = listen(1);
    agop_sparse *m   = NULL;

    (void)state;
    assert_int_equal(agop_sparse_read(&m, &ctx, "/nowhere.mtx", NULL), AGOP_E_IO);
    assert_int_equal(agop_sparse_read(&m, &ctx, NULL, NULL), AGOP_E_ARG);
    assert_int_equal(agop_sparse_read(NULL, &ctx, path, NULL), AGOP_E_ARG);
}

static void test_sparse__files_are_told_by_their_beginning(void **state)
{
    agop_ctx ctx = listen(1);
    int      is  = 0;

    (void)state;
    assert_int_equal(agop_sparse_is(&is, &ctx, path), AGOP_OK);
    assert_int_equal(is, 1);
    assert_int_equal(agop_sparse_is(&is, &ctx, "tests/data/flowers.train.csv"), AGOP_OK);
    assert_int_equal(is, 0);
    assert_int_equal(agop_sparse_is(&is, &ctx, "-"), AGOP_OK);
    assert_int_equal(is, 0);
    assert_int_equal(agop_sparse_is(&is, &ctx, "/nowhere.mtx"), AGOP_E_IO);
}

static void test_sparse__every_failed_allocation_is_told(void **state)
{
    agop_settings *s    = settings("min_rows", "1", "normalise", "10", "log1p", "true", NULL);
    const char    *a[3] = {"a", "b", "c"};
    int            failed = 1;

    (void)state;
    for (int64_t n = 1; failed; n++) {
        agop_ctx     ctx  = listen(1);
        agop_sparse *m    = NULL, *copy = NULL;
        agop_status  st, of_arrays;
        fail_alloc_arm(n);
        st        = agop_sparse_read(&m, &ctx, path, s);
        of_arrays = agop_sparse_new(&copy, &ctx, 4, 3, start, rows_of, values, a, NULL);
        failed    = fail_alloc_disarm();
        /* arrays that cannot be made shorter stay as they are */
        assert_true(st == AGOP_OK || (failed && st == AGOP_E_NOMEM && !m));
        assert_true(of_arrays == AGOP_OK || (failed && of_arrays == AGOP_E_NOMEM && !copy));
        assert_true(n > 10 || failed);
        agop_sparse_free(m);
        agop_sparse_free(copy);
    }
    agop_settings_free(s);
}

/* More rows than a chunk of a packed column has; names that repeat. */
static void test_sparse__a_table_holds_the_same_cells(void **state)
{
    enum { LONG = 70000, COLS = 3, EACH = 900 };
    agop_ctx          ctx     = listen(1);
    const char *const names[] = {"g", "h", "g"};
    static int32_t    row[COLS * EACH];
    static float      value[COLS * EACH];
    int64_t           begin[COLS + 1] = {0, EACH, EACH, 2 * EACH};
    agop_settings    *s = settings(NULL, NULL);
    agop_sparse      *m = NULL;
    agop_table       *t = NULL;
    agop__rng         r;

    (void)state;
    agop__rng_seed(&r, 5, 0);
    for (int k = 0; k < 2 * EACH; k++) {
        row[k]   = (int32_t)agop__rng_below(&r, LONG);
        value[k] = (float)(1 + k % 7) / 2;
    }
    row[0] = LONG - 1;
    assert_int_equal(agop_sparse_new(&m, &ctx, LONG, COLS, begin, row, value, names, NULL), AGOP_OK);
    assert_int_equal(agop_table_from_sparse(&t, &ctx, m, s), AGOP_OK);
    assert_int_equal(agop_table_rows(t), LONG);
    assert_int_equal(agop_table_cols(t), COLS);
    assert_string_equal(agop_table_name(t, 0), "g");
    assert_string_equal(agop_table_name(t, 2), "g (2)");
    for (int64_t j = 0; j < COLS; j++) {
        const int32_t *at;
        const float   *v;
        int64_t        n = agop_sparse_column(m, j, &at, &v), next = 0;
        for (int64_t i = 0; i < LONG; i++) {
            double want = next < n && at[next] == i ? (double)v[next++] : 0;
            assert_true(agop_table_number(t, i, j) == want);
        }
    }
    agop_table_free(t);
    for (int64_t n = 1, failed = 1; failed; n++) {
        agop_status st;
        fail_alloc_arm(n);
        st     = agop_table_from_sparse(&t, &ctx, m, s);
        failed = fail_alloc_disarm();
        assert_int_equal(st, failed ? AGOP_E_NOMEM : AGOP_OK);
        assert_true(n > 5 || failed);
    }
    agop_table_free(t);
    agop_sparse_free(m);
    agop_settings_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sparse__rows_are_sorted_summed_and_without_zeros),
        cmocka_unit_test(test_sparse__columns_without_names_are_numbered),
        cmocka_unit_test(test_sparse__bad_arrays_are_refused),
        cmocka_unit_test(test_sparse__random_entries_equal_a_dense_sum),
        cmocka_unit_test(test_sparse__scaled_then_logarithm),
        cmocka_unit_test(test_sparse__genes_in_rows_turns_the_file_round),
        cmocka_unit_test(test_sparse__rare_variables_go_before_scaling),
        cmocka_unit_test(test_sparse__only_counts_are_scaled),
        cmocka_unit_test(test_sparse__what_scaling_makes_zero_is_none),
        cmocka_unit_test(test_sparse__no_file_and_no_matrix_are_told),
        cmocka_unit_test(test_sparse__files_are_told_by_their_beginning),
        cmocka_unit_test(test_sparse__every_failed_allocation_is_told),
        cmocka_unit_test(test_sparse__a_table_holds_the_same_cells),
    };
    return cmocka_run_group_tests(tests, make_file, remove_file);
}
