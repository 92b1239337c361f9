/* table_support.h - what the tests of src/table share: a context that gathers its notes, settings in one line. */
#ifndef AGOP_TESTS_TABLE_SUPPORT_H
#define AGOP_TESTS_TABLE_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/context.h"
#include "base/settings.h"
#include "fail_alloc.h"
#include "table/table.h"

static char notes[4096]; /* one line per note since the last listen() */

static inline void gather_note(void *user, const char *sentence)
{
    size_t used = strlen(notes);
    (void)user;
    (void)snprintf(notes + used, sizeof notes - used, "%s\n", sentence);
}

/* A context without arithmetic: tables need none. */
static inline agop_ctx listen(int threads)
{
    agop_ctx ctx = {.threads = threads, .note = gather_note};
    notes[0]     = '\0';
    return ctx;
}

/* settings("scale", "rank", "normal_scores", "true", NULL) */
static inline agop_settings *settings(const char *name, ...)
{
    agop_settings *s = NULL;
    agop__err      e = {0};
    va_list        ap;

    assert_int_equal(agop__settings_make(&s, &e), AGOP_OK);
    va_start(ap, name);
    for (; name; name = va_arg(ap, const char *)) {
        const char *value = va_arg(ap, const char *);
        if (agop__settings_put(s, &e, name, value) != AGOP_OK)
            fail_msg("%s", e.text);
    }
    va_end(ap);
    return s;
}

/* NaN equals NaN. */
static inline void assert_close(double a, double b, double within)
{
    if (!(a - b <= within && b - a <= within) && !(a != a && b != b))
        fail_msg("%.17g is not %.17g", a, b);
}

static inline void assert_sentence(const agop_ctx *ctx, const char *part)
{
    if (!strstr(ctx->err.text, part))
        fail_msg("'%s' is not in '%s'", part, ctx->err.text);
}

static inline void assert_noted(const char *part)
{
    if (!strstr(notes, part))
        fail_msg("'%s' is not in the notes '%s'", part, notes);
}

#endif
