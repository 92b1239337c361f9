/* test_compare.c - the constant and the linear model that a report sets beside its own scores. */
#include <jansson.h>

#include "model_support.h"

enum { TRAIN = 240, VALID = 60 };

#define assert_near(a, b, tolerance) assert_true(fabs((a) - (b)) <= (tolerance))

static agop_ctx *ctx;

/* straight = 2 u - v + 1, bent = (u > 0) v, none = 3, kind: three classes by u; weights w. */
typedef struct columns {
    double      u[TRAIN], v[TRAIN], straight[TRAIN], bent[TRAIN], none[TRAIN], w[TRAIN];
    const char *kind[TRAIN];
} columns;

static void fill(columns *c, int64_t rows, uint64_t state)
{
    static const char *const kinds[] = {"low", "middle", "high"};

    for (int64_t i = 0; i < rows; i++) {
        double *number[] = {&c->u[i], &c->v[i]};
        for (int k = 0; k < 2; k++) {
            state      = state * 6364136223846793005u + 1442695040888963407u;
            *number[k] = (double)(state >> 11) / 9007199254740992.0 * 2 - 1;
        }
        c->straight[i] = 2 * c->u[i] - c->v[i] + 1;
        c->bent[i]     = c->u[i] > 0 ? c->v[i] : 0;
        c->none[i]     = 3;
        c->w[i]        = 1 + (double)(i % 4);
        c->kind[i]     = kinds[c->u[i] < -.2 ? 0 : c->u[i] < .7 ? 1 : 2];
    }
}

static agop_table *table_of(const columns *c, int64_t rows)
{
    agop_table *t = NULL;

    assert_int_equal(agop_table_new(&t, ctx, rows), AGOP_OK);
    assert_int_equal(agop_table_add_numeric(t, ctx, "u", c->u), AGOP_OK);
    assert_int_equal(agop_table_add_numeric(t, ctx, "v", c->v), AGOP_OK);
    assert_int_equal(agop_table_add_numeric(t, ctx, "straight", c->straight), AGOP_OK);
    assert_int_equal(agop_table_add_numeric(t, ctx, "bent", c->bent), AGOP_OK);
    assert_int_equal(agop_table_add_numeric(t, ctx, "none", c->none), AGOP_OK);
    assert_int_equal(agop_table_add_numeric(t, ctx, "w", c->w), AGOP_OK);
    assert_int_equal(agop_table_add_text(t, ctx, "kind", c->kind), AGOP_OK);
    return t;
}

/* The report of a fit; with a validation table where valid is there. */
static json_t *report_of(const columns *train, const columns *valid, const char *words)
{
    agop_table *t = table_of(train, TRAIN), *judge = valid ? table_of(valid, VALID) : NULL;
    agop_model *m = fit_table(ctx, t, judge, words);
    json_t     *j = json_loads(agop_model_info(m), 0, NULL);

    assert_non_null(j);
    agop_model_free(m);
    agop_table_free(judge);
    agop_table_free(t);
    return j;
}

static double told(const json_t *report, const char *who, const char *what)
{
    const json_t *value = json_object_get(json_object_get(report, who), what);
    assert_true(json_is_number(value));
    return json_number_value(value);
}

/* rmse of the mean of the training rows on the judging ones */
static double error_of_mean(const columns *a, const columns *b, int weighted)
{
    double mean = 0, total = 0, square = 0;

    for (int i = 0; i < TRAIN; i++) {
        mean += (weighted ? a->w[i] : 1) * a->bent[i];
        total += weighted ? a->w[i] : 1;
    }
    mean /= total;
    for (int i = 0; i < VALID; i++)
        square += (b->bent[i] - mean) * (b->bent[i] - mean) / VALID;
    return sqrt(square);
}

static columns train, valid;

static void test_compare__the_baseline_is_the_mean_of_the_learning_rows(void **unused)
{
    static const char *const words[] = {"target=bent drop=straight,none,kind,w",
                                        "target=bent drop=straight,none,kind,w leaf_size=70",
                                        "target=bent drop=straight,none,kind weights=w"};

    (void)unused;
    for (int k = 0; k < 3; k++) {
        json_t *j = report_of(&train, &valid, words[k]);
        assert_near(told(j, "baseline", "rmse"), error_of_mean(&train, &valid, k == 2), 1e-9);
        assert_true(told(j, "baseline", "r2") <= 0);
        assert_int_equal((int)told(j, "baseline", "rows"), TRAIN);
        assert_true(told(j, "linear", "rmse") < told(j, "baseline", "rmse"));
        assert_true(told(j, "validation", "rmse") < told(j, "linear", "rmse"));
        json_decref(j);
    }
}

static void test_compare__the_baseline_of_classes_is_their_frequencies(void **unused)
{
    static const char *const kinds[] = {"low", "middle", "high"};
    json_t *j = report_of(&train, &valid, "target=kind drop=straight,bent,none,w");
    double  share[3] = {0}, loss = 0, right = 0;

    (void)unused;
    for (int i = 0; i < TRAIN; i++)
        for (int k = 0; k < 3; k++)
            share[k] += strcmp(train.kind[i], kinds[k]) == 0 ? 1.0 / TRAIN : 0;
    assert_true(share[1] > share[0] && share[1] > share[2]);
    for (int i = 0; i < VALID; i++)
        for (int k = 0; k < 3; k++)
            if (strcmp(valid.kind[i], kinds[k]) == 0) {
                loss -= log(share[k]) / VALID;
                right += k == 1 ? 1.0 / VALID : 0;
            }
    assert_near(told(j, "baseline", "log_loss"), loss, 1e-9);
    assert_near(told(j, "baseline", "accuracy"), right, 1e-9);
    assert_true(told(j, "linear", "accuracy") > right);
    json_decref(j);
}

static void test_compare__a_linear_target_needs_no_more_than_the_linear_model(void **unused)
{
    static const char *const words[] = {"target=straight drop=bent,none,kind,w",
                                        "target=straight drop=bent,none,kind,w leaf_size=70",
                                        "target=straight,bent drop=none,kind,w"};

    (void)unused;
    for (int k = 0; k < 3; k++) {
        json_t *j = report_of(&train, NULL, words[k]);
        if (k < 2) {
            assert_true(told(j, "linear", "r2") > .9999);
            assert_true(told(j, "linear", "r2") >= told(j, "validation", "r2") - 1e-3);
        } else {
            const json_t *each = json_object_get(json_object_get(j, "linear"), "targets");
            assert_true(told(each, "straight", "r2") > .99 && told(each, "bent", "r2") < .9);
        }
        json_decref(j);
    }
}

static void test_compare__a_constant_target_is_met_by_all(void **unused)
{
    json_t *j = report_of(&train, NULL, "target=none task=regression drop=straight,bent,kind,w");

    (void)unused;
    assert_near(told(j, "baseline", "rmse"), 0, 0);
    assert_near(told(j, "linear", "rmse"), 0, 0);
    json_decref(j);
}

static void test_compare__where_nobody_judges_there_is_nothing_to_compare(void **unused)
{
    json_t *j = report_of(&train, NULL, "target=bent drop=straight,none,kind,w select=last");

    (void)unused;
    assert_null(json_object_get(j, "baseline"));
    assert_null(json_object_get(j, "linear"));
    json_decref(j);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_compare__the_baseline_is_the_mean_of_the_learning_rows),
        cmocka_unit_test(test_compare__the_baseline_of_classes_is_their_frequencies),
        cmocka_unit_test(test_compare__a_linear_target_needs_no_more_than_the_linear_model),
        cmocka_unit_test(test_compare__a_constant_target_is_met_by_all),
        cmocka_unit_test(test_compare__where_nobody_judges_there_is_nothing_to_compare),
    };
    int failed;

    fill(&train, TRAIN, 3);
    fill(&valid, VALID, 4);
    if (agop_open(&ctx, "cpu", 1) != AGOP_OK)
        return 1;
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    agop_close(ctx);
    return failed;
}
