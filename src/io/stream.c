/* stream.c - bytes in; see stream.h.
 *
 * Bytes come from a descriptor (or from memory) into `raw`, are decompressed from there, and reach the reader
 * either through `ahead`, the bytes that were peeked at, or directly in the reader's own buffer. Nothing is
 * ever decompressed before it is asked for, so a small file that unpacks to terabytes costs no memory here.
 */
#include "io/stream_private.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "base/memory.h"
#include "io/sentence.h"

enum { RAW = 1 << 18, AHEAD = 1 << 16 };

typedef enum packing { PLAIN, GZIP, DEFLATE, ZSTANDARD } packing;

struct agop__stream {
    char          *name;
    int            fd;      /* -1: from memory */
    int            regular; /* a plain file: its size is known */
    int64_t        limit;   /* bytes the descriptor may still give (one member of an archive); -1: all */
    packing        packed;
    unsigned char *raw; /* compressed bytes, or those of a stream in memory */
    size_t         raw_at, raw_end;
    int            raw_ended; /* the descriptor has no more */
    unsigned char *ahead;     /* peeked at and not taken yet */
    size_t         ahead_at, ahead_end;
    z_stream       z;
    int            z_open, within; /* within: inside a gzip member, a deflated member or a zstd frame */
    ZSTD_DStream  *zstd;
    int            ended;
    int            checked; /* a member of an archive: verify size and checksum at the end */
    int64_t        expected, given;
    uint32_t       crc, crc_expected;
};

/* ---- from the descriptor ---- */

static agop_status read_descriptor(agop__stream *s, void *buffer, size_t size, size_t *got, agop__err *e)
{
    unsigned char *p = buffer;

    *got = 0;
    while (*got < size && !s->raw_ended) {
        size_t  ask = size - *got;
        ssize_t n;
        if (s->limit >= 0 && (uint64_t)s->limit < ask)
            ask = (size_t)s->limit;
        n = s->fd < 0 || ask == 0 ? 0 : read(s->fd, p + *got, ask > (1u << 30) ? 1u << 30 : ask);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return agop__fail_system(e, "read", s->name, errno);
        if (n == 0)
            s->raw_ended = 1;
        *got += (size_t)n;
        if (s->limit >= 0)
            s->limit -= n;
    }
    return AGOP_OK;
}

/* Have at least one unread byte in `raw`, unless the input is at its end. */
static agop_status fill_raw(agop__stream *s, agop__err *e)
{
    agop_status st;
    size_t      got;

    if (s->raw_at < s->raw_end || s->raw_ended)
        return AGOP_OK;
    st         = read_descriptor(s, s->raw, RAW, &got, e);
    s->raw_at  = 0;
    s->raw_end = got;
    return st;
}

static agop_status broken(const agop__stream *s, const char *how, agop__err *e)
{
    return agop__fail(e, AGOP_E_FORMAT, "%s: %s", s->name, how);
}

/* ---- decompression: each takes from `raw`, gives up to `size` bytes, and sets `ended` after the last ----
 */

static agop_status give_plain(agop__stream *s, unsigned char *to, size_t size, size_t *got, agop__err *e)
{
    size_t      here = s->raw_end - s->raw_at, more = 0;
    agop_status st = AGOP_OK;

    here = here < size ? here : size;
    memcpy(to, s->raw + s->raw_at, here);
    s->raw_at += here;
    if (here < size)
        st = read_descriptor(s, to + here, size - here, &more, e);
    *got     = here + more;
    s->ended = s->raw_ended && s->raw_at == s->raw_end;
    return st;
}

/* Between gzip members: another one, the end, or zeros that tape tools append. */
static agop_status next_member(agop__stream *s, agop__err *e)
{
    agop_status st;

    while ((st = fill_raw(s, e)) == AGOP_OK && s->raw_at < s->raw_end && s->raw[s->raw_at] == 0)
        s->raw_at++;
    if (st != AGOP_OK)
        return st;
    if (s->raw_at == s->raw_end) {
        s->ended = 1;
        return AGOP_OK;
    }
    if (s->raw[s->raw_at] != 0x1F)
        return broken(s, "bytes that are not gzip follow the compressed data", e);
    (void)inflateReset(&s->z);
    s->within = 1;
    return AGOP_OK;
}

static agop_status give_inflated(agop__stream *s, unsigned char *to, size_t size, size_t *got, agop__err *e)
{
    agop_status st = AGOP_OK;

    *got = 0;
    while (*got < size && !s->ended) {
        int    answer;
        size_t room = size - *got > (1u << 30) ? 1u << 30 : size - *got;
        TRY(fill_raw(s, e));
        if (s->raw_at == s->raw_end)
            TRY(broken(s, "the compressed data end too early (an incomplete copy?)", e));
        s->z.next_in   = s->raw + s->raw_at;
        s->z.avail_in  = (uInt)(s->raw_end - s->raw_at);
        s->z.next_out  = to + *got;
        s->z.avail_out = (uInt)room;
        answer         = inflate(&s->z, Z_NO_FLUSH);
        s->raw_at      = s->raw_end - s->z.avail_in;
        *got += room - s->z.avail_out;
        if (answer == Z_MEM_ERROR)
            TRY(agop__fail_memory(e, 0, "decompressing gzip"));
        if (answer != Z_OK && answer != Z_STREAM_END && answer != Z_BUF_ERROR)
            TRY(broken(s, "the compressed data are corrupt", e));
        if (answer == Z_STREAM_END && s->packed == GZIP) {
            s->within = 0;
            TRY(next_member(s, e));
        } else if (answer == Z_STREAM_END) {
            s->ended = 1;
        }
    }
done:
    return st;
}

static agop_status give_zstd(agop__stream *s, unsigned char *to, size_t size, size_t *got, agop__err *e)
{
    agop_status st = AGOP_OK;

    *got = 0;
    while (*got < size && !s->ended) {
        ZSTD_outBuffer out = {to + *got, size - *got, 0};
        ZSTD_inBuffer  in;
        size_t         answer;
        TRY(fill_raw(s, e));
        if (s->raw_at == s->raw_end && !s->within) {
            s->ended = 1;
            break;
        }
        /* With no input left the decoder may still hold output; only when it gives none is the data short. */
        in     = (ZSTD_inBuffer){s->raw, s->raw_end, s->raw_at};
        answer = ZSTD_decompressStream(s->zstd, &out, &in);
        if (ZSTD_isError(answer)) {
            /* "Allocation error" is the one failure that is not the file's fault. */
            int memory = strstr(ZSTD_getErrorName(answer), "llocation") != NULL;
            TRY(memory ? agop__fail_memory(e, 0, "decompressing zstd")
                       : broken(s, "the compressed data are corrupt", e));
        }
        if (s->raw_at == s->raw_end && out.pos == 0)
            TRY(broken(s, "the compressed data end too early (an incomplete copy?)", e));
        s->raw_at = in.pos;
        *got += out.pos;
        s->within = answer != 0;
    }
done:
    return st;
}

/* The size and the checksum that the archive promises. */
static agop_status check_member(agop__stream *s, const unsigned char *bytes, size_t count, agop__err *e)
{
    for (size_t at = 0; at < count;) {
        size_t n = count - at > (1u << 30) ? 1u << 30 : count - at;
        s->crc   = (uint32_t)crc32(s->crc, bytes + at, (uInt)n);
        at += n;
    }
    s->given += (int64_t)count;
    if (s->given > s->expected || (s->ended && s->given != s->expected))
        return broken(s, "the archive promises another size than its data have", e);
    if (s->ended && s->crc != s->crc_expected)
        return broken(s, "the checksum in the archive does not fit the data", e);
    return AGOP_OK;
}

static agop_status give(agop__stream *s, unsigned char *to, size_t size, size_t *got, agop__err *e)
{
    agop_status st = AGOP_OK;

    *got = 0;
    if (s->ended)
        return AGOP_OK;
    switch (s->packed) {
    case PLAIN: st = give_plain(s, to, size, got, e); break;
    case GZIP:
    case DEFLATE: st = give_inflated(s, to, size, got, e); break;
    case ZSTANDARD: st = give_zstd(s, to, size, got, e); break;
    }
    if (st == AGOP_OK && s->checked)
        st = check_member(s, to, *got, e);
    return st;
}

/* ---- opening ---- */

static voidpf z_take(voidpf user, uInt count, uInt size)
{
    (void)user;
    return agop__calloc((int64_t)count, size);
}

static void z_give_back(voidpf user, voidpf p)
{
    (void)user;
    free(p);
}

static agop_status start_inflate(agop__stream *s, int window, agop__err *e)
{
    s->z.zalloc = z_take;
    s->z.zfree  = z_give_back;
    if (inflateInit2(&s->z, window) != Z_OK)
        return agop__fail_memory(e, 0, "decompressing gzip");
    s->z_open = 1;
    s->within = 1;
    return AGOP_OK;
}

/* Compression is told by the first bytes. A zstd file may begin with a skippable frame. */
static agop_status tell_packing(agop__stream *s, agop__err *e)
{
    const unsigned char *b;
    size_t               n;
    agop_status          st = fill_raw(s, e);

    if (st != AGOP_OK)
        return st;
    b = s->raw + s->raw_at;
    n = s->raw_end - s->raw_at;
    if (n >= 2 && b[0] == 0x1F && b[1] == 0x8B) {
        s->packed = GZIP;
        return start_inflate(s, 15 + 16, e);
    }
    if (n >= 4 && b[1] == (b[0] == 0x28 ? 0xB5 : 0x2A) && b[2] == (b[0] == 0x28 ? 0x2F : 0x4D) &&
        b[3] == (b[0] == 0x28 ? 0xFD : 0x18) && (b[0] == 0x28 || (b[0] & 0xF0) == 0x50)) {
        s->packed = ZSTANDARD;
        s->zstd   = ZSTD_createDStream();
        if (!s->zstd)
            return agop__fail_memory(e, 0, "decompressing zstd");
    }
    return AGOP_OK;
}

/* A stream with its buffers and nothing to read yet. */
static agop_status make(agop__stream **out, const char *name, size_t raw_room, agop__err *e)
{
    agop__stream *s = agop__calloc(1, sizeof *s);

    if (s) {
        s->fd    = -1;
        s->limit = -1;
        s->name  = agop__strdup(name);
        s->raw   = agop__malloc((int64_t)raw_room, 1);
        s->ahead = agop__malloc(AHEAD, 1);
        s->crc   = (uint32_t)crc32(0, NULL, 0);
    }
    if (!s || !s->name || !s->raw || !s->ahead) {
        agop__stream_close(s);
        return agop__fail_memory(e, 0, name);
    }
    *out = s;
    return AGOP_OK;
}

/* Opening a folder works, reading it does not; here the sentence is the same on every system. */
static agop_status open_descriptor(agop__stream *s, const char *path, agop__err *e)
{
    struct stat info;

    s->fd = strcmp(path, "-") == 0 ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (s->fd < 0 || fstat(s->fd, &info) != 0)
        return agop__fail_system(e, "open", s->name, errno);
    if (S_ISDIR(info.st_mode))
        return agop__fail_system(e, "read", s->name, EISDIR);
    s->regular = S_ISREG(info.st_mode);
    return AGOP_OK;
}

agop_status agop__stream_open(agop__stream **out, const char *path, agop__err *e)
{
    agop__stream *s  = NULL;
    agop_status   st = AGOP_OK;

    *out = NULL;
    TRY(make(&s, strcmp(path, "-") == 0 ? "standard input" : path, RAW, e));
    TRY(open_descriptor(s, path, e));
    TRY(tell_packing(s, e));
    *out = s;
    s    = NULL;
done:
    agop__stream_close(s);
    return st;
}

agop_status agop__stream_of_bytes(agop__stream **out, const void *bytes, size_t count, const char *name, agop__err *e)
{
    agop__stream *s  = NULL;
    agop_status   st = AGOP_OK;

    *out = NULL;
    TRY(make(&s, name, count, e));
    if (count)
        memcpy(s->raw, bytes, count);
    s->raw_end   = count;
    s->raw_ended = 1;
    TRY(tell_packing(s, e));
    *out = s;
    s    = NULL;
done:
    agop__stream_close(s);
    return st;
}

agop_status agop__stream_of_member(agop__stream **out, const char *path, const agop__member *m, const char *name,
                                   agop__err *e)
{
    agop__stream *s  = NULL;
    agop_status   st = AGOP_OK;

    *out = NULL;
    TRY(make(&s, name, RAW, e));
    TRY(open_descriptor(s, path, e));
    if (lseek(s->fd, m->offset, SEEK_SET) < 0)
        TRY(agop__fail_system(e, "seek in", path, errno));
    s->limit        = m->packed;
    s->checked      = 1;
    s->expected     = m->size;
    s->crc_expected = m->crc;
    if (m->deflated) {
        s->packed = DEFLATE;
        TRY(start_inflate(s, -15, e)); /* no header of its own */
    }
    *out = s;
    s    = NULL;
done:
    agop__stream_close(s);
    return st;
}

/* ---- reading ---- */

agop_status agop__stream_read(agop__stream *s, void *buffer, size_t size, size_t *got, agop__err *e)
{
    unsigned char *to   = buffer;
    size_t         here = s->ahead_end - s->ahead_at;
    agop_status    st   = AGOP_OK;

    here = here < size ? here : size;
    if (here)
        memcpy(to, s->ahead + s->ahead_at, here);
    s->ahead_at += here;
    *got = here;
    while (st == AGOP_OK && *got < size && !s->ended) {
        size_t more = 0;
        st          = give(s, to + *got, size - *got, &more, e);
        *got += more;
    }
    return st;
}

agop_status agop__stream_peek(agop__stream *s, const unsigned char **bytes, size_t *count, agop__err *e)
{
    agop_status st = AGOP_OK;

    if (s->ahead_at > 0) {
        memmove(s->ahead, s->ahead + s->ahead_at, s->ahead_end - s->ahead_at);
        s->ahead_end -= s->ahead_at;
        s->ahead_at = 0;
    }
    while (st == AGOP_OK && s->ahead_end < AHEAD && !s->ended) {
        size_t more = 0;
        st          = give(s, s->ahead + s->ahead_end, AHEAD - s->ahead_end, &more, e);
        s->ahead_end += more;
    }
    *bytes = s->ahead;
    *count = s->ahead_end;
    return st;
}

int64_t agop__stream_left(const agop__stream *s)
{
    int64_t     held = (int64_t)(s->ahead_end - s->ahead_at) + (int64_t)(s->raw_end - s->raw_at);
    off_t       at;
    struct stat info;

    if (s->checked)
        return s->expected - s->given + (int64_t)(s->ahead_end - s->ahead_at);
    if (s->packed != PLAIN)
        return -1;
    if (s->raw_ended)
        return held;
    if (!s->regular || fstat(s->fd, &info) != 0 || (at = lseek(s->fd, 0, SEEK_CUR)) < 0 || at > info.st_size)
        return -1;
    return held + (int64_t)(info.st_size - at);
}

const char *agop__stream_name(const agop__stream *s)
{
    return s->name;
}

void agop__stream_close(agop__stream *s)
{
    if (!s)
        return;
    if (s->fd > STDIN_FILENO)
        (void)close(s->fd);
    if (s->z_open)
        (void)inflateEnd(&s->z);
    if (s->zstd)
        (void)ZSTD_freeDStream(s->zstd);
    free(s->name);
    free(s->raw);
    free(s->ahead);
    free(s);
}
