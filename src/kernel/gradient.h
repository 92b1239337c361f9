/* gradient.h - the average gradient outer product of a kernel machine.
 *
 * f_o(x) = sum_j alpha_jo k(x, z_j);  AGOP = sum_i w_i sum_o grad f_o(x_i) grad f_o(x_i)' / sum_i w_i
 * (Radhakrishnan et al., Science 383, 2024, eq. 3), block by block as the metric is. With centred gradients the outer
 * product of the mean gradient is taken away. */
#ifndef AGOP_KERNEL_GRADIENT_H
#define AGOP_KERNEL_GRADIENT_H

#include "kernel/metric.h"

/* m: the metric that `map` was made of; out has its shape. x: where gradients are taken; weight: x.u.rows host numbers
 * or NULL. alpha: z.u.rows x c, dtype of the map. started: for progress. AGOP_E_STOPPED when the caller asks to
 * stop. */
agop_status agop__average_gradient(agop__metric *out, const agop__map *map, const agop__metric *m, double height,
                                   const agop__points *x, const double *weight, const agop__points *z,
                                   const agop__tile *alpha, int centre, double started);

#endif
