/* table.h - columns with meaning: a table, its schema, and rows made ready for a kernel.
 *
 * A table comes from a caller's arrays (table.c) or from a file (reader.c). A schema is what fit learned of its
 * columns (schema.c) and what a model keeps (schema_json.c); it turns rows into numbers, at fit and ever after. */
#ifndef AGOP_TABLE_H
#define AGOP_TABLE_H

#include <jansson.h>

#include "base/context.h"
#include "base/settings.h"
#include "base/text.h"
#include "table/nonzeros.h"
#include "table/store.h"

/* ---- a table: columns of numbers or of codes into a dictionary of texts ---- */

typedef struct agop__column {
    const char *name; /* owned by the table's `names` */
    int         is_text;
    const void *number; /* numeric: element i at ((T*)number)[i*stride]; NaN = missing */
    int64_t     stride;
    int32_t     dtype;  /* AGOP_F32 or AGOP_F64 */
    void       *owned;  /* what to free, or NULL for a borrowed view */
    int32_t    *code;   /* text: -1 = missing, -2 = a text not in the dictionary */
    agop__dict  levels; /* text; owned */
    agop__pack *packed; /* the cells, numbers or codes; `number` and `code` are NULL then; owned */
    agop__nonzeros *nonzeros; /* the cells, numbers; `number` is NULL then; owned */
} agop__column;

struct agop_table {
    int64_t       rows, cols, room;
    agop__column *column;
    agop__dict    names;   /* column names by number: distinct, and finding one takes no search */
    void         *block;   /* one allocation that several columns view (.npy), or NULL */
    char         *targets; /* what the setting "target" came to when a file was read: column names, comma separated
                              ("y.npy" becomes "y", "-1" becomes "x10"); NULL: nothing was asked */
};

int64_t agop__table_find(const agop_table *t, const char *name);       /* -1: none */
double  agop__table_at(const agop_table *t, int64_t row, int64_t col); /* numeric; NaN = missing */
/* The target columns of t, comma separated, when the setting "target" reads `setting`: itself where it names
 * columns of t, else what the reader made of it, else (a misspelt name) itself. */
const char *agop__table_targets(const agop_table *t, const char *setting);

/* ---- cells: the only way to look into a column, whatever holds it ---- */

double  agop__column_at(const agop__column *c, int64_t row);   /* numeric; NaN = missing */
int32_t agop__column_code(const agop__column *c, int64_t row); /* text */
void    agop__column_take(double *v, const agop__column *c, int64_t first, int64_t n);
void    agop__column_codes(int32_t *v, const agop__column *c, int64_t first, int64_t n);

/* For readers: add a column. take_* own the array from the call on, also when it fails; the texts of `levels` are
 * copied. add_view borrows. add_copy: rows(t) elements of `from`, beginning with number `first`. */
agop_status agop__table_take_number(agop_table *t, const char *name, double *number, agop__err *e);
agop_status agop__table_take_text(agop_table *t, const char *name, int32_t *code, const agop__dict *levels,
                                  agop__err *e);
agop_status agop__table_take_packed(agop_table *t, const char *name, agop__pack *p, const agop__dict *levels,
                                    agop__err *e); /* levels NULL: numbers */
agop_status agop__table_take_nonzeros(agop_table *t, const char *name, agop__nonzeros *z, agop__err *e);
agop_status agop__table_add_view(agop_table *t, const char *name, const void *first, int64_t stride, int32_t dtype,
                                 agop__err *e);
agop_status agop__table_add_copy(agop_table *t, const char *name, const agop__column *from, int64_t first,
                                 agop__err *e);
/* Moves what `from` owns into a new column of t and leaves it empty. */
agop_status agop__table_move(agop_table *t, const char *name, agop__column *from, agop__err *e);
agop_status agop__table_make(agop_table **out, int64_t rows, agop__err *e);
/* Rows row[0 .. n-1] of t as a table of its own, packed; cache: the setting of that name. */
agop_status agop__table_subset(agop_table **out, const agop_table *t, const int64_t *row, int64_t n, const char *cache,
                               agop__err *e);

int agop__find_infinite(int64_t *row, int64_t *col, const agop_mat *X); /* 1: there is one, and where */
/* A number as the name of a category: the shortest text that reads back as the same number ("1", "0.1"). */
enum { AGOP__NUMBER_TEXT = 40 };
size_t agop__number_text(char text[AGOP__NUMBER_TEXT], double value);
/* A numeric column as categories. */
agop_status agop__column_as_text(int32_t **code, agop__dict *levels, const agop__column *c, int64_t rows, agop__err *e);
/* AGOP_E_DATA "FILE: there is no column 'romos' (drop): did you mean 'rooms'?"; file may be NULL. */
agop_status agop__no_column(agop__err *e, const char *file, const char *name, size_t length, const char *role,
                            const agop__dict *names);
/* AGOP_E_DATA "FILE: column 'rooms' is missing (the model was fitted with it)", with a near name where there is one. */
agop_status agop__lost_column(agop__err *e, const char *file, const char *name, const agop__dict *names);
/* The next name of a comma list: its length, and 0 at the end; *list moves on. */
size_t agop__next_name(const char **name, const char **list);

/* ---- the schema: how rows become numbers; learned at fit, stored in the model ---- */

enum { AGOP__SCALE_ZSCORE, AGOP__SCALE_NONE, AGOP__SCALE_MINMAX, AGOP__SCALE_RANK, AGOP__SCALES };
extern const char *const agop__scale_names[AGOP__SCALES];
int                      agop__scale_of(const agop_settings *s); /* what the setting says */
enum { AGOP__MOST_KNOTS = 1000, AGOP__FARTHEST_SCORE = 40 /* no p of a double has one farther out */ };

/* One input column. Numeric: encoded as factor * (value - centre) / spread (missing: 0 after encoding, i.e. the
 * mean), and, when asked, next to it factor * (normal score of the value) by linear interpolation in `knots`, or
 * the same of the z-score where the two are close;
 * and, where the training column had missing cells, an indicator coordinate height * ([missing] -
 * missing_share). Text: a categorical group of `levels` one-hot coordinates of height `height`; missing is a
 * level of its own named "(missing)"; a level unseen at fit is the zero vector and is counted. */
typedef struct agop__field {
    char      *name;
    int        is_text;
    double     centre, spread; /* after imputation; spread 1 where the column is constant */
    double     mean;           /* what a missing cell becomes, before encoding */
    double     deviation;      /* population standard deviation; 1 where constant */
    int        constant;       /* nothing to learn from: encoded 0, whatever comes later */
    int        has_missing;    /* numeric: an indicator coordinate follows */
    double     missing_share;  /* its mean over the training rows */
    int64_t    knots;          /* of the quantile table; 0: none */
    double    *knot;           /* knots values, rising */
    double    *score;          /* what stands beside them: normal scores, or z-scores; NULL unless asked */
    double    *rank;           /* their ranks in [-sqrt(3), sqrt(3)]; NULL unless the scale is rank */
    agop__dict levels;         /* text */
    int64_t    missing_level;  /* number of the "(missing)" level, or -1 */
} agop__field;

typedef struct agop__schema {
    int          scale;         /* AGOP__SCALE_... */
    int          normal_scores; /* 1: numeric columns have a second coordinate, `score` */
    double       factor;        /* 0.7 when there are two copies, so that they weigh as one; else 1 */
    double       height;        /* of one-hot coordinates: sqrt(1/2), so that two levels are 1 apart */
    int64_t      fields;
    agop__field *field;
    int64_t      features;     /* of all fields: agop__schema_features */
    int64_t      numeric;      /* encoded numeric coordinates: per numeric field value [, score] [, indicator] */
    int32_t      groups;       /* categorical fields, in order */
    int32_t     *group_levels; /* groups counts */
    int64_t     *feature;      /* of each numeric coordinate */
    double      *slope;        /* of each: see agop__schema_slope */
    int64_t     *in_order;     /* fields in the order of their features: numbers, then texts */
    int64_t     *start;        /* first feature of in_order[i] */
} agop__schema;

/* Learn from the rows of t. Left out: columns in `except` (comma separated) and in the settings drop and weights.
 * Settings used besides: categorical, numeric, max_levels (of a column with more levels the most frequent are
 * kept, the rest are as unseen, with a note), scale, normal_scores (auto: where the scale is zscore; a column that is
 * close to its normal scores stands beside itself). */
agop_status agop__schema_learn(agop__schema *out, agop_ctx *ctx, const agop_table *t, const char *except,
                               const agop_settings *s);
/* What the rows held that fit never saw, added up over calls. */
typedef struct agop__surprises {
    int64_t unseen;  /* texts without a level */
    int64_t imputed; /* missing cells of columns that had none */
} agop__surprises;
/* Rows first .. first+count-1 of t: numeric coordinates into x (count x numeric, dtype, row-major, caller's) and
 * codes (count x groups; -1: the zero vector). Columns are found by name, in any order; extra ones are ignored.
 * AGOP_E_DATA: a missing or mistyped column. *seen (may be NULL) grows by what these rows held. */
agop_status agop__schema_encode(void *x, int32_t dtype, int32_t *codes, const agop__schema *s, agop_ctx *ctx,
                                const agop_table *t, int64_t first, int64_t count, agop__surprises *seen);
/* The same of rows row[0 .. count-1], in any order. */
agop_status agop__schema_encode_rows(void *x, int32_t dtype, int32_t *codes, const agop__schema *s, agop_ctx *ctx,
                                     const agop_table *t, const int64_t *row, int64_t count);
void        agop__note_surprises(agop_ctx *ctx, const agop__surprises *seen); /* a sentence for each kind there is */
void        agop__schema_free(agop__schema *s);
agop_status agop__schema_to_json(json_t **out, const agop__schema *s, agop__err *e);
agop_status agop__schema_from_json(agop__schema *out, const json_t *j, agop__err *e); /* hostile input: checks all */

/* Features as shown to people: every numeric field, each followed by "NAME (missing)" where it has an indicator;
 * then "NAME=LEVEL" for every group; in field order.
 * J (numeric encoded coordinates -> features): d(encoded)/d(value in standard deviations). */
int64_t     agop__schema_features(const agop__schema *s);
int64_t     agop__schema_levels(const agop__schema *s); /* of all groups together */
agop_status agop__schema_feature(agop__buffer *name, int64_t *field, const agop__schema *s, int64_t j, agop__err *e);
/* For encoded numeric coordinate c: its feature and the slope of the coordinate in units of one standard deviation of
 * the column (scores: the regression slope of the score on the z-score over the knots). */
void agop__schema_slope(int64_t *feature, double *slope, const agop__schema *s, int64_t coordinate);
/* First feature of categorical group g. */
int64_t agop__schema_group_feature(const agop__schema *s, int32_t g);

/* Work out what follows from the fields: numeric, groups, group_levels and what comes behind. For learn, from_json. */
agop_status agop__schema_finish(agop__schema *s, agop__err *e);

/* ---- ranks.c ---- */

double agop__normal_quantile(double p); /* the inverse of the normal distribution function; 0 < p < 1 */
/* The quantile table of n sorted values: every distinct one, or AGOP__MOST_KNOTS spread evenly over the rows. */
agop_status agop__learn_knots(agop__field *f, const double *sorted, int64_t n, int scores, int ranks);
/* v -> y, linear between knots and flat outside; NaN stays. */
void agop__interpolate(double *v, const double *knot, const double *y, int64_t knots, int64_t n);

/* ---- what readers ask of a model; defined in rfm/model.c, because a model is private to its folder ---- */

const agop__schema *agop__model_schema(const agop_model *m);
const char         *agop__model_targets(const agop_model *m); /* comma separated */
int                 agop__model_target_is_text(const agop_model *m);
const char         *agop__model_weights(const agop_model *m); /* a column name, or "" */

/* What a reader needs to know of a model; agop_reader_open asks the functions above. The schema is borrowed. */
typedef struct agop__wanted {
    const agop__schema *schema;
    const char         *targets;
    int                 target_is_text;
    const char         *weights;
} agop__wanted;
agop_status agop__reader_open(agop_reader **out, agop_ctx *ctx, const char *path, const agop_settings *s,
                              const agop__wanted *wanted); /* wanted: NULL without a model */

#endif
