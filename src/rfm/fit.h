/* fit.h - a fit under way: rows in one order, the plan, what has been tried, the best so far. Private to this
 * folder. */
#ifndef AGOP_RFM_FIT_H
#define AGOP_RFM_FIT_H

#include "kernel/gradient.h"
#include "rfm/curve.h"
#include "rfm/model.h"
#include "solve/solve.h"

/* Where the encoded rows of a tree come from; the tables are borrowed. */
typedef struct agop__origin {
    const agop_table *train, *valid;
    int64_t          *row; /* rows.total: of train, and from rows.n on of valid */
} agop__origin;

/* Encoded rows in one fixed, random (for classes: stratified) order, so that every subset used is a range:
 *   0 .. learn-1            the metric is learned on these
 *   judge .. judge+judges-1 they judge iterations; in the training rows (halves, holdout) or behind them (a
 *                           validation table)
 *   0 .. n-1                the last solve takes all of them
 * A tree has no encoded rows, nor outputs, of its own: x, code and Y are NULL, and rows.c makes those that are asked
 * for from `origin`. */
typedef struct agop__rows {
    void    *x;    /* total x numeric */
    int32_t *code; /* total x groups */
    double  *Y;    /* n x outputs */
    double  *truth;  /* total x target columns */
    double  *weight; /* total, or NULL */
    int64_t  n, total, learn, judge, judges;
    int64_t *row;        /* n: where they are in the training table; NULL in a tree, where origin tells it */
    agop__origin origin; /* of a tree */
} agop__rows;

/* Settings with every `auto` resolved. */
typedef struct agop__plan {
    int         tune_ridge;    /* by leave-one-out */
    int         adaptive;      /* bandwidth in medians */
    int         diagonal, centre, last, all_rows;
    int         several;       /* kernels side by side, and the weights of their sum */
    int         divisions;     /* of the rows into halves, each with its machines; 0: as many as the budget allows */
    int         wide_search;   /* over more candidates than the quick two */
    double      budget;        /* seconds for it; 0: as long as it takes */
    int         plain;         /* without the normal scores that the code has */
    int         thin;          /* the dual: no array of coordinates x coordinates */
    int         coarse;        /* the metric is found on few rows first, then on more */
    int         shrink_given;  /* by the caller: the same for every iteration */
    int         logistic;      /* loss of the last solve */
    int         calibrate;     /* probabilities by squared error */
    int32_t     transform;     /* of the target, for every machine; AGOP__PLAIN: wide searches may try others */
    int         transform_given; /* by the caller: no others */
    double      threshold;     /* of two classes; NaN: to be found */
    int         route;         /* of the AGOP: AGOP__ROUTE_... */
    int         units;         /* for the AGOP: AGOP__UNITS_... */
    int64_t     iters;
    double      ridge, bandwidth, shrink, early_stop, time_limit;
    double      unit;          /* sqrt(2) for gaussian: exp(-d^2/(2 L^2)) is the l2 kernel with q = 2 and sqrt(2) L */
    int64_t     memory;
    int64_t     leaf_size, split_rows, trees, tree_iters, most; /* trees of local models */
    double      overlap, temperature;                           /* temperature -1: to be found */
    int         split;                                          /* AGOP__SPLIT_... */
    int         solver;    /* AGOP__SOLVER_... */
    double      tolerance; /* of its residual */
    uint64_t    seed;
    int32_t     dtype;
    const char *score;         /* name of what judges predictions */
    const char *look;          /* agop_auc, ...: of the directions of its AGOP, which judge iterations; or NULL */
    const char *how;           /* "halves", "holdout", "table", "none" */
} agop__plan;

enum { AGOP__SPLIT_AGOP, AGOP__SPLIT_AGOP_RANDOM, AGOP__SPLIT_PCA, AGOP__SPLIT_PCA_RANDOM, AGOP__SPLIT_LINEAR,
       AGOP__SPLIT_FIXED };

enum { AGOP__BY_NOBODY, AGOP__BY_CALLER, AGOP__BY_CLOCK }; /* who stopped a fit */

typedef struct agop__step { /* one iteration of the path */
    int64_t iter;
    int64_t rows;  /* that it was solved on */
    int     tries; /* ridges that were solved for */
    int     route; /* that its AGOP took; 0: none was made */
    int     units; /* 1: its AGOP was taken on matrix units */
    int64_t cg_steps; /* of its solve; 0: solved directly */
    double  ridge, bandwidth, loss, validation; /* validation: the score named in the plan; NaN when nobody judged */
    double  seconds_kernel, seconds_solve, seconds_agop;
} agop__step;

enum { AGOP__MOST_MEMBERS = 32, AGOP__MOST_CANDIDATES = 16 };
/* What may become a machine of a sum. */
typedef struct agop__candidate {
    int32_t kind;
    double  exponent, norm; /* norm: of lpq */
    int     plain;    /* without the normal scores that the code has */
    int     diagonal; /* metric */
    int     shrink;   /* the metric, as the plan says; else not at all */
    int32_t transform; /* of the target */
    double  height;    /* of one-hot coordinates */
} agop__candidate;

typedef struct agop__member_story { /* what is told of one machine that was tried, or is one of several */
    agop__candidate what;
    int             division; /* of the rows into halves */
    int64_t         best_iter;
    double          weight, ridge, bandwidth, validation, seconds;
} agop__member_story;

typedef struct agop__comparison { /* scores of other models on the judged rows */
    agop__scores baseline, linear;
    double       ridge; /* of the linear one */
    int64_t      rows;  /* that both were learned on; 0: nobody judged */
    double      *constant, *line; /* their outputs for rows `first` and on, by models that had not seen them */
    int64_t      first;
} agop__comparison;

typedef struct agop__fit {
    agop_ctx         *ctx;
    const agop__target *target;
    const agop__schema *schema;
    agop__shape       shape; /* bandwidth changes along the path */
    agop__plan        plan;
    agop__rows        rows;
    double            started, work, work_total; /* flops, for progress */
    /* found */
    agop__step  *step;
    int64_t      steps;
    int64_t      best;       /* index of the best step, -1: none yet */
    agop__metric metric;     /* of the best step */
    double      *alpha;      /* of the best step while it stands on `centres` rows; n x outputs at the end */
    int64_t      centres;
    double       ridge;      /* in force for alpha */
    agop__scores scores;     /* of the judged rows at the best step, later of the leave-one-out residuals there */
    const char  *judged_by;  /* how `scores` came about */
    int32_t      arithmetic; /* of the next system: double once single did not suffice */
    double       residual;   /* of the last solve; -1: not looked at */
    int          in_double, refinements, matrix_free; /* of that solve, too */
    int64_t      cg_steps, cg_rank;
    double       seconds_final;
    int          stopped;    /* AGOP__BY_... */
    agop__metric agop;       /* of the fitted function */
    int          metric_only; /* nobody will ask for the coefficients */
    int          logistic;   /* 1: so are coefficients */
    int          link;       /* of the outputs at hand: linear along the path, even if the last solve is logistic */
    double      *honest;     /* outputs for the judged rows by a function that had not seen them: judges x outputs */
    double      *judged;     /* the same for the attempt at hand */
    const agop__transform *transform; /* outputs at hand are of this one's h; NULL: they are those of the model */
    agop__curve *curve;      /* that turned them into those of the model; NULL: nothing had to be turned */
    agop__member_story member[AGOP__MOST_MEMBERS], tried[AGOP__MOST_CANDIDATES];
    int          told, tries; /* of them; 0: there is one machine; nothing was tried beside what is told */
    double       quick;      /* seconds of the machines that every search has */
    const agop__comparison *beside;
    /* as a part of a tree */
    const agop__metric *start;       /* first metric of the path, or NULL: the identity */
    double              from, share; /* of the progress of the whole; share 0: it is the whole */
    const struct agop__grown *tree;  /* of a whole that became a tree */
    int64_t                  *judge_row; /* of that: which rows judged it, rows.judges of them */
    struct agop__span        *span;  /* rows and metrics are in its coordinates for now */
    struct agop__journal     *journal; /* where machines are kept as they come, or NULL */
} agop__fit;

/* Of the rows that judge: what is true of them, judges x target columns, and their weights or NULL. */
static inline const double *agop__judge_truth(const agop__fit *f)
{
    return f->rows.truth + f->rows.judge * f->target->columns;
}
static inline const double *agop__judge_weight(const agop__fit *f)
{
    return f->rows.weight ? f->rows.weight + f->rows.judge : NULL;
}

/* span.c: the rows of a fit in coordinates of their span, while a path goes on there. */
typedef struct agop__span {
    agop__map           map;    /* x -> u; holds B, r x d */
    int64_t             r;
    void               *u, *x;  /* rows in the span, and as they were */
    double             *square; /* of the columns of B, d numbers */
    const agop__schema *full;
    agop__schema        inside; /* the same with r numeric coordinates; borrows all it holds */
} agop__span;
/* Where f has more columns than rows and m is B'B, f and m go over to u = Bx. Else nothing happens. */
agop_status agop__span_enter(agop__fit *f, agop__metric *m);
/* As agop__metric_scale, by the largest entry of the metric of x. */
agop_status agop__span_scale(int *alive, agop__metric *m, const agop__span *s, agop_ctx *ctx);
/* f goes back, and so do f->metric and f->agop if they are of u. */
agop_status agop__span_leave(agop__fit *f);

/* fit.c: how many rows of f->rows learn and which judge; `valid` rows behind the n judge where there are any. */
void agop__fit_divide(agop__fit *f, const agop_settings *s, int64_t valid);
/* A fit of some rows of another: copies of rows index[0 .. n-1], behind them of `valid` judging rows. */
agop_status agop__fit_part(agop__fit *part, const agop__fit *whole, agop_ctx *ctx, const agop_settings *s,
                           const int64_t *index, int64_t n, const int64_t *judges, int64_t valid);
void        agop__fit_free(agop__fit *f);
void        agop__fit_drop(agop__fit *f); /* what was found, not the rows */

/* rows.c: rows index[0 .. n-1] of a tree's fit, encoded, in the order of the tables; use(user, i, ..) is told of row
 * index[i]. */
typedef void agop__row_fn(void *user, int64_t i, const void *x, const int32_t *code);
agop_status  agop__each_row(const agop__fit *f, agop_ctx *ctx, const int64_t *index, int64_t n, agop__row_fn *use,
                            void *user);
/* They become rows first .. first+n-1 of `part`, with all that belongs to them. */
agop_status agop__copy_rows(agop__fit *part, int64_t first, const agop__fit *whole, const int64_t *index, int64_t n);

/* tree.c: what is told of a tree. */
typedef struct agop__leaf_story {
    int64_t rows, best_iter, tree;
    double  ridge, validation, seconds, quick;
    int     units; /* 1: an AGOP was taken on matrix units */
    int     tries; /* candidates that were explored; 0: there was nothing to choose */
} agop__leaf_story;
typedef struct agop__grown {
    int64_t           leaves, depth;
    agop__leaf_story *story; /* one per leaf */
    const agop__tree *tree;
} agop__grown;
/* Grow trees over f->rows, fit every leaf, average their AGOPs into f->agop. */
agop_status agop__tree_fit(agop_model *m, agop__grown *g, agop__fit *f, const agop_settings *s);
void        agop__grown_free(agop__grown *g);
/* split.c: a direction for rows index[0 .. n-1] of f: numeric coordinates, then levels of groups. start: a metric to
 * begin with, or NULL. fixed: the direction of AGOP__SPLIT_FIXED. */
agop_status agop__split_direction(double *v, const agop__fit *f, agop_ctx *ctx, const agop_settings *s,
                                  const int64_t *index, int64_t n, int rule, uint64_t seed, const agop__metric *start,
                                  const double *fixed);

/* search.c: which machines take part in a sum. */
typedef struct agop__entry { /* a candidate, on one division of the rows into halves */
    const agop__candidate *what;
    int                    division;
    agop__fit              fit;
    double                *Y;    /* what its machine learns, if it is another function of the target; n x outputs */
    double                *half; /* outputs for the judged rows by the machine of half of the rows; or NULL */
    double                 seconds, weight;
} agop__entry;
typedef struct agop__search {
    agop__fit           *f;
    const agop_settings *s;
    agop__candidate      candidate[AGOP__MOST_CANDIDATES];
    int                  candidates, base; /* base: so many are finished without a choice */
    agop__entry         *entry; /* AGOP__MOST_MEMBERS of them */
    int                  count;
    int                  divisions;
    int64_t             *order[AGOP__MOST_MEMBERS]; /* of a division: its row i is row order[i] of f; NULL: as in f */
    agop__rows           rows; /* of the division at hand, if it is not the first */
    uint64_t             number; /* of f's rows and plan, for the journal */
    agop__transform     *transform[AGOP__NORMAL + 1]; /* by kind, once there is one */
} agop__search;
/* resume.c: machines in a journal. The number of a fit and that of the rows of one search, of which those of its
 * machines are made; one that has got to a stage is kept, and found again. */
enum { AGOP__EXPLORED, AGOP__FINISHED };
uint64_t    agop__resume_fit(const agop__fit *f, const agop_settings *s);
uint64_t    agop__resume_rows(const agop__fit *f);
void        agop__resume_keep(agop__entry *k, uint64_t rows, int stage);
agop_status agop__resume_find(int *there, agop__entry *k, uint64_t rows, int stage);

/* Fills `entry` with finished machines, the first division first. f->tried is told. */
agop_status agop__search_run(agop__search *e, agop__fit *f, const agop_settings *s);
void        agop__search_free(agop__search *e);

/* stack.c: min |Y - sum_k w_k y_k|^2 over w >= 0, rows x outputs; weight: of the rows, or NULL. */
void agop__sum_weights(double *w, const double *const *y, int count, const double *Y, const double *weight,
                       int64_t rows, int64_t outputs);
/* stack.c: one machine, or several and their weights; they become a leaf, and their story and the AGOP of their sum are
 * left in f. The leaf holds all rows of f, until agop__leaf_trim leaves out those that are no centres. */
agop_status agop__fit_members(agop__leaf *leaf, agop__fit *f, const agop_settings *s);
void        agop__leaf_trim(agop__leaf *leaf, const agop__fit *f);
/* fit.c: encoded outputs that rows first .. first+count-1 should have. */
agop_status agop__fit_truth(double **out, const agop__fit *f, int64_t first, int64_t count);
/* fit.c: rows of numbers order[0 .. n-1], so that every first part is random and holds each class in proportion; truth
 * is that of all row numbers. */
agop_status agop__fit_shuffle(int64_t *order, int64_t n, agop_ctx *ctx, const agop__target *g, const double *truth,
                              uint64_t seed, uint64_t stream);

/* Rows with predictions by a function that had not seen them. */
typedef struct agop__honest {
    int64_t        n;
    const void    *x;    /* n x numeric, of the plan's dtype */
    const int32_t *code;
    const double  *y;     /* n x outputs */
    const double  *truth; /* n x target columns */
    const double  *weight; /* n, or NULL */
} agop__honest;
/* answer.c: what the model answers, once f->agop is there: the map of probabilities and the threshold of its target,
 * f->scores with them, and what intervals and sets need. */
agop_status agop__fit_answers(agop_model *m, agop__fit *f, const agop__honest *h);
/* calibrate.c: the map of g from probabilities p, n x classes, which go through it. */
agop_status agop__calibrate(agop__target *g, double *p, const agop__honest *h, agop__err *e);
/* decide.c: the threshold that does best on probabilities p of two classes; NaN: one of the classes is missing. */
agop_status agop__decide(double *threshold, const char *score, const double *p, const agop__honest *h, agop__err *e);
/* interval.c: without rows nothing is kept. p: of classes, the probabilities that are answered. */
agop_status agop__intervals_learn(agop_model *m, const agop__fit *f, const agop__honest *h, const double *p);

/* path.c: would something that takes so many seconds end after the time limit? */
int agop__fit_late(const agop__fit *f, double seconds_ahead);
/* path.c: room for what will be found. */
agop_status agop__fit_open(agop__fit *f);
/* path.c: learn the metric and judge it; then solve on all rows. */
agop_status agop__fit_explore(agop__fit *f);
agop_status agop__fit_finish(agop__fit *f);
/* path.c: part[0]->agop is that of the sum of `count` fits of the same rows with weights w, as a diagonal or in full; w
 * NULL: of one, in the form of its metric. */
agop_status agop__fit_agop(agop__fit *const *part, const double *w, int count, int diagonal);
/* path.c: the iterations only; f->agop is the result. */
agop_status agop__fit_metric(agop__fit *f);
/* path.c: predictions h of the judging rows, outputs of f->transform, become outputs of the model by curves that they
 * correct (malloc'd, one per target column). */
agop_status agop__fit_turn_back(agop__curve **out, double *h, const agop__fit *f);
/* path.c: that of the honest predictions, which are scored again. */
agop_status agop__fit_settle(agop__fit *f);
/* path.c: scores of outputs y (count x outputs) for rows first ... */
agop_status agop__fit_score(agop__scores *out, const agop__fit *f, const double *y, int64_t first, int64_t count);
/* directions.c: what plan.look says of the directions of an AGOP that is not thin on the judging rows: 0 to 1, the more
 * the better; NaN: nothing can be said. */
agop_status agop__direction_score(double *out, const agop__fit *f, const agop__metric *A);
/* compare.c: a constant and a linear model on the rows that judge f: predictions while f has its rows, and scores once
 * it is known which of them judged. Of a tree, both once it is there. */
agop_status agop__fit_compare(agop__comparison *out, const agop__fit *f, const agop_settings *s);
agop_status agop__comparison_score(agop__comparison *c, const agop__fit *f);
void        agop__comparison_free(agop__comparison *c);
/* report.c: the JSON text of the whole story. */
agop_status agop__fit_report(char **out, const agop__fit *f, const agop_settings *s);

#endif
