/* journal.c - records added to a file; see journal.h. */
#include "rfm/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"

static const char magic[8] = "agopJRN1";
enum { HEADER = 16, RECORD = 24 };

typedef struct record {
    uint64_t    key;
    int64_t     bytes;
    const char *payload; /* in the file as it was read */
} record;

struct agop__journal {
    char           *path;
    int             file;
    char           *read;   /* the file as it was found */
    record         *record; /* what stands in it */
    int64_t         records;
    int             trouble; /* errno of the disk */
    pthread_mutex_t lock;
};

uint64_t agop__hash(uint64_t h, const void *bytes, int64_t n)
{
    const unsigned char *at = bytes;

    for (int64_t i = 0; i < n; i++)
        h = (h ^ at[i]) * UINT64_C(1099511628211);
    return h;
}

static agop_status cannot(const agop__journal *j, const char *what, agop__err *e)
{
    return agop__fail(e, AGOP_E_IO, "cannot %s %s: %s", what, j->path, strerror(errno));
}

/* All of the file into j->read; *size: how much. */
static agop_status read_file(agop__journal *j, int64_t *size, agop__err *e)
{
    struct stat about;

    if (fstat(j->file, &about) != 0)
        return cannot(j, "read", e);
    if (!S_ISREG(about.st_mode))
        return agop__fail(e, AGOP_E_IO, "cannot keep the state of a fit in %s: it is no file", j->path);
    *size   = about.st_size;
    j->read = agop__malloc(*size, 1);
    if (!j->read)
        return agop__fail_memory(e, (double)*size, "the state of a fit");
    for (int64_t at = 0; at < *size;) {
        ssize_t n = read(j->file, j->read + at, (size_t)(*size - at));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return cannot(j, "read", e);
        if (n == 0)
            *size = at;
        at += n;
    }
    return AGOP_OK;
}

/* Records up to the first that is not whole; *end: where that begins. */
static agop_status list_records(agop__journal *j, int64_t size, int64_t *end, agop__err *e)
{
    int64_t at = HEADER;

    while (size - at >= RECORD) {
        uint64_t head[3];
        memcpy(head, j->read + at, sizeof head);
        if (head[1] > (uint64_t)(size - at - RECORD) ||
            agop__hash(AGOP__HASH, j->read + at + RECORD, (int64_t)head[1]) != head[2])
            break;
        if (!agop__grow((void **)&j->record, j->records + 1, sizeof *j->record))
            return agop__fail_memory(e, 0, "the state of a fit");
        j->record[j->records++] = (record){.key = head[0], .bytes = (int64_t)head[1],
                                           .payload = j->read + at + RECORD};
        at += RECORD + (int64_t)head[1];
    }
    *end = at;
    return AGOP_OK;
}

static int write_all(agop__journal *j, const void *bytes, int64_t n)
{
    for (int64_t at = 0; at < n;) {
        ssize_t done = write(j->file, (const char *)bytes + at, (size_t)(n - at));
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return 0;
        at += done;
    }
    return 1;
}

/* A new file gets its header; one of a fit with another number is refused. */
static agop_status take_up(agop__journal *j, uint64_t fit, agop__err *e)
{
    int64_t     size = 0, end = HEADER;
    agop_status st;

    TRY(read_file(j, &size, e));
    if (size == 0) {
        if (!write_all(j, magic, sizeof magic) || !write_all(j, &fit, sizeof fit) || fsync(j->file) != 0)
            st = cannot(j, "write", e);
        goto done;
    }
    if (size < HEADER || memcmp(j->read, magic, sizeof magic) != 0) {
        st = agop__fail(e, AGOP_E_FORMAT, "%s does not hold the state of a fit: name another file, or remove it",
                        j->path);
        goto done;
    }
    if (memcmp(j->read + sizeof magic, &fit, sizeof fit) != 0) {
        st = agop__fail(e, AGOP_E_FORMAT, "%s holds the state of another fit (of other rows, with other settings or by "
                        "another version): name another file, or remove it", j->path);
        goto done;
    }
    TRY(list_records(j, size, &end, e));
    if (ftruncate(j->file, end) != 0 || lseek(j->file, end, SEEK_SET) < 0)
        st = cannot(j, "write", e);
done:
    return st;
}

agop_status agop__journal_open(agop__journal **out, const char *path, uint64_t fit, agop__err *e)
{
    agop__journal *j = agop__calloc(1, sizeof *j);
    agop_status    st;

    *out = NULL;
    if (!j)
        return agop__fail_memory(e, 0, "the state of a fit");
    j->file = -1;
    j->lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
    j->path = agop__strdup(path);
    if (!j->path) {
        st = agop__fail_memory(e, 0, "the state of a fit");
        goto done;
    }
    j->file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (j->file < 0) {
        st = cannot(j, "open", e);
        goto done;
    }
    if (flock(j->file, LOCK_EX | LOCK_NB) != 0) {
        st = errno == EWOULDBLOCK ? agop__fail(e, AGOP_E_IO, "%s is in use by another fit", path)
                                  : cannot(j, "lock", e);
        goto done;
    }
    TRY(take_up(j, fit, e));
    *out = j;
    j    = NULL;
done:
    agop__journal_close(j);
    return st;
}

void agop__journal_close(agop__journal *j)
{
    if (!j)
        return;
    if (j->file >= 0)
        (void)close(j->file);
    (void)pthread_mutex_destroy(&j->lock);
    free(j->record);
    free(j->read);
    free(j->path);
    free(j);
}

const void *agop__journal_find(const agop__journal *j, uint64_t key, int64_t *bytes)
{
    for (int64_t i = j->records; i-- > 0;)
        if (j->record[i].key == key) {
            *bytes = j->record[i].bytes;
            return j->record[i].payload;
        }
    return NULL;
}

void agop__journal_keep(agop__journal *j, uint64_t key, const void *payload, int64_t bytes)
{
    uint64_t head[3] = {key, (uint64_t)bytes, agop__hash(AGOP__HASH, payload, bytes)};

    (void)pthread_mutex_lock(&j->lock);
    if (!j->trouble && (!write_all(j, head, sizeof head) || !write_all(j, payload, bytes) || fsync(j->file) != 0))
        j->trouble = errno ? errno : EIO;
    (void)pthread_mutex_unlock(&j->lock);
}

const char *agop__journal_trouble(const agop__journal *j)
{
    return j->trouble ? strerror(j->trouble) : NULL;
}
