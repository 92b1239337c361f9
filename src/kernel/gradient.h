/* gradient.h - the average gradient outer product of a kernel machine.
 *
 * f_o(x) = sum_j alpha_jo k(x, z_j);  AGOP = sum_i w_i sum_o grad f_o(x_i) grad f_o(x_i)' / sum_i w_i
 * (Radhakrishnan et al., Science 383, 2024, eq. 3), block by block as the metric is. With centred gradients the outer
 * product of the mean gradient is taken away.
 *
 * Two routes to the same numbers: gradients (gradient.c) and Gram (gram.c). Which is cheaper depends on how many rows,
 * coordinates and outputs there are; see agop__route_choose. Both have large products that may be taken in bf16 on
 * matrix units; whether they are is settled in units.c. */
#ifndef AGOP_KERNEL_GRADIENT_H
#define AGOP_KERNEL_GRADIENT_H

#include "kernel/metric.h"

enum { AGOP__ROUTE_AUTO, AGOP__ROUTE_GRADIENTS, AGOP__ROUTE_GRAM, AGOP__ROUTE_DUAL };

enum { AGOP__UNITS_AUTO, AGOP__UNITS_OFF, AGOP__UNITS_ON };
#define AGOP__UNITS_BYTES 96e6 /* the library, its code for this machine, operands in bf16 */

typedef struct agop__average {
    const agop__map    *map;
    const agop__metric *metric; /* that the map was made of */
    double              height; /* of one-hot coordinates */
    const agop__points *x;      /* m rows, where gradients are taken */
    const double       *weight; /* m host numbers, or NULL */
    const agop__points *z;      /* n centres */
    const agop__tile   *alpha;  /* n x c, dtype of the map */
    const agop__tile   *K;      /* lower triangle of k(z,z), x being the first rows of z; or NULL */
    const double       *slope;  /* m x c host numbers that gradients are multiplied by (mixtures only), or NULL */
    int                 centre;
    int                 route;   /* auto, or the one to take; afterwards the one that was taken */
    int                 units;   /* auto, off or on; afterwards off or on */
    int64_t             memory;  /* what the process may hold, in bytes; 0: not limited */
    double              started; /* for progress */
} agop__average;

/* The kernel of the map, with K where that can be used. */
static inline agop__kernel agop__known_kernel(const agop__average *a)
{
    agop__kernel k = a->map->kernel;
    k.known        = k.kind == AGOP__L2 && k.exponent >= .5 ? a->K : NULL;
    return k;
}

/* out has the metric's shape. AGOP_E_STOPPED when the caller asks to stop; AGOP_E_NOMEM when the Gram route was asked
 * for and does not fit. Only l2 has a Gram route: the weights of others differ from column to column. */
agop_status agop__average_gradient(agop__metric *out, agop__average *a);

/* mixture.c: the same for the sum of `count` machines with weights, none of them thin, on the same rows x; out is full
 * or diagonal. Weights of rows, and whether gradients are centred, are those of the first. */
agop_status agop__average_mixture(agop__metric *out, agop__average *const *a, const double *weight, int64_t count,
                                  int diagonal);

/* The cheaper route for gradients at m rows of a machine of n centres, e coordinates, c outputs; and what each costs,
 * in flops of a large matrix product. units: 1 on matrix units. */
int    agop__route_choose(int64_t m, int64_t n, int64_t e, int64_t c, int units);
double agop__route_cost(int route, int64_t m, int64_t n, int64_t e, int64_t c, int units);

/* What both routes fill, in the mapped coordinates. */
typedef struct agop__sums {
    agop__metric outer;  /* sum of w_i g g', shaped like the metric: full blocks, or diagonals */
    double      *mean;   /* sum of w_i g: outputs x coordinates; NULL when gradients are not centred */
    double       weight; /* sum of w_i */
    double       cancelled; /* Gram route: trace of Z' D Z, of which `outer` is what is left after subtraction */
} agop__sums;

/* units.c, in this order: a->units becomes on or off, off where `auto` cannot pay or finds none; AGOP_E_UNSUPPORTED
 * where `on` finds none. Then, where it was `auto` and the route is known: off, if a trial shows a loss of accuracy. */
agop_status agop__units_begin(agop__average *a, int64_t e);
agop_status agop__units_try(agop__average *a, int64_t e);
/* gram.c: by the n x n matrix S, never forming a gradient. */
agop_status agop__gram_sums(agop__sums *s, const agop__average *a);
/* Bytes that it holds at once. */
double agop__gram_bytes(int64_t m, int64_t n, int64_t e, int32_t dtype);
/* gradient.c: sums by the route in `a`, or the cheaper one; s->outer decides the shape. */
agop_status agop__average_sums(agop__sums *s, agop__average *a);
void        agop__average_divide(agop__sums *s, int64_t outputs);
/* One group's block, from the backend's coordinates to those of the levels. */
agop_status agop__turn_group(agop__metric *out, agop_ctx *ctx, const agop__metric *m, int32_t b, double height,
                             int32_t kind, const double *A);
/* What it turns with: height M_b for L2 or M_b^(1/2), d x d or the d numbers of a diagonal; free it. */
agop_status agop__group_turn(double **out, agop_ctx *ctx, const agop__metric *m, int32_t b, double height,
                             int32_t kind);
/* dual.c: the same for a thin metric. x must be the first rows of z. */
agop_status agop__average_thin(agop__metric *out, agop__average *a);

#endif
