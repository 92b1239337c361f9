/* png.c - an SVG as PNG, by the program rsvg-convert.
 *
 * A child process with two files as its standard input and output: no shell, no pipe, so nothing to quote and
 * nothing that can wait for the other. */
#include "png.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli.h"

extern char **environ;

static const char missing[] = "a PNG needs the program rsvg-convert, which is not here: install librsvg2-bin, "
                              "or ask for an .svg";

static int spawn(pid_t *child, int in, int out)
{
    /* Twice as many pixels as the picture has units: sharp in print. */
    char                      *argv[] = {"rsvg-convert", "--format=png", "--zoom=2", NULL};
    posix_spawn_file_actions_t files;
    int                        error = posix_spawn_file_actions_init(&files);

    if (error)
        return error;
    error = posix_spawn_file_actions_adddup2(&files, in, STDIN_FILENO);
    if (!error)
        error = posix_spawn_file_actions_adddup2(&files, out, STDOUT_FILENO);
    if (!error)
        error = posix_spawn_file_actions_addopen(&files, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    if (!error)
        error = posix_spawnp(child, argv[0], &files, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&files);
    return error;
}

static int png_render(run *r, FILE *svg, FILE *out)
{
    pid_t child;
    int   status = 0, error;

    if (fflush(svg) != 0 || ferror(svg) || lseek(fileno(svg), 0, SEEK_SET) != 0 || fflush(out) != 0)
        return run_fail(r, EXIT_DATA, "cannot write the picture: %s", strerror(errno));
    error = spawn(&child, fileno(svg), fileno(out));
    if (error == ENOENT)
        return run_fail(r, EXIT_FAILED, "%s", missing);
    if (error)
        return run_fail(r, EXIT_FAILED, "cannot start rsvg-convert: %s", strerror(error));
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            return run_fail(r, EXIT_FAILED, "cannot wait for rsvg-convert: %s", strerror(errno));
    if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
        return run_fail(r, EXIT_FAILED, "%s", missing);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        return run_fail(r, EXIT_FAILED, "rsvg-convert could not make a PNG here: is there room on the disk?");
    return EXIT_DONE;
}

int png_or_svg(run *r, FILE *f, int png, int (*draw)(FILE *, const void *), const void *what)
{
    FILE *svg  = png ? tmpfile() : f;
    int   code = EXIT_DONE;

    if (!svg)
        return run_fail(r, EXIT_DATA, "cannot make a temporary file for the picture");
    if (draw(svg, what) != 0)
        code = run_fail(r, EXIT_FAILED, "no memory for the picture");
    else if (png)
        code = png_render(r, svg, f);
    if (png)
        fclose(svg);
    return code;
}
