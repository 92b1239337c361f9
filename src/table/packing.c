/* packing.c - columns packed side by side; arrays of numbers packed while they are read. See packing.h.
 *
 * A block is one chunk of every column. Row after row (C order) a block is read, and the columns are picked out of it
 * in threads; column after column (Fortran order) every chunk is packed as it comes. What is held of a file beside its
 * packed columns is one block. */
#include "table/packing.h"

#include <inttypes.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/threads.h"

/* ---- columns side by side ---- */

agop_status agop__packing_open(agop__packing *p, int64_t cols, const char *cache, int64_t chunk_rows, agop__err *e)
{
    agop_status st = AGOP_OK;

    *p      = (agop__packing){.cols = cols, .chunk_rows = chunk_rows ? chunk_rows : agop__store_chunk_rows(cols)};
    p->pack = agop__calloc(cols, sizeof(agop__pack *));
    if (!p->pack) {
        p->cols = 0;
        return agop__fail_memory(e, (double)cols * 8, "packed columns");
    }
    TRY(agop__store_open(&p->store, cache, p->chunk_rows, e));
    for (int64_t j = 0; j < cols; j++)
        TRY(agop__pack_open(&p->pack[j], p->store, e));
done:
    if (st != AGOP_OK)
        agop__packing_close(p);
    return st;
}

void agop__packing_close(agop__packing *p)
{
    for (int64_t j = 0; j < p->cols; j++)
        agop__pack_free(p->pack[j]);
    free(p->pack);
    agop__store_close(p->store);
    memset(p, 0, sizeof *p);
}

typedef struct work {
    agop__packing  *p;
    agop__pack_fn  *add;
    void           *user;
    pthread_mutex_t lock;
    int64_t         failed; /* the first column that did, or -1 */
    agop_status     st;
    agop__err       err;
} work;

static void add_one(void *user, int part)
{
    work       *w   = user;
    agop__err   err = {0};
    agop_status st  = w->add(w->user, part, w->p->pack[part], &err);

    if (st == AGOP_OK)
        return;
    (void)pthread_mutex_lock(&w->lock);
    if (w->failed < 0 || part < w->failed) {
        w->failed = part;
        w->st     = st;
        w->err    = err;
    }
    (void)pthread_mutex_unlock(&w->lock);
}

agop_status agop__packing_add(agop__packing *p, int threads, agop__pack_fn *add, void *user, agop__err *e)
{
    work w = {.p = p, .add = add, .user = user, .lock = PTHREAD_MUTEX_INITIALIZER, .failed = -1};

    agop__parallel(threads, (int)p->cols, add_one, &w);
    if (w.failed < 0)
        return AGOP_OK;
    *e = w.err;
    return w.st;
}

/* ---- arrays ---- */

typedef struct block { /* of an array under way */
    agop__npy      *a;
    unsigned char  *raw;
    int64_t         room, first, n; /* elements; rows */
    pthread_mutex_t lock;
    int64_t         infinite_row, infinite_col; /* the first, by rows; -1: none */
} block;

/* Elements of the array into the block. Where the file is not known to hold them, memory grows with what there is: a
 * header may promise anything. */
static agop_status read_raw(block *b, int64_t count, agop__err *e)
{
    enum { PIECE = 1 << 20 };
    agop_status st = AGOP_OK;

    for (int64_t at = 0; at < count;) {
        int64_t here = count - at < PIECE ? count - at : PIECE;
        void   *raw  = b->raw;
        if (at + here > b->room) {
            int64_t room = 2 * b->room > at + here ? 2 * b->room : at + here;
            room         = room < count && !b->a->is_whole ? room : count;
            if (!agop__grow(&raw, room, (size_t)b->a->size))
                return agop__fail_memory(e, (double)room * (double)b->a->size, "a block of an array");
            b->raw  = raw;
            b->room = room;
        }
        TRY(agop__npy_next(b->a, b->raw + at * b->a->size, here, e));
        at += here;
    }
done:
    return st;
}

static void note_infinite(block *b, int64_t row, int64_t col)
{
    (void)pthread_mutex_lock(&b->lock);
    if (b->infinite_row < 0 || row < b->infinite_row || (row == b->infinite_row && col < b->infinite_col)) {
        b->infinite_row = row;
        b->infinite_col = col;
    }
    (void)pthread_mutex_unlock(&b->lock);
}

static agop_status pack_cells(block *b, int64_t col, int64_t first, int64_t stride, agop__pack *pack, agop__err *e)
{
    double     *v  = agop__malloc(b->n, sizeof *v);
    agop_status st = AGOP_OK;

    if (!v)
        return agop__fail_memory(e, 8.0 * (double)b->n, "packing a column");
    agop__npy_numbers(v, b->a, b->raw, first, stride, b->n);
    for (int64_t i = 0; i < b->n; i++)
        if (isinf(v[i])) {
            note_infinite(b, b->first + i, col);
            goto done; /* told by the caller, for all columns */
        }
    st = agop__pack_add(pack, v, b->n, e);
done:
    free(v);
    return st;
}

static agop_status pick_column(void *user, int64_t col, agop__pack *pack, agop__err *e)
{
    block *b = user;
    return pack_cells(b, col, col, b->a->cols, pack, e);
}

static agop_status refuse_infinite(const block *b, const char *file, agop__err *e)
{
    if (b->infinite_row < 0)
        return AGOP_OK;
    return agop__fail(e, AGOP_E_FORMAT,
                      "%s: row %" PRId64 ", column 'x%" PRId64 "': infinite; use NaN for what is missing", file,
                      b->infinite_row + 1, b->infinite_col + 1);
}

static agop_status go_on(agop_ctx *ctx, int64_t done, int64_t total, double started, const char *file)
{
    if (agop__tell(ctx, "read", done, total, started, file))
        return agop__fail(&ctx->err, AGOP_E_STOPPED, "stopped while reading %s", file);
    return AGOP_OK;
}

/* Row after row. The columns are opened once there is a block for them. */
static agop_status pack_rows(agop__packing *p, agop_ctx *ctx, block *b, const char *file, const char *cache)
{
    int64_t     rows = b->a->rows, chunk = agop__store_chunk_rows(b->a->cols);
    double      started = agop__now();
    agop_status st = AGOP_OK;

    for (b->first = 0; b->first < rows; b->first += b->n) {
        b->n = rows - b->first < chunk ? rows - b->first : chunk;
        TRY(go_on(ctx, b->first, rows, started, file));
        TRY(read_raw(b, b->n * b->a->cols, &ctx->err));
        if (!p->pack)
            TRY(agop__packing_open(p, b->a->cols, cache, 0, &ctx->err));
        TRY(agop__packing_add(p, ctx->threads, pick_column, b, &ctx->err));
        TRY(refuse_infinite(b, file, &ctx->err));
    }
done:
    return st;
}

/* Column after column. */
static agop_status pack_columns(agop__packing *p, agop_ctx *ctx, block *b, const char *file, const char *cache)
{
    int64_t     rows = b->a->rows;
    double      started = agop__now();
    agop_status st;

    TRY(agop__packing_open(p, b->a->cols, cache, 0, &ctx->err));
    for (int64_t j = 0; j < b->a->cols; j++)
        for (b->first = 0; b->first < rows; b->first += b->n) {
            b->n = rows - b->first < p->chunk_rows ? rows - b->first : p->chunk_rows;
            if (b->first == 0)
                TRY(go_on(ctx, j, b->a->cols, started, file));
            TRY(read_raw(b, b->n, &ctx->err));
            TRY(pack_cells(b, j, 0, 1, p->pack[j], &ctx->err));
            TRY(refuse_infinite(b, file, &ctx->err));
        }
done:
    return st;
}

static agop_status name_columns(agop_table *t, agop__packing *p, agop__err *e)
{
    agop_status st = AGOP_OK;

    for (int64_t j = 0; j < p->cols; j++) {
        char        name[32];
        agop__pack *pack = p->pack[j];
        p->pack[j]       = NULL; /* taken, whatever comes of it */
        (void)snprintf(name, sizeof name, "x%" PRId64, j + 1);
        TRY(agop__table_take_packed(t, name, pack, NULL, e));
    }
done:
    return st;
}

agop_status agop__pack_array(agop_table **out, agop_ctx *ctx, agop__npy *a, const char *file, const char *cache)
{
    agop__packing p = {0};
    agop_table   *t = NULL;
    block         b = {.a = a, .lock = PTHREAD_MUTEX_INITIALIZER, .infinite_row = -1};
    agop_status   st;

    *out = NULL;
    if (a->left == 0) { /* no cells, or no rows: columns without a chunk */
        TRY(agop__npy_next(a, &b, 0, &ctx->err));
        TRY(agop__packing_open(&p, a->cols, "", 0, &ctx->err));
    } else {
        TRY(a->fortran ? pack_columns(&p, ctx, &b, file, cache) : pack_rows(&p, ctx, &b, file, cache));
    }
    TRY(agop__table_make(&t, a->rows, &ctx->err));
    TRY(name_columns(t, &p, &ctx->err));
    *out = t;
    t    = NULL;
done:
    agop_table_free(t);
    agop__packing_close(&p);
    free(b.raw);
    return st;
}
