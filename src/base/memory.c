/* memory.c - malloc with the multiplication checked, and what the machine has. */
#include "base/memory.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

/* The product, at least 1; SIZE_MAX (which no allocator grants) where it does not fit. */
static size_t product(int64_t count, size_t size)
{
    size_t bytes = 0;
    if (count < 0 || __builtin_mul_overflow((size_t)count, size, &bytes) || bytes > SIZE_MAX / 2)
        return SIZE_MAX;
    return bytes ? bytes : 1;
}

/* Arrays of some megabytes are written from end to end, and the first touch of a page is dear: a third of the time of a
 * short run. Large pages make it cheap. Not for the largest arrays, which are kernel matrices of which only a triangle
 * is ever touched. */
enum { LARGE_PAGE = 2 << 20, SMALLEST = 4 << 20, LARGEST = 64 << 20 };

static int suits_large_pages(size_t bytes)
{
    return bytes >= SMALLEST && bytes <= LARGEST;
}

static void *in_large_pages(void *p, size_t bytes)
{
#ifdef MADV_HUGEPAGE
    uintptr_t first = ((uintptr_t)p + LARGE_PAGE - 1) / LARGE_PAGE * LARGE_PAGE;
    uintptr_t last  = ((uintptr_t)p + bytes) / LARGE_PAGE * LARGE_PAGE;

    if (p && suits_large_pages(bytes) && first < last)
        (void)madvise((void *)first, last - first, MADV_HUGEPAGE); /* advice: nothing is lost where it is not taken */
#endif
    return p;
}

void *agop__malloc(int64_t count, size_t size)
{
    size_t bytes = product(count, size);
    return bytes == SIZE_MAX ? NULL : in_large_pages(malloc(bytes), bytes);
}

void *agop__calloc(int64_t count, size_t size)
{
    size_t bytes = product(count, size);
    return bytes == SIZE_MAX ? NULL : in_large_pages(calloc(1, bytes), bytes);
}

void *agop__aligned(int64_t count, size_t size)
{
    size_t bytes = product(count, size);
    void  *p     = NULL;
    if (bytes == SIZE_MAX || posix_memalign(&p, suits_large_pages(bytes) ? LARGE_PAGE : 64, bytes) != 0)
        return NULL;
    return in_large_pages(p, bytes);
}

int agop__grow(void **p, int64_t count, size_t size)
{
    size_t bytes = product(count, size);
    void  *q     = bytes == SIZE_MAX ? NULL : realloc(*p, bytes);
    if (!q)
        return 0;
    *p = in_large_pages(q, bytes);
    return 1;
}

char *agop__strdup(const char *s)
{
    size_t n = strlen(s) + 1;
    char  *t = agop__malloc((int64_t)n, 1);
    if (t)
        memcpy(t, s, n);
    return t;
}

int64_t agop__peak_bytes(void)
{
    struct rusage u;
    return getrusage(RUSAGE_SELF, &u) == 0 ? (int64_t)u.ru_maxrss * 1024 : 0;
}

/* Pages in memory, the second number of statm, without those of files, the third, which the system takes back when it
 * likes; where there is no /proc, the peak is the best that is known. */
int64_t agop__held_bytes(void)
{
    long      page = sysconf(_SC_PAGESIZE);
    long long pages, of_files;
    int       found = 0;
    FILE     *f     = fopen("/proc/self/statm", "r");

    if (f) {
        found = fscanf(f, "%*s %lld %lld", &pages, &of_files) == 2;
        (void)fclose(f);
    }
    return found && page > 0 ? (int64_t)(pages - of_files) * page : agop__peak_bytes();
}

/* The smaller of the machine's memory and the control group's limit (containers). */
int64_t agop__machine_bytes(void)
{
    long    pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    int64_t bytes = pages > 0 && page > 0 ? (int64_t)pages * page : INT64_MAX;
    FILE   *f     = fopen("/sys/fs/cgroup/memory.max", "r");
    if (f) {
        long long limit;
        if (fscanf(f, "%lld", &limit) == 1 && limit > 0 && limit < bytes)
            bytes = limit;
        (void)fclose(f);
    }
    return bytes;
}

void agop_free(void *p)
{
    free(p);
}
