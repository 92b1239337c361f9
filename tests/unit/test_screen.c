/* test_screen.c - scores of which products of bytes choose what is computed: the same as in double, for columns of all
 * kinds; what was chosen; and what is done where too much would be. */
#include "depend/screen.h"
#include "conform/check.c"
#include "fail_alloc.h"
#include "model_support.h"

enum { ROWS = 5000, COLS = 280 }; /* several pieces of rows, and more than a block */

static agop_ctx *ctx;

static double uniform(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (double)(*state >> 11) * 0x1p-53;
}

static double normal(uint64_t *state)
{
    return sqrt(-2 * log(1 - uniform(state))) * cos(6.283185307179586 * uniform(state));
}

/* Independent ones, some that follow others closely or loosely, the same again and mirrored, counts, marks, spikes,
 * sorted ones, tiny and huge ones, and one with a single value. */
static double cell(const double *row, int i, int j, uint64_t *state)
{
    double z = normal(state);

    switch (j % 40) {
    case 3: return row[j - 1] * row[j - 1] + .05 * z;
    case 4: return row[j - 2] + 2 * z;
    case 5: return row[j - 3];
    case 6: return -row[j - 4];
    case 7: return floor(fabs(3 * z));
    case 8: return uniform(state) < .3;
    case 9: return i % 997 == 9 ? 5 : 0;
    case 10: return i;
    case 11: return 1e-3 * z;
    case 12: return tan(3.1 * (uniform(state) - .5));
    case 13: return j == 13 ? 1 : i / 2500 + .01 * z;
    case 14: return i % 2 ? z : -3;
    default: return z;
    }
}

static double *make_cells(int cols, uint64_t state)
{
    double *x = calloc((size_t)ROWS * (size_t)cols, sizeof *x);

    assert_non_null(x);
    for (int i = 0; i < ROWS; i++)
        for (int j = 0; j < cols; j++)
            x[i * cols + j] = cell(x + i * cols, i, j, &state);
    return x;
}

static agop_table *table_of(double *x, int rows, int cols, int ld)
{
    agop_mat    X = {.rows = rows, .cols = cols, .ld = ld, .dtype = AGOP_F64, .data = x};
    agop_table *t = NULL;

    assert_int_equal(agop_table_from_mat(&t, ctx, &X), AGOP_OK);
    return t;
}

/* The share of pairs. */
static double screened(const agop_ids *d)
{
    const char *at = strstr(agop_ids_info(d), "\"screened\":");

    assert_non_null(at);
    return strtod(at + strlen("\"screened\":"), NULL);
}

/* Of x with itself or with y: as in double; which share of the pairs was screened. */
static double agrees(const agop_table *x, const agop_table *y, const char *words, double limit)
{
    char      single[128], precise[128];
    agop_ids *d, *e;
    double   *got, *want;
    double    share;
    int64_t   count;

    limit = op_bytes(ctx) ? limit : fmax(limit, 3e-6); /* sgemm's sums are longer */
    (void)snprintf(single, sizeof single, "%s precision=single", words);
    (void)snprintf(precise, sizeof precise, "%s precision=double", words);
    d     = score_table(ctx, x, y, single);
    e     = score_table(ctx, x, y, precise);
    got   = score_matrix(ctx, d);
    want  = score_matrix(ctx, e);
    count = agop_ids_variables(d, 0) * agop_ids_variables(d, 1);
    share = screened(d);
    assert_true(screened(e) == 0);
    for (int64_t i = 0; i < count; i++)
        if (!(fabs(got[i] - want[i]) <= limit))
            fail_msg("%s: score %lld is %.9f, should be %.9f", words, (long long)i, got[i], want[i]);
    free(got);
    free(want);
    agop_ids_free(d);
    agop_ids_free(e);
    return share;
}

static void test_screen__scores_are_those_of_all_correlations(void **state)
{
    static const char *const ways[] = {"scale=rank", "scale=none terms=4", "scale=zscore",
                                       "scale=minmax terms=10 scale_range=3"};
    double     *x = make_cells(COLS, 1), *y = make_cells(60, 2);
    agop_table *t = table_of(x, ROWS, COLS, COLS), *u = table_of(y, ROWS, 60, 60);

    (void)state;
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++)
        assert_true(agrees(i % 2 ? u : t, i < 2 ? NULL : i % 2 ? t : u, ways[i], 3e-7) == (double)op_bytes(ctx));
    agop_table_free(t);
    agop_table_free(u);
    free(x);
    free(y);
}

/* Beside columns with missing cells and categories, which are not screened. */
static void test_screen__other_columns_are_scored_beside_them(void **state)
{
    enum { SOME = 40 };
    double      share, *x = make_cells(SOME, 3), *column = calloc(ROWS, sizeof *column);
    agop_table *t = NULL;

    (void)state;
    assert_int_equal(agop_table_new(&t, ctx, ROWS), AGOP_OK);
    for (int j = 0; j < SOME; j++) {
        char name[16];
        for (int i = 0; i < ROWS; i++)
            column[i] = j % 7 == 0 && i % 11 == 0 ? (double)NAN : x[i * SOME + j];
        (void)snprintf(name, sizeof name, "x%d", j);
        assert_int_equal(agop_table_add_numeric(t, ctx, name, column), AGOP_OK);
    }
    share = agrees(t, NULL, "categorical=x8,x28", 3e-6);
    assert_true(op_bytes(ctx) ? share > .3 && share < .9 : share == 0);
    agop_table_free(t);
    free(column);
    free(x);
}

/* Longer and shorter than a piece of rows, and too few; blocks whose last panel, and last strip, are small. */
static void test_screen__any_number_of_rows_and_columns_will_do(void **state)
{
    static const int rows[] = {999, 1000, 2047, 2048, 2049}, cols[] = {2, 31, 33, 65}; /* two: too few */
    double          *x = make_cells(65, 8);

    (void)state;
    for (int i = 0; i < ROWS; i++) /* a mark, alone in its panel: of one size with itself */
        x[i * 65 + 64] = i % 3 == 0;
    for (int i = 0; i < 5; i++)
        for (int j = 0; j < 4; j++) {
            agop_table *t = table_of(x, rows[i], cols[j], 65), *u = table_of(x, rows[i], 33, 65);
            int    is    = rows[i] >= 1000 && cols[j] >= 31 && op_bytes(ctx);
            double limit = is ? 3e-7 : 3e-6; /* sgemm's sums are longer */
            assert_true(agrees(t, NULL, "", limit) == is);
            assert_true(agrees(t, u, "terms=4", 3e-6) == (is && cols[j] >= 32));
            agop_table_free(t);
            agop_table_free(u);
        }
    free(x);
}

/* Features of two blocks, of one or of none are kept for all rows, as they fit. */
static void test_screen__long_tables_will_do(void **state)
{
    static const int rows[] = {11000, 21000};

    (void)state;
    for (int k = 0; k < 2; k++) {
        enum { WIDE = 257 };
        uint64_t    seed = 11;
        double     *x    = calloc((size_t)rows[k] * WIDE, sizeof *x);
        double      share;
        agop_table *t, *u;
        for (int64_t i = 0; i < (int64_t)rows[k] * WIDE; i++)
            x[i] = normal(&seed);
        t = table_of(x, rows[k], WIDE, WIDE);
        u = table_of(x, rows[k], 30, WIDE);
        share = agrees(t, NULL, "scale=none", 1e-7); /* but the last one, a block by itself */
        assert_true(op_bytes(ctx) ? share > .99 && share < 1 : share == 0);
        if (k == 0)
            assert_true(agrees(u, t, "scale=none", 1e-7) >= .99 * op_bytes(ctx));
        agop_table_free(t);
        agop_table_free(u);
        free(x);
    }
}

/* Significance knows only scores and rows. */
static void test_screen__p_values_are_those_of_the_same_scores(void **state)
{
    enum { SOME = 30, PAIRS = SOME * (SOME - 1) / 2 };
    double     *x = make_cells(SOME, 9);
    agop_table *t = table_of(x, ROWS, SOME, SOME);
    agop_ids   *d = score_table(ctx, t, NULL, "p_values=true");
    agop_ids   *e = score_table(ctx, t, NULL, "p_values=true matrix_units=off");
    agop_pair   got[PAIRS], want[PAIRS];
    int64_t     n, m;

    (void)state;
    assert_int_equal(agop_ids_pairs(got, &n, ctx, d, PAIRS), AGOP_OK);
    assert_int_equal(agop_ids_pairs(want, &m, ctx, e, PAIRS), AGOP_OK);
    assert_int_equal(n, m);
    for (int64_t k = 0; k < n; k++)
        assert_true(fabs(got[k].log10_p - want[k].log10_p) <= 1e-4 * (1 + fabs(want[k].log10_p)));
    agop_ids_free(d);
    agop_ids_free(e);
    agop_table_free(t);
    free(x);
}

/* How many operations of the backend scores take, behind its guards. */
static int64_t operations_of(const agop_table *t)
{
    agop_ctx *own = NULL;
    agop_ids *d;
    int64_t   count;

    assert_int_equal(agop__open_backend(&own, &agop__backend_check, "check", 2), AGOP_OK);
    d     = score_table(own, t, NULL, "scale=none");
    count = agop__check_operations(own->self);
    assert_true(screened(d) == 0);
    agop_ids_free(d);
    assert_int_equal(agop__check_live(own->self), 0);
    agop_close(own);
    return count;
}

/* All correlations of two such columns are of one size; of the second table's that shows only at the end. */
static void test_screen__where_nothing_can_be_chosen_all_is_computed(void **state)
{
    uint64_t    seed = 4;
    double     *x    = calloc((size_t)ROWS * 70, sizeof *x);
    int64_t     soon, late;
    agop_table *t;

    (void)state;
    for (int i = 0; i < ROWS * 70; i++)
        x[i] = i % 70 < 66 ? uniform(&seed) < .4 : normal(&seed);
    t    = table_of(x, ROWS, 70, 70);
    soon = operations_of(t);
    assert_true(agrees(t, NULL, "scale=none", 1e-5) == 0); /* so much where equal numbers are added up */
    agop_table_free(t);
    for (int i = 0; i < ROWS * 70; i++)
        x[i] = i < 70 * 2100 ? .01 * normal(&seed) : uniform(&seed) < .4;
    t    = table_of(x, ROWS, 70, 70);
    late = operations_of(t);
    assert_true(agrees(t, NULL, "scale=none", 1e-5) == 0);
    agop_table_free(t);
    if (op_bytes(ctx))
        assert_true(late > soon);
    free(x);
}

static void test_screen__is_for_the_largest_in_single_precision(void **state)
{
    static const struct { const char *words; int screened; } ways[] = {
        {"", 1}, {"precision=single", 1}, {"p_norm=l2", 0}, {"p_norm=l1", 0}, {"precision=double", 0},
        {"compat=true", 0}, {"matrix_units=off", 0}, {"measure=spearman", 0}, {"terms=3", 0}};
    double     *x = make_cells(30, 5);
    agop_table *t = table_of(x, ROWS, 30, 30);

    (void)state;
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        agop_ids *d = score_table(ctx, t, NULL, ways[i].words);
        assert_true(screened(d) == (ways[i].screened && op_bytes(ctx)));
        agop_ids_free(d);
    }
    agop_table_free(t);
    free(x);
}

static void test_screen__bits_do_not_depend_on_threads(void **state)
{
    double     *x = make_cells(80, 6), *got[2];
    agop_table *t = table_of(x, ROWS, 80, 80);

    (void)state;
    for (int k = 0; k < 2; k++) {
        agop_ctx *own = NULL;
        agop_ids *d;
        assert_int_equal(agop_open(&own, "cpu", 1 + 2 * k), AGOP_OK);
        d      = score_table(own, t, NULL, "");
        got[k] = score_matrix(own, d);
        agop_ids_free(d);
        agop_close(own);
    }
    if (op_bytes(ctx))
        assert_memory_equal(got[0], got[1], sizeof(double) * 80 * 80);
    free(got[0]);
    free(got[1]);
    agop_table_free(t);
    free(x);
}

static void test_screen__every_failed_allocation_is_told(void **state)
{
    double        *x = make_cells(30, 7);
    agop_table    *t = table_of(x, ROWS, 30, 30);
    agop_settings *s = settings_of(ctx, "");
    int            failed = 1;
    int64_t        n = 1;

    (void)state;
    json_set_alloc_funcs(malloc, free);
    for (; failed; n++) {
        agop_ids   *d = NULL;
        agop_status st;
        fail_alloc_arm(n);
        st     = agop_ids_score(&d, ctx, t, NULL, s);
        failed = fail_alloc_disarm();
        if (st != (failed ? AGOP_E_NOMEM : AGOP_OK))
            fail_msg("allocation %lld: %s", (long long)n, agop_errmsg(ctx));
        agop_ids_free(d);
    }
    assert_true(n > 50);
    agop_settings_free(s);
    agop_table_free(t);
    free(x);
}

/* Behind the guards: nothing is written or read beside a tile, none is left over, and no failure is lost. */
static void test_screen__every_failed_operation_is_told(void **state)
{
    double        *x = make_cells(40, 10);
    agop_table    *t = table_of(x, ROWS, 40, 40);
    agop_settings *s = settings_of(ctx, "");
    agop_ctx      *own = NULL;
    agop_status    st = AGOP_E_BACKEND;

    (void)state;
    assert_int_equal(agop__open_backend(&own, &agop__backend_check, "check", 2), AGOP_OK);
    for (int64_t n = 1; st != AGOP_OK; n++) {
        agop_ids *d = NULL;
        agop__check_fail_at(own->self, n);
        st = agop_ids_score(&d, own, t, NULL, s);
        if (st != AGOP_OK && st != AGOP_E_NOMEM && st != AGOP_E_BACKEND)
            fail_msg("operation %lld: %s", (long long)n, agop_errmsg(own));
        agop_ids_free(d);
        assert_int_equal(agop__check_live(own->self), 0);
    }
    agop_settings_free(s);
    agop_table_free(t);
    agop_close(own);
    free(x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_screen__scores_are_those_of_all_correlations),
        cmocka_unit_test(test_screen__other_columns_are_scored_beside_them),
        cmocka_unit_test(test_screen__any_number_of_rows_and_columns_will_do),
        cmocka_unit_test(test_screen__long_tables_will_do),
        cmocka_unit_test(test_screen__p_values_are_those_of_the_same_scores),
        cmocka_unit_test(test_screen__where_nothing_can_be_chosen_all_is_computed),
        cmocka_unit_test(test_screen__is_for_the_largest_in_single_precision),
        cmocka_unit_test(test_screen__bits_do_not_depend_on_threads),
        cmocka_unit_test(test_screen__every_failed_allocation_is_told),
        cmocka_unit_test(test_screen__every_failed_operation_is_told),
    };
    int failed;

    if (agop_open(&ctx, "cpu", 2) != AGOP_OK)
        return 1;
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    agop_close(ctx);
    return failed;
}
