/* target.h - what is predicted: numbers as standardised outputs, classes as corners of a simplex; and how good it
 * is. */
#ifndef AGOP_RFM_TARGET_H
#define AGOP_RFM_TARGET_H

#include <jansson.h>

#include "base/settings.h"
#include "table/table.h"

/* Classes. prevalence: with B (K x K-1) an orthonormal basis of the vectors that sum to zero, class k is coded
 * B'(e_k - p), p the class frequencies, so that predicting 0 predicts the frequencies, and squared error in the code is
 * the Brier score. onehot: e_k; two classes need one output, 0 or 1. */
enum { AGOP__CODE_PREVALENCE, AGOP__CODE_ONEHOT };
/* What the outputs of a function are. linear: near the code of the classes; softmax: of logistic regression
 * (logistic.h), in the coordinates of the code `prevalence`. */
enum { AGOP__LINK_LINEAR, AGOP__LINK_SOFTMAX };

typedef struct agop__target {
    int        classification;
    int        is_text;  /* classes: the column holds text */
    int64_t    columns;  /* target columns; 1 for classes */
    char     **name;     /* columns names */
    char      *list;     /* the names joined by commas */
    int64_t    outputs;  /* c */
    double    *mean, *spread; /* regression: output = (y - mean) / spread */
    int        code;
    int        link;     /* of the model; on the way there see agop__fit */
    int        cut;      /* two classes: the second is the answer from `threshold` on; 0: the likelier one is */
    double     threshold;
    agop__dict classes;  /* in rising order */
    double    *prior;    /* class frequencies */
    int        mapped;   /* linear link: the map of agop__target_map follows */
    double     map[2];
} agop__target;

/* Settle task, classes and scaling from the target columns of t. *keep (malloc'd, rows(t)) tells the rows
 * that have a target; the others are left out with a note. weight: rows(t), or NULL. */
agop_status agop__target_learn(agop__target *out, char **keep, agop_ctx *ctx, const agop_table *t,
                               const agop_settings *s, const double *weight);
void        agop__target_free(agop__target *g);

/* What is true of row i: `columns` numbers, or the class number. AGOP_E_DATA when the column is missing or mistyped; a
 * missing cell gives NaN; a class that fit never saw gives -1. Fills truth[row * columns ..] for all rows of t. */
agop_status agop__target_truth(double *truth, const agop__target *g, agop_ctx *ctx, const agop_table *t);
int         agop__target_known(const agop__target *g, const double *truth); /* of one row: is nothing missing? */
/* One row: truth -> outputs; outputs -> predicted numbers, or -> probabilities of all classes (by the link; those of a
 * linear one are clipped to [.001, .999] and normalised, as xRFM does, then mapped). */
void agop__target_encode(double *y, const agop__target *g, const double *truth);
void agop__target_values(double *values, const agop__target *g, const double *y);
void agop__target_probabilities(double *p, const agop__target *g, const double *y);
/* Probabilities p of one row (all above 0) <- p^a exp(b p), normalised; map is (a, b). See calibrate.c. */
void agop__target_map(double *p, int64_t classes, const double *map);
/* The class that is answered, from the probabilities. */
int64_t agop__target_decide(const agop__target *g, const double *p);
/* Of outputs: target column k, or class k before its probability is clipped; linear in y but for a constant. */
double  agop__target_score(const agop__target *g, const double *y, int64_t k);
int64_t agop__target_width(const agop__target *g); /* columns, or the number of classes */

agop_status agop__target_to_json(json_t **out, const agop__target *g, agop__err *e);
agop_status agop__target_from_json(agop__target *out, const json_t *j, agop__err *e);

/* ---- how good ---- */

/* predicted: rows x width (numbers or probabilities); truth: rows x columns. Unknown classes count as wrong. */
typedef struct agop__scores {
    double r2, rmse, mae, mse;                       /* means over targets */
    double accuracy, log_loss, brier, ece, auc, f1;
    double own, own_loss;                            /* by the caller's function, where it was asked */
    int    asked;
    double level, coverage, width;                   /* of intervals, means over targets; level 0: not looked at */
    double size;                                     /* of classes: of the sets, mean over rows */
    double *target_r2, *target_rmse, *target_mae;    /* columns each; malloc'd; regression with several targets */
    double *target_coverage, *target_width;
} agop__scores;
agop_status agop__scores_make(agop__scores *out, const agop__target *g, const double *predicted, const double *truth,
                              const double *weight, int64_t rows, agop__err *e);
/* The same, and if `name` says so, the caller's function is asked. */
agop_status agop__scores_judge(agop__scores *out, agop_ctx *ctx, const agop__target *g, const char *name,
                               const double *predicted, const double *truth, const double *weight, int64_t rows);
/* Add what intervals predicted +- half (rows x columns) come to. */
void        agop__scores_intervals(agop__scores *out, const agop__target *g, const double *predicted,
                                   const double *half, const double *truth, int64_t rows, double level);
/* The same of sets of classes, member: rows x classes. */
void        agop__scores_sets(agop__scores *out, const agop__target *g, const double *member, const double *truth,
                              int64_t rows, double level);
void        agop__scores_free(agop__scores *s);
agop_status agop__scores_to_json(json_t **out, const agop__scores *s, const agop__target *g, agop__err *e);
/* What one row of classes adds to the scores that are means over rows, and the class that is predicted. */
enum { AGOP__ROW_ACCURACY, AGOP__ROW_LOG_LOSS, AGOP__ROW_BRIER, AGOP__ROW_SCORES };
int64_t agop__score_row(double out[AGOP__ROW_SCORES], const agop__target *g, const double *p, double truth);
/* Area under the ROC curve of `value` for truth 1 against 0; NaN where one of them is missing. */
agop_status agop__area(double *out, const double *value, const double *truth, const double *weight, int64_t rows,
                       agop__err *e);
/* errors.c: {"accuracy": .., ..} or {"r2": .., ..}: standard errors, as if the rows were drawn anew. */
agop_status agop__scores_errors(json_t **out, const agop__target *g, const double *predicted, const double *truth,
                                int64_t rows, agop__err *e);
/* The name that "auto" stands for, and the score as a loss: smaller is better. */
const char *agop__score_name(const agop__target *g, const agop_settings *s);
int         agop__score_looks(const char *name); /* agop_auc, agop_pearson, agop_r2: at directions, not predictions */
double      agop__score_loss(const agop__scores *s, const char *name);
double      agop__score_value(const agop__scores *s, const char *name);
agop_status agop__score_check(const agop__target *g, const char *name, agop__err *e);

#endif
