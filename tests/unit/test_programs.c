/* test_programs.c - groups that were planted are found, whatever the order of columns; what is at the edge; how active
 * they are, by hand; and every failure comes back. */
#include "fail_alloc.h"
#include "model_support.h"

#ifdef AGOP_HAVE_IGRAPH
#include <igraph.h>
#endif

static agop_ctx *ctx;

enum { ROWS = 300, GROUPS = 3, EACH = 6, NOISE = 4, COLUMNS = GROUPS * EACH + NOISE };

static double normal(uint64_t *seed)
{
    double sum = -6;

    for (int k = 0; k < 12; k++) {
        *seed = *seed * 6364136223846793005ULL + 1442695040888963407ULL;
        sum += (double)(*seed >> 11) / 9007199254740992.0;
    }
    return sum;
}

/* Columns a1 .. a6 follow one hidden number, b1 .. b6 another, c1 .. c6 a third; n1 .. n4 nothing. With `falling` the
 * last of each group follows it with the other sign. Row i of value: column i. */
typedef struct world {
    char   name[COLUMNS][8];
    double value[COLUMNS][ROWS];
} world;

static world make_world(int falling)
{
    world    w;
    uint64_t seed = 5;
    double   hidden[GROUPS][ROWS];

    for (int g = 0; g < GROUPS; g++)
        for (int i = 0; i < ROWS; i++)
            hidden[g][i] = normal(&seed);
    for (int j = 0; j < COLUMNS; j++) {
        int g = j / EACH, last = j % EACH == EACH - 1;
        (void)snprintf(w.name[j], sizeof w.name[j], "%c%d", g < GROUPS ? 'a' + g : 'n', j % EACH + 1);
        for (int i = 0; i < ROWS; i++)
            w.value[j][i] = normal(&seed) + (g < GROUPS ? (falling && last ? -2 : 2) * hidden[g][i] : 0);
    }
    return w;
}

/* Columns first, first + step, first + 2 step ... of the world, all of them where step has no factor of COLUMNS. */
static agop_table *table_of(const world *w, int first, int step, int count)
{
    agop_table *t = NULL;

    assert_int_equal(agop_table_new(&t, ctx, ROWS), AGOP_OK);
    for (int k = 0; k < count; k++) {
        int j = (first + step * k) % COLUMNS;
        assert_int_equal(agop_table_add_numeric(t, ctx, w->name[j], w->value[j]), AGOP_OK);
    }
    return t;
}

static agop_ids *score(const agop_table *t, const char *words)
{
    return score_table(ctx, t, NULL, words);
}

/* A table, its scores, and settings for its programs. */
typedef struct scene {
    world          w;
    agop_table    *t;
    agop_ids      *d;
    agop_settings *s;
} scene;

static void open_scene(scene *c, const char *words)
{
    c->w = make_world(0);
    c->t = table_of(&c->w, 0, 1, COLUMNS);
    c->d = score(c->t, words);
    c->s = settings_of(ctx, "");
}

static void close_scene(scene *c)
{
    agop_settings_free(c->s);
    agop_ids_free(c->d);
    agop_table_free(c->t);
}

#ifdef AGOP_HAVE_IGRAPH
static agop_programs *programs_of(const agop_ids *d, const char *words)
{
    agop_settings *s = settings_of(ctx, words);
    agop_programs *p = NULL;

    if (agop_ids_programs(&p, ctx, d, s) != AGOP_OK)
        fail_msg("%s: %s", words, agop_errmsg(ctx));
    agop_settings_free(s);
    return p;
}

/* "a1 a2 b1|c1 c2" of all programs: members by name, the programs as they come. */
static void spell(char *out, size_t size, const agop_ids *d, const agop_programs *p)
{
    *out = '\0';
    for (int64_t k = 0; k < agop_programs_count(p); k++) {
        agop_program g = agop_programs_at(p, k);
        const char  *last = "";
        if (k)
            strncat(out, "|", size - strlen(out) - 1);
        for (int64_t i = 0; i < g.members; i++) { /* the next name after the last one */
            const char *next = NULL;
            for (int64_t m = 0; m < g.members; m++) {
                const char *name = agop_ids_name(d, 0, g.member[m]);
                if (strcmp(name, last) > 0 && (!next || strcmp(name, next) < 0))
                    next = name;
            }
            assert_non_null(next);
            if (i)
                strncat(out, " ", size - strlen(out) - 1);
            strncat(out, next, size - strlen(out) - 1);
            last = next;
        }
    }
}

/* Programs of equal size stand by strength: here all orders of the three groups are fine. */
static void assert_groups(const agop_ids *d, const agop_programs *p)
{
    char all[256];

    spell(all, sizeof all, d, p);
    assert_int_equal(agop_programs_count(p), GROUPS);
    assert_non_null(strstr(all, "a1 a2 a3 a4 a5 a6"));
    assert_non_null(strstr(all, "b1 b2 b3 b4 b5 b6"));
    assert_non_null(strstr(all, "c1 c2 c3 c4 c5 c6"));
}

static void test_programs__planted_groups_are_found_exactly(void **state)
{
    static const char *const how[] = {"", "top=5", "min_score=0.1", "p_values=true", "measure=spearman", "p_norm=l2"};
    world       w = make_world(0);
    agop_table *t = table_of(&w, 0, 1, COLUMNS);
    (void)state;
    for (int k = 0; k < 6; k++) {
        agop_ids      *d = score(t, how[k]);
        agop_programs *p = programs_of(d, "");
        assert_groups(d, p);
        agop_programs_free(p);
        agop_ids_free(d);
    }
    agop_table_free(t);
}

static void test_programs__the_order_of_columns_does_not_matter(void **state)
{
    world          w = make_world(0);
    agop_table    *t = table_of(&w, 0, 1, COLUMNS), *u = table_of(&w, 5, 7, COLUMNS);
    agop_ids      *d = score(t, "precision=double"), *e = score(u, "precision=double");
    agop_programs *p = programs_of(d, "partners=4"), *q = programs_of(e, "partners=4");
    char           one[256], other[256];
    (void)state;
    spell(one, sizeof one, d, p);
    spell(other, sizeof other, e, q);
    assert_string_equal(one, other);
    for (int64_t k = 0; k < agop_programs_count(p); k++) {
        agop_program g = agop_programs_at(p, k), h = agop_programs_at(q, k);
        assert_true(fabs(g.strength - h.strength) < 1e-12);
        for (int64_t i = 0; i < g.members; i++)
            assert_string_equal(agop_ids_name(d, 0, g.member[i]), agop_ids_name(e, 0, h.member[i]));
    }
    agop_programs_free(p);
    agop_programs_free(q);
    agop_ids_free(d);
    agop_ids_free(e);
    agop_table_free(t);
    agop_table_free(u);
}

static void test_programs__members_stand_by_the_scores_they_have_in_it(void **state)
{
    world          w = make_world(0);
    agop_table    *t = table_of(&w, 0, 1, COLUMNS);
    agop_ids      *d = score(t, "");
    agop_programs *p = programs_of(d, "");
    double         all[COLUMNS * COLUMNS];
    agop_mat       m = {.data = all, .rows = COLUMNS, .cols = COLUMNS, .ld = COLUMNS, .dtype = AGOP_F64};
    (void)state;
    assert_int_equal(agop_ids_matrix(&m, ctx, d), AGOP_OK);
    for (int64_t k = 0; k < GROUPS; k++) { /* with more partners than members every pair in it is an edge */
        agop_program g   = agop_programs_at(p, k);
        double       sum = 0;
        for (int64_t i = 0; i < g.members; i++) {
            double within = 0;
            for (int64_t j = 0; j < g.members; j++)
                within += i == j ? 0 : all[g.member[i] * COLUMNS + g.member[j]];
            assert_true(fabs(within - g.within[i]) < 1e-12);
            assert_true(i == 0 || g.within[i] <= g.within[i - 1]);
            assert_true(g.sign[i] == 1);
            sum += within;
        }
        assert_true(fabs(g.strength - sum / (EACH * (EACH - 1))) < 1e-12);
    }
    agop_programs_free(p);
    agop_ids_free(d);
    agop_table_free(t);
}

/* A column that falls as the others rise is in no program, or with any_sign in it with a sign. */
static void test_programs__signs(void **state)
{
    world          w = make_world(1);
    agop_table    *t = table_of(&w, 0, 1, COLUMNS);
    agop_ids      *d = score(t, "");
    agop_programs *rising = programs_of(d, ""), *any = programs_of(d, "any_sign=true partners=5");
    char           all[256];
    (void)state;
    spell(all, sizeof all, d, rising);
    assert_non_null(strstr(all, "a1 a2 a3 a4 a5"));
    assert_null(strstr(all, "a6"));
    assert_true(agop_programs_count(any) >= GROUPS);
    for (int64_t k = 0; k < GROUPS; k++) {
        agop_program g = agop_programs_at(any, k);
        assert_true(g.members >= EACH);
        assert_true(g.sign[0] == 1); /* the strongest */
        for (int64_t i = 0; i < g.members; i++) {
            int other = (g.member[i] % EACH == EACH - 1) != (g.member[0] % EACH == EACH - 1);
            if (agop_ids_name(d, 0, g.member[i])[0] != 'n')
                assert_true(g.sign[i] == (other ? -1 : 1));
        }
    }
    agop_programs_free(rising);
    agop_programs_free(any);
    agop_ids_free(d);
    agop_table_free(t);
}

static void test_programs__of_one_edge_and_of_none(void **state)
{
    world w = make_world(0);
    (void)state;
    for (int columns = 2; columns <= 3; columns++) { /* a1 and a2; or n1, n2 and n3 */
        agop_table    *t = table_of(&w, columns == 2 ? 0 : GROUPS * EACH, 1, columns);
        agop_ids      *d = score(t, "");
        agop_programs *p = programs_of(d, "least_members=2"), *q = programs_of(d, "");
        agop_mat       none = {.rows = ROWS, .dtype = AGOP_F64};
        int64_t        most[ROWS];
        assert_int_equal(agop_programs_count(p), columns == 2);
        assert_int_equal(agop_programs_count(q), 0);
        assert_int_equal(agop_programs_activity(&none, most, ctx, q), AGOP_OK);
        assert_true(most[0] == -1 && most[ROWS - 1] == -1);
        agop_programs_free(p);
        agop_programs_free(q);
        agop_ids_free(d);
        agop_table_free(t);
    }
}

/* Mean of z-scores, by hand; missing cells count as the mean; the skewed one of two marks rows. */
static void test_programs__activity_is_the_mean_of_standardised_members(void **state)
{
    world          w = make_world(0);
    agop_table    *t;
    agop_ids      *d;
    agop_programs *p;
    double         v[ROWS * GROUPS], sum[ROWS], mean = 0, square = 0, skew[GROUPS] = {0};
    int64_t        most[ROWS];
    agop_mat       m = {.data = v, .rows = ROWS, .cols = GROUPS, .ld = GROUPS, .dtype = AGOP_F64};
    agop_program   g;
    (void)state;
    w.value[2][17] = NAN;
    for (int j = EACH; j < 2 * EACH; j++) /* the second group is high in few rows */
        for (int i = 0; i < ROWS; i++)
            w.value[j][i] = exp(w.value[j][i] / 2);
    t = table_of(&w, 0, 1, COLUMNS);
    d = score(t, "");
    p = programs_of(d, "");
    assert_groups(d, p);
    assert_int_equal(agop_programs_activity(&m, most, ctx, p), AGOP_OK);
    g = agop_programs_at(p, 0);
    memset(sum, 0, sizeof sum);
    for (int64_t k = 0; k < g.members; k++) {
        const double *x = w.value[g.member[k]];
        double        s = 0, q = 0, n = 0;
        for (int i = 0; i < ROWS; i++)
            if (!isnan(x[i])) {
                s += x[i];
                q += x[i] * x[i];
                n++;
            }
        for (int i = 0; i < ROWS; i++)
            sum[i] += isnan(x[i]) ? 0 : (x[i] - s / n) / sqrt(q / n - s / n * (s / n));
    }
    for (int i = 0; i < ROWS; i++) {
        mean += sum[i] / ROWS;
        square += sum[i] * sum[i] / ROWS;
    }
    for (int i = 0; i < ROWS; i++) {
        assert_true(fabs(v[i * GROUPS] - (sum[i] - mean) / sqrt(square - mean * mean)) < 1e-9);
        for (int k = 0; k < GROUPS; k++)
            skew[k] += pow(v[i * GROUPS + k], 3) / ROWS;
    }
    for (int i = 0; i < ROWS; i++) {
        int best = -1;
        for (int k = 0; k < GROUPS; k++)
            if (skew[k] > 2 * sqrt(6.0 / ROWS) && v[i * GROUPS + k] > (best < 0 ? 0 : v[i * GROUPS + best]))
                best = k;
        assert_int_equal(most[i], best);
    }
    m.cols = 2;
    assert_int_equal(agop_programs_activity(&m, NULL, ctx, p), AGOP_E_SHAPE);
    agop_programs_free(p);
    agop_ids_free(d);
    agop_table_free(t);
}

static void refuse(const char *reason, const char *file, int line, igraph_error_t code)
{
    (void)reason, (void)file, (void)line, (void)code;
}

/* What of igraph belongs to the process is as it was. */
static void test_programs__igraph_is_left_as_it_was(void **state)
{
    world                   w = make_world(0);
    agop_table             *t = table_of(&w, 0, 1, COLUMNS);
    agop_ids               *d = score(t, "");
    igraph_rng_t           *own    = igraph_rng_default();
    igraph_error_handler_t *before = igraph_set_error_handler(refuse);
    igraph_integer_t        first, again;
    (void)state;
    assert_int_equal(igraph_rng_seed(own, 11), IGRAPH_SUCCESS);
    first = igraph_rng_get_integer(own, 0, 1000000);
    assert_int_equal(igraph_rng_seed(own, 11), IGRAPH_SUCCESS);
    agop_programs_free(programs_of(d, ""));
    assert_ptr_equal(igraph_rng_default(), own);
    again = igraph_rng_get_integer(igraph_rng_default(), 0, 1000000);
    assert_true(first == again);
    assert_true(igraph_set_error_handler(before) == refuse);
    agop_ids_free(d);
    agop_table_free(t);
}

static int stop(void *user, const agop_progress *p)
{
    (void)user;
    return strcmp(p->phase, "programs") == 0;
}

static void test_programs__can_be_stopped(void **state)
{
    scene          c;
    agop_programs *p;
    (void)state;
    open_scene(&c, "");
    agop_on_progress(ctx, stop, NULL);
    assert_int_equal(agop_ids_programs(&p, ctx, c.d, c.s), AGOP_E_STOPPED);
    assert_null(p);
    agop_on_progress(ctx, NULL, NULL);
    close_scene(&c);
}

static void test_programs__every_allocation_may_fail(void **state)
{
    scene          c;
    double         v[ROWS * GROUPS];
    int64_t        most[ROWS];
    agop_mat       m = {.data = v, .rows = ROWS, .cols = GROUPS, .ld = GROUPS, .dtype = AGOP_F64};
    (void)state;
    open_scene(&c, "");
    for (int64_t n = 1;; n++) {
        agop_programs *p = NULL;
        agop_status    st;
        int            failed;
        fail_alloc_arm(n);
        st = agop_ids_programs(&p, ctx, c.d, c.s);
        if (st == AGOP_OK)
            st = agop_programs_activity(&m, most, ctx, p);
        failed = fail_alloc_disarm();
        agop_programs_free(p);
        if (!failed) {
            assert_int_equal(st, AGOP_OK);
            assert_true(n > 10);
            break;
        }
        assert_int_equal(st, AGOP_E_NOMEM);
    }
    close_scene(&c);
}

#else

static void test_programs__without_igraph_a_sentence_says_so(void **state)
{
    scene          c;
    agop_programs *p;
    (void)state;
    open_scene(&c, "");
    assert_int_equal(agop_ids_programs(&p, ctx, c.d, c.s), AGOP_E_UNSUPPORTED);
    assert_non_null(strstr(agop_errmsg(ctx), "libigraph-dev"));
    close_scene(&c);
}

#endif

static void test_programs__are_of_one_table(void **state)
{
    scene          c;
    agop_programs *p;
    (void)state;
    open_scene(&c, "target=a1");
    assert_int_equal(agop_ids_programs(&p, ctx, c.d, c.s), AGOP_E_PARAM);
    assert_null(p);
    close_scene(&c);
}

static int open_context(void **state)
{
    (void)state;
    return agop_open(&ctx, "cpu", 1) == AGOP_OK ? 0 : -1;
}

static int close_context(void **state)
{
    (void)state;
    agop_close(ctx);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#ifdef AGOP_HAVE_IGRAPH
        cmocka_unit_test(test_programs__planted_groups_are_found_exactly),
        cmocka_unit_test(test_programs__the_order_of_columns_does_not_matter),
        cmocka_unit_test(test_programs__members_stand_by_the_scores_they_have_in_it),
        cmocka_unit_test(test_programs__signs),
        cmocka_unit_test(test_programs__of_one_edge_and_of_none),
        cmocka_unit_test(test_programs__activity_is_the_mean_of_standardised_members),
        cmocka_unit_test(test_programs__igraph_is_left_as_it_was),
        cmocka_unit_test(test_programs__can_be_stopped),
        cmocka_unit_test(test_programs__every_allocation_may_fail),
#else
        cmocka_unit_test(test_programs__without_igraph_a_sentence_says_so),
#endif
        cmocka_unit_test(test_programs__are_of_one_table),
    };

    return cmocka_run_group_tests(tests, open_context, close_context);
}
