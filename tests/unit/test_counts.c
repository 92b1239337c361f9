/* test_counts.c - counts as text: dense tables with names on two sides, and words of documents. */
#include "io_support.h"

#include "io/counts.h"
#include "io/stream_private.h"

typedef struct counts {
    const char    *text;
    size_t         length;
    int            words; /* documents, not a table */
    agop_ctx       ctx;
    agop__triplets t;
} counts;

static agop_status read_counts(void *user)
{
    counts       *x = user;
    agop__stream *s = NULL;
    agop_status   st;

    agop__triplets_free(&x->t);
    st = agop__stream_of_bytes(&s, x->text, x->length, "a.csv", &x->ctx.err);
    if (st == AGOP_OK)
        st = x->words ? agop__words_read(&x->t, &x->ctx, s) : agop__counts_read(&x->t, &x->ctx, s);
    agop__stream_close(s);
    return st;
}

/* All of it: "names of rows|names of columns|row col value;..." */
static const char *shown(const agop__triplets *t)
{
    static char  text[1024];
    agop__buffer b = {0};

    for (int64_t i = 0; i < t->row_names.count; i++)
        agop__buffer_print(&b, "%s ", agop__names_at(&t->row_names, i));
    agop__buffer_print(&b, "|");
    for (int64_t j = 0; j < t->col_names.count; j++)
        agop__buffer_print(&b, "%s ", agop__names_at(&t->col_names, j));
    agop__buffer_print(&b, "|");
    for (const agop__piece *p = t->first; p; p = p->next)
        for (int64_t k = 0; k < p->count; k++)
            agop__buffer_print(&b, "%d %d %g;", p->entry[k].row, p->entry[k].col, (double)p->entry[k].value);
    (void)snprintf(text, sizeof text, "%s", b.text);
    agop__buffer_free(&b);
    return text;
}

static void assert_read(int words, const char *text, int64_t rows, int64_t cols, const char *want)
{
    counts x = {.text = text, .length = strlen(text), .words = words};
    if (read_counts(&x) != AGOP_OK)
        fail_msg("%s", x.ctx.err.text);
    assert_int_equal(x.t.rows, rows);
    assert_int_equal(x.t.cols, cols);
    assert_string_equal(shown(&x.t), want);
    agop__triplets_free(&x.t);
}

static void assert_refused(const char *text, const char *sentence)
{
    counts x = {.text = text, .length = strlen(text)};
    assert_int_equal(read_counts(&x), AGOP_E_FORMAT);
    assert_sentence(&x.ctx.err, sentence);
    agop__triplets_free(&x.t);
}

static void test_counts__the_first_line_may_name_the_column_of_names(void **state)
{
    const char *want = "g1 g2 |c1 c2 c3 |0 1 2;1 0 1.5;1 2 -3;";
    (void)state;
    assert_read(0, "gene,c1,c2,c3\ng1,0,2,0.0\ng2,1.5,0,-3\n", 2, 3, want);
    assert_read(0, ",c1,c2,c3\ng1,0,2,0\ng2,1.5,0,-3", 2, 3, want);
    assert_read(0, "\"c1\",\"c2\",\"c3\"\n\"g1\",0,\"2\",0\n\n\"g2\",15e-1,0,-3\n", 2, 3, want);
    assert_read(0, "\xEF\xBB\xBF" "c1\tc2\tc3\r\ng1\t0\t2\t0\r\ng2\t1.5\t0\t-3\r\n", 2, 3, want);
    assert_read(0, "x;c1;c2;c3\ng1;0;2;0\ng2;1.5;0;-3\n", 2, 3, want);
}

static void test_counts__quotes_hold_separators_and_quotes(void **state)
{
    (void)state;
    assert_read(0, "\"a,b\",\"say \"\"x\"\"\",5\" pipe\n\"g,1\",0,\"12\",1\n", 1, 3,
                "g,1 |a,b say \"x\" 5\" pipe |0 1 12;0 2 1;");
    assert_read(0, "\"\",\"a\"\n\"g\",\"12\"\n", 1, 1, "g |a |0 0 12;");
}

static void test_counts__a_header_alone_has_no_rows(void **state)
{
    counts x = {.text = "a,b\n", .length = 4};
    (void)state;
    assert_int_equal(read_counts(&x), AGOP_OK);
    assert_int_equal(x.t.rows, 0);
    agop__triplets_free(&x.t);
}

static void test_counts__what_is_wrong_is_told_with_its_line(void **state)
{
    (void)state;
    assert_refused("", "a.csv: the file is empty");
    assert_refused("g,a,b\nx,1,2\ny,1\n", "a.csv:3: fewer than the 2 numbers that the first line asks for");
    assert_refused("g,a,b\nx,1,2\ny,1,2,3\n", "a.csv:3: more than the 2 numbers that the first line asks for");
    assert_refused("g,a,b\nx,1,2,3,4\n", "a.csv:2: more than the 3 numbers that the first line asks for");
    assert_refused("g,a,b\nx,1,\n", "a.csv:2: column 'b': '' is not a number");
    assert_refused("g,a,b\nx,NA,1\n", "a.csv:2: column 'a': 'NA' is not a number");
    assert_refused("g,a,b\nx,1 2,1\n", "a.csv:2: column 'a': '1 2' is not a number");
    assert_refused("g,a,b\nx,1e39,1\n", "a.csv:2: column 'a': '1e39' is infinite, or too large for single precision");
    assert_refused("g,a,b\n\"x,1,1\n", "a.csv:2: a quote is opened and not closed in this line");
}

static void test_counts__words_are_lower_case_letters_and_digits(void **state)
{
    (void)state;
    assert_read(1, "The cat, the  DOG!\n\n42 caf\xC3\xA9s' cat\r\nlast", 4, 6,
                "|the cat dog 42 caf\xC3\xA9s last |0 0 1;0 1 1;0 0 1;0 2 1;2 3 1;2 4 1;2 1 1;3 5 1;");
    assert_read(1, "...\n", 1, 0, "||");
    assert_read(1, "", 0, 0, "||");
}

static int stop(void *user, const agop_progress *p)
{
    (void)user;
    assert_string_equal(p->phase, "read");
    return 1;
}

static void test_counts__the_caller_may_stop_it(void **state)
{
    counts x = {.text = "g,a\nx,1\n", .length = 8, .ctx.progress = stop};
    (void)state;
    for (x.words = 0; x.words < 2; x.words++)
        assert_int_equal(read_counts(&x), AGOP_E_STOPPED);
}

static void test_counts__every_failed_allocation_is_told(void **state)
{
    counts x = {.text = "g,a,b\nx,1,2\ny,0,3\n", .length = 18};
    (void)state;
    for (x.words = 0; x.words < 2; x.words++)
        for_every_allocation(read_counts, &x);
    agop__triplets_free(&x.t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counts__the_first_line_may_name_the_column_of_names),
        cmocka_unit_test(test_counts__quotes_hold_separators_and_quotes),
        cmocka_unit_test(test_counts__a_header_alone_has_no_rows),
        cmocka_unit_test(test_counts__what_is_wrong_is_told_with_its_line),
        cmocka_unit_test(test_counts__words_are_lower_case_letters_and_digits),
        cmocka_unit_test(test_counts__the_caller_may_stop_it),
        cmocka_unit_test(test_counts__every_failed_allocation_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
