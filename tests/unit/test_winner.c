/* test_winner.c - which functions of a pair correlate most: by loops over the definition; that they are standardised,
 * and that their correlation is the score, however columns are scaled and held. */
#include "fail_alloc.h"
#include "model_support.h"

static agop_ctx *ctx;

enum { ROWS = 120, COLUMNS = 5, TERMS = 6 };

/* x, its square, a column with missing cells, one that is mostly zero, a constant. */
static void make_world(double v[COLUMNS][ROWS])
{
    uint64_t seed = 12;

    for (int i = 0; i < ROWS; i++) {
        seed    = seed * 6364136223846793005ULL + 1442695040888963407ULL;
        v[0][i] = 4 * (double)(seed >> 11) / 9007199254740992.0 - 2;
        v[1][i] = v[0][i] * v[0][i];
        v[2][i] = i % 7 == 3 ? (double)NAN : 3 - v[0][i] + .5 * (double)(i % 5);
        v[3][i] = i % 6 == 1 ? 1 + fabs(v[0][i]) : 0;
        v[4][i] = 2;
    }
}

static agop_table *table_of(double v[COLUMNS][ROWS])
{
    static const char *const names[] = {"x", "square", "gaps", "rare", "same"};
    const char              *kind[ROWS];
    agop_table              *t = NULL;

    for (int i = 0; i < ROWS; i++)
        kind[i] = i % 3 ? "a" : "b";
    assert_int_equal(agop_table_new(&t, ctx, ROWS), AGOP_OK);
    assert_int_equal(agop_table_add_text(t, ctx, "kind", kind), AGOP_OK); /* variable 0 */
    for (int j = 0; j < COLUMNS; j++)
        assert_int_equal(agop_table_add_numeric(t, ctx, names[j], v[j]), AGOP_OK);
    return t;
}

/* The same columns as non-zeros, those without missing cells. */
static agop_table *sparse_of(double v[COLUMNS][ROWS])
{
    int64_t        start[COLUMNS] = {0}, n = 0;
    int32_t        row[COLUMNS * ROWS];
    float          value[COLUMNS * ROWS];
    agop_sparse   *m = NULL;
    agop_table    *t = NULL;
    agop_settings *s = settings_of(ctx, "");

    for (int k = 0, j = 0; j < COLUMNS; j++) {
        if (j == 2)
            continue;
        for (int i = 0; i < ROWS; i++)
            if ((float)v[j][i] != 0) {
                row[n]     = i;
                value[n++] = (float)v[j][i];
            }
        start[++k] = n;
    }
    assert_int_equal(agop_sparse_new(&m, ctx, ROWS, COLUMNS - 1, start, row, value, NULL, NULL), AGOP_OK);
    assert_int_equal(agop_table_from_sparse(&t, ctx, m, s), AGOP_OK);
    agop_sparse_free(m);
    agop_settings_free(s);
    return t;
}

static agop_ids *score(const agop_table *x, const agop_table *y, const char *words)
{
    return score_table(ctx, x, y, words);
}

static agop_winner winner_of(const agop_ids *d, int64_t a, int64_t b)
{
    agop_winner w;

    if (agop_ids_winner(&w, ctx, d, a, b) != AGOP_OK)
        fail_msg("%s", agop_errmsg(ctx));
    return w;
}

/* ---- the definition ---- */

static double phi(double x, int k)
{
    double factorial = 1;

    for (int r = 2; r <= k; r++)
        factorial *= r;
    return exp(-x * x / 2) * pow(x, k) / sqrt(factorial);
}

/* phi_k of x over the rows where y is there, too, of mean 0 and deviation 1; others are NaN. */
static int standard(double *out, const double *x, const double *y, int k)
{
    double n = 0, mean = 0, square = 0;

    for (int i = 0; i < ROWS; i++) {
        out[i] = isnan(x[i]) || isnan(y[i]) ? (double)NAN : phi(x[i], k);
        if (!isnan(out[i])) {
            n++;
            mean += out[i];
        }
    }
    for (int i = 0; i < ROWS; i++)
        square += isnan(out[i]) ? 0 : (out[i] - mean / n) * (out[i] - mean / n);
    for (int i = 0; i < ROWS; i++)
        out[i] = square > 1e-20 ? (out[i] - mean / n) / sqrt(square / n) : isnan(out[i]) ? out[i] : 0;
    return (int)n;
}

static void against_definition(const agop_ids *d, double v[COLUMNS][ROWS], int a, int b)
{
    agop_winner w = winner_of(d, a + 1, b + 1), want = {0};
    double      f[ROWS], g[ROWS], got[ROWS];

    for (int k = 0; k < TERMS; k++)
        for (int l = 0; l < TERMS; l++) {
            double r = 0;
            want.rows = standard(f, v[a], v[b], k);
            (void)standard(g, v[b], v[a], l);
            for (int i = 0; i < ROWS; i++)
                r += isnan(f[i]) ? 0 : f[i] * g[i] / (double)want.rows;
            if (fabs(r) > fabs(want.r) + 1e-12) {
                want.r = r;
                want.k = k;
                want.l = l;
            }
        }
    assert_int_equal(w.k, want.k);
    assert_int_equal(w.l, want.l);
    assert_int_equal(w.rows, want.rows);
    assert_true(fabs(w.r - want.r) < 1e-10);
    for (int side = 0; side < 2; side++) {
        (void)standard(f, v[side ? b : a], v[side ? a : b], side ? w.l : w.k);
        agop_ids_winning(got, d, &w, side, v[side ? b : a], ROWS);
        for (int i = 0; i < ROWS; i++)
            assert_true(isnan(f[i]) || fabs(got[i] - f[i]) < 1e-9);
    }
}

static void test_winner__agrees_with_the_definition(void **state)
{
    double      v[COLUMNS][ROWS];
    agop_table *t;
    agop_ids   *d;
    (void)state;
    make_world(v);
    t = table_of(v);
    d = score(t, NULL, "scale=none");
    for (int a = 0; a < COLUMNS; a++)
        for (int b = 0; b < COLUMNS; b++)
            if (a != b)
                against_definition(d, v, a, b);
    agop_ids_free(d);
    agop_table_free(t);
}

/* x is spread about 0: no odd function of it goes along with its square. */
static void test_winner__of_a_square_it_is_an_even_function(void **state)
{
    double      v[COLUMNS][ROWS];
    agop_table *t;
    (void)state;
    make_world(v);
    t = table_of(v);
    for (int scale = 0; scale < 3; scale++) {
        static const char *const words[] = {"scale=none", "scale=zscore", "scale=rank"};
        agop_ids                *d = score(t, NULL, words[scale]);
        agop_winner              w = winner_of(d, 1, 2), turned = winner_of(d, 2, 1);
        assert_int_equal(w.k % 2, 0);
        assert_true(fabs(w.r) > .9 && turned.k == w.l && turned.l == w.k && fabs(turned.r - w.r) < 1e-12);
        agop_ids_free(d);
    }
    agop_table_free(t);
}

/* ---- what holds of all ---- */

/* The functions over the rows that both have: mean 0, deviation 1, and their correlation is the score. */
static void holds(const agop_ids *d, const agop_table *x, const agop_table *y, int64_t a, int64_t b, double found)
{
    agop_winner w = winner_of(d, a, b);
    double      cell[2][ROWS], f[2][ROWS], sum[2] = {0}, square[2] = {0}, r = 0, n = 0;

    for (int i = 0; i < ROWS; i++) {
        cell[0][i] = agop_table_number(x, i, a);
        cell[1][i] = agop_table_number(y, i, b);
    }
    for (int side = 0; side < 2; side++)
        agop_ids_winning(f[side], d, &w, side, cell[side], ROWS);
    for (int i = 0; i < ROWS; i++) {
        assert_true(isnan(f[0][i]) == isnan(cell[0][i]) && isnan(f[1][i]) == isnan(cell[1][i]));
        if (isnan(f[0][i]) || isnan(f[1][i]))
            continue;
        n++;
        r += f[0][i] * f[1][i];
        for (int side = 0; side < 2; side++) {
            sum[side] += f[side][i];
            square[side] += f[side][i] * f[side][i];
        }
    }
    assert_int_equal(w.rows, n);
    assert_true(fabs(fabs(w.r) - found) < 1e-9);
    if (w.r == 0)
        return;
    assert_true(fabs(r / n - w.r) < 1e-9);
    for (int side = 0; side < 2; side++)
        assert_true(fabs(sum[side] / n) < 1e-9 && fabs(square[side] / n - 1) < 1e-9);
}

static void all_hold(const agop_table *x, const agop_table *y, const char *words)
{
    agop_ids *d = score(x, y, words);
    int64_t   rows = agop_ids_variables(d, 0), cols = agop_ids_variables(d, 1);
    double   *all = score_matrix(ctx, d);

    for (int64_t a = 0; a < rows; a++)
        for (int64_t b = 0; b < cols; b++)
            if (strcmp(agop_ids_name(d, 0, a), "kind") != 0 && strcmp(agop_ids_name(d, 1, b), "kind") != 0)
                holds(d, x, y ? y : x, a, b, all[a * cols + b]);
    free(all);
    agop_ids_free(d);
}

static void test_winner__its_correlation_is_the_score(void **state)
{
    static const char *const words[] = {"scale=rank", "scale=zscore", "scale=minmax scale_range=3", "scale=none",
                                        "compat=true", "terms=10 width=2", "terms=1"};
    double                   v[COLUMNS][ROWS];
    agop_table              *t, *sparse;
    (void)state;
    make_world(v);
    t      = table_of(v);
    sparse = sparse_of(v);
    for (int k = 0; k < 7; k++) {
        char all[96];
        (void)snprintf(all, sizeof all, "%s precision=double", words[k]);
        all_hold(t, NULL, all);
        all_hold(sparse, NULL, all);
        all_hold(sparse, t, all);
    }
    agop_table_free(t);
    agop_table_free(sparse);
}

static void test_winner__nothing_wins_where_nothing_varies(void **state)
{
    double      v[COLUMNS][ROWS], x[3] = {1, (double)NAN, 2};
    agop_table *t;
    agop_ids   *d;
    agop_winner w;
    (void)state;
    make_world(v);
    t = table_of(v);
    d = score(t, NULL, "");
    w = winner_of(d, 1, 5);
    assert_true(w.r == 0 && w.k == 0 && w.l == 0 && w.rows == ROWS);
    agop_ids_winning(x, d, &w, 1, x, 3); /* in place */
    assert_true(x[0] == 0 && isnan(x[1]) && x[2] == 0);
    agop_ids_free(d);
    agop_table_free(t);
}

/* ---- refusals ---- */

static void refused(const agop_ids *d, int64_t a, int64_t b, const char *says)
{
    agop_winner w;

    assert_int_equal(agop_ids_winner(&w, ctx, d, a, b), AGOP_E_PARAM);
    if (!strstr(agop_errmsg(ctx), says))
        fail_msg("'%s' says nothing of '%s'", agop_errmsg(ctx), says);
}

/* Rounding of a mean over many rows must not look like something that varies. */
static void test_winner__constants_of_many_rows_have_none(void **state)
{
    enum { MANY = 200000 };
    double     *v[3], x[2] = {2, 3};
    agop_table *t;
    agop_ids   *d;

    (void)state;
    assert_int_equal(agop_table_new(&t, ctx, MANY), AGOP_OK);
    for (int j = 0; j < 3; j++) {
        v[j] = calloc(MANY, sizeof **v);
        for (int i = 0; i < MANY; i++)
            v[j][i] = j == 0 ? 2 : j == 1 ? .7 : sin(i);
        assert_int_equal(agop_table_add_numeric(t, ctx, (const char *[]){"two", "part", "wave"}[j], v[j]), AGOP_OK);
    }
    d = score(t, NULL, "scale=none");
    for (int a = 0; a < 2; a++) {
        agop_winner w;
        assert_int_equal(agop_ids_winner(&w, ctx, d, a, a + 1), AGOP_OK);
        assert_true(w.r == 0 && w.deviation_a == 0);
        agop_ids_winning(x, d, &w, 0, x, 2);
        assert_true(x[0] == 0 && x[1] == 0);
    }
    for (int j = 0; j < 3; j++)
        free(v[j]);
    agop_ids_free(d);
    agop_table_free(t);
}

static void test_winner__what_has_none_is_refused(void **state)
{
    double      v[COLUMNS][ROWS];
    agop_table *t;
    agop_ids   *d, *other;
    agop_winner w;
    agop_status st;
    (void)state;
    make_world(v);
    t     = table_of(v);
    d     = score(t, NULL, "");
    other = score(t, NULL, "measure=pearson drop=kind");
    refused(d, 0, 1, "'kind' is a category");
    refused(d, 1, 0, "'kind' is a category");
    refused(d, 1, 6, "no variable 6");
    refused(d, -1, 1, "no variable -1");
    refused(other, 0, 1, "measure ids");
    fail_alloc_arm(1);
    st = agop_ids_winner(&w, ctx, d, 1, 2);
    assert_true(fail_alloc_disarm());
    assert_int_equal(st, AGOP_E_NOMEM);
    agop_ids_free(d);
    agop_ids_free(other);
    agop_table_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_winner__agrees_with_the_definition),
        cmocka_unit_test(test_winner__of_a_square_it_is_an_even_function),
        cmocka_unit_test(test_winner__its_correlation_is_the_score),
        cmocka_unit_test(test_winner__nothing_wins_where_nothing_varies),
        cmocka_unit_test(test_winner__constants_of_many_rows_have_none),
        cmocka_unit_test(test_winner__what_has_none_is_refused),
    };
    int failed;
    if (agop_open(&ctx, "cpu", 2) != AGOP_OK)
        return 1;
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    agop_close(ctx);
    return failed;
}
