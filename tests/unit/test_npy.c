/* test_npy.c - .npy and .npz. The files under tests/fuzz/corpus were written by NumPy; their values are known. */
#include "io_support.h"

#include <math.h>
#include <zlib.h>

#include "io/npy_private.h"
#include "io/stream_private.h"

#define CORPUS "tests/fuzz/corpus/"

static agop_status read_path(agop__array *a, const char *path, agop__err *e)
{
    agop__stream *s = NULL;
    agop_status   st;
    memset(a, 0, sizeof *a);
    st = agop__stream_open(&s, path, e);
    if (st == AGOP_OK)
        st = agop__npy_read(a, s, e);
    agop__stream_close(s);
    return st;
}

static agop__array read_npy(const char *path)
{
    agop__err   e;
    agop__array a;
    if (read_path(&a, path, &e) != AGOP_OK)
        fail_msg("%s", e.text);
    return a;
}

static double at(const agop__array *a, int64_t i)
{
    return a->dtype == AGOP_F32 ? (double)((const float *)a->data)[i] : ((const double *)a->data)[i];
}

/* ---- elements ---- */

static void test_npy__every_type_has_its_values(void **state)
{
    const char *types[] = {"i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8"};
    (void)state;
    for (int k = 0; k < 11; k++) {
        char        path[100];
        agop__array a;
        int         is_float = types[k][0] == 'f', is_wide = types[k][1] == '8' && !is_float;
        double      want[6] = {0, 1, 100, types[k][0] == 'i' ? -3 : is_float ? -3.25 : 3, 5, 7};
        if (is_wide)
            want[5] = 9007199254740992.0; /* 2^53 + 1 to the nearest double */
        (void)snprintf(path, sizeof path, CORPUS "npy/%s", types[k]);
        a = read_npy(path);
        assert_int_equal(a.rows, 2);
        assert_int_equal(a.cols, 3);
        assert_int_equal(a.dtype, is_float && types[k][1] != '8' ? AGOP_F32 : AGOP_F64);
        for (int i = 0; i < 6; i++)
            assert_true(at(&a, i) == want[i]);
        agop__array_free(&a);
    }
}

static void test_npy__half_precision_is_exact(void **state)
{
    const float want[8] = {0, -0.0f, 0x1p-24f, -1023 * 0x1p-24f, 1, 65504, INFINITY, -NAN};
    agop__array a       = read_npy(CORPUS "npy/half");
    (void)state;
    for (int i = 0; i < 7; i++)
        assert_memory_equal((float *)a.data + i, &want[i], sizeof(float));
    assert_true(isnan(((float *)a.data)[7]));
    agop__array_free(&a);
}

static void test_npy__booleans_are_zero_and_one(void **state)
{
    agop__array a = read_npy(CORPUS "npy/bool");
    (void)state;
    assert_int_equal(a.rows, 2);
    assert_int_equal(a.cols, 1);
    assert_true(at(&a, 0) == 1 && at(&a, 1) == 0);
    agop__array_free(&a);
}

static void test_npy__fortran_order_is_turned(void **state)
{
    agop__array a = read_npy(CORPUS "npy/fortran");
    (void)state;
    assert_int_equal(a.rows, 3);
    assert_int_equal(a.cols, 2);
    for (int i = 0; i < 6; i++)
        assert_true(at(&a, i) == i);
    agop__array_free(&a);
}

static void test_npy__texts_come_as_utf8(void **state)
{
    agop__array a       = read_npy(CORPUS "npy/fortran_text");
    const char *want[6] = {"a",
                           "b",
                           "c",
                           "d",
                           "e",
                           "gr\xC3\xB6\xC3\x9F"
                           "e\xF0\x9F\x98\x80"};
    (void)state;
    assert_null(a.data);
    for (int i = 0; i < 6; i++)
        assert_string_equal(a.text[i], want[i]);
    agop__array_free(&a);
    a = read_npy(CORPUS "npy/bytes");
    assert_string_equal(a.text[0], "ab");
    assert_string_equal(a.text[1], "c");
    agop__array_free(&a);
}

static void test_npy__versions_and_empty_arrays_are_read(void **state)
{
    const char *paths[] = {CORPUS "npy/version2", CORPUS "npy/version3"};
    agop__array a;
    (void)state;
    for (int k = 0; k < 2; k++) {
        a = read_npy(paths[k]);
        assert_int_equal(a.rows, 3);
        assert_true(at(&a, 2) == 2);
        agop__array_free(&a);
    }
    a = read_npy(CORPUS "npy/empty");
    assert_int_equal(a.rows, 0);
    assert_int_equal(a.cols, 4);
    agop__array_free(&a);
}

/* ---- made here: header and bytes ---- */

static size_t make_npy(unsigned char *to, const char *header, const void *data, size_t count)
{
    size_t n = strlen(header);
    memcpy(to, "\x93NUMPY\x01\x00", 8);
    to[8] = (unsigned char)(n & 255);
    to[9] = (unsigned char)(n >> 8);
    memcpy(to + 10, header, n);
    if (count)
        memcpy(to + 10 + n, data, count);
    return 10 + n + count;
}

static void test_npy__large_arrays_come_whole_also_compressed(void **state)
{
    enum { ROWS = 1000, COLS = 333 };
    static unsigned char file[ROWS * COLS * 8 + 200];
    static double        x[ROWS][COLS], turned[COLS][ROWS];
    agop__array          a;
    size_t               n;
    gzFile               z;
    (void)state;
    for (int i = 0; i < ROWS; i++)
        for (int j = 0; j < COLS; j++)
            x[i][j] = turned[j][i] = i * 1e3 + j;
    n = make_npy(file, "{'descr': '<f8', 'fortran_order': False, 'shape': (1000, 333), }\n", x, sizeof x);
    a = read_npy(write_file("large.npy", file, n));
    assert_memory_equal(a.data, x, sizeof x);
    agop__array_free(&a);
    z = gzopen(in_folder("large.npy.gz"), "wb");
    assert_int_equal(gzwrite(z, file, (unsigned)n), n);
    assert_int_equal(gzclose(z), Z_OK);
    a = read_npy(in_folder("large.npy.gz"));
    assert_memory_equal(a.data, x, sizeof x);
    agop__array_free(&a);
    n = make_npy(file, "{'shape':(1000,333),'fortran_order':True,'descr':'<f8'}", turned, sizeof turned);
    a = read_npy(write_file("turned.npy", file, n));
    assert_memory_equal(a.data, x, sizeof x);
    agop__array_free(&a);
}

static void assert_refused(const char *path, const char *part)
{
    agop__err   e;
    agop__array a;
    assert_int_equal(read_path(&a, path, &e), AGOP_E_FORMAT);
    assert_sentence(&e, path);
    assert_sentence(&e, part);
    assert_null(a.data);
    assert_null(a.text);
}

static void refuse_header(const char *header, size_t bytes, const char *part)
{
    unsigned char       file[2000];
    static const double zeros[100];
    assert_refused(write_file("bad.npy", file, make_npy(file, header, zeros, bytes)), part);
}

static void test_npy__sentences_say_what_to_do(void **state)
{
    (void)state;
    assert_refused(CORPUS "npy/object", "an array of Python objects; save array.astype(float) or astype(str)");
    assert_refused(CORPUS "npy/big", "big-endian numbers (>f8); save array.astype('<f8')");
    assert_refused(CORPUS "npy/struct", "a structured array; save its columns as one plain array, or as CSV");
    assert_refused(CORPUS "npy/cube", "3 dimensions where a table has one or two");
    assert_refused(CORPUS "npy/scalar", "0 dimensions where a table has one or two");
    assert_refused(CORPUS "npy/complex", "elements of type <c16, which is not read");
    assert_refused(CORPUS "npy/date", "elements of type <M8[D], which is not read");
    assert_refused(CORPUS "npy/huge", "a damaged .npy header (shape)");
    refuse_header("{'descr': '<f8', 'fortran_order': False, 'shape': (-1,), }", 8, "a damaged .npy header (shape)");
    refuse_header("{'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), }", 95, "the array ends too early");
    refuse_header("{'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), }", 97, "bytes are left over");
    refuse_header("{'descr': '<f8', 'fortran_order': False, 'shape': (4611686018427387904, 4), }", 96,
                  "beyond all sizes");
    refuse_header("{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000, 100), }", 96, "too early");
    refuse_header("{'descr': '<f8', 'fortran_order': False, 'shape': (0, 9223372036854775807), }", 8, "left over");
    refuse_header("{'descr': '|S0', 'fortran_order': False, 'shape': (1000000000000,), }", 0, "texts of no length");
    refuse_header("{'descr': '<U999999999', 'fortran_order': False, 'shape': (1,), }", 80, "which is not read");
    refuse_header("{'descr': '<f8', 'fortran_order': False, }", 8, "a damaged .npy header");
    refuse_header("{'descr': '<f8', 'descr': '<f8', 'fortran_order': False, 'shape': (1,), }", 8, "one twice");
    refuse_header("{'descr': '<f8', 'fortran_order': False, 'shape': (1,), 'x': 1}", 8, "an unknown key");
    refuse_header("{'descr': '<f8', 'fortran_order': False, 'shape': (1,), } x", 8, "a damaged .npy header");
    refuse_header("", 8, "a damaged .npy header");
    assert_refused(write_file("short.npy", "\x93NUMPY\x01", 7), "the array ends too early");
    assert_refused(write_file("other.npy", "\x93NUMPY\x04\0\0\0\0\0", 12), "version 4 of the .npy format");
    assert_refused(write_file("none.npy", "NUMPY, but not quite", 20), "not a .npy array");
}

/* A header that promises a terabyte must cost no memory, also where the size of the input is not known. */
static void test_npy__promises_cost_nothing(void **state)
{
    unsigned char file[300];
    char          path[300];
    size_t    n = make_npy(file, "{'descr': '|u1', 'fortran_order': False, 'shape': (1000000, 1000000), }", "1234", 4);
    gzFile    z;
    agop__err e;
    agop__array a;
    (void)state;
    (void)snprintf(path, sizeof path, "%s", in_folder("promise.npy.gz"));
    z = gzopen(path, "wb");
    assert_int_equal(gzwrite(z, file, (unsigned)n), n);
    assert_int_equal(gzclose(z), Z_OK);
    assert_int_equal(read_path(&a, path, &e), AGOP_E_FORMAT);
    assert_sentence(&e, "too early");
}

/* ---- archives ---- */

static void test_npz__arrays_are_found_by_name(void **state)
{
    agop__err   e;
    agop__array a;
    (void)state;
    assert_int_equal(agop__npz_read(&a, CORPUS "npz/stored", NULL, &e), AGOP_OK); /* X */
    assert_int_equal(a.rows, 2);
    assert_int_equal(a.cols, 2);
    assert_true(at(&a, 3) == 3);
    agop__array_free(&a);
    assert_int_equal(agop__npz_read(&a, CORPUS "npz/stored", "y", &e), AGOP_OK);
    assert_true(at(&a, 1) == 2);
    agop__array_free(&a);
    assert_int_equal(agop__npz_read(&a, CORPUS "npz/deflated", "y", &e), AGOP_OK);
    assert_string_equal(a.text[1], "b");
    agop__array_free(&a);
    assert_int_equal(agop__npz_read(&a, CORPUS "npz/deflated", NULL, &e), AGOP_OK);
    assert_int_equal(a.rows, 5);
    agop__array_free(&a);
    assert_int_equal(agop__npz_read(&a, CORPUS "npz/one", NULL, &e), AGOP_OK); /* the only one */
    assert_true(at(&a, 2) == 2);
    agop__array_free(&a);
    assert_int_equal(agop__npz_read(&a, CORPUS "npz/zip64", "y", &e), AGOP_OK);
    assert_int_equal(a.rows, 3);
    agop__array_free(&a);
}

/* The whole of a file; its length in *n. */
static unsigned char *load(const char *path, size_t *n)
{
    static unsigned char bytes[10000];
    FILE                *f = fopen(path, "rb");
    assert_non_null(f);
    *n = fread(bytes, 1, sizeof bytes, f);
    (void)fclose(f);
    return bytes;
}

static void assert_npz_refused(const char *path, const char *name, const char *part)
{
    agop__err   e;
    agop__array a;
    assert_int_equal(agop__npz_read(&a, path, name, &e), AGOP_E_FORMAT);
    assert_sentence(&e, path);
    assert_sentence(&e, part);
}

static void test_npz__sentences_say_what_is_there(void **state)
{
    agop__err      e;
    agop__array    a;
    size_t         n, k;
    unsigned char *bytes;
    (void)state;
    assert_npz_refused(CORPUS "npz/stored", "z", "no array is called 'z'; there are X, y");
    bytes = load(CORPUS "npz/stored", &n);
    for (k = 0; k + 5 < n; k++) /* rename X.npy, wherever it is written */
        if (memcmp(bytes + k, "X.npy", 5) == 0)
            bytes[k] = 'Z';
    assert_npz_refused(write_file("z.npz", bytes, n), NULL, "several arrays (Z, y) and none is called X");
    bytes = load(CORPUS "npz/one", &n);
    bytes[200] ^= 1; /* an element: the checksum does not fit any more */
    assert_npz_refused(write_file("damaged.npz", bytes, n), NULL, "the checksum in the archive does not fit");
    bytes[200] ^= 1;
    assert_npz_refused(write_file("short.npz", bytes, n - 30), NULL, "damaged ZIP archive");
    assert_npz_refused(write_file("tail.npz", bytes + 10, n - 10), NULL, "damaged ZIP archive");
    bytes[6] = 1;
    for (k = 0; memcmp(bytes + k, "PK\x01\x02", 4) != 0; k++)
        ;
    bytes[k + 8] = 1;
    assert_npz_refused(write_file("secret.npz", bytes, n), NULL, "the archive is encrypted");
    bytes[k + 8]  = 0;
    bytes[k + 10] = 12;
    assert_npz_refused(write_file("bzip2.npz", bytes, n), NULL, "compression method 12");
    assert_npz_refused(write_file("empty.npz", "PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 22), NULL,
                       "no array is in this archive");
    assert_int_equal(agop__npz_read(&a, in_folder("none.npz"), NULL, &e), AGOP_E_IO);
    assert_sentence(&e, "No such file");
    assert_int_equal(agop__npz_read(&a, test_folder, NULL, &e), AGOP_E_IO);
}

static void test_npy__kinds_are_told_by_the_first_bytes(void **state)
{
    (void)state;
    assert_true(agop__is_npy((const unsigned char *)"\x93NUMPY\x01", 7));
    assert_false(agop__is_npy((const unsigned char *)"\x93NUM", 4));
    assert_true(agop__is_zip((const unsigned char *)"PK\x03\x04", 4));
    assert_true(agop__is_zip((const unsigned char *)"PK\x05\x06", 4));
    assert_false(agop__is_zip((const unsigned char *)"PK,a", 4));
}

/* ---- memory ---- */

static agop_status attempt_npy(void *user)
{
    agop__err   e;
    agop__array a;
    agop_status st = read_path(&a, user, &e);
    agop__array_free(&a);
    return st;
}

static agop_status attempt_npz(void *user)
{
    agop__err   e;
    agop__array a;
    agop_status st = agop__npz_read(&a, user, NULL, &e);
    agop__array_free(&a);
    return st;
}

static void test_npy__every_failed_allocation_is_told(void **state)
{
    (void)state;
    for_every_allocation(attempt_npy, (void *)(uintptr_t)CORPUS "npy/fortran");
    for_every_allocation(attempt_npy, (void *)(uintptr_t)CORPUS "npy/fortran_text");
    for_every_allocation(attempt_npz, (void *)(uintptr_t)CORPUS "npz/deflated");
    for_every_allocation(attempt_npz, (void *)(uintptr_t)CORPUS "npz/stored");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_npy__every_type_has_its_values),
        cmocka_unit_test(test_npy__half_precision_is_exact),
        cmocka_unit_test(test_npy__booleans_are_zero_and_one),
        cmocka_unit_test(test_npy__fortran_order_is_turned),
        cmocka_unit_test(test_npy__texts_come_as_utf8),
        cmocka_unit_test(test_npy__versions_and_empty_arrays_are_read),
        cmocka_unit_test(test_npy__large_arrays_come_whole_also_compressed),
        cmocka_unit_test(test_npy__sentences_say_what_to_do),
        cmocka_unit_test(test_npy__promises_cost_nothing),
        cmocka_unit_test(test_npz__arrays_are_found_by_name),
        cmocka_unit_test(test_npz__sentences_say_what_is_there),
        cmocka_unit_test(test_npy__kinds_are_told_by_the_first_bytes),
        cmocka_unit_test(test_npy__every_failed_allocation_is_told),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
