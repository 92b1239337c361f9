/* test_table.c - tables: storage, names, numbers as categories, sentences about columns. */
#include "table_support.h"

#include <locale.h>
#include <math.h>

static void test_table__columns_keep_their_values_and_names(void **state)
{
    agop_ctx          ctx    = listen(1);
    agop_table       *t      = NULL;
    const double      size[] = {1.5, NAN, -3};
    const char *const town[] = {"Ulm", NULL, "Ulm"};
    (void)state;

    assert_int_equal(agop_table_new(&t, &ctx, 3), AGOP_OK);
    assert_int_equal(agop_table_add_numeric(t, &ctx, "size", size), AGOP_OK);
    assert_int_equal(agop_table_add_text(t, &ctx, "town", town), AGOP_OK);
    assert_int_equal(agop_table_rows(t), 3);
    assert_int_equal(agop_table_cols(t), 2);
    assert_string_equal(agop_table_name(t, 1), "town");
    assert_int_equal(agop_table_is_text(t, 0), 0);
    assert_int_equal(agop_table_is_text(t, 1), 1);
    assert_int_equal(agop_table_missing(t, 0), 1);
    assert_int_equal(agop_table_missing(t, 1), 1);
    assert_int_equal(agop_table_levels(t, 0), 0);
    assert_int_equal(agop_table_levels(t, 1), 1);
    assert_string_equal(agop_table_level(t, 1, 0), "Ulm");
    assert_close(agop_table_number(t, 2, 0), -3, 0);
    assert_close(agop_table_number(t, 1, 0), NAN, 0);
    assert_close(agop_table_number(t, 1, 1), -1, 0);
    assert_close(agop_table_number(t, 2, 1), 0, 0);
    agop_table_free(t);
}

static void test_table__what_is_outside_is_nothing(void **state)
{
    agop_ctx    ctx = listen(1);
    agop_table *t   = NULL;
    (void)state;

    assert_int_equal(agop_table_new(&t, &ctx, 0), AGOP_OK);
    assert_null(agop_table_name(t, 0));
    assert_null(agop_table_name(t, -1));
    assert_null(agop_table_level(t, 0, 0));
    assert_close(agop_table_number(t, 0, 0), NAN, 0);
    assert_int_equal(agop_table_rows(NULL), 0);
    assert_int_equal(agop_table_missing(t, 7), 0);
    agop_table_free(t);
    agop_table_free(NULL);
    assert_int_equal(agop_table_new(&t, &ctx, -1), AGOP_E_ARG);
    assert_null(t);
    assert_int_equal(agop_table_new(NULL, &ctx, 1), AGOP_E_ARG);
}

static void test_table__a_matrix_is_viewed_not_copied(void **state)
{
    agop_ctx    ctx  = listen(1);
    agop_table *t    = NULL;
    float       v[8] = {1, 2, 3, -1, 5, 6, 7, -1};
    agop_mat    X    = {v, 2, 3, 4, AGOP_F32};
    (void)state;

    assert_int_equal(agop_table_from_mat(&t, &ctx, &X), AGOP_OK);
    assert_int_equal(agop_table_cols(t), 3);
    assert_string_equal(agop_table_name(t, 2), "x3");
    assert_close(agop_table_number(t, 1, 2), 7, 0);
    v[6] = 70;
    assert_close(agop_table_number(t, 1, 2), 70, 0);
    agop_table_free(t);
}

static void test_table__infinite_and_ill_formed_matrices_are_refused(void **state)
{
    agop_ctx    ctx  = listen(1);
    agop_table *t    = NULL;
    double      v[4] = {1, 2, 3, -INFINITY};
    agop_mat    X    = {v, 2, 2, 2, AGOP_F64};
    (void)state;

    assert_int_equal(agop_table_from_mat(&t, &ctx, &X), AGOP_E_NUMERIC);
    assert_null(t);
    assert_sentence(&ctx, "'x2' is infinite in row 2");
    X.ld = 1;
    assert_int_equal(agop_table_from_mat(&t, &ctx, &X), AGOP_E_ARG);
    X.ld    = 2;
    X.dtype = 9;
    assert_int_equal(agop_table_from_mat(&t, &ctx, &X), AGOP_E_ARG);
    X.dtype = AGOP_F64;
    X.data  = NULL;
    assert_int_equal(agop_table_from_mat(&t, &ctx, &X), AGOP_E_ARG);
    assert_int_equal(agop_table_from_mat(&t, &ctx, NULL), AGOP_E_ARG);
}

static void test_table__two_columns_of_one_name_are_refused(void **state)
{
    agop_ctx     ctx = listen(1);
    agop_table  *t   = NULL;
    const double v[] = {1, INFINITY};
    (void)state;

    assert_int_equal(agop_table_new(&t, &ctx, 1), AGOP_OK);
    assert_int_equal(agop_table_add_numeric(t, &ctx, "a", v), AGOP_OK);
    assert_int_equal(agop_table_add_numeric(t, &ctx, "a", v), AGOP_E_ARG);
    assert_sentence(&ctx, "'a'");
    assert_int_equal(agop_table_add_numeric(t, &ctx, "", v), AGOP_E_ARG);
    assert_int_equal(agop_table_add_numeric(t, &ctx, NULL, v), AGOP_E_ARG);
    assert_int_equal(agop_table_add_numeric(t, &ctx, "b", v + 1), AGOP_E_NUMERIC);
    assert_int_equal(agop_table_cols(t), 1);
    agop_table_free(t);
}

static void test_table__thousands_of_columns_are_found_by_name(void **state)
{
    agop_ctx    ctx = listen(1);
    agop_table *t   = NULL;
    double     *v   = calloc(20000, sizeof *v);
    agop_mat    X   = {v, 1, 20000, 20000, AGOP_F64};
    (void)state;

    v[17776] = 3;
    assert_int_equal(agop_table_from_mat(&t, &ctx, &X), AGOP_OK);
    assert_int_equal(agop__table_find(t, "x17777"), 17776);
    assert_close(agop__table_at(t, 0, 17776), 3, 0);
    assert_int_equal(agop__table_find(t, "x20001"), -1);
    agop_table_free(t);
    free(v);
}

static void expect_text(double v, const char *text)
{
    char   out[AGOP__NUMBER_TEXT];
    size_t n = agop__number_text(out, v);
    assert_string_equal(out, text);
    assert_int_equal(n, strlen(text));
}

/* Python's repr is the independent truth for the shortest text; C writes exponents with a sign. */
static void test_table__numbers_are_named_by_their_shortest_text(void **state)
{
    (void)state;
    expect_text(1, "1");
    expect_text(-0.0, "0");
    expect_text(-17, "-17");
    expect_text(0.1, "0.1");
    expect_text(0.1 + 0.2, "0.30000000000000004");
    expect_text(2.5, "2.5");
    expect_text(1e300, "1e+300");
    expect_text(5e-324, "4.94065645841247e-324");
    expect_text(123456789012345680.0, "1.2345678901234568e+17");
    expect_text(1.7976931348623157e308, "1.7976931348623157e+308");
}

static void test_table__names_of_numbers_do_not_follow_the_locale(void **state)
{
    (void)state;
    if (!setlocale(LC_NUMERIC, "de_DE.UTF-8"))
        skip(); /* that locale is not here */
    expect_text(0.5, "0.5");
    (void)setlocale(LC_NUMERIC, "C");
}

static void test_table__a_numeric_column_becomes_categories(void **state)
{
    const double v[] = {3, 1, NAN, 3, 0.5};
    agop__column c   = {.number = v, .stride = 1, .dtype = AGOP_F64};
    agop__dict   levels;
    agop__err    e;
    int32_t     *code;
    const int    want[] = {0, 1, -1, 0, 2};
    (void)state;

    assert_int_equal(agop__column_as_text(&code, &levels, &c, 5, &e), AGOP_OK);
    for (int i = 0; i < 5; i++)
        assert_int_equal(code[i], want[i]);
    assert_string_equal(levels.text[2], "0.5");
    free(code);
    agop__dict_free(&levels);
}

static void test_table__a_name_that_is_not_there_gets_its_closest(void **state)
{
    agop_ctx     ctx = listen(1);
    agop_table  *t   = NULL;
    const double v[] = {1};
    (void)state;

    assert_int_equal(agop_table_new(&t, &ctx, 1), AGOP_OK);
    assert_int_equal(agop_table_add_numeric(t, &ctx, "rooms", v), AGOP_OK);
    assert_int_equal(agop_table_add_numeric(t, &ctx, "price", v), AGOP_OK);
    assert_int_equal(agop__no_column(&ctx.err, "a.csv", "romos,x", 5, "drop", &t->names), AGOP_E_DATA);
    assert_string_equal(ctx.err.text, "a.csv: there is no column 'romos' (drop): did you mean 'rooms'?");
    assert_int_equal(agop__no_column(&ctx.err, NULL, "zzzzzzz", 7, "drop", &t->names), AGOP_E_DATA);
    assert_string_equal(ctx.err.text, "there is no column 'zzzzzzz' (drop) among 2");
    assert_int_equal(agop__lost_column(&ctx.err, "a.csv", "area", &t->names), AGOP_E_DATA);
    assert_string_equal(ctx.err.text, "a.csv: column 'area' is missing (the model was fitted with it)");
    agop_table_free(t);
}

static void test_table__targets_are_the_setting_or_what_the_reader_made_of_it(void **state)
{
    agop_ctx     ctx = listen(1);
    agop_table  *t   = NULL;
    const double v[] = {1};
    (void)state;

    assert_int_equal(agop_table_new(&t, &ctx, 1), AGOP_OK);
    assert_int_equal(agop_table_add_numeric(t, &ctx, "a", v), AGOP_OK);
    assert_int_equal(agop_table_add_numeric(t, &ctx, "y", v), AGOP_OK);
    assert_string_equal(agop__table_targets(t, "b"), "b");
    t->targets = strdup("y");
    assert_string_equal(agop__table_targets(t, "y.npy"), "y");
    assert_string_equal(agop__table_targets(t, "a"), "a");
    assert_string_equal(agop__table_targets(t, "a,b"), "y");
    assert_string_equal(agop__table_targets(t, ""), "y");
    agop_table_free(t);
}

static void test_table__a_column_may_be_a_view_with_a_stride(void **state)
{
    agop_ctx    ctx  = listen(1);
    agop_table *t    = NULL;
    float       v[6] = {1, -1, 2, -1, NAN, -1};
    double      w[3] = {1, INFINITY, 3};
    (void)state;

    assert_int_equal(agop_table_new(&t, &ctx, 3), AGOP_OK);
    assert_int_equal(agop_table_add_view(t, &ctx, "a", v, 2, AGOP_F32), AGOP_OK);
    v[2] = 7;
    assert_close(agop_table_number(t, 1, 0), 7, 0);
    assert_int_equal(agop_table_missing(t, 0), 1);
    assert_int_equal(agop_table_add_view(t, &ctx, "b", w, 1, AGOP_F64), AGOP_E_NUMERIC);
    assert_int_equal(agop_table_add_view(t, &ctx, "b", w, 0, AGOP_F64), AGOP_E_ARG);
    assert_int_equal(agop_table_add_view(t, &ctx, "b", w, 1, 3), AGOP_E_ARG);
    assert_int_equal(agop_table_add_view(t, &ctx, "b", NULL, 1, AGOP_F64), AGOP_E_ARG);
    assert_int_equal(agop_table_cols(t), 1);
    agop_table_free(t);
}

static void test_table__texts_may_come_as_codes(void **state)
{
    agop_ctx          ctx     = listen(1);
    agop_table       *t       = NULL;
    const char *const level[] = {"Ulm", "Bonn"}, *const twice[] = {"Ulm", "Ulm"};
    int32_t           code[3] = {1, -1, 1};
    (void)state;

    assert_int_equal(agop_table_new(&t, &ctx, 3), AGOP_OK);
    assert_int_equal(agop_table_add_codes(t, &ctx, "town", code, level, 2), AGOP_OK);
    assert_int_equal(agop_table_is_text(t, 0), 1);
    assert_int_equal(agop_table_levels(t, 0), 2);
    assert_string_equal(agop_table_level(t, 0, 1), "Bonn");
    assert_close(agop_table_number(t, 0, 0), 1, 0);
    assert_int_equal(agop_table_missing(t, 0), 1);
    assert_int_equal(agop_table_add_codes(t, &ctx, "b", code, twice, 2), AGOP_E_ARG);
    assert_int_equal(agop_table_add_codes(t, &ctx, "b", code, level, 1), AGOP_E_ARG); /* code 1 has no level */
    assert_int_equal(agop_table_add_codes(t, &ctx, "b", NULL, level, 2), AGOP_E_ARG);
    code[0] = -2;
    assert_int_equal(agop_table_add_codes(t, &ctx, "b", code, level, 2), AGOP_E_ARG);
    assert_int_equal(agop_table_cols(t), 1);
    agop_table_free(t);
}

static void test_table__every_failed_allocation_is_told(void **state)
{
    agop_ctx          ctx    = listen(1);
    const double      size[] = {1.5, NAN, -3};
    const char *const town[] = {"Ulm", NULL, "Bonn"}, *const level[] = {"Ulm", "Bonn"};
    const int32_t     code[] = {1, -1, 0};
    (void)state;

    for (int64_t n = 1;; n++) {
        agop_table *t = NULL, *u = NULL;
        agop_status st;
        fail_alloc_arm(n);
        st = agop_table_new(&t, &ctx, 3);
        if (st == AGOP_OK)
            st = agop_table_add_numeric(t, &ctx, "size", size);
        if (st == AGOP_OK)
            st = agop_table_add_text(t, &ctx, "town", town);
        if (st == AGOP_OK)
            st = agop_table_add_codes(t, &ctx, "twice", code, level, 2);
        if (st == AGOP_OK)
            st = agop_table_add_view(t, &ctx, "view", size, 1, AGOP_F64);
        if (st == AGOP_OK)
            st = agop_table_new(&u, &ctx, 2);
        if (st == AGOP_OK)
            st = agop__table_add_copy(u, "town", &t->column[1], 1, &ctx.err);
        if (st == AGOP_OK)
            st = agop__no_column(&ctx.err, NULL, "q", 1, "drop", &t->names) == AGOP_E_NOMEM ? AGOP_E_NOMEM : AGOP_OK;
        if (!fail_alloc_disarm()) {
            assert_int_equal(st, AGOP_OK);
            assert_int_equal(u->column[0].code[1], 1);
            agop_table_free(t);
            agop_table_free(u);
            assert_true(n > 10);
            break;
        }
        assert_int_equal(st, AGOP_E_NOMEM);
        agop_table_free(t);
        agop_table_free(u);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table__columns_keep_their_values_and_names),
        cmocka_unit_test(test_table__what_is_outside_is_nothing),
        cmocka_unit_test(test_table__a_matrix_is_viewed_not_copied),
        cmocka_unit_test(test_table__infinite_and_ill_formed_matrices_are_refused),
        cmocka_unit_test(test_table__two_columns_of_one_name_are_refused),
        cmocka_unit_test(test_table__thousands_of_columns_are_found_by_name),
        cmocka_unit_test(test_table__numbers_are_named_by_their_shortest_text),
        cmocka_unit_test(test_table__names_of_numbers_do_not_follow_the_locale),
        cmocka_unit_test(test_table__a_numeric_column_becomes_categories),
        cmocka_unit_test(test_table__a_name_that_is_not_there_gets_its_closest),
        cmocka_unit_test(test_table__targets_are_the_setting_or_what_the_reader_made_of_it),
        cmocka_unit_test(test_table__a_column_may_be_a_view_with_a_stride),
        cmocka_unit_test(test_table__texts_may_come_as_codes),
        cmocka_unit_test(test_table__every_failed_allocation_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
