/* test_ids.c - InterDependence Scores: against NumPy, against plain loops with missing cells and categories, what they
 * do not depend on, and what is kept of them. */
#include <jansson.h>

#include "base/sort.h"
#include "depend/classical.h"
#include "depend/signs.h"
#include "fail_alloc.h"
#include "golden.h"
#include "model_support.h"

static agop_ctx *ctx;

static agop_ids *score(const agop_table *x, const agop_table *y, const char *words)
{
    return score_table(ctx, x, y, words);
}

static double *matrix_of(const agop_ids *d)
{
    return score_matrix(ctx, d);
}

static void near(const double *got, const double *want, int64_t n, double limit, const char *what)
{
    for (int64_t i = 0; i < n; i++)
        if (!(fabs(got[i] - want[i]) <= limit))
            fail_msg("%s: number %lld is %.12f, should be %.12f", what, (long long)i, got[i], want[i]);
}

/* ---- NumPy ---- */

static agop_table *table_of(const json_t *j, double **owned)
{
    agop_mat    X = {.dtype = AGOP_F64};
    agop_table *t = NULL;

    X.data = *owned = golden_matrix(j, &X.rows, &X.cols);
    X.ld            = X.cols;
    assert_int_equal(agop_table_from_mat(&t, ctx, &X), AGOP_OK);
    return t;
}

static void agree(const json_t *j, const char *key, const agop_table *x, const agop_table *y, const char *norm)
{
    static const struct { const char *words; double limit; } arithmetic[] = {{"compat=true", 1e-10},
                                                                              {"scale=none", 1e-6}};
    int64_t rows, cols;
    double *want = golden_matrix(json_object_get(j, key), &rows, &cols);

    for (int k = 0; k < 2; k++) {
        char      words[128];
        agop_ids *d;
        double   *got;
        (void)snprintf(words, sizeof words, "p_norm=%s %s", norm, arithmetic[k].words);
        d   = score(x, y, words);
        got = matrix_of(d);
        assert_int_equal(agop_ids_variables(d, 0), rows);
        assert_int_equal(agop_ids_variables(d, 1), cols);
        near(got, want, rows * cols, arithmetic[k].limit, key);
        free(got);
        agop_ids_free(d);
    }
    free(want);
}

static void test_ids__scores_agree_with_numpy(void **state)
{
    json_t     *j = json_load_file("../shared/reference/golden/ids.json", 0, NULL);
    double     *X, *Y;
    agop_table *x, *y;
    (void)state;
    if (!j)
        skip();
    x = table_of(json_object_get(j, "X"), &X);
    y = table_of(json_object_get(j, "Y"), &Y);
    agree(j, "max", x, NULL, "max");
    agree(j, "l1", x, NULL, "l1");
    agree(j, "l2", x, NULL, "l2");
    agree(j, "cross_max", x, y, "max");
    agree(j, "cross_l2", x, y, "l2");
    agree(j, "sparse_max", y, NULL, "max");
    agop_table_free(x);
    agop_table_free(y);
    free(X);
    free(Y);
    json_decref(j);
}

/* ---- plain loops ---- */

enum { ROWS = 90, NUMBERS = 5, VARIABLES = 7, LEVELS = 3 };

/* Five numeric columns, the second and fourth with missing cells, the fifth constant; a colour with missing cells; a
 * kind without. */
typedef struct world {
    double  number[NUMBERS][ROWS];
    int     colour[ROWS], kind[ROWS]; /* -1: missing */
} world;

static const char *const colours[] = {"red", "green", "blue"}, *const kinds[] = {"low", "high"};

static double uniform(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (double)(*state >> 11) / 9007199254740992.0;
}

static world make_world(void)
{
    uint64_t seed = 4;
    world    w;

    for (int i = 0; i < ROWS; i++) {
        double u = 2 * uniform(&seed) - 1, v = 2 * uniform(&seed) - 1;
        w.number[0][i] = 3 * u + 1;
        w.number[1][i] = i % 6 == 2 ? (double)NAN : u * u + .2 * v;
        w.number[2][i] = v;
        w.number[3][i] = i % 5 == 3 ? (double)NAN : 100 * (v + .1 * u);
        w.number[4][i] = 7;
        w.colour[i]    = i % 11 == 4 ? -1 : u < -.4 ? 0 : u < .5 ? 1 : 2;
        w.kind[i]      = v > .1;
    }
    return w;
}

static agop_table *table_of_world(const world *w)
{
    static const char *const names[] = {"a", "b", "c", "d", "e"};
    const char              *colour[ROWS], *kind[ROWS];
    agop_table              *t = NULL;

    for (int i = 0; i < ROWS; i++) {
        colour[i] = w->colour[i] < 0 ? NULL : colours[w->colour[i]];
        kind[i]   = kinds[w->kind[i]];
    }
    assert_int_equal(agop_table_new(&t, ctx, ROWS), AGOP_OK);
    assert_int_equal(agop_table_add_text(t, ctx, "colour", colour), AGOP_OK); /* not in the order of blocks */
    for (int j = 0; j < NUMBERS; j++)
        assert_int_equal(agop_table_add_numeric(t, ctx, names[j], w->number[j]), AGOP_OK);
    assert_int_equal(agop_table_add_text(t, ctx, "kind", kind), AGOP_OK);
    return t;
}

/* Feature k of level l of variable j (0: colour, 1..5: numbers, 6: kind) in row i, of numbers in deviations. */
static double feature(const world *w, int j, int l, int k, int i)
{
    double x, mean = 0, square = 0, n = 0, factorial = 1;

    if (j == 0 || j == 6) {
        int level = j ? w->kind[i] : w->colour[i];
        return level < 0 ? (double)NAN : level == l;
    }
    for (int r = 0; r < ROWS; r++)
        if (!isnan(w->number[j - 1][r])) {
            mean += w->number[j - 1][r];
            n++;
        }
    mean /= n;
    for (int r = 0; r < ROWS; r++)
        if (!isnan(w->number[j - 1][r]))
            square += (w->number[j - 1][r] - mean) * (w->number[j - 1][r] - mean);
    x = (w->number[j - 1][i] - mean) / (square > 0 ? sqrt(square / n) : 1);
    for (int r = 2; r <= k; r++)
        factorial *= r;
    return exp(-.5 * x * x) * pow(x, k) / sqrt(factorial);
}

static double correlation(const double *x, const double *y)
{
    double n = 0, mx = 0, my = 0, xx = 0, yy = 0, xy = 0;

    for (int i = 0; i < ROWS; i++)
        if (!isnan(x[i]) && !isnan(y[i])) {
            n++;
            mx += x[i];
            my += y[i];
        }
    mx /= n;
    my /= n;
    for (int i = 0; i < ROWS; i++)
        if (!isnan(x[i]) && !isnan(y[i])) {
            xx += (x[i] - mx) * (x[i] - mx);
            yy += (y[i] - my) * (y[i] - my);
            xy += (x[i] - mx) * (y[i] - my);
        }
    return xx > 1e-20 && yy > 1e-20 ? fabs(xy / sqrt(xx * yy)) : 0;
}

static double by_hand(const world *w, int a, int b, const char *norm, int terms)
{
    int    la = a == 0 ? 3 : a == 6 ? 2 : 1, lb = b == 0 ? 3 : b == 6 ? 2 : 1;
    int    ka = la > 1 ? 1 : terms, kb = lb > 1 ? 1 : terms;
    double best = 0;

    for (int l = 0; l < la; l++)
        for (int m = 0; m < lb; m++) {
            double most = 0, sum = 0, squares = 0, s;
            for (int k = 0; k < ka; k++)
                for (int q = 0; q < kb; q++) {
                    double x[ROWS], y[ROWS], r;
                    for (int i = 0; i < ROWS; i++) {
                        x[i] = feature(w, a, l, k, i);
                        y[i] = feature(w, b, m, q, i);
                    }
                    r    = correlation(x, y);
                    most = fmax(most, r);
                    sum += r;
                    squares += r * r;
                }
            s    = *norm == 'm' ? most : norm[1] == '1' ? sum / (ka * kb) : sqrt(squares / (ka * kb));
            best = fmax(best, s);
        }
    return best;
}

static void test_ids__missing_cells_and_categories_agree_with_plain_loops(void **state)
{
    static const char *const norms[] = {"max", "l1", "l2"};
    world                    w = make_world();
    agop_table              *t = table_of_world(&w);
    (void)state;
    for (int k = 0; k < 3; k++) {
        double    want[VARIABLES * VARIABLES], *got;
        char      words[96];
        agop_ids *d;
        for (int a = 0; a < VARIABLES; a++)
            for (int b = 0; b < VARIABLES; b++)
                want[a * VARIABLES + b] = by_hand(&w, a, b, norms[k], 4);
        (void)snprintf(words, sizeof words, "p_norm=%s terms=4 scale=zscore precision=double", norms[k]);
        d   = score(t, NULL, words);
        got = matrix_of(d);
        near(got, want, VARIABLES * VARIABLES, 1e-9, words);
        assert_string_equal(agop_ids_name(d, 0, 0), "colour");
        assert_string_equal(agop_ids_name(d, 1, 6), "kind");
        free(got);
        agop_ids_free(d);
        (void)snprintf(words, sizeof words, "p_norm=%s terms=4 scale=zscore", norms[k]);
        d   = score(t, NULL, words);
        got = matrix_of(d);
        near(got, want, VARIABLES * VARIABLES, 2e-5, words);
        free(got);
        agop_ids_free(d);
    }
    agop_table_free(t);
}

static agop_pair only_pair(const double *x, const double *y, int64_t rows)
{
    int64_t     n = 1;
    agop_pair   pair;
    agop_table *t;
    agop_ids   *d;

    assert_int_equal(agop_table_new(&t, ctx, rows), AGOP_OK);
    assert_int_equal(agop_table_add_numeric(t, ctx, "x", x), AGOP_OK);
    assert_int_equal(agop_table_add_numeric(t, ctx, "y", y), AGOP_OK);
    d = score(t, NULL, "scale=none precision=double p_norm=l2 p_values=true");
    assert_int_equal(agop_ids_pairs(&pair, &n, ctx, d, 1), AGOP_OK);
    assert_int_equal(n, 1);
    agop_ids_free(d);
    agop_table_free(t);
    return pair;
}

/* Means are learned about those of the first 2,048 rows. Here these say nothing of what follows, whose functions hardly
 * vary: all is as if they were not there. */
static void test_ids__what_the_first_rows_do_not_tell_is_no_less_exact(void **state)
{
    enum { SILENT = 5000, TOLD = 6000, ALL = SILENT + TOLD };
    double   *x = calloc(ALL, sizeof *x), *y = calloc(ALL, sizeof *y);
    agop_pair all, told;

    (void)state;
    for (int i = 0; i < ALL; i++) {
        y[i] = i < SILENT ? (double)NAN : 1 + 1e-6 * (2 * sin(i) - cos(.7 * i));
        x[i] = i < SILENT ? (double)NAN : 1 + 1e-6 * (.03 * sin(i) + sin(3.3 * i));
    }
    all  = only_pair(x, y, ALL);
    told = only_pair(x + SILENT, y + SILENT, TOLD);
    near(&all.score, &told.score, 1, 1e-9, "score");
    near(&all.log10_p, &told.log10_p, 1, 1e-9, "log10 p");
    assert_true(told.log10_p < -.5);
    free(x);
    free(y);
}

static void test_ids__targets_are_the_other_side(void **state)
{
    world       w = make_world();
    agop_table *t = table_of_world(&w);
    agop_ids   *all = score(t, NULL, "precision=double"), *d = score(t, NULL, "target=c,kind precision=double");
    double     *full = matrix_of(all), *part = matrix_of(d);
    int64_t     row[] = {0, 1, 2, 4, 5}, col[] = {3, 6};
    (void)state;
    assert_int_equal(agop_ids_variables(d, 0), 5);
    assert_int_equal(agop_ids_variables(d, 1), 2);
    assert_string_equal(agop_ids_name(d, 1, 0), "c");
    for (int i = 0; i < 5; i++)
        for (int j = 0; j < 2; j++)
            assert_true(fabs(part[i * 2 + j] - full[row[i] * VARIABLES + col[j]]) < 1e-12);
    free(full);
    free(part);
    agop_ids_free(all);
    agop_ids_free(d);
    agop_table_free(t);
}

/* ---- many columns: several blocks ---- */

enum { MANY = 300, LONG = 5000 }; /* more than a block and a piece of rows */

static agop_table *make_many(double **owned, int rows, int columns)
{
    uint64_t    seed = 9;
    agop_mat    X    = {.rows = rows, .cols = columns, .ld = columns, .dtype = AGOP_F64};
    agop_table *t    = NULL;

    X.data = *owned = calloc((size_t)rows * (size_t)columns, sizeof **owned);
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < columns; j++)
            (*owned)[i * columns + j] = uniform(&seed) - .5 + (j % 50 == 7 ? pow((*owned)[i * columns], 2) * 4 : 0);
    assert_int_equal(agop_table_from_mat(&t, ctx, &X), AGOP_OK);
    return t;
}

/* Sums of equal numbers, as counts have them, are rounded the same way again and again. */
static void test_ids__single_is_near_double_and_never_above_1(void **state)
{
    enum { COLS = 20, N = 2000 };
    static double x[COLS][N];
    agop_table   *t = NULL;
    agop_ids     *d, *e;
    double       *single, *twice;
    uint64_t      seed = 7;

    (void)state;
    assert_int_equal(agop_table_new(&t, ctx, N), AGOP_OK);
    for (int j = 0; j < COLS; j++) {
        char name[16];
        for (int i = 0; i < N; i++)
            x[j][i] = floor(1 / (.05 + uniform(&seed)) / 4);
        (void)snprintf(name, sizeof name, "x%d", j);
        assert_int_equal(agop_table_add_numeric(t, ctx, name, x[j]), AGOP_OK);
    }
    d      = score(t, NULL, "scale=none precision=single");
    e      = score(t, NULL, "scale=none precision=double");
    single = matrix_of(d);
    twice  = matrix_of(e);
    near(single, twice, (int64_t)COLS * COLS, 1e-6, "single precision");
    for (int i = 0; i < COLS * COLS; i++)
        assert_true(single[i] <= 1 && twice[i] <= 1);
    free(single);
    free(twice);
    agop_ids_free(d);
    agop_ids_free(e);
    agop_table_free(t);
}

static void pairs_score_the_same(const char *settings)
{
    double     *X;
    agop_table *t = make_many(&X, LONG, MANY);
    agop_ids   *d = score(t, NULL, settings);
    double     *all = matrix_of(d);
    for (int k = 0; k < 12; k++) {
        int         a = k * 97 % MANY, b = (k * 53 + 31) % MANY;
        agop_table *two = NULL;
        double     *x = calloc(2 * LONG, sizeof *x), *one;
        agop_ids   *e;
        for (int i = 0; i < LONG; i++) {
            x[i]        = X[i * MANY + a];
            x[LONG + i] = X[i * MANY + b];
        }
        assert_int_equal(agop_table_new(&two, ctx, LONG), AGOP_OK);
        assert_int_equal(agop_table_add_numeric(two, ctx, "a", x), AGOP_OK);
        assert_int_equal(agop_table_add_numeric(two, ctx, "b", x + LONG), AGOP_OK);
        e   = score(two, NULL, settings);
        one = matrix_of(e);
        if (a != b)
            assert_true(fabs(one[1] - all[a * MANY + b]) < 1e-12);
        assert_true(fabs(all[a * MANY + b] - all[b * MANY + a]) < 1e-15);
        assert_true(fabs(all[a * MANY + a] - 1) < 1e-12);
        free(one);
        agop_ids_free(e);
        agop_table_free(two);
        free(x);
    }
    free(all);
    free(X);
    agop_ids_free(d);
    agop_table_free(t);
}

/* Blocks, held features, row pieces and, with one function of each column, groups of panels are no part of the answer:
 * some pairs by themselves. */
static void test_ids__a_pair_scores_the_same_in_any_company(void **state)
{
    (void)state;
    pairs_score_the_same("precision=double");
    pairs_score_the_same("precision=double terms=1");
}

/* A category's score is the largest of its levels, and each of these that of a category which tells it from all other
 * ones. */
static void test_ids__many_levels_score_as_each_of_them_does(void **state)
{
    enum { N = 1500 };
    char        text[MANY][16], name[16];
    const char *level[N], *told[N];
    double      x[N], most = 0, *all, *each;
    agop_table *t = NULL, *by_level = NULL;
    agop_ids   *d, *e;

    (void)state;
    for (int k = 0; k < MANY; k++)
        (void)snprintf(text[k], sizeof text[k], "l%03d", k);
    for (int i = 0; i < N; i++) {
        level[i] = text[i * 7 % MANY];
        x[i]     = sin(i) + (i * 7 % MANY == 271);
    }
    assert_int_equal(agop_table_new(&t, ctx, N), AGOP_OK);
    assert_int_equal(agop_table_add_numeric(t, ctx, "x", x), AGOP_OK);
    assert_int_equal(agop_table_add_text(t, ctx, "level", level), AGOP_OK);
    assert_int_equal(agop_table_new(&by_level, ctx, N), AGOP_OK);
    assert_int_equal(agop_table_add_numeric(by_level, ctx, "x", x), AGOP_OK);
    for (int k = 0; k < MANY; k++) {
        for (int i = 0; i < N; i++)
            told[i] = level[i] == text[k] ? "yes" : "no";
        (void)snprintf(name, sizeof name, "k%d", k);
        assert_int_equal(agop_table_add_text(by_level, ctx, name, told), AGOP_OK);
    }
    d    = score(t, NULL, "precision=double p_values=true");
    e    = score(by_level, NULL, "precision=double p_values=true");
    all  = matrix_of(d);
    each = matrix_of(e);
    for (int k = 1; k <= MANY; k++)
        most = fmax(most, each[k]);
    assert_true(most > .05);
    near(&all[1], &most, 1, 1e-12, "the largest of all levels");
    free(all);
    free(each);
    agop_ids_free(d);
    agop_ids_free(e);
    agop_table_free(t);
    agop_table_free(by_level);
}

/* A category that no row has depends on nothing, wherever it stands, and takes nobody's place. */
static void test_ids__a_category_without_a_value_scores_nothing(void **state)
{
    enum { N = 60 };
    const char *nothing[N] = {NULL};
    double      x[N], y[N], *with, *alone;
    agop_table *t = NULL;
    agop_ids   *d, *e;

    (void)state;
    for (int i = 0; i < N; i++) {
        x[i] = sin(i);
        y[i] = cos(2 * i) + .1 * sin(5 * i);
    }
    assert_int_equal(agop_table_new(&t, ctx, N), AGOP_OK);
    assert_int_equal(agop_table_add_numeric(t, ctx, "x", x), AGOP_OK);
    assert_int_equal(agop_table_add_numeric(t, ctx, "y", y), AGOP_OK);
    assert_int_equal(agop_table_add_text(t, ctx, "nothing", nothing), AGOP_OK);
    d    = score(t, NULL, "precision=double p_values=true");
    e    = score(t, NULL, "precision=double target=nothing p_values=true");
    with = matrix_of(d);
    for (int i = 0; i < 2; i++)
        assert_true(with[i * 3 + 2] == 0 && with[2 * 3 + i] == 0);
    assert_true(with[1] > .5);
    alone = matrix_of(e);
    assert_true(alone[0] == 0 && alone[1] == 0);
    free(with);
    free(alone);
    agop_ids_free(d);
    agop_ids_free(e);
    agop_table_free(t);
}

/* Blocks of three kinds, the first of more than one panel: a column with missing cells changes no other pair. */
static void test_ids__missing_cells_touch_no_other_pair(void **state)
{
    enum { COUNT = 70, LEAST = 400 };
    double      *X[2], gaps[LEAST], *with, *without;
    const char  *kind[LEAST];
    agop_table  *t[2];
    agop_ids    *d[2];
    (void)state;
    for (int k = 0; k < 2; k++) {
        t[k] = make_many(&X[k], LEAST, COUNT);
        for (int i = 0; i < LEAST; i++) {
            gaps[i] = i % 7 == 3 ? (double)NAN : X[k][i * COUNT + 5];
            kind[i] = kinds[X[k][i * COUNT + 60] > 0];
        }
        assert_int_equal(agop_table_add_text(t[k], ctx, "kind", kind), AGOP_OK);
        if (k)
            assert_int_equal(agop_table_add_numeric(t[k], ctx, "gaps", gaps), AGOP_OK);
        d[k] = score(t[k], NULL, "precision=double");
    }
    without = matrix_of(d[0]);
    with    = matrix_of(d[1]);
    assert_true(without[60 * (COUNT + 1) + COUNT] > .8); /* the kind is made of that column */
    for (int a = 0; a <= COUNT; a++)
        near(&with[a * (COUNT + 2)], &without[a * (COUNT + 1)], COUNT + 1, 1e-12, "beside missing cells");
    free(with);
    free(without);
    for (int k = 0; k < 2; k++) {
        agop_ids_free(d[k]);
        agop_table_free(t[k]);
        free(X[k]);
    }
}

static void test_ids__what_is_kept_is_the_strongest(void **state)
{
    enum { SOME = 40, K = 3 };
    double     *X;
    agop_table *t   = make_many(&X, 200, SOME);
    agop_ids   *all = score(t, NULL, ""), *top = score(t, NULL, "top=3"), *above = score(t, NULL, "min_score=0.2");
    double     *full = matrix_of(all);
    agop_pair   pair[SOME * SOME], more[SOME * SOME];
    int64_t     count, some, over = 0;
    agop_mat    m = {.data = X, .rows = SOME, .cols = SOME, .ld = SOME, .dtype = AGOP_F64};
    (void)state;
    assert_int_equal(agop_ids_pairs(pair, &count, ctx, all, SOME * SOME), AGOP_OK);
    assert_int_equal(count, SOME * (SOME - 1) / 2);
    for (int64_t i = 0; i < count; i++) {
        assert_true(pair[i].a < pair[i].b && pair[i].score == full[pair[i].a * SOME + pair[i].b]);
        assert_true(i == 0 || pair[i].score <= pair[i - 1].score);
        over += pair[i].score >= .2;
    }
    assert_int_equal(agop_ids_pairs(more, &some, ctx, all, 10), AGOP_OK); /* the first of them are the same */
    assert_int_equal(some, 10);
    assert_memory_equal(more, pair, 10 * sizeof *pair);
    assert_int_equal(agop_ids_pairs(more, &some, ctx, above, SOME * SOME), AGOP_OK);
    assert_in_range(over, 1, count - 1);
    assert_int_equal(some, over);
    assert_memory_equal(more, pair, (size_t)over * sizeof *pair);
    assert_int_equal(agop_ids_pairs(more, &some, ctx, top, SOME * SOME), AGOP_OK);
    for (int64_t i = 0, next = 0; i < count; i++) { /* among the three strongest of a or of b */
        int64_t before_a = 0, before_b = 0;
        for (int64_t k = 0; k < i; k++) {
            before_a += pair[k].a == pair[i].a || pair[k].b == pair[i].a;
            before_b += pair[k].a == pair[i].b || pair[k].b == pair[i].b;
        }
        if (before_a < K || before_b < K)
            assert_memory_equal(&more[next++], &pair[i], sizeof *pair);
        if (i == count - 1)
            assert_int_equal(next, some);
    }
    assert_int_equal(agop_ids_pairs(NULL, &count, ctx, top, 0), AGOP_OK); /* room for them */
    assert_in_range(count, some, K * SOME);
    assert_int_equal(agop_ids_pairs(NULL, &count, ctx, above, 0), AGOP_OK);
    assert_int_equal(count, over);
    assert_int_equal(agop_ids_pairs(NULL, &count, ctx, all, 0), AGOP_OK);
    assert_int_equal(count, SOME * (SOME - 1) / 2);
    assert_int_equal(agop_ids_matrix(&m, ctx, top), AGOP_E_PARAM);
    free(full);
    free(X);
    agop_ids_free(all);
    agop_ids_free(top);
    agop_ids_free(above);
    agop_table_free(t);
}

/* ---- invariances ---- */

/* Scores under these settings are those of the other world. */
static void same_scores(const world *w, const world *other, const char *words)
{
    agop_table *t = table_of_world(w), *u = table_of_world(other);
    agop_ids   *d = score(t, NULL, words), *e = score(u, NULL, words);
    double     *a = matrix_of(d), *b = matrix_of(e);

    near(b, a, VARIABLES * VARIABLES, 1e-9, words);
    free(a);
    free(b);
    agop_ids_free(d);
    agop_ids_free(e);
    agop_table_free(t);
    agop_table_free(u);
}

static void test_ids__standardised_scores_forget_origin_unit_and_order(void **state)
{
    world w = make_world(), moved = make_world();
    (void)state;
    for (int i = 0; i < ROWS; i++) {
        int from = (i + 41) % ROWS; /* rows in another order */
        for (int j = 0; j < NUMBERS; j++)
            moved.number[j][i] = (j % 2 ? -3 : 1000) * w.number[j][from] + 17;
        moved.colour[i] = w.colour[from];
        moved.kind[i]   = w.kind[from];
    }
    same_scores(&w, &moved, "scale=zscore precision=double");
}

/* exp is rising: ranks do not notice. */
static void test_ids__ranks_forget_every_rising_map(void **state)
{
    world w = make_world(), moved = make_world();
    (void)state;
    for (int i = 0; i < ROWS; i++)
        for (int j = 0; j < 3; j++)
            moved.number[j][i] = exp(w.number[j][i]);
    same_scores(&w, &moved, "precision=double");
}

static void test_ids__the_sign_is_spearmans(void **state)
{
    const double x[] = {3, 1, 4, 1, 5, NAN, 9, 2}, y[] = {-1, 2, -3, 2, -5, 0, -7, NAN}, z[] = {1, 2, 3, 4, 5, 6, 7, 8};
    agop_table  *t = NULL;
    agop_ids    *d;
    agop_pair    pair[3];
    int64_t      count;
    (void)state;
    assert_int_equal(agop_table_new(&t, ctx, 8), AGOP_OK);
    assert_int_equal(agop_table_add_numeric(t, ctx, "x", x), AGOP_OK);
    assert_int_equal(agop_table_add_numeric(t, ctx, "y", y), AGOP_OK);
    assert_int_equal(agop_table_add_numeric(t, ctx, "z", z), AGOP_OK);
    d = score(t, NULL, "");
    assert_int_equal(agop_ids_pairs(pair, &count, ctx, d, 3), AGOP_OK);
    assert_int_equal(count, 3);
    for (int k = 0; k < 3; k++) /* scipy.stats.spearmanr over the rows that both have */
        assert_true(fabs(pair[k].spearman - (pair[k].a == 0 && pair[k].b == 1   ? -1
                                             : pair[k].a == 0 && pair[k].b == 2 ? 0.3243374865704013
                                                                                : -0.46848748060169076)) < 1e-12);
    agop_ids_free(d);
    agop_table_free(t);
}

/* Columns without ties, with some, mostly of one value (the least, one in the middle, the largest), and constant. */
static void fill_for_ranks(double *x, int kind, int rows)
{
    for (int i = 0; i < rows; i++) {
        double u = ((i * 7919 + kind * 104729) % 10007) / 10007., v = sin(i * (kind + 1.));
        x[i] = kind % 6 == 0 ? v : kind % 6 == 1 ? floor(4 * v) : kind % 6 == 2 ? (u < .9 ? 0 : ceil(5 * u * u))
             : kind % 6 == 3 ? (u < .8 ? 0 : v) : kind % 6 == 4 ? (u < .6 ? 9 : v) : 1;
    }
}

/* Pairs of x and y (or x), with ranks of all variables held at once or of a few, by the function of one pair. */
static void check_signs(int self, double bytes)
{
    enum { RANKED = 400, COLUMNS = 14 };
    static double x[2][COLUMNS][RANKED];
    agop_table   *t[2] = {NULL, NULL};
    agop_ids     *d;
    agop_pair     pair[COLUMNS * COLUMNS];
    int64_t       count, *at[2];

    for (int side = 0; side < 2; side++) {
        assert_int_equal(agop_table_new(&t[side], ctx, RANKED), AGOP_OK);
        for (int j = 0; j < COLUMNS; j++) {
            char name[40];
            (void)snprintf(name, sizeof name, "v%d", j);
            fill_for_ranks(x[side][j], j + 5 * side, RANKED);
            assert_int_equal(agop_table_add_numeric(t[side], ctx, name, x[side][j]), AGOP_OK);
        }
    }
    d = score(t[0], self ? NULL : t[1], "");
    assert_int_equal(agop_ids_pairs(pair, &count, ctx, d, COLUMNS * COLUMNS), AGOP_OK);
    assert_int_equal(count, self ? COLUMNS * (COLUMNS - 1) / 2 : COLUMNS * COLUMNS);
    at[0] = agop__side_order(&d->side[0]);
    at[1] = agop__side_order(&d->side[self ? 0 : 1]);
    for (int64_t i = 0; i < count; i++)
        pair[i].spearman = NAN;
    assert_int_equal(agop__sign_pairs(pair, count, ctx, d, at[0], at[1], bytes), AGOP_OK);
    for (int64_t i = 0; i < count; i++) {
        agop__measured m;
        assert_int_equal(agop__spearman(&m, x[0][pair[i].a], x[!self][pair[i].b], RANKED, &ctx->err), AGOP_OK);
        assert_true(fabs(m.value - pair[i].spearman) < 1e-12);
    }
    for (int side = 0; side < 2; side++) {
        free(at[side]);
        agop_table_free(t[side]);
    }
    agop_ids_free(d);
}

static void test_ids__the_sign_is_spearmans_however_few_ranks_are_held(void **state)
{
    (void)state;
    for (int self = 0; self < 2; self++) {
        check_signs(self, 1e9);
        check_signs(self, 1); /* a batch at a time */
    }
}

/* ---- permutations ---- */

/* Pairs of the world of tests, which has missing cells and categories: the two ways to p, of independent and dependent
 * columns. 2,000 shuffles know p to a factor of 1.6 where 20 are as large. */
static void check_permuted(const char *words, int most)
{
    world       w = make_world();
    agop_table *t = table_of_world(&w);
    char        all[160];
    agop_ids   *d;
    agop_pair   pair[VARIABLES * VARIABLES];
    int64_t     count;
    int         compared = 0;

    (void)snprintf(all, sizeof all, "%s p_values=true permutations=2000", words);
    d = score(t, NULL, all);
    assert_int_equal(agop_ids_pairs(pair, &count, ctx, d, VARIABLES * VARIABLES), AGOP_OK);
    for (int64_t i = 0; i < count; i++) {
        double formula = pow(10, pair[i].log10_p), p = pair[i].permuted;
        assert_true(p >= 1 / 2001. && p <= 1);
        if (formula < 1e-5)
            assert_true(p <= 2 / 2001.);
        if (!(formula >= .01)) /* or of a constant column */
            continue;
        compared++;
        assert_true(p < 2 * formula && p > formula / 2);
    }
    assert_true(compared >= most);
    agop_ids_free(d);
    agop_table_free(t);
}

static void test_ids__permutations_agree_with_the_formulas(void **state)
{
    (void)state;
    check_permuted("p_norm=max", 3);
    check_permuted("p_norm=l2", 3);
    check_permuted("measure=spearman drop=colour,kind", 3);
}

static void test_ids__a_permutation_is_the_same_for_any_number_of_threads(void **state)
{
    world       w = make_world();
    agop_table *t = table_of_world(&w);
    agop_ctx   *one = NULL;
    agop_pair   pair[2][VARIABLES * VARIABLES];
    int64_t     count;
    agop_ids   *d = score(t, NULL, "permutations=150 seed=7");
    (void)state;
    assert_int_equal(agop_open(&one, "cpu", 1), AGOP_OK);
    assert_int_equal(agop_ids_pairs(pair[0], &count, ctx, d, VARIABLES * VARIABLES), AGOP_OK);
    assert_int_equal(agop_ids_pairs(pair[1], &count, one, d, VARIABLES * VARIABLES), AGOP_OK);
    for (int64_t i = 0; i < count; i++)
        assert_true(pair[0][i].permuted == pair[1][i].permuted);
    agop_close(one);
    agop_ids_free(d);
    agop_table_free(t);
}

/* ---- other measures ---- */

/* The same pairs, by the functions of measures.h over the rows that both have. */
static void test_ids__other_measures_take_its_place(void **state)
{
    static const char *const names[] = {"pearson", "spearman", "dcor", "xi", "hsic"};
    world                    w = make_world();
    agop_table              *t = table_of_world(&w);
    (void)state;
    for (int k = 0; k < 5; k++) {
        char      words[96];
        agop_ids *d;
        agop_pair pair[NUMBERS * NUMBERS];
        double   *all;
        int64_t   count;
        (void)snprintf(words, sizeof words, "drop=colour,kind measure=%s p_values=true", names[k]);
        d   = score(t, NULL, words);
        all = matrix_of(d);
        assert_int_equal(agop_ids_pairs(pair, &count, ctx, d, NUMBERS * NUMBERS), AGOP_OK);
        assert_int_equal(count, NUMBERS * (NUMBERS - 1) / 2);
        for (int64_t i = 0; i < count; i++) {
            double         x[ROWS], y[ROWS];
            int64_t        n = 0;
            agop__measured m = {0}, other = {0};
            agop__err      e;
            for (int r = 0; r < ROWS; r++)
                if (!isnan(w.number[pair[i].a][r]) && !isnan(w.number[pair[i].b][r])) {
                    x[n]   = w.number[pair[i].a][r];
                    y[n++] = w.number[pair[i].b][r];
                }
            if (k == 0)
                assert_int_equal(agop__pearson(&m, x, y, n, &e), AGOP_OK);
            else if (k == 1)
                assert_int_equal(agop__spearman(&m, x, y, n, &e), AGOP_OK);
            else if (k == 2)
                assert_int_equal(agop__distance_correlation(&m, x, y, n, 0, &e), AGOP_OK);
            else if (k == 4)
                assert_int_equal(agop__hsic(&m, x, y, n, &(agop__hsic_how){.exact = 2000}, &e), AGOP_OK);
            if (k == 3) {
                assert_int_equal(agop__xi(&m, x, y, n, 0, &e), AGOP_OK);
                assert_int_equal(agop__xi(&other, y, x, n, 0, &e), AGOP_OK);
                m = other.value > m.value ? other : m;
                m.log10p = fmin(0, m.log10p + log10(2));
            }
            assert_true(fabs(pair[i].score - fabs(m.value)) < 1e-12);
            assert_true(pair[i].score == all[pair[i].a * NUMBERS + pair[i].b]);
            assert_true(isnan(m.log10p) ? isnan(pair[i].log10_p) : fabs(pair[i].log10_p - m.log10p) < 1e-12);
        }
        free(all);
        agop_ids_free(d);
    }
    agop_table_free(t);
}

/* More than a block of columns with ties, a constant one, some with missing cells: as each pair by itself. */
static void correlations_agree(const agop_table *x, const agop_table *y, const double *X, int columns, int which)
{
    enum { LEAST = 30, STEP = 41 };
    char      words[64];
    agop_ids *d;
    double   *all, u[LEAST], v[LEAST];
    agop__err e;

    (void)snprintf(words, sizeof words, "measure=%s", which == AGOP__PEARSON ? "pearson" : "spearman");
    d   = score(x, y, words);
    all = matrix_of(d);
    for (int a = 0; a < columns; a += STEP)
        for (int b = 0; b < columns; b++) {
            agop__measured m = {.value = 0};
            int            n = 0;
            for (int i = 0; i < LEAST; i++)
                if (!isnan(X[i * columns + a]) && !isnan(X[i * columns + b])) {
                    u[n]   = X[i * columns + a];
                    v[n++] = X[i * columns + b];
                }
            assert_int_equal(agop__measure(&m, which, u, v, n, &e), AGOP_OK);
            if (!(fabs(all[a * columns + b] - fabs(m.value)) < 1e-12))
                fail_msg("%s of %d and %d is %.15f, should be %.15f", words, a, b, all[a * columns + b], m.value);
        }
    free(all);
    agop_ids_free(d);
}

static void test_ids__correlations_of_many_columns_are_those_of_each_pair(void **state)
{
    enum { LEAST = 30, COLUMNS = 1100 };
    double     *X;
    agop_table *t = make_many(&X, LEAST, COLUMNS);
    agop_mat    m = {.data = X, .rows = LEAST, .cols = COLUMNS, .ld = COLUMNS, .dtype = AGOP_F64};
    (void)state;
    agop_table_free(t);
    for (int i = 0; i < LEAST; i++)
        for (int j = 0; j < COLUMNS; j++) {
            double *to = &X[i * COLUMNS + j];
            *to        = j == 82 ? 4 : j % 3 == 1 ? floor(4 * *to) : *to;
            *to        = j % 11 == 5 && i % 9 == j % 9 ? (double)NAN : *to;
        }
    assert_int_equal(agop_table_from_mat(&t, ctx, &m), AGOP_OK);
    for (int which = AGOP__PEARSON; which <= AGOP__SPEARMAN; which++) {
        correlations_agree(t, NULL, X, COLUMNS, which);
        correlations_agree(t, t, X, COLUMNS, which);
    }
    agop_table_free(t);
    free(X);
}

/* What is told of a pair, and what is kept of all: p of a pair by itself, and rates by the definition. */
static void test_ids__p_values_of_correlations_are_those_of_each_pair(void **state)
{
    enum { SOME = 30, LEAST = 50, ALL = SOME * (SOME - 1) / 2 };
    double     *X, p[ALL];
    agop_table *t = make_many(&X, LEAST, SOME);
    agop_mat    all = {.data = X, .rows = LEAST, .cols = SOME, .ld = SOME, .dtype = AGOP_F64};
    (void)state;
    agop_table_free(t);
    for (int i = 0; i < LEAST; i++)
        X[i * SOME + 1] += X[i * SOME];
    assert_int_equal(agop_table_from_mat(&t, ctx, &all), AGOP_OK);
    for (int which = AGOP__PEARSON; which <= AGOP__SPEARMAN; which++) {
        agop_ids *d = score(t, NULL, which == AGOP__PEARSON ? "measure=pearson p_values=true"
                                                            : "measure=spearman p_values=true");
        agop_pair pair[ALL];
        int64_t   count;
        double    least = 0;
        assert_int_equal(agop_ids_pairs(pair, &count, ctx, d, ALL), AGOP_OK);
        assert_int_equal(count, ALL);
        for (int64_t i = 0; i < ALL; i++) {
            double         x[LEAST], y[LEAST];
            agop__measured m;
            agop__err      e;
            for (int r = 0; r < LEAST; r++) {
                x[r] = X[r * SOME + pair[i].a];
                y[r] = X[r * SOME + pair[i].b];
            }
            assert_int_equal(agop__measure(&m, which, x, y, LEAST, &e), AGOP_OK);
            assert_true(fabs(pair[i].log10_p - m.log10p) < 1e-10 && fabs(pair[i].score - fabs(m.value)) < 1e-12);
            p[i] = m.log10p; /* rising, as scores fall */
        }
        for (int64_t i = ALL - 1; i >= 0; i--) {
            least = fmin(least, p[i] + log10((double)ALL / (double)(i + 1)));
            assert_true(least > log10(.05) || fabs(pair[i].log10_q - least) < 1e-9);
        }
        assert_true(least < log10(.05));
        agop_ids_free(d);
    }
    agop_table_free(t);
    free(X);
}

/* ---- p-values ---- */

/* Against 2,000 copies of a column whose rows are shuffled: the share of them with p <= .05 is then known to .01 (two
 * standard deviations). Missing cells and categories, too. */
static void test_ids__p_values_are_those_of_permutations(void **state)
{
    enum { SHUFFLES = 2000, PAIRS = 4 };
    static const char *const norms[] = {"max", "l1", "l2"};
    static const int         left[PAIRS] = {0, 1, 0, 1}, right[PAIRS] = {2, 2, 5, 5}; /* a, b against c, kind */
    world                    w = make_world();
    uint64_t                 seed = 77;
    (void)state;
    for (int k = 0; k < PAIRS; k++) {
        agop_table *t = NULL;
        int         order[ROWS];
        static double y[SHUFFLES][ROWS];
        for (int i = 0; i < ROWS; i++)
            order[i] = i;
        assert_int_equal(agop_table_new(&t, ctx, ROWS), AGOP_OK);
        assert_int_equal(agop_table_add_numeric(t, ctx, "x", w.number[left[k]]), AGOP_OK);
        for (int s = 0; s < SHUFFLES; s++) {
            const char *kind[ROWS];
            char        name[16];
            for (int i = ROWS - 1; i > 0; i--) {
                int j = (int)(uniform(&seed) * (i + 1)), keep = order[i];
                order[i] = order[j];
                order[j] = keep;
            }
            for (int i = 0; i < ROWS; i++) {
                y[s][i] = right[k] < NUMBERS ? w.number[right[k]][order[i]] : 0;
                kind[i] = kinds[w.kind[order[i]]];
            }
            (void)snprintf(name, sizeof name, "y%d", s);
            assert_int_equal(right[k] < NUMBERS ? agop_table_add_numeric(t, ctx, name, y[s])
                                                : agop_table_add_text(t, ctx, name, kind), AGOP_OK);
        }
        for (int norm = 0; norm < 3; norm++) {
            static agop_pair pair[SHUFFLES];
            char             words[80];
            int64_t          count, above = 0;
            agop_ids        *d;
            double           limit = 2.6 * sqrt(.05 * .95 / SHUFFLES) + .01; /* chance; what may be off */
            (void)snprintf(words, sizeof words, "p_norm=%s precision=double p_values=true target=x", norms[norm]);
            d = score(t, NULL, words);
            assert_int_equal(agop_ids_pairs(pair, &count, ctx, d, SHUFFLES), AGOP_OK);
            assert_int_equal(count, SHUFFLES);
            for (int s = 0; s < SHUFFLES; s++)
                above += pair[s].log10_p <= log10(.05);
            if (fabs((double)above / SHUFFLES - .05) > limit)
                fail_msg("%s, pair %d: %.4f of shuffled scores have p <= .05", norms[norm], k,
                         (double)above / SHUFFLES);
            agop_ids_free(d);
        }
        agop_table_free(t);
    }
}

/* By definition: q of the ith of m rising p is the least of p_j m / j, j >= i. */
static void test_ids__rates_are_benjamini_and_hochbergs(void **state)
{
    enum { SOME = 60, ALL = SOME * (SOME - 1) / 2 };
    double     *X, p[ALL], least = 0;
    agop_table *t = make_many(&X, 300, SOME);
    agop_ids   *d = score(t, NULL, "p_values=true"), *few = score(t, NULL, "fdr=0.01");
    agop_pair   pair[ALL], told[ALL];
    int64_t     count, some, good = 0;
    (void)state;
    assert_int_equal(agop_ids_pairs(pair, &count, ctx, d, ALL), AGOP_OK);
    assert_int_equal(count, ALL);
    for (int64_t i = 0; i < count; i++)
        p[i] = pair[i].log10_p;
    qsort(p, ALL, sizeof *p, agop__rising);
    for (int64_t i = 0; i < count; i++) {
        least = 0;
        for (int64_t j = ALL - 1; j >= 0 && p[j] >= pair[i].log10_p; j--)
            least = fmin(least, p[j] + log10((double)ALL / (double)(j + 1)));
        if (least <= log10(.05))
            assert_true(fabs(pair[i].log10_q - least) < 1e-9);
        else
            assert_true(pair[i].log10_q > log10(.05));
        good += least <= -2;
    }
    assert_in_range(good, 3, ALL / 2); /* two columns are made of the first */
    assert_int_equal(agop_ids_pairs(told, &some, ctx, few, ALL), AGOP_OK);
    assert_int_equal(some, good);
    free(X);
    agop_ids_free(d);
    agop_ids_free(few);
    agop_table_free(t);
}

/* ---- no memory ---- */

static agop_status whole_life(const agop_table *t, const agop_settings *s)
{
    agop_ids   *d = NULL;
    agop_pair   pair[VARIABLES * VARIABLES];
    int64_t     count;
    agop_status st = agop_ids_score(&d, ctx, t, NULL, s);

    if (st == AGOP_OK)
        st = agop_ids_pairs(pair, &count, ctx, d, VARIABLES * VARIABLES);
    agop_ids_free(d);
    return st;
}

static void fail_each(const agop_table *t, const char *words)
{
    agop_settings *s = settings_of(ctx, words);
    int64_t        n = 1;

    for (int failed = 1; failed; n++) {
        agop_status st;
        fail_alloc_arm(n);
        st     = whole_life(t, s);
        failed = fail_alloc_disarm();
        if (st != (failed ? AGOP_E_NOMEM : AGOP_OK))
            fail_msg("%s, allocation %lld: %s", words, (long long)n, agop_errmsg(ctx));
    }
    assert_true(n > 50);
    agop_settings_free(s);
}

static void test_ids__every_failed_allocation_is_told(void **state)
{
    static const char *const ways[] = {"p_values=true permutations=3", "top=2 fdr=0.5",
                                             "min_score=0.1 scale=zscore categorical=e",
                                             "measure=hsic drop=colour,kind fdr=0.1",
                                             "measure=spearman drop=colour,kind p_values=true"};
    world                    w = make_world();
    agop_table              *t = table_of_world(&w);
    (void)state;
    json_set_alloc_funcs(malloc, free);
    for (int k = 0; k < 5; k++)
        fail_each(t, ways[k]);
    agop_table_free(t);
}

/* ---- sparse columns ---- */

/* The same cells twice: as non-zeros, and as numbers. Columns of all shares of zeros up to one of ten, one of zeros
 * only, one with a single cell, one with one value; and beside them a dense one, one with missing cells and a
 * category. */
typedef struct twins {
    agop_table *sparse, *dense;
    int         cols;
} twins;

static void add_dense_columns(twins *w, int rows)
{
    static const char *const levels[] = {"low", "middle", "high"};
    double      *v = calloc((size_t)rows, sizeof *v), *u = calloc((size_t)rows, sizeof *u);
    const char **kind = calloc((size_t)rows, sizeof *kind);
    uint64_t     seed = 21;

    for (int i = 0; i < rows; i++) {
        v[i]    = uniform(&seed) + agop_table_number(w->dense, i, 3);
        u[i]    = i % 5 ? agop_table_number(w->dense, i, 4) - uniform(&seed) : (double)NAN;
        kind[i] = i % 9 ? levels[(i / 3 + (agop_table_number(w->dense, i, 5) > 0)) % 3] : NULL;
    }
    for (int k = 0; k < 2; k++) {
        agop_table *t = k ? w->dense : w->sparse;
        assert_int_equal(agop_table_add_numeric(t, ctx, "full", v), AGOP_OK);
        assert_int_equal(agop_table_add_numeric(t, ctx, "gaps", u), AGOP_OK);
        assert_int_equal(agop_table_add_text(t, ctx, "kind", kind), AGOP_OK);
    }
    free(v);
    free(u);
    free(kind);
}

static twins make_twins(int rows, int cols)
{
    int64_t       *start = calloc((size_t)cols + 1, sizeof *start), n = 0;
    int32_t       *row   = calloc((size_t)rows * (size_t)cols, sizeof *row);
    float         *value = calloc((size_t)rows * (size_t)cols, sizeof *value);
    double        *v     = calloc((size_t)rows, sizeof *v);
    uint64_t       seed  = 5;
    agop_settings *s     = settings_of(ctx, "");
    agop_sparse   *m     = NULL;
    twins          w     = {.cols = cols};

    assert_int_equal(agop_table_new(&w.dense, ctx, rows), AGOP_OK);
    for (int j = 0; j < cols; j++) {
        char   name[16];
        double share = j == 0 ? 0 : j % 40 == 39 ? .9 : .002 + .22 * j / cols;
        for (int i = 0; i < rows; i++) {
            double u = uniform(&seed), z = (double)(float)(log(uniform(&seed) + 1e-3) + (i % 3 == j % 3 ? 2 : .5));
            v[i] = j == 1 ? i == 7 : u < share ? (j % 11 == 2 ? 1 : z) : 0;
            if (v[i] != 0) {
                row[n]     = i;
                value[n++] = (float)v[i];
            }
        }
        start[j + 1] = n;
        (void)snprintf(name, sizeof name, "x%d", j + 1);
        assert_int_equal(agop_table_add_numeric(w.dense, ctx, name, v), AGOP_OK);
    }
    assert_int_equal(agop_sparse_new(&m, ctx, rows, cols, start, row, value, NULL, NULL), AGOP_OK);
    assert_int_equal(agop_table_from_sparse(&w.sparse, ctx, m, s), AGOP_OK);
    add_dense_columns(&w, rows);
    agop_sparse_free(m);
    agop_settings_free(s);
    free(start);
    free(row);
    free(value);
    free(v);
    return w;
}

static void free_twins(twins *w)
{
    agop_table_free(w->sparse);
    agop_table_free(w->dense);
}

/* Scores and p-values. */
static void twins_agree(const twins *w, const agop_table *other, const char *words, double limit)
{
    agop_ids *d = score(w->sparse, other, words), *e = score(w->dense, other, words);
    int64_t   n = agop_ids_variables(d, 0) * agop_ids_variables(d, 1), pairs = 0, same = 0;
    double   *got = matrix_of(d), *want = matrix_of(e);
    agop_pair *p = calloc((size_t)n, sizeof *p), *q = calloc((size_t)n, sizeof *q);

    near(got, want, n, limit, words);
    assert_int_equal(agop_ids_pairs(p, &pairs, ctx, d, 40), AGOP_OK);
    assert_int_equal(agop_ids_pairs(q, &same, ctx, e, 40), AGOP_OK);
    assert_int_equal(pairs, same);
    for (int64_t i = 0; i < pairs; i++) {
        assert_true(fabs(p[i].score - q[i].score) <= limit);
        if (p[i].a != q[i].a || p[i].b != q[i].b)
            continue; /* equal but for rounding */
        assert_true(p[i].spearman == q[i].spearman || (isnan(p[i].spearman) && isnan(q[i].spearman)));
        if (!(fabs(p[i].log10_p - q[i].log10_p) <= fmin(.01, 1e5 * limit) * fabs(q[i].log10_p)) && !isnan(q[i].log10_p))
            fail_msg("%s: log10 p is %g, should be %g", words, p[i].log10_p, q[i].log10_p);
    }
    free(p);
    free(q);
    free(got);
    free(want);
    agop_ids_free(d);
    agop_ids_free(e);
}

static void test_ids__sparse_columns_score_as_their_cells_do(void **state)
{
    static const char *const words[] = {"p_norm=max p_values=true", "p_norm=l1", "p_norm=l2 scale=none",
                                        "scale=minmax scale_range=3", "scale=rank", "terms=1", "terms=9 width=2",
                                        "drop=full,gaps,kind", "target=x7,x9,full"};
    twins w = make_twins(400, 120);
    (void)state;
    for (int k = 0; k < 9; k++) {
        char all[96];
        (void)snprintf(all, sizeof all, "%s precision=double", words[k]);
        twins_agree(&w, NULL, all, 1e-10);
        twins_agree(&w, NULL, words[k], 3e-5);
    }
    twins_agree(&w, NULL, "measure=spearman drop=kind", 1e-12);
    twins_agree(&w, w.dense, "precision=double", 1e-10);
    twins_agree(&w, w.sparse, "precision=double", 1e-10);
    free_twins(&w);
}

static void test_ids__every_failed_allocation_of_sparse_columns_is_told(void **state)
{
    twins w = make_twins(60, 6);
    (void)state;
    json_set_alloc_funcs(malloc, free);
    fail_each(w.sparse, "p_values=true top=2");
    fail_each(w.sparse, "drop=full,gaps,kind");
    free_twins(&w);
}

static void test_ids__sparse_blocks_and_pieces_of_rows_are_no_part_of_the_answer(void **state)
{
    twins many = make_twins(150, 600), tall = make_twins(9000, 260);
    (void)state;
    twins_agree(&many, NULL, "precision=double drop=full,gaps,kind", 1e-10);
    twins_agree(&tall, NULL, "precision=double drop=full,gaps,kind", 1e-10);
    free_twins(&many);
    free_twins(&tall);
}

/* ---- refusals ---- */

static void refused(const agop_table *x, const agop_table *y, const char *words, agop_status want, const char *says)
{
    agop_settings *s = settings_of(ctx, words);
    agop_ids      *d = NULL;

    assert_int_equal(agop_ids_score(&d, ctx, x, y, s), want);
    assert_null(d);
    if (!strstr(agop_errmsg(ctx), says))
        fail_msg("'%s' says nothing of '%s'", agop_errmsg(ctx), says);
    agop_settings_free(s);
}

static void test_ids__what_cannot_be_scored_is_refused(void **state)
{
    world        w = make_world();
    const double two[] = {1, 2};
    agop_table  *t = table_of_world(&w), *short_one = NULL;
    (void)state;
    assert_int_equal(agop_table_new(&short_one, ctx, 2), AGOP_OK);
    assert_int_equal(agop_table_add_numeric(short_one, ctx, "x", two), AGOP_OK);
    refused(t, short_one, "", AGOP_E_SHAPE, "the other 2");
    refused(short_one, NULL, "", AGOP_E_DATA, "2 rows");
    refused(t, NULL, "drop=a,b,c,d,e,kind", AGOP_E_DATA, "no pair");
    refused(t, NULL, "target=nope", AGOP_E_DATA, "nope");
    refused(t, NULL, "memory=100", AGOP_E_NOMEM, "--top");
    refused(t, NULL, "measure=xi", AGOP_E_DATA, "is a category");
    refused(t, NULL, "scale_range=8", AGOP_E_PARAM, "minmax");
    refused(t, NULL, "matrix_units=on precision=double", AGOP_E_PARAM, "double");
    agop_table_free(t);
    agop_table_free(short_one);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ids__scores_agree_with_numpy),
        cmocka_unit_test(test_ids__missing_cells_and_categories_agree_with_plain_loops),
        cmocka_unit_test(test_ids__what_the_first_rows_do_not_tell_is_no_less_exact),
        cmocka_unit_test(test_ids__targets_are_the_other_side),
        cmocka_unit_test(test_ids__single_is_near_double_and_never_above_1),
        cmocka_unit_test(test_ids__a_pair_scores_the_same_in_any_company),
        cmocka_unit_test(test_ids__many_levels_score_as_each_of_them_does),
        cmocka_unit_test(test_ids__a_category_without_a_value_scores_nothing),
        cmocka_unit_test(test_ids__missing_cells_touch_no_other_pair),
        cmocka_unit_test(test_ids__what_is_kept_is_the_strongest),
        cmocka_unit_test(test_ids__standardised_scores_forget_origin_unit_and_order),
        cmocka_unit_test(test_ids__ranks_forget_every_rising_map),
        cmocka_unit_test(test_ids__the_sign_is_spearmans),
        cmocka_unit_test(test_ids__the_sign_is_spearmans_however_few_ranks_are_held),
        cmocka_unit_test(test_ids__permutations_agree_with_the_formulas),
        cmocka_unit_test(test_ids__a_permutation_is_the_same_for_any_number_of_threads),
        cmocka_unit_test(test_ids__other_measures_take_its_place),
        cmocka_unit_test(test_ids__correlations_of_many_columns_are_those_of_each_pair),
        cmocka_unit_test(test_ids__p_values_of_correlations_are_those_of_each_pair),
        cmocka_unit_test(test_ids__p_values_are_those_of_permutations),
        cmocka_unit_test(test_ids__rates_are_benjamini_and_hochbergs),
        cmocka_unit_test(test_ids__every_failed_allocation_is_told),
        cmocka_unit_test(test_ids__sparse_columns_score_as_their_cells_do),
        cmocka_unit_test(test_ids__every_failed_allocation_of_sparse_columns_is_told),
        cmocka_unit_test(test_ids__sparse_blocks_and_pieces_of_rows_are_no_part_of_the_answer),
        cmocka_unit_test(test_ids__what_cannot_be_scored_is_refused),
    };
    int failed;
    if (agop_open(&ctx, "cpu", 2) != AGOP_OK)
        return 1;
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    agop_close(ctx);
    return failed;
}
