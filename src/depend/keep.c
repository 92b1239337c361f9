/* keep.c - what is kept of the scores, and the strongest pairs in order. */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "depend/ids.h"

static agop_pair new_pair(int64_t a, int64_t b, double score)
{
    return (agop_pair){.a = a, .b = b, .score = score, .spearman = NAN, .log10_p = NAN, .log10_q = NAN,
                       .permuted = NAN};
}

/* ---- order: stronger first, and of equals the one that comes first in the tables ---- */

static int stronger(double score, int64_t a, int64_t b, double than, int64_t c, int64_t d)
{
    return score != than ? score > than : a != c ? a < c : b < d;
}

static int by_strength(const void *p, const void *q)
{
    const agop_pair *x = p, *y = q;

    if (x->a == y->a && x->b == y->b)
        return 0;
    return stronger(x->score, x->a, x->b, y->score, y->a, y->b) ? -1 : 1;
}

/* ---- the strongest of one variable ---- */

static int weaker(const agop__kept *k, int64_t i, int64_t j)
{
    return stronger(k->score[j], k->other[j], 0, k->score[i], k->other[i], 0);
}

static void exchange(agop__kept *k, int64_t i, int64_t j)
{
    double  score = k->score[i];
    int64_t other = k->other[i];

    k->score[i] = k->score[j];
    k->other[i] = k->other[j];
    k->score[j] = score;
    k->other[j] = other;
}

static void sink(agop__kept *k, int64_t i)
{
    for (;;) {
        int64_t child = 2 * i + 1;
        if (child >= k->count)
            return;
        child += child + 1 < k->count && weaker(k, child + 1, child);
        if (!weaker(k, child, i))
            return;
        exchange(k, i, child);
        i = child;
    }
}

static void rise(agop__kept *k, int64_t i)
{
    for (; i > 0 && weaker(k, i, (i - 1) / 2); i = (i - 1) / 2)
        exchange(k, i, (i - 1) / 2);
}

static int offer(agop__kept *k, int64_t top, int64_t other, double score)
{
    if (k->count < top) {
        k->score[k->count] = score;
        k->other[k->count] = other;
        rise(k, k->count++);
        return 1;
    }
    if (stronger(score, other, 0, k->score[0], k->other[0], 0)) {
        k->score[0] = score;
        k->other[0] = other;
        sink(k, 0);
        return 1;
    }
    return 0;
}

static int holds(const agop__kept *k, int64_t other)
{
    for (int64_t i = 0; i < k->count; i++)
        if (k->other[i] == other)
            return 1;
    return 0;
}

/* ---- keeping ---- */

static int64_t lists_of(const agop__keep *k)
{
    return k->self ? k->rows : k->rows + k->cols;
}

static agop_status open_lists(agop__keep *k, agop__err *e)
{
    int64_t lists = lists_of(k), other = k->self ? k->rows - 1 : k->rows > k->cols ? k->rows : k->cols;

    k->top = k->top < other ? k->top : other > 0 ? other : 1;
    k->of  = agop__calloc(lists, sizeof *k->of);
    if (!k->of)
        return agop__fail_memory(e, 0, "scores");
    for (int64_t i = 0; i < lists; i++) {
        k->of[i].other = agop__malloc(k->top, sizeof *k->of[i].other);
        k->of[i].score = agop__malloc(k->top, sizeof *k->of[i].score);
        if (!k->of[i].other || !k->of[i].score)
            return agop__fail_memory(e, 16.0 * (double)(lists * k->top), "scores");
    }
    return AGOP_OK;
}

agop_status agop__keep_open(agop__keep *out, int64_t rows, int64_t cols, int self, const agop__ids_plan *plan,
                            agop__err *e)
{
    double bytes = 8.0 * (double)rows * (double)cols;

    *out = (agop__keep){.rows = rows, .cols = cols, .self = self, .top = plan->top, .least = plan->least};
    if (plan->top > 0)
        return open_lists(out, e);
    if (plan->least > 0)
        return AGOP_OK;
    if (bytes > (double)plan->memory)
        return agop__fail(e, AGOP_E_NOMEM, "all scores of %lld x %lld variables take %.1f GB: keep some with --top or "
                          "--min-score, or raise --memory", (long long)rows, (long long)cols, bytes / 1e9);
    out->all = agop__calloc(rows * cols, sizeof *out->all);
    return out->all ? AGOP_OK : agop__fail_memory(e, bytes, "scores");
}

void agop__keep_close(agop__keep *k)
{
    for (int64_t i = 0; k->of && i < lists_of(k); i++) {
        free(k->of[i].other);
        free(k->of[i].score);
    }
    free(k->of);
    free(k->all);
    free(k->list);
    free(k->log10p);
    free(k->log10q);
    *k = (agop__keep){0};
}

static agop_status append(agop__keep *k, int64_t a, int64_t b, double score, agop__err *e)
{
    if (k->listed == k->room) {
        int64_t more = k->room ? 2 * k->room : 1024;
        void   *list = k->list;
        if (!agop__grow(&list, more, sizeof *k->list))
            return agop__fail_memory(e, (double)more * (double)sizeof *k->list, "pairs: raise --min-score");
        k->list = list;
        k->room = more;
    }
    k->list[k->listed++] = new_pair(a, b, score);
    k->taken++;
    return AGOP_OK;
}

agop_status agop__keep_add(agop__keep *k, int64_t a, int64_t b, double score, agop__err *e)
{
    if (k->self && a > b) { /* blocks have an order of their own */
        int64_t c = a;
        a         = b;
        b         = c;
    }
    if (k->all) {
        k->all[a * k->cols + b] = score;
        k->taken++;
        if (k->self)
            k->all[b * k->cols + a] = score;
        return AGOP_OK;
    }
    if ((k->self && a == b) || score < k->least)
        return AGOP_OK;
    if (!k->of)
        return append(k, a, b, score, e);
    k->taken += offer(&k->of[a], k->top, b, score);
    k->taken += offer(&k->of[k->self ? b : k->rows + b], k->top, a, score);
    return AGOP_OK;
}

/* ---- tests ---- */

agop_status agop__keep_test(agop__keep *k, double log10p, double stored, agop__err *e)
{
    k->tests++;
    if (log10p > log10(stored))
        return AGOP_OK;
    if (k->small == k->small_room) {
        int64_t more = k->small_room ? 2 * k->small_room : 1024;
        void   *room = k->log10p;
        if (!agop__grow(&room, more, sizeof *k->log10p))
            return agop__fail_memory(e, 8.0 * (double)more, "p-values");
        k->log10p     = room;
        k->small_room = more;
    }
    k->log10p[k->small++] = log10p;
    return AGOP_OK;
}

agop_status agop__keep_rates(agop__keep *k, agop__err *e)
{
    if (k->small == 0)
        return AGOP_OK;
    k->log10q = agop__malloc(k->small, sizeof *k->log10q);
    if (!k->log10q)
        return agop__fail_memory(e, 8.0 * (double)k->small, "false discovery rates");
    qsort(k->log10p, (size_t)k->small, sizeof *k->log10p, agop__rising);
    memcpy(k->log10q, k->log10p, (size_t)k->small * sizeof *k->log10q);
    agop__false_discovery(k->log10q, k->small, k->tests);
    return AGOP_OK;
}

double agop__keep_rate(const agop__keep *k, double log10p)
{
    int64_t low = 0, high = k->small; /* the first one that is not below */

    while (low < high) {
        int64_t middle = (low + high) / 2;
        if (k->log10p[middle] < log10p)
            low = middle + 1;
        else
            high = middle;
    }
    return low < k->small ? k->log10q[low] : 0;
}

/* ---- the strongest pairs ---- */

/* A heap of pairs whose weakest is first. */
typedef struct ranking {
    agop_pair *pair;
    int64_t    count, most;
} ranking;

static void consider(void *user, int64_t a, int64_t b, double score)
{
    ranking  *r   = user;
    agop_pair now = new_pair(a, b, score);
    int64_t   i   = 0;

    if (r->count < r->most) {
        for (i = r->count++; i > 0 && by_strength(&now, &r->pair[(i - 1) / 2]) > 0; i = (i - 1) / 2)
            r->pair[i] = r->pair[(i - 1) / 2];
        r->pair[i] = now;
        return;
    }
    if (r->most == 0 || by_strength(&now, &r->pair[0]) > 0)
        return;
    for (;;) {
        int64_t child = 2 * i + 1;
        if (child + 1 < r->count && by_strength(&r->pair[child + 1], &r->pair[child]) > 0)
            child++;
        if (child >= r->count || by_strength(&r->pair[child], &now) <= 0)
            break;
        r->pair[i] = r->pair[child];
        i          = child;
    }
    r->pair[i] = now;
}

/* Every kept pair once. */
static void visit_lists(const agop__keep *k, agop__keep_visit *visit, void *user)
{
    for (int64_t i = 0; i < lists_of(k); i++)
        for (int64_t j = 0; j < k->of[i].count; j++) {
            int64_t other = k->of[i].other[j];
            if (k->self && (i < other || !holds(&k->of[other], i)))
                visit(user, i < other ? i : other, i < other ? other : i, k->of[i].score[j]);
            else if (!k->self && i < k->rows)
                visit(user, i, other, k->of[i].score[j]);
            else if (!k->self && !holds(&k->of[other], i - k->rows))
                visit(user, other, i - k->rows, k->of[i].score[j]);
        }
}

void agop__keep_each(const agop__keep *k, agop__keep_visit *visit, void *user)
{
    if (k->of)
        visit_lists(k, visit, user);
    for (int64_t i = 0; i < k->listed; i++)
        visit(user, k->list[i].a, k->list[i].b, k->list[i].score);
    for (int64_t a = 0; k->all && a < k->rows; a++)
        for (int64_t b = k->self ? a + 1 : 0; b < k->cols; b++)
            visit(user, a, b, k->all[a * k->cols + b]);
}

int64_t agop__keep_count(const agop__keep *k)
{
    int64_t count = k->listed;

    if (k->all)
        return k->self ? k->rows * (k->rows - 1) / 2 : k->rows * k->cols;
    for (int64_t i = 0; k->of && i < lists_of(k); i++)
        count += k->of[i].count;
    return count;
}

void agop__keep_pairs(agop_pair *out, int64_t *count, const agop__keep *k, int64_t most)
{
    ranking r = {.pair = out, .most = most};

    agop__keep_each(k, consider, &r);
    qsort(out, (size_t)r.count, sizeof *out, by_strength);
    *count = r.count;
}
