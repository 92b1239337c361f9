/* test_fail_fit.c - every allocation of a whole life of a model is made to fail once: table, fit, predict, score,
 * importance, save, load. Each failure comes back as AGOP_E_NOMEM with a sentence; the sanitizers see that nothing
 * leaks. */
#include "model_support.h"

#include <jansson.h>
#include <unistd.h>

#include "fail_alloc.h"

#if defined(__SANITIZE_ADDRESS__)
enum { SLOW = 1 };
#else
enum { SLOW = 0 };
#endif

static agop_ctx *ctx;
static char      folder[] = "/tmp/agop_fail_XXXXXX";

typedef struct outcome {
    agop_table *t, *later;
    agop_model *m, *again;
    char       *json;
    double      p[MIXED_ROWS * 3], bound[2][MIXED_ROWS * 3], importance[8], vectors[2 * 16], values[2];
} outcome;

static void give_back(outcome *o)
{
    agop_table_free(o->t);
    agop_table_free(o->later);
    agop_model_free(o->m);
    agop_model_free(o->again);
    agop_free(o->json);
}

/* All verbs one after the other, as a program would call them. */
static agop_status live(outcome *o, const agop_settings *s, const char *path)
{
    agop_status st;
    int         what;
    agop_mat    place = {.data = o->p, .rows = MIXED_ROWS, .dtype = AGOP_F64},
             lower = {.data = o->bound[0], .rows = MIXED_ROWS, .dtype = AGOP_F64},
             upper = {.data = o->bound[1], .rows = MIXED_ROWS, .dtype = AGOP_F64},
             v        = {.data = o->vectors, .rows = 2, .dtype = AGOP_F64};

    memset(o, 0, sizeof *o);
    if ((st = make_mixed(&o->t, ctx, MIXED_ROWS)) != AGOP_OK || (st = agop_fit(&o->m, ctx, o->t, NULL, s)) != AGOP_OK)
        return st;
    what       = agop_model_outputs(o->m, AGOP_PROBA) ? AGOP_PROBA : AGOP_VALUE;
    place.cols = place.ld = agop_model_outputs(o->m, what);
    lower.cols = lower.ld = upper.cols = upper.ld = place.cols;
    v.cols = v.ld = agop_model_features(o->m);
    assert_true(place.cols <= 3 && v.cols <= 16 && agop_model_columns(o->m) <= 8);
    if ((st = agop_predict(&place, ctx, o->m, o->t, what)) != AGOP_OK ||
        (what == AGOP_VALUE &&
         (st = agop_predict_interval(NULL, &lower, &upper, ctx, o->m, o->t, .5, AGOP_INTERVAL_AUTO)) != AGOP_OK) ||
        (st = agop_score(&o->json, ctx, o->m, o->t)) != AGOP_OK ||
        (st = agop_importance(o->importance, ctx, o->m)) != AGOP_OK ||
        (st = agop_vectors(&v, o->values, ctx, o->m)) != AGOP_OK || (st = agop_model_save(ctx, o->m, path)) != AGOP_OK)
        return st;
    return agop_model_load(&o->again, ctx, path);
}

static void same_run(const outcome *a, const outcome *b)
{
    assert_memory_equal(a->p, b->p, sizeof a->p);
    assert_memory_equal(a->bound, b->bound, sizeof a->bound);
    assert_memory_equal(a->importance, b->importance, sizeof a->importance);
    assert_memory_equal(a->vectors, b->vectors, sizeof a->vectors);
    assert_string_equal(a->json, b->json);
}

/* Reports with the clock taken out: a class or a column that got lost with an allocation would show. */
static json_t *timeless(const agop_model *m)
{
    json_t *j = json_loads(agop_model_info(m), 0, NULL), *one;
    size_t  i;

    assert_non_null(j);
    (void)json_object_del(j, "seconds");
    (void)json_object_del(j, "seconds_last_solve");
    (void)json_object_del(j, "peak_bytes");
    json_array_foreach(json_object_get(j, "iterations"), i, one)
    {
        (void)json_object_del(one, "seconds_kernel");
        (void)json_object_del(one, "seconds_solve");
        (void)json_object_del(one, "seconds_agop");
    }
    json_array_foreach(json_object_get(j, "members"), i, one)
        (void)json_object_del(one, "seconds");
    json_array_foreach(json_object_get(j, "tried"), i, one)
        (void)json_object_del(one, "seconds");
    json_array_foreach(json_object_get(json_object_get(j, "tree"), "fits"), i, one)
        (void)json_object_del(one, "seconds");
    return j;
}

/* Release builds look at every allocation, the sanitizer build (some twenty times slower) at every `stride`th. */
static void every_failure(const char *words, int64_t stride)
{
    char           path[64];
    agop_settings *s = settings_of(ctx, words);
    outcome        whole, o;
    json_t        *want;
    int64_t        n, total, forgiven = 0;

    (void)snprintf(path, sizeof path, "%s/model.agop", folder);
    assert_int_equal(live(&whole, s, path), AGOP_OK); /* warm up: what is allocated once per process is there now */
    give_back(&whole);
    fail_alloc_arm(0);
    assert_int_equal(live(&whole, s, path), AGOP_OK);
    (void)fail_alloc_disarm();
    total = fail_alloc_count();
    want  = timeless(whole.m);
    assert_true(total > 300);
    for (n = 1; n <= total + 1; n += SLOW ? stride : 1) {
        agop_status st;
        int         failed;

        (void)unlink(path);
        fail_alloc_arm(n);
        st     = live(&o, s, path);
        failed = fail_alloc_disarm();
        if (st == AGOP_OK) {
            json_t *have = timeless(o.m);
            same_run(&whole, &o); /* failed or not: if it says it went well, it did */
            if (!json_equal(want, have))
                fail_msg("%s: allocation %lld failed, and the report is another", words, (long long)n);
            json_decref(have);
            forgiven += failed;
        } else if (!failed || st != AGOP_E_NOMEM || strncmp(agop_errmsg(ctx), "no memory", 9) != 0) {
            fail_msg("%s: allocation %lld of %lld: %s '%s'", words, (long long)n, (long long)total,
                     agop_status_name(st), agop_errmsg(ctx));
        }
        give_back(&o);
    }
    assert_true(forgiven <= 4); /* giving memory back early may fail in silence; little else */
    json_decref(want);
    give_back(&whole);
    agop_settings_free(s);
}

static void test_every_failed_allocation__of_a_quick_regression(void **state)
{
    (void)state;
    every_failure("target=y drop=z,kind,w iters=1 divisions=1", 23);
}

static void test_every_failed_allocation__of_a_quick_classification(void **state)
{
    (void)state;
    every_failure("target=kind drop=y,z,w iters=1 divisions=1", 29);
}

static void test_every_failed_allocation__of_a_search_on_two_divisions(void **state)
{
    (void)state;
    every_failure("target=kind drop=y,z,w weights=w iters=0 ridge=0.1 tune=full divisions=2", 53);
}

static void test_every_failed_allocation__of_a_plain_fit_of_two_targets(void **state)
{
    (void)state;
    every_failure("target=y,z drop=kind,w tune=off iters=2 precision=double", 23);
}

static void test_every_failed_allocation__of_an_l1_fit_by_rank_with_weights(void **state)
{
    (void)state;
    every_failure("target=z drop=kind,y kernel=l1 weights=w scale=rank iters=1", 23);
}

static void test_every_failed_allocation__of_p_norms(void **state)
{
    (void)state;
    every_failure("target=z drop=kind,y,w kernel=lpq iters=1 tune=off metric_score=agop_r2", 41);
}

static void test_every_failed_allocation__of_a_power_of_a_mean(void **state)
{
    (void)state;
    every_failure("target=z drop=kind,y,w kernel=sum_power iters=1 tune=off", 43);
}

static void test_every_failed_allocation__of_the_dual(void **state)
{
    (void)state;
    every_failure("target=y drop=z,w,kind dual=on tune=off iters=2", 23);
}

static void test_every_failed_allocation__of_the_gram_route(void **state)
{
    (void)state;
    every_failure("target=kind drop=y,z,w agop_route=gram tune=off iters=1 centre_gradients=true", 23);
}

static void test_every_failed_allocation__of_conjugate_gradients(void **state)
{
    (void)state;
    every_failure("target=y,z drop=kind weights=w tune=off iters=1 solver=cg", 23);
}

static void test_every_failed_allocation__of_a_tree(void **state)
{
    (void)state;
    every_failure("target=y drop=z,w,kind leaf_size=16 tune=off iters=1 trees=2", 97);
}

static void test_every_failed_allocation__of_a_logarithm(void **state)
{
    (void)state;
    every_failure("target=z drop=kind,y,w iters=0 kernel=l2 ridge=.1 target_transform=log", 47);
}

static void test_every_failed_allocation__of_normal_scores_of_two_targets(void **state)
{
    (void)state;
    every_failure("target=y,z drop=kind,w tune=off iters=0 target_transform=normal", 29);
}

static void test_every_failed_allocation__of_a_logistic_fit(void **state)
{
    (void)state;
    every_failure("target=kind drop=y,z,w iters=1 loss=logistic", 41);
}

static int set_up(void **state)
{
    (void)state;
    json_set_alloc_funcs(malloc, free); /* so that its allocations are ours to fail */
    return mkdtemp(folder) && agop_open(&ctx, "cpu", 1) == AGOP_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    char command[80];
    (void)state;
    agop_close(ctx);
    (void)snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_failed_allocation__of_a_quick_regression),
        cmocka_unit_test(test_every_failed_allocation__of_a_quick_classification),
        cmocka_unit_test(test_every_failed_allocation__of_a_search_on_two_divisions),
        cmocka_unit_test(test_every_failed_allocation__of_a_plain_fit_of_two_targets),
        cmocka_unit_test(test_every_failed_allocation__of_an_l1_fit_by_rank_with_weights),
        cmocka_unit_test(test_every_failed_allocation__of_p_norms),
        cmocka_unit_test(test_every_failed_allocation__of_a_power_of_a_mean),
        cmocka_unit_test(test_every_failed_allocation__of_the_dual),
        cmocka_unit_test(test_every_failed_allocation__of_the_gram_route),
        cmocka_unit_test(test_every_failed_allocation__of_conjugate_gradients),
        cmocka_unit_test(test_every_failed_allocation__of_a_tree),
        cmocka_unit_test(test_every_failed_allocation__of_a_logarithm),
        cmocka_unit_test(test_every_failed_allocation__of_normal_scores_of_two_targets),
        cmocka_unit_test(test_every_failed_allocation__of_a_logistic_fit),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
