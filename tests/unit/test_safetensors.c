/* test_safetensors.c - named tensors: written, read back, and everything that may be wrong with such a file. */
#include "io_support.h"

#include <jansson.h>
#include <signal.h>
#include <sys/resource.h>

#include "io/json.h"
#include "io/safetensors.h"

static const double  alpha[6] = {1, -2.5, 3e300, 4, 5, -0.0};
static const float   small[3] = {0.5f, 1, 2};
static const int32_t codes[2] = {-1, 7};
static const int64_t wide[1]  = {9007199254740993};
static const uint8_t bytes[5] = {1, 2, 3, 4, 255};

static const agop__tensor some[] = {
    {.name = "bytes", .dtype = "U8", .shape = {5}, .dims = 1, .data = bytes},
    {.name = "small", .dtype = "F32", .shape = {3, 1}, .dims = 2, .data = small},
    {.name = "alpha", .dtype = "F64", .shape = {2, 3}, .dims = 2, .data = alpha},
    {.name = "codes", .dtype = "I32", .shape = {2}, .dims = 1, .data = codes},
    {.name = "wide", .dtype = "I64", .dims = 0, .data = wide},
    {.name = "none", .dtype = "F64", .shape = {0, 3}, .dims = 2, .data = NULL},
};
enum { SOME = 6 };
static const char metadata[] = "{\"text\": \"gr\xC3\xB6\xC3\x9F\", \"quote\": \"\\\"\"}";

static void test_safetensors__what_was_written_is_read(void **state)
{
    const char         *path = in_folder("a.safetensors");
    agop__err           e;
    agop__tensors      *f;
    const agop__tensor *t;
    (void)state;
    assert_int_equal(agop__tensors_write(path, metadata, some, SOME, &e), AGOP_OK);
    assert_int_equal(agop__tensors_open(&f, path, &e), AGOP_OK);
    assert_string_equal(agop__tensors_metadata(f), metadata);
    for (int i = 0; i < SOME; i++) {
        size_t size = i == 0   ? sizeof bytes
                      : i == 1 ? sizeof small
                      : i == 2 ? sizeof alpha
                      : i == 3 ? sizeof codes
                      : i == 4 ? sizeof wide
                               : 0;
        t           = agop__tensors_find(f, some[i].name);
        assert_non_null(t);
        assert_string_equal(t->dtype, some[i].dtype);
        assert_int_equal(t->dims, some[i].dims);
        assert_memory_equal(t->shape, some[i].shape, sizeof t->shape);
        if (size)
            assert_memory_equal(t->data, some[i].data, size);
        assert_int_equal((uintptr_t)t->data % (t->dtype[1] == '6' ? 8 : t->dtype[1] == '3' ? 4 : 1), 0);
    }
    assert_null(agop__tensors_find(f, "nothing"));
    agop__tensors_close(f);
}

/* Byte for byte, by the format's description: length, header with blanks up to a multiple of 8, tensors. */
static void test_safetensors__the_bytes_are_those_of_the_format(void **state)
{
    static const char want[] = "\x68\0\0\0\0\0\0\0"
                               "{\"__metadata__\":{\"agop\":\"{}\"},\"alpha\":{\"dtype\":\"F64\",\"shape\":[2,1],"
                               "\"data_offsets\":[0,16]}}        ";
    const char       *path   = in_folder("bytes.safetensors");
    agop__tensor      t      = some[2];
    agop__err         e;
    char              got[300];
    size_t            n;
    FILE             *f;
    (void)state;
    t.shape[1] = 1;
    assert_int_equal(agop__tensors_write(path, "{}", &t, 1, &e), AGOP_OK);
    f = fopen(path, "rb");
    assert_non_null(f);
    n = fread(got, 1, sizeof got, f);
    (void)fclose(f);
    assert_int_equal(n % 8, 0);
    assert_int_equal((unsigned char)got[0], (n - 8 - 16));
    assert_memory_equal(got + 8, want + 8, strcspn(want + 8, " "));
    assert_memory_equal(got + n - 16, alpha, 16);
}

static void test_safetensors__need_checks_type_and_shape(void **state)
{
    const char         *path = in_folder("need.safetensors");
    agop__err           e;
    agop__tensors      *f;
    const agop__tensor *t;
    (void)state;
    assert_int_equal(agop__tensors_write(path, NULL, some, SOME, &e), AGOP_OK);
    assert_int_equal(agop__tensors_open(&f, path, &e), AGOP_OK);
    assert_null(agop__tensors_metadata(f));
    assert_int_equal(agop__tensors_need(&t, f, "alpha", "F64", 2, 3, &e), AGOP_OK);
    assert_int_equal(agop__tensors_need(&t, f, "alpha", "F64", -1, -1, &e), AGOP_OK);
    assert_int_equal(agop__tensors_need(&t, f, "codes", "I32", 2, 0, &e), AGOP_OK);
    assert_int_equal(agop__tensors_need(&t, f, "codes", "I32", 3, 0, &e), AGOP_E_FORMAT);
    assert_sentence(&e, "tensor 'codes'");
    assert_null(t);
    assert_int_equal(agop__tensors_need(&t, f, "alpha", "F64", 3, 2, &e), AGOP_E_FORMAT);
    assert_sentence(&e, "2 x 3, where 3 x 2 is needed");
    assert_int_equal(agop__tensors_need(&t, f, "alpha", "F32", 2, 3, &e), AGOP_E_FORMAT);
    assert_sentence(&e, "is F64 where F32 is needed");
    assert_int_equal(agop__tensors_need(&t, f, "M", "F64", 2, 3, &e), AGOP_E_FORMAT);
    assert_sentence(&e, "tensor 'M' is missing");
    agop__tensors_close(f);
}

/* A file with this header, padded, and `count` zero bytes. */
static const char *make_file(const char *header, size_t count)
{
    static char file[4000];
    uint64_t    n = (strlen(header) + 7) / 8 * 8;
    memset(file, 0, sizeof file);
    memcpy(file, &n, 8);
    memset(file + 8, ' ', n);
    memcpy(file + 8, header, strlen(header));
    return write_file("bad.safetensors", file, 8 + n + count);
}

static void refuse(const char *header, size_t count, const char *part)
{
    agop__err      e;
    agop__tensors *f    = (agop__tensors *)(uintptr_t)1;
    const char    *path = make_file(header, count);
    assert_int_equal(agop__tensors_open(&f, path, &e), AGOP_E_FORMAT);
    assert_null(f);
    assert_sentence(&e, path);
    assert_sentence(&e, part);
}

#define TENSOR(NAME, TYPE, SHAPE, SPAN)                                                                                \
    "\"" NAME "\":{\"dtype\":\"" TYPE "\",\"shape\":[" SHAPE "],\"data_offsets\":[" SPAN "]}"

static void test_safetensors__every_inconsistency_is_refused(void **state)
{
    (void)state;
    refuse("{" TENSOR("a", "F64", "2", "0,16") "}", 15, "'a' lies outside the file");
    refuse("{" TENSOR("a", "F64", "2", "0,16") "}", 17, "bytes that belong to no tensor");
    refuse("{" TENSOR("a", "F64", "2", "0,8") "}", 16, "'a' has a shape that does not fit its bytes");
    refuse("{" TENSOR("a", "F64", "2", "16,0") "}", 16, "'a' lies outside the file");
    refuse("{" TENSOR("a", "F64", "2", "-16,0") "}", 16, "'a' lies outside the file");
    refuse("{" TENSOR("a", "F64", "-2,-1", "0,16") "}", 16, "has a shape that is no list of sizes");
    refuse("{" TENSOR("a", "F64", "2.0", "0,16") "}", 16, "has a shape that is no list of sizes");
    refuse("{" TENSOR("a", "F64", "4294967296,4294967296", "0,0") "}", 0, "does not fit its bytes");
    refuse("{" TENSOR("a", "F64", "1,1,2", "0,16") "}", 16, "has more than two dimensions");
    refuse("{" TENSOR("a", "BF16", "8", "0,16") "}", 16, "has a type other than F64, F32, I64, I32, U8");
    refuse("{" TENSOR("a", "F64", "1", "0,8") "," TENSOR("b", "F64", "1", "0,8") "}", 8, "overlaps another");
    refuse("{" TENSOR("a", "F64", "1", "0,8") "," TENSOR("b", "F64", "1", "16,24") "}", 24, "leaves a gap");
    refuse("{" TENSOR("a", "F64", "1", "0,8") "," TENSOR("a", "F64", "1", "8,16") "}", 16, "duplicate");
    refuse("{" TENSOR("a", "U8", "1", "0,1") "," TENSOR("b", "F64", "1", "1,9") "}", 9, "'b' is not aligned");
    refuse("{\"a\":{\"dtype\":\"F64\",\"shape\":[2]}}", 16, "has no pair of data_offsets");
    refuse("{\"a\":{\"dtype\":\"F64\",\"data_offsets\":[0,16]}}", 16, "has no shape");
    refuse("{\"a\":3}", 0, "has a type other than");
    refuse("{\"__metadata__\":[]}", 0, "__metadata__ is no JSON object");
    refuse("{\"__metadata__\":{\"agop\":3}}", 0, "a value in __metadata__ is no text");
    refuse("{\"a\":", 0, "of its JSON");
    refuse("{} x", 0, "of its JSON");
    refuse("[]", 0, "not a safetensors file");
}

static void test_safetensors__other_files_are_told(void **state)
{
    agop__err      e;
    agop__tensors *f;
    (void)state;
    assert_int_equal(agop__tensors_open(&f, write_file("x", "1234567", 7), &e), AGOP_E_FORMAT);
    assert_sentence(&e, "too short for a safetensors file");
    assert_int_equal(agop__tensors_open(&f, write_file("x", "a,b,c\n1,2,3\n", 12), &e), AGOP_E_FORMAT);
    assert_sentence(&e, "not a safetensors file");
    assert_int_equal(agop__tensors_open(&f, write_file("x", "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF{}", 10), &e),
                     AGOP_E_FORMAT);
    assert_sentence(&e, "not a safetensors file");
    assert_int_equal(agop__tensors_open(&f, write_file("x", "", 0), &e), AGOP_E_FORMAT);
    assert_int_equal(agop__tensors_open(&f, in_folder("none"), &e), AGOP_E_IO);
    assert_sentence(&e, "No such file or directory");
    assert_int_equal(agop__tensors_open(&f, test_folder, &e), AGOP_E_IO);
    assert_sentence(&e, "Is a directory");
    assert_int_equal(agop__tensors_open(&f, "/dev/null", &e), AGOP_E_IO);
    assert_sentence(&e, "not a plain file");
}

static void test_safetensors__a_full_disk_leaves_the_old_file(void **state)
{
    enum { MANY = 100000 };
    const char    *path = in_folder("full.safetensors");
    double        *many = calloc(MANY, sizeof *many);
    agop__tensor   big  = {.name = "big", .dtype = "F64", .shape = {MANY}, .dims = 1, .data = many};
    agop__tensors *f;
    agop__err      e;
    agop_status    st;
    struct rlimit  old, low;
    (void)state;
    assert_int_equal(agop__tensors_write(path, metadata, some, SOME, &e), AGOP_OK);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    low          = old;
    low.rlim_cur = 100000;
    (void)signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &low), 0);
    st = agop__tensors_write(path, NULL, &big, 1, &e);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    assert_int_equal(st, AGOP_E_IO);
    assert_sentence(&e, "cannot write");
    assert_int_equal(agop__tensors_open(&f, path, &e), AGOP_OK);
    assert_non_null(agop__tensors_find(f, "alpha"));
    agop__tensors_close(f);
    free(many);
}

static agop_status attempt_write(void *user)
{
    agop__err e;
    return agop__tensors_write(user, metadata, some, SOME, &e);
}

static agop_status attempt_open(void *user)
{
    agop__err      e;
    agop__tensors *f  = NULL;
    agop_status    st = agop__tensors_open(&f, user, &e);
    agop__tensors_close(f);
    return st;
}

static void test_safetensors__every_failed_allocation_is_told(void **state)
{
    const char *path = in_folder("memory.safetensors");
    (void)state;
    json_set_alloc_funcs(malloc, free); /* jansson's allocations now count as ours */
    for_every_allocation(attempt_write, (void *)(uintptr_t)path);
    for_every_allocation(attempt_open, (void *)(uintptr_t)path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_safetensors__what_was_written_is_read),
        cmocka_unit_test(test_safetensors__the_bytes_are_those_of_the_format),
        cmocka_unit_test(test_safetensors__need_checks_type_and_shape),
        cmocka_unit_test(test_safetensors__every_inconsistency_is_refused),
        cmocka_unit_test(test_safetensors__other_files_are_told),
        cmocka_unit_test(test_safetensors__a_full_disk_leaves_the_old_file),
        cmocka_unit_test(test_safetensors__every_failed_allocation_is_told),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
