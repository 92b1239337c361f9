/* result_file.c - results that appear whole or not at all.
 *
 * Everything is written to ".NAME.PID.part" in the folder of the final name, flushed to the disk and renamed. What
 * fails on the way (a full disk tells so only at the last flush) leaves what was there before. */
#include "result_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"
#include "signals.h"
#include "words.h"

struct result {
    FILE *file;
    char *final; /* NULL: written to directly */
    char *part;
    char *shown; /* for sentences */
};

static const char *shown_name(const char *path)
{
    return strcmp(path, "-") == 0 ? "standard output" : path;
}

static int cannot(run *r, const char *path, int error)
{
    if (error == EPIPE) {
        r->broken_pipe = 1; /* as with `| head`: who reads has had enough */
        return EXIT_FAILED;
    }
    return run_fail(r, EXIT_DATA, "cannot write %s: %s", shown_name(path), strerror(error));
}

/* "folder/.name.123.part" for "folder/name". */
static char *part_name(const char *final)
{
    const char *slash = strrchr(final, '/');
    size_t      head = slash ? (size_t)(slash - final) + 1 : 0, size = strlen(final) + 40;
    char       *part = malloc(size);

    if (part)
        snprintf(part, size, "%.*s.%s.%ld.part", (int)head, final, final + head, (long)getpid());
    return part;
}

static void result_free(result *o)
{
    if (!o)
        return;
    if (o->part)
        signals_forget(o->part);
    free(o->final);
    free(o->part);
    free(o->shown);
    free(o);
}

/* Through links, so that the file they point at is replaced and not the link. */
static char *final_name(const char *path)
{
    char *real = realpath(path, NULL);

    return real ? real : strdup(path);
}

static int open_part(result *o, run *r, const char *path, const struct stat *old)
{
    int fd;

    o->final = final_name(path);
    o->part  = o->final ? part_name(o->final) : NULL;
    if (!o->part)
        return run_fail(r, EXIT_FAILED, "no memory for a file name");
    if (signals_keep(o->part) != 0)
        return run_fail(r, EXIT_DATA, "cannot write %s: its name is too long", path);
    fd = open(o->part, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0666);
    if (fd >= 0 && old)
        (void)fchmod(fd, old->st_mode & 0777);
    o->file = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (!o->file) {
        int error = errno;
        if (fd >= 0) {
            close(fd);
            unlink(o->part);
        }
        return cannot(r, path, error);
    }
    return EXIT_DONE;
}

int result_open(result **out, run *r, const char *path)
{
    struct stat there;
    result     *o    = calloc(1, sizeof *o);
    int         code = EXIT_DONE, known;

    *out = NULL;
    if (!o)
        return run_fail(r, EXIT_FAILED, "no memory for an output");
    o->shown = strdup(path);
    known    = stat(path, &there) == 0;
    if (!o->shown) {
        code = run_fail(r, EXIT_FAILED, "no memory for a file name");
    } else if (strcmp(path, "-") == 0) {
        o->file = stdout;
    } else if (known && !S_ISREG(there.st_mode) && !S_ISDIR(there.st_mode)) {
        o->file = fopen(path, "we");
        if (!o->file)
            code = cannot(r, path, errno);
    } else {
        code = result_check(r, path);
        if (code == EXIT_DONE)
            code = open_part(o, r, path, known ? &there : NULL);
    }
    if (code != EXIT_DONE) {
        result_free(o);
        return code;
    }
    *out = o;
    return EXIT_DONE;
}

FILE *result_file(result *o)
{
    return o->file;
}

int result_commit(run *r, result *o)
{
    int error = 0, code = EXIT_DONE;

    errno = 0;
    if (ferror(o->file))
        error = errno ? errno : EIO;
    if (fflush(o->file) != 0)
        error = errno;
    if (o->part && !error && fsync(fileno(o->file)) != 0)
        error = errno;
    if (o->file != stdout && fclose(o->file) != 0 && !error)
        error = errno;
    if (o->part && !error && rename(o->part, o->final) != 0)
        error = errno;
    if (error) {
        if (o->part)
            unlink(o->part);
        code = cannot(r, o->shown, error);
    }
    result_free(o);
    return code;
}

void result_abandon(result *o)
{
    if (!o)
        return;
    if (o->file != stdout)
        fclose(o->file);
    if (o->part)
        unlink(o->part);
    result_free(o);
}

int result_kind(const char *path)
{
    if (!path)
        return RESULT_TABLE;
    return strcmp(path, "-") == 0 || words_ends(path, "csv") ? RESULT_CSV
           : words_ends(path, "json")                        ? RESULT_JSON
           : words_ends(path, "svg")                         ? RESULT_SVG
           : words_ends(path, "png")                         ? RESULT_PNG
                                                             : -1;
}

int result_is_picture(int kind)
{
    return kind == RESULT_SVG || kind == RESULT_PNG;
}

int result_check(run *r, const char *path)
{
    struct stat there;
    char        folder[PATH_MAX];
    const char *slash = strrchr(path, '/');
    size_t      n     = slash ? (size_t)(slash - path) : 0;

    if (strcmp(path, "-") == 0)
        return EXIT_DONE;
    if (stat(path, &there) == 0 && S_ISDIR(there.st_mode))
        return run_fail(r, EXIT_DATA, "cannot write %s: it is a folder; name a file in it", path);
    if (n >= sizeof folder)
        return run_fail(r, EXIT_DATA, "cannot write %.60s...: its name is too long", path);
    snprintf(folder, sizeof folder, "%.*s", n ? (int)n : 1, n ? path : slash ? "/" : ".");
    if (stat(folder, &there) != 0 || !S_ISDIR(there.st_mode))
        return run_fail(r, EXIT_DATA, "cannot write %s: there is no folder %s", path, folder);
    if (access(folder, W_OK | X_OK) != 0)
        return run_fail(r, EXIT_DATA, "cannot write %s: %s: %s", path, folder, strerror(errno));
    return EXIT_DONE;
}

int result_same(const char *a, const char *b)
{
    struct stat x, y;

    return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}
