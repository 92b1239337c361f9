/* test_reader.c - tables from files: which columns, as what, in blocks or at once, with and without a model.
 *
 * Files are written here byte by byte; tests/data/arrays.npz was written by NumPy (tests/data/make_arrays.py). */
#include "table_support.h"

#include <math.h>
#include <unistd.h>
#include <zlib.h>

static char folder[256];

static const char *in_folder(const char *name)
{
    static char path[8][320];
    static int  turn;
    turn = (turn + 1) % 8;
    (void)snprintf(path[turn], sizeof path[turn], "%s/%s", folder, name);
    return path[turn];
}

static const char *file(const char *name, const void *bytes, size_t count)
{
    const char *path = in_folder(name);
    FILE       *f    = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, count, f), count);
    assert_int_equal(fclose(f), 0);
    return path;
}

static const char *text_file(const char *name, const char *text)
{
    return file(name, text, strlen(text));
}

/* Format 1.0 of numpy.lib.format: magic, version, length of the header, a Python dictionary padded to 64 bytes. */
static const char *npy(const char *name, const char *descr, int64_t rows, int64_t cols, const void *data, size_t bytes)
{
    unsigned char *all = calloc(1, 128 + bytes);
    char           header[118];
    const char    *path;

    memset(header, ' ', sizeof header);
    if (cols > 0)
        (void)snprintf(header, sizeof header, "{'descr': '%s', 'fortran_order': False, 'shape': (%d, %d), }", descr,
                       (int)rows, (int)cols);
    else
        (void)snprintf(header, sizeof header, "{'descr': '%s', 'fortran_order': False, 'shape': (%d,), }", descr,
                       (int)rows);
    header[strlen(header)] = ' ';
    header[117]            = '\n';
    memcpy(all, "\x93NUMPY\x01\x00\x76\x00", 10);
    memcpy(all + 10, header, sizeof header);
    memcpy(all + 128, data, bytes);
    path = file(name, all, 128 + bytes);
    free(all);
    return path;
}

static agop_table *read_or_fail(agop_ctx *ctx, const char *path, agop_settings *s)
{
    agop_table *t = NULL;
    if (agop_table_read(&t, ctx, path, s, NULL) != AGOP_OK)
        fail_msg("%s", ctx->err.text);
    agop_settings_free(s);
    return t;
}

static void expect_refusal(agop_status want, const char *path, agop_settings *s, const char *sentence)
{
    agop_ctx    ctx = listen(1);
    agop_table *t   = NULL;
    agop_status st  = agop_table_read(&t, &ctx, path, s, NULL);
    if (st != want)
        fail_msg("%s, not %s: %s", agop_status_name(st), agop_status_name(want), ctx.err.text);
    assert_null(t);
    assert_sentence(&ctx, sentence);
    agop_settings_free(s);
}

static int64_t col(const agop_table *t, const char *name)
{
    int64_t j = agop__table_find(t, name);
    if (j < 0)
        fail_msg("there is no column %s", name);
    return j;
}

static double number(const agop_table *t, int64_t row, const char *name)
{
    return agop_table_number(t, row, col(t, name));
}

/* The text in a cell, "" where it is missing, "?" where it is unknown. */
static const char *text(const agop_table *t, int64_t row, const char *name)
{
    int64_t     j = col(t, name);
    int32_t     k = agop__column_code(&t->column[j], row);
    const char *s = agop_table_level(t, j, k);
    return k == -1 ? "" : k == -2 ? "?" : s;
}

static const char houses[] = "rooms,town,zone,price,w\n"
                             "3,Ulm,7,100,1\n"
                             "4,Bonn,8,200.5,2\n"
                             ",,7,300,1\n"
                             "5,Ulm,,400,2\n";

/* ---- CSV ---- */

static void test_reader__types_come_from_the_cells(void **state)
{
    agop_ctx    ctx = listen(2);
    agop_table *t   = read_or_fail(&ctx, text_file("h.csv", houses), NULL);
    (void)state;

    assert_int_equal(agop_table_rows(t), 4);
    assert_int_equal(agop_table_cols(t), 5);
    assert_close(number(t, 1, "price"), 200.5, 0);
    assert_close(number(t, 2, "rooms"), NAN, 0);
    assert_string_equal(text(t, 3, "town"), "Ulm");
    assert_string_equal(text(t, 2, "town"), "");
    assert_int_equal(agop_table_is_text(t, col(t, "zone")), 0);
    assert_null(t->targets);
    agop_table_free(t);
}

static void test_reader__settings_choose_types_and_columns(void **state)
{
    agop_ctx    ctx = listen(2);
    agop_table *t =
        read_or_fail(&ctx, text_file("h.csv", houses),
                     settings("categorical", "zone,price", "drop", "rooms", "target", "price", "weights", "w", NULL));
    (void)state;

    assert_int_equal(agop_table_cols(t), 4);
    assert_int_equal(agop__table_find(t, "rooms"), -1);
    assert_string_equal(text(t, 0, "zone"), "7");
    assert_string_equal(text(t, 1, "price"), "200.5");
    assert_int_equal(agop_table_is_text(t, col(t, "w")), 0);
    assert_string_equal(t->targets, "price");
    agop_table_free(t);
}

static void test_reader__names_that_are_not_there_get_their_closest(void **state)
{
    const char *h = text_file("h.csv", houses);
    (void)state;
    expect_refusal(AGOP_E_DATA, h, settings("drop", "romos", NULL),
                   "h.csv: there is no column 'romos' (drop): did you "
                   "mean 'rooms'?");
    expect_refusal(AGOP_E_DATA, h, settings("categorical", "towns", NULL), "(categorical): did you mean 'town'?");
    expect_refusal(AGOP_E_DATA, h, settings("numeric", "zzzzzz", NULL), "'zzzzzz' (numeric) among 5");
    expect_refusal(AGOP_E_DATA, h, settings("weights", "v1234", NULL), "(weights)");
    expect_refusal(AGOP_E_DATA, h, settings("target", "prize", NULL),
                   "(target, nor such a file): did you mean "
                   "'price'?");
    expect_refusal(AGOP_E_DATA, h, settings("target", "-1", NULL), "'-1' (target");
}

static void test_reader__settings_that_contradict_are_refused(void **state)
{
    const char *h = text_file("h.csv", houses);
    (void)state;
    expect_refusal(AGOP_E_PARAM, h, settings("categorical", "zone", "numeric", "zone", NULL), "'zone'");
    expect_refusal(AGOP_E_PARAM, h, settings("categorical", "w", "weights", "w", NULL), "'w'");
    expect_refusal(AGOP_E_PARAM, h, settings("target", "price", "drop", "price", NULL), "both target and drop");
    expect_refusal(AGOP_E_PARAM, h, settings("target", "price,price", NULL), "'price' twice");
    expect_refusal(AGOP_E_FORMAT, h, settings("numeric", "town", NULL), "'Ulm'");
}

static void test_reader__blocks_hold_the_rows_in_order(void **state)
{
    agop_ctx       ctx   = listen(2);
    agop_table    *whole = read_or_fail(&ctx, text_file("h.csv", houses), NULL);
    agop_reader   *r     = NULL;
    const double   y[]   = {10, 20, 30, 40};
    agop_settings *s     = settings("target", npy("y.npy", "<f8", 4, 0, y, sizeof y), NULL);
    (void)state;

    for (int64_t rows = 1; rows <= 5; rows++) {
        int64_t     seen = 0;
        agop_table *t    = NULL;
        assert_int_equal(agop_reader_open(&r, &ctx, in_folder("h.csv"), s, NULL), AGOP_OK);
        while (assert_int_equal(agop_reader_next(&t, &ctx, r, rows), AGOP_OK), t) {
            assert_true(t->rows <= rows);
            assert_string_equal(t->targets, "y");
            for (int64_t i = 0; i < t->rows; i++, seen++) {
                assert_close(number(t, i, "rooms"), number(whole, seen, "rooms"), 0);
                assert_string_equal(text(t, i, "town"), text(whole, seen, "town"));
                assert_close(number(t, i, "y"), y[seen], 0);
            }
            agop_table_free(t);
        }
        assert_int_equal(seen, 4);
        assert_int_equal(agop_reader_next(&t, &ctx, r, rows), AGOP_OK);
        assert_null(t);
        agop_reader_close(r);
    }
    agop_settings_free(s);
    agop_table_free(whole);
}

static void test_reader__compressed_text_is_text(void **state)
{
    agop_ctx    ctx = listen(1);
    gzFile      f   = gzopen(in_folder("odd.name"), "wb");
    agop_table *t;
    (void)state;

    assert_int_equal(gzwrite(f, houses, sizeof houses - 1), sizeof houses - 1);
    assert_int_equal(gzclose(f), Z_OK);
    t = read_or_fail(&ctx, in_folder("odd.name"), NULL);
    assert_close(number(t, 3, "price"), 400, 0);
    agop_table_free(t);
}

static void test_reader__files_without_rows_or_without_being_are_refused(void **state)
{
    (void)state;
    expect_refusal(AGOP_E_DATA, text_file("empty.csv", "a,b\n"), NULL, "no rows");
    expect_refusal(AGOP_E_IO, in_folder("not-there.csv"), NULL, "not-there.csv");
}

/* ---- targets in other files ---- */

static void test_reader__a_target_may_be_another_file(void **state)
{
    agop_ctx     ctx  = listen(1);
    const double y2[] = {1, 2, 3, 4, 5, 6, 7, 8};
    agop_table  *t    = read_or_fail(&ctx, text_file("h.csv", houses),
                                     settings("target", npy("y2.npy", "<f8", 4, 2, y2, sizeof y2), NULL));
    (void)state;

    assert_string_equal(t->targets, "y1,y2");
    assert_close(number(t, 3, "y2"), 8, 0);
    assert_string_equal(agop__table_targets(t, "whatever/y2.npy"), "y1,y2");
    agop_table_free(t);
    t = read_or_fail(&ctx, in_folder("h.csv"),
                     settings("target", text_file("k.csv", "kind\nred\nblue\nred\n?\n"), NULL));
    assert_string_equal(t->targets, "kind");
    assert_string_equal(text(t, 1, "kind"), "blue");
    agop_table_free(t);
    t = read_or_fail(&ctx, in_folder("h.csv"),
                     settings("target", npy("y.npy", "<f8", 4, 0, y2, 32), "categorical", "y", NULL));
    assert_string_equal(text(t, 1, "y"), "2");
    agop_table_free(t);
}

static void test_reader__rows_of_data_and_target_must_agree(void **state)
{
    const double   y[] = {1, 2, 3, 4, 5};
    agop_ctx       ctx = listen(1);
    agop_reader   *r   = NULL;
    agop_table    *t   = NULL;
    agop_settings *s;
    (void)state;

    expect_refusal(AGOP_E_SHAPE, text_file("h.csv", houses),
                   settings("target", npy("y3.npy", "<f8", 3, 0, y, 24), NULL),
                   "h.csv has 4 rows, the file of the target has 3");
    expect_refusal(AGOP_E_SHAPE, in_folder("h.csv"), settings("target", npy("y5.npy", "<f8", 5, 0, y, 40), NULL),
                   "has 4 rows, the file of the target has 5");
    expect_refusal(AGOP_E_SHAPE, npy("x4.npy", "<f8", 4, 1, y, 32), settings("target", in_folder("y5.npy"), NULL),
                   "x4.npy has 4 rows, the file of the target has 5");
    /* in blocks it shows at the end */
    s = settings("target", in_folder("y5.npy"), NULL);
    assert_int_equal(agop_reader_open(&r, &ctx, in_folder("h.csv"), s, NULL), AGOP_OK);
    assert_int_equal(agop_reader_next(&t, &ctx, r, 4), AGOP_OK);
    agop_table_free(t);
    assert_int_equal(agop_reader_next(&t, &ctx, r, 4), AGOP_E_SHAPE);
    assert_null(t);
    agop_reader_close(r);
    agop_settings_free(s);
}

/* ---- array files ---- */

static void test_reader__arrays_are_packed_in_their_own_precision(void **state)
{
    const float x[] = {1.5F, .1F, 3, 4, -0.F, (float)NAN};
    agop_ctx    ctx = listen(1);
    agop_table *t   = read_or_fail(&ctx, npy("x.npy", "<f4", 2, 3, x, sizeof x), NULL);
    (void)state;

    assert_int_equal(agop_table_cols(t), 3);
    assert_non_null(t->column[1].packed);
    assert_int_equal(agop__pack_kind(t->column[1].packed, 0), AGOP__PACK_SINGLE);
    assert_close(number(t, 0, "x2"), (double).1F, 0);
    assert_true(signbit(number(t, 1, "x2")));
    assert_int_equal(agop_table_missing(t, 2), 1);
    agop_table_free(t);
}

static void test_reader__infinite_cells_of_arrays_are_named(void **state)
{
    const double x[] = {1, 2, 3, 4, -INFINITY, 6};
    (void)state;
    expect_refusal(AGOP_E_FORMAT, npy("x.npy", "<f8", 3, 2, x, sizeof x), NULL, "x.npy: row 3, column 'x1': infinite");
}

static void test_reader__targets_of_arrays_are_numbers_from_either_end(void **state)
{
    const double x[] = {1, 2, 3, 4, 5, 6};
    const char  *p   = npy("x.npy", "<f8", 2, 3, x, sizeof x);
    agop_ctx     ctx = listen(1);
    agop_table  *t   = read_or_fail(&ctx, p, settings("target", "-1,0", NULL));
    (void)state;

    assert_string_equal(t->targets, "x3,x1");
    agop_table_free(t);
    t = read_or_fail(&ctx, p, settings("target", "x2", "drop", "x1", "categorical", "x2", NULL));
    assert_string_equal(t->targets, "x2");
    assert_int_equal(agop_table_cols(t), 2);
    assert_string_equal(text(t, 1, "x2"), "5");
    assert_close(number(t, 1, "x3"), 6, 0);
    agop_table_free(t);
    expect_refusal(AGOP_E_DATA, p, settings("target", "3", NULL),
                   "there is no column 3 (target): it has 3, counted "
                   "from 0");
    expect_refusal(AGOP_E_DATA, p, settings("target", "-4", NULL), "there is no column -4");
}

static void test_reader__blocks_of_arrays_outlive_their_reader(void **state)
{
    const double x[] = {1, 2, 3, 4, 5, 6};
    agop_ctx     ctx = listen(1);
    agop_reader *r   = NULL;
    agop_table  *t = NULL, *u = NULL;
    (void)state;

    assert_int_equal(agop_reader_open(&r, &ctx, npy("x.npy", "<f8", 3, 2, x, sizeof x), NULL, NULL), AGOP_OK);
    assert_int_equal(agop_reader_next(&t, &ctx, r, 2), AGOP_OK);
    assert_int_equal(agop_reader_next(&u, &ctx, r, 2), AGOP_OK);
    agop_reader_close(r);
    assert_int_equal(agop_table_rows(t), 2);
    assert_int_equal(agop_table_rows(u), 1);
    assert_close(number(t, 1, "x2"), 4, 0);
    assert_close(number(u, 0, "x2"), 6, 0);
    agop_table_free(t);
    agop_table_free(u);
}

static void test_reader__text_arrays_are_columns_of_text(void **state)
{
    const char  s[] = "ab\0"
                      "1.5"
                      "nan"
                      "2\0\0";
    agop_ctx    ctx = listen(1);
    agop_table *t   = read_or_fail(&ctx, npy("s.npy", "|S3", 2, 2, s, 12), NULL);
    (void)state;

    assert_string_equal(text(t, 0, "x1"), "ab");
    assert_string_equal(text(t, 1, "x1"), "");
    assert_string_equal(text(t, 1, "x2"), "2");
    agop_table_free(t);
    t = read_or_fail(&ctx, in_folder("s.npy"), settings("numeric", "x2", NULL));
    assert_close(number(t, 0, "x2"), 1.5, 0);
    assert_close(number(t, 1, "x2"), 2, 0);
    agop_table_free(t);
    expect_refusal(AGOP_E_FORMAT, in_folder("s.npy"), settings("numeric", "x1", NULL),
                   "s.npy: column 'x1': 'ab' is not "
                   "a number");
}

static void test_reader__the_arrays_of_an_npz_are_data_and_target(void **state)
{
    agop_ctx    ctx = listen(1);
    agop_table *t   = read_or_fail(&ctx, "tests/data/arrays.npz", NULL);
    (void)state;

    assert_int_equal(agop_table_cols(t), 3); /* X is numpy.arange(12).reshape(4, 3) / 2, single precision */
    assert_int_equal(agop__pack_kind(t->column[0].packed, 0), AGOP__PACK_SINGLE);
    assert_close(number(t, 3, "x3"), 5.5, 0);
    assert_null(t->targets);
    agop_table_free(t);
    t = read_or_fail(&ctx, "tests/data/arrays.npz", settings("target", "y", NULL)); /* y is [1, 0, 1, 2], int64 */
    assert_string_equal(t->targets, "y");
    assert_close(number(t, 3, "y"), 2, 0);
    agop_table_free(t);
    t = read_or_fail(&ctx, "tests/data/arrays.npz", settings("target", "kind", NULL)); /* ["a", "b", "a", "c"] */
    assert_string_equal(t->targets, "y");
    assert_string_equal(text(t, 3, "y"), "c");
    agop_table_free(t);
    expect_refusal(AGOP_E_FORMAT, "tests/data/arrays.npz", settings("target", "z", NULL), "no array is called 'z'");
}

static void test_reader__labels_of_libsvm_are_the_target(void **state)
{
    const char  *p   = text_file("d.svm", "1 1:0.5 3:2\n-1 2:7 # a comment\n1 1:1\n");
    agop_ctx     ctx = listen(1);
    agop_table  *t   = read_or_fail(&ctx, p, NULL);
    const double y[] = {5, 6, 7};
    (void)state;

    assert_int_equal(agop_table_cols(t), 4);
    assert_string_equal(agop_table_name(t, 0), "target");
    assert_string_equal(t->targets, "target");
    assert_close(number(t, 1, "target"), -1, 0);
    assert_close(number(t, 0, "x3"), 2, 0);
    assert_close(number(t, 1, "x1"), 0, 0);
    agop_table_free(t);
    t = read_or_fail(&ctx, p, settings("target", npy("y.npy", "<f8", 3, 0, y, sizeof y), NULL));
    assert_string_equal(t->targets, "y");
    assert_int_equal(agop__table_find(t, "target"), -1); /* labels nobody asked for are no feature */
    agop_table_free(t);
}

/* ---- with a model ---- */

/* The schema of a table file, as fit would have learned it. */
static agop__schema schema_of(const char *path, const char *except)
{
    agop_ctx     ctx = listen(1);
    agop_table  *t   = read_or_fail(&ctx, path, NULL);
    agop__schema s;
    assert_int_equal(agop__schema_learn(&s, &ctx, t, except, NULL), AGOP_OK);
    agop_table_free(t);
    return s;
}

static agop_status read_wanted(agop_table **out, agop_ctx *ctx, const char *path, agop_settings *s,
                               const agop__wanted *w)
{
    agop_reader *r  = NULL;
    agop_status  st = agop__reader_open(&r, ctx, path, s, w);
    *out            = NULL;
    if (st == AGOP_OK)
        st = agop_reader_next(out, ctx, r, 0);
    agop_reader_close(r);
    agop_settings_free(s);
    return st;
}

static void test_reader__a_model_takes_its_columns_with_their_types(void **state)
{
    agop__schema s   = schema_of(text_file("h.csv", houses), "price,w");
    agop__wanted w   = {&s, "price", 0, "w"};
    agop_ctx     ctx = listen(1);
    agop_table  *t   = NULL;
    int32_t      code[3];
    double       x[3 * 8];
    agop__surprises seen = {0};
    (void)state;

    assert_int_equal(
        read_wanted(&t, &ctx, text_file("new.csv", "town,zone,note,rooms\n7,7,1,3\nUlm,8,x,4\n,NA,,\n"), NULL, &w),
        AGOP_OK);
    assert_int_equal(agop_table_cols(t), 3);
    assert_int_equal(agop__table_find(t, "note"), -1);
    assert_string_equal(text(t, 0, "town"), "?"); /* text, though it holds a number; unseen at fit */
    assert_string_equal(text(t, 1, "town"), "Ulm");
    assert_int_equal(agop__schema_encode(x, AGOP_F64, code, &s, &ctx, t, 0, 3, &seen), AGOP_OK);
    assert_int_equal(code[0], -1);
    assert_int_equal(code[1], 0);
    assert_int_equal(code[2], s.field[1].missing_level);
    assert_int_equal(seen.unseen, 1);
    agop_table_free(t);
    /* target and weights are taken where they are */
    assert_int_equal(read_wanted(&t, &ctx, in_folder("h.csv"), NULL, &w), AGOP_OK);
    assert_int_equal(agop_table_cols(t), 5);
    agop_table_free(t);
    /* what is no number where the model has numbers is an error of that cell */
    assert_int_equal(read_wanted(&t, &ctx, text_file("bad.csv", "town,zone,rooms\nUlm,7,three\n"), NULL, &w),
                     AGOP_E_FORMAT);
    assert_sentence(&ctx, "bad.csv:2");
    agop__schema_free(&s);
}

static void test_reader__a_column_the_model_needs_is_named(void **state)
{
    agop__schema s   = schema_of(text_file("h.csv", houses), "price,w");
    agop__wanted w   = {&s, "price", 0, ""};
    agop_ctx     ctx = listen(1);
    agop_table  *t   = NULL;
    const double x[] = {1, 2};
    (void)state;

    assert_int_equal(read_wanted(&t, &ctx, text_file("n.csv", "room,town,zone\n1,Ulm,7\n"), NULL, &w), AGOP_E_DATA);
    assert_sentence(&ctx,
                    "n.csv: column 'rooms' is missing (the model was fitted with it); is it the one called 'room'?");
    assert_int_equal(read_wanted(&t, &ctx, npy("x.npy", "<f8", 1, 2, x, 16), NULL, &w), AGOP_E_DATA);
    assert_sentence(&ctx, "fitted with the column 'rooms', the columns of an array are x1, x2");
    agop__schema_free(&s);
}

static void test_reader__classes_of_text_stay_text(void **state)
{
    agop__schema s   = schema_of(text_file("h.csv", houses), "town");
    agop__wanted w   = {&s, "town", 1, ""};
    agop_ctx     ctx = listen(1);
    agop_table  *t   = NULL;
    const double y[] = {3, 1, 3, 2};
    (void)state;

    /* all classes look like numbers here, and one was never seen */
    assert_int_equal(
        read_wanted(&t, &ctx, text_file("n.csv", "rooms,zone,price,w,town\n1,1,1,1,7\n2,2,2,2,8\n"), NULL, &w),
        AGOP_OK);
    assert_string_equal(text(t, 1, "town"), "8");
    agop_table_free(t);
    assert_int_equal(
        read_wanted(&t, &ctx, in_folder("h.csv"), settings("target", npy("y.npy", "<f8", 4, 0, y, 32), NULL), &w),
        AGOP_OK);
    assert_string_equal(text(t, 0, "town"), "3");
    assert_string_equal(t->targets, "town");
    assert_int_equal(agop_table_cols(t), 5);
    agop_table_free(t);
    agop__schema_free(&s);
}

static void test_reader__another_column_can_stand_for_the_target(void **state)
{
    agop__schema s   = schema_of(text_file("h.csv", houses), "price,w");
    agop__wanted w   = {&s, "price", 0, ""};
    agop_ctx     ctx = listen(1);
    agop_table  *t   = NULL;
    const char  *p   = text_file("n.csv", "rooms,town,zone,price,cost\n1,Ulm,7,5,6\n");
    (void)state;

    assert_int_equal(read_wanted(&t, &ctx, p, settings("target", "cost", NULL), &w), AGOP_OK);
    assert_close(number(t, 0, "price"), 6, 0);
    assert_int_equal(agop_table_cols(t), 4);
    agop_table_free(t);
    assert_int_equal(read_wanted(&t, &ctx, p, settings("target", "cost,price", NULL), &w), AGOP_E_DATA);
    assert_sentence(&ctx, "more target columns");
    w.targets = "price,rent";
    assert_int_equal(read_wanted(&t, &ctx, p, settings("target", "cost", NULL), &w), AGOP_E_DATA);
    assert_sentence(&ctx, "fewer target columns");
    agop__schema_free(&s);
}

static void test_reader__arrays_must_have_the_columns_of_the_model(void **state)
{
    const double x[] = {1, 2, 3, 4, 5, 6};
    agop__schema s   = schema_of(npy("x3.npy", "<f8", 2, 3, x, sizeof x), "");
    agop__wanted w   = {&s, "y", 0, ""};
    agop_ctx     ctx = listen(1);
    agop_table  *t   = NULL;
    (void)state;

    assert_int_equal(read_wanted(&t, &ctx, npy("x2.npy", "<f8", 3, 2, x, sizeof x), NULL, &w), AGOP_E_DATA);
    assert_sentence(&ctx, "x2.npy: 2 columns, the model was fitted with 3");
    assert_int_equal(read_wanted(&t, &ctx, in_folder("x3.npy"), NULL, &w), AGOP_OK);
    agop_table_free(t);
    /* a sparse file has the model's width, and its labels are the model's target */
    assert_int_equal(read_wanted(&t, &ctx, text_file("n.svm", "4 1:1\n5 2:2\n"), NULL, &w), AGOP_OK);
    assert_int_equal(agop_table_cols(t), 4);
    assert_close(number(t, 1, "y"), 5, 0);
    assert_close(number(t, 1, "x3"), 0, 0);
    agop_table_free(t);
    assert_int_equal(read_wanted(&t, &ctx, text_file("m.svm", "4 1:1 4:1\n"), NULL, &w), AGOP_E_FORMAT);
    agop__schema_free(&s);
}

/* ---- the rest ---- */

static int stop_at_once(void *user, const agop_progress *p)
{
    *(int *)user += strcmp(p->phase, "read") == 0;
    return 1;
}

static void test_reader__reading_can_be_stopped(void **state)
{
    agop_ctx    ctx    = listen(1);
    agop_table *t      = NULL;
    int         called = 0;
    (void)state;

    agop_on_progress(&ctx, stop_at_once, &called);
    assert_int_equal(agop_table_read(&t, &ctx, text_file("h.csv", houses), NULL, NULL), AGOP_E_STOPPED);
    assert_null(t);
    assert_int_equal(called, 1);
}

static void test_reader__arguments_are_checked(void **state)
{
    agop_ctx     ctx = listen(1);
    agop_table  *t   = NULL;
    agop_reader *r   = NULL;
    (void)state;

    assert_int_equal(agop_reader_open(&r, &ctx, NULL, NULL, NULL), AGOP_E_ARG);
    assert_int_equal(agop_reader_open(NULL, &ctx, "x", NULL, NULL), AGOP_E_ARG);
    assert_int_equal(agop_reader_next(&t, &ctx, NULL, 1), AGOP_E_ARG);
    assert_int_equal(agop_reader_open(&r, &ctx, text_file("h.csv", houses), NULL, NULL), AGOP_OK);
    assert_int_equal(agop_reader_next(&t, &ctx, r, -1), AGOP_E_ARG);
    agop_reader_close(r);
    agop_reader_close(NULL);
}

static void fail_each_allocation(const char *path, const agop_settings *s, const agop__wanted *w)
{
    for (int64_t n = 1;; n++) {
        agop_ctx     ctx = listen(1);
        agop_reader *r   = NULL;
        agop_table  *t   = NULL;
        agop_status  st;
        int          failed;
        fail_alloc_arm(n);
        st = agop__reader_open(&r, &ctx, path, s, w);
        if (st == AGOP_OK)
            st = agop_reader_next(&t, &ctx, r, 1);
        agop_reader_close(r);
        failed = fail_alloc_disarm();
        agop_table_free(t);
        if (!failed) {
            if (st != AGOP_OK)
                fail_msg("%s", ctx.err.text);
            break;
        }
        if (st != AGOP_E_NOMEM)
            fail_msg("%s, allocation %d: %s %s", path, (int)n, agop_status_name(st), ctx.err.text);
    }
}

static void test_reader__every_failed_allocation_is_told(void **state)
{
    const double   x[] = {1, 2, 3, 4, 5, 6, 7, 8};
    const char    *y   = npy("y4.npy", "<f8", 4, 2, x, sizeof x);
    agop_settings *s   = settings("categorical", "zone", "drop", "rooms", "target", "price", NULL);
    agop_settings *b = settings("target", y, NULL), *i = settings("target", "y", "categorical", "y,x1", NULL);
    agop__schema   h = schema_of(text_file("h.csv", houses), "price,w");
    agop__wanted   w = {&h, "price", 0, "w"};
    (void)state;

    fail_each_allocation(in_folder("h.csv"), s, NULL);
    fail_each_allocation(in_folder("h.csv"), b, NULL);
    fail_each_allocation(in_folder("h.csv"), NULL, &w);
    fail_each_allocation(y, b, NULL);
    fail_each_allocation("tests/data/arrays.npz", i, NULL);
    fail_each_allocation(npy("s.npy", "|S1", 4, 1, "abba", 4), NULL, NULL);
    fail_each_allocation(text_file("a.svm", "1 1:2 2:3\n2 2:4\n"), NULL, NULL);
    agop_settings_free(s);
    agop_settings_free(b);
    agop_settings_free(i);
    agop__schema_free(&h);
}

/* ---- a folder of our own ---- */

static int make_folder(void **state)
{
    const char *tmp = getenv("TMPDIR");
    (void)state;
    (void)snprintf(folder, sizeof folder, "%s/agop-reader-XXXXXX", tmp ? tmp : "/tmp");
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    static const char *const names[] = {"h.csv",  "odd.name", "empty.csv", "y.npy", "y2.npy", "k.csv",   "y3.npy",
                                        "y5.npy", "x4.npy",   "x.npy",     "s.npy", "d.svm",  "new.csv", "bad.csv",
                                        "n.csv",  "x3.npy",   "x2.npy",    "n.svm", "m.svm",  "y4.npy",  "a.svm"};
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        (void)unlink(in_folder(names[i]));
    return rmdir(folder); /* a file that was forgotten fails the test */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reader__types_come_from_the_cells),
        cmocka_unit_test(test_reader__settings_choose_types_and_columns),
        cmocka_unit_test(test_reader__names_that_are_not_there_get_their_closest),
        cmocka_unit_test(test_reader__settings_that_contradict_are_refused),
        cmocka_unit_test(test_reader__blocks_hold_the_rows_in_order),
        cmocka_unit_test(test_reader__compressed_text_is_text),
        cmocka_unit_test(test_reader__files_without_rows_or_without_being_are_refused),
        cmocka_unit_test(test_reader__a_target_may_be_another_file),
        cmocka_unit_test(test_reader__rows_of_data_and_target_must_agree),
        cmocka_unit_test(test_reader__arrays_are_packed_in_their_own_precision),
        cmocka_unit_test(test_reader__infinite_cells_of_arrays_are_named),
        cmocka_unit_test(test_reader__targets_of_arrays_are_numbers_from_either_end),
        cmocka_unit_test(test_reader__blocks_of_arrays_outlive_their_reader),
        cmocka_unit_test(test_reader__text_arrays_are_columns_of_text),
        cmocka_unit_test(test_reader__the_arrays_of_an_npz_are_data_and_target),
        cmocka_unit_test(test_reader__labels_of_libsvm_are_the_target),
        cmocka_unit_test(test_reader__a_model_takes_its_columns_with_their_types),
        cmocka_unit_test(test_reader__a_column_the_model_needs_is_named),
        cmocka_unit_test(test_reader__classes_of_text_stay_text),
        cmocka_unit_test(test_reader__another_column_can_stand_for_the_target),
        cmocka_unit_test(test_reader__arrays_must_have_the_columns_of_the_model),
        cmocka_unit_test(test_reader__reading_can_be_stopped),
        cmocka_unit_test(test_reader__arguments_are_checked),
        cmocka_unit_test(test_reader__every_failed_allocation_is_told),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
