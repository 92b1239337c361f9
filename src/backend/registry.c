/* registry.c - the list of backends, and opening a context over one of them. */
#include <stdio.h>
#include <string.h>

#include "backend/backend.h"
#include "base/memory.h"

static const agop__backend *const backends[] = {&agop__backend_cpu};
enum { BACKENDS = sizeof backends / sizeof backends[0] };

/* Names that are understood; "cuda" is one, so that asking for it gets an answer rather than a guess. */
static const char known[] = "auto|cpu|cpu:baseline|cpu:avx2|cpu:avx512|cuda";

/* The last failed open of this thread: there is no context yet that could carry the sentence. */
static _Thread_local agop__err failed_open;

const char *agop_backend_name(int i)
{
    return i >= 0 && i < BACKENDS ? backends[i]->name : NULL;
}

const char *agop_errmsg(const agop_ctx *ctx)
{
    return ctx ? ctx->err.text : failed_open.text;
}

agop_status agop__open_backend(agop_ctx **out, const agop__backend *be, const char *spec, int threads)
{
    agop_status st;
    agop__err  *e = &failed_open;
    agop_ctx   *ctx = agop__calloc(1, sizeof *ctx);

    *out = NULL;
    if (!ctx)
        TRY(agop__fail_memory(e, (double)sizeof *ctx, "a context"));
    TRY(be->open(&ctx->self, spec, threads, e));
    ctx->be      = be;
    ctx->threads = be->threads(ctx->self);
    (void)snprintf(ctx->spec, sizeof ctx->spec, "%s", spec ? spec : "auto");
    *out         = ctx;
    ctx          = NULL;
done:
    free(ctx);
    return st;
}

/* Is `name` what stands before the colon of `spec`? */
static int names(const char *spec, const char *name)
{
    size_t n = strcspn(spec, ":");
    return strlen(name) == n && strncmp(spec, name, n) == 0;
}

static agop_status unknown(const char *spec)
{
    char        near[64];
    const char *closest = agop_closest(spec, known, near, sizeof near);

    if (names(spec, "cuda") || (closest && strcmp(closest, "cuda") == 0))
        return agop__fail(&failed_open, AGOP_E_UNSUPPORTED,
                          "no backend \"%.60s\": this build has no CUDA backend, use \"cpu\"", spec);
    if (closest)
        return agop__fail(&failed_open, AGOP_E_UNSUPPORTED, "no backend \"%.60s\": did you mean \"%s\"?", spec,
                          closest);
    return agop__fail(&failed_open, AGOP_E_UNSUPPORTED, "no backend \"%.60s\": use \"auto\" or \"cpu\"", spec);
}

agop_status agop_open(agop_ctx **out, const char *backend, int threads)
{
    const char *spec = backend ? backend : "auto";

    if (!out)
        return agop__fail(&failed_open, AGOP_E_ARG, "agop_open: the pointer for the context is NULL");
    *out = NULL;
    if (threads < 0)
        return agop__fail(&failed_open, AGOP_E_ARG, "agop_open: %d threads: give 0 for all, or a positive number",
                          threads);
    if (strcmp(spec, "auto") == 0)
        return agop__open_backend(out, &agop__backend_cpu, spec, threads);
    for (int i = 0; i < BACKENDS; i++)
        if (names(spec, backends[i]->name))
            return agop__open_backend(out, backends[i], spec, threads);
    return unknown(spec);
}

void agop_close(agop_ctx *ctx)
{
    if (!ctx)
        return;
    ctx->be->close(ctx->self);
    free(ctx);
}
