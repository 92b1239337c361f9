/* model.h - what a fit leaves behind: the schema, the target, the centres, alpha, the metric, the AGOP, the report. */
#ifndef AGOP_RFM_MODEL_H
#define AGOP_RFM_MODEL_H

#include "kernel/metric.h"
#include "rfm/curve.h"
#include "rfm/interval.h"
#include "rfm/target.h"
#include "table/table.h"

/* One kernel machine on the centres of a leaf. */
typedef struct agop__member {
    agop__shape  shape;  /* kernel, exponent, bandwidth, height of one-hot coordinates */
    double       ridge;
    double       weight; /* in the sum of the members */
    double      *alpha;  /* n x target.outputs */
    agop__metric metric; /* of the kernel */
    agop__curve *curve;  /* one per target column, where it learned another function of the target; or NULL */
} agop__member;

/* The whole model, or one leaf of a tree: kernel machines on the same centres, whose weighted sum is the answer. */
typedef struct agop__leaf {
    int64_t       n;    /* centres */
    void         *x;    /* n x schema.numeric */
    int32_t      *code; /* n x schema.groups */
    int64_t      *row;  /* n: the centres in the training table, from 0; NULL: not known, as in files of version 0.1 */
    int64_t       members;
    agop__member *member;
} agop__leaf;
void agop__member_free(agop__member *member);
void agop__leaf_free(agop__leaf *leaf);

/* A split of the rows, v'x <= threshold to the left. A child is a node, or leaf -1 - child. */
typedef struct agop__node {
    double  threshold;
    double  scale; /* inter-quartile range of v'x over the node's rows, in which soft routing counts */
    int64_t left, right;
} agop__node;

/* One or several trees over the leaves of a model (xRFM, arXiv 2508.10053). None: one leaf. */
typedef struct agop__tree {
    int64_t     nodes, trees, width; /* width: coordinates of a direction, numeric ones and then levels of groups */
    agop__node *node;
    double     *direction;   /* nodes x width */
    int64_t    *root;        /* one per tree: a node, or leaf -1 - root */
    double      temperature; /* 0: every row goes to one leaf of each tree */
    int64_t     most;        /* leaves of one tree that a row is given to, at most */
} agop__tree;
void agop__tree_free(agop__tree *t);

struct agop_model {
    agop__schema schema;
    agop__target target;
    char        *weights;   /* name of the weight column, or "" */
    int32_t      dtype;     /* of x, and of the arithmetic of predictions */
    int64_t      leaves;
    agop__leaf  *leaf;
    agop__tree   tree;      /* who is asked for which row */
    agop__metric agop;      /* average gradient outer product of the fitted function, in the metric's coordinates */
    agop__intervals intervals;
    agop__leaf   scale;     /* of local intervals: log s of each target; n 0: there are none */
    int          stopped;
    char        *info;      /* the report: JSON text */
    char       **feature;   /* names of all features */
};

/* Names of the features, once the schema is there. */
agop_status agop__model_name_features(agop_model *m, agop__err *e);

/* features.c: the top of a symmetric matrix A (n x n): eigenvalues w and rows of V, largest first. */
agop_status agop__top_vectors(double *w, double *V, agop_ctx *ctx, const double *A, int64_t n, int64_t top);

/* Predictions of encoded rows: out is m x outputs. */
typedef struct agop__ready { /* one member */
    agop__map    map;
    agop__points centres;
    agop__tile   alpha;
} agop__ready;
typedef struct agop__machine {
    agop_ctx         *ctx;
    const agop_model *m;
    const agop__leaf *leaf;
    agop__ready      *ready; /* one per member */
} agop__machine;
agop_status agop__machine_open(agop__machine *out, agop_ctx *ctx, const agop_model *m, const agop__leaf *leaf);
agop_status agop__machine_apply(double *out, agop__machine *k, const void *x, const int32_t *code, int64_t rows);
void        agop__machine_close(agop__machine *k);

/* ---- route.c ---- */

/* Of one encoded row: the leaves that are asked, and with which weight; the weights sum to 1. `most` x trees entries of
 * room. Returns how many. */
typedef struct agop__share {
    int64_t leaf;
    double  weight;
} agop__share;
int64_t agop__route(agop__share *out, const agop_model *m, const void *x, const int32_t *code, double temperature);
/* v'x of one encoded row. */
double agop__project(const double *v, const agop__schema *s, int32_t dtype, const void *x, const int32_t *code);
/* Outputs (rows x outputs) of encoded rows: each row's leaves, weighted. machines: one per leaf, open. rows is a
 * multiple of `group`, and a row's result does not depend, to the last bit, on which other rows come with it. */
agop_status agop__ask(double *out, agop_ctx *ctx, const agop_model *m, agop__machine *machines, const void *x,
                      const int32_t *code, int64_t rows, int64_t group);

/* Rows of a table -> numbers or probabilities (rows x width), block by block, and what the machine of local intervals
 * says (rows x targets), or NULL. unseen and progress are told. */
agop_status agop__predict_rows(double *out, double *log_s, agop_ctx *ctx, const agop_model *m, const agop_table *t);

/* Bytes of one element. */
static inline size_t agop__element(int32_t dtype)
{
    return dtype == AGOP_F32 ? 4 : 8;
}

#endif
