/* output.c - atomic files; see output.h. */
#include "io/output.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "io/sentence.h"

enum { BUFFER = 1 << 18, TRIES = 1000 };

struct agop__output {
    char          *name;   /* as the caller wrote it, for sentences */
    char          *path;   /* the final name, links followed */
    char          *beside; /* the name for the time of writing; NULL: written in place */
    int            fd;
    unsigned char *buffer;
    size_t         held;
};

/* Folder and final name from `path`, which may be a link: the file that it leads to is what is replaced. */
static agop_status find_target(agop__output *o, const char *path, struct stat *old, int *exists, agop__err *e)
{
    char real[PATH_MAX];

    *exists = stat(path, old) == 0;
    if (*exists && S_ISDIR(old->st_mode))
        return agop__fail_system(e, "write", path, EISDIR);
    o->name = agop__strdup(path);
    if (!o->name)
        return agop__fail_memory(e, 0, path);
    o->path = agop__strdup(*exists && realpath(path, real) ? real : path);
    return o->path ? AGOP_OK : agop__fail_memory(e, 0, path);
}

/* A new file in the same folder, since a rename does not cross file systems. O_EXCL with the usual mode leaves the
 * permissions to the umask without having to ask for it. */
static agop_status open_beside(agop__output *o, agop__err *e)
{
    const char *slash  = strrchr(o->path, '/');
    int         folder = slash ? (int)(slash - o->path) + 1 : 0;
    size_t      room   = strlen(o->path) + 64;

    o->beside = agop__malloc((int64_t)room, 1);
    if (!o->beside)
        return agop__fail_memory(e, 0, o->name);
    for (int i = 0; i < TRIES; i++) {
        (void)snprintf(o->beside, room, "%.*s.%s.%ld-%d.part", folder, o->path, o->path + folder, (long)getpid(), i);
        o->fd = open(o->beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (o->fd >= 0 || errno != EEXIST)
            break;
    }
    if (o->fd < 0) {
        int number = errno;
        free(o->beside); /* not ours to remove */
        o->beside = NULL;
        return agop__fail_system(e, "write", o->name, number);
    }
    return AGOP_OK;
}

agop_status agop__output_open(agop__output **out, const char *path, agop__err *e)
{
    agop_status   st = AGOP_OK;
    agop__output *o  = agop__calloc(1, sizeof *o);
    struct stat   old;
    int           exists;

    *out = NULL;
    if (!o)
        return agop__fail_memory(e, 0, path);
    o->fd     = -1;
    o->buffer = agop__malloc(BUFFER, 1);
    if (!o->buffer)
        TRY(agop__fail_memory(e, 0, path));
    TRY(find_target(o, path, &old, &exists, e));
    if (!exists || S_ISREG(old.st_mode)) {
        TRY(open_beside(o, e));
        if (exists)
            (void)fchmod(o->fd, old.st_mode & 07777); /* where that is not allowed, the usual mode will do */
    } else {
        o->fd = open(o->path, O_WRONLY | O_CLOEXEC);
        if (o->fd < 0)
            TRY(agop__fail_system(e, "write", path, errno));
    }
    *out = o;
    o    = NULL;
done:
    agop__output_abandon(o);
    return st;
}

agop_status agop__write_all(int fd, const void *bytes, size_t count, const char *name, agop__err *e)
{
    const unsigned char *p = bytes;

    while (count > 0) {
        ssize_t n = write(fd, p, count > (1u << 30) ? 1u << 30 : count);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return agop__fail_system(e, "write", name, errno);
        p += n;
        count -= (size_t)n;
    }
    return AGOP_OK;
}

agop_status agop__output_write(agop__output *o, const void *bytes, size_t count, agop__err *e)
{
    agop_status st = AGOP_OK;

    if (count == 0)
        return AGOP_OK;
    if (o->held + count > BUFFER) {
        TRY(agop__write_all(o->fd, o->buffer, o->held, o->name, e));
        o->held = 0;
    }
    if (count > BUFFER)
        return agop__write_all(o->fd, bytes, count, o->name, e);
    memcpy(o->buffer + o->held, bytes, count);
    o->held += count;
done:
    return st;
}

/* The new name is safe only when the folder is on the disk, too; a system that cannot do that is not our failure.
 * The path is not needed afterwards: it is cut to that of its folder. */
static void sync_folder(char *path)
{
    char *slash = strrchr(path, '/');
    int   fd;

    if (slash)
        slash[slash == path] = '\0';
    fd = open(slash ? path : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        (void)fsync(fd);
        (void)close(fd);
    }
}

agop_status agop__output_commit(agop__output **out, agop__err *e)
{
    agop__output *o  = *out;
    agop_status   st = AGOP_OK;
    int           fd = o->fd;

    *out = NULL;
    TRY(agop__write_all(o->fd, o->buffer, o->held, o->name, e));
    if (o->beside && fsync(fd) != 0)
        TRY(agop__fail_system(e, "write", o->name, errno));
    o->fd = -1;
    if (close(fd) != 0)
        TRY(agop__fail_system(e, "write", o->name, errno));
    if (o->beside) {
        if (rename(o->beside, o->path) != 0)
            TRY(agop__fail_system(e, "write", o->name, errno));
        free(o->beside);
        o->beside = NULL;
        sync_folder(o->path);
    }
done:
    agop__output_abandon(o);
    return st;
}

void agop__output_abandon(agop__output *o)
{
    if (!o)
        return;
    if (o->fd >= 0)
        (void)close(o->fd);
    if (o->beside)
        (void)unlink(o->beside);
    free(o->beside);
    free(o->buffer);
    free(o->name);
    free(o->path);
    free(o);
}
