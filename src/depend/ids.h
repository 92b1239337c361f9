/* ids.h - InterDependence Scores of all pairs of variables (Radhakrishnan, Jain, Uhler, Lander, PNAS 122, 2025).
 *
 *   side       one of the two sets of variables: which columns, how they are scaled (side.c); features of some of them
 *              (panel_features.c), whose means and deviations are learned first (moments.c)
 *   excess     the same of sparse variables, from their non-zeros (excess.c)
 *   score      blocks of variables: correlations of their features as one product per block of rows, joined into a
 *              score per pair (score.c)
 *   screen     for the largest correlation: products of bytes say which few are worth computing (screen.c)
 *   classical  other measures in the place of the score (classical.c, measures.c), and correlations as products
 *              (correlate.c)
 *   keep       what is kept of the scores: all, or the strongest of each variable, or those above a limit; and the
 *              pairs in order (keep.c)
 *   winner     of one pair the features whose correlation is the score (winner.c)
 *   programs   groups of variables that go together (programs.c; communities.c), and how active each is in every row
 *              (activity.c)
 *
 * A numeric variable has the features phi_k of its scaled values; a category has one indicator per level. What has a
 * column of features of its own is a unit: a numeric variable, or a level. Units of one kind stand together in panels,
 * panels in blocks: a block has variables of one kind only, and all units of each.
 *
 * The zeros of a column all have the same features. So what features of a sparse column exceed those by is zero in most
 * rows, and with z of these excesses a covariance is sum z z' - sum z sum z' / n: a product of non-zeros. */
#ifndef AGOP_DEPEND_IDS_H
#define AGOP_DEPEND_IDS_H

#include "backend/ops.h"
#include "base/sort.h"
#include "depend/tails.h"
#include "io/journal.h"
#include "table/table.h"

/* What is scored. */
enum { AGOP__IDS, AGOP__PEARSON, AGOP__SPEARMAN, AGOP__DCOR, AGOP__XI, AGOP__HSIC };

typedef struct agop__ids_plan {
    int     measure;
    int32_t terms, norm, dtype; /* norm: AGOP__STRENGTH_... */
    double  rate;               /* 1 / (2 width^2) */
    int     scale, units;       /* AGOP__SCALE_...; 1: products on matrix units */
    int     screened;           /* 1: of most correlations bytes are enough, where the machine multiplies them fast */
    double  range;              /* of minmax */
    int64_t top, memory;        /* 0: all */
    double  least;              /* scores below are not kept */
    int     tested;             /* 1: p-values, and of all pairs those up to `stored` */
    double  stored, fdr;        /* fdr 0: pairs of any rate are told */
    int64_t permutations;       /* of each pair that is told; 0: none */
    uint64_t seed;
} agop__ids_plan;

/* ---- a side ---- */

#define AGOP__LEAST_LENGTH 1e-12 /* of a centred feature: below, it does not vary */
enum { AGOP__PANEL = 32 }; /* units: scores are joined, and non-zeros multiplied, by so many */

typedef struct agop__variable {
    const agop__field  *field;
    const agop__column *column;
    const agop__nonzeros *cells; /* of a sparse one, or NULL */
    int64_t             number;  /* among the variables as they stand in the table */
    double              low;     /* the least value, for minmax */
    int32_t            *level;   /* of a category: from the column's codes to levels of the field; -1: missing */
    int32_t            *code;    /* of numbers taken as categories: their codes, or NULL */
    int                 missing; /* 1: some cells are */
    double              present; /* cells that are not */
    agop__null         *null;    /* where p-values are asked for: of a number its features, of a category one level */
} agop__variable;

typedef struct agop__unit {
    int64_t variable;
    int64_t level; /* -1: a numeric variable */
} agop__unit;

typedef struct agop__panel {
    int64_t first, units;
    double *shift, *factor; /* of feature k units + u: (phi - shift) factor has mean 0 and length 1, or is 0 */
    double *zero;           /* phi of the cell 0, where the variables are sparse */
    double *bias, *stretch; /* of the same, rounded to bf16: its sum / sqrt(rows), and 1 / its length about its mean, or
                               0; only for matrix units */
} agop__panel;

typedef struct agop__block {
    int64_t variable, variables, panel, panels; /* the first one, and how many */
    int32_t terms;                              /* 0: indicators */
    int     missing;                            /* 1: some of its variables have missing cells */
    int     sparse;                             /* 1: all of them are */
} agop__block;

typedef struct agop__side {
    const agop_table *t;
    int64_t           variables, units, panels, blocks;
    agop__variable   *variable;
    agop__unit       *unit;
    agop__panel      *panel;
    agop__block      *block;
} agop__side;

/* Of the fields of `schema`, which was learned from t, those whose names are among `targets` (comma separated), or
 * those that are not. t and schema must outlive the side. */
agop_status agop__side_open(agop__side *out, agop_ctx *ctx, const agop_table *t, const agop__schema *schema,
                            const char *targets, int among, const agop__ids_plan *plan);
void        agop__side_close(agop__side *s);
/* Where the variable of each number stands, malloc'd; NULL: no memory. */
int64_t *agop__side_order(const agop__side *s);
/* Numbers of a variable, scaled; NaN stays. */
void agop__scale_values(double *v, const agop__variable *w, int64_t n, const agop__ids_plan *plan);
/* phi_0(x) .. phi_(terms-1)(x), x scaled. */
void agop__features_at(double *to, double x, const agop__ids_plan *plan);
/* Scaled values of rows first .. first+n-1; of a category the numbers of levels. NaN: missing. */
void agop__variable_values(double *to, const agop__variable *v, int64_t first, int64_t n, const agop__ids_plan *plan);
/* The same of two variables, over the rows that both have; how many. x and y: room for `rows`. */
int64_t agop__both_values(double *x, double *y, const agop__variable *u, const agop__variable *v, int64_t rows,
                          const agop__ids_plan *plan);
/* Rows that both variables have. */
int64_t agop__common_rows(const agop__variable *u, const agop__variable *v, int64_t rows);
/* Features of one unit: its terms, or the one indicator. */
static inline int32_t agop__block_terms(const agop__block *b)
{
    return b->terms ? b->terms : 1;
}
/* Rows of one unit: its features, or pairwise these, their squares and its presence. */
static inline int64_t agop__unit_rows(const agop__block *b, int pairwise)
{
    return pairwise ? 2 * agop__block_terms(b) + 1 : agop__block_terms(b);
}
/* Features of a block as rows: terms of each unit, or pairwise as op_terms has them, panel after panel. */
int64_t agop__block_rows(const agop__side *s, const agop__block *b, int pairwise);

/* What features of a sparse block exceed those of zeros by: its non-zeros, and the terms that make them. */
typedef struct agop__excess {
    agop__cells cells; /* of some rows, numbered from the first of them */
    agop__tile  zero, factor;
    agop__terms terms; /* their shift and factor */
} agop__excess;
agop_status agop__excess_open(agop__excess *out, agop_ctx *ctx, const agop__side *s, const agop__block *b,
                              int64_t first, int64_t n, const agop__ids_plan *plan);
void        agop__excess_close(agop__excess *x, agop_ctx *ctx);
int64_t     agop__block_cells(const agop__side *s, const agop__block *b); /* of all rows */
/* Z: block_rows x 1, f64; sums over all rows of what features exceed those of zeros by. */
agop_status agop__block_sums(agop__tile *Z, agop_ctx *ctx, const agop__side *s, const agop__block *b);

/* ---- what is kept ---- */

typedef struct agop__kept { /* of one variable, a heap whose weakest is first */
    int64_t  count;
    int64_t *other;
    double  *score;
} agop__kept;

typedef struct agop__keep {
    int64_t     rows, cols; /* variables, in the order of columns of the tables */
    int         self;       /* 1: one table against itself; pairs are told once */
    double     *all;        /* rows x cols, or NULL */
    agop__kept *of;         /* rows lists (self or not: of side 0), and cols more where not self; or NULL */
    int64_t     top;
    double      least;
    agop_pair  *list;       /* with a limit and without top */
    int64_t     listed, room;
    double     *log10p, *log10q; /* of all pairs, those that are small; q once they are in order */
    int64_t     tests, small, small_room;
    int64_t     taken; /* so many times something was kept */
} agop__keep;

agop_status agop__keep_open(agop__keep *out, int64_t rows, int64_t cols, int self, const agop__ids_plan *plan,
                            agop__err *e);
void        agop__keep_close(agop__keep *k);
/* The score of a and b, told once (self: a <= b). */
agop_status agop__keep_add(agop__keep *k, int64_t a, int64_t b, double score, agop__err *e);
/* One more pair was tested; log10 of its p, or anything above log10 `stored`. */
agop_status agop__keep_test(agop__keep *k, double log10p, double stored, agop__err *e);
/* When all are: false discovery rates. */
agop_status agop__keep_rates(agop__keep *k, agop__err *e);
double      agop__keep_rate(const agop__keep *k, double log10p); /* log10 of it; 0 where p is not small */
/* Every pair of different variables that is kept, once: self: a < b. */
typedef void agop__keep_visit(void *user, int64_t a, int64_t b, double score);
void         agop__keep_each(const agop__keep *k, agop__keep_visit *visit, void *user);
/* Pairs of different variables that were kept, or somewhat more: partners of each other may be counted twice. */
int64_t agop__keep_count(const agop__keep *k);
/* The strongest `most` pairs of different variables, in order; how many there are. */
void agop__keep_pairs(agop_pair *out, int64_t *count, const agop__keep *k, int64_t most);

/* ---- all of it ---- */

struct agop_ids {
    agop__ids_plan plan;
    int            self;      /* 1: side[0] against itself */
    agop__schema   schema[2]; /* of x, and of y where there is one */
    agop__side     side[2];
    const char   **name[2];   /* of the variables, as they stand in the table; the schemas' */
    int64_t        rows;
    agop__keep     keep;
    double         scored, screened; /* pairs; those of which products of bytes said what to compute */
    agop__journal *journal; /* of batches that are finished, or NULL */
    char          *info;
};

/* log10 p of a score of u and v over n rows; of a category times the levels that might have had it; or, where that is
 * above `limit`, any number from limit to 0. */
double agop__pair_log10p(const agop__variable *u, const agop__variable *v, int64_t n, double score,
                         const agop__ids_plan *plan, double limit);
/* So many of `total` pairs are done; AGOP_E_STOPPED where the caller asks for the end. */
agop_status agop__tell_scored(agop_ctx *ctx, double done, double total, double started);
/* score.c: fills d->keep. */
agop_status agop__ids_run(agop_ids *d, agop_ctx *ctx, double started);

#endif
