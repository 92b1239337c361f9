/* communities.h - nodes of a graph in groups that hold together: the Leiden algorithm, by the library igraph. */
#ifndef AGOP_DEPEND_COMMUNITIES_H
#define AGOP_DEPEND_COMMUNITIES_H

#include "base/context.h"

typedef struct agop__edge {
    int64_t a, b;
    double  weight; /* > 0 */
} agop__edge;

typedef struct agop__graph {
    int64_t           nodes, edges;
    const agop__edge *edge;
} agop__graph;

/* community[i], 0 .. of every node, for which sum_ij (w_ij - resolution k_i k_j / 2m) [i and j in one community] is as
 * large as the Leiden algorithm makes it (Traag, Waltman, van Eck, Scientific Reports 9:5233, 2019); k_i: the sum of
 * the weights at node i, m: of all. Same order of nodes and edges, same seed: same communities.
 *   AGOP_E_UNSUPPORTED  built without igraph */
agop_status agop__communities(int64_t *community, agop_ctx *ctx, const agop__graph *g, double resolution,
                              uint64_t seed);

#endif
