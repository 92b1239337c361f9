/* test_schema.c - how columns become numbers.
 *
 * Expected numbers were computed with NumPy 1.24, SciPy 1.10 and scikit-learn 1.2, as the comment of each says. */
#include "table_support.h"

#include <math.h>

#include "base/sort.h"

/* The column that most tests code; scipy: rankdata gives 2, 3.5, 3.5, 5, 1, 6. */
static const double six[6] = {2.0, 4.0, 4.0, 7.0, -1.0, 10.5};

static agop_table *table(int64_t rows)
{
    agop_ctx    ctx = listen(1);
    agop_table *t   = NULL;
    assert_int_equal(agop_table_new(&t, &ctx, rows), AGOP_OK);
    return t;
}

static void add(agop_table *t, const char *name, const double *v)
{
    agop_ctx ctx = {.threads = 1};
    assert_int_equal(agop_table_add_numeric(t, &ctx, name, v), AGOP_OK);
}

static void add_text(agop_table *t, const char *name, const char *const *v)
{
    agop_ctx ctx = {.threads = 1};
    assert_int_equal(agop_table_add_text(t, &ctx, name, v), AGOP_OK);
}

/* One coordinate of a number. */
static agop_settings *plain(void)
{
    return settings("normal_scores", "false", NULL);
}

static agop__schema learn(const agop_table *t, agop_settings *s)
{
    agop_ctx     ctx = listen(2);
    agop__schema out;
    if (agop__schema_learn(&out, &ctx, t, "", s) != AGOP_OK)
        fail_msg("%s", ctx.err.text);
    agop_settings_free(s);
    return out;
}

/* Encoded coordinates, malloc'd; codes may be NULL where there are no groups. */
static double *encode(const agop__schema *s, const agop_table *t, int32_t *codes, int64_t *unseen)
{
    agop__surprises seen = {0};
    agop_ctx ctx = listen(2);
    double  *x   = malloc((size_t)(s->numeric * t->rows + 1) * sizeof *x);
    assert_int_equal(agop__schema_encode(x, AGOP_F64, codes, s, &ctx, t, 0, t->rows, &seen), AGOP_OK);
    agop__note_surprises(&ctx, &seen);
    if (unseen)
        *unseen += seen.unseen;
    return x;
}

static void expect_column(const double *x, int64_t width, int64_t col, const double *want, int64_t n, double factor)
{
    for (int64_t i = 0; i < n; i++)
        assert_close(x[i * width + col], factor * want[i], 1e-14);
}

/* One column coded with one scale. */
static void expect_scale(const char *scale, const double *want)
{
    agop_table  *t = table(6);
    agop__schema s;
    double      *x;

    add(t, "a", six);
    s = learn(t, settings("scale", scale, "normal_scores", "false", NULL));
    assert_int_equal(s.numeric, 1);
    x = encode(&s, t, NULL, NULL);
    expect_column(x, 1, 0, want, 6, 1);
    free(x);
    agop__schema_free(&s);
    agop_table_free(t);
}

/* sklearn.preprocessing.StandardScaler; MinMaxScaler less its mean; x - x.mean(); sqrt(3) (2 (rank - .5)/n - 1). */
static void test_schema__scales_are_those_of_scikit_learn(void **state)
{
    const double z[]    = {-0.6651306168765466, -0.1146776925649219, -0.1146776925649219,
                           0.7110016939025152,  -1.4908100033439837, 1.6742943114478586};
    const double m[]    = {-0.21014492753623193, -0.036231884057971064, -0.036231884057971064,
                           0.22463768115942023,  -0.4710144927536232,   0.5289855072463767};
    const double none[] = {-2.416666666666667, -0.41666666666666696, -0.41666666666666696,
                           2.583333333333333,  -5.416666666666667,   6.083333333333333};
    const double rank[] = {-0.8660254037844386, 0, 0, 0.8660254037844386, -1.4433756729740643, 1.443375672974064};
    (void)state;
    expect_scale("zscore", z);
    expect_scale("minmax", m);
    expect_scale("none", none);
    expect_scale("rank", rank);
}

/* scipy.stats.norm.ppf((rankdata(x) - .5)/6); new values by numpy.interp over the distinct ones. */
static void test_schema__normal_scores_stand_beside_the_z_score(void **state)
{
    const double z[]      = {-0.6651306168765466, -0.1146776925649219, -0.1146776925649219,
                             0.7110016939025152,  -1.4908100033439837, 1.6742943114478586};
    const double score[]  = {-0.6744897501960817, 0, 0, 0.6744897501960817, -1.382994127100638, 1.382994127100638};
    const double fresh[]  = {3.0, -5.0, 100.0, 8.75, 4.0};
    const double fz[]     = {-0.38990415472073425, -2.5917158519672334, 26.307062674393066, 1.192648002675187,
                             -0.1146776925649219};
    const double fscore[] = {-0.33724487509804085, -1.382994127100638, 1.382994127100638, 1.0287419386483598, 0};
    agop_table  *t = table(6), *u = table(5);
    agop__schema s;
    double      *x;
    (void)state;

    add(t, "a", six);
    add(u, "a", fresh);
    s = learn(t, settings("normal_scores", "true", NULL));
    assert_int_equal(s.numeric, 2);
    assert_close(s.factor, 0.7, 0);
    x = encode(&s, t, NULL, NULL);
    expect_column(x, 2, 0, z, 6, 0.7);
    expect_column(x, 2, 1, score, 6, 0.7);
    free(x);
    x = encode(&s, u, NULL, NULL);
    expect_column(x, 2, 0, fz, 5, 0.7);
    expect_column(x, 2, 1, fscore, 5, 0.7);
    free(x);
    agop__schema_free(&s);
    agop_table_free(t);
    agop_table_free(u);
}

/* Quantiles of distributions, whose mean square distance from normal scores is known: uniform 2 - 2 sqrt(3/pi) = .0456,
 * exponential .194; a column that is 1 once in N is sqrt(N - 1) deviations out there, its score less than 3. */
static void test_schema__columns_like_their_normal_scores_stand_beside_themselves(void **state)
{
    enum { N = 400 };
    static double u[N], e[N], once[N], gap[N];
    const double  beyond[] = {3, NAN};
    agop_table   *t = table(N), *later = table(2);
    agop__schema  s;
    double       *x;
    (void)state;

    for (int i = 0; i < N; i++) {
        u[i]    = (i + .5) / N;
        e[i]    = -log1p(-u[i]);
        once[i] = i == N - 1;
        gap[i]  = i % 4 == 0 ? NAN : u[i];
    }
    add(t, "u", u);
    add(t, "e", e);
    add(t, "once", once);
    add(t, "gap", gap);
    add(later, "u", beyond);
    add(later, "e", beyond);
    add(later, "once", beyond);
    add(later, "gap", beyond);
    s = learn(t, settings(NULL));
    assert_int_equal(s.numeric, 9);
    assert_close(s.factor, .7, 0);
    x = encode(&s, t, NULL, NULL);
    for (int64_t i = 0; i < N; i++) {
        double score = .7 * agop__normal_quantile(u[i]);
        assert_close(x[9 * i], .7 * (u[i] - .5) * sqrt(12), 1e-4);
        assert_close(x[9 * i + 1], x[9 * i], 1e-12);
        assert_close(x[9 * i + 3], score, 1e-9);
        assert_close(x[9 * i + 7], x[9 * i + 6], 1e-12);
        assert_close(x[9 * i + 5], i == N - 1 ? score : .7 * agop__normal_quantile(.5 * (N - 1) / N), 1e-9);
    }
    assert_close(x[6], 0, 0); /* a missing cell is the mean */
    free(x);
    x = encode(&s, later, NULL, NULL);
    assert_true(x[0] > 2 * x[1]); /* flat beyond what was seen, as a score is */
    assert_close(x[1], .7 * s.field[0].score[N - 1], 1e-12);
    assert_close(x[9], 0, 0);
    assert_close(x[10], 0, 1e-15);
    free(x);
    agop__schema_free(&s);
    s = learn(t, settings("normal_scores", "true", NULL)); /* asked for: all of them */
    assert_close(s.field[0].score[N - 1], agop__normal_quantile(u[N - 1]), 1e-12);
    agop__schema_free(&s);
    s = learn(t, settings("scale", "minmax", NULL));
    assert_int_equal(s.numeric, 5);
    agop__schema_free(&s);
    agop_table_free(t);
    agop_table_free(later);
}

/* One value so far out that z-scores would be no scores any more, though all others are like theirs. */
static void test_schema__a_far_value_keeps_its_column_s_scores(void **state)
{
    enum { N = 100000 };
    double      *v    = malloc(N * sizeof *v), *x;
    agop_table  *t    = table(N);
    agop_ctx     ctx  = listen(2);
    json_t      *json = NULL;
    agop__schema s, back;
    (void)state;

    for (int far = 0; far <= 1; far++) {
        char name[] = {(char)('a' + far), '\0'};
        for (int i = 0; i < N; i++)
            v[i] = agop__normal_quantile((i + .5) / N);
        v[N - 1] = far ? 60 : 30;
        add(t, name, v);
    }
    s = learn(t, settings(NULL));
    x = encode(&s, t, NULL, NULL);
    for (int64_t i = 0; i < N; i++)
        assert_close(x[4 * i + 1], x[4 * i], 1e-12); /* between knots, too */
    assert_true(s.field[1].score[s.field[1].knots - 1] < 5);
    assert_int_equal(agop__schema_to_json(&json, &s, &ctx.err), AGOP_OK);
    assert_int_equal(agop__schema_from_json(&back, json, &ctx.err), AGOP_OK);
    for (int f = 0; f < 2; f++)
        assert_memory_equal(back.field[f].score, s.field[f].score, (size_t)s.field[f].knots * sizeof(double));
    json_decref(json);
    free(x);
    agop__schema_free(&s);
    agop__schema_free(&back);
    agop_table_free(t);
    free(v);
}

static void test_schema__ranks_of_new_values_are_interpolated(void **state)
{
    const double fresh[] = {3.0, -5.0, 100.0, 8.75, 4.0};
    const double rank[]  = {-0.4330127018922193, -1.4433756729740643, 1.443375672974064, 1.1547005383792515, 0};
    const double score[] = {-0.33724487509804085, -1.382994127100638, 1.382994127100638, 1.0287419386483598, 0};
    agop_table  *t = table(6), *u = table(5);
    agop__schema s;
    double      *x;
    (void)state;

    add(t, "a", six);
    add(u, "a", fresh);
    s = learn(t, settings("scale", "rank", "normal_scores", "true", NULL));
    x = encode(&s, u, NULL, NULL);
    expect_column(x, 2, 0, rank, 5, 0.7);
    expect_column(x, 2, 1, score, 5, 0.7);
    free(x);
    agop__schema_free(&s);
    agop_table_free(t);
    agop_table_free(u);
}

/* scipy.stats.norm.ppf */
static void test_schema__the_normal_quantile_is_that_of_scipy(void **state)
{
    static const double known[][2] = {{1e-300, -37.0470962993612},
                                      {1e-100, -21.273453560965322},
                                      {1e-20, -9.262340089798409},
                                      {1e-10, -6.361340902404056},
                                      {1e-05, -4.264890793922825},
                                      {0.001, -3.090232306167813},
                                      {0.02425, -1.972961051311885},
                                      {0.074, -1.4466320671589785},
                                      {0.076, -1.4325027208258116},
                                      {0.1, -1.2815515655446004},
                                      {0.25, -0.6744897501960817},
                                      {0.4, -0.2533471031357997},
                                      {0.5, 0.0},
                                      {0.6, 0.2533471031357997},
                                      {0.9, 1.2815515655446004},
                                      {0.975, 1.959963984540054},
                                      {0.999, 3.090232306167813},
                                      {0.9999999999, 6.361340889697422}};
    (void)state;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        assert_close(agop__normal_quantile(known[i][0]), known[i][1], 1e-12);
    /* and its inverse everywhere: Phi(x) = erfc(-x/sqrt(2))/2 */
    for (double p = 1e-6; p < 1; p += 1e-4)
        assert_close(erfc(-agop__normal_quantile(p) / sqrt(2)) / 2, p, 1e-14);
}

static int rising(const void *a, const void *b)
{
    double p = *(const double *)a, q = *(const double *)b;
    return (p > q) - (p < q);
}

static void test_schema__sorting_agrees_with_qsort(void **state)
{
    enum { N = 3000 };
    double v[N], w[N], scratch[N];
    (void)state;
    for (int i = 0; i < N; i++)
        v[i] = w[i] = sin(i * 12.9898) * pow(10, (i % 21) - 10);
    v[7] = w[7] = -1e300;
    v[9] = w[9] = 5e-324;
    agop__sort(v, scratch, N);
    qsort(w, N, sizeof *w, rising);
    assert_memory_equal(v, w, sizeof v);
    agop__sort(v, scratch, 0);
    agop__sort(v, scratch, 1);
}

/* The value k*k, k a permutation of 0 .. 2999, has rank k + 1: no other computation is needed. */
static void test_schema__long_columns_keep_a_thousand_knots(void **state)
{
    enum { N = 3000 };
    agop_table  *t = table(N);
    double       v[N], *x;
    agop__schema s;
    (void)state;

    for (int64_t i = 0; i < N; i++) {
        double k = (double)(i * 1009 % N);
        v[i]     = k * k;
    }
    add(t, "a", v);
    s = learn(t, settings("normal_scores", "true", NULL));
    x = encode(&s, t, NULL, NULL);
    assert_int_equal(s.field[0].knots, AGOP__MOST_KNOTS);
    for (int64_t k = 0; k < AGOP__MOST_KNOTS; k++) {
        double rank = sqrt(s.field[0].knot[k]) + 1;
        assert_close(s.field[0].score[k], agop__normal_quantile((rank - 0.5) / N), 1e-14);
    }
    for (int64_t i = 0; i < N; i++) { /* knots are three ranks apart: near, but in the tails */
        double rank = sqrt(v[i]) + 1, middle = rank > 100 && rank < N - 100;
        assert_close(x[2 * i + 1], 0.7 * agop__normal_quantile((rank - 0.5) / N), middle ? 3e-4 : 0.2);
    }
    free(x);
    agop__schema_free(&s);
    agop_table_free(t);
}

/* numpy.nanmean, numpy.nanstd, norm.ppf of the ranks among the values that are there, numpy.interp at the mean. */
static void test_schema__missing_cells_become_the_mean_and_are_indicated(void **state)
{
    const double v[]     = {1, NAN, 3, 8, NAN, 2};
    const double z[]     = {-0.9284766908852594, 0, -0.18569533817705186, 1.671258043593467, 0, -0.5570860145311556};
    const double score[] = {-1.1503493803760079, 0.4018103656055384, 0.31863936396437514,
                            1.1503493803760079,  0.4018103656055384, -0.31863936396437514};
    const double ind[]   = {-0.23570226039551584, 0.4714045207910318, -0.23570226039551584,
                            -0.23570226039551584, 0.4714045207910318, -0.23570226039551584};
    agop_table  *t       = table(6);
    agop__schema s;
    double      *x;
    (void)state;

    add(t, "a", v);
    s = learn(t, settings("normal_scores", "true", NULL));
    assert_int_equal(s.numeric, 3);
    x = encode(&s, t, NULL, NULL);
    expect_column(x, 3, 0, z, 6, 0.7);
    expect_column(x, 3, 1, score, 6, 0.7);
    expect_column(x, 3, 2, ind, 6, 1);
    assert_string_equal(notes, "");
    free(x);
    agop__schema_free(&s);
    agop_table_free(t);
}

static void test_schema__cells_missing_only_later_are_the_mean_and_noted(void **state)
{
    const double later[] = {NAN, 2.0};
    agop_table  *t = table(6), *u = table(2);
    agop__schema s;
    double      *x;
    (void)state;

    add(t, "a", six);
    add(u, "a", later);
    s = learn(t, plain());
    assert_int_equal(s.numeric, 1);
    x = encode(&s, u, NULL, NULL);
    assert_close(x[0], 0, 0);
    assert_noted("1 missing cell in columns that had none at fit: taken as the mean");
    free(x);
    agop__schema_free(&s);
    agop_table_free(t);
    agop_table_free(u);
}

static void test_schema__constant_and_empty_columns_are_zero_for_ever(void **state)
{
    const double c[] = {0.1, 0.1, 0.1}, e[] = {NAN, NAN, NAN}, v[] = {1, 2, 3}, later[] = {5, NAN, 0.1};
    agop_table  *t = table(3), *u = table(3);
    agop__schema s;
    double      *x;
    (void)state;

    add(t, "c", c);
    add(t, "e", e);
    add(t, "v", v);
    s = learn(t, settings("normal_scores", "true", NULL));
    assert_noted("1 column has one value only and is left out: c");
    assert_noted("1 column has no value at all: e");
    assert_close(s.field[0].spread, 1, 0);
    assert_int_equal(s.numeric, 6);
    add(u, "c", later);
    add(u, "e", later);
    add(u, "v", later);
    x = encode(&s, u, NULL, NULL);
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 4; j++)
            assert_close(x[6 * i + j], 0, 0);
    assert_noted("1 missing cell "); /* that of v; the others change nothing */
    free(x);
    agop__schema_free(&s);
    agop_table_free(t);
    agop_table_free(u);
}

static void test_schema__notes_name_at_most_five_columns(void **state)
{
    const double c[] = {1, 1}, v[] = {1, 2};
    agop_table  *t = table(2);
    agop__schema s;
    (void)state;

    for (int i = 0; i < 7; i++) {
        char name[16];
        (void)snprintf(name, sizeof name, "c%d", i);
        add(t, name, c);
    }
    add(t, "v", v);
    s = learn(t, plain());
    assert_string_equal(notes, "7 columns have one value only and are left out: c0, c1, c2, c3, c4, ...\n");
    agop__schema_free(&s);
    agop_table_free(t);
}

/* Levels by first appearance: sklearn.preprocessing.OneHotEncoder(categories=[["b", "a", "c"]]). */
static void test_schema__texts_are_numbered_by_first_appearance(void **state)
{
    const char *const v[] = {"b", "a", NULL, "b", "c"}, *const w[] = {"c", "zzz", NULL, "a", "b"};
    const int    tv[] = {0, 1, 3, 0, 2}, tw[] = {2, -1, 3, 1, 0};
    agop_table  *t = table(5), *u = table(5);
    agop__schema s;
    int32_t      codes[5];
    int64_t      unseen = 0;
    (void)state;

    add_text(t, "town", v);
    add_text(u, "town", w);
    s = learn(t, NULL);
    assert_int_equal(s.numeric, 0);
    assert_int_equal(s.groups, 1);
    assert_int_equal(s.group_levels[0], 4);
    assert_close(s.height, sqrt(0.5), 1e-16);
    assert_int_equal(s.field[0].missing_level, 3);
    assert_string_equal(s.field[0].levels.text[3], "(missing)");
    free(encode(&s, t, codes, &unseen));
    for (int i = 0; i < 5; i++)
        assert_int_equal(codes[i], tv[i]);
    assert_int_equal(unseen, 0);
    free(encode(&s, u, codes, &unseen));
    for (int i = 0; i < 5; i++)
        assert_int_equal(codes[i], tw[i]);
    assert_int_equal(unseen, 1);
    agop__schema_free(&s);
    agop_table_free(t);
    agop_table_free(u);
}

static void test_schema__missing_texts_count_as_unseen_where_fit_saw_none(void **state)
{
    const char *const v[] = {"b", "a"}, *const w[] = {NULL, "a"};
    agop_table  *t = table(2), *u = table(2);
    agop__schema s;
    int32_t      codes[2];
    int64_t      unseen = 10;
    (void)state;

    add_text(t, "town", v);
    add_text(u, "town", w);
    s = learn(t, NULL);
    free(encode(&s, u, codes, &unseen));
    assert_int_equal(codes[0], -1);
    assert_int_equal(codes[1], 1);
    assert_int_equal(unseen, 11);
    agop__schema_free(&s);
    agop_table_free(t);
    agop_table_free(u);
}

static void test_schema__only_the_most_frequent_levels_are_kept(void **state)
{
    /* r once, s 3 times, p twice, q twice, o once: s, p and q stay, in the order in which they came */
    const char *const v[]  = {"r", "p", "s", "q", "s", "q", "p", "s", "o", NULL};
    const int         tv[] = {-1, 0, 1, 2, 1, 2, 0, 1, -1, 3};
    agop_table       *t    = table(10);
    agop__schema      s;
    int32_t           codes[10];
    int64_t           unseen = 0;
    (void)state;

    add_text(t, "town", v);
    s = learn(t, settings("max_levels", "3", NULL));
    assert_noted("1 column has more levels than max_levels, only the most frequent are kept: town (5)");
    free(encode(&s, t, codes, &unseen));
    for (int i = 0; i < 10; i++)
        assert_int_equal(codes[i], tv[i]);
    assert_int_equal(unseen, 2);
    agop__schema_free(&s);
    agop_table_free(t);
}

static void test_schema__of_equally_frequent_levels_the_first_are_kept(void **state)
{
    const char *const v[] = {"d", "c", "b", "a"};
    agop_table       *t   = table(4);
    agop__schema      s;
    (void)state;

    add_text(t, "town", v);
    s = learn(t, settings("max_levels", "2", NULL));
    assert_int_equal(s.field[0].levels.count, 2);
    assert_string_equal(s.field[0].levels.text[0], "d");
    assert_string_equal(s.field[0].levels.text[1], "c");
    agop__schema_free(&s);
    agop_table_free(t);
}

static void test_schema__numbers_can_be_categories_at_fit_and_later(void **state)
{
    const double      v[] = {3, 1, NAN, 3}, w[] = {1, 7, 3, NAN};
    const char *const x[]  = {"1", "3.0", "3", NULL};
    const int         tw[] = {1, -1, 0, 2}, tx[] = {1, -1, 0, 2};
    agop_table       *t = table(4), *u = table(4), *y = table(4);
    agop__schema      s;
    int32_t           codes[4];
    int64_t           unseen = 0;
    (void)state;

    add(t, "zone", v);
    add(u, "zone", w);
    add_text(y, "zone", x);
    s = learn(t, settings("categorical", "zone", NULL));
    assert_int_equal(s.groups, 1);
    assert_string_equal(s.field[0].levels.text[0], "3");
    free(encode(&s, u, codes, &unseen));
    for (int i = 0; i < 4; i++)
        assert_int_equal(codes[i], tw[i]);
    free(encode(&s, y, codes, &unseen));
    for (int i = 0; i < 4; i++)
        assert_int_equal(codes[i], tx[i]);
    assert_int_equal(unseen, 2);
    agop__schema_free(&s);
    agop_table_free(t);
    agop_table_free(u);
    agop_table_free(y);
}

/* A million is nothing beside 1.5: the digits that the values themselves lose, no more. */
static void test_schema__a_far_origin_changes_nothing(void **state)
{
    agop_table  *t = table(6), *u = table(6), *w = table(6);
    agop__schema s, r, q;
    double       moved[6], tiny[6], *x, *y, *z;
    (void)state;

    for (int i = 0; i < 6; i++) {
        moved[i] = six[i] + 1048576;
        tiny[i]  = ldexp(six[i], -900);
    }
    add(t, "a", six);
    add(u, "a", moved);
    add(w, "a", tiny);
    s = learn(t, settings("normal_scores", "true", NULL));
    r = learn(u, settings("normal_scores", "true", NULL));
    q = learn(w, settings("normal_scores", "true", NULL));
    x = encode(&s, t, NULL, NULL);
    y = encode(&r, u, NULL, NULL);
    z = encode(&q, w, NULL, NULL);
    for (int i = 0; i < 12; i++) {
        assert_close(x[i], y[i], 1e-9);
        assert_close(x[i], z[i], 1e-14);
    }
    free(x);
    free(y);
    free(z);
    agop__schema_free(&s);
    agop__schema_free(&r);
    agop__schema_free(&q);
    agop_table_free(t);
    agop_table_free(u);
    agop_table_free(w);
}

/* A table of every kind of column, long enough for several threads. */
enum { LONG = 2500 };
static agop_table *mixed(int reversed)
{
    static double      a[LONG], b[LONG];
    static const char *c[LONG], *d[LONG];
    static const char *towns[] = {"Ulm", "Bonn", "Trier", NULL, "Jena"};
    agop_table        *t       = table(LONG);

    for (int i = 0; i < LONG; i++) {
        a[i] = sin(i * 0.7) * 10;
        b[i] = i % 13 == 0 ? NAN : (double)(i % 7);
        c[i] = towns[i * 7 % 5];
        d[i] = i % 3 ? "yes" : "no";
    }
    if (reversed)
        add_text(t, "d", d);
    else
        add(t, "a", a);
    add_text(t, "c", c);
    add(t, "b", b);
    if (reversed)
        add(t, "a", a);
    else
        add_text(t, "d", d);
    return t;
}

static void test_schema__row_by_row_is_all_at_once_whatever_the_column_order(void **state)
{
    agop_table  *t = mixed(0), *u = mixed(1);
    agop__schema s     = learn(t, settings("normal_scores", "true", NULL));
    int32_t     *codes = malloc(LONG * 2 * sizeof *codes), code[2];
    double      *x, row[5];
    agop_ctx     ctx    = listen(1);
    int64_t      unseen = 0;
    agop__surprises seen = {0};
    (void)state;

    assert_int_equal(s.numeric, 5);
    assert_int_equal(s.groups, 2);
    x = encode(&s, t, codes, &unseen);
    for (int64_t i = 0; i < LONG; i++) {
        assert_int_equal(agop__schema_encode(row, AGOP_F64, code, &s, &ctx, u, i, 1, &seen), AGOP_OK);
        assert_memory_equal(row, x + 5 * i, sizeof row);
        assert_memory_equal(code, codes + 2 * i, sizeof code);
    }
    assert_int_equal(seen.unseen, 0);
    assert_int_equal(unseen, 0);
    free(x);
    free(codes);
    agop__schema_free(&s);
    agop_table_free(t);
    agop_table_free(u);
}

/* Column j holds 0, j + 1, 2 (j + 1): its z-scores are -sqrt(3/2), 0, sqrt(3/2), whatever j. */
static void test_schema__wide_tables_are_coded_in_many_parts(void **state)
{
    enum { WIDE = 30000 };
    double      *v   = malloc(3 * WIDE * sizeof *v), *x;
    agop_mat     X   = {v, 3, WIDE, WIDE, AGOP_F64};
    agop_ctx     ctx = listen(2);
    agop_table  *t   = NULL;
    agop__schema s;
    (void)state;

    for (int i = 0; i < 3; i++)
        for (int j = 0; j < WIDE; j++)
            v[i * WIDE + j] = i * (j + 1.0);
    assert_int_equal(agop_table_from_mat(&t, &ctx, &X), AGOP_OK);
    s = learn(t, plain());
    x = encode(&s, t, NULL, NULL);
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < WIDE; j++)
            assert_close(x[i * WIDE + j], (i - 1) * sqrt(1.5), 1e-12);
    free(x);
    free(v);
    agop__schema_free(&s);
    agop_table_free(t);
}

static void test_schema__coordinates_have_mean_zero(void **state)
{
    agop_table  *t      = mixed(0);
    agop__schema s      = learn(t, settings("normal_scores", "true", NULL));
    int32_t     *codes  = malloc(LONG * 2 * sizeof *codes);
    double      *x      = encode(&s, t, codes, NULL);
    const double near[] = {1e-12, 1e-3, 1e-12, 0.1, 1e-12}; /* normal scores: ties and missing cells cost some */
    (void)state;

    for (int j = 0; j < 5; j++) {
        double sum = 0;
        for (int i = 0; i < LONG; i++)
            sum += x[5 * i + j] / LONG;
        assert_close(sum, 0, near[j]);
    }
    free(x);
    free(codes);
    agop__schema_free(&s);
    agop_table_free(t);
}

static void test_schema__single_precision_is_double_rounded(void **state)
{
    agop_table  *t = table(6), *u;
    float        v[6], x[6];
    double      *y;
    agop_mat     X   = {v, 6, 1, 1, AGOP_F32};
    agop_ctx     ctx = listen(1);
    agop__schema s;
    (void)state;

    for (int i = 0; i < 6; i++)
        v[i] = (float)six[i];
    add(t, "x1", six);
    s = learn(t, plain());
    y = encode(&s, t, NULL, NULL);
    assert_int_equal(agop_table_from_mat(&u, &ctx, &X), AGOP_OK);
    assert_int_equal(agop__schema_encode(x, AGOP_F32, NULL, &s, &ctx, u, 0, 6, NULL), AGOP_OK);
    for (int i = 0; i < 6; i++)
        assert_true(x[i] == (float)y[i]);
    free(y);
    agop__schema_free(&s);
    agop_table_free(t);
    agop_table_free(u);
}

static void test_schema__extreme_values_stay_finite(void **state)
{
    const double v[] = {0, 1}, later[] = {1e300, -1.7e308}, large[] = {0, 1.5e308};
    agop_table  *t = table(2), *u = table(2), *w = table(2);
    agop_ctx     ctx = listen(1);
    agop__schema s, r;
    float        x[2];
    (void)state;

    add(t, "a", v);
    add(u, "a", later);
    add(w, "a", large);
    s = learn(t, plain());
    assert_int_equal(agop__schema_encode(x, AGOP_F32, NULL, &s, &ctx, u, 0, 2, NULL), AGOP_OK);
    assert_true(x[0] > 1e14f && isfinite(x[0] * x[0]));
    assert_true(x[1] < -1e14f && isfinite(x[1] * x[1]));
    assert_int_equal(agop__schema_learn(&r, &ctx, w, "", NULL), AGOP_E_DATA);
    assert_sentence(&ctx, "column 'a' holds 1.5e+308, too large");
    agop__schema_free(&s);
    agop_table_free(t);
    agop_table_free(u);
    agop_table_free(w);
}

static void test_schema__lost_and_mistyped_columns_are_named(void **state)
{
    const double      v[] = {1, 2};
    const char *const c[] = {"1", "2"};
    agop_table       *t = table(2), *u = table(2), *w = table(2);
    agop_ctx          ctx;
    agop__schema      s;
    double            x[2];
    (void)state;

    add(t, "rooms", v);
    add(u, "room", v);
    add_text(w, "rooms", c);
    s   = learn(t, plain());
    ctx = listen(1);
    assert_int_equal(agop__schema_encode(x, AGOP_F64, NULL, &s, &ctx, u, 0, 2, NULL), AGOP_E_DATA);
    assert_string_equal(ctx.err.text, "column 'rooms' is missing (the model was fitted with it); is it the one "
                                      "called 'room'?");
    assert_int_equal(agop__schema_encode(x, AGOP_F64, NULL, &s, &ctx, w, 0, 2, NULL), AGOP_E_DATA);
    assert_string_equal(ctx.err.text, "column 'rooms' holds text where the model expects numbers");
    assert_int_equal(agop__schema_encode(x, AGOP_F64, NULL, &s, &ctx, t, 1, 2, NULL), AGOP_E_BUG);
    agop__schema_free(&s);
    agop_table_free(t);
    agop_table_free(u);
    agop_table_free(w);
}

static agop_status try_learn(agop_ctx *ctx, const agop_table *t, const char *except, agop_settings *s)
{
    agop__schema out;
    agop_status  st = agop__schema_learn(&out, ctx, t, except, s);
    agop__schema_free(&out);
    agop_settings_free(s);
    return st;
}

static void test_schema__settings_that_cannot_be_followed_are_refused(void **state)
{
    const double      v[] = {1, 2};
    const char *const c[] = {"1", "2"};
    agop_table       *t = table(2), *none = table(0);
    agop_ctx          ctx;
    (void)state;

    add(t, "rooms", v);
    add_text(t, "town", c);
    add(none, "rooms", v);
    ctx = listen(1);
    assert_int_equal(try_learn(&ctx, t, "", settings("categorical", "rooms", "numeric", "rooms", NULL)), AGOP_E_PARAM);
    assert_int_equal(try_learn(&ctx, t, "", settings("categorical", "romos", NULL)), AGOP_E_DATA);
    assert_sentence(&ctx, "did you mean 'rooms'?");
    assert_int_equal(try_learn(&ctx, t, "", settings("numeric", "town", NULL)), AGOP_E_DATA);
    assert_sentence(&ctx, "'town' holds text");
    assert_int_equal(try_learn(&ctx, t, "rooms,town", NULL), AGOP_E_DATA);
    assert_sentence(&ctx, "no column to learn from");
    assert_int_equal(try_learn(&ctx, none, "", NULL), AGOP_E_DATA);
    assert_sentence(&ctx, "no rows");
    /* a dropped column may be named in the others */
    assert_int_equal(try_learn(&ctx, t, "", settings("drop", "town", "numeric", "town", NULL)), AGOP_OK);
    agop_table_free(t);
    agop_table_free(none);
}

static void test_schema__left_out_columns_are_not_learned(void **state)
{
    const double   v[] = {1, 2};
    agop_table    *t   = table(2);
    agop_ctx       ctx = listen(1);
    agop__schema   s;
    agop_settings *set = settings("drop", "d", "weights", "w", NULL);
    (void)state;

    add(t, "y", v);
    add(t, "a", v);
    add(t, "d", v);
    add(t, "w", v);
    assert_int_equal(agop__schema_learn(&s, &ctx, t, "y", set), AGOP_OK);
    assert_int_equal(s.fields, 1);
    assert_string_equal(s.field[0].name, "a");
    agop__schema_free(&s);
    agop_settings_free(set);
    agop_table_free(t);
}

/* ---- features ---- */

static void expect_feature(const agop__schema *s, int64_t j, const char *want, int64_t field)
{
    agop__buffer name = {0};
    agop__err    e;
    int64_t      f = -1;
    assert_int_equal(agop__schema_feature(&name, &f, s, j, &e), AGOP_OK);
    assert_string_equal(name.text, want);
    assert_int_equal(f, field);
    agop__buffer_free(&name);
}

static void test_schema__features_are_numbers_then_levels(void **state)
{
    agop_table  *t    = mixed(1); /* d, c, b, a */
    agop__schema s    = learn(t, settings("normal_scores", "true", NULL));
    agop__buffer name = {0};
    agop__err    e;
    (void)state;

    assert_int_equal(agop__schema_features(&s), 10);
    expect_feature(&s, 0, "b", 2);
    expect_feature(&s, 1, "b (missing)", 2);
    expect_feature(&s, 2, "a", 3);
    expect_feature(&s, 3, "d=no", 0);
    expect_feature(&s, 4, "d=yes", 0);
    expect_feature(&s, 5, "c=Ulm", 1);
    expect_feature(&s, 9, "c=(missing)", 1);
    assert_int_equal(agop__schema_group_feature(&s, 0), 3);
    assert_int_equal(agop__schema_group_feature(&s, 1), 5);
    assert_int_equal(agop__schema_feature(&name, NULL, &s, 10, &e), AGOP_E_BUG);
    assert_int_equal(agop__schema_feature(&name, NULL, &s, -1, &e), AGOP_E_BUG);
    agop__schema_free(&s);
    agop_table_free(t);
}

static void expect_slope(const agop__schema *s, int64_t coordinate, int64_t feature, double slope)
{
    int64_t f;
    double  v;
    agop__schema_slope(&f, &v, s, coordinate);
    assert_int_equal(f, feature);
    assert_close(v, slope, 1e-12);
}

/* numpy.polyfit(z(knots), scores, 1)[0] */
static void test_schema__slopes_are_per_standard_deviation(void **state)
{
    const double      m[] = {1, NAN, 3, 8, NAN, 2}, one[] = {1, 1, 1, 1, 1, 1};
    const char *const c[]     = {"p", "q", "p", "q", "p", "q"};
    const char *const scale[] = {"zscore", "none", "minmax", "rank"};
    const double      slope[] = {1, 3.6333715594319407, 3.6333715594319407 / 11.5, 0.9625650852723874};
    agop_table       *t       = table(6);
    (void)state;

    add_text(t, "c", c);
    add(t, "m", m);
    add(t, "one", one);
    add(t, "a", six);
    for (int k = 0; k < 4; k++) {
        agop__schema s = learn(t, settings("scale", scale[k], "normal_scores", "true", NULL));
        expect_slope(&s, 2, 1, sqrt(0.5)); /* m (missing) */
        expect_slope(&s, 3, 2, 0);         /* one */
        expect_slope(&s, 4, 2, 0);
        expect_slope(&s, 5, 3, 0.7 * slope[k]); /* a */
        expect_slope(&s, 6, 3, 0.7 * 0.8865831892727332);
        agop__schema_free(&s);
    }
    agop_table_free(t);
}

/* ---- JSON ---- */

static agop__schema through_json(const agop__schema *s)
{
    agop__err    e = {0};
    json_t      *j = NULL, *k;
    char        *text;
    agop__schema out;

    assert_int_equal(agop__schema_to_json(&j, s, &e), AGOP_OK);
    text = json_dumps(j, JSON_COMPACT);
    k    = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(k);
    if (agop__schema_from_json(&out, k, &e) != AGOP_OK)
        fail_msg("%s", e.text);
    free(text);
    json_decref(j);
    json_decref(k);
    return out;
}

static void test_schema__json_gives_back_the_same_bits(void **state)
{
    const char *const scale[] = {"zscore", "none", "minmax", "rank"};
    agop_table       *t       = mixed(0);
    (void)state;

    for (int k = 0; k < 8; k++) {
        agop__schema s = learn(t, settings("scale", scale[k % 4], "normal_scores", k < 4 ? "true" : "false", NULL));
        agop__schema r = through_json(&s);
        int32_t     *c = malloc(LONG * 2 * sizeof *c), *d = malloc(LONG * 2 * sizeof *d);
        double      *x = encode(&s, t, c, NULL), *y = encode(&r, t, d, NULL);
        assert_int_equal(s.numeric, r.numeric);
        assert_memory_equal(x, y, (size_t)(s.numeric * LONG) * sizeof *x);
        assert_memory_equal(c, d, LONG * 2 * sizeof *c);
        assert_int_equal(agop__schema_features(&r), agop__schema_features(&s));
        for (int64_t j = 0; j < s.numeric; j++) {
            int64_t feature;
            double  slope;
            agop__schema_slope(&feature, &slope, &s, j);
            expect_slope(&r, j, feature, slope);
        }
        free(c);
        free(d);
        free(x);
        free(y);
        agop__schema_free(&s);
        agop__schema_free(&r);
    }
    agop_table_free(t);
}

static void test_schema__texts_that_are_not_utf8_survive_json(void **state)
{
    /* Latin-1, a lone surrogate, an overlong slash, beyond Unicode, cut short; and one that is well formed */
    const char *const v[] = {"M\xfcnchen", "\xed\xa0\x80", "\xc0\xaf", "\xf5\x80\x80\x80", "\xe2\x82", "\xe2\x82\xac"};
    agop_table       *t   = table(6);
    agop__schema      s, r;
    (void)state;

    add_text(t, "\xfc", v);
    s = learn(t, NULL);
    r = through_json(&s);
    assert_string_equal(r.field[0].name, "\xfc");
    for (int k = 0; k < 6; k++)
        assert_string_equal(r.field[0].levels.text[k], v[k]);
    agop__schema_free(&s);
    agop__schema_free(&r);
    agop_table_free(t);
}

static const char sound[] =
    "{'scale':'zscore','normal_scores':true,'factor':0.7,'height':0.7,'fields':["
    "{'name':'a','type':'number','centre':1,'spread':2,'mean':1,'deviation':2,'constant':false,'missing_share':0.5,"
    "'knots':[1,2,3],'scores':[-1,0,1]},"
    "{'name':'c','type':'text','levels':['p','(missing)'],'missing_level':1}]}";

/* Read the sound schema with the first `from` replaced by `to`; single quotes stand for double ones. */
static agop_status read_changed(const char *from, const char *to)
{
    char         text[2048];
    const char  *at = strstr(sound, from);
    agop__err    e  = {0};
    agop__schema s;
    agop_status  st;
    json_t      *j;

    assert_non_null(at);
    (void)snprintf(text, sizeof text, "%.*s%s%s", (int)(at - sound), sound, to, at + strlen(from));
    for (char *p = text; *p; p++)
        if (*p == '\'')
            *p = '"';
    j = json_loads(text, JSON_ALLOW_NUL, NULL);
    if (!j)
        fail_msg("%s is no JSON", text);
    st = agop__schema_from_json(&s, j, &e);
    if (st != AGOP_OK) {
        assert_null(s.field); /* nothing is left to free */
        assert_true(strlen(e.text) > 10);
    }
    agop__schema_free(&s);
    json_decref(j);
    return st;
}

static void test_schema__damaged_json_is_refused(void **state)
{
    static const char *const damage[][2] = {{"'zscore'", "'z'"},
                                            {"'zscore'", "7"},
                                            {"'normal_scores':true,", ""},
                                            {"'normal_scores':true", "'normal_scores':1"},
                                            {"0.7", "-0.7"},
                                            {"'height':0.7", "'height':'0.7'"},
                                            {"'height':0.7", "'height':0"},
                                            {"'fields'", "'felder'"},
                                            {"'name':'a'", "'name':''"},
                                            {"'name':'a'", "'name':7"},
                                            {"'name':'a'", "'name':'c'"},
                                            {"'name':'a'", "'name':'a\\u0000b'"},
                                            {"'name':'a'", "'name':{'bytes':'6'}"},
                                            {"'name':'a'", "'name':{'bytes':'6x'}"},
                                            {"'name':'a'", "'name':{'bytes':'6100'}"},
                                            {"'name':'a'", "'name':{'bytes':7}"},
                                            {"'number'", "'text'"},
                                            {"'number'", "'figure'"},
                                            {"'centre':1", "'centre':1e301"},
                                            {"'centre':1", "'centre':null"},
                                            {"'spread':2", "'spread':0"},
                                            {"'spread':2", "'spread':-2"},
                                            {"'deviation':2", "'deviation':0"},
                                            {"'mean':1,", ""},
                                            {"false", "0"},
                                            {"'missing_share':0.5", "'missing_share':1.5"},
                                            {"[1,2,3]", "[1,2]"},
                                            {"[1,2,3]", "[1,2,2]"},
                                            {"[1,2,3]", "[1,3,2]"},
                                            {"[1,2,3]", "[1,2,'3']"},
                                            {"[1,2,3]", "[]"},
                                            {"[1,2,3]", "7"},
                                            {"'knots':[1,2,3],", ""},
                                            {",'scores':[-1,0,1]", ""},
                                            {"[-1,0,1]", "[1,0,1]"},
                                            {"[-1,0,1]", "[-1,0,99]"},
                                            {"'scores':[-1,0,1]", "'scores':[-1,0,1],'ranks':[-1,0,1]"},
                                            {"'zscore'", "'rank'"},
                                            {"'text'", "'number'"},
                                            {"['p','(missing)']", "[]"},
                                            {"['p','(missing)']", "['p','p']"},
                                            {"['p','(missing)']", "['p',7]"},
                                            {"['p','(missing)']", "'p'"},
                                            {"'missing_level':1", "'missing_level':2"},
                                            {"'missing_level':1", "'missing_level':-2"},
                                            {"'missing_level':1", "'missing_level':0.5"},
                                            {",'missing_level':1", ""}};
    (void)state;

    assert_int_equal(read_changed("'a'", "'a'"), AGOP_OK);
    assert_int_equal(read_changed("'a'", "{'bytes':'61'}"), AGOP_OK);
    for (size_t i = 0; i < sizeof damage / sizeof *damage; i++) {
        agop_status st = read_changed(damage[i][0], damage[i][1]);
        if (st != AGOP_E_FORMAT)
            fail_msg("%s -> %s gives %s", damage[i][0], damage[i][1], agop_status_name(st));
    }
}

static void test_schema__json_of_another_kind_is_refused(void **state)
{
    const char *const odd[] = {"[]",
                               "7",
                               "null",
                               "{}",
                               "{\"scale\":\"none\",\"normal_scores\":false,\"factor\":1,"
                               "\"height\":1,\"fields\":[]}",
                               "{\"scale\":\"none\",\"normal_scores\":false,\"factor\":1,\"height\":1,\"fields\":[7]}"};
    agop__err         e;
    (void)state;

    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
        agop__schema s;
        json_t      *j = json_loads(odd[i], JSON_DECODE_ANY, NULL);
        assert_int_equal(agop__schema_from_json(&s, j, &e), AGOP_E_FORMAT);
        json_decref(j);
    }
}

/* ---- memory ---- */

static agop_status whole_story(agop_ctx *ctx, const agop_table *t, const agop_settings *set)
{
    agop__schema s = {0}, r = {0};
    json_t      *j = NULL;
    agop__buffer b = {0};
    double       x[5];
    int32_t      codes[3];
    agop_status  st = agop__schema_learn(&s, ctx, t, "", set);

    if (st == AGOP_OK)
        st = agop__schema_encode(x, AGOP_F64, codes, &s, ctx, t, 0, 1, NULL);
    if (st == AGOP_OK)
        st = agop__schema_to_json(&j, &s, &ctx->err);
    if (st == AGOP_OK)
        st = agop__schema_from_json(&r, j, &ctx->err);
    if (st == AGOP_OK)
        st = agop__schema_feature(&b, NULL, &r, 4, &ctx->err);
    json_decref(j);
    agop__buffer_free(&b);
    agop__schema_free(&s);
    agop__schema_free(&r);
    return st;
}

static void test_schema__every_failed_allocation_is_told(void **state)
{
    const double      a[] = {1, NAN, 3, 4}, one[] = {5, 5, 5, 5};
    const char *const c[] = {"p", NULL, "q", "p"}, *const d[] = {"\xff", "r", "s", "t"};
    agop_table    *t   = table(4);
    agop_settings *set = settings("normal_scores", "true", "max_levels", "2", "categorical", "one", NULL);
    (void)state;

    add(t, "a", a);
    add(t, "one", one);
    add_text(t, "c", c);
    add_text(t, "d", d);
    json_set_alloc_funcs(malloc, free); /* these calls are ours, so they fail, too */
    for (int64_t n = 1;; n++) {
        agop_ctx    ctx = listen(1);
        agop_status st;
        int         failed;
        fail_alloc_arm(n);
        st     = whole_story(&ctx, t, set);
        failed = fail_alloc_disarm();
        if (!failed) {
            assert_int_equal(st, AGOP_OK);
            assert_true(n > 50);
            break;
        }
        if (st != AGOP_E_NOMEM)
            fail_msg("allocation %d: %s", (int)n, agop_status_name(st));
    }
    agop_settings_free(set);
    agop_table_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_schema__scales_are_those_of_scikit_learn),
        cmocka_unit_test(test_schema__normal_scores_stand_beside_the_z_score),
        cmocka_unit_test(test_schema__columns_like_their_normal_scores_stand_beside_themselves),
        cmocka_unit_test(test_schema__a_far_value_keeps_its_column_s_scores),
        cmocka_unit_test(test_schema__ranks_of_new_values_are_interpolated),
        cmocka_unit_test(test_schema__the_normal_quantile_is_that_of_scipy),
        cmocka_unit_test(test_schema__sorting_agrees_with_qsort),
        cmocka_unit_test(test_schema__long_columns_keep_a_thousand_knots),
        cmocka_unit_test(test_schema__missing_cells_become_the_mean_and_are_indicated),
        cmocka_unit_test(test_schema__cells_missing_only_later_are_the_mean_and_noted),
        cmocka_unit_test(test_schema__constant_and_empty_columns_are_zero_for_ever),
        cmocka_unit_test(test_schema__notes_name_at_most_five_columns),
        cmocka_unit_test(test_schema__texts_are_numbered_by_first_appearance),
        cmocka_unit_test(test_schema__missing_texts_count_as_unseen_where_fit_saw_none),
        cmocka_unit_test(test_schema__only_the_most_frequent_levels_are_kept),
        cmocka_unit_test(test_schema__of_equally_frequent_levels_the_first_are_kept),
        cmocka_unit_test(test_schema__numbers_can_be_categories_at_fit_and_later),
        cmocka_unit_test(test_schema__a_far_origin_changes_nothing),
        cmocka_unit_test(test_schema__row_by_row_is_all_at_once_whatever_the_column_order),
        cmocka_unit_test(test_schema__wide_tables_are_coded_in_many_parts),
        cmocka_unit_test(test_schema__coordinates_have_mean_zero),
        cmocka_unit_test(test_schema__single_precision_is_double_rounded),
        cmocka_unit_test(test_schema__extreme_values_stay_finite),
        cmocka_unit_test(test_schema__lost_and_mistyped_columns_are_named),
        cmocka_unit_test(test_schema__settings_that_cannot_be_followed_are_refused),
        cmocka_unit_test(test_schema__left_out_columns_are_not_learned),
        cmocka_unit_test(test_schema__features_are_numbers_then_levels),
        cmocka_unit_test(test_schema__slopes_are_per_standard_deviation),
        cmocka_unit_test(test_schema__json_gives_back_the_same_bits),
        cmocka_unit_test(test_schema__texts_that_are_not_utf8_survive_json),
        cmocka_unit_test(test_schema__damaged_json_is_refused),
        cmocka_unit_test(test_schema__json_of_another_kind_is_refused),
        cmocka_unit_test(test_schema__every_failed_allocation_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
