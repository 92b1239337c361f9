/* signals.c - Ctrl-C: the first asks for an orderly end, the second ends at once.
 *
 * The handler only raises a flag; the progress callback hands it to the library, which comes back with the best
 * result so far. On the second signal nothing but the half-written files is cleaned up. Their names lie in a
 * fixed array, because a handler can neither lock nor allocate. */
#include "signals.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

enum { FILES = 8, PATH_BYTES = 4096 };

static volatile sig_atomic_t stopped;
static volatile sig_atomic_t used[FILES];
static char                  file[FILES][PATH_BYTES];

static void on_signal(int number)
{
    (void)number;
    if (stopped) {
        for (int i = 0; i < FILES; i++)
            if (used[i])
                (void)unlink(file[i]);
        _exit(EXIT_INTERRUPTED);
    }
    stopped = 1;
}

void signals_install(void)
{
    struct sigaction act;

    memset(&act, 0, sizeof act);
    sigemptyset(&act.sa_mask);
    act.sa_handler = on_signal;
    /* Reads from a pipe go on after the first signal: the library sees the flag at its next step. */
    act.sa_flags = SA_RESTART;
    (void)sigaction(SIGINT, &act, NULL);
    (void)sigaction(SIGTERM, &act, NULL);
    /* A reader that went away is told by the write that fails, so that temporary files can be removed. */
    act.sa_handler = SIG_IGN;
    (void)sigaction(SIGPIPE, &act, NULL);
}

int signals_stopped(void)
{
    return stopped != 0;
}

int signals_keep(const char *path)
{
    size_t n = strlen(path);

    for (int i = 0; i < FILES && n < PATH_BYTES; i++)
        if (!used[i]) {
            memcpy(file[i], path, n + 1);
            used[i] = 1; /* after the name: a signal in between sees nothing or all of it */
            return 0;
        }
    return -1;
}

void signals_forget(const char *path)
{
    for (int i = 0; i < FILES; i++)
        if (used[i] && strcmp(file[i], path) == 0)
            used[i] = 0;
}
