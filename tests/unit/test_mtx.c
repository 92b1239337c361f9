/* test_mtx.c - Matrix Market files: what is read, what is refused with which sentence, and names beside them. */
#include "io_support.h"

#include "io/mtx.h"
#include "io/stream_private.h"

typedef struct sparse {
    const char    *text;
    size_t         length;
    agop_ctx       ctx;
    agop__triplets t;
} sparse;

static agop_status read_sparse(void *user)
{
    sparse       *x = user;
    agop__stream *s = NULL;
    agop_status   st;

    agop__triplets_free(&x->t);
    st = agop__stream_of_bytes(&s, x->text, x->length, "a.mtx", &x->ctx.err);
    if (st == AGOP_OK)
        st = agop__mtx_read(&x->t, &x->ctx, s);
    agop__stream_close(s);
    return st;
}

/* The entries one after the other, as "row col value;" */
static const char *entries(const agop__triplets *t)
{
    static char text[512];
    size_t      n = 0;
    text[0]       = '\0';
    for (const agop__piece *p = t->first; p; p = p->next)
        for (int64_t k = 0; k < p->count && n < sizeof text; k++)
            n += (size_t)snprintf(text + n, sizeof text - n, "%d %d %g;", p->entry[k].row, p->entry[k].col,
                                  (double)p->entry[k].value);
    return text;
}

static void assert_read(const char *text, int64_t rows, int64_t cols, const char *want)
{
    sparse x = {.text = text, .length = strlen(text)};
    if (read_sparse(&x) != AGOP_OK)
        fail_msg("%s", x.ctx.err.text);
    assert_int_equal(x.t.rows, rows);
    assert_int_equal(x.t.cols, cols);
    assert_string_equal(entries(&x.t), want);
    agop__triplets_free(&x.t);
}

static void assert_refused(const char *text, const char *sentence)
{
    sparse x = {.text = text, .length = strlen(text)};
    assert_int_equal(read_sparse(&x), AGOP_E_FORMAT);
    assert_sentence(&x.ctx.err, sentence);
    agop__triplets_free(&x.t);
}

#define REAL "%%MatrixMarket matrix coordinate real general\n"

static void test_mtx__entries_keep_their_order_and_count_from_one(void **state)
{
    (void)state;
    assert_read(REAL "% a comment\n\n3 4 3\n3 2 -1.5e1\n1 1 2\n%\n 3\t4  .25 \r\n", 3, 4, "2 1 -15;0 0 2;2 3 0.25;");
    assert_read("%%matrixmarket MATRIX Coordinate Integer General\r\n2 2 1\r\n1 2 7", 2, 2, "0 1 7;");
    assert_read(REAL "0 0 0\n", 0, 0, "");
}

static void test_mtx__a_pattern_has_ones(void **state)
{
    (void)state;
    assert_read("%%MatrixMarket matrix coordinate pattern general\n2 3 2\n1 3\n2 1 \n", 2, 3, "0 2 1;1 0 1;");
}

static void test_mtx__the_other_half_of_a_symmetric_matrix_is_added(void **state)
{
    (void)state;
    assert_read("%%MatrixMarket matrix coordinate integer symmetric\n3 3 2\n2 1 5\n3 3 4\n", 3, 3,
                "1 0 5;0 1 5;2 2 4;");
}

static void test_mtx__what_is_wrong_is_told_with_its_line(void **state)
{
    (void)state;
    assert_refused("", "a.mtx:1: this line must begin with %%MatrixMarket matrix coordinate");
    assert_refused("%%MatrixMarket vector\n", "a.mtx:1: this line must begin with");
    assert_refused("%%MatrixMarket matrix array real general\n2 2\n",
                   "a.mtx:1: 'array' is not read, only the coordinate form of Matrix Market is");
    assert_refused("%%MatrixMarket matrix coordinate complex general\n", "'complex' is not read as a field");
    assert_refused("%%MatrixMarket matrix coordinate real skew-symmetric\n", "'skew-symmetric' is not read as a symm");
    assert_refused("%%MatrixMarket matrix coordinate real\n", "'' is not read as a symmetry");
    assert_refused(REAL "% nothing\n", "a.mtx: the file ends before the size of the matrix");
    assert_refused(REAL "3 4\n", "a.mtx:2: this line must be: rows columns entries");
    assert_refused(REAL "3 -4 1\n", "a.mtx:2: this line must be: rows columns entries");
    assert_refused(REAL "3 4 1 1\n", "a.mtx:2: this line must be: rows columns entries");
    assert_refused(REAL "3000000000 4 0\n", "a.mtx:2: a matrix may have 2147483647 rows and columns at most");
    assert_refused(REAL "99999999999999999999999 4 0\n", "a matrix may have 2147483647 rows");
    assert_refused("%%MatrixMarket matrix coordinate real symmetric\n3 4 0\n", "a symmetric matrix of 3 x 4");
    assert_refused(REAL "3 4 2\n1 1 1\n", "a.mtx: the file ends after 1 of 2 entries (an incomplete copy?)");
    assert_refused(REAL "3 4 1\n1 1 1\n1 2 1\n", "a.mtx:4: more than the 1 entries that the file promises");
    assert_refused(REAL "3 4 1\n0 1 1\n", "a.mtx:3: '0' is an index outside the matrix; they count from 1");
    assert_refused(REAL "3 4 1\n4 1 1\n", "a.mtx:3: '4' is an index outside the matrix");
    assert_refused(REAL "3 4 1\n1 5 1\n", "a.mtx:3: '5' is an index outside the matrix");
    assert_refused(REAL "3 4 1\n1 99999999999999999999 1\n", "is an index outside the matrix");
    assert_refused(REAL "3 4 1\n1.5 1 1\n", "a.mtx:3: '1.5' is no index; a line is: row column value");
    assert_refused(REAL "3 4 1\n1\n", "a.mtx:3: '' is no index");
    assert_refused(REAL "3 4 1\n1 1\n", "a.mtx:3: '' is not a number, with which this line must end");
    assert_refused(REAL "3 4 1\n1 1 nan\n", "a.mtx:3: 'nan' is not a number");
    assert_refused(REAL "3 4 1\n1 1 2 3\n", "a.mtx:3: '2' is not a number, with which this line must end");
    assert_refused(REAL "3 4 1\n1 1 1e39\n", "a.mtx:3: '1e39' is infinite, or too large for single precision");
    assert_refused("%%MatrixMarket matrix coordinate pattern general\n3 4 1\n1 1 2\n",
                   "a.mtx:3: '2' follows the indices, where a pattern has no value");
}

static void test_mtx__a_nul_byte_is_no_text(void **state)
{
    sparse x = {.text = REAL "1 1 1\n1 1 \0\n", .length = sizeof(REAL "1 1 1\n1 1 \0\n") - 1};
    (void)state;
    assert_int_equal(read_sparse(&x), AGOP_E_FORMAT);
    assert_sentence(&x.ctx.err, "a.mtx:3: a NUL byte; this is no text");
    agop__triplets_free(&x.t);
}

static int stop(void *user, const agop_progress *p)
{
    (void)user;
    assert_string_equal(p->phase, "read");
    return 1;
}

static void test_mtx__the_caller_may_stop_it(void **state)
{
    sparse x = {.text = REAL "1 1 1\n1 1 1\n", .ctx.progress = stop};
    (void)state;
    x.length = strlen(x.text);
    assert_int_equal(read_sparse(&x), AGOP_E_STOPPED);
    agop__triplets_free(&x.t);
}

static void test_mtx__every_failed_allocation_is_told(void **state)
{
    sparse x = {.text = REAL "3 4 2\n3 2 1\n1 1 2\n"};
    (void)state;
    x.length = strlen(x.text);
    for_every_allocation(read_sparse, &x);
    agop__triplets_free(&x.t);
}

/* ---- names ---- */

static void write_text(const char *name, const char *text)
{
    (void)write_file(name, text, strlen(text));
}

static void forget_names(agop__triplets *t)
{
    agop__names_free(&t->row_names);
    agop__names_free(&t->col_names);
    t->variables_in_rows = 0;
}

static agop_status read_names(void *user)
{
    sparse *x = user;
    forget_names(&x->t);
    return agop__mtx_names(&x->t, x->text, &x->ctx.err);
}

static void test_mtx__names_of_10x_are_found_beside_the_matrix(void **state)
{
    sparse x = {.text = in_folder("s1_matrix.mtx.gz"), .t = {.rows = 2, .cols = 3}};
    (void)state;
    write_text("s1_features.tsv", "ENSG1\tTP53\tGene Expression\r\nENSG2\tMYC\tGene Expression\n");
    write_text("s1_barcodes.tsv", "AAAC-1\nAAAG-1\n\n");
    assert_int_equal(read_names(&x), AGOP_OK);
    assert_int_equal(x.t.variables_in_rows, 1);
    assert_int_equal(x.t.row_names.count, 2);
    assert_string_equal(agop__names_at(&x.t.row_names, 0), "TP53");
    assert_string_equal(agop__names_at(&x.t.row_names, 1), "MYC");
    assert_int_equal(x.t.col_names.count, 3);
    assert_string_equal(agop__names_at(&x.t.col_names, 1), "AAAG-1");
    for_every_allocation(read_names, &x);
    forget_names(&x.t);
}

static void test_mtx__older_names_have_two_fields_or_one(void **state)
{
    sparse x = {.text = in_folder("v2_matrix.mtx"), .t = {.rows = 2, .cols = 3}};
    (void)state;
    write_text("v2_genes.tsv", "ENSG1\tTP53\nMYC\n");
    assert_int_equal(read_names(&x), AGOP_OK);
    assert_string_equal(agop__names_at(&x.t.row_names, 0), "TP53");
    assert_string_equal(agop__names_at(&x.t.row_names, 1), "MYC");
    assert_int_equal(x.t.col_names.count, 0);
    forget_names(&x.t);
}

static void test_mtx__files_called_otherwise_have_no_names(void **state)
{
    sparse x = {.text = in_folder("counts.mtx"), .t = {.rows = 2, .cols = 3}};
    (void)state;
    write_text("features.tsv", "a\nb\n");
    assert_int_equal(read_names(&x), AGOP_OK);
    assert_int_equal(x.t.row_names.count, 0);
    assert_int_equal(x.t.variables_in_rows, 0);
}

static void test_mtx__as_many_names_as_the_matrix_has_rows(void **state)
{
    sparse x = {.text = in_folder("s3_matrix.mtx"), .t = {.rows = 3, .cols = 3}};
    (void)state;
    write_text("s3_features.tsv", "a\nb\n");
    assert_int_equal(read_names(&x), AGOP_E_FORMAT);
    assert_sentence(&x.ctx.err, "s3_features.tsv: 2 lines for the 3 of the matrix beside it");
    forget_names(&x.t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mtx__entries_keep_their_order_and_count_from_one),
        cmocka_unit_test(test_mtx__a_pattern_has_ones),
        cmocka_unit_test(test_mtx__the_other_half_of_a_symmetric_matrix_is_added),
        cmocka_unit_test(test_mtx__what_is_wrong_is_told_with_its_line),
        cmocka_unit_test(test_mtx__a_nul_byte_is_no_text),
        cmocka_unit_test(test_mtx__the_caller_may_stop_it),
        cmocka_unit_test(test_mtx__every_failed_allocation_is_told),
        cmocka_unit_test(test_mtx__names_of_10x_are_found_beside_the_matrix),
        cmocka_unit_test(test_mtx__older_names_have_two_fields_or_one),
        cmocka_unit_test(test_mtx__files_called_otherwise_have_no_names),
        cmocka_unit_test(test_mtx__as_many_names_as_the_matrix_has_rows),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
