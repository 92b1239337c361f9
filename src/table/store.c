/* store.c - packed columns; see store.h.
 *
 * A chunk is looked at twice: is every cell the same after a detour by float, and how many distinct values are there (a
 * hash table over the bits of the cells, not begun where a sample hardly repeats itself, and given up as soon as a
 * dictionary cannot be the smallest any more). Cells are equal when their bits are, so negative zero and any NaN come
 * back as they went in.
 *
 * In a file, bytes are reserved a segment at a time, then written, and only read through a mapping: a full disk is a
 * failure that a call returns, and never a signal. Chunks in memory are allocations of their own. */
#include "table/store.h"

#include <errno.h>
#include <fcntl.h>
#include <float.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/memory.h"

enum { SMALLEST_CHUNK = 256, LINE = 64, SAMPLE = 1024, SLOT_BITS = 11 };
static const int64_t least_segment = 1 << 20, most_segment = 64 << 20, unpacked_block = 64 << 20;

typedef struct segment { /* of the file */
    char   *base;
    int64_t size;
} segment;

struct agop__store {
    int64_t         chunk_rows;
    int             shift; /* chunk_rows = 1 << shift */
    char           *folder; /* NULL: in memory */
    int             fd;
    segment        *segment;
    int64_t         segments, room;
    int64_t         end, used; /* bytes of the file; of its last segment */
    atomic_llong    bytes;
    atomic_int      users; /* packs, and the one who opened it */
    pthread_mutex_t lock;  /* of the file and its segments */
};

typedef struct chunk {
    int         kind;
    void       *owned;  /* in memory: what to free */
    const void *cells;  /* numbers of values, or values */
    const void *values; /* BYTE, SHORT: the distinct ones, doubles */
} chunk;

struct agop__pack {
    agop__store *store;
    chunk       *chunk;
    int64_t      rows, chunks, room;
};

/* ---- the place ---- */

int64_t agop__store_chunk_rows(int64_t cols)
{
    int64_t rows = AGOP__CHUNK_ROWS;
    while (rows > SMALLEST_CHUNK && rows * cols * (int64_t)sizeof(double) > unpacked_block)
        rows /= 2;
    return rows;
}

static agop_status refused(const agop__store *s, int number, agop__err *e)
{
    char words[128];
    return agop__fail(e, AGOP_E_IO, "cannot keep the table in the folder %.200s: %s; name another one with --cache, or "
                      "none to keep it in memory", s->folder, strerror_r(number, words, sizeof words));
}

static agop_status open_file(agop__store *s, const char *folder, agop__err *e)
{
    size_t      room = strlen(folder) + 32;
    char       *path = agop__malloc((int64_t)room, 1);
    agop_status st   = AGOP_OK;

    s->folder = agop__strdup(folder);
    if (!path || !s->folder) {
        free(path);
        return agop__fail_memory(e, 0, "a packed table");
    }
    (void)snprintf(path, room, "%s/.agop-XXXXXX", folder);
    s->fd = mkostemp(path, O_CLOEXEC);
    if (s->fd < 0)
        st = refused(s, errno, e);
    else
        (void)unlink(path);
    free(path);
    return st;
}

static void leave(agop__store *s)
{
    if (!s || atomic_fetch_sub(&s->users, 1) > 1)
        return;
    for (int64_t k = 0; k < s->segments; k++)
        (void)munmap(s->segment[k].base, (size_t)s->segment[k].size);
    if (s->fd >= 0)
        (void)close(s->fd);
    (void)pthread_mutex_destroy(&s->lock);
    free(s->segment);
    free(s->folder);
    free(s);
}

agop_status agop__store_open(agop__store **out, const char *folder, int64_t chunk_rows, agop__err *e)
{
    agop__store *s  = agop__calloc(1, sizeof *s);
    agop_status  st = AGOP_OK;

    *out = NULL;
    if (!s)
        return agop__fail_memory(e, 0, "a packed table");
    s->fd         = -1;
    s->chunk_rows = chunk_rows;
    while ((int64_t)1 << s->shift < chunk_rows)
        s->shift++;
    atomic_init(&s->bytes, 0);
    atomic_init(&s->users, 1);
    (void)pthread_mutex_init(&s->lock, NULL); /* of the default kind, which asks for nothing */
    if (folder && *folder)
        st = open_file(s, folder, e);
    if (st != AGOP_OK)
        leave(s);
    else
        *out = s;
    return st;
}

void agop__store_close(agop__store *s)
{
    leave(s);
}

int64_t agop__store_bytes(const agop__store *s)
{
    return (int64_t)atomic_load(&s->bytes);
}

/* Disk space for at least `bytes` more, mapped. posix_fallocate, because a hole in a file is a promise that a full disk
 * breaks when its page is first touched. */
static agop_status add_segment(agop__store *s, int64_t bytes, agop__err *e)
{
    int64_t size = s->segments ? 2 * s->segment[s->segments - 1].size : least_segment;
    void   *base, *list = s->segment;
    int     number;

    size = size < most_segment ? size : most_segment;
    size = size < bytes ? (bytes + least_segment - 1) / least_segment * least_segment : size;
    if (s->segments == s->room) {
        if (!agop__grow(&list, 2 * s->room + 16, sizeof *s->segment))
            return agop__fail_memory(e, 0, "a packed table");
        s->segment = list;
        s->room    = 2 * s->room + 16;
    }
    do
        number = posix_fallocate(s->fd, (off_t)s->end, (off_t)size);
    while (number == EINTR);
    if (number != 0)
        return refused(s, number, e);
    base = mmap(NULL, (size_t)size, PROT_READ, MAP_SHARED, s->fd, (off_t)s->end);
    if (base == MAP_FAILED)
        return refused(s, errno, e);
    s->segment[s->segments++] = (segment){.base = base, .size = size};
    s->end += size;
    s->used = 0;
    return AGOP_OK;
}

/* `bytes` of the file, of which a chunk is the owner from now on. */
static agop_status reserve(const char **base, off_t *offset, agop__store *s, int64_t bytes, agop__err *e)
{
    int64_t     whole = (bytes + LINE - 1) / LINE * LINE;
    agop_status st    = AGOP_OK;

    (void)pthread_mutex_lock(&s->lock);
    if (s->segments == 0 || s->used + whole > s->segment[s->segments - 1].size)
        st = add_segment(s, whole, e);
    if (st == AGOP_OK) {
        const segment *last = &s->segment[s->segments - 1];
        *base               = last->base + s->used;
        *offset             = (off_t)(s->end - last->size + s->used);
        s->used += whole;
    }
    (void)pthread_mutex_unlock(&s->lock);
    return st;
}

static agop_status write_at(const agop__store *s, const char *bytes, int64_t count, off_t at, agop__err *e)
{
    while (count > 0) {
        ssize_t n = pwrite(s->fd, bytes, (size_t)count, at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return refused(s, errno, e);
        bytes += n;
        count -= n;
        at += n;
    }
    return AGOP_OK;
}

/* Where `bytes` of a chunk are from now on: `built` itself in memory, a copy of it in the file. *built is NULL where it
 * was taken. */
static agop_status settle(const char **at, char **built, agop__store *s, int64_t bytes, agop__err *e)
{
    agop_status st = AGOP_OK;
    off_t       offset;

    if (s->folder) {
        TRY(reserve(at, &offset, s, bytes, e));
        TRY(write_at(s, *built, bytes, offset, e));
    } else {
        *at    = *built;
        *built = NULL;
    }
    (void)atomic_fetch_add(&s->bytes, bytes);
done:
    return st;
}

/* ---- the distinct values of a chunk ---- */

typedef struct survey {
    const double *v;
    int64_t       n, distinct; /* -1: too many for a dictionary to be the smallest */
    int           single;      /* every cell is a float */
    double       *value;       /* the distinct ones, in order of appearance */
    uint16_t     *number;      /* of each cell */
} survey;

static uint64_t bits_of(double v)
{
    uint64_t u;
    memcpy(&u, &v, sizeof u);
    return u;
}

static int is_single(double v)
{
    return (fabs(v) <= FLT_MAX || !(v == v)) && bits_of((double)(float)v) == bits_of(v);
}

/* Number the values of the chunk; `slot` has 1 << bits entries, all 0, and holds number + 1. */
static void number_values(survey *s, uint32_t *slot, int bits, int64_t most)
{
    uint64_t last = ~bits_of(s->v[0]), mask = ((uint64_t)1 << bits) - 1;
    uint16_t here = 0;

    s->distinct = 0;
    for (int64_t i = 0; i < s->n; i++) {
        uint64_t u = bits_of(s->v[i]), at = u * UINT64_C(0x9E3779B97F4A7C15) >> (64 - bits);
        if (u != last) {
            while (slot[at] && bits_of(s->value[slot[at] - 1]) != u)
                at = (at + 1) & mask;
            if (!slot[at]) {
                if (s->distinct == most) {
                    s->distinct = -1;
                    return;
                }
                s->value[s->distinct] = s->v[i];
                slot[at]              = (uint32_t)++s->distinct;
            }
            here = (uint16_t)(slot[at] - 1);
            last = u;
        }
        s->number[i] = here;
    }
}

/* Is a dictionary worth the search? Of cells drawn from n / 2 values or fewer, SAMPLE of them hold SAMPLE^2 / n pairs
 * that are equal, or more; half as many are asked for. */
static int repeats(const double *v, int64_t n)
{
    double   cell[SAMPLE], value[SAMPLE];
    uint16_t number[SAMPLE];
    uint32_t slot[1 << SLOT_BITS] = {0};
    survey   sample = {.v = cell, .n = SAMPLE, .value = value, .number = number};

    if (n < 4 * SAMPLE)
        return 1;
    for (int64_t i = 0; i < SAMPLE; i++)
        cell[i] = v[i * n / SAMPLE];
    number_values(&sample, slot, SLOT_BITS, SAMPLE);
    return 2 * (SAMPLE - sample.distinct) * n >= (int64_t)SAMPLE * SAMPLE;
}

/* A dictionary of k values costs 2 n + 8 k, so it can only win with few: below n / 4 beside floats, else 3 n / 4. */
static agop_status look(survey *s, const double *v, int64_t n, agop__err *e)
{
    int64_t   most;
    int       bits = 4;
    uint32_t *slot;

    *s = (survey){.v = v, .n = n, .single = 1, .distinct = -1};
    for (int64_t i = 0; i < n && s->single; i++)
        s->single = is_single(v[i]);
    if (!repeats(v, n))
        return AGOP_OK;
    most = (s->single ? n / 4 : 3 * n / 4) + 1;
    while ((int64_t)1 << bits < 2 * most)
        bits++;
    slot      = agop__calloc((int64_t)1 << bits, sizeof *slot);
    s->value  = agop__malloc(most, sizeof *s->value);
    s->number = agop__malloc(n, sizeof *s->number);
    if (!slot || !s->value || !s->number) {
        free(slot); /* the others are the caller's to free */
        return agop__fail_memory(e, (double)n * 12, "packing a column");
    }
    if (n > 0)
        number_values(s, slot, bits, most);
    free(slot);
    return AGOP_OK;
}

static int64_t bytes_as(int kind, int64_t n, int64_t distinct)
{
    switch (kind) {
    case AGOP__PACK_BYTE: return (n + 7) / 8 * 8 + 8 * distinct; /* values first, so that they are aligned */
    case AGOP__PACK_SHORT: return 2 * n + 8 * distinct;
    case AGOP__PACK_SINGLE: return 4 * n;
    default: return 8 * n;
    }
}

static int smallest(const survey *s)
{
    int best = AGOP__PACK_DOUBLE;

    if (s->single)
        best = AGOP__PACK_SINGLE;
    if (s->distinct >= 0 && bytes_as(AGOP__PACK_SHORT, s->n, s->distinct) < bytes_as(best, s->n, 0))
        best = AGOP__PACK_SHORT;
    if (s->distinct >= 0 && s->distinct <= 256 &&
        bytes_as(AGOP__PACK_BYTE, s->n, s->distinct) < bytes_as(best, s->n, s->distinct))
        best = AGOP__PACK_BYTE;
    return best;
}

/* ---- a column ---- */

agop_status agop__pack_open(agop__pack **out, agop__store *s, agop__err *e)
{
    *out = agop__calloc(1, sizeof **out);
    if (!*out)
        return agop__fail_memory(e, 0, "a packed column");
    (*out)->store = s;
    (void)atomic_fetch_add(&s->users, 1);
    return AGOP_OK;
}

void agop__pack_free(agop__pack *p)
{
    if (!p)
        return;
    for (int64_t k = 0; k < p->chunks; k++)
        free(p->chunk[k].owned);
    free(p->chunk);
    leave(p->store);
    free(p);
}

/* The bytes of a chunk: the distinct values, then the cells. */
static void write_cells(char *to, const survey *s, int kind)
{
    int64_t first = kind <= AGOP__PACK_SHORT ? s->distinct * (int64_t)sizeof(double) : 0;
    char   *cells = to + first;

    if (first > 0)
        memcpy(to, s->value, (size_t)first);
    if (kind == AGOP__PACK_BYTE)
        for (int64_t i = 0; i < s->n; i++)
            ((uint8_t *)cells)[i] = (uint8_t)s->number[i];
    else if (kind == AGOP__PACK_SHORT)
        memcpy(cells, s->number, (size_t)s->n * sizeof *s->number);
    else if (kind == AGOP__PACK_SINGLE)
        for (int64_t i = 0; i < s->n; i++)
            ((float *)(void *)cells)[i] = (float)s->v[i];
    else
        memcpy(cells, s->v, (size_t)s->n * sizeof *s->v);
}

static agop_status room_for_one(agop__pack *p, agop__err *e)
{
    void   *list = p->chunk;
    int64_t room = p->room ? 2 * p->room : 1;

    if (p->chunks < p->room)
        return AGOP_OK;
    if (!agop__grow(&list, room, sizeof *p->chunk))
        return agop__fail_memory(e, (double)room * (double)sizeof *p->chunk, "a packed column");
    p->chunk = list;
    p->room  = room;
    return AGOP_OK;
}

agop_status agop__pack_add(agop__pack *p, const double *cells, int64_t n, agop__err *e)
{
    survey      s     = {0};
    chunk       k     = {0};
    char       *built = NULL;
    const char *at    = NULL;
    int64_t     bytes, first;
    agop_status st;

    if (n == 0)
        return AGOP_OK;
    if (n < 0 || n > p->store->chunk_rows || p->rows != p->chunks * p->store->chunk_rows)
        return agop__fail(e, AGOP_E_BUG, "a chunk of %lld rows behind %lld", (long long)n, (long long)p->rows);
    TRY(room_for_one(p, e));
    TRY(look(&s, cells, n, e));
    k.kind = smallest(&s);
    bytes  = bytes_as(k.kind, n, s.distinct);
    built  = agop__malloc(bytes, 1);
    if (!built) {
        st = agop__fail_memory(e, (double)bytes, "a packed column");
        goto done;
    }
    memset(built, 0, (size_t)bytes); /* also what fills a chunk up to whole doubles */
    write_cells(built, &s, k.kind);
    TRY(settle(&at, &built, p->store, bytes, e));
    first    = k.kind <= AGOP__PACK_SHORT ? s.distinct * (int64_t)sizeof(double) : 0;
    k.owned  = p->store->folder ? NULL : (void *)(uintptr_t)at;
    k.values = at;
    k.cells  = at + first;
    p->chunk[p->chunks++] = k;
    p->rows += n;
done:
    free(built);
    free(s.value);
    free(s.number);
    return st;
}

agop_status agop__pack_add_codes(agop__pack *p, const int32_t *codes, int64_t n, agop__err *e)
{
    double     *v = agop__malloc(n, sizeof *v);
    agop_status st;

    if (!v)
        return agop__fail_memory(e, (double)n * 8, "packing a column");
    for (int64_t i = 0; i < n; i++)
        v[i] = (double)codes[i];
    st = agop__pack_add(p, v, n, e);
    free(v);
    return st;
}

int64_t agop__pack_rows(const agop__pack *p)
{
    return p->rows;
}

int64_t agop__pack_chunk_rows(const agop__pack *p)
{
    return p->store->chunk_rows;
}

int agop__pack_kind(const agop__pack *p, int64_t number)
{
    return p->chunk[number].kind;
}

/* ---- reading ---- */

static double cell(const chunk *k, int64_t i)
{
    switch (k->kind) {
    case AGOP__PACK_BYTE: return ((const double *)k->values)[((const uint8_t *)k->cells)[i]];
    case AGOP__PACK_SHORT: return ((const double *)k->values)[((const uint16_t *)k->cells)[i]];
    case AGOP__PACK_SINGLE: return (double)((const float *)k->cells)[i];
    default: return ((const double *)k->cells)[i];
    }
}

double agop__pack_at(const agop__pack *p, int64_t row)
{
    return cell(&p->chunk[row >> p->store->shift], row & (p->store->chunk_rows - 1));
}

static void take_from(double *v, const chunk *k, int64_t first, int64_t n)
{
    const double *value = k->values;

    switch (k->kind) {
    case AGOP__PACK_BYTE:
        for (int64_t i = 0; i < n; i++)
            v[i] = value[((const uint8_t *)k->cells)[first + i]];
        break;
    case AGOP__PACK_SHORT:
        for (int64_t i = 0; i < n; i++)
            v[i] = value[((const uint16_t *)k->cells)[first + i]];
        break;
    case AGOP__PACK_SINGLE:
        for (int64_t i = 0; i < n; i++)
            v[i] = (double)((const float *)k->cells)[first + i];
        break;
    default: memcpy(v, (const double *)k->cells + first, (size_t)n * sizeof *v);
    }
}

void agop__pack_take(double *v, const agop__pack *p, int64_t first, int64_t n)
{
    while (n > 0) {
        int64_t at = first & (p->store->chunk_rows - 1), here = p->store->chunk_rows - at;
        here = here < n ? here : n;
        take_from(v, &p->chunk[first >> p->store->shift], at, here);
        v += here;
        first += here;
        n -= here;
    }
}
