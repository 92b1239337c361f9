/* cli.h - what the verbs of the program share: how it ends, how it speaks, and one run of it.
 *
 *   main.c        the table of verbs               opt.c          options as data, and --help from them
 *   cmd_*.c       one verb each                    result_file.c  files that appear whole or not at all
 *   run.c         context, settings, sentences     progress.c     the bar, or lines in a log
 *   json_print.c  reports for machines             picture.c      SVG; png.c renders it
 *   signals.c     Ctrl-C                           words.c        UTF-8, numbers, CSV cells
 *   order.c       what is shown first                 explain_*.c, ids_*.c   parts of these verbs
 *
 * The program is a user of the library like any other: of its headers only agop/agop.h is included. */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include "agop/agop.h"
#include "opt.h"

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_DATA = 3, EXIT_NUMBERS = 4, EXIT_INTERRUPTED = 130 };

typedef struct progress progress;

/* One run of one verb. */
typedef struct run {
    const char    *verb;
    const opt_set *opt;
    agop_ctx      *ctx;
    agop_settings *settings;
    progress      *bar;
    const char    *json; /* where the report goes, or NULL */
    int            quiet;
    int            broken_pipe; /* who read our output has gone: end, but say nothing */
} run;

/* Go on while things return 0; the verb's one exit is `done:`. */
#define DO(expression)                                                                                                 \
    do {                                                                                                               \
        code = (expression);                                                                                           \
        if (code != EXIT_DONE)                                                                                         \
            goto done;                                                                                                 \
    } while (0)

int  run_open(run *r, const opt_verb *verb, const opt_set *given); /* context, settings, progress */
void run_close(run *r);
/* Say the sentence (one line on stderr) and return `code`. */
int  run_fail(run *r, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));
int  run_check(run *r, agop_status st);       /* 0, or the library's sentence and the code that goes with it */
void run_say(run *r, const char *format, ...) /* to stderr, unless -q */
    __attribute__((format(printf, 2, 3)));
/* Zeroed room for `count` things; NULL: there is none. */
void *run_room(int64_t count, size_t size);
/* Seconds of a value like "60s" or "2m"; 0 when it is "auto". */
double run_seconds(const char *value);
int    run_is_model(const char *path); /* by its content, and where that is broken, by its name */
int    run_table(run *r, agop_table **out, const char *path, const agop_model *model);
/* Of --interval and --interval-kind, for this model; *level 0: not asked for. */
int    run_interval(run *r, double *level, int *form, const agop_model *m);
int    run_settle(run *r, const char *what); /* after Ctrl-C: 130 and `what` became of it; else 0 */

int cmd_fit(run *r);
int cmd_cv(run *r);
int cmd_predict(run *r);
int cmd_score(run *r);
int cmd_features(run *r);
int cmd_explain(run *r);
int cmd_ids(run *r);
int cmd_info(run *r);
int cmd_version(run *r);

extern const opt_verb verb_fit, verb_cv, verb_predict, verb_score, verb_features, verb_explain, verb_ids, verb_info,
    verb_version;

#endif
