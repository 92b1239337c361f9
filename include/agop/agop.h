/* agop.h - kernel machines that learn features from their own gradients.
 *
 * Read from the top and stop when you have what you need: a context (where to compute), settings
 * (by name, from one table), tables (columns with meaning), then one function per verb.
 *
 * True of every function here:
 *   - AGOP_STATUS functions return AGOP_OK or a negative code; agop_errmsg has the sentence;
 *   - the result comes first; after a failure a handle is NULL and an array is unspecified;
 *   - arrays are borrowed for the length of the call unless the function says otherwise;
 *   - what a function made, its own _free (or _close) takes back; NULL is accepted there;
 *   - a `const char *` that comes back is owned by its parent and lives as long as it;
 *     a `char *` that comes back through a pointer is yours: give it to agop_free;
 *   - nothing is printed, no signal is caught, no process is ended;
 *   - one thread at a time per context; two contexts share nothing but OpenMP's threads.
 */
#ifndef AGOP_H
#define AGOP_H

#include <stddef.h>
#include <stdint.h>

#include "agop/export.h"
#include "agop/version.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- status: part of the ABI; codes are added in the gaps, never renumbered ---- */

typedef enum agop_status {
    AGOP_OK            = 0,
    AGOP_E_ARG         = -10, /* NULL, negative size, unknown name */
    AGOP_E_SHAPE       = -11, /* two arrays do not fit together */
    AGOP_E_PARAM       = -12, /* a setting outside its bounds, or two that contradict each other */
    AGOP_E_DATA        = -13, /* the data cannot be used: a missing column, no rows, one class */
    AGOP_E_NUMERIC     = -20, /* not finite, or K + ridge I not positive definite */
    AGOP_E_STOPPED     = -21, /* stopped before there was anything to return */
    AGOP_E_IO          = -30, /* the system refused a file */
    AGOP_E_FORMAT      = -31, /* the file is there and is not what it should be */
    AGOP_E_NOMEM       = -40, /* no memory, or not within the limit that was set */
    AGOP_E_BACKEND     = -41, /* BLAS or a device reported a failure */
    AGOP_E_UNSUPPORTED = -42, /* this backend cannot, or was not compiled in */
    AGOP_E_BUG         = -99  /* our fault; please report the sentence */
} agop_status;

AGOP_API const char *agop_status_name(agop_status s); /* "AGOP_E_SHAPE"; never NULL */

/* ---- context: a backend, its threads, its last message ---- */

typedef struct agop_ctx agop_ctx;

/* backend: "cpu", or "auto" (NULL means "auto"). threads: 0 takes all that OpenMP offers. */
AGOP_STATUS          agop_open(agop_ctx **out, const char *backend, int threads);
AGOP_API void        agop_close(agop_ctx *ctx);
AGOP_API const char *agop_errmsg(const agop_ctx *ctx); /* NULL: the last failed open of this thread */
AGOP_API const char *agop_backend_name(int i);         /* NULL past the last one */
AGOP_API const char *agop_version(void);               /* "0.1.0" */
AGOP_API const char *agop_build_info(void);            /* lines "key: value": commit, compiler, BLAS, ... */
AGOP_API void        agop_free(void *p);               /* for `char *` results */

/* How far a long call is. A callback that returns non-zero asks the call to stop: it then returns
 * the best result so far, or AGOP_E_STOPPED when there is none. */
typedef struct agop_progress {
    const char *phase;   /* "read", "metric", "solve", "predict"; a constant */
    int64_t     done;    /* of `total` steps; total 0: no news, only a chance to stop */
    int64_t     total;
    double      seconds; /* since the call began */
    const char *detail;  /* one short phrase for a human, or NULL */
} agop_progress;
typedef int agop_progress_fn(void *user, const agop_progress *p);
AGOP_API void agop_on_progress(agop_ctx *ctx, agop_progress_fn *fn, void *user);

/* Notes: what a careful user would want to know and no error: "3 rows without a target left out". */
typedef void agop_note_fn(void *user, const char *sentence);
AGOP_API void agop_on_note(agop_ctx *ctx, agop_note_fn *fn, void *user);

/* A score of one's own. With the setting metric_score "callback" it judges what the built-in scores judge: iterations,
 * with a validation table the ridge, in trees the temperature. NaN counts as the worst. */
typedef struct agop_judged {
    const double *truth;     /* rows x targets; a class by its number, -1 if fit never saw it */
    const double *predicted; /* rows x columns: numbers, or the probabilities of all classes */
    const double *weight;    /* rows, or NULL: all count alike */
    int64_t       rows, targets, columns;
} agop_judged;
typedef double agop_score_fn(void *user, const agop_judged *rows);
AGOP_API void agop_on_score(agop_ctx *ctx, agop_score_fn *fn, void *user, int larger_is_better);

/* ---- settings: by name; every name, default, bound and help text is in one table ---- */

typedef enum agop_type { AGOP_INT, AGOP_REAL, AGOP_BOOL, AGOP_CHOICE, AGOP_TEXT, AGOP_BYTES } agop_type;

typedef struct agop_setting { /* one row of the table */
    const char *name;         /* "centre_gradients"; '-' and '_' are equal everywhere */
    agop_type   type;
    const char *fallback;     /* the default, as text; "auto" where the library chooses */
    double      low, high;    /* bounds of numbers, both allowed unless low_open */
    int         low_open;     /* 1: low itself is not allowed */
    const char *choices;      /* "l2|gaussian|l1"; of a number, what it may be besides, or NULL */
    const char *placeholder;  /* "COL[,COL...]" in help texts */
    const char *verbs;        /* who uses it: "fit predict score ..."; cv: also those of fit */
    const char *help;         /* one sentence, no final dot */
} agop_setting;
AGOP_API const agop_setting *agop_setting_at(int i); /* NULL past the last one */

typedef struct agop_settings agop_settings;
AGOP_STATUS   agop_settings_new(agop_settings **out, agop_ctx *ctx);
AGOP_API void agop_settings_free(agop_settings *s);
/* value as text: "1e-3", "auto", "true", "8G", "l1". AGOP_E_ARG: no such name (the sentence names the
 * closest); AGOP_E_PARAM: not of its type, or outside its bounds. */
AGOP_STATUS          agop_settings_set(agop_settings *s, agop_ctx *ctx, const char *name, const char *value);
AGOP_API const char *agop_settings_get(const agop_settings *s, const char *name); /* text; NULL: no such name */

/* The name in `names` ('|'-separated) closest to `word`, for "did you mean"; NULL when none is near.
 * The answer is written to buffer. */
AGOP_API const char *agop_closest(const char *word, const char *names, char *buffer, size_t size);

/* ---- arrays: a view of memory the caller owns; element (i,j) is data[i*ld + j] ---- */

enum { AGOP_F32 = 1, AGOP_F64 = 2 };
typedef struct agop_mat {
    void   *data;
    int64_t rows, cols, ld;
    int32_t dtype; /* AGOP_F32 or AGOP_F64 */
} agop_mat;

/* ---- tables: named columns of numbers (NaN = missing) or of text (missing marked) ---- */

typedef struct agop_table agop_table;
AGOP_STATUS agop_table_new(agop_table **out, agop_ctx *ctx, int64_t rows);
/* Numeric columns "x1" ... "xd" over X's memory, which is not copied: it must outlive the table. */
AGOP_STATUS          agop_table_from_mat(agop_table **out, agop_ctx *ctx, const agop_mat *X);
AGOP_STATUS          agop_table_add_numeric(agop_table *t, agop_ctx *ctx, const char *name, const double *values);
AGOP_STATUS          agop_table_add_text(agop_table *t, agop_ctx *ctx, const char *name,
                                         const char *const *values); /* NULL entries are missing */
/* A numeric column over the caller's memory, which is not copied: row i is element i * stride of `first`, of type dtype
 * (AGOP_F32 or AGOP_F64; NaN: missing). It must outlive the table. */
AGOP_STATUS          agop_table_add_view(agop_table *t, agop_ctx *ctx, const char *name, const void *first,
                                         int64_t stride, int32_t dtype);
/* A column of texts by number: row i has level[code[i]], -1 is missing. Both arrays are copied. */
AGOP_STATUS          agop_table_add_codes(agop_table *t, agop_ctx *ctx, const char *name, const int32_t *code,
                                          const char *const *level, int64_t levels);
AGOP_API int64_t     agop_table_rows(const agop_table *t);
AGOP_API int64_t     agop_table_cols(const agop_table *t);
AGOP_API const char *agop_table_name(const agop_table *t, int64_t col);
AGOP_API int         agop_table_is_text(const agop_table *t, int64_t col);
AGOP_API int64_t     agop_table_missing(const agop_table *t, int64_t col);
AGOP_API int64_t     agop_table_levels(const agop_table *t, int64_t col); /* distinct texts; 0 for numbers */
AGOP_API const char *agop_table_level(const agop_table *t, int64_t col, int64_t level);
AGOP_API double      agop_table_number(const agop_table *t, int64_t row, int64_t col); /* text: its level, -1 missing */
AGOP_API void        agop_table_free(agop_table *t);

typedef struct agop_model agop_model;

/* Read a table from a file, told by content: CSV, TSV (plain, gzip, zstd), .npy, .npz, libsvm;
 * "-" is standard input. Settings used: target, categorical, numeric, drop, weights. With a model, columns take
 * the types they had when it was fitted, and the target may be absent; the model must outlive the
 * reader, not the tables. */
typedef struct agop_reader agop_reader;
AGOP_STATUS agop_reader_open(agop_reader **out, agop_ctx *ctx, const char *path, const agop_settings *s,
                             const agop_model *model);
/* The next `rows` rows (0: all that is left); *out is NULL at the end of the file. */
AGOP_STATUS   agop_reader_next(agop_table **out, agop_ctx *ctx, agop_reader *r, int64_t rows);
AGOP_API void agop_reader_close(agop_reader *r);
/* All rows at once, packed: every column in the fewest bytes that hold it exactly, in memory, or with the setting
 * "cache" in a file without a name in that folder, which the system may keep on disk. */
AGOP_STATUS agop_table_read(agop_table **out, agop_ctx *ctx, const char *path, const agop_settings *s,
                            const agop_model *model);

/* ---- sparse matrices: observations x variables, mostly zero, by column ---- */

typedef struct agop_sparse agop_sparse;
/* Copies of the arrays: column j has rows row[k] and values value[k] for k = start[j] .. start[j+1]-1, in any order.
 * Zeros are left out, several values of one cell added. column_names NULL: "x1" ... "xd"; row_names NULL: none. */
AGOP_STATUS agop_sparse_new(agop_sparse **out, agop_ctx *ctx, int64_t rows, int64_t cols, const int64_t *start,
                            const int32_t *row, const float *value, const char *const *column_names,
                            const char *const *row_names);
/* Read a file, told by content: Matrix Market in coordinate form, with the names that 10x Genomics' programs put
 * beside it; .h5ad, with the setting layer, and .h5 of 10x Genomics; a table of counts, CSV or TSV, with names in the
 * first line and column. Text may be gzip or zstd. With the setting text each line is a document, whose words are
 * counted. Then genes_in_rows, min_rows, normalise and log1p, in this order. */
AGOP_STATUS          agop_sparse_read(agop_sparse **out, agop_ctx *ctx, const char *path, const agop_settings *s);
/* Does the file begin as a Matrix Market or HDF5 file, of which agop_table_read makes nothing? "-" does not: standard
 * input is not looked at. */
AGOP_STATUS          agop_sparse_is(int *is, agop_ctx *ctx, const char *path);
AGOP_API int64_t     agop_sparse_rows(const agop_sparse *s);
AGOP_API int64_t     agop_sparse_cols(const agop_sparse *s);
AGOP_API int64_t     agop_sparse_nonzeros(const agop_sparse *s);
AGOP_API const char *agop_sparse_column_name(const agop_sparse *s, int64_t col);
AGOP_API const char *agop_sparse_row_name(const agop_sparse *s, int64_t row); /* NULL: rows have no names */
/* The non-zeros of a column, rows ascending; the answer is how many. Either pointer may be NULL. */
AGOP_API int64_t agop_sparse_column(const agop_sparse *s, int64_t col, const int32_t **row, const float **value);
AGOP_API void    agop_sparse_free(agop_sparse *s);
/* A table of its columns, which is given to all that takes a table: of those that are mostly zero the non-zeros, in
 * memory, others packed as agop_table_read packs them (s: its setting "cache"). Names that stand more than once get a
 * number, "TBCE (2)". The matrix may be freed. */
AGOP_STATUS agop_table_from_sparse(agop_table **out, agop_ctx *ctx, const agop_sparse *m, const agop_settings *s);

/* ---- verbs ---- */

/* Fit a Recursive Feature Machine (Radhakrishnan et al., Science 383, 2024) on `train`; `valid` (or NULL)
 * judges the iterations. The target is named by the setting "target". */
AGOP_STATUS agop_fit(agop_model **out, agop_ctx *ctx, const agop_table *train, const agop_table *valid,
                     const agop_settings *s);

/* What predict writes: values (one column per target; for classes the class index), or probabilities
 * (one column per class; AGOP_E_UNSUPPORTED for a regression). */
enum { AGOP_VALUE = 0, AGOP_PROBA = 1 };
AGOP_API int64_t     agop_model_outputs(const agop_model *m, int what);
AGOP_API const char *agop_model_output_name(const agop_model *m, int what, int64_t j); /* target or class */
/* Of two classes, the second is the value from this probability on; 0.5 where the likelier one is, also of others. */
AGOP_API double agop_model_threshold(const agop_model *m);
/* out: rows(t) x outputs, AGOP_F64. */
AGOP_STATUS agop_predict(agop_mat *out, agop_ctx *ctx, const agop_model *m, const agop_table *t, int what);

enum { AGOP_INTERVAL_AUTO = 0, AGOP_INTERVAL_CONSTANT = 1, AGOP_INTERVAL_LOCAL = 2 };
/* Where the truth of each row lies with probability `level` (0.9), if it is drawn as those of the fit were. value (or
 * NULL), lower and upper: rows(t) x outputs, AGOP_F64. The interval is read off errors on rows that the function had
 * not seen (docs/rfm.md says what is guaranteed). form: CONSTANT is as wide everywhere, LOCAL wider where errors are
 * larger, AUTO what the fit found to be better.
 *   AGOP_E_UNSUPPORTED  classes, which have sets
 *   AGOP_E_DATA         no rows judged the fit, or too few for LOCAL, or it was made before version 0.2
 *   AGOP_E_PARAM        a level outside (0, 1), or too near to 1 for so few judged rows */
AGOP_STATUS agop_predict_interval(agop_mat *value, agop_mat *lower, agop_mat *upper, agop_ctx *ctx, const agop_model *m,
                                  const agop_table *t, double level, int form);

/* Of classes, those that hold the truth with probability `level`, if the row is drawn as those of the fit were: member
 * (rows(t) x classes, AGOP_F64) is 1 where 1 - p is no larger than nearly all of the rows that judged the fit had for
 * their true class (least ambiguous sets: Sadinle, Lei, Wasserman, JASA 114, 2019), or the class is the likeliest.
 * p: the probabilities, or NULL. Errors as above; AGOP_E_UNSUPPORTED: numbers. */
AGOP_STATUS agop_predict_set(agop_mat *p, agop_mat *member, agop_ctx *ctx, const agop_model *m, const agop_table *t,
                             double level);

/* {"r2":..,"rmse":..,"mae":..,"n":..} or {"accuracy":..,"log_loss":..,"brier":..,"ece":..,"auc":..,"f1":..,"n":..} as
 * JSON; ece is the expected calibration error of the likeliest class, of 15 bins of equal rows.
 * Several targets: the mean over targets, and "targets": {name: {...}}.
 * "standard_error": {name: ..} of those that have one. */
AGOP_STATUS agop_score(char **json, agop_ctx *ctx, const agop_model *m, const agop_table *t);
/* The same, and of its intervals "coverage", the share of truths inside, and "width", the mean; of classes, of its sets
 * "coverage" and "size", the mean. */
AGOP_STATUS agop_score_interval(char **json, agop_ctx *ctx, const agop_model *m, const agop_table *t, double level,
                                int form);

/* Cross-validation: the rows of t are dealt into parts, each is predicted by an agop_fit of the others and scored
 * beside a constant and a linear model of the same rows. Settings: those of a fit, and folds, repeats, groups. The
 * report is JSON; *left_out (or NULL) are the predictions of every row by fits that had not seen it, means over the
 * repeats: rows(t) x targets, or x classes (probabilities), in the order of "targets" or "classes" in the report, NaN
 * for rows without a target; give it to agop_free. A stop reports the folds that are done. */
AGOP_STATUS agop_cv(char **json, double **left_out, agop_ctx *ctx, const agop_table *t, const agop_settings *s);

/* What the model learned to look at: the average gradient outer product of the fitted function with respect
 * to its features, in units of one standard deviation of each numeric column and of the presence of each
 * category. A feature is a numeric column, "COL (missing)", or "COL=LEVEL". */
AGOP_API int64_t     agop_model_features(const agop_model *m);
AGOP_API const char *agop_model_feature_name(const agop_model *m, int64_t j);
AGOP_API int64_t     agop_model_columns(const agop_model *m); /* input columns, categories unexpanded */
AGOP_API const char *agop_model_column_name(const agop_model *m, int64_t j);
/* The AGOP itself, features x features, AGOP_F64, trace 1 unless it is zero. */
AGOP_STATUS agop_features(agop_mat *out, agop_ctx *ctx, const agop_model *m);
/* Share of each input column in the trace; `importance` has agop_model_columns entries that sum to 1
 * (or are all 0: a function that is flat). */
AGOP_STATUS agop_importance(double *importance, agop_ctx *ctx, const agop_model *m);
/* Rows in these features and units: out is rows(t) x features, AGOP_F64. A numeric column is in standard deviations
 * from its mean (missing: 0), a category or a missing cell 1 where it is present, else 0. With the AGOP A,
 * (x - z)'A(x - z) is how far apart two rows are in what was learned. */
AGOP_STATUS agop_feature_values(agop_mat *out, agop_ctx *ctx, const agop_model *m, const agop_table *t);
/* The top k eigenvectors as rows of `vectors` (k x features, AGOP_F64), the largest loading positive, and
 * their eigenvalues, largest first. */
AGOP_STATUS agop_vectors(agop_mat *vectors, double *eigenvalues, agop_ctx *ctx, const agop_model *m);

/* ---- explanations ---- */

/* What is explained of row i is output[i]: a target column, or of classes a class. NULL: the first target, or the class
 * that is predicted. A class is explained by its score: its probability before that is clipped and normalised. */

/* Contribution of each input column to the answer for each row: out is rows(t) x agop_model_columns, AGOP_F64, in units
 * of the target. base[i] is what the model says of its mean training row (numbers and shares of categories averaged; of
 * a tree, that of the leaves which are asked about row i), value[i] what it says of the row; each may be NULL.
 * AGOP_INTEGRATED: integrated gradients (Sundararajan, Taly, Yan, ICML 2017) from the mean row to the row;
 *   contributions and base sum to value. A path that would take too many steps is told in a note.
 * AGOP_GRADIENT: gradient at the row times (row - mean row); what is said where the function is straight.
 * All coordinates of a column (its value, normal score, missing indicator; its levels) count together. Which leaves of
 * a tree are asked is taken as given. */
enum { AGOP_INTEGRATED = 0, AGOP_GRADIENT = 1 };
AGOP_STATUS agop_contributions(agop_mat *out, double *base, double *value, agop_ctx *ctx, const agop_model *m,
                               const agop_table *t, const int64_t *output, int method);

/* The k training rows that add most to the answer for each row, or take most from it: of f(x) = sum_j alpha_j k(x, x_j)
 * the largest terms (representer points: Yeh, Kim, Yen, Ravikumar, NeurIPS 2018). out: rows(t) x k, the largest first;
 * where there are fewer, the rest are { -1, 0, 0, infinity }. */
typedef struct agop_neighbour {
    int64_t row;       /* of the training table, from 0; -1: not known (the model is of version 0.1) */
    double  influence; /* its term, in units of the target */
    double  share;     /* of |influence| in the sum over all training rows that are asked */
    double  distance;  /* in the learned metric and bandwidths; of several machines that of the largest weight */
} agop_neighbour;
AGOP_STATUS agop_influence(agop_neighbour *out, agop_ctx *ctx, const agop_model *m, const agop_table *t,
                           const int64_t *output, int64_t k);

/* What is predicted for every row if its value in one column of the model were grid[0], ..., all else as it is: rows(t)
 * x points, AGOP_F64; the mean over rows is the partial dependence (Friedman, Annals of Statistics 29, 2001), a row an
 * individual curve (Goldstein, Kapelner, Bleich, Pitkin, JCGS 24, 2015). grid: values, NaN for missing; of a column of
 * texts numbers of its levels in t, -1 for missing. output: a target, or a class, whose probability is told. */
AGOP_STATUS agop_partial(agop_mat *out, agop_ctx *ctx, const agop_model *m, const agop_table *t, int64_t column,
                         const double *grid, int64_t points, int64_t output);

/* The same as rows move along a direction among the numeric columns: of `direction` (a number per feature, such as a
 * row of agop_vectors) what it says of categories and missing cells is left out and the rest, v, made of length 1. With
 * u the numeric columns in standard deviations from their means (missing: 0), a row stands at v'u, and moved to g it is
 * u + (g - v'u) v; missing cells stay missing. */
AGOP_STATUS agop_partial_along(agop_mat *out, agop_ctx *ctx, const agop_model *m, const agop_table *t,
                               const double *direction, const double *grid, int64_t points, int64_t output);
/* direction becomes v (all 0 if it says nothing of numeric columns), position (rows(t), or NULL) where rows stand. */
AGOP_STATUS agop_along(double *position, double *direction, agop_ctx *ctx, const agop_model *m, const agop_table *t);

/* Everything else that is known of a model as JSON: task, n, d, outputs, settings as used, iterations, best_iter,
 * validation, seconds, peak_bytes, columns. Owned by the model. */
AGOP_API const char *agop_model_info(const agop_model *m);
/* 1 when the fit was stopped early by the callback or the time limit. */
AGOP_API int agop_model_stopped(const agop_model *m);

/* A safetensors file, written beside `path` and renamed: a failure leaves what was there before. */
AGOP_STATUS   agop_model_save(agop_ctx *ctx, const agop_model *m, const char *path);
AGOP_STATUS   agop_model_load(agop_model **out, agop_ctx *ctx, const char *path);
AGOP_API void agop_model_free(agop_model *m);

/* ---- dependence ---- */

/* InterDependence Scores (Radhakrishnan, Jain, Uhler, Lander, PNAS 122, 2025) of all pairs of variables of x; with the
 * setting "target", of those columns with the others; with y, of the columns of x with those of y, whose rows belong
 * to the rows of x. A numeric variable, scaled, is looked at as phi_k(x) = exp(-x^2 / (2 width^2)) x^k / sqrt(k!),
 * k = 0 .. terms-1 (their eq. 4), a category as one indicator per level. The score of two variables, 0 to 1, is the
 * largest absolute correlation of their features (p_norm max), the mean (l1), or the root mean square (l2); of
 * categories the largest over levels. A pair is scored over the rows that have both; what does not vary scores 0.
 * The setting measure puts another in its place, for numeric columns: pearson, spearman, dcor, xi (the larger of both
 * directions) or hsic, their size.
 * Settings: target, categorical, numeric, drop, max_levels, measure, scale, scale_range, p_norm, terms, width, top,
 * min_score, precision, matrix_units, p_values, fdr, memory. x and y must outlive the scores.
 *   AGOP_E_DATA   fewer than three rows, or no pair
 *   AGOP_E_NOMEM  the scores do not fit into `memory` and neither top nor min_score is given */
typedef struct agop_ids agop_ids;
AGOP_STATUS agop_ids_score(agop_ids **out, agop_ctx *ctx, const agop_table *x, const agop_table *y,
                           const agop_settings *s);
/* Variables of a side: 0: those of x (without the targets), 1: those of y, or the targets, or those of x again. */
AGOP_API int64_t     agop_ids_variables(const agop_ids *d, int side);
AGOP_API const char *agop_ids_name(const agop_ids *d, int side, int64_t j);
/* All scores: variables(0) x variables(1), AGOP_F64; with the variable itself, too. AGOP_E_PARAM: not all were kept. */
AGOP_STATUS agop_ids_matrix(agop_mat *out, agop_ctx *ctx, const agop_ids *d);
typedef struct agop_pair {
    int64_t a, b;     /* variables of side 0 and side 1; of one table against itself a < b */
    double  score;
    double  spearman; /* rank correlation, for the sign; NaN: one of them is a category */
    /* NaN without the setting p_values: log10 of how probable so large a score is between independent variables, and of
     * the false discovery rate (Benjamini and Hochberg, over all pairs) at which the pair is told; above 0.05, or `fdr`
     * where that is larger, the latter is 0. */
    double log10_p, log10_q;
    double permuted; /* with the setting permutations p by shuffling one of the columns, else NaN */
} agop_pair;
/* The strongest pairs of different variables that were kept, in order: out has room for `most`, *count are there.
 * out NULL: *count is how much room all of them need at most. */
AGOP_STATUS agop_ids_pairs(agop_pair *out, int64_t *count, agop_ctx *ctx, const agop_ids *d, int64_t most);
/* The functions of two numeric variables whose correlation is the largest in size: phi_k of a and phi_l of b, of values
 * scaled as the scores were asked for, over the rows that both have. Of p_norm max it is the score. */
typedef struct agop_winner {
    int64_t a, b; /* variables of side 0 and side 1 */
    int64_t rows; /* that both have */
    int32_t k, l; /* of equals the first */
    double  r;    /* the correlation with its sign; 0: one of them does not vary */
    double  mean_a, deviation_a, mean_b, deviation_b; /* of phi_k(a) and of phi_l(b) over these rows */
} agop_winner;
/*   AGOP_E_PARAM  scores of another measure; a category; there is no such variable */
AGOP_STATUS agop_ids_winner(agop_winner *out, agop_ctx *ctx, const agop_ids *d, int64_t a, int64_t b);
/* The winning function of a (side 0) or b (side 1), standardised: out[i] = (phi(s(x[i])) - mean) / deviation, x being n
 * cells as they stand in a table and s the scaling of that column; of NaN it is NaN, and 0 where nothing varies. Where
 * both sides are equal, but for the sign of r, is the curve that the score is high for. out may be x. */
AGOP_API void agop_ids_winning(double *out, const agop_ids *d, const agop_winner *w, int side, const double *x,
                               int64_t n);
/* {"n":.., "variables":.., "scale":.., "p_norm":.., ..} as JSON, owned by d. */
AGOP_API const char *agop_ids_info(const agop_ids *d);
AGOP_API void        agop_ids_free(agop_ids *d);

/* ---- programs: groups of variables that rise and fall together ---- */

/* Of the scores of one table against itself, by communities of a graph (Leiden) whose edges are the `partners`
 * strongest pairs of each numeric variable: those whose Spearman correlation is positive at the false discovery rate
 * `fdr` (.05), and where d has p-values, whose score is significant at that rate, too; with the setting any_sign the
 * sign does not matter. An edge weighs its score.
 * Settings: partners, resolution, least_members, any_sign, fdr, seed. d must outlive the programs.
 *   AGOP_E_PARAM        scores of two tables, or of targets
 *   AGOP_E_UNSUPPORTED  built without igraph
 *   AGOP_E_STOPPED      a callback said so */
typedef struct agop_programs agop_programs;
AGOP_STATUS          agop_ids_programs(agop_programs **out, agop_ctx *ctx, const agop_ids *d, const agop_settings *s);
AGOP_API int64_t     agop_programs_count(const agop_programs *p); /* the largest first; perhaps none */
typedef struct agop_program {
    int64_t       members;
    const int64_t *member;   /* variables of side 0, the strongest first */
    const double  *within;   /* of each, the sum of the scores of its edges to other members */
    const double  *sign;     /* of each: 1, or with any_sign -1 where it falls as the program rises */
    double         strength; /* mean score of the edges between members */
} agop_program;
AGOP_API agop_program agop_programs_at(const agop_programs *p, int64_t program);
/* How active every program is in every row: the mean of its members, each standardised (missing: 0) and with its sign;
 * and the mean standardised. out: rows x programs, AGOP_F64. most (rows numbers, or NULL): of the programs that mark
 * kinds of rows (a fiftieth of all members or more, and an activity skewed to the right) the one that is most active in
 * each row, -1 where none is above its mean. */
AGOP_STATUS   agop_programs_activity(agop_mat *out, int64_t *most, agop_ctx *ctx, const agop_programs *p);
AGOP_API void agop_programs_free(agop_programs *p);

#ifdef __cplusplus
}
#endif
#endif
