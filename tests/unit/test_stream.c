/* test_stream.c - bytes in: plain, gzip, zstd, peeking, failures; and files written whole or not at all. */
#include "io_support.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <zlib.h>
#include <zstd.h>

#include "io/output.h"
#include "io/sentence.h"
#include "io/stream_private.h"

enum { SIZE = 300000 };
static unsigned char plain[SIZE];

static int setup(void **state)
{
    uint32_t x = 1;
    for (int i = 0; i < SIZE; i++) { /* half noise, half runs */
        x        = x * 1664525u + 1013904223u;
        plain[i] = (unsigned char)(i % 1000 < 500 ? x >> 24 : 'a');
    }
    return make_folder(state);
}

static size_t gzipped(unsigned char *to, size_t room, const void *from, size_t count)
{
    z_stream z = {0};
    assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    z.next_in   = (Bytef *)(uintptr_t)from;
    z.avail_in  = (uInt)count;
    z.next_out  = to;
    z.avail_out = (uInt)room;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    assert_int_equal(deflateEnd(&z), Z_OK);
    return room - z.avail_out;
}

static size_t zstandard(unsigned char *to, size_t room, const void *from, size_t count)
{
    size_t n = ZSTD_compress(to, room, from, count, 3);
    assert_false(ZSTD_isError(n));
    return n;
}

/* All bytes by reads of `step`, after a peek when asked. */
static agop_status read_whole(agop__stream *s, unsigned char *to, size_t *count, size_t step, agop__err *e)
{
    agop_status st;
    size_t      got;
    *count = 0;
    do {
        assert_true(*count + step <= 2 * SIZE + 10);
        st = agop__stream_read(s, to + *count, step, &got, e);
        *count += got;
    } while (st == AGOP_OK && got == step);
    return st;
}

static void assert_reads(const char *path, const unsigned char *want, size_t count)
{
    static unsigned char to[2 * SIZE + 10];
    const size_t         steps[] = {1000, 65536, 2 * SIZE};
    for (int k = 0; k < 6; k++) {
        agop__err            e;
        agop__stream        *s;
        const unsigned char *ahead;
        size_t               got;
        assert_int_equal(agop__stream_open(&s, path, &e), AGOP_OK);
        if (k >= 3) {
            assert_int_equal(agop__stream_peek(s, &ahead, &got, &e), AGOP_OK);
            assert_int_equal(got, count < 65536 ? count : 65536);
            assert_memory_equal(ahead, want, got);
        }
        assert_int_equal(read_whole(s, to, &got, steps[k % 3], &e), AGOP_OK);
        assert_int_equal(got, count);
        assert_memory_equal(to, want, count);
        agop__stream_close(s);
    }
}

static void test_stream__plain_bytes_come_as_they_are(void **state)
{
    (void)state;
    assert_reads(write_file("plain", plain, SIZE), plain, SIZE);
    assert_reads(write_file("empty", plain, 0), plain, 0);
    assert_reads(write_file("one", plain, 1), plain, 1);
}

static void test_stream__gzip_members_are_joined(void **state)
{
    static unsigned char packed[2 * SIZE];
    size_t               n;
    (void)state;
    n = gzipped(packed, sizeof packed, plain, SIZE);
    assert_reads(write_file("a.gz", packed, n), plain, SIZE);
    n = gzipped(packed, sizeof packed, plain, 1000);
    n += gzipped(packed + n, sizeof packed - n, plain, 0);
    n += gzipped(packed + n, sizeof packed - n, plain + 1000, SIZE - 1000);
    assert_reads(write_file("several.gz", packed, n), plain, SIZE);
    memset(packed + n, 0, 700); /* as on a tape */
    assert_reads(write_file("padded.gz", packed, n + 700), plain, SIZE);
}

static void test_stream__zstd_frames_are_joined(void **state)
{
    static unsigned char packed[2 * SIZE];
    size_t               n;
    (void)state;
    n = zstandard(packed, sizeof packed, plain, 1000);
    n += zstandard(packed + n, sizeof packed - n, plain + 1000, SIZE - 1000);
    assert_reads(write_file("a.zst", packed, n), plain, SIZE);
    n = zstandard(packed, sizeof packed, plain, 0);
    assert_reads(write_file("empty.zst", packed, n), plain, 0);
}

static void assert_corrupt(const unsigned char *packed, size_t n, const char *part)
{
    static unsigned char to[2 * SIZE + 10];
    agop__err            e = {AGOP_OK, ""};
    agop__stream        *s;
    size_t               got;
    const char          *path = write_file("corrupt", packed, n);
    assert_int_equal(agop__stream_open(&s, path, &e), AGOP_OK);
    assert_int_equal(read_whole(s, to, &got, 5000, &e), AGOP_E_FORMAT);
    assert_sentence(&e, path);
    assert_sentence(&e, part);
    agop__stream_close(s);
}

static void test_stream__damaged_compression_is_told(void **state)
{
    static unsigned char packed[2 * SIZE];
    size_t               n;
    (void)state;
    n = gzipped(packed, sizeof packed, plain, SIZE);
    assert_corrupt(packed, n / 2, "end too early");
    assert_corrupt(packed, n - 1, "end too early");
    packed[n / 2] ^= 0x55;
    assert_corrupt(packed, n, "corrupt");
    n = gzipped(packed, sizeof packed, plain, SIZE);
    memcpy(packed + n, "garbage", 7);
    assert_corrupt(packed, n + 7, "follow the compressed data");
    n = zstandard(packed, sizeof packed, plain, SIZE);
    assert_corrupt(packed, n / 2, "end too early");
    assert_corrupt(packed, n - 1, "end too early");
    packed[n / 2] ^= 0x55;
    packed[6] ^= 0x55;
    assert_corrupt(packed, n, "corrupt");
}

static void test_stream__the_system_s_words_are_in_the_sentence(void **state)
{
    agop__err     e;
    agop__stream *s = (agop__stream *)(uintptr_t)1;
    (void)state;
    assert_int_equal(agop__stream_open(&s, in_folder("no such file"), &e), AGOP_E_IO);
    assert_null(s);
    assert_sentence(&e, "No such file or directory");
    assert_sentence(&e, "no such file");
    assert_int_equal(agop__stream_open(&s, test_folder, &e), AGOP_E_IO);
    assert_sentence(&e, "Is a directory");
}

static void test_stream__standard_input_has_a_name(void **state)
{
    agop__err     e;
    agop__stream *s;
    int           keep = dup(0), fd = open(write_file("in", plain, 10), O_RDONLY);
    unsigned char to[20];
    size_t        got;
    (void)state;
    assert_int_equal(dup2(fd, 0), 0);
    assert_int_equal(agop__stream_open(&s, "-", &e), AGOP_OK);
    assert_string_equal(agop__stream_name(s), "standard input");
    assert_int_equal(agop__stream_read(s, to, 20, &got, &e), AGOP_OK);
    assert_int_equal(got, 10);
    agop__stream_close(s);
    assert_int_equal(dup2(keep, 0), 0);
    (void)close(keep);
    (void)close(fd);
}

static void test_stream__what_is_left_is_known_for_plain_files_only(void **state)
{
    unsigned char        packed[4000];
    agop__err            e;
    agop__stream        *s;
    const unsigned char *ahead;
    size_t               got;
    unsigned char        to[100];
    (void)state;
    assert_int_equal(agop__stream_open(&s, write_file("plain", plain, SIZE), &e), AGOP_OK);
    assert_int_equal(agop__stream_left(s), SIZE);
    assert_int_equal(agop__stream_peek(s, &ahead, &got, &e), AGOP_OK);
    assert_int_equal(agop__stream_left(s), SIZE);
    assert_int_equal(agop__stream_read(s, to, 100, &got, &e), AGOP_OK);
    assert_int_equal(agop__stream_left(s), SIZE - 100);
    agop__stream_close(s);
    got = gzipped(packed, sizeof packed, plain, 1000);
    assert_int_equal(agop__stream_open(&s, write_file("a.gz", packed, got), &e), AGOP_OK);
    assert_int_equal(agop__stream_left(s), -1);
    agop__stream_close(s);
}

static agop_status open_and_read(void *user)
{
    unsigned char to[3000];
    agop__err     e;
    agop__stream *s = NULL;
    size_t        got;
    agop_status   st = agop__stream_open(&s, user, &e);
    if (st == AGOP_OK)
        st = agop__stream_read(s, to, sizeof to, &got, &e);
    agop__stream_close(s);
    return st;
}

static void test_stream__every_failed_allocation_is_told(void **state)
{
    unsigned char packed[4000];
    size_t        n;
    (void)state;
    for_every_allocation(open_and_read, (void *)(uintptr_t)write_file("plain", plain, 2000));
    n = gzipped(packed, sizeof packed, plain, 2000);
    for_every_allocation(open_and_read, (void *)(uintptr_t)write_file("a.gz", packed, n));
    n = zstandard(packed, sizeof packed, plain, 2000);
    for_every_allocation(open_and_read, (void *)(uintptr_t)write_file("a.zst", packed, n));
}

static void test_sentence__shown_text_is_cut_and_has_no_control_bytes(void **state)
{
    (void)state;
    assert_string_equal(agop__show("a\tb\nc\x7f", 6).text, "a?b?c?");
    assert_string_equal(agop__show("0123456789012345678901234567890123456789", 40).text,
                        "0123456789012345678901234567890123456789");
    assert_string_equal(agop__show("01234567890123456789012345678901234567890", 41).text,
                        "0123456789012345678901234567890123456789...");
    /* byte 40 is within the two bytes of an umlaut, which goes as a whole */
    assert_string_equal(agop__show("012345678901234567890123456789012345678\xC3\xA4z", 42).text,
                        "012345678901234567890123456789012345678...");
}

/* ---- output ---- */

static int64_t files_in_folder(void)
{
    char    command[128];
    int64_t n = -1;
    FILE   *f;
    (void)snprintf(command, sizeof command, "ls -A '%s/out' | wc -l", test_folder);
    f = popen(command, "r");
    assert_non_null(f);
    assert_int_equal(fscanf(f, "%ld", &n), 1);
    (void)pclose(f);
    return n;
}

static void assert_holds(const char *path, const void *bytes, size_t count)
{
    static char to[2 * SIZE];
    FILE       *f = fopen(path, "rb");
    assert_non_null(f);
    assert_int_equal(fread(to, 1, sizeof to, f), count);
    assert_memory_equal(to, bytes, count);
    (void)fclose(f);
}

static void test_output__appears_under_its_name_at_the_commit_only(void **state)
{
    agop__err     e;
    agop__output *o;
    const char   *path = in_folder("out/file");
    (void)state;
    assert_int_equal(mkdir(in_folder("out"), 0777), 0);
    path = in_folder("out/file");
    assert_int_equal(agop__output_open(&o, path, &e), AGOP_OK);
    for (int i = 0; i < SIZE; i += 1000)
        assert_int_equal(agop__output_write(o, plain + i, 1000, &e), AGOP_OK);
    assert_int_not_equal(access(path, F_OK), 0);
    assert_int_equal(agop__output_commit(&o, &e), AGOP_OK);
    assert_null(o);
    assert_holds(path, plain, SIZE);
    assert_int_equal(files_in_folder(), 1);
    assert_int_equal(agop__output_open(&o, path, &e), AGOP_OK);
    assert_int_equal(agop__output_write(o, "new", 3, &e), AGOP_OK);
    agop__output_abandon(o);
    assert_holds(path, plain, SIZE);
    assert_int_equal(files_in_folder(), 1);
}

static void test_output__a_full_disk_leaves_the_old_file(void **state)
{
    agop__err     e;
    agop__output *o;
    struct rlimit old, low;
    agop_status   st;
    const char   *path = in_folder("out/file");
    (void)state;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    low          = old;
    low.rlim_cur = 100000; /* no file may grow beyond it: writing fails as on a full disk */
    (void)signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &low), 0);
    st = agop__output_open(&o, path, &e);
    if (st == AGOP_OK)
        st = agop__output_write(o, plain, SIZE, &e);
    agop__output_abandon(o);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    assert_int_equal(st, AGOP_E_IO);
    assert_sentence(&e, "File too large");
    assert_holds(path, plain, SIZE);
    assert_int_equal(files_in_folder(), 1);
}

static void test_output__devices_and_links_are_written_through(void **state)
{
    agop__err     e;
    agop__output *o;
    struct stat   info;
    const char   *path = in_folder("out/file"), *link = in_folder("out/link");
    (void)state;
    assert_int_equal(agop__output_open(&o, "/dev/full", &e), AGOP_OK);
    assert_int_equal(agop__output_write(o, "x", 1, &e), AGOP_OK);
    assert_int_equal(agop__output_commit(&o, &e), AGOP_E_IO);
    assert_sentence(&e, "No space left on device");
    assert_int_equal(stat("/dev/full", &info), 0);
    assert_true(S_ISCHR(info.st_mode));
    assert_int_equal(symlink(path, link), 0);
    assert_int_equal(chmod(path, 0640), 0);
    assert_int_equal(agop__output_open(&o, link, &e), AGOP_OK);
    assert_int_equal(agop__output_write(o, "new", 3, &e), AGOP_OK);
    assert_int_equal(agop__output_commit(&o, &e), AGOP_OK);
    assert_int_equal(lstat(link, &info), 0);
    assert_true(S_ISLNK(info.st_mode));
    assert_holds(path, "new", 3);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0640);
    assert_int_equal(agop__output_open(&o, test_folder, &e), AGOP_E_IO);
    assert_sentence(&e, "Is a directory");
    assert_int_equal(agop__output_open(&o, in_folder("none/file"), &e), AGOP_E_IO);
    assert_sentence(&e, "No such file or directory");
}

static agop_status write_something(void *user)
{
    agop__err     e;
    agop__output *o  = NULL;
    agop_status   st = agop__output_open(&o, user, &e);
    if (st == AGOP_OK)
        st = agop__output_write(o, plain, SIZE, &e);
    if (st == AGOP_OK)
        st = agop__output_commit(&o, &e);
    agop__output_abandon(o);
    return st;
}

static void test_output__every_failed_allocation_is_told(void **state)
{
    (void)state;
    for_every_allocation(write_something, (void *)(uintptr_t)in_folder("out/file"));
    assert_int_equal(files_in_folder(), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stream__plain_bytes_come_as_they_are),
        cmocka_unit_test(test_stream__gzip_members_are_joined),
        cmocka_unit_test(test_stream__zstd_frames_are_joined),
        cmocka_unit_test(test_stream__damaged_compression_is_told),
        cmocka_unit_test(test_stream__the_system_s_words_are_in_the_sentence),
        cmocka_unit_test(test_stream__standard_input_has_a_name),
        cmocka_unit_test(test_stream__what_is_left_is_known_for_plain_files_only),
        cmocka_unit_test(test_stream__every_failed_allocation_is_told),
        cmocka_unit_test(test_sentence__shown_text_is_cut_and_has_no_control_bytes),
        cmocka_unit_test(test_output__appears_under_its_name_at_the_commit_only),
        cmocka_unit_test(test_output__a_full_disk_leaves_the_old_file),
        cmocka_unit_test(test_output__devices_and_links_are_written_through),
        cmocka_unit_test(test_output__every_failed_allocation_is_told),
    };
    return cmocka_run_group_tests(tests, setup, remove_folder);
}
