/* test_csv.c - the CSV reader: cells, types, failures, threads, chunks. What Python makes of thousands of generated
 * tables is compared in csv_against_python.py; here are the rules, one by one. */
#include "io_support.h"

#include <float.h>
#include <locale.h>
#include <math.h>

#include "base/memory.h"
#include "io/csv_private.h"
#include "io/number.h"
#include "io/stream_private.h"

/* ---- a whole table at once ---- */

typedef struct table {
    agop__csv        *csv;
    agop__csv_column *columns;
    int64_t           rows;
    agop__err         e;
} table;

enum { BIG = 1 << 20 };

static agop_status open_text(table *t, const char *text, size_t count, int threads, size_t chunk, size_t least)
{
    agop__stream *s = NULL;
    agop_status   st;

    memset(t, 0, sizeof *t);
    st = agop__stream_of_bytes(&s, text, count, "a.csv", &t->e);
    if (st == AGOP_OK)
        st = agop__csv_open_sized(&t->csv, s, threads, chunk, least, &t->e);
    return st;
}

static void free_columns(table *t)
{
    for (int64_t j = 0; t->columns && j < agop__csv_cols(t->csv); j++) {
        free(t->columns[j].number);
        free(t->columns[j].code);
    }
    free(t->columns);
    t->columns = NULL;
}

static agop_status next_rows(table *t, int64_t most)
{
    free_columns(t);
    t->columns = agop__calloc(agop__csv_cols(t->csv), sizeof *t->columns);
    return t->columns ? agop__csv_next(t->csv, most, t->columns, &t->rows, &t->e) : AGOP_E_NOMEM;
}

static void close_table(table *t)
{
    free_columns(t);
    agop__csv_close(t->csv);
}

static table read_text(const char *text)
{
    table t;
    if (open_text(&t, text, strlen(text), 2, BIG, 65536) != AGOP_OK || next_rows(&t, 0) != AGOP_OK)
        fail_msg("%s", t.e.text);
    return t;
}

static const char *text_at(const table *t, int64_t row, int64_t col)
{
    int32_t code = t->columns[col].code[row];
    return code < 0 ? NULL : agop__csv_levels(t->csv, col)->text[code];
}

static void assert_refused(const char *text, size_t count, const char *sentence)
{
    const size_t chunk[] = {BIG, 64};
    for (int k = 0; k < 4; k++) {
        table       t;
        agop_status st = open_text(&t, text, count, 1 + k, chunk[k % 2], 8);
        while (st == AGOP_OK && (st = next_rows(&t, 2)) == AGOP_OK && t.rows > 0)
            ;
        assert_int_equal(st, AGOP_E_FORMAT);
        if (strcmp(t.e.text, sentence) != 0)
            fail_msg("the sentence is\n  %s\nnot\n  %s", t.e.text, sentence);
        close_table(&t);
    }
}
#define REFUSED(TEXT, SENTENCE) assert_refused(TEXT, sizeof(TEXT) - 1, SENTENCE)

/* ---- cells ---- */

static void test_csv__quoted_newlines_and_quotes_are_kept(void **state)
{
    table t = read_text("a,\"b \"\"x\"\"\"\n\"one\ntwo\",\"say \"\"hi\"\", twice\"\r\n\"\"\"\",plain\n");
    (void)state;
    assert_int_equal(t.rows, 2);
    assert_string_equal(agop__csv_name(t.csv, 1), "b \"x\"");
    assert_string_equal(text_at(&t, 0, 0), "one\ntwo");
    assert_string_equal(text_at(&t, 0, 1), "say \"hi\", twice");
    assert_string_equal(text_at(&t, 1, 0), "\"");
    assert_string_equal(text_at(&t, 1, 1), "plain");
    close_table(&t);
}

static void test_csv__a_stray_quote_is_a_plain_byte(void **state)
{
    table t = read_text("a,b\n5\" pipe,1\n\"x\"y\"z,2\n");
    (void)state;
    assert_int_equal(t.rows, 2);
    assert_string_equal(text_at(&t, 0, 0), "5\" pipe");
    assert_string_equal(text_at(&t, 1, 0), "xy\"z");
    assert_true(t.columns[1].number[1] == 2);
    close_table(&t);
}

static void test_csv__line_ends_bom_and_separators_are_told(void **state)
{
    const char *texts[] = {"a,b\n1,2\n",
                           "a,b\r\n1,2\r\n",
                           "\xEF\xBB\xBF"
                           "a,b\n1,2",
                           "a\tb\n1\t2\n",
                           "a;b\n1;2\n",
                           "\"a\",\"b\"\r\n\"1\",\"2\"",
                           "a,b\n\n1,2\n\n\n",
                           "a,b\n1,2\n   \n",
                           " a , b\t\n 1 ,\t2 \n"};
    (void)state;
    for (size_t k = 0; k < sizeof texts / sizeof *texts; k++) {
        table t = read_text(texts[k]);
        assert_int_equal(t.rows, 1);
        assert_int_equal(agop__csv_cols(t.csv), 2);
        assert_string_equal(agop__csv_name(t.csv, 0), "a");
        assert_string_equal(agop__csv_name(t.csv, 1), "b");
        assert_true(t.columns[0].number[0] == 1 && t.columns[1].number[0] == 2);
        close_table(&t);
    }
}

static void test_csv__missing_cells_are_missing_in_numbers_and_texts(void **state)
{
    table t = read_text("a,b\n,\nNA,NA\nN/A,N/A\nNaN,NaN\nnan,nan\nnull,null\nNULL,NULL\nNone,None\n?,?\n\" \",\"\"\n"
                        " NA , ?\n3,x\n4,NAN\n");
    (void)state;
    assert_int_equal(t.rows, 13);
    assert_int_equal(agop__csv_type(t.csv, 1), AGOP__TEXT);
    for (int i = 0; i < 11; i++) {
        assert_true(isnan(t.columns[0].number[i]));
        assert_int_equal(t.columns[1].code[i], -1);
    }
    assert_string_equal(text_at(&t, 12, 1), "NAN");
    close_table(&t);
}

static void test_csv__a_blank_line_is_a_missing_cell_in_one_column_but_not_at_the_end(void **state)
{
    (void)state;
    for (size_t chunk = 1; chunk < 40; chunk += 3) {
        const char *text = "a\n\n1\n\n\n\r\n2\n\n\n\n";
        table       t;
        int64_t     total = 0;
        assert_int_equal(open_text(&t, text, strlen(text), 3, chunk, 1), AGOP_OK);
        agop__csv_force(t.csv, 0, AGOP__NUMERIC);
        while (next_rows(&t, 1) == AGOP_OK && t.rows > 0) {
            double v = t.columns[0].number[0];
            assert_true(total == 1 ? v == 1 : total == 5 ? v == 2 : isnan(v));
            total++;
        }
        assert_int_equal(total, 6);
        close_table(&t);
    }
}

static void test_csv__bytes_that_are_not_utf8_are_kept(void **state)
{
    table t = read_text("a,b\nx\xFFy,1\n");
    (void)state;
    assert_string_equal(text_at(&t, 0, 0), "x\xFFy");
    close_table(&t);
}

/* ---- numbers ---- */

static void assert_number(const char *text, double want)
{
    char     padded[2000] = {0};
    locale_t c            = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    double   v            = 0;
    memcpy(padded, text, strlen(text));
    assert_ptr_equal(agop__number(padded, &v, c), padded + strlen(text));
    if (memcmp(&v, &want, sizeof v) != 0)
        fail_msg("%s was read as %.17g, not %.17g", text, v, want);
    freelocale(c);
}

static void test_number__known_roundings(void **state)
{
    (void)state;
    assert_number("0", 0.0);
    assert_number("-0", -0.0);
    assert_number("+1.5", 1.5);
    assert_number("1.", 1.0);
    assert_number(".5", 0.5);
    assert_number("9007199254740993", 9007199254740992.0);                      /* a tie, to even */
    assert_number("9007199254740993.00000000000000000001", 9007199254740994.0); /* just above it */
    assert_number("1e23", 1e23);
    assert_number("8.5e-27", 8.5e-27);
    assert_number("1.7976931348623157e308", DBL_MAX);
    assert_number("1.7976931348623159e308", INFINITY);
    assert_number("2.2250738585072014e-308", DBL_MIN);
    assert_number("4.9406564584124654e-324", 4.9406564584124654e-324);
    assert_number("2e-324", 0.0);
    assert_number("1e-400000000000000000000", 0.0);
    assert_number("0e999999999999999999999", 0.0);
    assert_number("0.000000000000000000000000000000000000000001", 1e-42);
}

/* Random decimals of every length against strtod, which is exact in glibc but slow. */
static void test_number__agrees_with_the_c_library(void **state)
{
    uint64_t x = 88172645463325252u;
    (void)state;
    for (int i = 0; i < 300000; i++) {
        char text[128];
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        switch (i % 4) {
        case 0: (void)snprintf(text, sizeof text, "%lu", (unsigned long)(x >> (x & 31))); break;
        case 1: (void)snprintf(text, sizeof text, "%lue%d", (unsigned long)(x >> 7), (int)(x % 70) - 35); break;
        case 2:
            (void)snprintf(text, sizeof text, "%lu.%lu", (unsigned long)(x >> 40), (unsigned long)(x & 0xFFFFF));
            break;
        default: /* the middle between two doubles, exactly */
            (void)snprintf(text, sizeof text, "%lu.%s", (unsigned long)((x >> 11 | 1ul << 52) * 2 + 1),
                           x & 1 ? "0" : "");
            break;
        }
        assert_number(text, strtod(text, NULL));
    }
}

static void test_number__what_is_none_is_not_taken(void **state)
{
    const char *texts[] = {"", "+", "-", ".", "e5", "-.e1", "inf", "nan", "x", " 1", "--1"};
    locale_t    c       = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    (void)state;
    for (size_t k = 0; k < sizeof texts / sizeof *texts; k++) {
        char   padded[80] = {0};
        double v;
        memcpy(padded, texts[k], strlen(texts[k]));
        assert_null(agop__number(padded, &v, c));
    }
    freelocale(c);
}

static void test_csv__numbers_do_not_depend_on_the_locale(void **state)
{
    table t;
    (void)state;
    (void)setlocale(LC_ALL, "de_DE.UTF-8"); /* where it is installed the decimal point is a comma */
    t = read_text("a\n1.5\n12345678901234567890.5e-1\n");
    (void)setlocale(LC_ALL, "C");
    assert_true(t.columns[0].number[0] == 1.5);
    assert_true(t.columns[0].number[1] == 1234567890123456789.05);
    close_table(&t);
}

/* ---- types ---- */

static void test_csv__nine_in_ten_make_a_column_numeric(void **state)
{
    table t =
        read_text("a,b,c,d\n1,1,,0x1\n2,2,,infinity\n3,3,,1_0\n4,4,NA,1e\n5,5,,1 2\n6,6,,\n7,7,,\n8,8,,\n9,y,?,\n");
    (void)state;
    assert_int_equal(agop__csv_type(t.csv, 0), AGOP__NUMERIC);
    assert_int_equal(agop__csv_type(t.csv, 1), AGOP__TEXT); /* 8 of 9 */
    assert_int_equal(agop__csv_type(t.csv, 2), AGOP__NUMERIC);
    assert_int_equal(agop__csv_type(t.csv, 3), AGOP__TEXT);
    assert_string_equal(text_at(&t, 0, 1), "1");
    assert_null(t.columns[0].code);
    assert_null(t.columns[1].number);
    close_table(&t);
    REFUSED("a\n1\n2\n3\n4\n5\n6\n7\n8\n9\nten\n", "a.csv:11: column 'a': 'ten' is not a number (use --categorical a)");
}

static void test_csv__forced_skipped_and_frozen_columns(void **state)
{
    const char *text = "zip,skip,colour\n01234,x,red\n00007,,blue\n01234,\"y\n\",green\n";
    table       t;
    agop__dict  known = {0};
    (void)state;
    assert_int_equal(agop__dict_add(&known, "green", 5), 0);
    assert_int_equal(agop__dict_add(&known, "red", 3), 1);
    assert_int_equal(open_text(&t, text, strlen(text), 1, BIG, 65536), AGOP_OK);
    agop__csv_force(t.csv, 0, AGOP__TEXT);
    agop__csv_skip(t.csv, 1);
    agop__csv_freeze(t.csv, 2, &known);
    assert_int_equal(next_rows(&t, 0), AGOP_OK);
    assert_int_equal(t.rows, 3);
    assert_string_equal(text_at(&t, 1, 0), "00007");
    assert_int_equal(t.columns[0].code[2], 0);
    assert_null(t.columns[1].number);
    assert_null(t.columns[1].code);
    assert_int_equal(t.columns[2].code[0], 1);
    assert_int_equal(t.columns[2].code[1], -2);
    assert_int_equal(t.columns[2].code[2], 0);
    assert_ptr_equal(agop__csv_levels(t.csv, 2), &known);
    close_table(&t);
    agop__dict_free(&known);
}

/* ---- sizes ---- */

static char *make_table(int64_t rows, size_t *length)
{
    agop__buffer b = {0};
    agop__buffer_print(&b, "x,group,\"no\nte\",id\n");
    for (int64_t i = 0; i < rows; i++) {
        agop__buffer_print(&b, "%.17g,", (double)(i * 7919 % 1000) / 7);
        agop__buffer_print(&b, "%s,", (const char *[]){"red", "\"blue\"", "", "NA", "\"gr\"\"een\""}[i * 31 % 5]);
        agop__buffer_print(&b, "\"%ld\n%s\",", (long)(i % 97), i % 3 ? "\"\"" : ",");
        agop__buffer_print(&b, "k%ld%s", (long)(i * 104729 % (rows / 2 + 1)), i % 11 ? "\n" : "\r\n");
    }
    assert_int_equal(b.failed, 0);
    *length = b.length;
    return b.text;
}

/* The same numbers and the same codes, level by level, whatever the threads, blocks and chunks. */
static void test_csv__threads_blocks_and_chunks_change_nothing(void **state)
{
    enum { ROWS = 3000 };
    const struct {
        int     threads;
        size_t  chunk, least;
        int64_t block;
    } ways[] = {{1, BIG, 65536, 0}, {2, BIG, 1000, 0}, {5, BIG, 1000, 0},  {5, BIG, 10, 777}, {2, 5000, 100, 0},
                {5, 20000, 64, 1},  {1, 300, 64, 100}, {64, BIG, 1, ROWS}, {3, 1, 1, 0},      {2, BIG, 64, INT64_MAX}};
    size_t length;
    char  *text = make_table(ROWS, &length);
    table  one;
    (void)state;
    assert_int_equal(open_text(&one, text, length, 1, BIG, BIG), AGOP_OK);
    assert_int_equal(next_rows(&one, 0), AGOP_OK);
    assert_int_equal(one.rows, ROWS);
    for (size_t k = 0; k < sizeof ways / sizeof *ways; k++) {
        table   t;
        int64_t at = 0;
        assert_int_equal(open_text(&t, text, length, ways[k].threads, ways[k].chunk, ways[k].least), AGOP_OK);
        for (int64_t j = 0; j < 4; j++)
            agop__csv_force(t.csv, j, agop__csv_type(one.csv, j));
        for (;; at += t.rows) {
            assert_int_equal(next_rows(&t, ways[k].block), AGOP_OK);
            if (t.rows == 0)
                break;
            assert_true(at + t.rows <= ROWS && (ways[k].block == 0 || t.rows <= ways[k].block));
            assert_memory_equal(t.columns[0].number, one.columns[0].number + at, (size_t)t.rows * sizeof(double));
            for (int64_t j = 1; j < 4; j++)
                assert_memory_equal(t.columns[j].code, one.columns[j].code + at, (size_t)t.rows * sizeof(int32_t));
        }
        assert_int_equal(at, ROWS);
        for (int64_t j = 1; j < 4; j++) {
            const agop__dict *a = agop__csv_levels(t.csv, j), *b = agop__csv_levels(one.csv, j);
            assert_int_equal(a->count, b->count);
            for (int64_t l = 0; l < a->count; l++)
                assert_string_equal(a->text[l], b->text[l]);
        }
        close_table(&t);
    }
    assert_string_equal(agop__csv_levels(one.csv, 1)->text[0], "red"); /* numbered as they appear */
    assert_string_equal(agop__csv_levels(one.csv, 1)->text[1], "blue");
    close_table(&one);
    free(text);
}

static void test_csv__types_do_not_depend_on_the_block(void **state)
{
    agop__buffer b = {0};
    table        t;
    (void)state;
    agop__buffer_print(&b, "a\n");
    for (int i = 0; i < 100; i++)
        agop__buffer_print(&b, "%d\n", i);
    for (int i = 0; i < 50; i++)
        agop__buffer_print(&b, "word\n");
    for (int threads = 1; threads <= 3; threads++) {
        assert_int_equal(open_text(&t, b.text, b.length, threads, BIG, 20), AGOP_OK);
        assert_int_equal(next_rows(&t, 5), AGOP_OK); /* five numbers */
        assert_int_equal(agop__csv_type(t.csv, 0), AGOP__TEXT);
        close_table(&t);
    }
    agop__buffer_free(&b);
}

static void test_csv__a_header_alone_is_a_table_of_no_rows(void **state)
{
    const char *texts[] = {"a,b\n", "a,b", "a,b\r\n\r\n\n", "a\n\n"};
    (void)state;
    for (size_t k = 0; k < 4; k++) {
        table t = read_text(texts[k]);
        assert_int_equal(t.rows, 0);
        assert_int_equal(agop__csv_type(t.csv, 0), AGOP__NUMERIC);
        assert_int_equal(next_rows(&t, 0), AGOP_OK);
        assert_int_equal(t.rows, 0);
        close_table(&t);
    }
}

/* ---- failures ---- */

static void test_csv__sentences_name_the_place_and_what_to_do(void **state)
{
    (void)state;
    REFUSED("", "a.csv: the file is empty");
    REFUSED("\na,b\n1,2\n", "a.csv:1: the first line is empty; it must hold the names of the columns");
    REFUSED("\xFF\xFE"
            "a\0,\0b\0\n\0",
            "a.csv: this is UTF-16 text; convert it to UTF-8");
    REFUSED("a,b,a\n", "a.csv:1: columns 1 and 3 are both named 'a'");
    REFUSED("a,,b\n", "a.csv:1: column 2 has no name (row numbers? write the table without them)");
    REFUSED(",a\n0,1\n", "a.csv:1: column 1 has no name (row numbers? write the table without them)");
    REFUSED("a,b\n1,2\n1,2,3,4,5\n", "a.csv:3: 5 cells where the header has 2");
    REFUSED("a,b\n\"1\n\",2\n\n1\n", "a.csv:5: 1 cell where the header has 2");
    REFUSED("a,b\n1,2\n3,\"4\n5,6\n", "a.csv:3: a quote is opened and never closed");
    REFUSED("a,\"b\n1,2\n", "a.csv:1: a quote is opened and never closed");
    REFUSED("a,b\n1,2\n3,4\0\n", "a.csv:3: a NUL byte; this is no table of text");
    REFUSED("a,b\n1,2\nx,\"y\n\0\"\n", "a.csv:4: a NUL byte; this is no table of text");
    REFUSED("a\0,b\n1,2\n", "a.csv:1: a NUL byte; this is no table of text");
    REFUSED("a,b\n1,2\n-INF,2\n", "a.csv:3: column 'a': '-INF' is infinite; leave the cell empty if it is missing");
    REFUSED("a,b\n1,1e999\n", "a.csv:2: column 'b': '1e999' is infinite; leave the cell empty if it is missing");
    REFUSED("a\rb\r1\r", "a.csv:1: column 1: a carriage return in the name 'a?b?1' (lines that end in carriage "
                         "returns alone? convert them)");
}

static void test_csv__the_first_failure_of_the_file_is_told(void **state)
{
    size_t       length;
    char        *text = make_table(2000, &length);
    agop__buffer b    = {0};
    (void)state;
    agop__buffer_add(&b, text, length);
    agop__buffer_print(&b, "one\x01"
                           "234567890123456789012345678901234567890123456789,x,y,z\n");
    agop__buffer_add(&b, strstr(text, "te\",id\n") + 7, length - (size_t)(strstr(text, "te\",id\n") + 7 - text));
    agop__buffer_print(&b, "two,x,y,z\n1,2\n");
    for (int threads = 1; threads <= 5; threads++) {
        table t;
        assert_int_equal(open_text(&t, b.text, b.length, threads, BIG, 100), AGOP_OK);
        agop__csv_force(t.csv, 0, AGOP__NUMERIC);
        assert_int_equal(next_rows(&t, 0), AGOP_E_FORMAT);
        /* every row has one newline in quotes, the header too */
        assert_string_equal(t.e.text, "a.csv:4003: column 'x': 'one?234567890123456789012345678901234567...' is not a "
                                      "number (use --categorical x)");
        close_table(&t);
    }
    agop__buffer_free(&b);
    free(text);
    /* a row of another length is told before a cell that is no number in it */
    REFUSED("a,b\n1,2\n1,x,3\n", "a.csv:3: 3 cells where the header has 2");
}

typedef struct attempt {
    const char *text;
    size_t      length;
} attempt;

static agop_status read_once(void *user)
{
    const attempt *a = user;
    table          t;
    agop_status    st = open_text(&t, a->text, a->length, 2, 300, 50);
    while (st == AGOP_OK && (st = next_rows(&t, 40)) == AGOP_OK && t.rows > 0)
        ;
    if (st != AGOP_OK)
        assert_true(t.e.text[0] != '\0' || !t.columns);
    close_table(&t);
    return st;
}

static void test_csv__every_failed_allocation_is_told(void **state)
{
    attempt a;
    (void)state;
    a.text = make_table(60, &a.length);
    for_every_allocation(read_once, &a);
    free((char *)(uintptr_t)a.text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_csv__quoted_newlines_and_quotes_are_kept),
        cmocka_unit_test(test_csv__a_stray_quote_is_a_plain_byte),
        cmocka_unit_test(test_csv__line_ends_bom_and_separators_are_told),
        cmocka_unit_test(test_csv__missing_cells_are_missing_in_numbers_and_texts),
        cmocka_unit_test(test_csv__a_blank_line_is_a_missing_cell_in_one_column_but_not_at_the_end),
        cmocka_unit_test(test_csv__bytes_that_are_not_utf8_are_kept),
        cmocka_unit_test(test_number__known_roundings),
        cmocka_unit_test(test_number__agrees_with_the_c_library),
        cmocka_unit_test(test_number__what_is_none_is_not_taken),
        cmocka_unit_test(test_csv__numbers_do_not_depend_on_the_locale),
        cmocka_unit_test(test_csv__nine_in_ten_make_a_column_numeric),
        cmocka_unit_test(test_csv__forced_skipped_and_frozen_columns),
        cmocka_unit_test(test_csv__threads_blocks_and_chunks_change_nothing),
        cmocka_unit_test(test_csv__types_do_not_depend_on_the_block),
        cmocka_unit_test(test_csv__a_header_alone_is_a_table_of_no_rows),
        cmocka_unit_test(test_csv__sentences_name_the_place_and_what_to_do),
        cmocka_unit_test(test_csv__the_first_failure_of_the_file_is_told),
        cmocka_unit_test(test_csv__every_failed_allocation_is_told),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
