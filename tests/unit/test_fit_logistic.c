/* test_fit_logistic.c - `--loss logistic` from the table to the prediction: one machine, several, trees, files. */
#include "coin_support.h"

#include <unistd.h>

#include "rfm/model.h"
#include "solve/logistic.h"

static agop_ctx *ctx;

/* Mean | p - truth | of the second class ("yes"), whose probability is known. */
static double off(const agop_model *m, const agop_table *t, int64_t rows, double slope)
{
    double *p = probabilities(ctx, m, t, rows), sum = 0;
    for (int64_t i = 0; i < rows; i++)
        sum += fabs(p[2 * i + 1] - 1 / (1 + exp(-slope * agop__table_at(t, i, 0)))) / (double)rows;
    free(p);
    return sum;
}

static void test_fit__logistic_finds_the_probabilities_of_a_coin(void **state)
{
    static const char *const ways[] = {"kernel=l2", "kernel=l1", "kernel=auto", "kernel=l2 select=last",
                                       "tune=off ridge=1", "kernel=l2 holdout=0.3",
                                       "kernel=gaussian precision=double"};
    agop_table *t;
    (void)state;
    make_coin(&t, ctx, 600, 1.5);
    for (size_t k = 0; k < sizeof ways / sizeof *ways; k++) {
        char        words[128];
        agop_model *m;
        (void)snprintf(words, sizeof words, "target=kind loss=logistic %s", ways[k]);
        m = fit_table(ctx, t, NULL, words);
        if (!(off(m, t, 600, 1.5) < .08))
            fail_msg("%s: probabilities off by %g", words, off(m, t, 600, 1.5));
        assert_true(told(m, "solver", "residual") <= 1e-4);
        agop_model_free(m);
    }
    agop_table_free(t);
}

/* The coefficients of a file are those of a minimum: W G = ridge a, with y = K a asked of the model itself. */
static void test_fit__the_model_is_the_minimum_of_the_loss(void **state)
{
    agop_model  *m = fit_mixed(ctx, "target=kind drop=y,z,w loss=logistic kernel=l2 precision=double");
    agop__machine k;
    agop__leaf   *l = &m->leaf[0];
    double        y[MIXED_ROWS * 2], P[3], left = 0, all = 0;
    (void)state;
    assert_int_equal(m->target.link, AGOP__LINK_SOFTMAX);
    assert_int_equal(l->n, MIXED_ROWS);
    assert_int_equal(agop__machine_open(&k, ctx, m, l), AGOP_OK);
    assert_int_equal(agop__machine_apply(y, &k, l->x, l->code, l->n), AGOP_OK);
    for (int64_t i = 0; i < l->n; i++) {
        double best = INFINITY;
        agop__softmax(P, m->target.prior, 3, y + 2 * i);
        for (int is = 0; is < 3; is++) { /* rows are shuffled: the class is the one that a fits */
            double miss = 0, size = 0;
            for (int o = 0; o < 2; o++) {
                double g = 0;
                for (int c = 0; c < 3; c++)
                    g += agop__helmert(c, o) * ((c == is) - P[c]);
                miss += pow(g - l->member[0].ridge * l->member[0].alpha[2 * i + o], 2);
                size += g * g;
            }
            best = fmin(best, miss);
            all += best == miss ? size : 0;
        }
        left += best;
    }
    assert_true(sqrt(left / all) < 1e-7);
    agop__machine_close(&k);
    agop_model_free(m);
}

static void test_fit__a_logistic_model_survives_its_file(void **state)
{
    char        path[] = "/tmp/agop_logistic_XXXXXX";
    agop_model *m      = fit_mixed(ctx, "target=kind drop=y,z,w loss=logistic"), *again = NULL;
    double     *p = predict_mixed(ctx, m, AGOP_PROBA, MIXED_ROWS), *q;
    int         f = mkstemp(path);
    (void)state;
    assert_true(f >= 0);
    (void)close(f);
    assert_int_equal(agop_model_save(ctx, m, path), AGOP_OK);
    assert_int_equal(agop_model_load(&again, ctx, path), AGOP_OK);
    q = predict_mixed(ctx, again, AGOP_PROBA, MIXED_ROWS);
    assert_memory_equal(p, q, MIXED_ROWS * 3 * sizeof *p);
    for (int i = 0; i < MIXED_ROWS; i++)
        assert_true(fabs(p[3 * i] + p[3 * i + 1] + p[3 * i + 2] - 1) < 1e-12);
    (void)unlink(path);
    free(p);
    free(q);
    agop_model_free(m);
    agop_model_free(again);
}

static void test_fit__a_tree_of_logistic_leaves(void **state)
{
    agop_table *t;
    agop_model *m;
    (void)state;
    make_coin(&t, ctx, MOST_ROWS, 1.5);
    m = fit_table(ctx, t, NULL, "target=kind loss=logistic leaf_size=400 iters=1");
    assert_true(m->leaves > 2 && m->target.link == AGOP__LINK_SOFTMAX);
    assert_true(off(m, t, MOST_ROWS, 1.5) < .08);
    agop_model_free(m);
    agop_table_free(t);
}

static void test_fit__a_validation_table_chooses_the_ridge_of_a_logistic_fit(void **state)
{
    agop_table *t, *valid;
    agop_model *m;
    char       *json = NULL;
    json_t     *j;
    (void)state;
    make_coin(&t, ctx, 300, 1.5);
    make_coin(&valid, ctx, 600, 1.5);
    m = fit_table(ctx, t, valid, "target=kind loss=logistic kernel=l2");
    assert_int_equal(agop_score(&json, ctx, m, valid), AGOP_OK); /* judged as it predicts */
    j = json_loads(json, 0, NULL);
    assert_true(fabs(told(m, "validation", "log_loss") - json_number_value(json_object_get(j, "log_loss"))) < 1e-5);
    json_decref(j);
    agop_free(json);
    agop_model_free(m);
    agop_table_free(valid);
    agop_table_free(t);
}

/* One row in eight is of the rare class, wherever it is: balanced, both are as likely, as with weights by hand. */
static void test_fit__balanced_classes_are_equally_frequent(void **state)
{
    static const char *const losses[] = {"squared", "logistic"};
    double      x[320], w[320], mean[2];
    const char *kind[320];
    agop_table *t;
    (void)state;
    for (int i = 0; i < 320; i++) {
        x[i]    = (i * 37 % 320) / 160.0;
        kind[i] = i % 8 ? "often" : "rare";
        w[i]    = i % 8 ? 1 : 7;
    }
    assert_int_equal(agop_table_new(&t, ctx, 320), AGOP_OK);
    assert_int_equal(agop_table_add_numeric(t, ctx, "x", x), AGOP_OK);
    assert_int_equal(agop_table_add_numeric(t, ctx, "w", w), AGOP_OK);
    assert_int_equal(agop_table_add_text(t, ctx, "kind", kind), AGOP_OK);
    for (int k = 0; k < 2; k++) {
        static const char *const ways[] = {"drop=w class_weight=balanced", "weights=w", "drop=w"};
        double *p[3];
        for (int way = 0; way < 3; way++) {
            char        words[128];
            agop_model *m;
            (void)snprintf(words, sizeof words, "target=kind kernel=l2 loss=%s %s", losses[k], ways[way]);
            m      = fit_table(ctx, t, NULL, words);
            p[way] = probabilities(ctx, m, t, 320);
            agop_model_free(m);
        }
        mean[0] = mean[1] = 0;
        for (int i = 0; i < 320; i++) {
            mean[0] += p[0][2 * i + 1] / 320;
            mean[1] += p[2][2 * i + 1] / 320;
            assert_true(fabs(p[0][2 * i + 1] - p[1][2 * i + 1]) < 1e-4);
        }
        assert_true(fabs(mean[0] - .5) < .1 && fabs(mean[1] - .125) < .03);
        free(p[0]);
        free(p[1]);
        free(p[2]);
    }
    agop_table_free(t);
}

static int stop_at_once(void *user, const agop_progress *p)
{
    (void)user;
    return strcmp(p->phase, "metric") == 0;
}

/* Stopped after its first iteration: still a logistic model, judged as such. */
static void test_fit__a_stopped_fit_is_logistic_too(void **state)
{
    agop_table *t;
    agop_model *m;
    (void)state;
    make_coin(&t, ctx, 400, 3);
    agop_on_progress(ctx, stop_at_once, NULL);
    m = fit_table(ctx, t, NULL, "target=kind loss=logistic kernel=l2 tune=off");
    agop_on_progress(ctx, NULL, NULL);
    assert_int_equal(m->stopped, 1);
    assert_int_equal(m->leaf[0].n, 200);
    assert_true(off(m, t, 400, 3) < .2 && told(m, "solver", "residual") <= 1e-4);
    agop_model_free(m);
    agop_table_free(t);
}

static int open_all(void **state)
{
    (void)state;
    return agop_open(&ctx, "cpu", 2) != AGOP_OK;
}

static int close_all(void **state)
{
    (void)state;
    agop_close(ctx);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fit__logistic_finds_the_probabilities_of_a_coin),
        cmocka_unit_test(test_fit__the_model_is_the_minimum_of_the_loss),
        cmocka_unit_test(test_fit__a_logistic_model_survives_its_file),
        cmocka_unit_test(test_fit__a_tree_of_logistic_leaves),
        cmocka_unit_test(test_fit__a_validation_table_chooses_the_ridge_of_a_logistic_fit),
        cmocka_unit_test(test_fit__a_stopped_fit_is_logistic_too),
        cmocka_unit_test(test_fit__balanced_classes_are_equally_frequent),
    };
    return cmocka_run_group_tests(tests, open_all, close_all);
}
