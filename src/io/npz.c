/* npz.c - several .npy arrays in a ZIP archive; see npy.h.
 *
 * An archive is read from its end: a record there says where the directory lies, the directory names the members
 * and where they begin, and each member has a short header of its own. Archives beyond 4 GB keep the large numbers
 * in the 64-bit records of ZIP64. Nothing of this is believed before it is compared with the size of the file. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/text.h"
#include "io/npy.h"
#include "io/sentence.h"
#include "io/stream_private.h"

enum { END = 22, END64 = 56, LOCATOR64 = 20, ENTRY = 46, LOCAL = 30, MOST_COMMENT = 65535 };

static const int64_t most_directory = 64 << 20;

typedef struct archive {
    const char    *path;
    int            fd;
    int64_t        length;
    unsigned char *directory;
    int64_t        directory_length;
} archive;

typedef struct entry { /* of the directory */
    const char  *name; /* not terminated */
    size_t       name_length;
    int          method, encrypted;
    agop__member member; /* offset: of its local header */
} entry;

static uint64_t number(const unsigned char *p, int bytes)
{
    uint64_t v = 0;
    for (int i = bytes - 1; i >= 0; i--)
        v = v << 8 | p[i];
    return v;
}

static agop_status broken(const archive *a, const char *how, agop__err *e)
{
    return agop__fail(e, AGOP_E_FORMAT, "%s: %s", a->path, how);
}

static agop_status read_at(const archive *a, int64_t at, void *to, size_t count, agop__err *e)
{
    unsigned char *p = to;

    if (at < 0 || at > a->length || (int64_t)count > a->length - at)
        return broken(a, "a damaged ZIP archive (an incomplete copy?)", e);
    while (count > 0) {
        ssize_t n = pread(a->fd, p, count, (off_t)at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return agop__fail_system(e, "read", a->path, errno);
        if (n == 0)
            return broken(a, "the file became shorter while it was read", e);
        p += n;
        at += n;
        count -= (size_t)n;
    }
    return AGOP_OK;
}

/* The 64-bit record, when a locator stands before the end record: where the directory is. */
static agop_status find_directory64(const archive *a, int64_t end, uint64_t *at, uint64_t *length, agop__err *e)
{
    agop_status   st = AGOP_OK;
    unsigned char locator[LOCATOR64], record[END64];

    if (end < LOCATOR64)
        return AGOP_OK;
    TRY(read_at(a, end - LOCATOR64, locator, LOCATOR64, e));
    if (memcmp(locator, "PK\x06\x07", 4) != 0)
        return AGOP_OK;
    if (number(locator + 8, 8) > (uint64_t)a->length)
        TRY(broken(a, "a damaged ZIP archive", e));
    TRY(read_at(a, (int64_t)number(locator + 8, 8), record, END64, e));
    if (memcmp(record, "PK\x06\x06", 4) != 0)
        TRY(broken(a, "a damaged ZIP archive", e));
    *length = number(record + 40, 8);
    *at     = number(record + 48, 8);
done:
    return st;
}

static agop_status find_directory(const archive *a, uint64_t *at, uint64_t *length, agop__err *e)
{
    agop_status    st   = AGOP_OK;
    int64_t        size = a->length < END + MOST_COMMENT ? a->length : END + MOST_COMMENT, i;
    unsigned char *tail = agop__malloc(size, 1);

    if (!tail)
        TRY(agop__fail_memory(e, (double)size, a->path));
    TRY(read_at(a, a->length - size, tail, (size_t)size, e));
    for (i = size - END; i >= 0 && memcmp(tail + i, "PK\x05\x06", 4) != 0;)
        i--;
    if (i < 0)
        TRY(broken(a, "a damaged ZIP archive (an incomplete copy?)", e));
    *length = number(tail + i + 12, 4);
    *at     = number(tail + i + 16, 4);
    TRY(find_directory64(a, a->length - size + i, at, length, e));
done:
    free(tail);
    return st;
}

static agop_status read_directory(archive *a, agop__err *e)
{
    agop_status st = AGOP_OK;
    uint64_t    at, length;

    TRY(find_directory(a, &at, &length, e));
    if (at > (uint64_t)a->length || length > (uint64_t)a->length - at || length > (uint64_t)most_directory)
        TRY(broken(a, "a damaged ZIP archive (its directory lies outside)", e));
    a->directory_length = (int64_t)length;
    a->directory        = agop__malloc(a->directory_length, 1);
    if (!a->directory)
        TRY(agop__fail_memory(e, (double)length, a->path));
    TRY(read_at(a, (int64_t)at, a->directory, (size_t)length, e));
done:
    return st;
}

/* The 64-bit numbers that stand in for those that do not fit 32 bits, in a fixed order. 0: damaged. */
static int read_extra64(uint64_t *size, uint64_t *packed, uint64_t *offset, const unsigned char *p, size_t length)
{
    while (length >= 4) {
        size_t id = (size_t)number(p, 2), n = (size_t)number(p + 2, 2), used = 0;
        if (n > length - 4)
            return 0;
        if (id == 1) {
            uint64_t *wanted[3] = {size, packed, offset};
            for (int k = 0; k < 3; k++) {
                if (*wanted[k] != 0xFFFFFFFFu)
                    continue;
                if (used + 8 > n)
                    return 0;
                *wanted[k] = number(p + 4 + used, 8);
                used += 8;
            }
        }
        p += 4 + n;
        length -= 4 + n;
    }
    return 1;
}

/* The entry at *at, which moves on; *there = 0 behind the last. */
static agop_status next_entry(entry *x, int *there, int64_t *at, const archive *a, agop__err *e)
{
    const unsigned char *p    = a->directory + *at;
    int64_t              left = a->directory_length - *at, length;
    uint64_t             size, packed, offset;

    *there = left >= ENTRY && memcmp(p, "PK\x01\x02", 4) == 0;
    if (!*there)
        return left == 0 || (left >= 4 && memcmp(p, "PK\x05\x05", 4) == 0)
                   ? AGOP_OK
                   : broken(a, "a damaged ZIP archive (its directory)", e);
    x->encrypted   = (int)number(p + 8, 2) & 1;
    x->method      = (int)number(p + 10, 2);
    x->name        = (const char *)p + ENTRY;
    x->name_length = (size_t)number(p + 28, 2);
    length         = ENTRY + (int64_t)number(p + 28, 2) + (int64_t)number(p + 30, 2) + (int64_t)number(p + 32, 2);
    packed         = number(p + 20, 4);
    size           = number(p + 24, 4);
    offset         = number(p + 42, 4);
    if (length > left ||
        !read_extra64(&size, &packed, &offset, p + ENTRY + x->name_length, (size_t)number(p + 30, 2)) ||
        offset > (uint64_t)a->length || packed > (uint64_t)a->length - offset || size > INT64_MAX)
        return broken(a, "a damaged ZIP archive (its directory)", e);
    x->member = (agop__member){.offset   = (int64_t)offset,
                               .packed   = (int64_t)packed,
                               .size     = (int64_t)size,
                               .crc      = (uint32_t)number(p + 16, 4),
                               .deflated = x->method == 8};
    *at += length;
    return AGOP_OK;
}

/* Is the entry the array `name`? Arrays are members called "<name>.npy". */
static int is_array(const entry *x, const char *name)
{
    size_t n = x->name_length;
    if (n <= 4 || memcmp(x->name + n - 4, ".npy", 4) != 0)
        return 0;
    return !name || (strlen(name) == n - 4 && memcmp(x->name, name, n - 4) == 0);
}

/* Search the directory: how many arrays are called `name` (NULL: any), and the last of them. `names`: NULL, or
 * where to list them for a sentence. */
static agop_status search(entry *found, int64_t *count, const archive *a, const char *name, agop__buffer *names,
                          agop__err *e)
{
    agop_status st = AGOP_OK;
    entry       x;
    int         there;

    *count = 0;
    for (int64_t at = 0;;) {
        TRY(next_entry(&x, &there, &at, a, e));
        if (!there)
            break;
        if (!is_array(&x, name))
            continue;
        *found = x;
        ++*count;
        if (names && names->length < 200)
            agop__buffer_print(names, "%s%s", *count > 1 ? ", " : "", agop__show(x.name, x.name_length - 4).text);
    }
done:
    return st;
}

/* The member to read, or a sentence that lists the arrays that there are. */
static agop_status choose(entry *x, const archive *a, const char *name, agop__err *e)
{
    agop_status  st    = AGOP_OK;
    agop__buffer names = {0};
    int64_t      all, count;

    TRY(search(x, &all, a, NULL, &names, e));
    if (names.failed)
        TRY(agop__fail_memory(e, 0, a->path));
    if (all == 0)
        TRY(broken(a, "no array is in this archive", e));
    if (!name && all == 1)
        goto done;
    TRY(search(x, &count, a, name ? name : "X", NULL, e));
    if (count == 0 && name)
        TRY(agop__fail(e, AGOP_E_FORMAT, "%s: no array is called '%s'; there are %s", a->path, name, names.text));
    if (count == 0)
        TRY(agop__fail(e, AGOP_E_FORMAT, "%s: several arrays (%s) and none is called X", a->path, names.text));
    if (count > 1)
        TRY(agop__fail(e, AGOP_E_FORMAT, "%s: two arrays are called '%s'", a->path, name ? name : "X"));
done:
    agop__buffer_free(&names);
    return st;
}

/* From the directory's entry to the bytes, past the member's own header. */
static agop_status locate(entry *x, const archive *a, agop__err *e)
{
    agop_status   st = AGOP_OK;
    unsigned char local[LOCAL];

    if (x->encrypted)
        TRY(broken(a, "the archive is encrypted", e));
    if (x->method != 0 && x->method != 8)
        TRY(agop__fail(e, AGOP_E_FORMAT, "%s: compression method %d; np.savez and np.savez_compressed use others",
                       a->path, x->method));
    TRY(read_at(a, x->member.offset, local, LOCAL, e));
    if (memcmp(local, "PK\x03\x04", 4) != 0)
        TRY(broken(a, "a damaged ZIP archive (a member's header)", e));
    x->member.offset += LOCAL + (int64_t)number(local + 26, 2) + (int64_t)number(local + 28, 2);
    if (x->member.offset > a->length || x->member.packed > a->length - x->member.offset)
        TRY(broken(a, "a damaged ZIP archive (an incomplete copy?)", e));
    /* Deflate shrinks at most about a thousandfold; a greater promise is none, and nothing is allocated on it. */
    if (x->method == 0 ? x->member.size != x->member.packed : x->member.size / 1100 > x->member.packed + 100)
        TRY(broken(a, "a damaged ZIP archive (sizes)", e));
done:
    return st;
}

int agop__is_zip(const unsigned char *bytes, size_t count)
{
    return count >= 4 && memcmp(bytes, "PK", 2) == 0 &&
           (memcmp(bytes + 2, "\x03\x04", 2) == 0 || memcmp(bytes + 2, "\x05\x06", 2) == 0);
}

agop_status agop__npz_open(agop__stream **out, const char *path, const char *name, agop__err *e)
{
    agop_status   st     = AGOP_OK;
    archive       a      = {.path = path, .fd = open(path, O_RDONLY | O_CLOEXEC)};
    agop__buffer  called = {0};
    entry         x;
    struct stat   info;

    *out = NULL;
    if (a.fd < 0 || fstat(a.fd, &info) != 0)
        TRY(agop__fail_system(e, "open", path, errno));
    if (!S_ISREG(info.st_mode))
        TRY(agop__fail(e, AGOP_E_IO, "cannot read %s: an .npz must be a plain file", path));
    a.length = (int64_t)info.st_size;
    TRY(read_directory(&a, e));
    TRY(choose(&x, &a, name, e));
    TRY(locate(&x, &a, e));
    agop__buffer_print(&called, "%s: array '%s'", path, agop__show(x.name, x.name_length - 4).text);
    if (called.failed)
        TRY(agop__fail_memory(e, 0, path));
    TRY(agop__stream_of_member(out, path, &x.member, called.text, e));
done:
    agop__buffer_free(&called);
    free(a.directory);
    if (a.fd >= 0)
        (void)close(a.fd);
    return st;
}

agop_status agop__npz_read(agop__array *out, const char *path, const char *name, agop__err *e)
{
    agop__stream *s  = NULL;
    agop_status   st = AGOP_OK;

    memset(out, 0, sizeof *out);
    TRY(agop__npz_open(&s, path, name, e));
    TRY(agop__npy_read(out, s, e));
done:
    agop__stream_close(s);
    return st;
}
