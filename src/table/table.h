/* table.h - columns with meaning: a table, its schema, and rows made ready for a kernel. */
#ifndef AGOP_TABLE_H
#define AGOP_TABLE_H

#include <jansson.h>

#include "base/context.h"
#include "base/settings.h"
#include "base/text.h"

/* ---- a table: columns of numbers or of codes into a dictionary of texts ---- */

typedef struct agop__column {
    char       *name;
    int         is_text;
    const void *number; /* numeric: element i at ((T*)number)[i*stride]; NaN = missing */
    int64_t     stride;
    int32_t     dtype;  /* AGOP_F32 or AGOP_F64 */
    void       *owned;  /* what to free, or NULL for a borrowed view */
    int32_t    *code;   /* text: -1 = missing, -2 = a text not in the dictionary */
    agop__dict  levels; /* text: owned unless shared */
} agop__column;

struct agop_table {
    int64_t       rows, cols;
    agop__column *column;
    void         *block; /* one allocation that several columns view (.npy), or NULL */
};

int64_t agop__table_find(const agop_table *t, const char *name); /* -1: none */
double  agop__table_at(const agop_table *t, int64_t row, int64_t col); /* numeric; NaN = missing */

/* ---- the schema: how rows become numbers; learned at fit, stored in the model ---- */

enum { AGOP__SCALE_ZSCORE, AGOP__SCALE_NONE, AGOP__SCALE_MINMAX, AGOP__SCALE_RANK };

/* One input column. Numeric: encoded as factor * (value - centre) / spread (missing: 0 after encoding, i.e. the mean), and, when
 * asked, next to it factor * (normal score of the value) by linear interpolation in `knots`; and, where the
 * training column had missing cells, an indicator column. Text: a categorical group of `levels` one-hot
 * coordinates of height `height`; missing is a level of its own named "(missing)"; a level unseen at
 * fit is the zero vector and is counted. */
typedef struct agop__field {
    char      *name;
    int        is_text;
    double     centre, spread; /* after imputation; spread 1 where the column is constant */
    double     mean;           /* what a missing cell becomes, before encoding */
    int        has_missing;
    int64_t    knots;          /* of the quantile table; 0: none */
    double    *knot;           /* knots values, rising */
    double    *score;          /* their normal scores (scale rank: ranks in [-1,1]) */
    agop__dict levels;         /* text */
    int64_t    missing_level;  /* number of the "(missing)" level, or -1 */
} agop__field;

typedef struct agop__schema {
    int          scale;        /* AGOP__SCALE_... */
    int          normal_scores; /* a second, rank-based copy of each numeric column beside the first */
    double       factor;       /* sqrt(1/2) when there are two copies (0.7 in the study), else 1 */
    double       height;       /* of one-hot coordinates: sqrt(1/2) */
    int64_t      fields;
    agop__field *field;
    int64_t      numeric;      /* encoded numeric coordinates: per numeric field value [, score] [, indicator] */
    int32_t      groups;       /* categorical fields, in order */
    int32_t     *group_levels; /* groups counts */
} agop__schema;

/* Learn from the rows of t (columns in `except`, comma separated, left out). weights: NULL or rows(t). `max_levels`: of a
 * column with more, the most frequent are kept, the rest are as unseen, with a note. */
agop_status agop__schema_learn(agop__schema *out, agop_ctx *ctx, const agop_table *t, const char *except,
                               const agop_settings *s);
/* Rows first .. first+count-1 of t: numeric coordinates into x (count x numeric, dtype, row-major, caller's) and
 * codes (count x groups). Columns are found by name, in any order; extra ones are ignored. AGOP_E_DATA: a
 * missing or mistyped column. *unseen += texts that fit never saw. */
agop_status agop__schema_encode(void *x, int32_t dtype, int32_t *codes, const agop__schema *s, agop_ctx *ctx,
                                const agop_table *t, int64_t first, int64_t count, int64_t *unseen);
void        agop__schema_free(agop__schema *s);
agop_status agop__schema_to_json(json_t **out, const agop__schema *s, agop__err *e);
agop_status agop__schema_from_json(agop__schema *out, const json_t *j, agop__err *e); /* hostile input: checks all */

/* Features as shown to people: every numeric field, "NAME (missing)" where it has an indicator, then "NAME=LEVEL" for every group, in field order.
 * J (numeric encoded coordinates -> features): d(encoded)/d(value in standard deviations). */
int64_t     agop__schema_features(const agop__schema *s);
agop_status agop__schema_feature(agop__buffer *name, int64_t *field, const agop__schema *s, int64_t j, agop__err *e);
/* For encoded numeric coordinate c: its feature and the slope of the coordinate in units of one standard deviation of
 * the column (score copies: the regression slope of the normal score on the z-score over the knots). */
void agop__schema_slope(int64_t *feature, double *slope, const agop__schema *s, int64_t coordinate);
/* First feature of categorical group g. */
int64_t agop__schema_group_feature(const agop__schema *s, int32_t g);

#endif
