/* test_dual.c - the dual (a thin metric) gives what the primal gives: predictions, importances, directions, files. */
#include "model_support.h"

enum { ROWS = 60, TESTS = 30, WIDE = 90, NARROW = 12, TOP = 3 };

static agop_ctx *ctx;

static double noise(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (double)(*state >> 11) / 4503599627370496.0 - 1;
}

/* Columns x1 ... xd, a category, weights, and targets that three columns and the category make. */
static agop_table *make(int columns, int first, int rows)
{
    static const char *const kinds[] = {"low", "middle", "high"};
    agop_table *t     = NULL;
    double     *x     = calloc((size_t)columns * (ROWS + TESTS), sizeof *x), y[ROWS + TESTS], z[ROWS + TESTS];
    double      w[ROWS + TESTS];
    const char *kind[ROWS + TESTS];
    uint64_t    state = 3;

    assert_non_null(x);
    for (int i = 0; i < ROWS + TESTS; i++) {
        for (int j = 0; j < columns; j++)
            x[j * (ROWS + TESTS) + i] = noise(&state);
        kind[i] = kinds[i * 7 % 3];
        y[i]    = x[i] + 2 * x[ROWS + TESTS + i] * x[2 * (ROWS + TESTS) + i] + (i * 7 % 3 == 1 ? 1 : 0);
        z[i]    = x[i] * x[i];
        w[i]    = 1 + i % 4;
    }
    assert_int_equal(agop_table_new(&t, ctx, rows), AGOP_OK);
    for (int j = 0; j < columns; j++) {
        char name[16];
        (void)snprintf(name, sizeof name, "x%d", j + 1);
        assert_int_equal(agop_table_add_numeric(t, ctx, name, x + j * (ROWS + TESTS) + first), AGOP_OK);
    }
    assert_int_equal(agop_table_add_text(t, ctx, "kind", kind + first), AGOP_OK);
    assert_int_equal(agop_table_add_numeric(t, ctx, "y", y + first), AGOP_OK);
    assert_int_equal(agop_table_add_numeric(t, ctx, "z", z + first), AGOP_OK);
    assert_int_equal(agop_table_add_numeric(t, ctx, "w", w + first), AGOP_OK);
    free(x);
    return t;
}

static agop_model *fit(int columns, const char *words, const char *dual)
{
    char        all[256];
    agop_table *t = make(columns, 0, ROWS);
    agop_model *m;

    (void)snprintf(all, sizeof all, "%s dual=%s", words, dual);
    m = fit_table(ctx, t, NULL, all);
    agop_table_free(t);
    return m;
}

typedef struct answers {
    double predictions[TESTS * 2], importance[WIDE + 1], vectors[TOP * (WIDE + 3)], values[TOP], *features;
} answers;

static void ask(answers *a, const agop_model *m, int columns)
{
    agop_table *t = make(columns, ROWS, TESTS);
    int64_t     c = agop_model_outputs(m, AGOP_VALUE), d = agop_model_features(m);
    agop_mat    out = {.data = a->predictions, .rows = TESTS, .cols = c, .ld = c, .dtype = AGOP_F64};
    agop_mat    vectors = {.data = a->vectors, .rows = TOP, .cols = d, .ld = d, .dtype = AGOP_F64};
    agop_mat    features = {.rows = d, .cols = d, .ld = d, .dtype = AGOP_F64};

    memset(a, 0, sizeof *a);
    features.data = a->features = calloc((size_t)(d * d), sizeof(double));
    assert_int_equal(agop_predict(&out, ctx, m, t, AGOP_VALUE), AGOP_OK);
    assert_int_equal(agop_importance(a->importance, ctx, m), AGOP_OK);
    assert_int_equal(agop_vectors(&vectors, a->values, ctx, m), AGOP_OK);
    assert_int_equal(agop_features(&features, ctx, m), AGOP_OK);
    agop_table_free(t);
}

static void near(const char *what, const char *words, const double *got, const double *want, int64_t count,
                 double limit)
{
    double top = 0;
    for (int64_t i = 0; i < count; i++)
        top = fmax(top, fabs(want[i]));
    for (int64_t i = 0; i < count; i++)
        if (!(fabs(got[i] - want[i]) <= limit * top))
            fail_msg("%s, %s: %.12g, should be %.12g", words, what, got[i], want[i]);
}

/* A v = w v, by the whole AGOP: also tells a sign that was turned for some entries only. */
static void check_vectors(const char *words, const answers *a, int64_t d)
{
    for (int k = 0; k < TOP; k++)
        for (int64_t i = 0; i < d && a->values[k] > 1e-9; i++) {
            double sum = 0;
            for (int64_t j = 0; j < d; j++)
                sum += a->features[i * d + j] * a->vectors[k * d + j];
            if (!(fabs(sum - a->values[k] * a->vectors[k * d + i]) < 1e-6))
                fail_msg("%s: vector %d is no eigenvector", words, k + 1);
        }
}

static void compare(int columns, const char *words, double limit)
{
    agop_model *thin = fit(columns, words, "on"), *full = fit(columns, words, "off");
    int64_t     d    = agop_model_features(thin), c = agop_model_outputs(thin, AGOP_VALUE);
    answers     a, b;

    assert_non_null(strstr(agop_model_info(thin), "\"agop_route\": \"dual\""));
    assert_null(strstr(agop_model_info(full), "\"agop_route\": \"dual\""));
    ask(&a, thin, columns);
    ask(&b, full, columns);
    check_vectors(words, &a, d);
    check_vectors(words, &b, d);
    near("predictions", words, a.predictions, b.predictions, TESTS * c, limit);
    near("importances", words, a.importance, b.importance, agop_model_columns(thin), limit);
    near("eigenvalues", words, a.values, b.values, TOP, limit);
    near("vectors", words, a.vectors, b.vectors, d, limit); /* the first: others may be close to each other */
    near("AGOP", words, a.features, b.features, d * d, limit);
    free(a.features);
    free(b.features);
    agop_model_free(thin);
    agop_model_free(full);
}

/* Every option that touches the metric, in double. */
static void test_dual__gives_what_the_primal_gives(void **state)
{
    static const char *const options[] = {
        "target=y drop=z,w,kind tune=off iters=4 select=last precision=double",
        "target=y drop=z,w,kind tune=off iters=3 select=last precision=double centre_gradients=true",
        "target=y drop=z,w tune=off iters=3 select=last precision=double",
        "target=y,z drop=w tune=off iters=3 select=last precision=double weights=w",
        "target=y,z drop=w,kind tune=off iters=3 select=last precision=double exponent=1.4 centre_gradients=true",
        "target=y drop=z,w tune=off iters=3 select=last precision=double kernel=gaussian agop_route=gram",
        "target=y drop=z,w iters=2 precision=double select=last kernel=l2",
        "target=y drop=z weights=w iters=3 precision=double normal_scores=true kernel=l2",
        "target=kind drop=y,z,w iters=2 precision=double kernel=l2",
    };
    (void)state;
    for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
        compare(WIDE, options[i], 1e-6);
        compare(NARROW, options[i], 1e-6); /* more rows than columns: the dual is the slower way, and as right */
    }
}

static void test_dual__is_taken_where_there_are_fewer_rows_than_columns(void **state)
{
    agop_model *wide   = fit(WIDE, "target=y drop=z,w tune=off iters=1 select=last", "auto");
    agop_model *narrow = fit(NARROW, "target=y drop=z,w tune=off iters=1 select=last", "auto");
    (void)state;
    assert_non_null(strstr(agop_model_info(wide), "\"dual\": \"on\""));
    assert_non_null(strstr(agop_model_info(narrow), "\"dual\": \"off\""));
    agop_model_free(wide);
    agop_model_free(narrow);
}

static void test_dual__a_file_gives_the_same_bits(void **state)
{
    char        path[] = "/tmp/agop_dual_XXXXXX";
    int         fd     = mkstemp(path);
    agop_model *m = fit(WIDE, "target=y drop=z,w iters=2", "on"), *again = NULL;
    answers     a, b;
    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(agop_model_save(ctx, m, path), AGOP_OK);
    if (agop_model_load(&again, ctx, path) != AGOP_OK)
        fail_msg("%s", agop_errmsg(ctx));
    ask(&a, m, WIDE);
    ask(&b, again, WIDE);
    assert_memory_equal(a.predictions, b.predictions, sizeof a.predictions);
    assert_memory_equal(a.vectors, b.vectors, sizeof a.vectors);
    assert_memory_equal(a.importance, b.importance, sizeof a.importance);
    free(a.features);
    free(b.features);
    agop_model_free(m);
    agop_model_free(again);
    (void)remove(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dual__gives_what_the_primal_gives),
        cmocka_unit_test(test_dual__is_taken_where_there_are_fewer_rows_than_columns),
        cmocka_unit_test(test_dual__a_file_gives_the_same_bits),
    };
    int failed;
    if (agop_open(&ctx, "cpu", 0) != AGOP_OK)
        return 1;
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    agop_close(ctx);
    return failed;
}
