/* progress.c - how far a long call is: a bar on a terminal, a line now and then in a log, nothing with -q.
 *
 * The callback is also where a stop comes in: it returns 1 after Ctrl-C or past the deadline. */
#include "progress.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "opt.h"
#include "signals.h"
#include "words.h"

enum { BAR = 24, LINE = 160, COUNTS = 8 };

/* Notes that begin with a count and repeat, block after block of a long table: added up, told once at the end. */
typedef struct count_note {
    char      rest[LINE]; /* the sentence behind the count */
    long long count;
} count_note;

struct progress {
    const char *verb;
    int         quiet, terminal;
    int         drawn; /* cells of the bar that is on the screen */
    double      began;
    double      next;     /* when to write again, in seconds since the start */
    double      pause;    /* between two lines of a log; grows, so that long runs do not fill it */
    double      deadline; /* 0: none */
    int         by_rows;
    count_note  counts[COUNTS];
};

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

struct progress *progress_new(const char *verb, int quiet)
{
    struct progress *p = calloc(1, sizeof *p);

    if (!p)
        return NULL;
    p->verb     = verb;
    p->quiet    = quiet;
    p->terminal = isatty(STDERR_FILENO);
    p->began    = now();
    p->next     = p->terminal ? 0.3 : 10; /* what is over by then needs no bar */
    p->pause    = 10;
    return p;
}

void progress_free(struct progress *p)
{
    progress_clear(p);
    free(p);
}

void progress_deadline(struct progress *p, double seconds)
{
    p->deadline = seconds;
}

int progress_late(const struct progress *p)
{
    return p->deadline > 0 && now() - p->began > p->deadline;
}

void progress_clear(struct progress *p)
{
    if (p && p->drawn) {
        fprintf(stderr, "\r%*s\r", p->drawn, "");
        p->drawn = 0;
    }
}

static void show(struct progress *p, const char *phase, double share, const char *detail)
{
    double elapsed = now() - p->began;
    char   line[LINE], bar[BAR + 1], took[WORDS_NUMBER];
    int    width, cells;

    if (p->quiet || elapsed < p->next)
        return;
    words_seconds(took, elapsed);
    if (!p->terminal) {
        fprintf(stderr, "agop %s: %s", p->verb, phase);
        if (share >= 0)
            fprintf(stderr, " %.0f %%", 100 * share);
        fprintf(stderr, ", %s%s%s\n", took, detail ? ", " : "", detail ? detail : "");
        p->pause = p->pause < 300 ? p->pause * 1.3 : 300;
        p->next  = elapsed + p->pause;
        return;
    }
    for (int i = 0; i < BAR; i++)
        bar[i] = share >= 0 && i < share * BAR ? '#' : '.';
    bar[BAR] = '\0';
    if (share >= 0)
        cells = snprintf(line, sizeof line, "%-8s [%s] %3.0f %%  %s  %s", phase, bar, 100 * share, took,
                         detail ? detail : "");
    else
        cells = snprintf(line, sizeof line, "%-8s %s  %s", phase, took, detail ? detail : "");
    width = opt_width(STDERR_FILENO) - 1;
    cells = cells < width ? cells : width;
    cells = cells < LINE - 1 ? cells : LINE - 1;
    fprintf(stderr, "\r%-*.*s", p->drawn > cells ? p->drawn : cells, cells, line);
    p->drawn = cells;
    p->next  = elapsed + 0.1;
}

int progress_tell(void *user, const agop_progress *at)
{
    struct progress *p     = user;

    if (!p->by_rows && at->total > 0) /* total 0: no news */
        show(p, at->phase, at->done >= at->total ? 1 : (double)at->done / (double)at->total, at->detail);
    return signals_stopped() || progress_late(p);
}

void progress_by_rows(struct progress *p)
{
    p->by_rows = 1;
}

void progress_rows(struct progress *p, const char *what, int64_t rows)
{
    char detail[64];

    snprintf(detail, sizeof detail, "%lld rows", (long long)rows);
    show(p, what, -1, detail);
}

static void say(struct progress *p, const char *sentence)
{
    progress_clear(p);
    fprintf(stderr, "agop %s: note: ", p->verb);
    words_line(stderr, sentence);
    fputc('\n', stderr);
}

/* Is it one to add up? Only while blocks of rows go by. */
static int added_up(struct progress *p, const char *sentence)
{
    char     *rest;
    long long count = strtoll(sentence, &rest, 10);

    if (!p->by_rows || rest == sentence || strlen(rest) >= LINE)
        return 0;
    for (int i = 0; i < COUNTS; i++) {
        count_note *c = &p->counts[i];
        if (c->count && strcmp(c->rest, rest) != 0)
            continue;
        memcpy(c->rest, rest, strlen(rest) + 1);
        c->count += count;
        return 1;
    }
    return 0;
}

void progress_note(void *user, const char *sentence)
{
    struct progress *p = user;

    if (!p->quiet && !added_up(p, sentence))
        say(p, sentence);
}

void progress_counts(struct progress *p)
{
    char sentence[LINE + 32];

    for (int i = 0; i < COUNTS && p->counts[i].count; i++) {
        snprintf(sentence, sizeof sentence, "%lld%s", p->counts[i].count, p->counts[i].rest);
        say(p, sentence);
        p->counts[i].count = 0;
    }
}
