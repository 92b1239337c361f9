/* cpu_dispatch.c - which instruction set the inner loops use, asked of the processor and the system at open. */
#include <string.h>

#include "backend/cpu/cpu_kernel.h"

/* __builtin_cpu_supports also asks whether the system saves the wider registers. */
static int has_avx2(void)
{
#ifdef __x86_64__
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#else
    return 0;
#endif
}

static int has_avx512(void)
{
#ifdef __x86_64__
    return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw");
#else
    return 0;
#endif
}

static int has_baseline(void)
{
    return 1;
}

/* Best first. */
static const struct {
    const char                   *name;
    int                         (*has)(void);
    const agop__cpu_loops *const *loops;
} sets[] = {
#ifdef __x86_64__
    {"avx512", has_avx512, agop__cpu_avx512},
    {"avx2", has_avx2, agop__cpu_avx2},
#else
    {"avx512", has_avx512, agop__cpu_baseline}, /* known names that this machine cannot have */
    {"avx2", has_avx2, agop__cpu_baseline},
#endif
    {"baseline", has_baseline, agop__cpu_baseline},
};

agop_status agop__cpu_dispatch(const agop__cpu_loops *const **out, const char *isa, agop__err *e)
{
    int         any = strcmp(isa, "auto") == 0;
    char        near[16];
    const char *closest;

    for (size_t i = 0; i < sizeof sets / sizeof sets[0]; i++) {
        if (!any && strcmp(isa, sets[i].name) != 0)
            continue;
        if (sets[i].has()) {
            *out = sets[i].loops;
            return AGOP_OK;
        }
        if (!any)
            return agop__fail(e, AGOP_E_UNSUPPORTED,
                              "this machine does not have %s, which \"cpu:%s\" asks for: use \"cpu\"", isa, isa);
    }
    closest = agop_closest(isa, "avx512|avx2|baseline", near, sizeof near);
    return agop__fail(e, AGOP_E_UNSUPPORTED, "no instruction set \"cpu:%.60s\": did you mean \"cpu:%s\"?", isa,
                      closest ? closest : "baseline");
}
