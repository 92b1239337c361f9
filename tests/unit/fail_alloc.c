/* fail_alloc.c - see fail_alloc.h. The counters are atomic: allocations may come from several threads. */
#include "fail_alloc.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *p, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
int   __real_posix_memalign(void **out, size_t alignment, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *p, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
int   __wrap_posix_memalign(void **out, size_t alignment, size_t size);

static atomic_long requests, victim, failures;

void fail_alloc_at(long n)
{
    atomic_store(&requests, 0);
    atomic_store(&failures, 0);
    atomic_store(&victim, n);
}

int fail_alloc_off(void)
{
    atomic_store(&victim, 0);
    return atomic_load(&failures) > 0;
}

long fail_alloc_count(void)
{
    return atomic_load(&requests);
}

static int fails(void)
{
    long n = atomic_fetch_add(&requests, 1) + 1;

    if (n != atomic_load(&victim))
        return 0;
    atomic_fetch_add(&failures, 1);
    errno = ENOMEM;
    return 1;
}

void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *p, size_t size)
{
    return fails() ? NULL : __real_realloc(p, size);
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
    return fails() ? NULL : __real_aligned_alloc(alignment, size);
}

int __wrap_posix_memalign(void **out, size_t alignment, size_t size)
{
    return fails() ? ENOMEM : __real_posix_memalign(out, alignment, size);
}
