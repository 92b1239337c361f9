/* test_features.c - the AGOP of a model is that of its own predictions, by finite differences; importances and
 * directions are those of the function that the table was made by. */
#include "model_support.h"

enum { ROWS = 96, COLUMNS = 3, LEVELS = 3 };

typedef struct wide { /* columns x1 .. x3, colour; targets y, z, kind */
    double      x[COLUMNS][ROWS], y[ROWS], z[ROWS];
    const char *colour[ROWS], *kind[ROWS];
} wide;

static const double scale_of[COLUMNS] = {1, 20, .3};

/* Numbers near normal in every column (sums of three uniform ones), of different units. */
static void fill(wide *w)
{
    static const char *const colours[] = {"red", "green", "blue"}, *const kinds[] = {"low", "middle", "high"};
    uint32_t                 seed      = 7;

    for (int i = 0; i < ROWS; i++) {
        double u[COLUMNS] = {0};
        for (int j = 0; j < COLUMNS; j++) {
            for (int k = 0; k < 3; k++) {
                seed = seed * 1664525u + 1013904223u;
                u[j] += (double)(seed >> 8) / 16777216.0 - .5;
            }
            u[j] *= 2;
            w->x[j][i] = scale_of[j] * u[j];
        }
        w->colour[i] = colours[(seed >> 10) % 3];
        w->y[i]      = sin(2 * u[0] - u[1]);
        w->z[i]      = u[1] * u[1] / 2 + u[2];
        w->kind[i]   = kinds[i % 3 ? (seed >> 12) % 3 : w->y[i] < 0 ? 0 : 2]; /* no probability is clipped */
    }
}

static agop_table *table_of(agop_ctx *ctx, const wide *w, int moved, double by)
{
    agop_table *t = NULL;
    double      x[ROWS];
    char        name[16];

    assert_int_equal(agop_table_new(&t, ctx, ROWS), AGOP_OK);
    for (int j = 0; j < COLUMNS; j++) {
        for (int i = 0; i < ROWS; i++)
            x[i] = w->x[j][i] + (j == moved ? by : 0);
        (void)snprintf(name, sizeof name, "x%d", j + 1);
        assert_int_equal(agop_table_add_numeric(t, ctx, name, x), AGOP_OK);
    }
    assert_int_equal(agop_table_add_text(t, ctx, "colour", w->colour), AGOP_OK);
    assert_int_equal(agop_table_add_numeric(t, ctx, "y", w->y), AGOP_OK);
    assert_int_equal(agop_table_add_numeric(t, ctx, "z", w->z), AGOP_OK);
    assert_int_equal(agop_table_add_text(t, ctx, "kind", w->kind), AGOP_OK);
    return t;
}

static agop_model *fit_wide(agop_ctx *ctx, const wide *w, const char *words)
{
    agop_table *t = table_of(ctx, w, -1, 0);
    agop_model *m = fit_table(ctx, t, NULL, words);

    agop_table_free(t);
    return m;
}

static double deviation(const double *v)
{
    double mean = 0, square = 0;

    for (int i = 0; i < ROWS; i++)
        mean += v[i] / ROWS;
    for (int i = 0; i < ROWS; i++)
        square += (v[i] - mean) * (v[i] - mean) / ROWS;
    return sqrt(square);
}

/* Central differences of all answers in units of deviations: slope is columns x rows x outputs, malloc'd. */
static double *slopes(agop_ctx *ctx, const agop_model *m, const wide *w, int what)
{
    int64_t     outputs = agop_model_outputs(m, what);
    double     *slope   = calloc((size_t)(COLUMNS * ROWS * outputs), sizeof *slope);
    double     *p       = calloc((size_t)(ROWS * outputs), sizeof *p);
    agop_mat    place   = {p, ROWS, outputs, outputs, AGOP_F64};
    agop_table *t;

    for (int j = 0; j < COLUMNS; j++)
        for (int sign = -1; sign <= 1; sign += 2) {
            double h = 1e-5, s = deviation(w->x[j]);
            t = table_of(ctx, w, j, sign * h * s);
            assert_int_equal(agop_predict(&place, ctx, m, t, what), AGOP_OK);
            agop_table_free(t);
            for (int64_t i = 0; i < ROWS * outputs; i++) {
                const double *y = i % outputs ? w->z : w->y;
                slope[j * ROWS * outputs + i] += sign * p[i] / (2 * h * (what == AGOP_VALUE ? deviation(y) : 1));
            }
        }
    free(p);
    return slope;
}

/* Of the numeric columns, with trace 1; what: as in predict. */
static void by_differences(double A[COLUMNS][COLUMNS], agop_ctx *ctx, const agop_model *m, const wide *w, int what)
{
    int64_t each  = ROWS * agop_model_outputs(m, what);
    double *slope = slopes(ctx, m, w, what), trace = 0;

    memset(A, 0, COLUMNS * sizeof *A);
    for (int i = 0; i < COLUMNS; i++)
        for (int j = 0; j < COLUMNS; j++)
            for (int64_t k = 0; k < each; k++)
                A[i][j] += slope[i * each + k] * slope[j * each + k];
    for (int i = 0; i < COLUMNS; i++)
        trace += A[i][i];
    for (int i = 0; i < COLUMNS; i++)
        for (int j = 0; j < COLUMNS; j++)
            A[i][j] /= trace;
    free(slope);
}

/* The AGOP by the library, the importances and the first direction agree with those of A. diagonal: of the AGOP. */
static void compare(agop_ctx *ctx, const agop_model *m, const wide *w, const char *words, int diagonal, double limit)
{
    double   A[COLUMNS][COLUMNS], B[COLUMNS][COLUMNS], share[COLUMNS];
    agop_mat place = {B, COLUMNS, COLUMNS, COLUMNS, AGOP_F64};

    assert_int_equal(agop_model_features(m), COLUMNS);
    by_differences(A, ctx, m, w, agop_model_outputs(m, AGOP_PROBA) ? AGOP_PROBA : AGOP_VALUE);
    assert_int_equal(agop_features(&place, ctx, m), AGOP_OK);
    assert_int_equal(agop_importance(share, ctx, m), AGOP_OK);
    for (int i = 0; i < COLUMNS; i++) {
        if (fabs(share[i] - A[i][i]) > limit)
            fail_msg("%s: column %d is %.6f important, by differences %.6f", words, i, share[i], A[i][i]);
        for (int j = 0; j < COLUMNS; j++)
            if (fabs(B[i][j] - (diagonal && i != j ? 0 : A[i][j])) > limit)
                fail_msg("%s: (%d, %d) is %.6f, by differences %.6f", words, i, j, B[i][j], A[i][j]);
    }
}

static void test_features__are_those_of_the_predictions(void **state)
{
    const struct {
        const char *words;
        int         diagonal;
    } c[] = {{"target=y drop=z,kind,colour kernel=l2", 0},
             {"target=y drop=z,kind,colour kernel=gaussian ridge=.1", 0},
             {"target=y drop=z,kind,colour kernel=l1", 1},
             {"target=y drop=z,kind,colour kernel=lpq norm=1.5", 0},
             {"target=y drop=z,kind,colour kernel=sum_power power=2", 0},
             {"target=y drop=z,kind,colour kernel=l2 metric=diagonal", 1},
             {"target=y drop=z,kind,colour kernel=l2 tune=off", 0},
             {"target=y,z drop=kind,colour kernel=l2", 0},
             {"target=y drop=z,kind,colour kernel=auto", 0},
             {"target=y,z drop=kind,colour kernel=auto divisions=4", 0},
             {"target=kind drop=y,z,colour calibrate=false kernel=l2 ridge=20", 0},
             {"target=kind drop=y,z,colour calibrate=false kernel=auto ridge=20", 0},
             {"target=y drop=z,kind,colour kernel=l2 metric=full leaf_size=30 temperature=0", 0},
             {"target=y drop=z,kind,colour kernel=auto leaf_size=30 temperature=0 tree_iters=2", 0}};
    wide      w;
    agop_ctx *ctx = NULL;

    (void)state;
    fill(&w);
    assert_int_equal(agop_open(&ctx, "cpu", 1), AGOP_OK);
    for (size_t k = 0; k < sizeof c / sizeof c[0]; k++) {
        char        words[256];
        agop_model *m;
        (void)snprintf(words, sizeof words, "%s normal_scores=false precision=double", c[k].words);
        m = fit_wide(ctx, &w, words);
        compare(ctx, m, &w, words, c[k].diagonal, 1e-5);
        agop_model_free(m);
    }
    agop_close(ctx);
}

static double loading_of(const agop_model *m, const double *v, const char *name)
{
    for (int64_t j = 0; j < agop_model_features(m); j++)
        if (strcmp(agop_model_feature_name(m, j), name) == 0)
            return v[j];
    fail_msg("no feature is called %s", name);
    return 0;
}

/* y = sin(2 u1 - u2) in deviations u: all machines, normal scores or not, trees or not, see that direction. */
static void test_directions__of_a_ridge_function_are_its_own(void **state)
{
    const char *const words[] = {"kernel=auto", "kernel=auto normal_scores=false", "kernel=l2 tune=off", "kernel=l2",
                                 "kernel=auto leaf_size=40", "kernel=lpq"};
    wide              w;
    agop_ctx         *ctx = NULL;

    (void)state;
    fill(&w);
    assert_int_equal(agop_open(&ctx, "cpu", 1), AGOP_OK);
    for (size_t k = 0; k < sizeof words / sizeof words[0]; k++) {
        double      v[8], value, share[COLUMNS + 1], cosine;
        char        all[256];
        agop_model *m;
        agop_mat    place = {v, 1, 0, 0, AGOP_F64};
        (void)snprintf(all, sizeof all, "target=y drop=z,kind %s", words[k]);
        m          = fit_wide(ctx, &w, all);
        place.cols = place.ld = agop_model_features(m);
        assert_in_range(place.cols, 1, 8);
        assert_int_equal(agop_vectors(&place, &value, ctx, m), AGOP_OK);
        assert_int_equal(agop_importance(share, ctx, m), AGOP_OK);
        cosine = (2 * loading_of(m, v, "x1") - loading_of(m, v, "x2")) / sqrt(5);
        if (cosine < .95 || value < .6 || share[0] < share[1] || share[1] < share[2] || share[1] < share[3])
            fail_msg("%s: cosine %.3f, share of the trace %.3f, importances %.3f %.3f %.3f %.3f", words[k], cosine,
                     value, share[0], share[1], share[2], share[3]);
        agop_model_free(m);
    }
    agop_close(ctx);
}

/* A target that is 1 for red and 0 else: the column is all that matters, red stands against the others. */
static void test_directions__of_a_category_are_its_levels(void **state)
{
    const char *const words[] = {"kernel=auto", "kernel=l2 tune=off", "kernel=l1", "kernel=l2 metric=diagonal"};
    wide              w;
    agop_ctx         *ctx = NULL;

    (void)state;
    fill(&w);
    for (int i = 0; i < ROWS; i++)
        w.y[i] = w.colour[i][0] == 'r';
    assert_int_equal(agop_open(&ctx, "cpu", 1), AGOP_OK);
    for (size_t k = 0; k < sizeof words / sizeof words[0]; k++) {
        double      v[8], value, share[COLUMNS + 1], A[64], red, others, sum = 0;
        char        all[256];
        int64_t     d;
        agop_model *m;
        agop_mat    place, whole;
        (void)snprintf(all, sizeof all, "target=y task=regression drop=z,kind %s", words[k]);
        m = fit_wide(ctx, &w, all);
        d = agop_model_features(m);
        assert_int_equal(d, COLUMNS + LEVELS);
        place = (agop_mat){v, 1, d, d, AGOP_F64};
        whole = (agop_mat){A, d, d, d, AGOP_F64};
        assert_int_equal(agop_vectors(&place, &value, ctx, m), AGOP_OK);
        assert_int_equal(agop_features(&whole, ctx, m), AGOP_OK);
        assert_int_equal(agop_importance(share, ctx, m), AGOP_OK);
        for (int64_t j = COLUMNS; j < d; j++)
            sum += A[j * d + j];
        if (fabs(share[COLUMNS] - sum) > 1e-9 || share[COLUMNS] < .9)
            fail_msg("%s: colour is %.6f important, its levels %.6f", words[k], share[COLUMNS], sum);
        red    = loading_of(m, v, "colour=red");
        others = fmax(fabs(loading_of(m, v, "colour=green")), fabs(loading_of(m, v, "colour=blue")));
        if (red < others)
            fail_msg("%s: red weighs %.3f, another colour %.3f", words[k], red, others);
        agop_model_free(m);
    }
    agop_close(ctx);
}

/* The rows of a small table: numbers less their mean in population deviations, presence of what is missing, levels. */
static void test_features__of_rows_are_in_standard_deviations(void **state)
{
    const double      size[6] = {1, 2, 3, 4, NAN, 5}, flat[6] = {2, 2, 2, 2, 2, 2}, y[6] = {1, 3, 2, 5, 4, 6};
    const char *const town[6] = {"Ulm", "Bonn", "Ulm", "Ulm", "Bonn", "Ulm"}, *const other[2] = {"Kiel", "Bonn"};
    const double      later[2] = {3, NAN}, deviation = sqrt(2); /* of 1 .. 5 around 3 */
    const char *const scale[] = {"zscore", "none", "minmax", "rank"};
    agop_ctx         *ctx = NULL;

    (void)state;
    assert_int_equal(agop_open(&ctx, "cpu", 1), AGOP_OK);
    for (size_t k = 0; k < sizeof scale / sizeof scale[0]; k++) {
        agop_table *t = NULL, *u = NULL;
        agop_model *m;
        char        words[64];
        double      v[6 * 5], w[2 * 5];
        agop_mat    out = {v, 6, 5, 5, AGOP_F64}, rest = {w, 2, 5, 5, AGOP_F64};
        assert_int_equal(agop_table_new(&t, ctx, 6), AGOP_OK);
        assert_int_equal(agop_table_add_text(t, ctx, "town", town), AGOP_OK);
        assert_int_equal(agop_table_add_numeric(t, ctx, "size", size), AGOP_OK);
        assert_int_equal(agop_table_add_numeric(t, ctx, "flat", flat), AGOP_OK);
        assert_int_equal(agop_table_add_numeric(t, ctx, "y", y), AGOP_OK);
        (void)snprintf(words, sizeof words, "target=y task=regression scale=%s", scale[k]);
        m = fit_table(ctx, t, NULL, words);
        assert_int_equal(agop_model_features(m), 5); /* size, size (missing), flat, town=Ulm, town=Bonn */
        assert_int_equal(agop_feature_values(&out, ctx, m, t), AGOP_OK);
        for (int i = 0; i < 6; i++) {
            assert_true(fabs(v[i * 5] - (i == 4 ? 0 : (size[i] - 3) / deviation)) <= 1e-12);
            assert_true(fabs(v[i * 5 + 1] - (i == 4)) <= 0);
            assert_true(fabs(v[i * 5 + 2] - (0)) <= 0);
            assert_true(fabs(v[i * 5 + 3] - (town[i][0] == 'U')) <= 0);
            assert_true(fabs(v[i * 5 + 4] - (town[i][0] == 'B')) <= 0);
        }
        assert_int_equal(agop_table_new(&u, ctx, 2), AGOP_OK);
        assert_int_equal(agop_table_add_numeric(u, ctx, "size", later), AGOP_OK);
        assert_int_equal(agop_table_add_numeric(u, ctx, "flat", later), AGOP_OK);
        assert_int_equal(agop_feature_values(&rest, ctx, m, u), AGOP_E_DATA); /* no town */
        assert_int_equal(agop_table_add_text(u, ctx, "town", other), AGOP_OK);
        assert_int_equal(agop_feature_values(&rest, ctx, m, u), AGOP_OK);
        assert_true(fabs(w[3] + w[4] - (0)) <= 0); /* Kiel was never seen */
        assert_true(fabs(w[5 + 1] - (1)) <= 0);
        assert_true(fabs(w[5 + 4] - (1)) <= 0);
        rest.cols = 4;
        assert_int_equal(agop_feature_values(&rest, ctx, m, u), AGOP_E_SHAPE);
        assert_int_equal(agop_feature_values(NULL, ctx, m, u), AGOP_E_ARG);
        agop_model_free(m);
        agop_table_free(u);
        agop_table_free(t);
    }
    agop_close(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_features__are_those_of_the_predictions),
        cmocka_unit_test(test_directions__of_a_ridge_function_are_its_own),
        cmocka_unit_test(test_directions__of_a_category_are_its_levels),
        cmocka_unit_test(test_features__of_rows_are_in_standard_deviations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
