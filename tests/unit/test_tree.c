/* test_tree.c - trees of local models: balance, directions, routing, files, stops. */
#include <unistd.h>

#include "model_support.h"
#include "rfm/model.h"

enum { ROWS = 480, TESTS = 100, COLUMNS = 5 };

static agop_ctx *ctx;

static double noise(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (double)(*state >> 11) / 4503599627370496.0 - 1;
}

/* Five columns of uniform numbers, a category, linear = 3 x1 + 6 x2, step = (x1 > 0) + x2 x3, wave = sin of
 * twice their sum, and three classes. */
static agop_table *make(int first, int rows)
{
    static const char *const kinds[] = {"low", "middle", "high"}, *const colours[] = {"red", "green"};
    static double            x[COLUMNS][ROWS + TESTS], linear[ROWS + TESTS], step[ROWS + TESTS];
    static double            wave[ROWS + TESTS];
    const char              *kind[ROWS + TESTS], *colour[ROWS + TESTS];
    uint64_t                 state = 11;
    agop_table              *t     = NULL;

    for (int i = 0; i < ROWS + TESTS; i++) {
        for (int j = 0; j < COLUMNS; j++)
            x[j][i] = noise(&state);
        linear[i] = 3 * x[0][i] + 6 * x[1][i];
        step[i]   = (x[0][i] > 0) + x[1][i] * x[2][i];
        wave[i]   = sin(2 * (x[0][i] + x[1][i] + x[2][i] + x[3][i] + x[4][i]));
        kind[i]   = kinds[x[0][i] < -.3 ? 0 : x[0][i] < .4 ? 1 : 2];
        colour[i] = colours[i % 2];
    }
    assert_int_equal(agop_table_new(&t, ctx, rows), AGOP_OK);
    for (int j = 0; j < COLUMNS; j++) {
        char name[16];
        (void)snprintf(name, sizeof name, "x%d", j + 1);
        assert_int_equal(agop_table_add_numeric(t, ctx, name, x[j] + first), AGOP_OK);
    }
    assert_int_equal(agop_table_add_text(t, ctx, "colour", colour + first), AGOP_OK);
    assert_int_equal(agop_table_add_numeric(t, ctx, "linear", linear + first), AGOP_OK);
    assert_int_equal(agop_table_add_numeric(t, ctx, "step", step + first), AGOP_OK);
    assert_int_equal(agop_table_add_numeric(t, ctx, "wave", wave + first), AGOP_OK);
    assert_int_equal(agop_table_add_text(t, ctx, "kind", kind + first), AGOP_OK);
    return t;
}

#define LINEAR "target=linear drop=step,wave,kind,colour "
#define STEP   "target=step drop=linear,wave,kind "
#define WAVE   "target=wave drop=linear,step,kind,colour "

static agop_model *fit(const char *words)
{
    agop_table *t = make(0, ROWS);
    agop_model *m = fit_table(ctx, t, NULL, words);
    agop_table_free(t);
    return m;
}

static double *predict(const agop_model *m, int first, int rows)
{
    double     *y   = calloc((size_t)rows, sizeof *y);
    agop_mat    out = {.data = y, .rows = rows, .cols = 1, .ld = 1, .dtype = AGOP_F64};
    agop_table *t   = make(first, rows);
    assert_int_equal(agop_predict(&out, ctx, m, t, AGOP_VALUE), AGOP_OK);
    agop_table_free(t);
    return y;
}

static double test_r2(const agop_model *m, const char *column)
{
    agop_table *t = make(ROWS, TESTS);
    double     *f = predict(m, ROWS, TESTS), mean = 0, above = 0, below = 0;
    int64_t     c = strcmp(column, "linear") == 0 ? COLUMNS + 1 : COLUMNS + 2;
    for (int i = 0; i < TESTS; i++)
        mean += agop_table_number(t, i, c) / TESTS;
    for (int i = 0; i < TESTS; i++) {
        double y = agop_table_number(t, i, c);
        above += (y - f[i]) * (y - f[i]);
        below += (y - mean) * (y - mean);
    }
    agop_table_free(t);
    free(f);
    return 1 - above / below;
}

static void test_tree__leaves_are_halves_of_halves(void **state)
{
    agop_model *m = fit(STEP "tune=off leaf_size=130 select=last");
    (void)state;
    assert_int_equal(m->leaves, 4);
    assert_int_equal(m->tree.nodes, 3);
    for (int64_t k = 0; k < 4; k++)
        assert_int_equal(m->leaf[k].n, ROWS / 4);
    agop_model_free(m);
    m = fit(STEP "tune=off leaf_size=480 select=last");
    assert_int_equal(m->leaves, 1);
    assert_int_equal(m->tree.trees, 0);
    agop_model_free(m);
}

/* Of a linear function every gradient is the same vector, so all rules but the fixed one must find it. */
static void test_tree__every_rule_finds_the_direction_of_a_linear_function(void **state)
{
    static const char *const rules[] = {"agop", "agop_random", "pca", "pca_random", "linear"};
    (void)state;
    for (int r = 0; r < 5; r++) {
        char        words[200];
        agop_model *m;
        double      cosine = 0, length = 0;
        const double want[COLUMNS] = {0.4472135955, 0.894427191, 0, 0, 0};
        (void)snprintf(words, sizeof words, LINEAR "tune=off leaf_size=250 metric=full split=%s", rules[r]);
        m = fit(words);
        assert_int_equal(m->tree.width, COLUMNS);
        for (int j = 0; j < COLUMNS; j++) {
            cosine += want[j] * m->tree.direction[j];
            length += m->tree.direction[j] * m->tree.direction[j];
        }
        assert_true(fabs(length - 1) < 1e-12);
        if (!(fabs(cosine) > .98)) /* columns are scaled by their own spread: a few percent */
            fail_msg("%s: cosine %.4f", rules[r], cosine);
        assert_true(test_r2(m, "linear") > .98);
        agop_model_free(m);
    }
}

/* A mixture of columns wants the full metric, columns one by one want its diagonal; what was asked for stands. */
static void test_tree__the_metric_has_the_form_that_predicts_better(void **state)
{
    static const struct {
        const char *words;
        int         diagonal;
    } cases[] = {{WAVE "tune=off leaf_size=250", 0},
                 {STEP "tune=off leaf_size=250", 1},
                 {WAVE "tune=off leaf_size=250 metric=diagonal", 1},
                 {STEP "tune=off leaf_size=250 metric=full", 0},
                 {STEP "tune=off", 0}}; /* no tree */
    (void)state;
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        agop_model *m = fit(cases[k].words);
        for (int64_t j = 0; j < m->leaves; j++)
            if (m->leaf[j].member[0].metric.diagonal != cases[k].diagonal)
                fail_msg("%s: diagonal %d", cases[k].words, m->leaf[j].member[0].metric.diagonal);
        assert_non_null(strstr(agop_model_info(m), cases[k].diagonal ? "\"metric\": \"diagonal\""
                                                                     : "\"metric\": \"full\""));
        agop_model_free(m);
    }
}

static void test_tree__a_fixed_direction_is_taken_as_given(void **state)
{
    agop_model    *m = fit(LINEAR "tune=off leaf_size=250 split=fixed split_vector=0,0,3,0,-4");
    agop_settings *s = settings_of(ctx, LINEAR "tune=off leaf_size=250 split=fixed split_vector=0,1");
    agop_table    *t = make(0, ROWS);
    (void)state;
    assert_true(fabs(m->tree.direction[2] - .6) < 1e-15 && fabs(m->tree.direction[4] + .8) < 1e-15);
    agop_model_free(m);
    m = NULL;
    assert_int_equal(agop_fit(&m, ctx, t, NULL, s), AGOP_E_PARAM);
    assert_non_null(strstr(agop_errmsg(ctx), "needs 5 numbers"));
    agop_table_free(t);
    agop_settings_free(s);
}

/* Weights sum to one; a temperature next to nothing is hard routing; a high one asks more leaves. */
static void test_tree__soft_weights(void **state)
{
    agop_model  *m = fit(STEP "tune=off leaf_size=70 trees=2 leaves_per_row=3");
    agop__share  hard[6], cool[6], warm[6];
    float        x[COLUMNS * 2];
    int32_t      code[1] = {0};
    uint64_t     state_of_noise = 5;
    int64_t      asked = 0;
    (void)state;
    assert_int_equal(m->tree.trees, 2);
    assert_int_equal(m->leaves, 16);
    assert_int_equal(m->schema.numeric, COLUMNS);
    for (int i = 0; i < 200; i++) {
        double  sum = 0;
        int64_t n;
        for (int j = 0; j < COLUMNS; j++)
            x[j] = (float)(2 * noise(&state_of_noise));
        code[0] = i % 2;
        assert_int_equal(agop__route(hard, m, x, code, 0), 2);
        assert_int_equal(agop__route(cool, m, x, code, 1e-9), 2);
        n = agop__route(warm, m, x, code, .3);
        assert_true(n >= 2 && n <= 6);
        asked += n;
        for (int64_t k = 0; k < n; k++)
            sum += warm[k].weight;
        assert_true(fabs(sum - 1) < 1e-12);
        for (int k = 0; k < 2; k++) {
            assert_int_equal(hard[k].leaf, cool[k].leaf);
            assert_true(hard[k].weight == .5 && fabs(cool[k].weight - .5) < 1e-9);
        }
    }
    assert_true(asked > 600); /* of at most 1200 */
    agop_model_free(m);
}

/* What the leaves say, weighted by hand, is what the model says. */
static void test_tree__predictions_are_the_weighted_leaves(void **state)
{
    agop_model *m = fit(STEP "tune=off leaf_size=130 temperature=0.2 precision=double");
    double     *y = predict(m, ROWS, TESTS);
    (void)state;
    assert_true(m->tree.temperature == .2);
    for (int i = 0; i < TESTS; i += 7) {
        agop_table     *t = make(ROWS + i, 1);
        double          x[COLUMNS], sum = 0, one, value;
        int32_t         code[1];
        agop__surprises seen = {0};
        agop__share     share[4];
        int64_t         n;
        assert_int_equal(agop__schema_encode(x, AGOP_F64, code, &m->schema, ctx, t, 0, 1, &seen), AGOP_OK);
        n = agop__route(share, m, x, code, .2);
        for (int64_t k = 0; k < n; k++) {
            agop__machine machine;
            assert_int_equal(agop__machine_open(&machine, ctx, m, &m->leaf[share[k].leaf]), AGOP_OK);
            assert_int_equal(agop__machine_apply(&one, &machine, x, code, 1), AGOP_OK);
            sum += share[k].weight * one;
            agop__machine_close(&machine);
        }
        agop__target_values(&value, &m->target, &sum);
        assert_true(fabs(value - y[i]) < 1e-10);
        agop_table_free(t);
    }
    free(y);
    agop_model_free(m);
}

static void test_tree__overlap_gives_rows_to_both_sides(void **state)
{
    agop_model *m = fit(STEP "tune=off leaf_size=300 overlap=0.2");
    (void)state;
    assert_int_equal(m->leaves, 2);
    assert_int_equal(m->leaf[0].n, ROWS / 2 + ROWS / 10);
    assert_int_equal(m->leaf[1].n, ROWS / 2 + ROWS / 10);
    agop_model_free(m);
}

static void test_tree__a_row_is_predicted_the_same_in_any_company(void **state)
{
    agop_model *m   = fit(STEP "leaf_size=130 temperature=0.1");
    double     *all = predict(m, ROWS, TESTS);
    (void)state;
    for (int i = 0; i < TESTS; i += 9) {
        double *one = predict(m, ROWS + i, 1);
        assert_memory_equal(one, all + i, sizeof *one);
        free(one);
    }
    free(all);
    agop_model_free(m);
}

static void test_tree__a_file_gives_the_same_bits(void **state)
{
    char        path[] = "/tmp/agop_tree_XXXXXX";
    int         fd     = mkstemp(path);
    agop_model *m = fit(STEP "leaf_size=130 trees=2"), *again = NULL;
    double     *a, *b;
    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(agop_model_save(ctx, m, path), AGOP_OK);
    if (agop_model_load(&again, ctx, path) != AGOP_OK)
        fail_msg("%s", agop_errmsg(ctx));
    a = predict(m, ROWS, TESTS);
    b = predict(again, ROWS, TESTS);
    assert_memory_equal(a, b, TESTS * sizeof *a);
    assert_string_equal(agop_model_info(m), agop_model_info(again));
    free(a);
    free(b);
    agop_model_free(m);
    agop_model_free(again);
    (void)close(fd);
    (void)remove(path);
}

/* The same seed gives the same bits, whether leaves are fitted one after the other or together. */
static void test_tree__the_order_of_leaves_does_not_matter(void **state)
{
    agop_model *m = fit(STEP "leaf_size=130"), *again = fit(STEP "leaf_size=130");
    double     *a = predict(m, ROWS, TESTS), *b = predict(again, ROWS, TESTS);
    (void)state;
    assert_memory_equal(a, b, TESTS * sizeof *a);
    free(a);
    free(b);
    agop_model_free(m);
    agop_model_free(again);
}

static void test_tree__classes_grow_on_trees_too(void **state)
{
    agop_model *m = fit("target=kind drop=linear,step,wave leaf_size=130 tree_iters=2");
    agop_table *t = make(ROWS, TESTS);
    char       *json = NULL;
    (void)state;
    assert_int_equal(agop_score(&json, ctx, m, t), AGOP_OK);
    assert_true(strtod(strstr(json, "\"accuracy\": ") + 12, NULL) > .85);
    agop_free(json);
    agop_table_free(t);
    agop_model_free(m);
}

/* A file whose tree was tampered with is refused: `from` in its text becomes `to`, of the same length. */
static void tampered(const char *from, const char *to)
{
    char        path[] = "/tmp/agop_tree_XXXXXX";
    int         fd     = mkstemp(path);
    agop_model *m = fit(STEP "tune=off leaf_size=130"), *again = NULL;
    char       *bytes = NULL, *at = NULL;
    long        size;
    FILE       *f;

    assert_true(fd >= 0);
    assert_int_equal(strlen(from), strlen(to));
    assert_int_equal(agop_model_save(ctx, m, path), AGOP_OK);
    f = fopen(path, "r+b");
    assert_non_null(f);
    (void)fseek(f, 0, SEEK_END);
    size  = ftell(f);
    bytes = malloc((size_t)size);
    rewind(f);
    assert_int_equal(fread(bytes, 1, (size_t)size, f), size);
    for (long i = 0; i + (long)strlen(from) < size && !at; i++)
        if (memcmp(bytes + i, from, strlen(from)) == 0)
            at = bytes + i;
    if (!at)
        fail_msg("no %s in the file", from);
    (void)fseek(f, at - bytes, SEEK_SET);
    assert_int_equal(fwrite(to, 1, strlen(to), f), strlen(to));
    (void)fclose(f);
    if (agop_model_load(&again, ctx, path) != AGOP_E_FORMAT || again || !strstr(agop_errmsg(ctx), "damaged model"))
        fail_msg("%s for %s was taken: %s", to, from, agop_errmsg(ctx));
    agop_model_free(m);
    free(bytes);
    (void)close(fd);
    (void)remove(path);
}

static void test_tree__a_tampered_tree_is_refused(void **state)
{
    (void)state;
    tampered("\\\"left\\\":1", "\\\"left\\\":0"); /* a circle */
    tampered("\\\"left\\\":-1", "\\\"left\\\":-9"); /* a leaf that is not there */
    tampered("\\\"roots\\\":[0]", "\\\"roots\\\":[7]");
    tampered("\\\"most\\\":4", "\\\"most\\\":0");
    tampered("\\\"width\\\":7", "\\\"width\\\":6");
}

static int calls;

static int stop_soon(void *user, const agop_progress *p)
{
    (void)user;
    (void)p;
    return ++calls > 40;
}

static void test_tree__a_stop_still_gives_a_model(void **state)
{
    agop_model    *m = NULL;
    agop_settings *s = settings_of(ctx, STEP "leaf_size=40");
    agop_table    *t = make(0, ROWS);
    (void)state;
    calls = 0;
    agop_on_progress(ctx, stop_soon, NULL);
    if (agop_fit(&m, ctx, t, NULL, s) == AGOP_OK) {
        assert_int_equal(agop_model_stopped(m), 1);
        assert_true(test_r2(m, "step") > .3);
    } else {
        assert_non_null(strstr(agop_errmsg(ctx), "stopped"));
    }
    agop_on_progress(ctx, NULL, NULL);
    agop_model_free(m);
    agop_settings_free(s);
    agop_table_free(t);
}

/* What a budget leaves is for further trees, all of the same leaf size and each another one. */
static void test_tree__a_budget_is_spent_on_further_trees(void **state)
{
    char        path[] = "/tmp/agop_tree_XXXXXX";
    int         fd     = mkstemp(path);
    agop_model *m     = fit(STEP "leaf_size=130 tune=10s"), *one = fit(STEP "leaf_size=130 tune=10s trees=1");
    agop_model *again = NULL;
    double     *y = predict(m, ROWS, TESTS), *z;
    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(one->tree.trees, 1);
    assert_in_range(m->tree.trees, 2, 8);
    assert_int_equal(m->leaves, 4 * m->tree.trees);
    for (int64_t k = 0; k < m->leaves; k++)
        assert_int_equal(m->leaf[k].n, ROWS / 4);
    for (int64_t k = 1; k < m->tree.trees; k++)
        assert_memory_not_equal(m->tree.direction + m->tree.root[0] * m->tree.width,
                                m->tree.direction + m->tree.root[k] * m->tree.width,
                                (size_t)m->tree.width * sizeof(double));
    assert_true(test_r2(m, "step") > .9);
    assert_int_equal(agop_model_save(ctx, m, path), AGOP_OK);
    assert_int_equal(agop_model_load(&again, ctx, path), AGOP_OK);
    z = predict(again, ROWS, TESTS);
    assert_memory_equal(y, z, TESTS * sizeof *y);
    free(y);
    free(z);
    agop_model_free(again);
    agop_model_free(one);
    agop_model_free(m);
    (void)close(fd);
    (void)remove(path);
}

static int stop_later(void *user, const agop_progress *p)
{
    int64_t *left = user;
    (void)p;
    return --*left < 0;
}

/* With one thread a fit asks whether to stop so many times, always the same: a few more are in the second tree. */
static void test_tree__a_tree_that_is_not_finished_is_left_out(void **state)
{
    agop_ctx   *all = ctx;
    agop_model *m, *one;
    int64_t     left = INT32_MAX;
    (void)state;
    assert_int_equal(agop_open(&ctx, "cpu", 1), AGOP_OK);
    agop_on_progress(ctx, stop_later, &left);
    one  = fit(STEP "leaf_size=130 tune=30s trees=1");
    left = INT32_MAX - left + 5;
    m    = fit(STEP "leaf_size=130 tune=30s");
    assert_int_equal(agop_model_stopped(m), 1);
    assert_int_equal(m->tree.trees, 1);
    assert_int_equal(m->tree.nodes, 3);
    assert_int_equal(m->leaves, 4);
    assert_memory_equal(m->tree.direction, one->tree.direction, 3 * (size_t)m->tree.width * sizeof(double));
    agop_model_free(one);
    agop_model_free(m);
    agop_close(ctx);
    ctx = all;
}

/* 12,000 rows would be two leaves, of which no machine searches one in a third of a second. */
static void test_tree__a_short_time_makes_smaller_leaves(void **state)
{
    enum { MANY = 12000 };
    double      *x = malloc(MANY * 3 * sizeof *x), *y = malloc(MANY * sizeof *y);
    uint64_t     seed = 5;
    agop_table  *t    = NULL;
    agop_model  *m;
    (void)state;
    assert_non_null(x);
    assert_non_null(y);
    for (int i = 0; i < MANY; i++) {
        for (int j = 0; j < 3; j++)
            x[j * MANY + i] = noise(&seed);
        y[i] = sin(3 * x[i]) + x[MANY + i];
    }
    assert_int_equal(agop_table_new(&t, ctx, MANY), AGOP_OK);
    assert_int_equal(agop_table_add_numeric(t, ctx, "a", x), AGOP_OK);
    assert_int_equal(agop_table_add_numeric(t, ctx, "b", x + MANY), AGOP_OK);
    assert_int_equal(agop_table_add_numeric(t, ctx, "c", x + 2 * MANY), AGOP_OK);
    assert_int_equal(agop_table_add_numeric(t, ctx, "y", y), AGOP_OK);
    m = fit_table(ctx, t, NULL, "target=y tune=0.3s");
    assert_true(m->leaves >= 8);
    for (int64_t k = 0; k < m->leaves; k++)
        assert_in_range(m->leaf[k].n, 100, 2000);
    agop_model_free(m);
    m = fit_table(ctx, t, NULL, "target=y tune=0.3s leaf_size=6000 iters=0");
    assert_int_equal(m->leaves, 2);
    agop_model_free(m);
    agop_table_free(t);
    free(x);
    free(y);
}

static void test_tree__rows_that_cannot_be_told_apart_are_refused(void **state)
{
    double         x[200], y[200];
    agop_table    *t = NULL;
    agop_model    *m = NULL;
    agop_settings *s = settings_of(ctx, "target=y leaf_size=50 tune=off");
    (void)state;
    for (int i = 0; i < 200; i++) {
        x[i] = i < 100;
        y[i] = i;
    }
    assert_int_equal(agop_table_new(&t, ctx, 200), AGOP_OK);
    assert_int_equal(agop_table_add_numeric(t, ctx, "x", x), AGOP_OK);
    assert_int_equal(agop_table_add_numeric(t, ctx, "y", y), AGOP_OK);
    assert_int_equal(agop_fit(&m, ctx, t, NULL, s), AGOP_E_DATA);
    assert_non_null(strstr(agop_errmsg(ctx), "the same in every column"));
    agop_table_free(t);
    agop_settings_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tree__leaves_are_halves_of_halves),
        cmocka_unit_test(test_tree__every_rule_finds_the_direction_of_a_linear_function),
        cmocka_unit_test(test_tree__the_metric_has_the_form_that_predicts_better),
        cmocka_unit_test(test_tree__a_fixed_direction_is_taken_as_given),
        cmocka_unit_test(test_tree__soft_weights),
        cmocka_unit_test(test_tree__predictions_are_the_weighted_leaves),
        cmocka_unit_test(test_tree__overlap_gives_rows_to_both_sides),
        cmocka_unit_test(test_tree__a_row_is_predicted_the_same_in_any_company),
        cmocka_unit_test(test_tree__a_file_gives_the_same_bits),
        cmocka_unit_test(test_tree__the_order_of_leaves_does_not_matter),
        cmocka_unit_test(test_tree__classes_grow_on_trees_too),
        cmocka_unit_test(test_tree__a_tampered_tree_is_refused),
        cmocka_unit_test(test_tree__a_stop_still_gives_a_model),
        cmocka_unit_test(test_tree__a_budget_is_spent_on_further_trees),
        cmocka_unit_test(test_tree__a_tree_that_is_not_finished_is_left_out),
        cmocka_unit_test(test_tree__a_short_time_makes_smaller_leaves),
        cmocka_unit_test(test_tree__rows_that_cannot_be_told_apart_are_refused),
    };
    int failed;
    if (agop_open(&ctx, "cpu", 2) != AGOP_OK)
        return 1;
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    agop_close(ctx);
    return failed;
}
