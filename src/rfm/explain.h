/* explain.h - rows of a table as questions to the leaves of a model. Private to this folder. */
#ifndef AGOP_RFM_EXPLAIN_H
#define AGOP_RFM_EXPLAIN_H

#include "rfm/model.h"

/* Row `row` asks leaf `leaf` about output `output`; the answer counts so much. */
typedef struct agop__question {
    int64_t leaf, output, row;
    double  weight;
} agop__question;

typedef struct agop__questions {
    agop_ctx         *ctx;
    const agop_model *m;
    int64_t           rows, count;
    void             *x;    /* rows x numeric, encoded */
    int32_t          *code; /* rows x groups */
    agop__question   *ask;  /* count, by leaf, then output, then row */
} agop__questions;

/* Encode all rows of t and find whom they ask. output: as in agop.h. */
agop_status agop__questions_make(agop__questions *out, agop_ctx *ctx, const agop_model *m, const agop_table *t,
                                 const int64_t *output);
void        agop__questions_free(agop__questions *q);
/* Questions from number `first` on that are about one leaf and one output: how many. */
int64_t     agop__questions_alike(const agop__questions *q, int64_t first);
/* Rows of `n` questions, one below the other. */
void        agop__questions_rows(void *x, int32_t *code, const agop__questions *q, const agop__question *ask,
                                 int64_t n);

/* explain.c: target `output`, or a class's score: offset + sum_o weight_o y_o over the outputs. */
agop_status agop__output_weights(double *offset, double *weight, agop_ctx *ctx, const agop__target *g,
                                 int64_t output);

#endif
