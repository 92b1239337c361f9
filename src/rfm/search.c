/* search.c - which machines take part in a sum.
 *
 *   candidates   ways to make a machine: kernels, exponents, codes of the columns, forms of the metric, functions of
 *                the target
 *   explore      a candidate's metric is learned on half of the rows and judged on the others: an eighth of a solve on
 *                all rows for each of its steps
 *   choose       those whose honest predictions earn weight in a sum; the others are dropped
 *   finish       the chosen ones are solved on all rows
 *   repeat       the same on other divisions of the rows into halves: machines whose metrics saw other rows err
 *                elsewhere, and after the second division every row has been judged
 *
 * --tune quick has two candidates, and nothing to choose; --tune full has all of them; with a number of seconds
 * candidates are explored for a part of that time, and repeated for what is left. docs/tuning.md has the studies. */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "rfm/fit.h"

enum {
    QUICK       = 2,    /* candidates of the quick search */
    FEW_ROWS    = 2000, /* so few are divided four times by the quick search ... */
    SOME_ROWS   = 4000, /* ... and so few twice: it takes no more than a second or two */
    MOST_CHOSEN = 4
};
#define LPQ_NORM 1.2      /* between l1 and l2, exponent 1 */
#define FAR_LEVELS 1.41421356237309505 /* height of one-hot coordinates: categories differ twice as much as usual */
#define LEAST_WEIGHT .05  /* of all weights: a candidate with less is not worth its solves on all rows */
#define EXPLORE_SHARE .35 /* of the seconds that the quick machines leave are for exploring at most */
#define RESERVE .05       /* of them for what comes behind the last solve */

/* ---- candidates ---- */

static void add(agop__search *e, int32_t kind, double exponent, int plain, int diagonal, int shrink)
{
    e->candidate[e->candidates++] = (agop__candidate){.kind = kind, .exponent = exponent, .plain = plain,
                                                      .diagonal = diagonal, .shrink = shrink,
                                                      .transform = e->f->plan.transform,
                                                      .height = e->f->shape.height};
}

/* A candidate once more, learning another function of the target. */
static void add_transformed(agop__search *e, int32_t kind, int plain, int diagonal, int shrink, int32_t transform)
{
    add(e, kind, e->f->shape.exponent, plain, diagonal, shrink);
    e->candidate[e->candidates - 1].transform = transform;
}

/* In the order in which they are worth exploring. One machine where nobody can say what each of several is worth. */
static void list_candidates(agop__search *e)
{
    const agop__fit *f      = e->f;
    int              scores = f->schema->normal_scores, diagonal = f->plan.diagonal, skewed = 0;
    double           q      = f->shape.exponent;

    add(e, f->shape.kind, q, 0, diagonal, 1);
    e->candidate[0].norm = f->shape.norm;
    e->base              = 1;
    if (!f->plan.several || f->rows.judges == 0 || f->plan.thin)
        return;
    add(e, AGOP__L1, q, scores, 1, 0);
    e->base = QUICK;
    if (!f->plan.wide_search)
        return;
    if (!f->target->classification && !f->plan.transform_given)
        skewed = agop__transforms_for(f->rows.truth, f->rows.n, f->target->columns);
    for (int32_t kind = AGOP__LOG; kind <= AGOP__NORMAL; kind++) {
        if (!(skewed & 1 << kind))
            continue;
        add_transformed(e, AGOP__L2, 0, diagonal, 1, kind);
        add_transformed(e, AGOP__L1, scores, 1, 0, kind);
    }
    if (f->schema->groups > 0) {
        add(e, AGOP__L2, q, 0, diagonal, 1);
        e->candidate[e->candidates - 1].height = FAR_LEVELS;
    }
    if (scores)
        add(e, AGOP__L2, q, 1, diagonal, 1);
    if (!diagonal)
        add(e, AGOP__L2, q, 0, 1, 0);
    if (scores)
        add(e, AGOP__L1, q, 0, 1, 0);
    if (!agop__is_auto(e->s, "exponent") && q != 1)
        return; /* one that was asked for */
    add(e, AGOP__L2, .7, 0, diagonal, 1);
    add(e, AGOP__L2, 1.4, 0, diagonal, 1);
    add(e, AGOP__L1, .7, scores, 1, 0);
    if (!diagonal && f->plan.shrink > 0 && !f->plan.shrink_given)
        add(e, AGOP__L2, q, 1, 0, 0);
    add(e, AGOP__LPQ, 1, 0, diagonal, 1);
    e->candidate[e->candidates - 1].norm = LPQ_NORM;
}

static void join(agop__fit *one, const agop__candidate *k)
{
    one->shape.kind     = k->kind;
    one->shape.exponent = k->exponent;
    one->shape.norm     = k->norm;
    one->shape.height   = k->height;
    one->plan.plain     = k->plain;
    one->plan.diagonal  = k->diagonal;
    if (!k->shrink && !one->plan.shrink_given)
        one->plan.shrink = 0;
}

/* ---- time ---- */

/* Seconds of a budget that are left for machines. */
static double seconds_left(const agop__fit *f)
{
    return (1 - RESERVE) * f->plan.budget - (agop__now() - f->started);
}

/* Would something that takes so many seconds leave fewer than `keep` of a budget, or end after the time limit? */
static int too_late(const agop__search *e, double seconds, double keep)
{
    return (e->f->plan.budget > 0 && seconds_left(e->f) - seconds < keep) || agop__fit_late(e->f, seconds);
}

/* ---- divisions ---- */

/* Where a division's rows stand in f. The second one is the first with its halves exchanged, the third a random one,
 * the fourth that one exchanged, and so on. */
static agop_status make_order(agop__search *e, int division)
{
    const agop__fit *f = e->f;
    int64_t          n = f->rows.n, *order = agop__malloc(2 * n, sizeof *order), *turned = order ? order + n : NULL;
    agop_status      st = AGOP_OK;

    e->order[division] = order;
    if (!order)
        return agop__fail_memory(&f->ctx->err, 16.0 * (double)n, "the order of rows");
    for (int64_t i = 0; i < n; i++)
        order[i] = i;
    if (division > 1)
        TRY(agop__fit_shuffle(order, n, f->ctx, f->target, f->rows.truth, f->plan.seed, (uint64_t)(division / 2)));
    if (division % 2 == 1) {
        for (int64_t i = 0; i < n; i++)
            turned[i] = order[(i + f->rows.learn) % n];
        memcpy(order, turned, (size_t)n * sizeof *order);
    }
done:
    return st;
}

static void close_division(agop__search *e)
{
    free(e->rows.x);
    free(e->rows.code);
    free(e->rows.Y);
    free(e->rows.truth);
    free(e->rows.weight);
    memset(&e->rows, 0, sizeof e->rows);
}

/* Copies of f's rows in the order of the division. */
static agop_status open_division(agop__search *e, int division)
{
    const agop__fit  *f = e->f;
    const agop__rows *from = &f->rows;
    agop__rows       *to = &e->rows;
    int64_t           n = from->n, p = f->schema->numeric, g = f->schema->groups, c = f->target->outputs;
    int64_t           columns = f->target->columns;
    size_t            width = (size_t)p * agop__element(f->plan.dtype);
    agop_status       st;

    TRY(make_order(e, division));
    *to        = *from;
    to->x      = agop__aligned(n * p, agop__element(f->plan.dtype));
    to->code   = agop__malloc(n * g, sizeof *to->code);
    to->Y      = agop__malloc(n * c, sizeof *to->Y);
    to->truth  = agop__malloc(n * columns, sizeof *to->truth);
    to->weight = from->weight ? agop__malloc(n, sizeof *to->weight) : NULL;
    if (!to->x || !to->code || !to->Y || !to->truth || (from->weight && !to->weight)) {
        st = agop__fail_memory(&f->ctx->err, (double)n * (double)width, "rows in another order");
        goto done;
    }
    for (int64_t i = 0; i < n; i++) {
        int64_t r = e->order[division][i];
        memcpy((char *)to->x + (size_t)i * width, (const char *)from->x + (size_t)r * width, width);
        memcpy(to->code + i * g, from->code + r * g, (size_t)g * sizeof *to->code);
        memcpy(to->Y + i * c, from->Y + r * c, (size_t)c * sizeof *to->Y);
        memcpy(to->truth + i * columns, from->truth + r * columns, (size_t)columns * sizeof *to->truth);
        if (to->weight)
            to->weight[i] = from->weight[r];
    }
done:
    return st;
}

/* The machines of a division stand on f's own rows now. */
static agop_status bring_home(agop__search *e, int division)
{
    const agop__fit *f     = e->f;
    int64_t          c     = f->target->outputs, size = f->rows.n * c;
    double          *alpha = agop__malloc(size, sizeof *alpha);

    if (!alpha)
        return agop__fail_memory(&f->ctx->err, 8.0 * (double)size, "coefficients");
    for (int k = 0; k < e->count; k++) {
        agop__fit *own = &e->entry[k].fit;
        if (e->entry[k].division != division)
            continue;
        for (int64_t i = 0; i < f->rows.n; i++)
            memcpy(alpha + e->order[division][i] * c, own->alpha + i * c, (size_t)c * sizeof *alpha);
        memcpy(own->alpha, alpha, (size_t)size * sizeof *alpha);
        own->rows = f->rows;
    }
    free(alpha);
    close_division(e);
    return AGOP_OK;
}

/* ---- one machine ---- */

static void drop(agop__search *e, int k)
{
    agop__fit_drop(&e->entry[k].fit);
    free(e->entry[k].Y);
    free(e->entry[k].half);
    memmove(&e->entry[k], &e->entry[k + 1], (size_t)(e->count - 1 - k) * sizeof *e->entry);
    e->count--;
    memset(&e->entry[e->count], 0, sizeof *e->entry);
}

/* What the entry's machine is to learn. */
static agop_status transform_target(agop__search *e, agop__entry *k)
{
    agop__fit       *f    = &k->fit;
    agop__transform **t   = &e->transform[k->what->transform];
    int64_t          size = f->rows.n * f->target->outputs;
    agop_status      st   = AGOP_OK;

    if (k->what->transform == AGOP__PLAIN)
        return AGOP_OK;
    if (!*t)
        TRY(agop__transform_learn(t, k->what->transform, f->target, f->rows.truth, f->rows.n, &f->ctx->err));
    k->Y = agop__malloc(size, sizeof *k->Y);
    if (!k->Y)
        return agop__fail_memory(&f->ctx->err, 8.0 * (double)size, "a transformed target");
    for (int64_t i = 0; i < size; i++)
        k->Y[i] = agop__transform_there(*t, i % f->target->outputs, f->rows.truth[i]);
    f->rows.Y    = k->Y;
    f->transform = *t;
done:
    return st;
}

/* What the machine of half of the rows says about the others, in outputs of the model. */
static agop_status keep_half(agop__entry *k)
{
    const agop__fit *f     = &k->fit;
    int64_t          size  = f->rows.judges * f->target->outputs;
    agop__curve     *curve = NULL;
    agop_status      st    = AGOP_OK;

    k->half = agop__malloc(size, sizeof *k->half);
    if (!k->half)
        return agop__fail_memory(&f->ctx->err, 8.0 * (double)size, "predictions");
    memcpy(k->half, f->honest, (size_t)size * sizeof *k->half);
    if (f->transform)
        st = agop__fit_turn_back(&curve, k->half, f);
    free(curve);
    return st;
}

/* Explored: as the journal has it, or now. */
static agop_status explore_one(agop__search *e, agop__entry *k)
{
    double      began = agop__now();
    int         there = 0;
    agop_status st;

    TRY(agop__resume_find(&there, k, e->number, AGOP__EXPLORED));
    if (!there) {
        TRY(agop__fit_explore(&k->fit));
        k->seconds = agop__now() - began;
    }
    if (k->division == 0 && e->candidates > e->base && !k->half)
        TRY(keep_half(k));
    if (!there)
        agop__resume_keep(k, e->number, AGOP__EXPLORED);
done:
    return st;
}

/* On all rows, likewise. */
static agop_status finish_one(agop__search *e, agop__entry *k)
{
    double      began = agop__now();
    int         there = 0;
    agop_status st;

    TRY(agop__resume_find(&there, k, e->number, AGOP__FINISHED));
    if (there)
        goto done;
    TRY(agop__fit_finish(&k->fit));
    TRY(agop__fit_settle(&k->fit));
    k->seconds += agop__now() - began;
    if (k->fit.centres == k->fit.rows.n)
        agop__resume_keep(k, e->number, AGOP__FINISHED);
done:
    return st;
}

/* The next entry: explored, and finished if so wanted. The first one must succeed; of the others one that fails for its
 * numbers, or is stopped before it stands on all rows, is left out. from, share: of the progress of the whole. */
static agop_status run(agop__search *e, const agop__candidate *what, int division, int finish, double from,
                       double share)
{
    agop__fit   *f     = e->f, *own = &e->entry[e->count].fit, *first = &e->entry[0].fit;
    agop__entry *k     = &e->entry[e->count++];
    agop_status  st;

    k->what     = what;
    k->division = division;
    *own        = *f;
    if (division)
        own->rows = e->rows;
    own->share = (f->share > 0 ? f->share : 1) * share;
    own->from  = f->from + (f->share > 0 ? f->share : 1) * from;
    join(own, what);
    st = transform_target(e, k);
    if (st == AGOP_OK)
        st = explore_one(e, k);
    if (st == AGOP_OK && finish)
        st = finish_one(e, k);
    if (e->count == 1)
        goto done;
    if (st == AGOP_E_STOPPED || own->stopped == AGOP__BY_CALLER)
        first->stopped = AGOP__BY_CALLER;
    else if (own->stopped && f->plan.budget <= 0) /* the end of a budget is no interruption */
        first->stopped = own->stopped;
    if (st == AGOP_OK && (!finish || own->centres == first->centres))
        goto done;
    if (st == AGOP_E_NUMERIC)
        agop__note(f->ctx, "one of the kernels left out: %s", f->ctx->err.text);
    if (st == AGOP_OK || st == AGOP_E_STOPPED || st == AGOP_E_NUMERIC) {
        drop(e, e->count - 1);
        st = AGOP_OK;
    }
done:
    return st;
}

/* ---- the search ---- */

static void tell_tried(agop__search *e)
{
    agop__fit *first = &e->entry[0].fit;

    first->tries = e->count;
    for (int k = 0; k < e->count; k++) {
        const agop__fit *own = &e->entry[k].fit;
        first->tried[k] = (agop__member_story){
            .what = *e->entry[k].what, .weight = e->entry[k].weight, .ridge = own->step[own->best].ridge,
            .bandwidth = own->step[own->best].bandwidth, .best_iter = own->step[own->best].iter,
            .validation = own->step[own->best].validation, .seconds = e->entry[k].seconds};
    }
}

/* Weights of a sum of all that was explored, by what the machines of half of the rows say about the others. */
static agop_status weigh(agop__search *e)
{
    const agop__fit *f = &e->entry[0].fit;
    const double    *y[AGOP__MOST_CANDIDATES];
    double          *Y = NULL, w[AGOP__MOST_CANDIDATES];
    agop_status      st;

    TRY(agop__fit_truth(&Y, f, f->rows.judge, f->rows.judges));
    for (int k = 0; k < e->count; k++)
        y[k] = e->entry[k].half;
    agop__sum_weights(w, y, e->count, Y, agop__judge_weight(f), f->rows.judges, f->target->outputs);
    for (int k = 0; k < e->count; k++)
        e->entry[k].weight = w[k];
done:
    free(Y);
    return st;
}

static int lightest(const agop__search *e)
{
    int at = -1;
    for (int k = 1; k < e->count; k++)
        if (at < 0 || e->entry[k].weight < e->entry[at].weight)
            at = k;
    return at;
}

/* The candidates worth finishing: few enough, and each with a weight. The first one stays, if only to be told of. */
static agop_status choose(agop__search *e)
{
    agop_status st;

    TRY(weigh(e));
    tell_tried(e);
    for (int k; (k = lightest(e)) > 0;) {
        double total = 0;
        for (int j = 0; j < e->count; j++)
            total += e->entry[j].weight;
        if (e->count <= MOST_CHOSEN && e->entry[k].weight > LEAST_WEIGHT * total)
            break;
        drop(e, k);
        TRY(weigh(e));
    }
done:
    return st;
}

/* All candidates beyond the base: explored while there is time, the chosen ones finished. */
static agop_status look_further(agop__search *e)
{
    agop__fit  *first = &e->entry[0].fit;
    double      slowest = 0, keep = (1 - EXPLORE_SHARE) * seconds_left(e->f);
    agop_status st = AGOP_OK;

    for (int c = e->base; c < e->candidates && !first->stopped; c++) {
        int before = e->count;
        if (too_late(e, slowest, keep))
            break;
        TRY(run(e, &e->candidate[c], 0, 0, .5, .02));
        if (e->count > before)
            slowest = fmax(slowest, e->entry[e->count - 1].seconds);
    }
    TRY(choose(e));
    for (int k = 1; k < e->count; k++) {
        agop__fit *own = &e->entry[k].fit;
        if (own->centres == own->rows.n)
            continue; /* one of the base */
        st = first->stopped || too_late(e, e->entry[0].seconds, 0) ? AGOP_E_STOPPED : finish_one(e, &e->entry[k]);
        if (st == AGOP_OK && own->centres == first->centres)
            continue;
        if (own->stopped == AGOP__BY_CALLER)
            first->stopped = AGOP__BY_CALLER;
        if (st != AGOP_OK && st != AGOP_E_STOPPED && st != AGOP_E_NUMERIC)
            goto done;
        st = AGOP_OK;
        drop(e, k--);
    }
done:
    return st;
}

/* The machines of the first division on the others, one division after the other. */
static agop_status repeat(agop__search *e)
{
    agop__fit  *first = &e->entry[0].fit;
    int         kinds = e->count, most = e->f->plan.divisions ? e->f->plan.divisions : AGOP__MOST_MEMBERS;
    double      round = 0;
    agop_status st    = AGOP_OK;

    for (int k = 0; k < kinds; k++)
        round += e->entry[k].seconds;
    for (e->divisions = 1; e->divisions < most && e->count + kinds <= AGOP__MOST_MEMBERS; e->divisions++) {
        double share = .5 / most;
        if (first->stopped || first->centres < first->rows.n)
            break;
        if (too_late(e, round, 0)) {
            first->stopped = e->f->plan.budget > 0 ? AGOP__BY_NOBODY : AGOP__BY_CLOCK;
            break;
        }
        TRY(open_division(e, e->divisions));
        for (int k = 0; k < kinds && !first->stopped; k++)
            TRY(run(e, e->entry[k].what, e->divisions, 1, .5 + share * (e->divisions - 1 + (double)k / kinds),
                    share / kinds));
        TRY(bring_home(e, e->divisions));
    }
done:
    return st;
}

/* How often the rows are divided: only where halves of them judge, and where it is cheap or asked for. */
static int count_divisions(const agop__search *e)
{
    const agop__fit *f = e->f;
    int64_t          n = f->rows.n;

    if (e->candidates == 1 || f->rows.judge >= n || agop__real(e->s, "holdout", 0) > 0)
        return 1;
    if (f->plan.divisions)
        return f->plan.divisions;
    if (f->plan.budget > 0)
        return 0;
    return n <= FEW_ROWS ? 4 : n <= SOME_ROWS || f->plan.wide_search ? 2 : 1;
}

agop_status agop__search_run(agop__search *e, agop__fit *f, const agop_settings *s)
{
    int         more;
    agop_status st = AGOP_OK;

    *e = (agop__search){.f = f, .s = s, .divisions = 1};
    e->entry = agop__calloc(AGOP__MOST_MEMBERS, sizeof *e->entry);
    if (!e->entry)
        return agop__fail_memory(&f->ctx->err, 0, "a search");
    if (f->journal)
        e->number = agop__resume_rows(f);
    list_candidates(e);
    f->plan.divisions = count_divisions(e);
    more              = f->plan.divisions != 1 || e->candidates > e->base;
    for (int c = 0; c < e->base; c++) {
        double share = (more ? .5 : 1) / e->base;
        if (c > 0 && e->entry[0].fit.stopped)
            break;
        if (c > 0 && too_late(e, e->entry[0].seconds, 0)) { /* it takes about as long as the last one */
            if (f->plan.budget <= 0)
                e->entry[0].fit.stopped = AGOP__BY_CLOCK;
            break;
        }
        TRY(run(e, &e->candidate[c], 0, 1, c * share, share));
    }
    for (int k = 0; k < e->count; k++)
        e->entry[0].fit.quick += e->entry[k].seconds;
    if (e->candidates > e->base && e->count > 1 && !e->entry[0].fit.stopped)
        TRY(look_further(e));
    if (f->plan.divisions != 1)
        TRY(repeat(e));
    for (int k = 0; k < e->count; k++) /* from here on nothing is solved */
        e->entry[k].fit.rows.Y = f->rows.Y;
done:
    return st;
}

void agop__search_free(agop__search *e)
{
    close_division(e);
    for (int k = 0; k < AGOP__MOST_MEMBERS; k++)
        free(e->order[k]);
    for (int k = 0; e->entry && k < e->count; k++) {
        agop__fit_drop(&e->entry[k].fit);
        free(e->entry[k].Y);
        free(e->entry[k].half);
    }
    for (int kind = 0; kind <= AGOP__NORMAL; kind++)
        agop__transform_free(e->transform[kind]);
    free(e->entry);
}
