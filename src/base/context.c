/* context.c - listeners and time; opening and closing live with the backends (backend/registry.c). */
#include "base/context.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include "build_info.h"

double agop__now(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

void agop__note(agop_ctx *ctx, const char *format, ...)
{
    char    text[512];
    va_list ap;

    if (!ctx->note)
        return;
    va_start(ap, format);
    (void)vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    ctx->note(ctx->note_user, text);
}

int agop__tell(agop_ctx *ctx, const char *phase, int64_t done, int64_t total, double started, const char *detail)
{
    agop_progress p = {.phase = phase, .done = done, .total = total, .seconds = agop__now() - started,
                       .detail = detail};
    return ctx->progress && ctx->progress(ctx->progress_user, &p) != 0;
}

void agop_on_progress(agop_ctx *ctx, agop_progress_fn *fn, void *user)
{
    if (!ctx)
        return;
    ctx->progress      = fn;
    ctx->progress_user = user;
}

void agop_on_note(agop_ctx *ctx, agop_note_fn *fn, void *user)
{
    if (!ctx)
        return;
    ctx->note      = fn;
    ctx->note_user = user;
}

void agop_on_score(agop_ctx *ctx, agop_score_fn *fn, void *user, int larger_is_better)
{
    if (!ctx)
        return;
    ctx->score       = fn;
    ctx->score_user  = user;
    ctx->score_rises = larger_is_better;
}

#define TEXT_OF(x) #x
#define TEXT(x)    TEXT_OF(x)

const char *agop_version(void)
{
    return TEXT(AGOP_VERSION_MAJOR) "." TEXT(AGOP_VERSION_MINOR) "." TEXT(AGOP_VERSION_PATCH);
}

const char *agop_build_info(void)
{
    return "version: " TEXT(AGOP_VERSION_MAJOR) "." TEXT(AGOP_VERSION_MINOR) "." TEXT(AGOP_VERSION_PATCH) "\n"
           "commit: " AGOP_BUILD_COMMIT "\n"
           "compiler: " AGOP_BUILD_COMPILER "\n"
           "build: " AGOP_BUILD_TYPE "\n"
           "blas: " AGOP_BUILD_BLAS "\n"
           "hdf5: " AGOP_BUILD_HDF5 "\n"
           "igraph: " AGOP_BUILD_IGRAPH "\n"
           "backends: cpu\n";
}
