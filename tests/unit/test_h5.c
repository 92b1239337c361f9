/* test_h5.c - HDF5 files as anndata and 10x Genomics' programs write them, written here by libhdf5 itself. */
#include "io_support.h"

#include "io/h5.h"

#ifndef AGOP_HAVE_HDF5
static void test_h5__a_build_without_libhdf5_says_so(void **state)
{
    agop_ctx       ctx = {.threads = 1};
    agop__triplets t   = {0};
    (void)state;
    assert_int_equal(agop__h5_read(&t, &ctx, "a.h5ad", ""), AGOP_E_UNSUPPORTED);
    assert_sentence(&ctx.err, "a.h5ad: an HDF5 file, which this build cannot read");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_h5__a_build_without_libhdf5_says_so)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
#else
#include <math.h>

#include <hdf5.h>

enum { ROWS = 3, COLS = 4 };

/*   0 2 0 1
 *   0 0 0 0
 *   5 0 3 0 */
static const char    expected[]  = "0 1 2;0 3 1;2 0 5;2 2 3;";
static const float   values[]    = {2, 1, 5, 3};
static const int     columns[]   = {1, 3, 0, 2};
static const int64_t row_start[] = {0, 2, 2, 4};
static const double  dense[ROWS][COLS] = {{0, 2, 0, 1}, {0, 0, 0, 0}, {5, 0, 3, 0}};
static const char *const cells[] = {"c1", "c2", "c3"}, *const genes[] = {"g1", "g2", "g3", "caf\xC3\xA9"};

/* ---- writing ---- */

/* An array, in chunks of two with gzip where asked for. */
static void put(hid_t place, const char *name, hid_t type, const void *data, int rank, const hsize_t *size, int gzip)
{
    const hsize_t chunk[2] = {2, 2};
    hid_t         space = H5Screate_simple(rank, size, NULL), plist = H5Pcreate(H5P_DATASET_CREATE), set;

    if (gzip) {
        assert_true(H5Pset_chunk(plist, rank, chunk) >= 0);
        assert_true(H5Pset_shuffle(plist) >= 0 && H5Pset_deflate(plist, 4) >= 0);
    }
    set = H5Dcreate2(place, name, type, space, H5P_DEFAULT, plist, H5P_DEFAULT);
    assert_true(set > 0);
    assert_true(H5Dwrite(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) >= 0);
    H5Dclose(set);
    H5Pclose(plist);
    H5Sclose(space);
}

static void put_line(hid_t place, const char *name, hid_t type, const void *data, hsize_t count, int gzip)
{
    put(place, name, type, data, 1, &count, gzip);
}

/* size 0: each text of its own length, UTF-8. */
static hid_t text_type(size_t size)
{
    hid_t type = H5Tcopy(H5T_C_S1);
    assert_true(H5Tset_size(type, size ? size : H5T_VARIABLE) >= 0);
    assert_true(H5Tset_cset(type, size ? H5T_CSET_ASCII : H5T_CSET_UTF8) >= 0);
    return type;
}

static void put_texts(hid_t place, const char *name, const char *const *texts, hsize_t count, size_t size)
{
    hid_t type = text_type(size);
    char  fixed[COLS * 16];

    memset(fixed, 0, sizeof fixed);
    for (hsize_t k = 0; size && k < count; k++)
        memcpy(fixed + k * size, texts[k], strlen(texts[k]));
    put_line(place, name, type, size ? (const void *)fixed : (const void *)texts, count, 0);
    H5Tclose(type);
}

static void mark(hid_t object, const char *name, const char *text, int variable)
{
    hid_t type = text_type(variable ? 0 : strlen(text)), space = H5Screate(H5S_SCALAR);
    hid_t a    = H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT);

    assert_true(H5Awrite(a, type, variable ? (const void *)&text : (const void *)text) >= 0);
    H5Aclose(a);
    H5Sclose(space);
    H5Tclose(type);
}

static void mark_shape(hid_t object, const char *name, int64_t rows, int64_t cols)
{
    int64_t shape[] = {rows, cols};
    hsize_t two     = 2;
    hid_t   space = H5Screate_simple(1, &two, NULL);
    hid_t   a     = H5Acreate2(object, name, H5T_STD_I64LE, space, H5P_DEFAULT, H5P_DEFAULT);

    assert_true(H5Awrite(a, H5T_NATIVE_INT64, shape) >= 0);
    H5Aclose(a);
    H5Sclose(space);
}

static hid_t group(hid_t place, const char *name)
{
    hid_t g = H5Gcreate2(place, name, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    assert_true(g > 0);
    return g;
}

static hid_t create(const char *name)
{
    hid_t f = H5Fcreate(in_folder(name), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    assert_true(f > 0);
    return f;
}

static void put_frame(hid_t file, const char *name, const char *index, const char *const *texts, hsize_t count)
{
    hid_t g = group(file, name);
    mark(g, "_index", index, 1);
    put_texts(g, index, texts, count, 0);
    H5Gclose(g);
}

static void put_compressed(hid_t place, const char *name, int64_t lines, const int64_t *start, int gzip)
{
    hid_t g = group(place, name);
    put_line(g, "data", H5T_NATIVE_FLOAT, values, 4, gzip);
    put_line(g, "indices", H5T_NATIVE_INT, columns, 4, gzip);
    put_line(g, "indptr", H5T_NATIVE_INT64, start, (hsize_t)lines + 1, gzip);
    H5Gclose(g);
}

/* ---- reading ---- */

typedef struct asked {
    agop_ctx       ctx;
    agop__triplets t;
    const char    *path, *layer;
} asked;

static agop_status read_h5(void *user)
{
    asked *a = user;
    agop__triplets_free(&a->t);
    return agop__h5_read(&a->t, &a->ctx, a->path, a->layer ? a->layer : "");
}

/* Entries in the order of their cells. */
static const char *entries(const agop__triplets *t)
{
    static char text[512];
    float       cell[8][8] = {{0}};
    size_t      n          = 0;

    text[0] = '\0';
    for (const agop__piece *p = t->first; p; p = p->next)
        for (int64_t k = 0; k < p->count; k++)
            cell[p->entry[k].row][p->entry[k].col] += p->entry[k].value;
    for (int i = 0; i < 8; i++)
        for (int j = 0; j < 8; j++)
            if (cell[i][j] != 0)
                n += (size_t)snprintf(text + n, sizeof text - n, "%d %d %g;", i, j, (double)cell[i][j]);
    return text;
}

static void assert_matrix(const char *name, const char *layer)
{
    asked a = {.path = in_folder(name), .layer = layer};
    if (read_h5(&a) != AGOP_OK)
        fail_msg("%s", a.ctx.err.text);
    assert_int_equal(a.t.rows, ROWS);
    assert_int_equal(a.t.cols, COLS);
    assert_string_equal(entries(&a.t), expected);
    assert_int_equal(a.t.variables_in_rows, 0);
    assert_int_equal(a.t.row_names.count, ROWS);
    assert_int_equal(a.t.col_names.count, COLS);
    assert_string_equal(agop__names_at(&a.t.row_names, 1), "c2");
    assert_string_equal(agop__names_at(&a.t.col_names, 3), genes[3]);
    agop__triplets_free(&a.t);
}

static void assert_refused(const char *name, const char *layer, agop_status status, const char *sentence)
{
    asked a = {.path = in_folder(name), .layer = layer};
    assert_int_equal(read_h5(&a), status);
    assert_sentence(&a.ctx.err, sentence);
    agop__triplets_free(&a.t);
}

/* ---- AnnData ---- */

static void write_annotated(const char *name, int gzip)
{
    hid_t f = create(name), x, raw, layers;

    put_compressed(f, "X", ROWS, row_start, gzip);
    x = H5Gopen2(f, "X", H5P_DEFAULT);
    mark(x, "encoding-type", "csr_matrix", 1);
    mark_shape(x, "shape", ROWS, COLS);
    H5Gclose(x);
    put_frame(f, "obs", "_index", cells, ROWS);
    put_frame(f, "var", "gene_ids", genes, COLS);
    layers = group(f, "layers");
    put(layers, "counts", H5T_NATIVE_DOUBLE, dense, 2, (const hsize_t[]){ROWS, COLS}, gzip);
    H5Gclose(layers);
    raw = group(f, "raw");
    put(raw, "X", H5T_NATIVE_DOUBLE, dense, 2, (const hsize_t[]){ROWS, COLS}, 0);
    put_frame(raw, "var", "index", genes, COLS);
    H5Gclose(raw);
    H5Fclose(f);
}

static void test_h5__csr_dense_layers_and_raw_are_read(void **state)
{
    (void)state;
    for (int gzip = 0; gzip < 2; gzip++) {
        write_annotated("a.h5ad", gzip);
        assert_matrix("a.h5ad", "");
        assert_matrix("a.h5ad", "counts");
        assert_matrix("a.h5ad", "raw");
    }
    assert_refused("a.h5ad", "count", AGOP_E_DATA, "a.h5ad: no layer is called 'count'; there are counts");
    assert_refused("a.h5ad", "../X", AGOP_E_DATA, "no layer is called '../X'");
}

static void test_h5__columns_of_csc_are_lines(void **state)
{
    static const int64_t start[] = {0, 1, 2, 3, 4};
    static const int     rows[]  = {2, 0, 2, 0};
    static const double  down[]  = {5, 2, 3, 1};
    hid_t                f, x;

    (void)state;
    f = create("csc.h5ad");
    x = group(f, "X");
    put_line(x, "data", H5T_NATIVE_DOUBLE, down, 4, 1);
    put_line(x, "indices", H5T_NATIVE_INT, rows, 4, 0);
    put_line(x, "indptr", H5T_NATIVE_INT64, start, COLS + 1, 0);
    mark(x, "encoding-type", "csc_matrix", 0);
    mark_shape(x, "shape", ROWS, COLS);
    H5Gclose(x);
    put_frame(f, "obs", "_index", cells, ROWS);
    put_frame(f, "var", "_index", genes, COLS);
    H5Fclose(f);
    assert_matrix("csc.h5ad", "");
}

/* Before anndata 0.7: the form in h5sparse_format, names in a column of a compound array. */
static void test_h5__the_older_form_is_read(void **state)
{
    struct {
        char   index[8];
        double n;
    } var[COLS] = {{"g1", 1}, {"g2", 2}, {"g3", 3}, {"caf\xC3\xA9", 4}};
    struct {
        double      n;
        const char *index;
    } obs[ROWS] = {{1, "c1"}, {2, "c2"}, {3, "c3"}};
    hid_t   f, x, fixed, own, type;
    hsize_t count;

    (void)state;
    f = create("old.h5ad");
    put_compressed(f, "X", ROWS, row_start, 0);
    x = H5Gopen2(f, "X", H5P_DEFAULT);
    mark(x, "h5sparse_format", "csr", 1);
    mark_shape(x, "h5sparse_shape", ROWS, COLS);
    H5Gclose(x);
    fixed = text_type(8);
    own   = text_type(0);
    type  = H5Tcreate(H5T_COMPOUND, sizeof var[0]);
    H5Tinsert(type, "index", 0, fixed);
    H5Tinsert(type, "n", 8, H5T_NATIVE_DOUBLE);
    count = COLS;
    put(f, "var", type, var, 1, &count, 0);
    H5Tclose(type);
    type = H5Tcreate(H5T_COMPOUND, sizeof obs[0]);
    H5Tinsert(type, "n", 0, H5T_NATIVE_DOUBLE);
    H5Tinsert(type, "index", 8, own);
    count = ROWS;
    put(f, "obs", type, obs, 1, &count, 0);
    H5Tclose(type);
    H5Tclose(own);
    H5Tclose(fixed);
    H5Fclose(f);
    assert_matrix("old.h5ad", "");
}

/* ---- 10x Genomics: genes x cells, by cell, which is our matrix by row ---- */

static void write_10x(const char *name, const char *matrix, int features)
{
    hid_t   f       = create(name), m, g;
    int64_t shape[] = {COLS, ROWS};

    put_compressed(f, matrix, ROWS, row_start, 1);
    m = H5Gopen2(f, matrix, H5P_DEFAULT);
    put_line(m, "shape", H5T_NATIVE_INT64, shape, 2, 0);
    put_texts(m, "barcodes", cells, ROWS, 16);
    g = features ? group(m, "features") : m;
    put_texts(g, features ? "name" : "gene_names", genes, COLS, 16);
    if (features)
        H5Gclose(g);
    H5Gclose(m);
    H5Fclose(f);
}

static void test_h5__files_of_10x_have_genes_in_rows(void **state)
{
    asked a = {.path = in_folder("v.h5")};
    (void)state;
    for (int version = 2; version <= 3; version++) {
        write_10x("v.h5", version == 2 ? "GRCh38" : "matrix", version == 3);
        if (read_h5(&a) != AGOP_OK)
            fail_msg("%s", a.ctx.err.text);
        assert_int_equal(a.t.variables_in_rows, 1);
        assert_int_equal(a.t.rows, COLS);
        assert_string_equal(entries(&a.t), "0 2 5;1 0 2;2 2 3;3 0 1;");
        assert_string_equal(agop__names_at(&a.t.row_names, 3), genes[3]);
        assert_string_equal(agop__names_at(&a.t.col_names, 2), "c3");
    }
    agop__triplets_free(&a.t);
    assert_refused("v.h5", "counts", AGOP_E_DATA, "only .h5ad files have layers");
}

/* ---- what is wrong ---- */

/* A csr file with these parts. */
static void write_csr(const float v[4], const int index[4], const int64_t start[4], int64_t rows, hsize_t names)
{
    hid_t f = create("b.h5ad"), x = group(f, "X");
    put_line(x, "data", H5T_NATIVE_FLOAT, v, 4, 0);
    put_line(x, "indices", H5T_NATIVE_INT, index, 4, 0);
    put_line(x, "indptr", H5T_NATIVE_INT64, start, 4, 0);
    mark(x, "encoding-type", "csr_matrix", 1);
    mark_shape(x, "shape", rows, COLS);
    H5Gclose(x);
    put_frame(f, "var", "_index", genes, names);
    H5Fclose(f);
}

static void test_h5__what_does_not_fit_together_is_told(void **state)
{
    const float   nan[] = {1, 2, 3, NAN};
    const int     high[] = {1, 3, 0, 4}, low[] = {1, 3, 0, -1};
    const int64_t late[] = {1, 2, 2, 4}, back[] = {0, 4, 2, 4}, far[] = {0, 2, 2, 5};

    (void)state;
    write_csr(values, columns, row_start, ROWS, COLS - 1);
    assert_refused("b.h5ad", "", AGOP_E_FORMAT, "'_index' has 3 names for 4 lines of the matrix");
    write_csr(nan, columns, row_start, ROWS, COLS);
    assert_refused("b.h5ad", "", AGOP_E_FORMAT, "row 3, column 3: NaN or infinite");
    write_csr(values, high, row_start, ROWS, COLS);
    assert_refused("b.h5ad", "", AGOP_E_FORMAT, "index 4 in a matrix of 3 x 4");
    write_csr(values, low, row_start, ROWS, COLS);
    assert_refused("b.h5ad", "", AGOP_E_FORMAT, "index -1 in a matrix of 3 x 4");
    write_csr(values, columns, late, ROWS, COLS);
    assert_refused("b.h5ad", "", AGOP_E_FORMAT, "'indptr' cannot be read (a damaged file?)");
    write_csr(values, columns, back, ROWS, COLS);
    assert_refused("b.h5ad", "", AGOP_E_FORMAT, "'indptr' cannot be read");
    write_csr(values, columns, far, ROWS, COLS);
    assert_refused("b.h5ad", "", AGOP_E_FORMAT, "'indptr' cannot be read");
    write_csr(values, columns, row_start, ROWS + 1, COLS);
    assert_refused("b.h5ad", "", AGOP_E_FORMAT, "data, indices, indptr of 4, 4, 4 numbers are no matrix of 4 x 4");
    write_csr(values, columns, row_start, INT64_C(1) << 40, COLS);
    assert_refused("b.h5ad", "", AGOP_E_FORMAT, "a matrix of 1099511627776 x 4, where 2147483647 rows and");
}

static void test_h5__other_files_are_told(void **state)
{
    hid_t f, g;

    (void)state;
    f = create("c.h5ad");
    H5Fclose(f);
    assert_refused("c.h5ad", "", AGOP_E_FORMAT, "c.h5ad: neither an .h5ad file (with X) nor one of 10x Genomics");
    f = create("c.h5ad");
    put_texts(f, "X", genes, COLS, 0);
    H5Fclose(f);
    assert_refused("c.h5ad", "", AGOP_E_FORMAT, "'X' has 1 dimensions, not 2");
    assert_refused("c.h5ad", "a", AGOP_E_DATA, "no layer is called 'a'; there are none");
    f = create("c.h5ad");
    g = group(f, "X");
    H5Gclose(g);
    H5Fclose(f);
    assert_refused("c.h5ad", "", AGOP_E_FORMAT, "'X' is neither an array nor a matrix in csr or csc form");
    (void)write_file("c.h5ad", "no such thing", 13);
    assert_refused("c.h5ad", "", AGOP_E_FORMAT, "an HDF5 file must be a plain file of its own");
}

/* A filter that nobody has, under a number that is known and one that is not. */
static size_t pass(unsigned flags, size_t count, const unsigned values_of[], size_t bytes, size_t *size, void **buffer)
{
    (void)flags, (void)count, (void)values_of, (void)size, (void)buffer;
    return bytes;
}

static void test_h5__a_filter_that_is_missing_is_named(void **state)
{
    const H5Z_class2_t filter = {H5Z_CLASS_T_VERS, 32015, 1, 1, "Zstandard", NULL, NULL, pass};
    const hsize_t      size[] = {ROWS, COLS};
    hid_t              f, space, plist, set;

    (void)state;
    f     = create("z.h5ad");
    space = H5Screate_simple(2, size, NULL);
    plist = H5Pcreate(H5P_DATASET_CREATE);
    assert_true(H5Zregister(&filter) >= 0);
    assert_true(H5Pset_chunk(plist, 2, size) >= 0 && H5Pset_filter(plist, 32015, 0, 0, NULL) >= 0);
    set = H5Dcreate2(f, "X", H5T_NATIVE_DOUBLE, space, H5P_DEFAULT, plist, H5P_DEFAULT);
    assert_true(H5Dwrite(set, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, dense) >= 0);
    H5Dclose(set);
    H5Pclose(plist);
    H5Sclose(space);
    H5Fclose(f);
    assert_true(H5Zunregister(32015) >= 0);
    assert_refused("z.h5ad", "", AGOP_E_UNSUPPORTED,
                   "z.h5ad: 'X' is compressed by filter 32015 (zstd), which is not there: install its HDF5 plugin");
}

/* ---- damaged files: only cut short, because libhdf5 1.10 has faults of its own where structures are changed ---- */

static char bytes[1 << 16];

static size_t load(const char *name)
{
    FILE  *f    = fopen(in_folder(name), "rb");
    size_t size = fread(bytes, 1, sizeof bytes, f);
    assert_int_equal(fclose(f), 0);
    assert_in_range(size, 1000, sizeof bytes - 1);
    return size;
}

static agop_status read_bytes(size_t length)
{
    asked       a  = {.path = write_file("e.h5", bytes, length)};
    agop_status st = read_h5(&a);

    if (st != AGOP_OK)
        assert_true(a.ctx.err.text[0] != '\0' && a.ctx.err.code == st);
    agop__triplets_free(&a.t);
    return st;
}

static void test_h5__files_cut_short_are_refused(void **state)
{
    size_t size;

    (void)state;
    write_annotated("d.h5ad", 1);
    size = load("d.h5ad");
    for (size_t k = 0; k < 97; k++)
        assert_int_equal(read_bytes(size * k / 97), AGOP_E_FORMAT);
    assert_int_equal(read_bytes(size), AGOP_OK);
}

static void test_h5__every_failed_allocation_is_told(void **state)
{
    asked a = {.path = in_folder("a.h5ad")};
    (void)state;
    write_annotated("a.h5ad", 1);
    for_every_allocation(read_h5, &a);
    a.layer = "counts";
    for_every_allocation(read_h5, &a);
    agop__triplets_free(&a.t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_h5__csr_dense_layers_and_raw_are_read),
        cmocka_unit_test(test_h5__columns_of_csc_are_lines),
        cmocka_unit_test(test_h5__the_older_form_is_read),
        cmocka_unit_test(test_h5__files_of_10x_have_genes_in_rows),
        cmocka_unit_test(test_h5__what_does_not_fit_together_is_told),
        cmocka_unit_test(test_h5__other_files_are_told),
        cmocka_unit_test(test_h5__a_filter_that_is_missing_is_named),
        cmocka_unit_test(test_h5__files_cut_short_are_refused),
        cmocka_unit_test(test_h5__every_failed_allocation_is_told),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
#endif
