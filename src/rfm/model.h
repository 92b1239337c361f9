/* model.h - what a fit leaves behind: the schema, the target, the centres, alpha, the metric, the AGOP, the report. */
#ifndef AGOP_RFM_MODEL_H
#define AGOP_RFM_MODEL_H

#include "kernel/metric.h"
#include "rfm/target.h"
#include "table/table.h"

struct agop_model {
    agop__schema schema;
    agop__target target;
    char        *weights;   /* name of the weight column, or "" */
    agop__shape  shape;     /* kernel, exponent, bandwidth, height of one-hot coordinates */
    double       ridge;
    int32_t      dtype;     /* of x, and of the arithmetic of predictions */
    int64_t      n;         /* centres */
    void        *x;         /* n x schema.numeric */
    int32_t     *code;      /* n x schema.groups */
    double      *alpha;     /* n x target.outputs */
    agop__metric metric;    /* of the kernel */
    agop__metric agop;      /* average gradient outer product of the fitted function, in the metric's coordinates */
    int          stopped;
    char        *info;      /* the report: JSON text */
    char       **feature;   /* names of all features */
};

/* Names of the features, once the schema is there. */
agop_status agop__model_name_features(agop_model *m, agop__err *e);

/* Predictions of encoded rows: out is m x outputs. */
typedef struct agop__machine {
    const agop_model *m;
    agop__map         map;
    agop__points      centres;
    agop__tile        alpha;
} agop__machine;
agop_status agop__machine_open(agop__machine *out, agop_ctx *ctx, const agop_model *m);
agop_status agop__machine_apply(double *out, agop__machine *k, const void *x, const int32_t *code, int64_t rows);
void        agop__machine_close(agop__machine *k);

/* Rows of a table -> numbers or probabilities (rows x width), block by block. unseen and progress are told. */
agop_status agop__predict_rows(double *out, agop_ctx *ctx, const agop_model *m, const agop_table *t);

/* Bytes of one element. */
static inline size_t agop__element(int32_t dtype)
{
    return dtype == AGOP_F32 ? 4 : 8;
}

#endif
