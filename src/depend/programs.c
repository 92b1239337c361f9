/* programs.c - the graph of the strongest pairs, its communities as programs in order; see programs.h.
 *
 * Variables are numbered in the order of their names before they are clustered, so that what is found does not depend
 * on the order of the columns. */
#include "depend/programs.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "depend/communities.h"
#include "depend/told.h"

#define RATE .05 /* where no fdr is asked for */

typedef struct plan {
    int64_t  partners, least;
    double   resolution, rate;
    int      any_sign;
    uint64_t seed;
} plan;

typedef struct member {
    int64_t node, group, partners; /* partners: in its group */
    double  within, sign;          /* within: the sum of their scores */
} member;

typedef struct group { /* of members that stand side by side */
    int64_t first, members;
    double  strength;
} group;

typedef struct making {
    agop_ctx       *ctx;
    const agop_ids *d;
    plan            plan;
    int64_t         variables, pairs, nodes;
    agop_pair      *pair;      /* in the end the edges */
    int64_t        *node;      /* of a variable; -1: it has no edge */
    int64_t        *variable;  /* of a node */
    int64_t        *community; /* of a node */
    member         *member;    /* of a node; in the end in groups */
} making;

static plan plan_of(const agop_ids *d, const agop_settings *s)
{
    return (plan){.partners   = agop__int(s, "partners", 15),
                  .least      = agop__int(s, "least_members", 3),
                  .resolution = agop__real(s, "resolution", 1),
                  .rate       = agop__real(s, "fdr", d->plan.fdr > 0 ? d->plan.fdr : RATE),
                  .any_sign   = agop__bool(s, "any_sign", 0),
                  .seed       = (uint64_t)agop__int(s, "seed", 0)};
}

/* ---- the strongest pairs of each variable ---- */

typedef struct pouring {
    agop__keep *into;
    agop__err  *e;
    agop_status st;
} pouring;

static void pour(void *user, int64_t a, int64_t b, double score)
{
    pouring *p = user;

    if (p->st == AGOP_OK && score > 0)
        p->st = agop__keep_add(p->into, a, b, score, p->e);
}

static agop_status strongest_pairs(making *m)
{
    agop__ids_plan only = {.top = m->plan.partners};
    agop__keep     few  = {0};
    pouring        p    = {.into = &few, .e = &m->ctx->err, .st = AGOP_OK};
    agop_status    st;

    TRY(agop__keep_open(&few, m->variables, m->variables, 1, &only, &m->ctx->err));
    agop__keep_each(&m->d->keep, pour, &p);
    TRY(p.st);
    m->pair = agop__malloc(m->variables * few.top, sizeof *m->pair);
    if (!m->pair) {
        st = agop__fail_memory(&m->ctx->err, (double)(m->variables * few.top) * (double)sizeof *m->pair, "pairs");
        goto done;
    }
    agop__keep_pairs(m->pair, &m->pairs, &few, m->variables * few.top);
    st = agop__tell_pairs(m->pair, &m->pairs, m->ctx, m->d);
done:
    agop__keep_close(&few);
    return st;
}

/* ---- which of them are edges ---- */

/* log10 p of Spearman's correlation, two-sided: Student's t. */
static double spearman_log10p(double rho, double n)
{
    if (isnan(rho) || n < 4)
        return 0;
    return fabs(rho) >= 1 ? -HUGE_VAL : agop__t_log10p(rho * sqrt((n - 2) / (1 - rho * rho)), n - 2);
}

/* The largest log10 p that is significant among all pairs of which these are told, by Benjamini and Hochberg: those
 * that are not told count as 1. Above 0 where none is. */
static agop_status threshold(double *out, const making *m, const double *log10p)
{
    double     *p = agop__malloc(2 * m->pairs, sizeof *p), *q = p ? p + m->pairs : NULL;
    int64_t     tests = m->variables * (m->variables - 1) / 2;

    if (!p)
        return agop__fail_memory(&m->ctx->err, 16.0 * (double)m->pairs, "p-values");
    memcpy(p, log10p, (size_t)m->pairs * sizeof *p);
    qsort(p, (size_t)m->pairs, sizeof *p, agop__rising);
    memcpy(q, p, (size_t)m->pairs * sizeof *q);
    agop__false_discovery(q, m->pairs, tests);
    *out = 1; /* of no pair */
    for (int64_t i = 0; i < m->pairs && q[i] <= log10(m->plan.rate); i++)
        *out = p[i];
    free(p);
    return AGOP_OK;
}

/* Those that rise together, surely; with any_sign all. */
static agop_status choose_by_sign(making *m)
{
    int64_t    *at     = agop__side_order(&m->d->side[0]), left = 0;
    double     *log10p = agop__malloc(m->pairs, sizeof *log10p), limit = 1;
    agop_status st     = AGOP_OK;

    if (!at || !log10p) {
        st = agop__fail_memory(&m->ctx->err, 8.0 * (double)m->pairs, "signs");
        goto done;
    }
    for (int64_t i = 0; i < m->pairs; i++) {
        const agop__variable *v = m->d->side[0].variable, *a = &v[at[m->pair[i].a]], *b = &v[at[m->pair[i].b]];
        log10p[i] = spearman_log10p(m->pair[i].spearman, (double)agop__common_rows(a, b, m->d->rows));
    }
    TRY(threshold(&limit, m, log10p));
    for (int64_t i = 0; i < m->pairs; i++)
        if (m->pair[i].spearman > 0 && limit <= 0 && log10p[i] <= limit)
            m->pair[left++] = m->pair[i];
    m->pairs = left;
done:
    free(at);
    free(log10p);
    return st;
}

static agop_status choose_edges(making *m)
{
    double  limit = log10(m->plan.rate);
    int64_t left  = 0;

    for (int64_t i = 0; i < m->pairs; i++)
        if (!isnan(m->pair[i].spearman) && (isnan(m->pair[i].log10_q) || m->pair[i].log10_q <= limit))
            m->pair[left++] = m->pair[i];
    m->pairs = left;
    return m->plan.any_sign || left == 0 ? AGOP_OK : choose_by_sign(m);
}

/* ---- communities ---- */

typedef struct named {
    const char *name;
    int64_t     variable;
} named;

static int by_name(const void *p, const void *q)
{
    const named *a = p, *b = q;
    int          c = strcmp(a->name, b->name);

    return c ? c : (a->variable > b->variable) - (a->variable < b->variable);
}

/* Nodes: variables with edges, by name. */
static agop_status number_nodes(making *m)
{
    named *all = agop__malloc(m->variables, sizeof *all);

    m->node     = agop__calloc(m->variables, sizeof *m->node);
    m->variable = agop__malloc(m->variables, sizeof *m->variable);
    if (!all || !m->node || !m->variable) {
        free(all);
        return agop__fail_memory(&m->ctx->err, 32.0 * (double)m->variables, "the graph of programs");
    }
    for (int64_t i = 0; i < m->pairs; i++)
        m->node[m->pair[i].a] = m->node[m->pair[i].b] = 1;
    for (int64_t v = 0; v < m->variables; v++)
        all[v] = (named){.name = agop_ids_name(m->d, 0, v), .variable = v};
    qsort(all, (size_t)m->variables, sizeof *all, by_name);
    for (int64_t i = 0; i < m->variables; i++) {
        int64_t v = all[i].variable;
        if (m->node[v])
            m->variable[m->nodes] = v;
        m->node[v] = m->node[v] ? m->nodes++ : -1;
    }
    free(all);
    return AGOP_OK;
}

static int by_ends(const void *p, const void *q)
{
    const agop__edge *x = p, *y = q;

    return x->a != y->a ? (x->a < y->a ? -1 : 1) : (x->b > y->b) - (x->b < y->b);
}

static agop_status cluster(making *m)
{
    agop__edge *edge = agop__malloc(m->pairs, sizeof *edge);
    agop__graph g    = {.nodes = m->nodes, .edges = m->pairs, .edge = edge};
    agop_status st;

    m->community = agop__malloc(m->nodes, sizeof *m->community);
    if (!edge || !m->community) {
        free(edge);
        return agop__fail_memory(&m->ctx->err, 24.0 * (double)m->pairs, "the graph of programs");
    }
    for (int64_t i = 0; i < m->pairs; i++) {
        int64_t a = m->node[m->pair[i].a], b = m->node[m->pair[i].b];
        edge[i] = (agop__edge){.a = a < b ? a : b, .b = a < b ? b : a, .weight = m->pair[i].score};
    }
    qsort(edge, (size_t)m->pairs, sizeof *edge, by_ends);
    st = agop__communities(m->community, m->ctx, &g, m->plan.resolution, m->plan.seed);
    free(edge);
    return st;
}

/* ---- members ---- */

/* By the leading eigenvector of the signed scores, each row of which is divided by its sum: the strongest member of
 * each program begins as 1, and one step is half of what a member was and half of what its partners say. Where all
 * scores are positive, so are all members. */
static agop_status sign_members(making *m, const int64_t *strongest)
{
    enum { STEPS = 100 }; /* more than any two members are apart */
    double *v = agop__calloc(2 * m->nodes, sizeof *v), *next = v ? v + m->nodes : NULL;

    if (!v)
        return agop__fail_memory(&m->ctx->err, 16.0 * (double)m->nodes, "signs");
    for (int64_t i = 0; i < m->nodes; i++)
        v[i] = strongest[m->community[i]] == i;
    for (int step = 0; step < STEPS; step++) {
        memcpy(next, v, (size_t)m->nodes * sizeof *v);
        for (int64_t i = 0; i < m->pairs; i++) {
            int64_t a = m->node[m->pair[i].a], b = m->node[m->pair[i].b];
            double  w = m->pair[i].spearman < 0 ? -m->pair[i].score : m->pair[i].score;
            if (m->community[a] != m->community[b])
                continue;
            next[a] += w * v[b] / m->member[a].within;
            next[b] += w * v[a] / m->member[b].within;
        }
        for (int64_t i = 0; i < m->nodes; i++)
            v[i] = next[i] / 2;
    }
    for (int64_t i = 0; i < m->nodes; i++)
        m->member[i].sign = v[i] < 0 ? -1 : 1;
    free(v);
    return AGOP_OK;
}


static void count_partners(making *m)
{
    for (int64_t i = 0; i < m->nodes; i++)
        m->member[i] = (member){.node = i, .group = m->community[i]};
    for (int64_t i = 0; i < m->pairs; i++) {
        member *a = &m->member[m->node[m->pair[i].a]], *b = &m->member[m->node[m->pair[i].b]];
        if (a->group != b->group)
            continue;
        a->within += m->pair[i].score;
        b->within += m->pair[i].score;
        a->partners++;
        b->partners++;
    }
}

static agop_status know_members(making *m)
{
    int64_t    *strongest = agop__malloc(m->nodes, sizeof *strongest);
    agop_status st;

    m->member = agop__malloc(m->nodes, sizeof *m->member);
    if (!strongest || !m->member) {
        st = agop__fail_memory(&m->ctx->err, 48.0 * (double)m->nodes, "programs");
        goto done;
    }
    count_partners(m);
    for (int64_t i = 0; i < m->nodes; i++)
        strongest[i] = -1;
    for (int64_t i = 0; i < m->nodes; i++) {
        int64_t *s = &strongest[m->community[i]];
        if (*s < 0 || m->member[i].within > m->member[*s].within)
            *s = i;
    }
    st = sign_members(m, strongest);
done:
    free(strongest);
    return st;
}

/* ---- programs ---- */

static int by_group(const void *p, const void *q)
{
    const member *a = p, *b = q;

    if (a->group != b->group)
        return a->group < b->group ? -1 : 1;
    if (a->within != b->within)
        return a->within > b->within ? -1 : 1;
    return (a->node > b->node) - (a->node < b->node);
}

static int by_size(const void *p, const void *q)
{
    const group *a = p, *b = q;

    if (a->members != b->members)
        return a->members > b->members ? -1 : 1;
    if (a->strength != b->strength)
        return a->strength > b->strength ? -1 : 1;
    return (a->first > b->first) - (a->first < b->first);
}

/* Groups of members that are large enough, the largest first. */
static int64_t list_groups(group *out, making *m)
{
    int64_t groups = 0;

    qsort(m->member, (size_t)m->nodes, sizeof *m->member, by_group);
    for (int64_t first = 0, next; first < m->nodes; first = next) {
        double  sum = 0;
        int64_t partners = 0;
        for (next = first; next < m->nodes && m->member[next].group == m->member[first].group; next++) {
            sum += m->member[next].within;
            partners += m->member[next].partners;
        }
        if (next - first >= m->plan.least)
            out[groups++] = (group){.first = first, .members = next - first,
                                    .strength = partners ? sum / (double)partners : 0};
    }
    qsort(out, (size_t)groups, sizeof *out, by_size);
    return groups;
}

static void fill(agop_programs *p, const making *m, const group *g)
{
    int64_t at = 0;

    for (int64_t k = 0; k < p->count; k++) {
        p->program[k] = (agop_program){.members = g[k].members, .member = p->member + at, .within = p->within + at,
                                       .sign = p->sign + at, .strength = g[k].strength};
        for (int64_t i = 0; i < g[k].members; i++, at++) {
            const member *one = &m->member[g[k].first + i];
            p->member[at] = m->variable[one->node];
            p->within[at] = one->within;
            p->sign[at]   = one->sign;
        }
    }
}

static agop_status make_programs(agop_programs *p, making *m)
{
    group *g = agop__malloc(m->nodes, sizeof *g);

    p->program = agop__malloc(m->nodes, sizeof *p->program);
    p->member  = agop__malloc(m->nodes, sizeof *p->member);
    p->within  = agop__malloc(m->nodes, sizeof *p->within);
    p->sign    = agop__malloc(m->nodes, sizeof *p->sign);
    if (!g || !p->program || !p->member || !p->within || !p->sign) {
        free(g);
        return agop__fail_memory(&m->ctx->err, 88.0 * (double)m->nodes, "programs");
    }
    p->count = list_groups(g, m);
    fill(p, m, g);
    free(g);
    return AGOP_OK;
}

/* ---- public ---- */

agop_status agop_ids_programs(agop_programs **out, agop_ctx *ctx, const agop_ids *d, const agop_settings *s)
{
    making         m = {.ctx = ctx, .d = d, .plan = plan_of(d, s), .variables = agop_ids_variables(d, 0)};
    agop_programs *p = agop__calloc(1, sizeof *p);
    agop_status    st;

    *out = NULL;
    if (!p)
        return agop__fail_memory(&ctx->err, 0, "programs");
    p->d = d;
    if (!d->self) {
        st = agop__fail(&ctx->err, AGOP_E_PARAM,
                        "programs are made of one table against itself: leave the other table, or the target, away");
        goto done;
    }
    TRY(strongest_pairs(&m));
    TRY(choose_edges(&m));
    TRY(number_nodes(&m));
    TRY(cluster(&m));
    TRY(know_members(&m));
    TRY(make_programs(p, &m));
    *out = p;
    p    = NULL;
done:
    free(m.pair);
    free(m.node);
    free(m.variable);
    free(m.community);
    free(m.member);
    agop_programs_free(p);
    return st;
}

int64_t agop_programs_count(const agop_programs *p)
{
    return p->count;
}

agop_program agop_programs_at(const agop_programs *p, int64_t program)
{
    return p->program[program];
}

void agop_programs_free(agop_programs *p)
{
    if (!p)
        return;
    free(p->program);
    free(p->member);
    free(p->within);
    free(p->sign);
    free(p);
}
