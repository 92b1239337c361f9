/* test_explain.c - contributions of columns: they add up to predictions, are the gradients that finite differences
 * find, and go with their columns, whatever kernels, codes and trees a model has. */
#include "model_support.h"

#include <jansson.h>

#include "fail_alloc.h"
#include "numbers.h"

enum { ROWS = 160, COLUMNS = 4, NEW = 12 };

static agop_ctx *ctx;
static char      notes[2048];

static void gather(void *user, const char *sentence)
{
    (void)user;
    (void)snprintf(notes + strlen(notes), sizeof notes - strlen(notes), "%s\n", sentence);
}

/* ---- a table of numbers: y of x1 .. x4 ---- */

typedef double truth_fn(const double *x);

static double straight(const double *x)
{
    return 2 * x[0] - x[1] + .5 * x[2] + 3;
}

static double additive(const double *x)
{
    return sin(2 * x[0]) + x[1] * x[1];
}

/* Columns named x1 .. x4 in the order `order`; by[i*COLUMNS + j] is x(j+1) of row i. */
static agop_table *numbers_table(const double *by, int64_t rows, truth_fn *truth, const int *order)
{
    agop_table *t = NULL;
    double     *v = calloc((size_t)rows, sizeof *v);
    char        name[16];

    assert_int_equal(agop_table_new(&t, ctx, rows), AGOP_OK);
    for (int j = 0; j < COLUMNS; j++) {
        for (int64_t i = 0; i < rows; i++)
            v[i] = by[i * COLUMNS + order[j]];
        (void)snprintf(name, sizeof name, "x%d", order[j] + 1);
        assert_int_equal(agop_table_add_numeric(t, ctx, name, v), AGOP_OK);
    }
    for (int64_t i = 0; i < rows; i++)
        v[i] = truth(by + i * COLUMNS);
    assert_int_equal(agop_table_add_numeric(t, ctx, "y", v), AGOP_OK);
    free(v);
    return t;
}

static const int in_order[COLUMNS] = {0, 1, 2, 3}, mixed_up[COLUMNS] = {2, 0, 3, 1};

static agop_model *fit_numbers(const double *by, truth_fn *truth, const int *order, const char *words)
{
    agop_table *t = numbers_table(by, ROWS, truth, order);
    agop_model *m = fit_table(ctx, t, NULL, words);

    agop_table_free(t);
    return m;
}

typedef struct explained {
    int64_t rows, columns;
    double *part, *base, *value;
} explained;

static explained explain(const agop_model *m, const agop_table *t, const int64_t *output, int method)
{
    int64_t   rows = agop_table_rows(t), d = agop_model_columns(m);
    explained x = {rows, d, calloc((size_t)(rows * d), 8), calloc((size_t)rows, 8), calloc((size_t)rows, 8)};
    agop_mat  out = {x.part, rows, d, d, AGOP_F64};

    notes[0] = '\0';
    if (agop_contributions(&out, x.base, x.value, ctx, m, t, output, method) != AGOP_OK)
        fail_msg("%s", agop_errmsg(ctx));
    return x;
}

static void forget(explained *x)
{
    free(x->part);
    free(x->base);
    free(x->value);
}

static double *predict(const agop_model *m, const agop_table *t, int what)
{
    int64_t  outputs = agop_model_outputs(m, what), rows = agop_table_rows(t);
    double  *v   = calloc((size_t)(rows * outputs), sizeof *v);
    agop_mat out = {v, rows, outputs, outputs, AGOP_F64};

    assert_int_equal(agop_predict(&out, ctx, m, t, what), AGOP_OK);
    return v;
}

/* ---- completeness ---- */

/* Sums of contributions and base are the values, and these the predictions. */
static void adds_up(const char *words, double tolerance)
{
    agop_model *m = fit_mixed(ctx, words);
    agop_table *t = NULL;
    int         what = agop_model_outputs(m, AGOP_PROBA) ? AGOP_PROBA : AGOP_VALUE;
    int64_t     outputs = agop_model_outputs(m, what);
    double     *p = predict_mixed(ctx, m, what, MIXED_ROWS + 10);
    explained   x;

    assert_int_equal(make_mixed(&t, ctx, MIXED_ROWS + 10), AGOP_OK);
    for (int64_t o = 0; o < outputs; o++) {
        int64_t output[MIXED_ROWS + 10];
        for (int64_t i = 0; i < MIXED_ROWS + 10; i++)
            output[i] = o;
        x = explain(m, t, output, AGOP_INTEGRATED);
        for (int64_t i = 0; i < x.rows; i++) {
            double sum = x.base[i], size = fabs(x.base[i]), said = p[i * outputs + o];
            for (int64_t j = 0; j < x.columns; j++) {
                sum += x.part[i * x.columns + j];
                size += fabs(x.part[i * x.columns + j]);
            }
            if (!(fabs(sum - x.value[i]) <= 1e-12 * size))
                fail_msg("%s, row %lld: %g, not %g", words, (long long)i, sum, x.value[i]);
            /* a probability is clipped and normalised, unless nothing was clipped */
            if (what == AGOP_VALUE && !(fabs(x.value[i] - said) <= tolerance))
                fail_msg("%s, row %lld: %g, but predicted %g", words, (long long)i, x.value[i], said);
        }
        forget(&x);
    }
    free(p);
    agop_table_free(t);
    agop_model_free(m);
}

static void test_explain__contributions_sum_to_the_prediction(void **state)
{
    (void)state;
    adds_up("target=y drop=z,kind,w", 2e-4);
    adds_up("target=y drop=z,kind,w tune=off precision=double", 1e-9);
    adds_up("target=y,z drop=kind,w tune=off precision=double metric=diagonal", 1e-9);
    adds_up("target=y drop=z,kind,w kernel=l1 tune=off precision=double", 1e-9);
    adds_up("target=y drop=z,kind,w kernel=l1 exponent=1.5 tune=off precision=double normal_scores=true", 1e-9);
    adds_up("target=y drop=z,kind,w kernel=lpq tune=off precision=double", 1e-9);
    adds_up("target=y drop=z,kind,w kernel=sum_power tune=off precision=double", 1e-9);
    adds_up("target=y drop=z,kind,w kernel=gaussian tune=off precision=double scale=rank", 1e-9);
    adds_up("target=y drop=z,kind,w dual=on tune=off precision=double", 1e-9);
    adds_up("target=kind drop=y,z,w tune=off precision=double", 1e-9);
    adds_up("target=z drop=y,kind,w tune=off precision=double target_transform=log", 1e-9);
    adds_up("target=y,z drop=kind,w precision=double target_transform=normal", 1e-9);
    adds_up("target=y drop=z,kind,w leaf_size=16 tune=off precision=double", 1e-9);
    adds_up("target=y drop=z,kind,w leaf_size=16 tune=off precision=double temperature=.5 trees=2", 1e-9);
}

static void test_explain__classes_are_scores_that_sum_to_one(void **state)
{
    agop_model *m = fit_mixed(ctx, "target=kind drop=y,z,w tune=off");
    agop_table *t = NULL;
    double      sum[MIXED_ROWS] = {0}, *p = predict_mixed(ctx, m, AGOP_PROBA, MIXED_ROWS);
    explained   likeliest;

    (void)state;
    assert_int_equal(make_mixed(&t, ctx, MIXED_ROWS), AGOP_OK);
    likeliest = explain(m, t, NULL, AGOP_INTEGRATED);
    for (int64_t k = 0; k < 3; k++) {
        int64_t   output[MIXED_ROWS];
        explained x;
        for (int64_t i = 0; i < MIXED_ROWS; i++)
            output[i] = k;
        x = explain(m, t, output, AGOP_INTEGRATED);
        for (int64_t i = 0; i < MIXED_ROWS; i++) {
            sum[i] += x.value[i];
            if (p[i * 3 + k] > .5)
                assert_true(fabs(x.value[i] - likeliest.value[i]) <= 1e-12);
        }
        forget(&x);
    }
    for (int64_t i = 0; i < MIXED_ROWS; i++)
        assert_true(fabs(sum[i] - 1) <= 1e-9);
    forget(&likeliest);
    free(p);
    agop_table_free(t);
    agop_model_free(m);
}

/* ---- what they are ---- */

static void gradients_by_differences(truth_fn *truth, const char *transform)
{
    double     *by = normals(ROWS * COLUMNS, 1), *new = normals(NEW * COLUMNS, 2), h = 1e-4;
    char        words[160];
    agop_model *m;
    agop_table *t = numbers_table(new, NEW, truth, in_order);
    explained   x;

    (void)snprintf(words, sizeof words, "target=y tune=off kernel=gaussian precision=double normal_scores=false "
                   "iters=2 target_transform=%s", transform);
    m = fit_numbers(by, truth, in_order, words);
    x = explain(m, t, NULL, AGOP_GRADIENT);
    for (int j = 0; j < COLUMNS; j++) {
        double     *moved = calloc(NEW * COLUMNS, sizeof *moved), *p[2], mean = 0;
        agop_table *there[2];
        for (int k = 0; k < 2; k++) {
            memcpy(moved, new, NEW * COLUMNS * sizeof *moved);
            for (int i = 0; i < NEW; i++)
                moved[i * COLUMNS + j] += k ? -h : h;
            there[k] = numbers_table(moved, NEW, truth, in_order);
            p[k]     = predict(m, there[k], AGOP_VALUE);
        }
        for (int i = 0; i < ROWS; i++)
            mean += by[i * COLUMNS + j] / ROWS;
        for (int i = 0; i < NEW; i++) {
            double slope = (p[0][i] - p[1][i]) / (2 * h), want = slope * (new[i * COLUMNS + j] - mean);
            if (!(fabs(x.part[i * COLUMNS + j] - want) <= 1e-6))
                fail_msg("row %d, column %d: %g, not %g", i, j, x.part[i * COLUMNS + j], want);
        }
        for (int k = 0; k < 2; k++) {
            agop_table_free(there[k]);
            free(p[k]);
        }
        free(moved);
    }
    forget(&x);
    agop_table_free(t);
    agop_model_free(m);
    free(new);
    free(by);
}

static double growing(const double *x)
{
    return exp(additive(x) / 2);
}

static void test_explain__gradients_are_finite_differences_of_predictions(void **state)
{
    (void)state;
    gradients_by_differences(additive, "none");
    gradients_by_differences(growing, "log");
}

/* A path integral in many more steps, of gradients that finite differences give, in one coordinate per column. */
static void test_explain__integrated_gradients_are_the_path_integral(void **state)
{
    enum { STEPS = 400 };
    double     *by = normals(ROWS * COLUMNS, 1), *new = normals(NEW * COLUMNS, 2), mean[COLUMNS] = {0}, h = 1e-4;
    agop_model *m = fit_numbers(by, additive, in_order, "target=y tune=off precision=double normal_scores=false");
    agop_table *t = numbers_table(new, NEW, additive, in_order);
    explained   x = explain(m, t, NULL, AGOP_INTEGRATED);
    double     *point = calloc(2 * STEPS * COLUMNS, sizeof *point);

    (void)state;
    for (int i = 0; i < ROWS * COLUMNS; i++)
        mean[i % COLUMNS] += by[i] / ROWS;
    for (int i = 0; i < NEW; i++)
        for (int j = 0; j < COLUMNS; j++) {
            agop_table *path;
            double     *p, sum = 0, size = 0;
            for (int k = 0; k < 2 * STEPS; k++)
                for (int c = 0; c < COLUMNS; c++)
                    point[k * COLUMNS + c] = mean[c] + (k / 2 + .5) / STEPS * (new[i * COLUMNS + c] - mean[c]) +
                                             (c == j ? k % 2 ? -h : h : 0);
            path = numbers_table(point, 2 * STEPS, additive, in_order);
            p    = predict(m, path, AGOP_VALUE);
            for (int k = 0; k < STEPS; k++)
                sum += (p[2 * k] - p[2 * k + 1]) / (2 * h) * (new[i * COLUMNS + j] - mean[j]) / STEPS;
            for (int c = 0; c < COLUMNS; c++)
                size += fabs(x.part[i * COLUMNS + c]);
            if (!(fabs(x.part[i * COLUMNS + j] - sum) <= 4e-3 * size))
                fail_msg("row %d, column %d: %g, not %g", i, j, x.part[i * COLUMNS + j], sum);
            agop_table_free(path);
            free(p);
        }
    free(point);
    forget(&x);
    agop_table_free(t);
    agop_model_free(m);
    free(new);
    free(by);
}

static void test_explain__of_a_straight_function_are_coefficient_times_deviation(void **state)
{
    static const double slope[COLUMNS] = {2, -1, .5, 0};
    double     *by = normals(ROWS * COLUMNS, 1), mean[COLUMNS] = {0};
    agop_model *m = fit_numbers(by, straight, in_order, "target=y");
    agop_table *t = numbers_table(by, NEW, straight, in_order);
    explained   x = explain(m, t, NULL, AGOP_INTEGRATED);

    (void)state;
    for (int i = 0; i < ROWS * COLUMNS; i++)
        mean[i % COLUMNS] += by[i] / ROWS;
    for (int i = 0; i < NEW; i++)
        for (int j = 0; j < COLUMNS; j++) {
            double want = slope[j] * (by[i * COLUMNS + j] - mean[j]);
            if (!(fabs(x.part[i * COLUMNS + j] - want) <= .12 + .08 * fabs(want)))
                fail_msg("row %d, column %d: %g, not %g", i, j, x.part[i * COLUMNS + j], want);
        }
    forget(&x);
    agop_table_free(t);
    agop_model_free(m);
    free(by);
}

static void test_explain__a_column_without_effect_gets_nothing(void **state)
{
    double     *by = normals(ROWS * COLUMNS, 1);
    agop_model *m;
    agop_table *t;
    explained   x;
    double      without = 0, all = 0;

    (void)state;
    for (int i = 0; i < ROWS; i++)
        by[i * COLUMNS + 3] = 7; /* x4 is constant: nothing, to the last bit; x3 is noise */
    m = fit_numbers(by, additive, in_order, "target=y");
    for (int i = 0; i < ROWS; i++)
        by[i * COLUMNS + 3] = i;
    t = numbers_table(by, ROWS, additive, in_order);
    x = explain(m, t, NULL, AGOP_INTEGRATED);
    for (int i = 0; i < ROWS * COLUMNS; i++) {
        all += fabs(x.part[i]);
        without += i % COLUMNS == 2 ? fabs(x.part[i]) : 0;
        assert_true(i % COLUMNS != 3 || x.part[i] == 0);
    }
    assert_true(without < .03 * all);
    forget(&x);
    agop_table_free(t);
    agop_model_free(m);
    free(by);
}

static void test_explain__contributions_go_with_their_columns(void **state)
{
    double     *by = normals(ROWS * COLUMNS, 1);
    agop_model *m = fit_numbers(by, additive, in_order, "target=y precision=double tune=off"),
               *other = fit_numbers(by, additive, mixed_up, "target=y precision=double tune=off");
    agop_table *t = numbers_table(by, NEW, additive, in_order);
    explained   x = explain(m, t, NULL, AGOP_INTEGRATED), y = explain(other, t, NULL, AGOP_INTEGRATED);

    (void)state;
    for (int j = 0; j < COLUMNS; j++) {
        assert_string_equal(agop_model_column_name(other, j), agop_model_column_name(m, mixed_up[j]));
        for (int i = 0; i < NEW; i++)
            assert_true(fabs(y.part[i * COLUMNS + j] - x.part[i * COLUMNS + mixed_up[j]]) <= 1e-6);
    }
    forget(&x);
    forget(&y);
    agop_table_free(t);
    agop_model_free(m);
    agop_model_free(other);
    free(by);
}

/* ---- training rows ---- */

/* All terms of each of the first rows, and the number of training rows. */
static void terms_sum_up(const char *words, double tolerance)
{
    agop_model     *m = fit_mixed(ctx, words);
    agop_table     *t = NULL;
    agop_neighbour *near = calloc(MIXED_ROWS * MIXED_ROWS, sizeof *near);
    int64_t         output[MIXED_ROWS] = {0};
    explained       x;

    assert_int_equal(make_mixed(&t, ctx, MIXED_ROWS), AGOP_OK);
    x = explain(m, t, output, AGOP_INTEGRATED);
    assert_int_equal(agop_influence(near, ctx, m, t, output, MIXED_ROWS), AGOP_OK);
    for (int i = 0; i < MIXED_ROWS; i++) {
        double sum = 0, share = 0, constant = 0;
        int    met[MIXED_ROWS] = {0};
        for (int k = 0; k < MIXED_ROWS; k++) {
            const agop_neighbour *one = &near[i * MIXED_ROWS + k];
            sum += one->influence;
            share += one->share;
            assert_true(k == 0 || fabs(one->influence) <= fabs(one[-1].influence));
            if (one->row < 0)
                continue;
            assert_true(one->row < MIXED_ROWS && met[one->row]++ == 0);
            assert_true(one->row != i || one->distance < 1e-3); /* it is itself */
        }
        assert_true(fabs(share - 1) <= 1e-6);
        for (int j = 0; j < MIXED_ROWS; j++) /* what the model says far from everything: the mean of the target */
            constant += (j * 37 % 64) / 8.0 - 4;
        constant = 2 - constant / MIXED_ROWS / 2;
        if (!(fabs(constant + sum - x.value[i]) <= tolerance))
            fail_msg("%s, row %d: %g + %g, not %g", words, i, constant, sum, x.value[i]);
    }
    free(near);
    forget(&x);
    agop_table_free(t);
    agop_model_free(m);
}

static void test_influence__terms_of_training_rows_sum_to_the_prediction(void **state)
{
    (void)state;
    terms_sum_up("target=z drop=y,kind,w", 2e-3);
    terms_sum_up("target=z drop=y,kind,w precision=double tune=off", 1e-9);
    terms_sum_up("target=z drop=y,kind,w precision=double kernel=l1 tune=off", 1e-9);
    terms_sum_up("target=z drop=y,kind,w precision=double leaf_size=16 trees=3 tune=off", 1e-9);
    terms_sum_up("target=z drop=y,kind,w precision=double leaf_size=16 overlap=.3 temperature=.3 tune=off", 1e-9);
}

/* With a narrow kernel a row's answer is its own; of one that is there twice the two share it. */
/* Of a machine that learned logarithms, too: far from everything it says the mean logarithm's exponential. */
static void test_influence__terms_of_a_transformed_target_sum_to_the_prediction(void **state)
{
    agop_model     *m = fit_mixed(ctx, "target=z drop=y,kind,w precision=double tune=off select=last "
                                       "target_transform=log");
    agop_table     *t = NULL;
    agop_neighbour *near = calloc(MIXED_ROWS * MIXED_ROWS, sizeof *near);
    double         *p, logs = 0;

    (void)state;
    assert_int_equal(make_mixed(&t, ctx, MIXED_ROWS), AGOP_OK);
    p = predict(m, t, AGOP_VALUE);
    assert_int_equal(agop_influence(near, ctx, m, t, NULL, MIXED_ROWS), AGOP_OK);
    for (int j = 0; j < MIXED_ROWS; j++)
        logs += log(2 - ((j * 37 % 64) / 8.0 - 4) / 2) / MIXED_ROWS;
    for (int i = 0; i < MIXED_ROWS; i++) {
        double sum = exp(logs);
        for (int k = 0; k < MIXED_ROWS; k++)
            sum += near[i * MIXED_ROWS + k].influence;
        if (!(fabs(sum - p[i]) <= 1e-9))
            fail_msg("row %d: %g, not %g", i, sum, p[i]);
    }
    free(p);
    free(near);
    agop_table_free(t);
    agop_model_free(m);
}

static void test_influence__a_training_row_is_nearest_to_itself_also_from_a_file(void **state)
{
    char            path[] = "/tmp/agop_explain_XXXXXX";
    double         *by = normals(ROWS * COLUMNS, 1);
    agop_model     *m = NULL, *again = NULL;
    agop_table     *t;
    agop_neighbour *near = calloc(2 * ROWS, sizeof *near), *second = calloc(2 * ROWS, sizeof *second);

    (void)state;
    assert_true(mkstemp(path) >= 0);
    for (int i = 0; i < ROWS / 2; i++)
        memcpy(by + (ROWS - 1 - i) * COLUMNS, by + i * COLUMNS, COLUMNS * sizeof *by);
    t = numbers_table(by, ROWS, straight, in_order);
    m = fit_table(ctx, t, NULL, "target=y tune=off iters=0 bandwidth=.01 bandwidth_mode=constant");
    assert_int_equal(agop_influence(near, ctx, m, t, NULL, 2), AGOP_OK);
    for (int i = 0; i < ROWS; i++) {
        int64_t first = near[2 * i].row, other = near[2 * i + 1].row;
        assert_true(first + other == ROWS - 1 && (first == i || other == i));
        assert_true(near[2 * i].distance == 0 && near[2 * i + 1].distance == 0);
    }
    assert_int_equal(agop_model_save(ctx, m, path), AGOP_OK);
    assert_int_equal(agop_model_load(&again, ctx, path), AGOP_OK);
    assert_int_equal(agop_influence(second, ctx, again, t, NULL, 2), AGOP_OK);
    for (int i = 0; i < 2 * ROWS; i++)
        assert_true(near[i].row == second[i].row && near[i].influence == second[i].influence);
    (void)remove(path);
    agop_model_free(again);
    agop_model_free(m);
    agop_table_free(t);
    free(near);
    free(second);
    free(by);
}

static void test_influence__a_model_of_version_0_1_knows_no_row_numbers(void **state)
{
    agop_model    *m = NULL;
    agop_table    *t = NULL;
    agop_neighbour near[3];

    (void)state;
    assert_int_equal(agop_model_load(&m, ctx, "tests/data/model-0.1-regression.agop"), AGOP_OK);
    assert_int_equal(make_mixed(&t, ctx, 1), AGOP_OK);
    if (agop_influence(near, ctx, m, t, NULL, 3) != AGOP_OK)
        fail_msg("%s", agop_errmsg(ctx));
    assert_true(near[0].row == -1 && near[0].share > 0 && near[2].share > 0);
    assert_int_equal(agop_influence(near, ctx, m, t, NULL, 0), AGOP_E_ARG);
    agop_table_free(t);
    agop_model_free(m);
}

/* ---- partial dependence ---- */

enum { POINTS = 9 };

static double curve_at(const double *curve, int64_t rows, int k)
{
    double mean = 0;

    for (int64_t i = 0; i < rows; i++)
        mean += curve[i * POINTS + k] / (double)rows;
    return mean;
}

static void test_partial__of_an_additive_function_is_its_component(void **state)
{
    double     *by = normals(4 * ROWS * COLUMNS, 1), grid[POINTS], curve[NEW * 4 * POINTS];
    agop_table *t = numbers_table(by, 4 * ROWS, additive, in_order), *some = numbers_table(by, NEW, additive, in_order);
    agop_model *m = fit_table(ctx, t, NULL, "target=y");
    agop_mat    out = {curve, NEW, POINTS, POINTS, AGOP_F64};

    (void)state;
    for (int j = 0; j < COLUMNS; j++) {
        double shift = 0;
        for (int k = 0; k < POINTS; k++)
            grid[k] = (k - POINTS / 2) * .3;
        assert_int_equal(agop_partial(&out, ctx, m, some, j, grid, POINTS, 0), AGOP_OK);
        for (int k = 0; k < POINTS; k++) {
            double x[COLUMNS] = {0}, *p, left;
            x[j] = grid[k];
            shift += k ? 0 : curve_at(curve, NEW, k) - additive(x);
            left = curve_at(curve, NEW, k) - additive(x) - shift;
            if (!(fabs(left) <= .25))
                fail_msg("column %d at %g: off by %g", j, grid[k], left);
            if (k != 3)
                continue;
            for (int i = 0; i < NEW; i++) { /* a row of its own with that value is predicted so */
                double      row[COLUMNS];
                agop_table *one;
                memcpy(row, by + i * COLUMNS, sizeof row);
                row[j] = grid[k];
                one    = numbers_table(row, 1, additive, in_order);
                p      = predict(m, one, AGOP_VALUE);
                assert_true(p[0] == curve[i * POINTS + k]);
                free(p);
                agop_table_free(one);
            }
        }
    }
    agop_table_free(some);
    agop_table_free(t);
    agop_model_free(m);
    free(by);
}

static agop_status partial_of_colour(const agop_model *m, const agop_table *t, double *room)
{
    double   grid[3] = {0, 2, -1};
    agop_mat out     = {room, MIXED_ROWS, 3, 3, AGOP_F64};
    return agop_partial(&out, ctx, m, t, 2, grid, 3, 0);
}

static void test_partial__a_level_that_a_row_has_leaves_it_as_it_is(void **state)
{
    agop_model *m = fit_mixed(ctx, "target=kind drop=y,z,w tune=off");
    agop_table *t = NULL;
    double      room[MIXED_ROWS * 3], *p = predict_mixed(ctx, m, AGOP_PROBA, MIXED_ROWS), none[1] = {3};
    agop_mat    out = {room, MIXED_ROWS, 1, 1, AGOP_F64};

    (void)state;
    assert_int_equal(make_mixed(&t, ctx, MIXED_ROWS), AGOP_OK);
    assert_int_equal(partial_of_colour(m, t, room), AGOP_OK);
    for (int64_t i = 0; i < MIXED_ROWS; i++)
        for (int k = 0; k < 3; k++)
            if (agop_table_number(t, i, 2) == (double[]){0, 2, -1}[k])
                assert_true(room[i * 3 + k] == p[i * 3]);
    assert_int_equal(agop_partial(&out, ctx, m, t, 2, none, 1, 0), AGOP_E_ARG);
    assert_string_equal(agop_errmsg(ctx), "the grid has a level that column 'colour' has not");
    assert_int_equal(agop_partial(&out, ctx, m, t, 3, none, 1, 0), AGOP_E_ARG);
    out.cols = 2;
    assert_int_equal(agop_partial(&out, ctx, m, t, 0, none, 1, 0), AGOP_E_SHAPE);
    free(p);
    agop_table_free(t);
    agop_model_free(m);
}

/* u + (g - v'u) v by hand, in the mixed table: a has no missing cell, b has, colour stays. */
static void test_partial_along__moves_rows_by_the_formula(void **state)
{
    agop_model *m = fit_mixed(ctx, "target=y drop=z,kind,w tune=off");
    agop_table *t = NULL, *moved = NULL;
    double      direction[16] = {0}, position[MIXED_ROWS], curve[MIXED_ROWS * 2], *p, grid[2] = {-.5, 1.25};
    double      mean[2] = {0}, deviation[2] = {0}, x[2][MIXED_ROWS], v[2] = {.6, -.8};
    const char *colour[MIXED_ROWS];
    agop_mat    out = {curve, MIXED_ROWS, 2, 2, AGOP_F64};
    int64_t     known[2] = {0};

    (void)state;
    assert_int_equal(make_mixed(&t, ctx, MIXED_ROWS), AGOP_OK);
    for (int64_t j = 0; j < agop_model_features(m); j++) { /* what is said of others is left out */
        const char *name = agop_model_feature_name(m, j);
        direction[j]     = strcmp(name, "a") == 0 ? 3 : strcmp(name, "b") == 0 ? -4 : 7;
    }
    for (int j = 0; j < 2; j++) {
        for (int i = 0; i < MIXED_ROWS; i++) {
            x[j][i] = agop_table_number(t, i, j);
            mean[j] += isnan(x[j][i]) ? 0 : x[j][i];
            known[j] += !isnan(x[j][i]);
        }
        mean[j] /= (double)known[j];
        for (int i = 0; i < MIXED_ROWS; i++)
            deviation[j] += isnan(x[j][i]) ? 0 : (x[j][i] - mean[j]) * (x[j][i] - mean[j]) / (double)known[j];
        deviation[j] = sqrt(deviation[j]);
    }
    assert_int_equal(agop_partial_along(&out, ctx, m, t, direction, grid, 2, 0), AGOP_OK);
    assert_int_equal(agop_along(position, direction, ctx, m, t), AGOP_OK);
    for (int i = 0; i < MIXED_ROWS; i++) {
        double at = 0;
        for (int j = 0; j < 2; j++)
            at += isnan(x[j][i]) ? 0 : v[j] * (x[j][i] - mean[j]) / deviation[j];
        if (fabs(at - position[i]) > 1e-12)
            fail_msg("row %d stands at %g, by hand at %g", i, position[i], at);
        for (int j = 0; j < 2; j++)
            x[j][i] += (grid[1] - at) * v[j] * deviation[j];
        colour[i] = agop_table_number(t, i, 2) < 0 ? NULL
                                                   : agop_table_level(t, 2, (int64_t)agop_table_number(t, i, 2));
    }
    for (int64_t j = 0; j < agop_model_features(m); j++) {
        const char *name = agop_model_feature_name(m, j);
        double      want = strcmp(name, "a") == 0 ? .6 : strcmp(name, "b") == 0 ? -.8 : 0;
        assert_true(fabs(direction[j] - want) < 1e-15);
    }
    assert_int_equal(agop_table_new(&moved, ctx, MIXED_ROWS), AGOP_OK);
    assert_int_equal(agop_table_add_numeric(moved, ctx, "a", x[0]), AGOP_OK);
    assert_int_equal(agop_table_add_numeric(moved, ctx, "b", x[1]), AGOP_OK);
    assert_int_equal(agop_table_add_text(moved, ctx, "colour", colour), AGOP_OK);
    p = predict(m, moved, AGOP_VALUE);
    for (int i = 0; i < MIXED_ROWS; i++)
        if (fabs(p[i] - curve[i * 2 + 1]) > 1e-5)
            fail_msg("row %d: %g, by hand %g", i, curve[i * 2 + 1], p[i]);
    free(p);
    agop_table_free(moved);
    agop_table_free(t);
    agop_model_free(m);
}

/* Of colour alone nothing is left, and nothing moves. */
static void test_partial_along__a_category_moves_nothing(void **state)
{
    agop_model *m = fit_mixed(ctx, "target=y drop=z,kind,w tune=off");
    agop_table *t = NULL;
    double      direction[16] = {0}, position[MIXED_ROWS], curve[MIXED_ROWS], grid[1] = {5};
    double     *p   = predict_mixed(ctx, m, AGOP_VALUE, MIXED_ROWS);
    agop_mat    out = {curve, MIXED_ROWS, 1, 1, AGOP_F64};

    (void)state;
    assert_int_equal(make_mixed(&t, ctx, MIXED_ROWS), AGOP_OK);
    for (int64_t j = 0; j < agop_model_features(m); j++)
        direction[j] = strchr(agop_model_feature_name(m, j), '=') ? 1 : 0;
    assert_int_equal(agop_partial_along(&out, ctx, m, t, direction, grid, 1, 0), AGOP_OK);
    assert_memory_equal(curve, p, sizeof curve);
    assert_int_equal(agop_along(position, direction, ctx, m, t), AGOP_OK);
    for (int i = 0; i < 16; i++)
        assert_true(direction[i] == 0 && position[i] == 0);
    assert_int_equal(agop_partial_along(&out, ctx, m, t, direction, grid, 0, 0), AGOP_E_ARG);
    assert_int_equal(agop_partial_along(&out, ctx, m, t, NULL, grid, 1, 0), AGOP_E_ARG);
    assert_int_equal(agop_partial_along(&out, ctx, m, t, direction, grid, 1, 1), AGOP_E_ARG);
    assert_int_equal(agop_partial_along(&out, NULL, m, t, direction, grid, 1, 0), AGOP_E_ARG);
    assert_int_equal(agop_along(position, direction, ctx, m, NULL), AGOP_E_ARG);
    assert_int_equal(agop_along(position, NULL, ctx, m, t), AGOP_E_ARG);
    assert_int_equal(agop_along(position, direction, NULL, m, t), AGOP_E_ARG);
    out.rows = 1;
    assert_int_equal(agop_partial_along(&out, ctx, m, t, direction, grid, 1, 0), AGOP_E_SHAPE);
    free(p);
    agop_table_free(t);
    agop_model_free(m);
}

static agop_status partial_along_b(const agop_model *m, const agop_table *t, double *room)
{
    double   grid[3] = {0, 2, -1}, direction[16] = {1, 1};
    agop_mat out     = {room, MIXED_ROWS, 3, 3, AGOP_F64};
    return agop_partial_along(&out, ctx, m, t, direction, grid, 3, 0);
}

/* ---- what may go wrong ---- */

static void test_explain__bad_arguments_are_told(void **state)
{
    agop_model *m = fit_mixed(ctx, "target=y drop=z,kind,w tune=off");
    agop_table *t = NULL;
    double      room[MIXED_ROWS * 3];
    int64_t     output[MIXED_ROWS] = {0};
    agop_mat    out = {room, MIXED_ROWS, 3, 3, AGOP_F64};

    (void)state;
    assert_int_equal(make_mixed(&t, ctx, MIXED_ROWS), AGOP_OK);
    assert_int_equal(agop_contributions(&out, NULL, NULL, ctx, m, t, output, 2), AGOP_E_ARG);
    assert_int_equal(agop_contributions(NULL, NULL, NULL, ctx, m, t, output, 0), AGOP_E_ARG);
    assert_int_equal(agop_contributions(&out, NULL, NULL, NULL, m, t, output, 0), AGOP_E_ARG);
    output[3] = 1;
    assert_int_equal(agop_contributions(&out, NULL, NULL, ctx, m, t, output, 0), AGOP_E_ARG);
    assert_string_equal(agop_errmsg(ctx), "output 1 of row 3: the model has 1");
    out.cols = 2;
    assert_int_equal(agop_contributions(&out, NULL, NULL, ctx, m, t, NULL, 0), AGOP_E_SHAPE);
    agop_table_free(t);
    agop_model_free(m);
}

/* ---- every failed allocation ---- */

typedef agop_status call_fn(const agop_model *m, const agop_table *t, double *room);

static agop_status contribute(const agop_model *m, const agop_table *t, double *room)
{
    agop_mat out = {room, MIXED_ROWS, 3, 3, AGOP_F64};
    return agop_contributions(&out, NULL, NULL, ctx, m, t, NULL, AGOP_INTEGRATED);
}

static agop_status influence(const agop_model *m, const agop_table *t, double *room)
{
    agop_neighbour near[MIXED_ROWS * 2];
    (void)room;
    return agop_influence(near, ctx, m, t, NULL, 2);
}

static void every_failure(call_fn *call, const char *words)
{
    agop_model *m = fit_mixed(ctx, words);
    agop_table *t = NULL;
    double      room[MIXED_ROWS * 30];
    int64_t     n = 1;

    assert_int_equal(make_mixed(&t, ctx, MIXED_ROWS), AGOP_OK);
    assert_int_equal(call(m, t, room), AGOP_OK);
    for (int failed = 1; failed; n++) {
        agop_status st;
        fail_alloc_arm(n);
        st     = call(m, t, room);
        failed = fail_alloc_disarm();
        if (st != (failed ? AGOP_E_NOMEM : AGOP_OK))
            fail_msg("%s, allocation %lld: %s %s", words, (long long)n, agop_status_name(st), agop_errmsg(ctx));
    }
    assert_true(n > 20);
    agop_table_free(t);
    agop_model_free(m);
}

static void test_explain__every_failed_allocation_comes_back(void **state)
{
    (void)state;
    every_failure(contribute, "target=y drop=z,kind,w iters=1");
    every_failure(contribute, "target=kind drop=z,y,w tune=off iters=1 leaf_size=16");
    every_failure(partial_of_colour, "target=kind drop=z,y,w tune=off iters=1");
    every_failure(partial_along_b, "target=kind drop=z,y,w tune=off iters=1");
    every_failure(influence, "target=kind drop=z,y,w tune=off iters=1 leaf_size=16");
}

static int set_up(void **state)
{
    (void)state;
    if (agop_open(&ctx, "cpu", 1) != AGOP_OK)
        return -1;
    agop_on_note(ctx, gather, NULL);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    agop_close(ctx);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_explain__contributions_sum_to_the_prediction),
        cmocka_unit_test(test_explain__classes_are_scores_that_sum_to_one),
        cmocka_unit_test(test_explain__gradients_are_finite_differences_of_predictions),
        cmocka_unit_test(test_explain__integrated_gradients_are_the_path_integral),
        cmocka_unit_test(test_explain__of_a_straight_function_are_coefficient_times_deviation),
        cmocka_unit_test(test_explain__a_column_without_effect_gets_nothing),
        cmocka_unit_test(test_explain__contributions_go_with_their_columns),
        cmocka_unit_test(test_influence__terms_of_training_rows_sum_to_the_prediction),
        cmocka_unit_test(test_influence__terms_of_a_transformed_target_sum_to_the_prediction),
        cmocka_unit_test(test_influence__a_training_row_is_nearest_to_itself_also_from_a_file),
        cmocka_unit_test(test_influence__a_model_of_version_0_1_knows_no_row_numbers),
        cmocka_unit_test(test_partial__of_an_additive_function_is_its_component),
        cmocka_unit_test(test_partial__a_level_that_a_row_has_leaves_it_as_it_is),
        cmocka_unit_test(test_partial_along__moves_rows_by_the_formula),
        cmocka_unit_test(test_partial_along__a_category_moves_nothing),
        cmocka_unit_test(test_explain__bad_arguments_are_told),
        cmocka_unit_test(test_explain__every_failed_allocation_comes_back),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
