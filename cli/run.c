/* run.c - one run of a verb: context, settings, and how it speaks. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "progress.h"
#include "result_file.h"
#include "signals.h"
#include "words.h"

static void speak(run *r, const char *format, va_list args)
{
    char text[2048];

    vsnprintf(text, sizeof text, format, args);
    progress_clear(r->bar);
    fprintf(stderr, "agop %s: ", r->verb);
    words_line(stderr, text);
    fputc('\n', stderr);
}

int run_fail(run *r, int code, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    speak(r, format, args);
    va_end(args);
    return code;
}

void run_say(run *r, const char *format, ...)
{
    va_list args;

    if (r->quiet)
        return;
    va_start(args, format);
    speak(r, format, args);
    va_end(args);
}

/* No default: a new status that has no exit code here does not compile. */
static int exit_code(agop_status st)
{
    switch (st) {
    case AGOP_OK: return EXIT_DONE;
    case AGOP_E_ARG:
    case AGOP_E_PARAM: return EXIT_USAGE;
    case AGOP_E_SHAPE:
    case AGOP_E_DATA:
    case AGOP_E_IO:
    case AGOP_E_FORMAT: return EXIT_DATA;
    case AGOP_E_NUMERIC: return EXIT_NUMBERS;
    case AGOP_E_STOPPED:
    case AGOP_E_NOMEM:
    case AGOP_E_BACKEND:
    case AGOP_E_UNSUPPORTED:
    case AGOP_E_BUG: return EXIT_FAILED;
    }
    return EXIT_FAILED;
}

int run_check(run *r, agop_status st)
{
    if (st == AGOP_OK)
        return EXIT_DONE;
    if (st == AGOP_E_STOPPED && signals_stopped())
        return run_fail(r, EXIT_INTERRUPTED, "interrupted: nothing was written");
    if (st == AGOP_E_STOPPED && progress_late(r->bar))
        return run_fail(r, EXIT_FAILED, "the time limit of %s was too short: nothing was written",
                        opt_text(r->opt, "time_limit"));
    return run_fail(r, exit_code(st), "%s", agop_errmsg(r->ctx));
}

void *run_room(int64_t count, size_t size)
{
    return count >= 0 && (uint64_t)count < SIZE_MAX / size / 2 ? calloc((size_t)(count ? count : 1), size) : NULL;
}

double run_seconds(const char *value)
{
    char  *end;
    double v = strtod(value, &end);

    return end == value ? 0 : *end == 'h' ? 3600 * v : *end == 'm' ? 60 * v : v;
}

/* A model is a safetensors file: eight bytes of length, then a JSON object. A broken one should still be called a
 * broken model and not a strange table, so the name decides where the content does not. */
int run_is_model(const char *path)
{
    unsigned char head[9];
    FILE         *f = strcmp(path, "-") == 0 ? NULL : fopen(path, "rb");
    size_t        n = f ? fread(head, 1, sizeof head, f) : 0;

    if (f)
        fclose(f);
    if (f && (words_ends(path, "agop") || words_ends(path, "safetensors")))
        return 1;
    return n == sizeof head && head[8] == '{' && head[6] == 0 && head[7] == 0;
}

int run_table(run *r, agop_table **out, const char *path, const agop_model *model)
{
    if (run_is_model(path))
        return run_fail(r, EXIT_DATA, "%s is a model, and DATA must be a table", path);
    return run_check(r, agop_table_read(out, r->ctx, path, r->settings, model));
}

int run_interval(run *r, double *level, int *form, const agop_model *m)
{
    const char *kind = opt_text(r->opt, "interval-kind");

    *level = opt_real(r->opt, "interval", 0);
    *form  = !kind || strcmp(kind, "auto") == 0  ? AGOP_INTERVAL_AUTO
             : strcmp(kind, "constant") == 0     ? AGOP_INTERVAL_CONSTANT
             : strcmp(kind, "local") == 0        ? AGOP_INTERVAL_LOCAL
                                                 : -1;
    if (*form < 0)
        return run_fail(r, EXIT_USAGE, "--interval-kind is constant, local or auto, not '%.40s'", kind);
    if (kind && !(*level > 0))
        return run_fail(r, EXIT_USAGE, "--interval-kind says of which kind intervals are: add --interval 0.9");
    if (kind && agop_model_outputs(m, AGOP_PROBA) > 0)
        return run_fail(r, EXIT_USAGE, "--interval-kind is for numbers: %s tells classes, whose sets are of one kind",
                        r->opt->operand[0]);
    return EXIT_DONE;
}

int run_settle(run *r, const char *what)
{
    if (signals_stopped())
        return run_fail(r, EXIT_INTERRUPTED, "interrupted: %s", what);
    return EXIT_DONE;
}

int run_open(run *r, const opt_verb *verb, const opt_set *given)
{
    const char *backend = opt_text(given, "backend");
    int         code;
    agop_status st;

    memset(r, 0, sizeof *r);
    r->verb  = verb->name;
    r->opt   = given;
    r->quiet = opt_flag(given, "quiet");
    r->json  = opt_text(given, "json");
    r->bar   = progress_new(verb->name, r->quiet);
    if (!r->bar)
        return run_fail(r, EXIT_FAILED, "no memory to begin with");
    for (int i = 0; r->json && i < given->operands; i++)
        if (result_same(r->json, given->operand[i]))
            return run_fail(r, EXIT_USAGE, "the report would overwrite %s: name another file", r->json);
    st = agop_open(&r->ctx, backend, (int)opt_count(given, "threads", 0));
    DO(run_check(r, st));
    agop_on_progress(r->ctx, progress_tell, r->bar);
    agop_on_note(r->ctx, progress_note, r->bar);
    st = agop_settings_new(&r->settings, r->ctx);
    DO(run_check(r, st));
    for (int i = 0; i < given->count; i++)
        if (given->given[i].is_setting) {
            st = agop_settings_set(r->settings, r->ctx, given->given[i].name, given->given[i].value);
            DO(run_check(r, st));
        }
    if (strcmp(verb->name, "fit") != 0 && strcmp(verb->name, "cv") != 0 &&
        opt_text(given, "time_limit")) /* those mind it themselves */
        progress_deadline(r->bar, run_seconds(opt_text(given, "time_limit")));
    code = EXIT_DONE;
done:
    return code;
}

void run_close(run *r)
{
    agop_settings_free(r->settings);
    agop_close(r->ctx);
    progress_free(r->bar);
}
