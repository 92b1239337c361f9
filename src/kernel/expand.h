/* expand.h - a kernel machine whose categories are coordinates like any other, so that it can be asked about points
 * between levels, and for gradients along them.
 *
 * The distance between two levels comes from one-hot vectors, (e_s - e_t)' M_g (e_s - e_t) h^2: with M_g = L L' they
 * are points h L'e_t, and a mixture of levels with shares p is the point h L'p. Other kernels than l2 see the axes, and
 * take M_g^(1/2) for L: of a diagonal metric, level t is a step in a coordinate of its own. All in double. */
#ifndef AGOP_KERNEL_EXPAND_H
#define AGOP_KERNEL_EXPAND_H

#include "kernel/metric.h"

typedef struct agop__expansion {
    agop__map    map;
    agop__kernel kernel;      /* of the map, without groups */
    int64_t      coordinates; /* map.mapped, then the levels of all groups */
    int          diagonal;
    double     **level;       /* of each group: levels x levels, row t the point of level t; diagonal: levels steps */
} agop__expansion;

agop_status agop__expand(agop__expansion *out, agop_ctx *ctx, const agop__metric *m, const agop__shape *shape);
void        agop__expansion_free(agop__expansion *e);
/* Rows as points: host numbers u, n x coordinates. share: for one row of mixtures, shares of the levels of all groups,
 * in place of codes; else NULL. */
agop_status agop__expand_rows(double *u, const agop__expansion *e, const void *x, int32_t x_dtype, const int32_t *code,
                              const double *share, int64_t n);
/* Of gradients G at n points (n x coordinates) and moves dx (n x numeric) and du (n x coordinates), which
 * is the image of dx: G'du, taken apart into the numeric coordinates of x and the groups, n x (numeric + groups). */
agop_status agop__expand_parts(double *parts, const agop__expansion *e, const double *G, const double *dx,
                               const double *du, int64_t n);

#endif
