/* finished.c - see finished.h. A pair that is not kept when it is told never will be: what is kept only rises. So a
 * record has the pairs of a batch that were kept at that time, and telling those once more leaves what was left. */
#include "depend/finished.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "base/threads.h"

struct agop__finished {
    int64_t i, j;
    double  score, log10p; /* NaN: not kept */
};

/* ---- which run it is ---- */

static uint64_t add_text(uint64_t h, const char *s)
{
    return agop__hash(h, s, (int64_t)strlen(s) + 1);
}

/* All settings but those that only say how long, where, and with what means. */
static uint64_t add_settings(uint64_t h, const agop_settings *s)
{
    static const char *const means[] = {"time_limit", "memory", "cache", "resume"};

    for (int i = 0; agop_setting_at(i); i++) {
        const agop_setting *one  = agop_setting_at(i);
        int                 skip = strstr(one->verbs, "ids") == NULL;
        for (size_t k = 0; k < sizeof means / sizeof *means; k++)
            skip |= strcmp(one->name, means[k]) == 0;
        if (!skip)
            h = add_text(add_text(h, one->name), agop__text(s, one->name));
    }
    return h;
}

typedef struct hashing {
    const agop__side *s;
    uint64_t         *of;
} hashing;

enum { SOME = 1024 }; /* cells looked at together */

static uint64_t add_levels(uint64_t h, const agop__column *c)
{
    for (int64_t k = 0; k < c->levels.count; k++)
        h = agop__hash(h, c->levels.text[k], (int64_t)c->levels.length[k] + 1);
    return h;
}

static uint64_t add_cells(uint64_t h, const agop__column *c, int64_t rows)
{
    double  number[SOME];
    int32_t code[SOME];

    for (int64_t i = 0; i < rows; i += SOME) {
        int64_t n = rows - i < SOME ? rows - i : SOME;
        if (c->is_text) {
            agop__column_codes(code, c, i, n);
            h = agop__hash(h, code, n * (int64_t)sizeof *code);
        } else {
            agop__column_take(number, c, i, n);
            h = agop__hash(h, number, n * (int64_t)sizeof *number);
        }
    }
    return h;
}

static void hash_one(void *user, int k)
{
    const hashing        *w = user;
    const agop__variable *v = &w->s->variable[k];
    const agop__nonzeros *z = v->column->nonzeros;
    uint64_t              h = add_text(AGOP__HASH, v->field->name);

    if (z) {
        h = agop__hash(h, z->row, z->count * (int64_t)sizeof *z->row);
        h = agop__hash(h, z->value, z->count * (int64_t)sizeof *z->value);
    } else {
        h = add_cells(add_levels(h, v->column), v->column, w->s->t->rows);
    }
    w->of[k] = h;
}

static agop_status add_side(uint64_t *h, agop_ctx *ctx, const agop__side *s)
{
    hashing w = {.s = s, .of = agop__malloc(s->variables, sizeof *w.of)};

    if (!w.of)
        return agop__fail_memory(&ctx->err, 8.0 * (double)s->variables, "the state of a run");
    agop__parallel(ctx->threads, (int)s->variables, hash_one, &w);
    *h = agop__hash(*h, w.of, s->variables * (int64_t)sizeof *w.of);
    free(w.of);
    return AGOP_OK;
}

agop_status agop__journal_of(agop_ids *d, agop_ctx *ctx, const agop_settings *s)
{
    const char *path = agop__text(s, "resume");
    uint64_t    h    = add_settings(add_text(AGOP__HASH, agop_version()), s);
    agop_status st   = AGOP_OK;

    if (!*path)
        return AGOP_OK;
    h = agop__hash(h, &d->rows, sizeof d->rows);
    for (int side = 0; side < (d->self ? 1 : 2); side++)
        TRY(add_side(&h, ctx, &d->side[side]));
    TRY(agop__journal_open(&d->journal, path, h, &ctx->err));
done:
    return st;
}

/* ---- batches ---- */

static agop_status tell(agop__batch *b, const agop__finished *f)
{
    agop__keep *k = &b->d->keep;
    agop_status st = AGOP_OK;

    if (!isnan(f->score))
        TRY(agop__keep_add(k, f->i, f->j, f->score, b->e));
    if (!isnan(f->log10p))
        TRY(agop__keep_test(k, f->log10p, b->d->plan.stored, b->e));
done:
    return st;
}

static int sound(const char *pairs, int64_t count, const agop__keep *k)
{
    agop__finished f;
    int            good = 1;

    for (int64_t at = 0; at < count; at++) {
        memcpy(&f, pairs + at * (int64_t)sizeof f, sizeof f);
        good &= f.i >= 0 && f.i < k->rows && f.j >= 0 && f.j < k->cols;
    }
    return good;
}

/* The record: how many tests, and the pairs. One that cannot be is made again. */
static agop_status replay(int *there, agop__batch *b, const char *record, int64_t bytes)
{
    agop__finished f;
    int64_t        head = (int64_t)sizeof b->tests, size = (int64_t)sizeof f, before = b->d->keep.tests;
    agop_status    st = AGOP_OK;

    if (bytes < head || (bytes - head) % size != 0 || !sound(record + head, (bytes - head) / size, &b->d->keep))
        return AGOP_OK;
    memcpy(&b->tests, record, sizeof b->tests);
    for (int64_t at = head; at < bytes; at += size) {
        memcpy(&f, record + at, sizeof f);
        TRY(tell(b, &f));
    }
    b->d->keep.tests = before + b->tests;
    *there           = 1;
done:
    return st;
}

agop_status agop__batch_begin(int *there, agop__batch *b, uint64_t number)
{
    int64_t     bytes = 0;
    const char *record = b->d->journal ? agop__journal_find(b->d->journal, number, &bytes) : NULL;

    *there    = 0;
    b->number = number;
    b->count = b->tests = 0;
    return record ? replay(there, b, record, bytes) : AGOP_OK;
}

static agop_status note(agop__batch *b, const agop__finished *f)
{
    if (b->count == b->room) {
        int64_t more = b->room ? 2 * b->room : 1024;
        void   *room = b->pair;
        if (!agop__grow(&room, more, sizeof *b->pair))
            return agop__fail_memory(b->e, (double)more * (double)sizeof *b->pair, "the state of a run");
        b->pair = room;
        b->room = more;
    }
    b->pair[b->count++] = *f;
    return AGOP_OK;
}

agop_status agop__batch_add(agop__batch *b, int64_t i, int64_t j, double score, double log10p)
{
    agop__keep    *k = &b->d->keep;
    agop__finished f = {.i = i, .j = j, .score = score, .log10p = log10p};
    int64_t        taken = k->taken, small = k->small;
    agop_status    st;

    b->tests += !isnan(log10p);
    TRY(tell(b, &f));
    if (!b->d->journal || (k->taken == taken && k->small == small))
        goto done;
    f.score  = k->taken > taken ? score : (double)NAN;
    f.log10p = k->small > small ? log10p : (double)NAN;
    TRY(note(b, &f));
done:
    return st;
}

void agop__batch_end(agop__batch *b)
{
    int64_t bytes = (int64_t)sizeof b->tests + b->count * (int64_t)sizeof *b->pair;
    char   *record = b->d->journal ? agop__malloc(bytes, 1) : NULL;

    if (!record)
        return; /* a batch that does not stand there is made again */
    memcpy(record, &b->tests, sizeof b->tests);
    if (b->count > 0)
        memcpy(record + sizeof b->tests, b->pair, (size_t)b->count * sizeof *b->pair);
    agop__journal_keep(b->d->journal, b->number, record, bytes);
    free(record);
}

void agop__batch_free(agop__batch *b)
{
    free(b->pair);
    b->pair = NULL;
}
