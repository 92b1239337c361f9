/* signs.c - rank correlations of many pairs: every variable is ranked once, not once for each of its pairs.
 *
 * With t the doubled mid-ranks less their mean, whole numbers, Spearman's correlation is sum t t' / sqrt(sum t^2
 * sum t'^2). Where most values of a column are equal, as the zeros of counts, only what the others have more than these
 * is kept: with t = c + d, and sum t = 0, sum t t' = sum d d' - n c c'. Ranks are held of as many variables as there is
 * room for, on either side of the pairs: pairs are in the order of their first variable, and group meets group. A few
 * rows at a time, whose ranks stay in cache while all variables of a group that hold all ranks meet each other. */
#include "depend/signs.h"

#include <math.h>
#include <stdatomic.h>
#include <string.h>

#include "base/clones.h"
#include "base/memory.h"
#include "base/threads.h"
#include "depend/classical.h"

enum { FEWEST = 4 };     /* rows */
enum { BATCH = 4 };      /* variables for each thread before the room is looked at */
enum { TOGETHER = 32 };  /* sums that do not wait for each other */
enum { PIECE = 1024 };   /* rows of a sum; pieces are added in order, so that a pair's sum is the same in any company */
enum { NEAR = 1 << 18 }; /* ranks that stay in cache: of all variables at hand, so many rows */

/* t of one column. Floats hold it exactly up to 8 million rows. */
typedef struct ranks {
    float   *more; /* t - common */
    int32_t *row;  /* where it is not 0; NULL: of all rows */
    int64_t  count;
    double   common, squares; /* squares: sum t^2 */
} ranks;

typedef struct signing {
    const agop_ids   *d;
    agop_ctx         *ctx;
    agop_pair        *pair;
    const agop__side *side[2];
    ranks            *of[2];     /* by where a variable is; one and the same for one table against itself */
    agop__pair       *order;     /* of the pairs, by their variables */
    int64_t          *first;     /* of the left group: its pairs begin there in `order`; one more than variables */
    int64_t          *want;      /* variables to be ranked next */
    const int64_t    *at[2];
    int64_t           low, high; /* numbers of the right group */
    int64_t           row, step; /* rows at hand: the first, and how many */
    int               which;     /* the side of `want` */
    double            bytes;
    atomic_int        whole;     /* some pair of the two groups holds all rows on both sides */
    atomic_int        failed;
} signing;

/* ---- one column ---- */

/* The value that more than half of all have, if there is one; how many have it. */
static int64_t majority(double *value, const double *x, int64_t n)
{
    int64_t lead = 0, count = 0;

    for (int64_t i = 0; i < n; i++) {
        *value = lead ? *value : x[i];
        lead += x[i] == *value ? 1 : -1;
    }
    for (int64_t i = 0; i < n; i++)
        count += x[i] == *value;
    return 2 * count > n ? count : 0;
}

/* x becomes t where it is not `usual`, which `many` are, and NaN where it is. p: room for twice the others. */
static void rank_others(ranks *out, double *x, int64_t n, double usual, int64_t many, agop__pair *p)
{
    int64_t others = 0, below = 0;

    for (int64_t i = 0; i < n; i++)
        if (many == 0 || x[i] != usual) {
            p[others++] = (agop__pair){.key = agop__key(x[i] + 0.), .value = i}; /* + 0: the two zeros are one value */
            below += many > 0 && x[i] < usual;
        }
    for (int64_t i = 0; i < n; i++)
        x[i] = NAN;
    agop__sort_pairs(p, p + others, others);
    for (int64_t i = 0, j; i < others; i = j) {
        double t;
        for (j = i; j < others && p[j].key == p[i].key;)
            j++;
        t = (double)(i + j - n + (many > 0 && i >= below ? 2 * many : 0));
        for (int64_t k = i; k < j; k++)
            x[p[k].value] = t;
        out->squares += (double)(j - i) * t * t;
    }
    out->common = many > 0 ? (double)(2 * below + many - n) : 0;
    out->squares += (double)many * out->common * out->common;
    out->count = others;
}

/* From t in x: all of it, or the rows that are different from most. */
static int keep_ranks(ranks *out, const double *x, int64_t n)
{
    int64_t k = 0;

    if (out->count > n / 4 || n > INT32_MAX) {
        out->count = n;
        out->row   = NULL;
    } else if ((out->row = agop__malloc(out->count, sizeof *out->row)) == NULL)
        return 0;
    out->more = agop__malloc(out->count, sizeof *out->more);
    if (!out->more)
        return 0;
    for (int64_t i = 0; i < n; i++)
        if (!out->row)
            out->more[i] = isnan(x[i]) ? 0 : (float)(x[i] - out->common);
        else if (!isnan(x[i])) {
            out->row[k]    = (int32_t)i;
            out->more[k++] = (float)(x[i] - out->common);
        }
    return 1;
}

static void rank_wanted(void *user, int i)
{
    signing             *w    = user;
    const agop__variable *v   = &w->side[w->which]->variable[w->want[i]];
    ranks               *out  = &w->of[w->which][w->want[i]];
    int64_t              n    = w->d->rows, many;
    double               usual = 0, *x = agop__malloc(n, sizeof *x);
    agop__pair          *p    = NULL;

    *out = (ranks){0};
    if (x) {
        agop__column_take(x, v->column, 0, n);
        many = majority(&usual, x, n);
        p    = agop__malloc(2 * (n - many), sizeof *p);
    }
    if (p)
        rank_others(out, x, n, usual, many, p);
    if (!p || !keep_ranks(out, x, n))
        atomic_store(&w->failed, 1);
    free(p);
    free(x);
}

static void forget(ranks *r)
{
    free(r->row);
    free(r->more);
    *r = (ranks){0};
}

/* ---- pairs of a variable ---- */

AGOP__CLONES static double dense_sum(const float *a, const float *b, int64_t n)
{
    double  part[TOGETHER] = {0}, sum = 0;
    int64_t i = 0;

    for (; i + TOGETHER <= n; i += TOGETHER)
        for (int k = 0; k < TOGETHER; k++)
            part[k] += (double)a[i + k] * (double)b[i + k];
    for (; i < n; i++)
        sum += (double)a[i] * (double)b[i];
    for (int k = 0; k < TOGETHER; k++)
        sum += part[k];
    return sum;
}

static double sparse_sum(const float *a, const ranks *b)
{
    double  part[TOGETHER] = {0}, sum = 0;
    int64_t i = 0;

    for (; i + TOGETHER <= b->count; i += TOGETHER)
        for (int k = 0; k < TOGETHER; k++)
            part[k] += (double)a[b->row[i + k]] * (double)b->more[i + k];
    for (; i < b->count; i++)
        sum += (double)a[b->row[i]] * (double)b->more[i];
    for (int k = 0; k < TOGETHER; k++)
        sum += part[k];
    return sum;
}

static double correlation(double sum, const ranks *a, const ranks *b, int64_t n)
{
    double scale = sqrt(a->squares) * sqrt(b->squares);

    return scale > 0 ? fmax(-1, fmin(1, (sum - (double)n * a->common * b->common) / scale)) : 0;
}

/* Ranks of variable i of the left group. */
static const ranks *left_ranks(const signing *w, int i)
{
    return &w->of[0][w->at[0][w->pair[w->order[w->first[i]].value].a]];
}

/* The pair at `k` in order, if its other variable is in the right group, whose ranks are *b; NULL: it is not. */
static agop_pair *pair_of(const ranks **b, const signing *w, int64_t k)
{
    agop_pair *p = &w->pair[w->order[k].value];

    if (p->b < w->low || p->b >= w->high)
        return NULL;
    *b = &w->of[1][w->at[1][p->b]];
    return p;
}

/* Ranks of all rows, 0 where there are none, from those that differ; NULL: no memory. */
static float *spread(const ranks *a, int64_t n)
{
    float *all = agop__calloc(n, sizeof *all);

    for (int64_t k = 0; all && k < a->count; k++)
        all[a->row[k]] = a->more[k];
    return all;
}

/* Sums of variable i's pairs of which one holds few rows; those of the others begin. */
static void begin_pairs(void *user, int i)
{
    signing     *w = user;
    const ranks *a = left_ranks(w, i), *b;
    float       *all = NULL;
    agop_pair   *p;

    for (int64_t k = w->first[i]; k < w->first[i + 1]; k++) {
        if ((p = pair_of(&b, w, k)) == NULL)
            continue;
        if (a->row && b->row && !all && (all = spread(a, w->d->rows)) == NULL) {
            atomic_store(&w->failed, 1);
            return;
        }
        p->spearman = b->row ? sparse_sum(a->row ? all : a->more, b) : a->row ? sparse_sum(b->more, a) : 0;
        if (!a->row && !b->row)
            atomic_store(&w->whole, 1);
    }
    free(all);
}

/* Adds the rows at hand to the sums of variable i's pairs that both hold all rows. */
static void add_rows(void *user, int i)
{
    const signing *w = user;
    const ranks   *a = left_ranks(w, i), *b;
    int64_t        n = w->d->rows, end = n - w->row < w->step ? n : w->row + w->step;
    agop_pair     *p;

    for (int64_t k = w->first[i]; k < w->first[i + 1] && !a->row; k++)
        if ((p = pair_of(&b, w, k)) != NULL && !b->row)
            for (int64_t at = w->row; at < end; at += PIECE)
                p->spearman += dense_sum(a->more + at, b->more + at, end - at < PIECE ? end - at : PIECE);
}

static void end_pairs(void *user, int i)
{
    const signing *w = user;
    const ranks   *a = left_ranks(w, i), *b;
    agop_pair     *p;

    for (int64_t k = w->first[i]; k < w->first[i + 1]; k++)
        if ((p = pair_of(&b, w, k)) != NULL)
            p->spearman = correlation(p->spearman, a, b, w->d->rows);
}

/* The left group's pairs with the right one; rights: how many variables that adds. */
static void sum_pairs(signing *w, int lefts, int64_t rights)
{
    w->step = PIECE * (1 + NEAR / PIECE / (1 + lefts + rights));
    atomic_store(&w->whole, 0);
    agop__parallel(w->ctx->threads, lefts, begin_pairs, w);
    if (atomic_load(&w->failed))
        return;
    for (w->row = 0; w->row < w->d->rows && atomic_load(&w->whole); w->row += w->step)
        agop__parallel(w->ctx->threads, lefts, add_rows, w);
    agop__parallel(w->ctx->threads, lefts, end_pairs, w);
}

/* ---- groups ---- */

static double bytes_of(const ranks *r)
{
    return (double)r->count * (r->row ? 8 : 4);
}

/* Ranks variables want[0 .. ] of a side until the room is taken; how many. */
static int64_t rank_some(signing *w, int which, int64_t *want, int64_t count)
{
    int64_t done = 0, most = (int64_t)BATCH * w->ctx->threads;
    double  bytes = 0;

    w->which = which;
    while (done < count && bytes < w->bytes && !atomic_load(&w->failed)) {
        int64_t n = count - done < most ? count - done : most;
        w->want   = want + done;
        agop__parallel(w->ctx->threads, (int)n, rank_wanted, w);
        for (int64_t k = 0; k < n; k++)
            bytes += bytes_of(&w->of[which][want[done + k]]);
        done += n;
    }
    return done;
}

/* The left group's pairs with every right group. need: the numbers of the right variables, rising; want: room. */
static void sign_group(signing *w, int64_t lefts, const int64_t *need, int64_t needed, int64_t *want, int64_t *number)
{
    int64_t count = 0, done = 0;

    for (int64_t k = 0; k < needed; k++) { /* a variable of this table may be in the left group already */
        number[count] = need[k];
        want[count]   = w->at[1][need[k]];
        count += !w->of[1][want[count]].more;
    }
    w->low = 0;
    do {
        int64_t n = rank_some(w, 1, want + done, count - done);
        w->high   = done + n < count ? number[done + n] : INT64_MAX;
        if (!atomic_load(&w->failed))
            sum_pairs(w, (int)lefts, n);
        for (int64_t k = done; k < done + n; k++)
            forget(&w->of[1][want[k]]);
        w->low = w->high;
        done += n;
    } while (done < count && !atomic_load(&w->failed));
}

/* The numbers of the right variables of order[from .. to-1], rising; how many. seen: a mark for each number. */
static int64_t gather_right(int64_t *need, char *seen, const signing *w, int64_t from, int64_t to)
{
    int64_t numbers = w->side[1]->variables, count = 0;

    memset(seen, 0, (size_t)numbers);
    for (int64_t k = from; k < to; k++)
        seen[w->pair[w->order[k].value].b] = 1;
    for (int64_t b = 0; b < numbers; b++)
        if (seen[b])
            need[count++] = b;
    return count;
}

/* ---- all pairs ---- */

/* What cannot be ranked once: with missing cells the rows differ from pair to pair. */
static void sign_alone(void *user, int i)
{
    signing              *w = user;
    agop_pair            *p = &w->pair[w->order[i].value];
    const agop__variable *u = &w->side[0]->variable[w->at[0][p->a]], *v = &w->side[1]->variable[w->at[1][p->b]];
    agop__measured        m = {.value = NAN};
    agop__err             e;

    if (!u->field->is_text && !v->field->is_text &&
        agop__measure_columns(&m, AGOP__SPEARMAN, u, v, w->d->rows, &e) != AGOP_OK)
        atomic_store(&w->failed, 1);
    p->spearman = m.value;
}

static int is_whole(const agop__variable *v)
{
    return !v->field->is_text && !v->missing;
}

/* Pairs of whole columns first, by variables; the others behind them. How many are in front. */
static int64_t put_in_order(signing *w, int64_t count, agop__pair *scratch)
{
    int64_t front = 0, back = count;

    for (int64_t k = 0; k < count; k++) {
        const agop_pair *p     = &w->pair[k];
        int              whole = is_whole(&w->side[0]->variable[w->at[0][p->a]]) &&
                                 is_whole(&w->side[1]->variable[w->at[1][p->b]]) && w->d->rows >= FEWEST;
        uint64_t         key   = (uint64_t)p->a * (uint64_t)w->side[1]->variables + (uint64_t)p->b;
        w->order[whole ? front++ : --back] = (agop__pair){.key = key, .value = k};
    }
    agop__sort_pairs(w->order, scratch, front);
    return front;
}

/* first[] of the variables from order[from] on, and their places in want; how many, and where their pairs end. */
static int64_t list_left(signing *w, int64_t *want, int64_t from, int64_t to)
{
    int64_t lefts = 0, before = -1;

    for (int64_t k = from; k < to; k++) {
        int64_t a = w->pair[w->order[k].value].a;
        if (a == before)
            continue;
        before          = a;
        w->first[lefts] = k;
        want[lefts++]   = w->at[0][a];
    }
    w->first[lefts] = to;
    return lefts;
}

static void sign_whole(signing *w, int64_t count, int64_t *left, int64_t *right, int64_t *need, char *seen)
{
    for (int64_t from = 0; from < count && !atomic_load(&w->failed);) {
        int64_t lefts = rank_some(w, 0, left, list_left(w, left, from, count)), to = w->first[lefts], needed;
        needed = gather_right(need, seen, w, from, to);
        sign_group(w, lefts, need, needed, right, need);
        for (int64_t k = 0; k < lefts; k++)
            forget(&w->of[0][left[k]]);
        from = to;
    }
}

agop_status agop__sign_pairs(agop_pair *pair, int64_t count, agop_ctx *ctx, const agop_ids *d, const int64_t *at_left,
                             const int64_t *at_right, double bytes)
{
    signing     w = {.d = d, .ctx = ctx, .pair = pair, .bytes = bytes, .at = {at_left, at_right},
                     .side = {&d->side[0], &d->side[d->self ? 0 : 1]}};
    int64_t     lefts = w.side[0]->variables, rights = w.side[1]->variables, whole;
    agop__pair *scratch = agop__malloc(count, sizeof *scratch);
    int64_t    *room    = agop__malloc(2 * lefts + 1 + 2 * rights, sizeof *room);
    char       *seen    = agop__malloc(rights, 1);
    agop_status st      = AGOP_OK;

    w.order = agop__malloc(count, sizeof *w.order);
    w.of[0] = agop__calloc(lefts, sizeof *w.of[0]);
    w.of[1] = d->self ? w.of[0] : agop__calloc(rights, sizeof *w.of[1]);
    if (scratch && room && seen && w.order && w.of[0] && w.of[1]) {
        w.first = room + lefts;
        whole   = put_in_order(&w, count, scratch);
        sign_whole(&w, whole, room, w.first + lefts + 1, w.first + lefts + 1 + rights, seen);
        w.order += whole;
        agop__parallel(ctx->threads, (int)(count - whole), sign_alone, &w);
        w.order -= whole;
    }
    if (!scratch || !room || !seen || !w.order || !w.of[0] || !w.of[1] || atomic_load(&w.failed))
        st = agop__fail_memory(&ctx->err, 64.0 * (double)d->rows, "ranks");
    free(w.order);
    free(w.of[0]);
    free(d->self ? NULL : w.of[1]);
    free(scratch);
    free(room);
    free(seen);
    return st;
}
