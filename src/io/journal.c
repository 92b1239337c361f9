/* journal.c - records added to a file; see journal.h. */
#include "io/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/text.h"
#include "io/output.h"
#include "io/sentence.h"

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
    agop__err       trouble; /* of the disk; its code is AGOP_OK until then */
    pthread_mutex_t lock;
};

/* All of the file into j->read; *size: how much. */
static agop_status read_file(agop__journal *j, int64_t *size, agop__err *e)
{
    struct stat about;

    if (fstat(j->file, &about) != 0)
        return agop__fail_system(e, "read", j->path, errno);
    if (!S_ISREG(about.st_mode))
        return agop__fail(e, AGOP_E_IO, "cannot keep the state of a run in %s: it is no file", j->path);
    *size   = about.st_size;
    j->read = agop__malloc(*size, 1);
    if (!j->read)
        return agop__fail_memory(e, (double)*size, "the state of a run");
    for (int64_t at = 0; at < *size;) {
        ssize_t n = read(j->file, j->read + at, (size_t)(*size - at));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return agop__fail_system(e, "read", j->path, errno);
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
            return agop__fail_memory(e, 0, "the state of a run");
        j->record[j->records++] = (record){.key = head[0], .bytes = (int64_t)head[1],
                                           .payload = j->read + at + RECORD};
        at += RECORD + (int64_t)head[1];
    }
    *end = at;
    return AGOP_OK;
}

/* A new file gets its header; one of a fit with another number is refused. */
static agop_status take_up(agop__journal *j, uint64_t fit, agop__err *e)
{
    int64_t     size = 0, end = HEADER;
    agop_status st;

    TRY(read_file(j, &size, e));
    if (size == 0) {
        TRY(agop__write_all(j->file, magic, sizeof magic, j->path, e));
        TRY(agop__write_all(j->file, &fit, sizeof fit, j->path, e));
        goto done;
    }
    if (size < HEADER || memcmp(j->read, magic, sizeof magic) != 0) {
        st = agop__fail(e, AGOP_E_FORMAT, "%s does not hold the state of a run: name another file, or remove it",
                        j->path);
        goto done;
    }
    if (memcmp(j->read + sizeof magic, &fit, sizeof fit) != 0) {
        st = agop__fail(e, AGOP_E_FORMAT, "%s holds the state of another run (of other rows, with other settings or by "
                        "another version): name another file, or remove it", j->path);
        goto done;
    }
    TRY(list_records(j, size, &end, e));
    if (ftruncate(j->file, end) != 0 || lseek(j->file, end, SEEK_SET) < 0)
        st = agop__fail_system(e, "write", j->path, errno);
done:
    return st;
}

agop_status agop__journal_open(agop__journal **out, const char *path, uint64_t fit, agop__err *e)
{
    agop__journal *j = agop__calloc(1, sizeof *j);
    agop_status    st;

    *out = NULL;
    if (!j)
        return agop__fail_memory(e, 0, "the state of a run");
    j->file = -1;
    j->lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
    j->path = agop__strdup(path);
    if (!j->path) {
        st = agop__fail_memory(e, 0, "the state of a run");
        goto done;
    }
    j->file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (j->file < 0) {
        st = agop__fail_system(e, "open", path, errno);
        goto done;
    }
    if (flock(j->file, LOCK_EX | LOCK_NB) != 0) {
        st = errno == EWOULDBLOCK ? agop__fail(e, AGOP_E_IO, "%s is in use by another run", path)
                                  : agop__fail_system(e, "lock", path, errno);
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
    uint64_t    head[3] = {key, (uint64_t)bytes, agop__hash(AGOP__HASH, payload, bytes)};
    agop_status st      = AGOP_OK;

    (void)pthread_mutex_lock(&j->lock);
    if (j->trouble.code != AGOP_OK)
        goto done;
    TRY(agop__write_all(j->file, head, sizeof head, j->path, &j->trouble));
    TRY(agop__write_all(j->file, payload, (size_t)bytes, j->path, &j->trouble));
    if (fsync(j->file) != 0)
        st = agop__fail_system(&j->trouble, "write", j->path, errno);
done:
    (void)st; /* it is in j->trouble */
    (void)pthread_mutex_unlock(&j->lock);
}

const char *agop__journal_trouble(const agop__journal *j)
{
    return j->trouble.code == AGOP_OK ? NULL : j->trouble.text;
}
