/* test_equal.c - where equal rows stand changes nothing, and rows keep the numbers that the caller knows them by. */
#include "model_support.h"

#include "rfm/fit.h"
#include "table/table.h"

enum { ALONE = 40, ALL = 56 };
static agop_ctx *ctx;

/* Rows 0 .. 39 of the mixed table and 16 of them again, in one of two orders. */
static void rows_of(int64_t *row, int turned)
{
    for (int i = 0; i < ALL; i++) {
        int at  = turned ? (i * 23 + 11) % ALL : i;
        row[at] = i < ALONE ? i : (i * 7) % 20;
    }
}

static agop_table *table(int turned, int rows)
{
    int64_t     row[ALL];
    agop_table *mixed, *t;
    agop__err   e;

    rows_of(row, turned);
    assert_int_equal(make_mixed(&mixed, ctx, ALONE), AGOP_OK);
    assert_int_equal(agop__table_subset(&t, mixed, row, rows, "", &e), AGOP_OK);
    agop_table_free(mixed);
    return t;
}

static agop__settled settled(const agop_table *t, agop__target *g, const char *words)
{
    agop_settings *s = settings_of(ctx, words);
    agop__settled  l = {.target = g};

    assert_int_equal(agop__settle_rows(&l, ctx, t, s), AGOP_OK);
    agop_settings_free(s);
    return l;
}

static void close(agop__settled *l)
{
    agop__settled_free(l);
    agop__target_free(l->target);
}

static int same_cell(const agop_table *a, int64_t i, const agop_table *b, int64_t j, int64_t col)
{
    const agop__column *c = &a->column[col], *d = &b->column[col];

    if (c->is_text) {
        int32_t u = agop__column_code(c, i), v = agop__column_code(d, j);
        return u < 0 || v < 0 ? u == v : strcmp(c->levels.text[u], d->levels.text[v]) == 0;
    }
    return agop__column_at(c, i) == agop__column_at(d, j) ||
           (isnan(agop__column_at(c, i)) && isnan(agop__column_at(d, j)));
}

static void test_equal__is_that_of_the_cells(void **state)
{
    agop_table   *t[2] = {table(0, ALL), table(1, ALL)};
    agop__target  g[2] = {{0}, {0}};
    agop__settled l[2];

    (void)state;
    for (int k = 0; k < 2; k++) {
        int64_t seen[ALL] = {0};
        l[k]              = settled(t[k], &g[k], "target=kind drop=z");
        assert_non_null(l[k].table);
        for (int i = 0; i < ALL; i++) {
            seen[l[k].order[i]]++;
            for (int j = 0; j < t[k]->cols; j++)
                assert_true(same_cell(l[k].table, i, t[k], l[k].order[i], j));
        }
        for (int i = 0; i < ALL; i++)
            assert_int_equal(seen[i], 1);
    }
    for (int i = 0; i < ALL; i++)
        for (int j = 0; j < t[0]->cols; j++)
            assert_true(same_cell(l[0].table, i, l[1].table, i, j));
    for (int k = 0; k < 2; k++) {
        close(&l[k]);
        agop_table_free(t[k]);
    }
}

/* Rows that differ in a feature, the target or their weight alone are not equal; what is left out does not tell. */
static void test_equal__rows_without_a_twin_stay(void **state)
{
    static const double feature[] = {1, 1, 2}, dropped[] = {1, 2, 3}, target[] = {1, 2, 2}, same[] = {1, 2, 1};
    static const double weight[] = {1, 2, 3}, zero[] = {0, 1, -0.0};
    static const struct {
        const double *x, *y, *w;
        int           equal;
    } cases[] = {{feature, target, NULL, 0}, {feature, same, NULL, 0}, {zero, same, NULL, 1}, {zero, same, weight, 0}};

    (void)state;
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        agop__target  g = {0};
        agop__settled l;
        agop_table   *t;
        assert_int_equal(agop_table_new(&t, ctx, 3), AGOP_OK);
        assert_int_equal(agop_table_add_numeric(t, ctx, "x", cases[k].x), AGOP_OK);
        assert_int_equal(agop_table_add_numeric(t, ctx, "d", dropped), AGOP_OK);
        assert_int_equal(agop_table_add_numeric(t, ctx, "y", cases[k].y), AGOP_OK);
        if (cases[k].w)
            assert_int_equal(agop_table_add_numeric(t, ctx, "w", cases[k].w), AGOP_OK);
        l = settled(t, &g, cases[k].w ? "target=y drop=d weights=w" : "target=y drop=d");
        assert_int_equal(l.table != NULL, cases[k].equal);
        close(&l);
        agop_table_free(t);
    }
}

static double *answers(const agop_model *m, const agop_table *t)
{
    double  *out   = calloc((size_t)agop_table_rows(t), sizeof *out);
    agop_mat place = {.data = out, .rows = agop_table_rows(t), .cols = 1, .ld = 1, .dtype = AGOP_F64};

    assert_int_equal(agop_predict(&place, ctx, m, t, 0), AGOP_OK);
    return out;
}

/* How often row i of a is among training rows n, and that no other row is as near. */
static int twins(const agop_neighbour *n, const agop_table *a, int64_t i, const agop_table *t)
{
    int found = 0;

    for (int k = 0; k < ALL && n[k].row >= 0; k++) {
        int same = 1;
        for (int j = 0; j < t->cols; j++)
            same &= same_cell(a, i, t, n[k].row, j);
        found += same;
        assert_int_equal(n[k].distance < 1e-3, same);
    }
    return found;
}

static void test_fit__does_not_see_where_equal_rows_stand(void **state)
{
    static const char *const words[] = {"target=y drop=z,kind,w", "target=y drop=z,kind weights=w",
                                        "target=y drop=z,kind,w leaf_size=20"};

    int64_t row[ALL];
    int     times[ALONE] = {0};

    (void)state;
    rows_of(row, 0);
    for (int i = 0; i < ALL; i++)
        times[row[i]]++;
    for (size_t k = 0; k < sizeof words / sizeof *words; k++) {
        agop_table *t[2] = {table(0, ALL), table(1, ALL)}, *asked = table(0, ALONE);
        double     *f[2];
        for (int turned = 0; turned < 2; turned++) {
            agop_model     *m = fit_table(ctx, t[turned], NULL, words[k]);
            agop_neighbour *n = calloc((size_t)ALONE * ALL, sizeof *n);
            f[turned] = answers(m, asked);
            assert_int_equal(agop_influence(n, ctx, m, asked, NULL, ALL), AGOP_OK);
            for (int i = 0; i < ALONE; i++)
                assert_int_equal(twins(&n[i * ALL], asked, i, t[turned]), times[i]);
            free(n);
            agop_model_free(m);
        }
        assert_memory_equal(f[0], f[1], ALONE * sizeof **f);
        free(f[0]);
        free(f[1]);
        agop_table_free(t[0]);
        agop_table_free(t[1]);
        agop_table_free(asked);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equal__is_that_of_the_cells),
        cmocka_unit_test(test_equal__rows_without_a_twin_stay),
        cmocka_unit_test(test_fit__does_not_see_where_equal_rows_stand),
    };
    int failed;

    if (agop_open(&ctx, "cpu", 2) != AGOP_OK)
        return 1;
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    agop_close(ctx);
    return failed;
}
