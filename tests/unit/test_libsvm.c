/* test_libsvm.c - sparse text: what is read, what is refused with which sentence. */
#include "io_support.h"

#include <math.h>

#include "io/libsvm.h"
#include "io/stream_private.h"

typedef struct sparse {
    const char *text;
    size_t      length;
    int64_t     min_cols, max_cols, rows, cols;
    double     *values, *label;
    agop__err   e;
} sparse;

static agop_status read_sparse(void *user)
{
    sparse       *x = user;
    agop__stream *s = NULL;
    agop_status   st;
    free(x->values);
    free(x->label);
    x->values = x->label = NULL;
    st                   = agop__stream_of_bytes(&s, x->text, x->length, "a.svm", &x->e);
    if (st == AGOP_OK)
        st = agop__libsvm_read(&x->values, &x->label, &x->rows, &x->cols, x->min_cols, x->max_cols, s, &x->e);
    agop__stream_close(s);
    if (st != AGOP_OK) {
        assert_null(x->values);
        assert_null(x->label);
    }
    return st;
}

static void give_back(sparse *x)
{
    free(x->values);
    free(x->label);
    x->values = x->label = NULL;
}

static void test_libsvm__pairs_become_a_dense_matrix(void **state)
{
    sparse x          = {.text = "# a comment\n+1 1:0.5 3:-2e3 # and another\n\n-1\t2:.25 \r\n0\n2.5 3:1"};
    double want[4][3] = {{0.5, 0, -2000}, {0, 0.25, 0}, {0, 0, 0}, {0, 0, 1}}, label[4] = {1, -1, 0, 2.5};
    (void)state;
    x.length = strlen(x.text);
    assert_int_equal(read_sparse(&x), AGOP_OK);
    assert_int_equal(x.rows, 4);
    assert_int_equal(x.cols, 3);
    assert_memory_equal(x.values, want, sizeof want);
    assert_memory_equal(x.label, label, sizeof label);
    give_back(&x);
}

static void test_libsvm__nan_is_missing(void **state)
{
    sparse x = {.text = "nan 1:NaN 2:3\n", .length = 14};
    (void)state;
    assert_int_equal(read_sparse(&x), AGOP_OK);
    assert_true(isnan(x.label[0]) && isnan(x.values[0]) && x.values[1] == 3);
    give_back(&x);
}

static void test_libsvm__columns_are_at_least_those_asked_for(void **state)
{
    sparse x = {.text = "1 2:7\n", .length = 6, .min_cols = 5};
    (void)state;
    assert_int_equal(read_sparse(&x), AGOP_OK);
    assert_int_equal(x.cols, 5);
    assert_true(x.values[1] == 7 && x.values[4] == 0);
    give_back(&x);
}

static void test_libsvm__a_long_file_is_read_across_the_buffer(void **state)
{
    enum { ROWS = 30000 };
    size_t room = (size_t)ROWS * 80, n = 0;
    char  *text = malloc(room);
    sparse x    = {.text = text};
    (void)state;
    for (int i = 0; i < ROWS; i++)
        n += (size_t)snprintf(text + n, room - n, "%d 1:%d %d:0.125 100:3.25 101:1e-7\n", i % 2, i, 2 + i % 90);
    x.length = n;
    assert_true(n > 1u << 20);
    assert_int_equal(read_sparse(&x), AGOP_OK);
    assert_int_equal(x.rows, ROWS);
    assert_int_equal(x.cols, 101);
    for (int64_t i = 0; i < ROWS; i++) {
        assert_true(x.values[i * 101] == (double)i && x.values[i * 101 + 1 + i % 90] == 0.125);
        assert_true(x.values[i * 101 + 100] == 1e-7 && x.label[i] == (double)(i % 2));
    }
    give_back(&x);
    free(text);
}

static void test_libsvm__a_line_longer_than_the_buffer_is_read(void **state)
{
    size_t room = 4u << 20, n = 1;
    char  *text = malloc(room);
    sparse x    = {.text = text};
    (void)state;
    text[0] = '1';
    for (int i = 1; n < 3u << 20; i++)
        n += (size_t)snprintf(text + n, room - n, " %d:1", i);
    x.length = n;
    assert_int_equal(read_sparse(&x), AGOP_OK);
    assert_int_equal(x.rows, 1);
    assert_true(x.values[x.cols - 1] == 1);
    give_back(&x);
    free(text);
}

static void assert_refused(const char *text, size_t length, const char *sentence)
{
    sparse x = {.text = text, .length = length, .max_cols = 10};
    assert_int_equal(read_sparse(&x), AGOP_E_FORMAT);
    assert_string_equal(x.e.text, sentence);
}
#define REFUSED(TEXT, SENTENCE) assert_refused(TEXT, sizeof(TEXT) - 1, SENTENCE)

static void test_libsvm__sentences_name_the_place(void **state)
{
    (void)state;
    REFUSED("", "a.svm: the file is empty");
    REFUSED("1 1:1\n1 3:1 2:1\n", "a.svm:2: '2:1' does not have a larger index than the one before it");
    REFUSED("1 2:1 2:1\n", "a.svm:1: '2:1' does not have a larger index than the one before it");
    REFUSED("1 0:1\n", "a.svm:1: '0:1' has index 0; indices count from 1");
    REFUSED("1 qid:3 1:1\n", "a.svm:1: 'qid:3' is no index:value");
    REFUSED("1 3\n", "a.svm:1: '3' is no index:value");
    REFUSED("1,2 3:1\n", "a.svm:1: '1,2' is not a number, which a line must begin with");
    REFUSED("x 3:1\n", "a.svm:1: 'x' is not a number, which a line must begin with");
    REFUSED("1 3:x\n", "a.svm:1: '3:x' has no number behind its colon");
    REFUSED("1 3: 4:1\n", "a.svm:1: '3:' has no number behind its colon");
    REFUSED("1 3:nano\n", "a.svm:1: '3:nano' has no number behind its colon");
    REFUSED("1 3:1e999\n", "a.svm:1: '3:1e999' is infinite");
    REFUSED("1e999 3:1\n", "a.svm:1: '1e999' is infinite");
    REFUSED("1 11:1\n", "a.svm:1: '11:1' has an index beyond the number of columns");
    REFUSED("1 99999999999999999999999:1\n",
            "a.svm:1: '99999999999999999999999:1' has an index beyond the number of columns");
    REFUSED("1 1:1\n\n1 2\0:1\n", "a.svm:3: a NUL byte; this is no text");
}

static void test_libsvm__what_the_machine_cannot_hold_is_refused_unallocated(void **state)
{
    size_t n = 0, room = 200000;
    char  *text = malloc(room);
    sparse x    = {.text = text};
    (void)state;
    for (int i = 0; i < 10000; i++)
        n += (size_t)snprintf(text + n, room - n, "1 1073741824:1\n");
    x.length = n;
    assert_int_equal(read_sparse(&x), AGOP_E_NOMEM);
    assert_sentence(&x.e, "no memory for");
    free(text);
}

static void test_libsvm__is_told_from_tables(void **state)
{
    const char *yes[] = {"1 1:0.5\n", "+1 3:1 4:2", "# c\n\n-1.5\t10:2 # x\n", "1 2:3#c\n"};
    const char *no[]  = {"",        "a,b\n1,2\n", "1\n",   "1,2\n",   "12:30 1:2\n",
                         "1 x:2\n", "1 2:x\n",    "1 2\n", "a 1:2\n", "###"};
    (void)state;
    for (size_t k = 0; k < sizeof yes / sizeof *yes; k++)
        assert_true(agop__is_libsvm((const unsigned char *)yes[k], strlen(yes[k])));
    for (size_t k = 0; k < sizeof no / sizeof *no; k++)
        assert_false(agop__is_libsvm((const unsigned char *)no[k], strlen(no[k])));
}

static void test_libsvm__every_failed_allocation_is_told(void **state)
{
    sparse x = {.text = "1 1:0.5 3:-2e3\n2 1:1\n"};
    (void)state;
    x.length = strlen(x.text);
    for_every_allocation(read_sparse, &x);
    give_back(&x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_libsvm__pairs_become_a_dense_matrix),
        cmocka_unit_test(test_libsvm__nan_is_missing),
        cmocka_unit_test(test_libsvm__columns_are_at_least_those_asked_for),
        cmocka_unit_test(test_libsvm__a_long_file_is_read_across_the_buffer),
        cmocka_unit_test(test_libsvm__a_line_longer_than_the_buffer_is_read),
        cmocka_unit_test(test_libsvm__sentences_name_the_place),
        cmocka_unit_test(test_libsvm__what_the_machine_cannot_hold_is_refused_unallocated),
        cmocka_unit_test(test_libsvm__is_told_from_tables),
        cmocka_unit_test(test_libsvm__every_failed_allocation_is_told),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
