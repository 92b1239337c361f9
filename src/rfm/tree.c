/* tree.c - trees of local models (xRFM, arXiv 2508.10053): rows are split at medians until a leaf is small enough for
 * an exact fit; every leaf is a Recursive Feature Machine of its own.
 *
 *   grow     directions, thresholds, and the rows of every leaf
 *   fit      the leaves, several at a time where they are small, each on its own context
 *   routing  how softly rows are given to leaves, judged without giving up rows: a row that judged inside its leaf has
 *            an honest prediction there, and every other leaf never saw it */
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "base/memory.h"
#include "base/sort.h"
#include "base/threads.h"
#include "rfm/fit.h"

enum {
    DEEPEST       = 60,    /* levels of a tree */
    ALONE         = 8192,  /* leaves of more rows take all threads, one after the other */
    TUNING_ROWS   = 4000,  /* that judge the temperature */
    ROOT_ROWS     = 10000, /* that find the metric that all begin with */
    FIRST_ROWS    = 1250,  /* of them, where there is a time limit: twice as many while it takes a small part of it */
    FEWEST_ROWS   = 500,   /* of a leaf that a time limit makes smaller */
    MOST_TREES    = 8,     /* for what is left of a budget */
    ROOT_PARTS    = 8,     /* that sharpen it */
    LEAF_ITERS    = 1,
    TEMPERATURES  = 6
};
static const double temperatures[TEMPERATURES] = {0, .02, .05, .1, .2, .4};
#define ROOT_SHARE .1   /* of a time limit, for the path of the metric that all begin with */
#define LEAF_COST 5.5   /* a leaf's quick search and its share of the splits, in such paths of as many rows */
#define FEWEST_SHARE .1 /* a boundary between values is a better place than the median, if it leaves so much */

/* ---- growing ---- */

typedef struct part { /* the rows of one leaf */
    int64_t *index, *judges;
    int64_t  n, valid, tree;
} part;

typedef struct grower {
    agop_ctx            *ctx;
    const agop__fit     *f;
    const agop_settings *s;
    agop_model          *m;
    const agop__metric  *start; /* that directions and leaves begin with */
    const double        *fixed;
    part                *leaf;
    int64_t              leaves, room, node_room, depth, trees_done;
    uint64_t             seed;
} grower;

static int rising(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

typedef struct projection {
    const grower *g;
    const double *v;
    double       *out;
} projection;

static void project_one(void *user, int64_t i, const void *x, const int32_t *code)
{
    const projection *p = user;
    p->out[i]           = agop__project(p->v, p->g->f->schema, p->g->f->plan.dtype, x, code);
}

/* v'x of rows index[0 .. n-1]. */
static agop_status project(double *out, const grower *g, const double *v, const int64_t *index, int64_t n)
{
    projection p = {.g = g, .v = v, .out = out};
    return agop__each_row(g->f, g->ctx, index, n, project_one, &p);
}

/* Where to cut n sorted values: at the median, or at the nearest boundary between different values. */
static int64_t cut_of(const agop__pair *r, int64_t n)
{
    int64_t middle = n / 2, low = middle, high = middle, few = (int64_t)(FEWEST_SHARE * (double)n);

    if (r[middle - 1].key < r[middle].key)
        return middle;
    while (low > 0 && r[low - 1].key == r[middle].key)
        low--;
    while (high < n && r[high].key == r[middle].key)
        high++;
    if (low <= few && n - high <= few)
        return middle; /* ties on both sides: rows of one value go both ways */
    if (n - high <= few)
        return low;
    return low <= few || high - middle < middle - low ? high : low;
}

/* Rows of the node in rising order of their values along v, and of their numbers where these are equal: a key is a
 * value. 0 in *split: they are all the same. */
static agop_status rank_rows(agop__pair **out, int *split, const grower *g, const double *v, const int64_t *index,
                             int64_t n)
{
    double     *value   = agop__malloc(n, sizeof *value);
    agop__pair *scratch = NULL, *r = NULL;
    agop_status st      = AGOP_OK;

    if (!value) {
        st = agop__fail_memory(&g->ctx->err, 8.0 * (double)n, "the rows of a node");
        goto done;
    }
    TRY(project(value, g, v, index, n));
    scratch = agop__malloc(n, sizeof *scratch);
    r       = agop__malloc(n, sizeof *r);
    *out    = r;
    if (!r || !scratch) {
        st = agop__fail_memory(&g->ctx->err, 32.0 * (double)n, "the rows of a node");
        goto done;
    }
    for (int64_t i = 0; i < n; i++) /* by row first; the sort by value leaves that order where values are equal */
        r[i] = (agop__pair){.key = (uint64_t)index[i], .value = i};
    agop__sort_pairs(r, scratch, n);
    for (int64_t i = 0; i < n; i++) /* + 0: the two zeros are one value */
        r[i] = (agop__pair){.key = agop__key(value[r[i].value] + 0.0), .value = (int64_t)r[i].key};
    agop__sort_pairs(r, scratch, n);
    *split = r[0].key < r[n - 1].key;
done:
    free(scratch);
    free(value);
    return st;
}

static agop_status add_leaf(grower *g, int64_t *child, const int64_t *index, int64_t n, const int64_t *judges,
                            int64_t valid)
{
    agop_status st = AGOP_OK;
    part       *p;

    if (g->leaves == g->room) {
        int64_t more = g->room ? 2 * g->room : 16;
        void   *next = g->leaf;
        if (!agop__grow(&next, more, sizeof *g->leaf))
            return agop__fail_memory(&g->ctx->err, 0, "a tree");
        g->leaf = next;
        g->room = more;
    }
    p  = &g->leaf[g->leaves];
    *p = (part){.index = agop__malloc(n, sizeof(int64_t)), .judges = agop__malloc(valid, sizeof(int64_t)), .n = n,
                .valid = valid, .tree = g->trees_done};
    if (!p->index || !p->judges) {
        free(p->index);
        free(p->judges);
        return agop__fail_memory(&g->ctx->err, 8.0 * (double)n, "the rows of a leaf");
    }
    memcpy(p->index, index, (size_t)n * sizeof *index);
    memcpy(p->judges, judges, (size_t)valid * sizeof *judges);
    qsort(p->index, (size_t)n, sizeof *index, rising); /* the random order of all rows, so halves are random halves */
    *child = -1 - g->leaves++;
    return st;
}

static agop_status add_node(grower *g, int64_t *at)
{
    agop__tree *t = &g->m->tree;

    if (t->nodes == g->node_room) {
        int64_t more = g->node_room ? 2 * g->node_room : 16;
        void   *node = t->node, *direction = t->direction;
        int     done = agop__grow(&node, more, sizeof *t->node);
        t->node      = node;
        done         = done && agop__grow(&direction, more * t->width, sizeof *t->direction);
        t->direction = direction;
        if (!done)
            return agop__fail_memory(&g->ctx->err, 8.0 * (double)(more * t->width), "a tree");
        g->node_room = more;
    }
    *at = t->nodes++;
    return AGOP_OK;
}

/* A direction along which the rows differ: by the rule, else linear, else of chance. Where no rule was asked for, trees
 * behind the first take one of chance at once, so that they differ from it. */
static agop_status find_split(grower *g, double *v, agop__pair **r, int *split, const int64_t *index, int64_t n)
{
    int         differ  = g->trees_done > 0 && agop__is_auto(g->s, "split");
    const int   rules[] = {differ ? AGOP__SPLIT_AGOP_RANDOM : g->f->plan.split, AGOP__SPLIT_LINEAR,
                           AGOP__SPLIT_AGOP_RANDOM};
    agop_status st      = AGOP_OK;

    *split = 0;
    for (int k = 0; k < 3 && !*split; k++) {
        free(*r);
        *r = NULL;
        TRY(agop__split_direction(v, g->f, g->ctx, g->s, index, n, rules[k], ++g->seed, g->start, g->fixed));
        TRY(rank_rows(r, split, g, v, index, n));
    }
done:
    return st;
}

/* Judging rows, those that go left first; their number in *left. */
static agop_status share_judges(int64_t *side, int64_t *left, const grower *g, int64_t node, const int64_t *judges,
                                int64_t valid)
{
    const agop__tree *t     = &g->m->tree;
    double           *value = agop__malloc(valid, sizeof *value);
    int64_t           at    = 0;
    agop_status       st    = AGOP_OK;

    *left = 0;
    if (!value)
        return agop__fail_memory(&g->ctx->err, 8.0 * (double)valid, "the rows of a node");
    if (valid > 0)
        TRY(project(value, g, t->direction + node * t->width, judges, valid));
    for (int right = 0; right <= 1; right++) {
        for (int64_t i = 0; i < valid; i++)
            if ((value[i] <= t->node[node].threshold) != right)
                side[at++] = judges[i];
        *left = right ? *left : at;
    }
done:
    free(value);
    return st;
}

static agop_status grow(grower *g, int64_t *child, const int64_t *index, int64_t n, const int64_t *judges,
                        int64_t valid, int depth)
{
    agop__tree *t    = &g->m->tree;
    double     *v    = NULL, low, high;
    agop__pair *r    = NULL;
    int64_t    *side = NULL, at = 0, cut, extra, left_judges = 0, left = 0, right = 0;
    int         split = 0;
    agop_status st;

    g->depth = depth > g->depth ? depth : g->depth;
    if (n <= g->f->plan.leaf_size)
        return add_leaf(g, child, index, n, judges, valid);
    if (agop__tell(g->ctx, "metric", 0, 0, g->f->started, NULL))
        return agop__fail(&g->ctx->err, AGOP_E_STOPPED, "stopped while the tree grew");
    v = agop__malloc(t->width, sizeof *v);
    if (!v)
        return agop__fail_memory(&g->ctx->err, 8.0 * (double)t->width, "a direction");
    if (depth < DEEPEST)
        TRY(find_split(g, v, &r, &split, index, n));
    if (!split) {
        st = agop__fail(&g->ctx->err, AGOP_E_DATA,
                        "%lld rows are the same in every column and make no smaller leaves: raise --leaf-size, or drop "
                        "repeated rows", (long long)n);
        goto done;
    }
    cut   = cut_of(r, n);
    extra = (int64_t)(g->f->plan.overlap / 2 * (double)n);
    TRY(add_node(g, &at));
    memcpy(t->direction + at * t->width, v, (size_t)t->width * sizeof *v);
    low                   = agop__number_of_key(r[cut - 1].key);
    high                  = agop__number_of_key(r[cut].key);
    t->node[at].threshold = low < high ? .5 * (low + high) : high;
    t->node[at].scale     = agop__number_of_key(r[3 * n / 4].key) - agop__number_of_key(r[n / 4].key);
    side = agop__malloc(n + valid, sizeof *side);
    if (!side) {
        st = agop__fail_memory(&g->ctx->err, 8.0 * (double)n, "the rows of a node");
        goto done;
    }
    for (int64_t i = 0; i < n; i++)
        side[i] = r[i].value;
    free(r); /* not held while the children grow */
    r = NULL;
    TRY(share_judges(side + n, &left_judges, g, at, judges, valid));
    left  = cut + extra < n ? cut + extra : n - 1;
    right = cut - extra > 0 ? cut - extra : 1;
    TRY(grow(g, &cut, side, left, side + n, left_judges, depth + 1));
    g->m->tree.node[at].left = cut;
    TRY(grow(g, &cut, side + right, n - right, side + n + left_judges, valid - left_judges, depth + 1));
    g->m->tree.node[at].right = cut;
    *child                    = at;
done:
    free(side);
    free(r);
    free(v);
    return st;
}

/* ---- the direction that was given ---- */

static agop_status read_fixed(double **out, const agop__fit *f, int64_t width, const agop_settings *s)
{
    const char *text = agop__text(s, "split_vector");
    agop__err  *e    = &f->ctx->err;
    char        one[64];

    *out = NULL;
    if (f->plan.split != AGOP__SPLIT_FIXED)
        return *text ? agop__fail(e, AGOP_E_PARAM, "--split-vector belongs to --split fixed: add it, or leave the "
                                  "vector away") : AGOP_OK;
    *out = agop__calloc(width, sizeof **out);
    if (!*out)
        return agop__fail_memory(e, 8.0 * (double)width, "the split vector");
    for (int64_t i = 0; i < width; i++) {
        size_t n = strcspn(text, ",");
        if (n == 0 || n >= sizeof one)
            return agop__fail(e, AGOP_E_PARAM, "--split-vector needs %lld numbers, one per encoded coordinate, and has "
                              "%lld", (long long)width, (long long)i);
        memcpy(one, text, n);
        one[n] = '\0';
        if (!agop__parse_real(one, &(*out)[i]))
            return agop__fail(e, AGOP_E_PARAM, "--split-vector: '%.40s' is not a number", one);
        text += n + (text[n] == ',');
    }
    if (*text)
        return agop__fail(e, AGOP_E_PARAM, "--split-vector has more than the %lld numbers it needs, one per encoded "
                          "coordinate", (long long)width);
    return AGOP_OK;
}

/* ---- fitting the leaves ---- */

#define SHARED_TIME .9   /* of what is left of a budget is given to leaves; the rest is for what comes behind them */
#define LEAST_TIME 1e-3  /* seconds of a leaf; none at all would mean no limit */

typedef struct honest { /* of the judged rows of one leaf */
    int64_t *row; /* in the whole */
    double  *y;   /* outputs */
    int64_t  n;
} honest;

typedef struct fitting {
    grower          *g;
    agop__grown     *grown;
    honest          *honest;
    agop__metric    *agop; /* one per leaf */
    int              workers;
    int64_t          forests; /* still to be grown, this one among them */
    int64_t          from;    /* leaves of earlier trees, which are done */
    pthread_t        caller;
    agop_ctx        *ctx;
    agop__fit        first;  /* numbers of the first leaf; of its arrays only `step` */
    atomic_llong     begun;
    atomic_int       stop, failed;
    agop__err        err;
    pthread_mutex_t  lock;
} fitting;

/* Workers ask the caller's own thread whether to stop: a callback is never called from another one. */
static int ask_caller(void *user, const agop_progress *p)
{
    fitting *w = user;

    if (pthread_equal(pthread_self(), w->caller) && w->ctx->progress && w->ctx->progress(w->ctx->progress_user, p))
        atomic_store(&w->stop, 1);
    return atomic_load(&w->stop);
}

/* The cheapest honest fit, for leaves that are reached after a stop: one solve with the plan's ridge. */
static void hurry(agop__fit *f)
{
    f->plan.iters      = 0;
    f->plan.last       = 1;
    f->plan.tune_ridge = 0;
    f->plan.time_limit = 0;
    f->rows.learn      = f->rows.n;
    f->rows.judges     = 0;
    f->ctx->progress   = NULL;
}

static agop_status keep_honest(honest *h, const agop__fit *f, const part *p)
{
    int64_t c = f->target->outputs, n = f->rows.judges;

    if (!n)
        return AGOP_OK;
    h->row = agop__malloc(n, sizeof *h->row);
    h->y   = agop__malloc(n * c, sizeof *h->y);
    if (!h->row || !h->y)
        return agop__fail_memory(&f->ctx->err, 8.0 * (double)(n * c), "predictions");
    for (int64_t i = 0; i < n; i++) {
        int64_t r = f->rows.judge + i;
        h->row[i] = r < f->rows.n ? p->index[r] : p->judges[r - f->rows.n];
    }
    memcpy(h->y, f->honest, (size_t)(n * c) * sizeof *h->y);
    h->n = n;
    return AGOP_OK;
}

/* A leaf begins with the metric that all rows share, and needs one iteration to make it its own. */
static void begin_with_mean(agop__fit *f, const grower *g)
{
    f->start         = g->start;
    f->plan.diagonal = g->start->diagonal;
    if (agop__is_auto(g->s, "iters"))
        f->plan.iters = LEAF_ITERS;
}

/* With a budget, leaf number `begun` searches for its share of the time that is left: what earlier leaves left over is
 * among it. */
static void share_time(agop__fit *f, const fitting *w, int64_t begun)
{
    const agop__plan *whole  = &w->g->f->plan;
    double            now    = agop__now(), spent = now - w->g->f->started;
    double            leaves = (double)(w->forests * (w->g->leaves - w->from) - begun);

    if (whole->budget <= 0)
        return;
    f->started     = now;
    f->plan.budget = fmax(LEAST_TIME, SHARED_TIME * (whole->budget - spent) * fmin(w->workers, leaves) / leaves);
    if (whole->time_limit > 0)
        f->plan.time_limit = fmax(LEAST_TIME, whole->time_limit - spent);
}

static agop_status fit_one(fitting *w, agop_ctx *ctx, int64_t k)
{
    const part       *p     = &w->g->leaf[k];
    agop__leaf_story *story = &w->grown->story[k];
    agop_progress_fn *listener = ctx->progress;
    double            began    = agop__now();
    int64_t           leaves   = w->g->leaves - w->from;
    int64_t           place    = (int64_t)atomic_fetch_add(&w->begun, 1) % leaves;
    agop__fit         f        = {0};
    agop_status       st;

    TRY(agop__fit_part(&f, w->g->f, ctx, w->g->s, p->index, p->n, p->judges, p->valid));
    begin_with_mean(&f, w->g);
    share_time(&f, w, place);
    f.share = 1 / (double)leaves;
    f.from  = f.share * (double)place;
    if (atomic_load(&w->stop))
        hurry(&f);
    st = agop__fit_members(&w->g->m->leaf[k], &f, w->g->s);
    if (st == AGOP_E_STOPPED) { /* before there was anything: what is quickest */
        int nobody = 0; /* who stopped first: another leaf may have met the clock */
        atomic_compare_exchange_strong(&w->stop, &nobody, 1);
        agop__fit_free(&f);
        TRY(agop__fit_part(&f, w->g->f, ctx, w->g->s, p->index, p->n, p->judges, p->valid));
        begin_with_mean(&f, w->g);
        hurry(&f);
        st = agop__fit_members(&w->g->m->leaf[k], &f, w->g->s);
    }
    TRY(st);
    agop__leaf_trim(&w->g->m->leaf[k], &f);
    if (f.stopped != AGOP__BY_NOBODY && !atomic_load(&w->stop))
        atomic_store(&w->stop, f.stopped == AGOP__BY_CLOCK ? 2 : 1);
    TRY(keep_honest(&w->honest[k], &f, p));
    *story = (agop__leaf_story){.rows = p->n, .best_iter = f.step[f.best].iter, .tree = p->tree, .ridge = f.ridge,
                                .validation = f.step[f.best].validation, .tries = f.tries, .quick = f.quick};
    for (int64_t i = 0; i < f.steps; i++)
        story->units |= f.step[i].units;
    w->agop[k] = f.agop;
    memset(&f.agop, 0, sizeof f.agop);
    if (k == 0) { /* what the report tells of a path is the first leaf's */
        w->first = f;
        f.step   = NULL;
    }
    story->seconds = agop__now() - began;
done:
    ctx->progress = listener;
    agop__fit_free(&f);
    return st;
}

static void fit_leaf(void *user, int number)
{
    fitting    *w   = user;
    agop_ctx   *ctx = NULL;
    agop_status st  = AGOP_OK;

    if (atomic_load(&w->failed))
        return;
    if (w->workers > 1)
        st = agop__open_backend(&ctx, w->ctx->be, w->ctx->spec, 1);
    else
        ctx = w->ctx;
    if (st == AGOP_OK && ctx != w->ctx) {
        ctx->progress      = ask_caller;
        ctx->progress_user = w;
    }
    if (st == AGOP_OK)
        st = fit_one(w, ctx, w->from + number);
    if (st != AGOP_OK) {
        pthread_mutex_lock(&w->lock);
        if (!atomic_exchange(&w->failed, 1)) {
            if (ctx)
                w->err = ctx->err;
            else
                (void)agop__fail(&w->err, st, "%s", agop_errmsg(NULL));
        }
        pthread_mutex_unlock(&w->lock);
    }
    if (ctx != w->ctx)
        agop_close(ctx);
}

/* How many leaves at once: each on one thread while they are small and all fit into memory. */
static int workers_for(const fitting *w)
{
    const grower *g       = w->g;
    int64_t       largest = 0, many = g->ctx->threads;
    double        room, one;

    for (int64_t k = w->from; g->leaf && k < g->leaves; k++)
        largest = largest > g->leaf[k].n ? largest : g->leaf[k].n;
    if (largest > ALONE || many <= 1)
        return 1;
    one  = (double)largest * (double)largest * (g->f->plan.dtype == AGOP_F32 ? 4 : 8) + 16e6;
    room = ((double)g->f->plan.memory - (double)agop__held_bytes()) / one;
    many = many < g->leaves - w->from ? many : g->leaves - w->from;
    return room < (double)many ? room < 1 ? 1 : (int)room : (int)many;
}

/* An array of `have` things for `want` of them, the new ones all zeros; 0: no memory, and it is as it was. */
static int lengthen(void **array, int64_t have, int64_t want, size_t size)
{
    if (!agop__grow(array, want, size))
        return 0;
    memset((char *)*array + (size_t)have * size, 0, (size_t)(want - have) * size);
    return 1;
}

/* Those that are not fitted yet: m->leaves are. */
static agop_status fit_leaves(fitting *w)
{
    agop_model *m    = w->g->m;
    int64_t     have = m->leaves, want = w->g->leaves;
    void       *at   = m->leaf;
    int         room = lengthen(&at, have, want, sizeof *m->leaf);

    m->leaf         = at;
    at              = w->grown->story;
    room            = room && lengthen(&at, have, want, sizeof *w->grown->story);
    w->grown->story = at;
    at              = w->honest;
    room            = room && lengthen(&at, have, want, sizeof *w->honest);
    w->honest       = at;
    at              = w->agop;
    room            = room && lengthen(&at, have, want, sizeof *w->agop);
    w->agop         = at;
    if (!room)
        return agop__fail_memory(&w->ctx->err, 0, "the leaves of a tree");
    m->leaves  = want;
    w->from    = have;
    w->workers = workers_for(w);
    agop__parallel(w->workers, (int)(want - have), fit_leaf, w);
    if (atomic_load(&w->failed)) {
        w->ctx->err = w->err;
        return w->err.code;
    }
    return AGOP_OK;
}

/* What the leaves make together: the mean of their AGOPs; what the report tells of a path is the first one's. */
static agop_status join_leaves(fitting *w)
{
    agop__fit        *f    = (agop__fit *)w->g->f;
    const agop_model *m    = w->g->m;
    double            rows = 0;
    agop_status       st   = AGOP_OK;

    for (int64_t k = 0; k < m->leaves; k++) {
        rows += (double)w->g->leaf[k].n;
        f->centres += m->leaf[k].n;
    }
    for (int64_t k = 0; k < m->leaves; k++) {
        double share = (double)w->g->leaf[k].n / rows;
        if (k == 0) { /* an empty metric of the same shape */
            TRY(agop__metric_copy(&f->agop, &w->agop[0], &f->ctx->err));
            agop__metric_scale_by(&f->agop, share);
        } else {
            TRY(agop__metric_add(&f->agop, &w->agop[k], share, &f->ctx->err));
        }
    }
    f->step        = w->first.step;
    f->steps       = w->first.steps;
    f->best        = w->first.best;
    f->ridge       = w->first.ridge;
    f->shape       = w->first.shape;
    f->residual    = w->first.residual;
    f->refinements = w->first.refinements;
    f->in_double   = w->first.in_double;
    f->cg_steps    = w->first.cg_steps;
    f->cg_rank     = w->first.cg_rank;
    f->matrix_free = w->first.matrix_free;
    f->tries       = w->first.tries;
    memcpy(f->tried, w->first.tried, sizeof f->tried);
    w->first.step  = NULL;
    if (atomic_load(&w->stop))
        f->stopped = atomic_load(&w->stop) == 2 ? AGOP__BY_CLOCK : AGOP__BY_CALLER;
done:
    return st;
}

/* ---- routing ---- */

/* Judged rows of the first tree and what is known of them. */
typedef struct tuning {
    int64_t      n, room; /* rows; leaves per row */
    int64_t     *row, *own;
    char        *x;       /* the rows, encoded */
    int32_t     *code;
    agop__share *share;   /* n x room: leaves that may be asked */
    int64_t     *count;
    double      *y;       /* n x room x outputs */
    double      *truth, *weight; /* n x target columns; n */
    double      *tried, *best;   /* outputs with one temperature and with the best, n x outputs */
} tuning;

static void close_tuning(tuning *t)
{
    free(t->row);
    free(t->own);
    free(t->x);
    free(t->code);
    free(t->share);
    free(t->count);
    free(t->y);
    free(t->truth);
    free(t->weight);
    free(t->tried);
    free(t->best);
}

static agop_status choose_rows(tuning *t, const fitting *w)
{
    int64_t all = 0, at = 0, seen = 0, c = w->g->f->target->outputs;
    double  every;

    for (int64_t k = 0; k < w->g->leaves; k++)
        all += w->g->leaf[k].tree == 0 ? w->honest[k].n : 0;
    t->n    = all < TUNING_ROWS ? all : TUNING_ROWS;
    t->room = w->g->m->tree.most;
    t->row   = agop__malloc(t->n, sizeof *t->row);
    t->own   = agop__malloc(t->n, sizeof *t->own);
    t->count = agop__malloc(t->n, sizeof *t->count);
    t->share = agop__malloc(t->n * (t->room * w->g->m->tree.trees), sizeof *t->share);
    t->y     = agop__calloc(t->n * t->room * c, sizeof *t->y);
    if (!t->row || !t->own || !t->count || !t->share || !t->y)
        return agop__fail_memory(&w->ctx->err, 8.0 * (double)(t->n * t->room * c), "predictions");
    every = (double)all / (double)(t->n ? t->n : 1);
    for (int64_t k = 0; k < w->g->leaves; k++)
        for (int64_t i = 0; w->g->leaf[k].tree == 0 && i < w->honest[k].n; i++, seen++)
            if (at < t->n && (double)seen >= every * (double)at) {
                t->row[at]   = w->honest[k].row[i];
                t->own[at++] = k;
            }
    t->n = at;
    return AGOP_OK;
}

static const void *tuning_x(const tuning *t, const fitting *w, int64_t i)
{
    return t->x + (size_t)(i * w->g->f->schema->numeric) * agop__element(w->g->f->plan.dtype);
}

static const int32_t *tuning_code(const tuning *t, const fitting *w, int64_t i)
{
    return t->code + i * w->g->f->schema->groups;
}

typedef struct landing {
    tuning        *t;
    const fitting *w;
} landing;

static void land(void *user, int64_t i, const void *x, const int32_t *code)
{
    const landing      *l = user;
    const agop__schema *s = l->w->g->f->schema;
    memcpy((char *)(uintptr_t)tuning_x(l->t, l->w, i), x, (size_t)s->numeric * agop__element(l->w->g->f->plan.dtype));
    memcpy(l->t->code + i * s->groups, code, (size_t)s->groups * sizeof *code);
}

static agop_status encode_chosen(tuning *t, const fitting *w)
{
    const agop__schema *s = w->g->f->schema;
    landing             l = {.t = t, .w = w};

    t->x    = agop__aligned(t->n * s->numeric, agop__element(w->g->f->plan.dtype));
    t->code = agop__malloc(t->n * s->groups, sizeof *t->code);
    if (!t->x || !t->code)
        return agop__fail_memory(&w->ctx->err, 8.0 * (double)(t->n * s->numeric), "rows");
    return agop__each_row(w->g->f, w->ctx, t->row, t->n, land, &l);
}

/* The truth of the tuning rows, and room for what is predicted of them. */
static agop_status gather_truth(tuning *t, const fitting *w)
{
    const agop__rows *r = &w->g->f->rows;
    int64_t           c = w->g->f->target->outputs, columns = w->g->f->target->columns;

    t->truth  = agop__malloc(t->n * columns, sizeof *t->truth);
    t->weight = agop__malloc(t->n, sizeof *t->weight);
    t->tried  = agop__malloc(t->n * c, sizeof *t->tried);
    t->best   = agop__malloc(t->n * c, sizeof *t->best);
    if (!t->truth || !t->weight || !t->tried || !t->best)
        return agop__fail_memory(&w->ctx->err, 16.0 * (double)(t->n * c), "predictions");
    for (int64_t i = 0; i < t->n; i++) {
        memcpy(t->truth + i * columns, r->truth + t->row[i] * columns, (size_t)columns * sizeof *t->truth);
        t->weight[i] = r->weight ? r->weight[t->row[i]] : 1;
    }
    return AGOP_OK;
}

static const double *honest_of(const honest *h, int64_t row, int64_t c)
{
    for (int64_t i = 0; i < h->n; i++)
        if (h->row[i] == row)
            return h->y + i * c;
    return NULL;
}

/* What leaf k says about the tuning rows that may ask it. */
static agop_status ask_leaf(tuning *t, const fitting *w, int64_t k)
{
    const agop__fit    *f = w->g->f;
    const agop__schema *s = f->schema;
    size_t              width = (size_t)s->numeric * agop__element(f->plan.dtype);
    int64_t             c = f->target->outputs, askers = 0, at = 0;
    agop__machine       machine = {0};
    char               *x    = agop__aligned(t->n * s->numeric, agop__element(f->plan.dtype));
    int32_t            *code = agop__malloc(t->n * s->groups, sizeof *code);
    double             *y    = agop__malloc(t->n * c, sizeof *y);
    agop_status         st   = AGOP_OK;

    if (!x || !code || !y) {
        st = agop__fail_memory(&w->ctx->err, (double)t->n * (double)width, "rows");
        goto done;
    }
    for (int64_t i = 0; i < t->n; i++)
        for (int64_t j = 0; j < t->count[i]; j++)
            if (t->share[i * t->room + j].leaf == k && t->own[i] != k) {
                memcpy(x + (size_t)askers * width, tuning_x(t, w, i), width);
                memcpy(code + askers++ * s->groups, tuning_code(t, w, i), (size_t)s->groups * sizeof *code);
            }
    if (askers) {
        TRY(agop__machine_open(&machine, w->ctx, w->g->m, &w->g->m->leaf[k]));
        TRY(agop__machine_apply(y, &machine, x, code, askers));
    }
    for (int64_t i = 0; i < t->n; i++)
        for (int64_t j = 0; j < t->count[i]; j++) {
            const double *from = NULL;
            if (t->share[i * t->room + j].leaf != k)
                continue;
            from = t->own[i] == k ? honest_of(&w->honest[k], t->row[i], c) : y + at++ * c;
            if (from)
                memcpy(t->y + (i * t->room + j) * c, from, (size_t)c * sizeof *from);
        }
done:
    agop__machine_close(&machine);
    free(y);
    free(code);
    free(x);
    return st;
}

/* What soft routing with one temperature says about tuning row i, y being its outputs. */
static void mix_leaves(double *y, agop__share *share, const tuning *t, const fitting *w, int64_t i, double temperature)
{
    int64_t c = w->g->f->target->outputs;
    int64_t count = agop__route(share, w->g->m, tuning_x(t, w, i), tuning_code(t, w, i), temperature);
    double  sum = 0;

    memset(y, 0, (size_t)c * sizeof *y);
    for (int64_t a = 0; a < count; a++)
        for (int64_t b = 0; b < t->count[i]; b++)
            if (share[a].leaf == t->share[i * t->room + b].leaf) {
                sum += share[a].weight;
                for (int64_t o = 0; o < c; o++)
                    y[o] += share[a].weight * t->y[(i * t->room + b) * c + o];
            }
    for (int64_t o = 0; o < c && sum > 0; o++)
        y[o] /= sum;
}

/* The loss of soft routing with one temperature, its scores in *out, the outputs of all tuning rows in y. */
static agop_status try_temperature(agop__scores *out, double *loss, double *y, const tuning *t, const fitting *w,
                                   double temperature)
{
    const agop__fit    *f = w->g->f;
    const agop__target *g = f->target;
    int64_t             wide = agop__target_width(g);
    agop__share        *share = agop__malloc(t->room * w->g->m->tree.trees, sizeof *share);
    double             *p = agop__malloc(t->n * wide, sizeof *p);
    agop_status         st = AGOP_OK;

    memset(out, 0, sizeof *out);
    if (!share || !p) {
        st = agop__fail_memory(&w->ctx->err, 8.0 * (double)(t->n * wide), "predictions");
        goto done;
    }
    for (int64_t i = 0; i < t->n; i++) {
        mix_leaves(y + i * g->outputs, share, t, w, i, temperature);
        if (g->classification)
            agop__target_probabilities(p + i * wide, g, y + i * g->outputs);
        else
            agop__target_values(p + i * wide, g, y + i * g->outputs);
    }
    TRY(agop__scores_judge(out, w->ctx, g, f->plan.score, p, t->truth, t->weight, t->n));
    *loss = agop__score_loss(out, f->plan.score);
done:
    free(p);
    free(share);
    return st;
}

/* The temperature that was asked for, or the one that honest predictions like best; f->scores: how good it is. */
static agop_status settle_temperature(fitting *w)
{
    agop__fit   *f = (agop__fit *)w->g->f;
    agop__tree  *t = &w->g->m->tree;
    tuning       u = {0};
    double       best = INFINITY, loss = 0;
    agop__scores scores = {0};
    agop__honest h;
    agop_status  st;

    t->temperature = f->plan.temperature >= 0 ? f->plan.temperature : 0;
    TRY(choose_rows(&u, w));
    f->rows.judges = u.n;
    if (u.n == 0) {
        st = agop__fit_answers(w->g->m, f, &(agop__honest){0});
        goto done;
    }
    TRY(encode_chosen(&u, w));
    TRY(gather_truth(&u, w));
    for (int64_t i = 0; i < u.n; i++) { /* of the first tree's leaves only: those of others may have seen the row */
        agop__tree whole = *t;
        t->trees         = 1;
        u.count[i]       = agop__route(u.share + i * u.room, w->g->m, tuning_x(&u, w, i), tuning_code(&u, w, i),
                                       temperatures[TEMPERATURES - 1]);
        t->trees         = whole.trees;
    }
    for (int64_t k = 0; k < w->g->leaves; k++)
        if (w->g->leaf[k].tree == 0)
            TRY(ask_leaf(&u, w, k));
    for (int k = 0; k < TEMPERATURES; k++) {
        double one = f->plan.temperature >= 0 ? f->plan.temperature : temperatures[k];
        TRY(try_temperature(&scores, &loss, u.tried, &u, w, one));
        if (loss < best) {
            best           = loss;
            t->temperature = one;
            agop__scores_free(&f->scores);
            f->scores = scores;
            memset(&scores, 0, sizeof scores);
            memcpy(u.best, u.tried, (size_t)(u.n * f->target->outputs) * sizeof *u.best);
        }
        agop__scores_free(&scores);
        if (f->plan.temperature >= 0)
            break;
    }
    f->judge_row = u.row;
    u.row        = NULL;
    f->judged_by = "leaves that never saw the rows, and leave-one-out in their own";
    h = (agop__honest){.n = u.n, .x = u.x, .code = u.code, .y = u.best, .truth = u.truth, .weight = u.weight};
    TRY(agop__fit_answers(w->g->m, f, &h));
done:
    agop__scores_free(&scores);
    close_tuning(&u);
    return st;
}

/* ---- the metric that all begin with ---- */

/* A fit of n random rows for its AGOP, which is left in f->agop. */
static agop_status sample_agop(agop__fit *f, const grower *g, const int64_t *rows, int64_t n, const agop__metric *start,
                               double ridge)
{
    agop_status st;

    TRY(agop__fit_part(f, g->f, g->ctx, g->s, rows, n, NULL, 0));
    f->plan.last       = 1;
    f->plan.coarse     = !start;
    f->plan.thin       = f->schema->numeric > g->f->plan.leaf_size && f->shape.kind == AGOP__L2 && !f->plan.diagonal;
    f->plan.time_limit = 0;
    f->rows.learn      = start ? n : n / 2;
    f->rows.judge      = n;
    f->rows.judges     = 0;
    f->start           = start;
    if (start) {
        f->plan.iters      = 0;
        f->plan.tune_ridge = 0;
        f->plan.ridge      = ridge;
    }
    st = agop__fit_metric(f);
done:
    return st;
}

/* Seconds of the quick search of all leaves of `size` rows, told by those of a path of n rows. The power lies between
 * that of a kernel matrix and that of its factor, of which smaller ones have the smaller share. */
static double seconds_of_leaves(const agop__fit *f, double size, int64_t n, double seconds)
{
    return LEAF_COST * seconds * pow(size / (double)n, 2.5) * (double)f->rows.n / size;
}

/* With a limit on time, leaves few enough in rows to be searched in time, as far as can be told: ones that are solved
 * in haste predict worse than smaller ones that had their time. A path of n rows took so many seconds. */
static void fit_into_time(agop__fit *f, const agop_settings *s, int64_t n, double seconds)
{
    agop__plan *p    = &f->plan;
    double      left = SHARED_TIME * (p->time_limit - (agop__now() - f->started)), size = (double)f->rows.n;

    if (p->time_limit <= 0 || !agop__is_auto(s, "leaf_size"))
        return;
    while (size > (double)p->leaf_size)
        size /= 2;
    if (seconds_of_leaves(f, size, n, seconds) <= left)
        return;
    while (size > FEWEST_ROWS && seconds_of_leaves(f, size, n, seconds) > left)
        size /= 2;
    p->leaf_size  = (int64_t)(1.25 * size); /* halves are not equal where values are */
    p->split_rows = p->split_rows < p->leaf_size / 2 ? p->split_rows : p->leaf_size / 2;
}

/* Learned coarse to fine on some rows, which are random ones; then made sharper by the mean AGOP over samples that
 * share no row: their noise is independent, what they agree on is not. */
static agop_status root_metric(agop__metric *out, double *own_ridge, int64_t *tried, agop__fit *whole,
                               const grower *g, const int64_t *rows)
{
    double       limit = whole->plan.time_limit, ridge, seconds;
    int64_t      most = whole->rows.n < ROOT_ROWS ? whole->rows.n : ROOT_ROWS, n, parts = whole->rows.n;
    agop__fit    f    = {0};
    agop__metric mean = {0};
    agop_status  st;

    for (n = limit > 0 && FIRST_ROWS < most ? FIRST_ROWS : most;; n = 2 * n < most ? 2 * n : most) {
        double began = agop__now();
        agop__fit_free(&f);
        memset(&f, 0, sizeof f);
        TRY(sample_agop(&f, g, rows, n, NULL, 0));
        seconds = agop__now() - began;
        if (n == most || 8 * seconds > ROOT_SHARE * limit)
            break;
    }
    fit_into_time(whole, g->s, n, seconds);
    *tried     = n;
    *own_ridge = ridge = f.ridge;
    TRY(agop__metric_copy(out, agop__metric_scale(&f.agop) ? &f.agop : &f.metric, &g->ctx->err));
    parts = parts / (n / 2) < ROOT_PARTS ? parts / (n / 2) : ROOT_PARTS;
    for (int64_t k = 0; k < parts; k++) {
        agop__fit_free(&f);
        memset(&f, 0, sizeof f);
        TRY(sample_agop(&f, g, rows + k * (n / 2), n / 2, out, ridge));
        if (k == 0)
            TRY(agop__metric_copy(&mean, &f.agop, &g->ctx->err));
        else
            TRY(agop__metric_add(&mean, &f.agop, 1, &g->ctx->err));
    }
    if (agop__metric_scale(&mean)) {
        agop__metric_free(out);
        *out = mean;
        memset(&mean, 0, sizeof mean);
    }
done:
    agop__metric_free(&mean);
    agop__fit_free(&f);
    return st;
}

/* Loss, on the second half of some rows, of one solve on the first half under a metric. */
static agop_status loss_under(double *loss, const grower *g, const int64_t *rows, int64_t n, const agop__metric *m,
                              double ridge)
{
    agop__fit   f = {0};
    agop_status st;

    TRY(agop__fit_part(&f, g->f, g->ctx, g->s, rows, n / 2, rows + n / 2, n - n / 2));
    f.plan.coarse     = 0;
    f.plan.iters      = 0;
    f.plan.time_limit = 0;
    f.plan.tune_ridge = 0;
    f.plan.ridge      = ridge;
    f.plan.diagonal   = m->diagonal;
    f.start           = m;
    TRY(agop__fit_metric(&f));
    *loss = f.step[0].loss;
done:
    agop__fit_free(&f);
    return st;
}

/* The mean metric or its diagonal, whichever predicts better, becomes g->start: entries off the diagonal are worth
 * having where columns matter in mixtures, and noise where they matter one by one. *diagonal is the caller's. */
static agop_status choose_form(agop__metric *diagonal, grower *g, const int64_t *rows, int64_t n, double ridge)
{
    const agop__metric *mean = g->start;
    double              full, plain;
    agop_status         st;

    if (!agop__is_auto(g->s, "metric") || mean->diagonal || mean->thin)
        return AGOP_OK;
    TRY(agop__metric_diagonal_of(diagonal, mean, &g->ctx->err));
    TRY(loss_under(&full, g, rows, n, mean, ridge));
    TRY(loss_under(&plain, g, rows, n, diagonal, ridge));
    if (plain < full)
        g->start = diagonal;
done:
    return st;
}

/* ---- all of it ---- */

/* What is known of the leaves from number `from` on, but for what the model has of them. */
static void drop_parts(fitting *w, int64_t from)
{
    for (int64_t k = from; w->honest && k < w->g->m->leaves; k++) {
        free(w->honest[k].row);
        free(w->honest[k].y);
        agop__metric_free(&w->agop[k]);
    }
    for (int64_t k = from; k < w->g->leaves; k++) {
        free(w->g->leaf[k].index);
        free(w->g->leaf[k].judges);
    }
    w->g->leaves = from;
}

static void drop_leaves(fitting *w, int64_t from)
{
    agop_model *m = w->g->m;

    drop_parts(w, from);
    for (int64_t k = from; k < m->leaves; k++)
        agop__leaf_free(&m->leaf[k]);
    m->leaves = from;
}

void agop__grown_free(agop__grown *g)
{
    free(g->story);
    memset(g, 0, sizeof *g);
}

static double seconds_left(const agop__fit *f)
{
    return f->plan.budget - (agop__now() - f->started);
}

/* Further trees for what is left of a budget, while leaves would have the seconds that a quick search of the first ones
 * took. A tree that the clock or the caller did not let finish is no part of the model. `grew`: seconds of growing. */
static agop_status more_trees(fitting *w, const int64_t *rows, const int64_t *judges, int64_t valid, double grew)
{
    grower     *g = w->g;
    agop__tree *t = &g->m->tree;
    double      quick = 0;
    agop_status st = AGOP_OK;

    for (int64_t k = 0; k < g->leaves; k++)
        quick += w->grown->story[k].quick / w->workers;
    while (t->trees < MOST_TREES && !atomic_load(&w->stop) && SHARED_TIME * (seconds_left(g->f) - grew) > quick) {
        int64_t nodes = t->nodes, leaves = g->leaves;
        g->trees_done = t->trees;
        atomic_store(&w->begun, 0);
        st = grow(g, &t->root[t->trees], rows, g->f->rows.n, judges, valid, 0);
        if (st == AGOP_E_STOPPED)
            atomic_store(&w->stop, 1);
        else if (st != AGOP_OK)
            goto done;
        else
            TRY(fit_leaves(w));
        st = AGOP_OK;
        if (atomic_load(&w->stop)) {
            drop_leaves(w, leaves);
            t->nodes = nodes;
        } else {
            t->trees++;
        }
    }
    if (atomic_load(&w->stop) == 2) /* the end of a budget is no interruption */
        atomic_store(&w->stop, 0);
done:
    return st;
}

/* Grow all trees, and fit their leaves. */
static agop_status one_forest(fitting *w, const int64_t *rows, const int64_t *judges, int64_t valid)
{
    grower     *g     = w->g;
    agop__tree *t     = &g->m->tree;
    double      began = agop__now(), grew;
    agop_status st    = AGOP_OK;

    t->nodes = 0;
    t->trees = g->f->plan.trees;
    for (g->trees_done = 0; g->trees_done < t->trees; g->trees_done++)
        TRY(grow(g, &t->root[g->trees_done], rows, g->f->rows.n, judges, valid, 0));
    grew = agop__now() - began;
    TRY(fit_leaves(w));
    if (w->forests == 1 && g->f->plan.budget > 0 && agop__is_auto(g->s, "trees") && !atomic_load(&w->stop))
        TRY(more_trees(w, rows, judges, valid, grew));
    w->grown->leaves = g->leaves;
    w->grown->depth  = g->depth;
    TRY(join_leaves(w));
done:
    return st;
}

/* Make room for the next forest, whose directions begin with the mean AGOP of this one. */
static agop_status start_again(fitting *w, agop__metric *mean)
{
    agop__fit   *f    = (agop__fit *)w->g->f;
    agop__metric next = {0};
    agop_status  st;

    TRY(agop__metric_copy(&next, &f->agop, &f->ctx->err));
    (void)agop__metric_scale(&next);
    agop__metric_free(mean);
    *mean       = next;
    w->g->start = mean;
    drop_leaves(w, 0);
    agop__metric_free(&f->agop);
    free(f->step);
    f->step    = NULL;
    f->centres = 0;
done:
    return st;
}

agop_status agop__tree_fit(agop_model *m, agop__grown *grown, agop__fit *f, const agop_settings *s)
{
    agop__tree  *t     = &m->tree;
    int64_t      n     = f->rows.n, valid = f->rows.total - n, *rows = agop__malloc(n + valid, sizeof *rows), tried;
    double      *fixed = NULL, ridge;
    agop__metric mean = {0}, diagonal = {0};
    grower       g     = {.ctx = f->ctx, .f = f, .s = s, .m = m, .seed = (uint64_t)agop__int(s, "seed", 0) * 1000003};
    fitting      w     = {.g = &g, .grown = grown, .ctx = f->ctx, .caller = pthread_self(),
                          .lock = PTHREAD_MUTEX_INITIALIZER};
    agop_status  st    = AGOP_OK;

    t->most  = f->plan.most;
    t->width = f->schema->numeric + agop__schema_levels(f->schema);
    t->root  = agop__calloc(f->plan.trees > MOST_TREES ? f->plan.trees : MOST_TREES, sizeof *t->root);
    if (!rows || !t->root) {
        st = agop__fail_memory(&f->ctx->err, 8.0 * (double)n, "the order of rows");
        goto done;
    }
    for (int64_t i = 0; i < n + valid; i++)
        rows[i] = i;
    TRY(read_fixed(&fixed, f, t->width, s));
    g.fixed = fixed;
    TRY(root_metric(&mean, &ridge, &tried, f, &g, rows));
    g.start = &mean;
    TRY(choose_form(&diagonal, &g, rows, tried, ridge));
    for (int64_t k = 0; k < f->plan.tree_iters; k++) {
        w.forests = f->plan.tree_iters - k;
        if (k > 0)
            TRY(start_again(&w, &mean));
        TRY(one_forest(&w, rows, rows + n, valid));
        if (f->stopped)
            break;
    }
    TRY(settle_temperature(&w));
    grown->tree      = t;
    f->tree          = grown;
    f->plan.diagonal = g.start->diagonal; /* for the report */
done:
    drop_parts(&w, 0);
    free(w.honest);
    free(w.agop);
    free(w.first.step);
    free(g.leaf);
    agop__metric_free(&mean);
    agop__metric_free(&diagonal);
    free(fixed);
    free(rows);
    return st;
}
