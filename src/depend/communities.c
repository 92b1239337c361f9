/* communities.c - all that is known of igraph. Its random numbers and its handlers of errors belong to the process, and
 * Debian's build of it is not made for threads: so one call at a time, under a lock, and what was there before is put
 * back. Errors come back as codes; nothing is printed. */
#include "depend/communities.h"

#include <string.h>

#include "base/memory.h"

#ifdef AGOP_HAVE_IGRAPH
#include <igraph.h>
#include <pthread.h>

static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;

enum { MOST_ROUNDS = 100 }; /* two or three suffice nearly always */

/* What belonged to the process before. */
typedef struct taken {
    igraph_rng_t                   rng, before, *at; /* ours; what stood at the place of the default one */
    igraph_error_handler_t        *error;
    igraph_warning_handler_t      *warning;
    igraph_interruption_handler_t *interruption;
} taken;

/* A graph as igraph wants it, and where its nodes are. */
typedef struct held {
    igraph_t            graph;
    igraph_vector_int_t ends, community, last;
    igraph_vector_t     weight, degree;
    int                 made; /* so many of these five vectors; 6: the graph, too */
} held;

static agop_status told(igraph_error_t code, agop__err *e)
{
    if (code == IGRAPH_SUCCESS)
        return AGOP_OK;
    if (code == IGRAPH_ENOMEM)
        return agop__fail_memory(e, 0, "the graph of programs");
    return agop__fail(e, AGOP_E_BUG, "igraph could not cluster the graph: %s", igraph_strerror(code));
}

static agop_status take(taken *t, uint64_t seed, agop__err *e)
{
    agop_status st;

    pthread_mutex_lock(&one_at_a_time);
    t->error        = igraph_set_error_handler(igraph_error_handler_ignore);
    t->warning      = igraph_set_warning_handler(igraph_warning_handler_ignore);
    t->interruption = igraph_set_interruption_handler(NULL);
    t->at           = igraph_rng_default();
    t->before       = *t->at;
    TRY(told(igraph_rng_init(&t->rng, &igraph_rngtype_mt19937), e));
    st = told(igraph_rng_seed(&t->rng, (igraph_uint_t)seed), e);
    igraph_rng_set_default(&t->rng);
done:
    return st;
}

static void give_back(taken *t)
{
    if (t->rng.state) { /* older igraphs copy the default generator, later ones point to it */
        igraph_rng_set_default(igraph_rng_default() == t->at ? &t->before : t->at);
        igraph_rng_destroy(&t->rng);
    }
    igraph_set_interruption_handler(t->interruption);
    igraph_set_warning_handler(t->warning);
    igraph_set_error_handler(t->error);
    pthread_mutex_unlock(&one_at_a_time);
}

static agop_status make_vectors(held *h, const agop__graph *g, agop__err *e)
{
    agop_status st;

    TRY(told(igraph_vector_int_init(&h->ends, 2 * g->edges), e));
    h->made++;
    TRY(told(igraph_vector_int_init(&h->community, g->nodes), e));
    h->made++;
    TRY(told(igraph_vector_int_init(&h->last, g->nodes), e));
    h->made++;
    TRY(told(igraph_vector_init(&h->weight, g->edges), e));
    h->made++;
    TRY(told(igraph_vector_init(&h->degree, g->nodes), e));
    h->made++;
done:
    return st;
}

static agop_status hold(held *h, double *total, const agop__graph *g, agop__err *e)
{
    agop_status st;

    TRY(make_vectors(h, g, e));
    for (int64_t i = 0; i < g->edges; i++) {
        const agop__edge *one = &g->edge[i];
        VECTOR(h->ends)[2 * i]     = one->a;
        VECTOR(h->ends)[2 * i + 1] = one->b;
        VECTOR(h->weight)[i]       = one->weight;
        VECTOR(h->degree)[one->a] += one->weight;
        VECTOR(h->degree)[one->b] += one->weight;
        *total += one->weight;
    }
    for (int64_t i = 0; i < g->nodes; i++)
        VECTOR(h->community)[i] = i;
    TRY(told(igraph_create(&h->graph, &h->ends, g->nodes, IGRAPH_UNDIRECTED), e));
    h->made++;
done:
    return st;
}

static void release(held *h)
{
    if (h->made > 5)
        igraph_destroy(&h->graph);
    if (h->made > 4)
        igraph_vector_destroy(&h->degree);
    if (h->made > 3)
        igraph_vector_destroy(&h->weight);
    if (h->made > 2)
        igraph_vector_int_destroy(&h->last);
    if (h->made > 1)
        igraph_vector_int_destroy(&h->community);
    if (h->made > 0)
        igraph_vector_int_destroy(&h->ends);
}

/* Rounds until nothing moves: between them the caller may stop. */
static agop_status rounds(held *h, agop_ctx *ctx, double resolution, double total)
{
    double           started = agop__now();
    igraph_integer_t count;
    agop_status      st = AGOP_OK;

    for (int round = 0; round < MOST_ROUNDS; round++) {
        if (agop__tell(ctx, "programs", round, 0, started, NULL))
            return agop__fail(&ctx->err, AGOP_E_STOPPED, "stopped before there were programs");
        TRY(told(igraph_vector_int_update(&h->last, &h->community), &ctx->err));
        TRY(told(igraph_community_leiden(&h->graph, &h->weight, &h->degree, resolution / (2 * total), 0.01, 1, 1,
                                         &h->community, &count, NULL), &ctx->err));
        if (round > 0 && igraph_vector_int_all_e(&h->last, &h->community))
            break;
    }
done:
    return st;
}

agop_status agop__communities(int64_t *community, agop_ctx *ctx, const agop__graph *g, double resolution,
                              uint64_t seed)
{
    double      total = 0;
    held        h     = {.made = 0};
    taken       t     = {.at = NULL};
    agop_status st;

    if (g->edges == 0) {
        for (int64_t i = 0; i < g->nodes; i++)
            community[i] = i;
        return AGOP_OK;
    }
    TRY(take(&t, seed, &ctx->err));
    TRY(hold(&h, &total, g, &ctx->err));
    TRY(rounds(&h, ctx, resolution, total));
    for (int64_t i = 0; i < g->nodes; i++)
        community[i] = VECTOR(h.community)[i];
done:
    release(&h);
    give_back(&t);
    return st;
}

#else

agop_status agop__communities(int64_t *community, agop_ctx *ctx, const agop__graph *g, double resolution,
                              uint64_t seed)
{
    (void)community, (void)g, (void)resolution, (void)seed;
    return agop__fail(&ctx->err, AGOP_E_UNSUPPORTED, "programs need igraph, which this build is without: install it "
                      "(on Debian and Ubuntu: libigraph-dev) and build again with AGOP_IGRAPH=ON");
}

#endif
