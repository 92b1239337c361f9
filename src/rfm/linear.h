/* linear.h - what every answer is measured against: a constant, and a ridge regression on the encoded columns.
 *
 * A design is encoded rows as a plain matrix X: z-scores of the numeric columns, indicators of missing cells, one-hot
 * categories. With X and Y centred, a ridge regression is
 *     slope = (X'WX + ridge I)^-1 X'WY          (coordinates x coordinates)
 *           = X'W^(1/2) (W^(1/2) X X' W^(1/2) + ridge I)^-1 W^(1/2) Y      (rows x rows)
 * of which the smaller system is solved. The ridge is the one of a grid whose leave-one-out residuals are smallest:
 *     e_i = (y_i - f(x_i)) / (1 - h_i),   h_i = w_i / sum_j w_j + sum_k z_ik^2 / (s_k + ridge),
 * z the rows in the eigenvectors of the system and s its eigenvalues. */
#ifndef AGOP_RFM_LINEAR_H
#define AGOP_RFM_LINEAR_H

#include "rfm/target.h"

enum { AGOP__LINEAR_ROWS = 20000 }; /* more rows than that are not worth their time to a linear model */

typedef struct agop__design {
    const agop__schema *schema;
    const void         *x;    /* rows x schema.numeric, borrowed, as is the next */
    const int32_t      *code; /* rows x schema.groups */
    int32_t             dtype;
    int64_t             n, step; /* rows 0, step, 2 step, ... of x: n of them */
    int64_t             values, e; /* coordinates of numeric columns, and all */
    int64_t            *from;  /* numeric coordinate of each value */
    double             *times; /* what multiplies it */
    int64_t            *group, *level; /* of each one-hot coordinate, by its number less `values` */
    double              height;
} agop__design;

/* normal_scores 0: the rank-based copies of the columns are left out, and the columns are in standard deviations. 1:
 * all coordinates, as the kernel sees them. */
agop_status agop__design_open(agop__design *out, agop_ctx *ctx, const agop__schema *s, int normal_scores);
void        agop__design_close(agop__design *d);
void        agop__design_rows(agop__design *d, const void *x, const int32_t *code, int32_t dtype, int64_t n);
/* out (rows x cols) = X[first + i][col + j] */
void agop__design_take(double *out, const agop__design *d, int64_t first, int64_t rows, int64_t col, int64_t cols);

typedef struct agop__linear {
    int64_t c, rows; /* outputs; rows it was learned on */
    double  ridge;
    double *shift; /* c means of Y: what a constant answers */
    double *mean;  /* e means of X */
    double *slope; /* e x c */
} agop__linear;

/* Y: n x c; weight: n, or NULL. ridge < 0: it is chosen. */
agop_status agop__linear_learn(agop__linear *out, agop_ctx *ctx, const agop__design *d, const double *Y, int64_t c,
                               const double *weight, double ridge);
void        agop__linear_free(agop__linear *l);
/* out: n x c, for the rows of d. */
agop_status agop__linear_apply(double *out, agop_ctx *ctx, const agop__linear *l, const agop__design *d);
void        agop__linear_constant(double *out, const agop__linear *l, int64_t n);

#endif
