/* fail_alloc.c - the wrapped allocation functions; see fail_alloc.h. Counters are atomic: threads allocate too. */
#include "fail_alloc.h"

#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>

static atomic_llong seen;   /* allocations since arming */
static atomic_llong target; /* which one fails; 0: none */
static atomic_int   armed, failed;

void fail_alloc_arm(int64_t n)
{
    atomic_store(&seen, 0);
    atomic_store(&target, n);
    atomic_store(&failed, 0);
    atomic_store(&armed, 1);
}

int fail_alloc_disarm(void)
{
    atomic_store(&armed, 0);
    return atomic_load(&failed);
}

int64_t fail_alloc_count(void)
{
    return atomic_load(&seen);
}

static int fails_now(void)
{
    if (!atomic_load(&armed) || atomic_fetch_add(&seen, 1) + 1 != atomic_load(&target))
        return 0;
    atomic_store(&failed, 1);
    return 1;
}

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *p, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
int   __real_posix_memalign(void **p, size_t alignment, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *p, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
int   __wrap_posix_memalign(void **p, size_t alignment, size_t size);

void *__wrap_malloc(size_t size)
{
    return fails_now() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails_now() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *p, size_t size)
{
    return fails_now() ? NULL : __real_realloc(p, size);
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
    return fails_now() ? NULL : __real_aligned_alloc(alignment, size);
}

int __wrap_posix_memalign(void **p, size_t alignment, size_t size)
{
    return fails_now() ? ENOMEM : __real_posix_memalign(p, alignment, size);
}
