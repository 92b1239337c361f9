/* test_store.c - packed columns: every kind to the bit, in memory and in a file; whole files against block by block. */
#include "table/store.h"

#include <float.h>
#include <math.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "table/reader_private.h"
#include "table_support.h"

static char folder[] = "/tmp/agop_store_XXXXXX";

static const char *in_folder(const char *name)
{
    static char path[128];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

/* ---- one column ---- */

enum { CELLS = 70000 };

typedef double make_fn(int64_t i);

static double of_bits(uint64_t u)
{
    double v;
    memcpy(&v, &u, sizeof v);
    return v;
}

static double few(int64_t i) /* both zeros, two kinds of NaN, and the far ends */
{
    const double all[] = {0, -0.0, 1, NAN, 1e308, -DBL_MAX, DBL_TRUE_MIN, of_bits(UINT64_C(0x7FF8000000000001)), .1};
    return all[i * i % 9];
}

static double bytes(int64_t i)
{
    return (double)(i % 256) - 128;
}

static double shorts(int64_t i)
{
    return (double)(i * 7919 % 1000) * .1;
}

static double singles(int64_t i)
{
    return i % 11 ? (double)(float)(sin((double)i) * 1e30) : (double)NAN;
}

static double doubles(int64_t i)
{
    return sin((double)i) * (i % 2 ? 1e300 : 1e-300);
}

static double big_integers(int64_t i)
{
    return 9007199254740993.0 + 2.0 * (double)i;
}

static double signalling(int64_t i) /* no float holds these bits */
{
    return of_bits(UINT64_C(0x7FF0000000000000) + (uint64_t)i + 1);
}

static agop_status pack(agop__pack **out, agop__store **store, const char *cache, const double *v, int64_t n,
                        int64_t chunk_rows, agop__err *e)
{
    agop_status st;

    *out   = NULL;
    *store = NULL;
    TRY(agop__store_open(store, cache, chunk_rows, e));
    TRY(agop__pack_open(out, *store, e));
    for (int64_t i = 0; i < n; i += chunk_rows)
        TRY(agop__pack_add(*out, v + i, n - i < chunk_rows ? n - i : chunk_rows, e));
done:
    return st;
}

/* Back to the bit, as runs that begin and end anywhere, and one by one. */
static void comes_back(make_fn *make, int64_t n, int64_t chunk_rows, const char *cache, int kind)
{
    double      *v = malloc((size_t)n * sizeof *v), *back = malloc((size_t)n * sizeof *back);
    agop__store *s;
    agop__pack  *p;
    agop__err    e = {0};
    int64_t      length = 1;

    for (int64_t i = 0; i < n; i++)
        v[i] = make(i);
    if (pack(&p, &s, cache, v, n, chunk_rows, &e) != AGOP_OK)
        fail_msg("%s", e.text);
    assert_int_equal(agop__pack_rows(p), n);
    assert_int_equal(agop__pack_kind(p, 0), kind);
    agop__pack_take(back, p, 0, n);
    assert_memory_equal(v, back, (size_t)n * sizeof *v);
    for (int64_t first = 0; first < n; first += length, length = length * 3 % 4099 + 1) {
        int64_t count = n - first < length ? n - first : length;
        double  one   = agop__pack_at(p, first);
        agop__pack_take(back, p, first, count);
        assert_memory_equal(v + first, back, (size_t)count * sizeof *v);
        assert_memory_equal(&one, v + first, sizeof one);
    }
    agop__store_close(s); /* its pack keeps it */
    agop__pack_take(back, p, 0, n);
    assert_memory_equal(v, back, (size_t)n * sizeof *v);
    agop__pack_free(p);
    free(back);
    free(v);
}

static void test_store__every_kind_comes_back_to_the_bit(void **state)
{
    const struct {
        make_fn *make;
        int      kind;
    } all[] = {{few, AGOP__PACK_BYTE},       {bytes, AGOP__PACK_BYTE},          {shorts, AGOP__PACK_SHORT},
               {singles, AGOP__PACK_SINGLE}, {doubles, AGOP__PACK_DOUBLE},      {big_integers, AGOP__PACK_DOUBLE},
               {signalling, AGOP__PACK_DOUBLE}};
    (void)state;
    for (size_t k = 0; k < sizeof all / sizeof *all; k++)
        for (int cached = 0; cached <= 1; cached++) {
            comes_back(all[k].make, CELLS, AGOP__CHUNK_ROWS, cached ? folder : "", all[k].kind);
            comes_back(all[k].make, CELLS, 4096, cached ? folder : NULL, all[k].kind);
            comes_back(all[k].make, 4096, 4096, cached ? folder : NULL, all[k].kind);
        }
}

static double constant(int64_t i)
{
    (void)i;
    return -7;
}

static void test_store__bytes_are_counted(void **state)
{
    double      *v = malloc(AGOP__CHUNK_ROWS * sizeof *v);
    agop__store *s;
    agop__pack  *p;
    agop__err    e = {0};
    (void)state;

    for (int64_t i = 0; i < AGOP__CHUNK_ROWS; i++)
        v[i] = constant(i);
    assert_int_equal(pack(&p, &s, "", v, AGOP__CHUNK_ROWS, AGOP__CHUNK_ROWS, &e), AGOP_OK);
    assert_int_equal(agop__store_bytes(s), AGOP__CHUNK_ROWS + 8);
    agop__pack_free(p);
    agop__store_close(s);
    for (int64_t i = 0; i < AGOP__CHUNK_ROWS; i++)
        v[i] = doubles(i);
    assert_int_equal(pack(&p, &s, "", v, AGOP__CHUNK_ROWS, AGOP__CHUNK_ROWS, &e), AGOP_OK);
    assert_int_equal(agop__store_bytes(s), 8 * AGOP__CHUNK_ROWS);
    agop__pack_free(p);
    agop__store_close(s);
    free(v);
}

static void test_store__chunks_suit_the_columns(void **state)
{
    (void)state;
    assert_int_equal(agop__store_chunk_rows(1), AGOP__CHUNK_ROWS);
    assert_int_equal(agop__store_chunk_rows(100), AGOP__CHUNK_ROWS);
    assert_int_equal(agop__store_chunk_rows(1000), 8192);
    assert_int_equal(agop__store_chunk_rows(1000000), 256);
}

static void test_store__a_short_chunk_is_the_last(void **state)
{
    const double v[4] = {1, 2, 3, 4};
    agop__store *s;
    agop__pack  *p;
    agop__err    e = {0};
    (void)state;

    assert_int_equal(pack(&p, &s, "", v, 3, 4, &e), AGOP_OK);
    assert_int_equal(agop__pack_add(p, v, 0, &e), AGOP_OK);
    assert_int_equal(agop__pack_add(p, v, 1, &e), AGOP_E_BUG);
    assert_int_equal(agop__pack_rows(p), 3);
    agop__pack_free(p);
    agop__store_close(s);
}

/* ---- the folder ---- */

static void test_store__the_file_has_no_name(void **state)
{
    agop__store *s;
    agop__err    e = {0};
    (void)state;

    assert_int_equal(agop__store_open(&s, folder, 1024, &e), AGOP_OK);
    assert_int_equal(rmdir(folder), 0); /* it is empty */
    assert_int_equal(mkdir(folder, 0700), 0);
    agop__store_close(s);
}

static void test_store__a_folder_that_is_not_there_is_named(void **state)
{
    agop__store *s;
    agop__err    e = {0};
    (void)state;

    assert_int_equal(agop__store_open(&s, "/nowhere/at/all", 1024, &e), AGOP_E_IO);
    assert_null(s);
    assert_non_null(strstr(e.text, "/nowhere/at/all: No such file or directory; name another one with --cache"));
}

/* A limit on the size of files is a disk that is full after 2 MiB. */
static void test_store__a_full_disk_is_told(void **state)
{
    struct rlimit old, small;
    double       *v = malloc(AGOP__CHUNK_ROWS * sizeof *v);
    agop__store  *s;
    agop__pack   *p;
    agop__err     e  = {0};
    agop_status   st = AGOP_OK;
    int64_t       n  = 0;
    (void)state;

    (void)signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    small          = old;
    small.rlim_cur = 2 << 20;
    for (int64_t i = 0; i < AGOP__CHUNK_ROWS; i++)
        v[i] = doubles(i);
    assert_int_equal(agop__store_open(&s, folder, AGOP__CHUNK_ROWS, &e), AGOP_OK);
    assert_int_equal(agop__pack_open(&p, s, &e), AGOP_OK);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    for (; st == AGOP_OK && n < 100; n++)
        st = agop__pack_add(p, v, AGOP__CHUNK_ROWS, &e);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    assert_int_equal(st, AGOP_E_IO);
    assert_non_null(strstr(e.text, "cannot keep the table in the folder"));
    assert_true(n > 1 && agop__pack_rows(p) == (n - 1) * AGOP__CHUNK_ROWS); /* what was there still is */
    assert_true(agop__pack_at(p, 5) == v[5]);
    agop__pack_free(p);
    agop__store_close(s);
    free(v);
}

/* ---- files ---- */

static const char *write_text(const char *name, const char *text)
{
    const char *path = in_folder(name);
    FILE       *f    = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, strlen(text), f), strlen(text));
    assert_int_equal(fclose(f), 0);
    return path;
}

enum { ROWS = 9000 };

/* Missing cells, texts, big integers, the far ends, negative zero; few, hundreds and thousands of distinct values. */
static const char *strange_table(void)
{
    static agop__buffer b;

    agop__buffer_free(&b);
    memset(&b, 0, sizeof b);
    agop__buffer_print(&b, "few,many,all,far,zero,town,name,y\n");
    for (int64_t i = 0; i < ROWS; i++)
        agop__buffer_print(&b, "%s,%d,%.17g,%s,%s,%s,name %d,%d\n", i % 7 ? "1" : "", (int)(i * 31 % 997),
                           sin((double)i), i % 5 ? "1e308" : "9007199254740993", i % 3 ? "-0" : "0",
                           i % 9 == 0   ? ""
                           : i % 4 == 0 ? "\"Ulm, \"\"Donau\"\"\""
                                        : "Wien",
                           (int)(i % 5000), (int)(i % 2));
    assert_false(b.failed);
    return write_text("strange.csv", b.text);
}

static void same_tables(const agop_table *a, const agop_table *b)
{
    assert_int_equal(a->rows, b->rows);
    assert_int_equal(a->cols, b->cols);
    for (int64_t j = 0; j < a->cols; j++) {
        assert_string_equal(a->column[j].name, b->column[j].name);
        assert_int_equal(a->column[j].is_text, b->column[j].is_text);
        assert_int_equal(agop_table_levels(a, j), agop_table_levels(b, j));
        for (int64_t k = 0; k < agop_table_levels(a, j); k++)
            assert_string_equal(agop_table_level(a, j, k), agop_table_level(b, j, k));
        for (int64_t i = 0; i < a->rows; i++) {
            double x = agop_table_number(a, i, j), y = agop_table_number(b, i, j);
            assert_memory_equal(&x, &y, sizeof x);
        }
    }
}

static agop_table *whole(agop_ctx *ctx, const char *path, const agop_settings *s)
{
    agop_reader *r = NULL;
    agop_table  *t = NULL;
    assert_int_equal(agop_reader_open(&r, ctx, path, s, NULL), AGOP_OK);
    assert_int_equal(agop_reader_next(&t, ctx, r, 0), AGOP_OK); /* as doubles and codes, all at once */
    agop_reader_close(r);
    return t;
}

static void test_store__a_table_in_blocks_is_the_table(void **state)
{
    const char    *path = strange_table();
    agop_ctx       ctx  = listen(2);
    agop_settings *s    = settings("categorical", "many", NULL);
    agop_settings *c    = settings("categorical", "many", "cache", folder, NULL);
    agop_table    *want = whole(&ctx, path, s), *t = NULL;
    const int64_t  chunk[] = {0, 256, 1024, 16384};
    (void)state;

    assert_null(want->column[2].packed);
    for (int k = 0; k < 8; k++) {
        if (agop__table_read(&t, &ctx, path, k % 2 ? c : s, NULL, chunk[k / 2]) != AGOP_OK)
            fail_msg("%s", ctx.err.text);
        assert_non_null(t->column[2].packed);
        same_tables(want, t);
        agop_table_free(t);
    }
    agop_table_free(want);
    agop_settings_free(s);
    agop_settings_free(c);
}

/* What downstream makes of a packed table: the schema, and rows encoded in any order. */
static void test_store__a_packed_table_is_encoded_the_same(void **state)
{
    const char    *path = strange_table();
    agop_ctx       ctx  = listen(2);
    agop_settings *s    = settings("drop", "far", "normal_scores", "true", "max_levels", "100000", NULL);
    agop_table    *a = whole(&ctx, path, s), *b = NULL;
    agop__schema   p, q;
    double        *x, *y, *z;
    int32_t       *k, *l, *m;
    int64_t       *row = malloc(ROWS * sizeof *row);
    (void)state;

    assert_int_equal(agop__table_read(&b, &ctx, path, s, NULL, 512), AGOP_OK);
    assert_int_equal(agop__schema_learn(&p, &ctx, a, "y", s), AGOP_OK);
    assert_int_equal(agop__schema_learn(&q, &ctx, b, "y", s), AGOP_OK);
    assert_int_equal(p.numeric, q.numeric);
    assert_int_equal(p.groups, 2);
    x = malloc((size_t)(ROWS * p.numeric) * sizeof *x);
    y = malloc((size_t)(ROWS * p.numeric) * sizeof *y);
    z = malloc((size_t)(ROWS * p.numeric) * sizeof *z);
    k = malloc((size_t)(ROWS * p.groups) * sizeof *k);
    l = malloc((size_t)(ROWS * p.groups) * sizeof *l);
    m = malloc((size_t)(ROWS * p.groups) * sizeof *m);
    for (int64_t i = 0; i < ROWS; i++)
        row[i] = i * 7 % ROWS; /* 7 and 9000 share no divisor */
    assert_int_equal(agop__schema_encode(x, AGOP_F64, k, &p, &ctx, a, 0, ROWS, NULL), AGOP_OK);
    assert_int_equal(agop__schema_encode(y, AGOP_F64, l, &q, &ctx, b, 0, ROWS, NULL), AGOP_OK);
    assert_memory_equal(x, y, (size_t)(ROWS * p.numeric) * sizeof *x);
    assert_memory_equal(k, l, (size_t)(ROWS * p.groups) * sizeof *k);
    assert_int_equal(agop__schema_encode_rows(z, AGOP_F64, m, &q, &ctx, b, row, ROWS), AGOP_OK);
    for (int64_t i = 0; i < ROWS; i++) {
        assert_memory_equal(z + i * p.numeric, x + row[i] * p.numeric, (size_t)p.numeric * sizeof *x);
        assert_memory_equal(m + i * p.groups, k + row[i] * p.groups, (size_t)p.groups * sizeof *k);
    }
    row[0] = ROWS;
    assert_int_equal(agop__schema_encode_rows(z, AGOP_F64, m, &q, &ctx, b, row, 1), AGOP_E_BUG);
    agop__schema_free(&p);
    agop__schema_free(&q);
    agop_table_free(a);
    agop_table_free(b);
    agop_settings_free(s);
    free(x);
    free(y);
    free(z);
    free(k);
    free(l);
    free(m);
    free(row);
}

static const char *write_array(const char *name, const char *type, int fortran, int64_t rows, int64_t cols,
                               const void *cells, size_t count)
{
    const char   *path = in_folder(name);
    FILE         *f    = fopen(path, "wb");
    unsigned char head[10 + 118];

    memset(head, ' ', sizeof head);
    memcpy(head, "\x93NUMPY\x01\x00\x76\x00", 10);
    (void)snprintf((char *)head + 10, 118, "{'descr': '%s', 'fortran_order': %s, 'shape': (%d, %d)}", type,
                   fortran ? "True" : "False", (int)rows, (int)cols);
    head[10 + strlen((char *)head + 10)] = ' ';
    head[sizeof head - 1]                = '\n';
    assert_non_null(f);
    assert_int_equal(fwrite(head, 1, sizeof head, f), sizeof head);
    assert_int_equal(fwrite(cells, 1, count, f), count);
    assert_int_equal(fclose(f), 0);
    return path;
}

static void test_store__small_integers_stay_small_in_either_order(void **state)
{
    enum { N = 70000, D = 3 };
    int8_t     *x = malloc(N * D), *xt = malloc(N * D);
    agop_ctx    ctx = listen(2);
    agop_table *t   = NULL;
    (void)state;

    for (int64_t i = 0; i < N; i++)
        for (int64_t j = 0; j < D; j++)
            xt[j * N + i] = x[i * D + j] = (int8_t)(i * (j + 1) % 251 - 120);
    for (int fortran = 0; fortran <= 1; fortran++) {
        const char *path = write_array("i.npy", "|i1", fortran, N, D, fortran ? xt : x, N * D);
        assert_int_equal(agop_table_read(&t, &ctx, path, NULL, NULL), AGOP_OK);
        for (int64_t j = 0; j < D; j++) {
            assert_int_equal(agop__pack_kind(t->column[j].packed, 0), AGOP__PACK_BYTE);
            for (int64_t i = 0; i < N; i++)
                assert_true(agop_table_number(t, i, j) == (double)x[i * D + j]);
        }
        agop_table_free(t);
    }
    free(x);
    free(xt);
}

static void test_store__the_first_infinite_cell_is_named(void **state)
{
    double      x[6] = {1, 2, 3, 4, INFINITY, -INFINITY};
    agop_ctx    ctx  = listen(2);
    agop_table *t;
    (void)state;

    assert_int_equal(agop_table_read(&t, &ctx, write_array("f.npy", "<f8", 0, 2, 3, x, sizeof x), NULL, NULL),
                     AGOP_E_FORMAT);
    assert_sentence(&ctx, "row 2, column 'x2': infinite");
    assert_null(t);
}

/* ---- stops and failures ---- */

static int at_the_third(void *user, const agop_progress *p)
{
    int *called = user;
    assert_string_equal(p->phase, "read");
    assert_true(p->total == 0 || p->done <= p->total);
    return ++*called == 3;
}

static void test_store__reading_stops_between_blocks(void **state)
{
    const char *path   = strange_table();
    agop_ctx    ctx    = listen(1);
    agop_table *t      = NULL;
    int         called = 0;
    (void)state;

    agop_on_progress(&ctx, at_the_third, &called);
    assert_int_equal(agop__table_read(&t, &ctx, path, NULL, NULL, 1024), AGOP_E_STOPPED);
    assert_null(t);
    assert_int_equal(called, 3);
    assert_sentence(&ctx, "stopped while reading");
}

static void read_with_failures(const char *path, const agop_settings *s)
{
    for (int64_t n = 1;; n++) {
        agop_ctx    ctx = listen(1);
        agop_table *t   = NULL;
        agop_status st;
        int         failed;

        fail_alloc_arm(n);
        st     = agop__table_read(&t, &ctx, path, s, NULL, 2);
        failed = fail_alloc_disarm();
        agop_table_free(t);
        if (!failed) {
            assert_int_equal(st, AGOP_OK);
            break;
        }
        if (st != AGOP_E_NOMEM)
            fail_msg("allocation %d: %s %s", (int)n, agop_status_name(st), ctx.err.text);
    }
}

static void test_store__every_failed_allocation_is_told(void **state)
{
    const float    x[] = {1, 2, 3, 4, 5, 6};
    agop_settings *c   = settings("cache", folder, NULL);
    (void)state;

    read_with_failures(write_text("s.csv", "a,b\n1,x\n2,y\n,x\n4,\n5,z\n"), NULL);
    read_with_failures(in_folder("s.csv"), c);
    read_with_failures(write_array("f.npy", "<f4", 0, 3, 2, x, sizeof x), c);
    read_with_failures(write_array("f.npy", "<f4", 1, 3, 2, x, sizeof x), NULL);
    agop_settings_free(c);
}

/* ---- a folder of our own ---- */

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    static const char *const names[] = {"strange.csv", "s.csv", "i.npy", "f.npy"};
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        (void)unlink(in_folder(names[i]));
    return rmdir(folder); /* a file that was left behind fails the test */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_store__the_file_has_no_name),
        cmocka_unit_test(test_store__every_kind_comes_back_to_the_bit),
        cmocka_unit_test(test_store__bytes_are_counted),
        cmocka_unit_test(test_store__chunks_suit_the_columns),
        cmocka_unit_test(test_store__a_short_chunk_is_the_last),
        cmocka_unit_test(test_store__a_folder_that_is_not_there_is_named),
        cmocka_unit_test(test_store__a_full_disk_is_told),
        cmocka_unit_test(test_store__a_table_in_blocks_is_the_table),
        cmocka_unit_test(test_store__a_packed_table_is_encoded_the_same),
        cmocka_unit_test(test_store__small_integers_stay_small_in_either_order),
        cmocka_unit_test(test_store__the_first_infinite_cell_is_named),
        cmocka_unit_test(test_store__reading_stops_between_blocks),
        cmocka_unit_test(test_store__every_failed_allocation_is_told),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
