/* schema_json.c - a schema as JSON, inside a model file, and back.
 *
 *   {"scale": "zscore", "normal_scores": true, "factor": 0.7, "height": 0.707..., "fields": [
 *     {"name": "rooms", "type": "number", "centre": 6.3, "spread": 0.7, "mean": 6.3, "deviation": 0.7,
 *      "constant": false, "missing_share": 0.0, "knots": [...], "scores": [...], "ranks": [...]},
 *     {"name": "city", "type": "text", "levels": ["Ulm", "Bonn"], "missing_level": -1}]}
 *
 * Doubles survive exactly when they are written with 17 digits, as jansson does unless told otherwise. A text that
 * is not UTF-8, which JSON cannot hold, is written as {"bytes": "c3a9..."}. Reading trusts nothing: a schema that
 * comes back is one that learn could have made, as far as encode relies on it. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "io/json.h"
#include "table/table.h"

/* Far beyond what a table has; keeps every count in 32 bits. */
static const size_t MOST_FIELDS = 10000000;

/* ---- out ---- */

/* 0, like jansson's own setters, which refuse a NULL value: so a failed allocation is noticed here, too. */
static int field_out(json_t *j, const agop__field *f)
{
    int bad = json_object_set_new(j, "name", agop__json_text(f->name, strlen(f->name))) |
              json_object_set_new(j, "type", json_string(f->is_text ? "text" : "number"));

    if (f->is_text)
        return bad | json_object_set_new(j, "levels", agop__json_texts(f->levels.text, f->levels.count)) |
               json_object_set_new(j, "missing_level", json_integer(f->missing_level));
    bad |= json_object_set_new(j, "centre", json_real(f->centre)) |
           json_object_set_new(j, "spread", json_real(f->spread)) | json_object_set_new(j, "mean", json_real(f->mean)) |
           json_object_set_new(j, "deviation", json_real(f->deviation)) |
           json_object_set_new(j, "constant", json_boolean(f->constant)) |
           json_object_set_new(j, "missing_share", json_real(f->has_missing ? f->missing_share : 0));
    if (f->knots > 0)
        bad |= json_object_set_new(j, "knots", agop__json_reals(f->knot, f->knots));
    if (f->score)
        bad |= json_object_set_new(j, "scores", agop__json_reals(f->score, f->knots));
    if (f->rank)
        bad |= json_object_set_new(j, "ranks", agop__json_reals(f->rank, f->knots));
    return bad;
}

agop_status agop__schema_to_json(json_t **out, const agop__schema *s, agop__err *e)
{
    json_t *fields = json_array();
    int     bad    = fields == NULL;

    for (int64_t i = 0; !bad && i < s->fields; i++) {
        json_t *j = json_object();
        bad       = !j || field_out(j, &s->field[i]) != 0;
        bad |= json_array_append_new(fields, j) != 0;
    }
    *out = bad ? NULL
               : json_pack("{s:s, s:b, s:f, s:f, s:O}", "scale", agop__scale_names[s->scale], "normal_scores",
                           s->normal_scores, "factor", s->factor, "height", s->height, "fields", fields);
    json_decref(fields);
    return *out ? AGOP_OK : agop__fail_memory(e, 0, "writing a schema");
}

/* ---- in ---- */

static agop_status refuse(agop__err *e, const char *name, const char *what)
{
    return agop__fail(e, AGOP_E_FORMAT, "the schema in this model is damaged: %s%.60s%s%s", name ? "column '" : "",
                      name ? name : "", name ? "': " : "", what);
}

/* A number of [low, high]; low and high may be infinite, NaN never passes. */
static agop_status real_in(double *out, const json_t *j, const char *key, double low, double high, const char *name,
                           agop__err *e)
{
    const json_t *v = json_object_get(j, key);

    *out = json_is_number(v) ? json_number_value(v) : NAN;
    if (!(isfinite(*out) && *out >= low && *out <= high))
        return refuse(e, name, key);
    return AGOP_OK;
}

static agop_status bool_in(int *out, const json_t *j, const char *key, const char *name, agop__err *e)
{
    const json_t *v = json_object_get(j, key);

    *out = json_is_true(v);
    return json_is_boolean(v) ? AGOP_OK : refuse(e, name, key);
}

/* A text without NUL, malloc'd. */
static agop_status text_in(char **out, size_t *length, const json_t *j, agop__err *e)
{
    int found = agop__json_text_in(out, length, j);
    if (found < 0)
        return agop__fail_memory(e, 0, "reading a schema");
    return found ? AGOP_OK : refuse(e, NULL, "a text is none");
}

/* `n` finite numbers, rising, strictly where `distinct`; *out is NULL where the key is absent. */
static agop_status rising_in(double **out, int64_t *n, const json_t *j, const char *key, int distinct, double most,
                             const char *name, agop__err *e)
{
    const json_t *list  = json_object_get(j, key);
    size_t        count = json_array_size(list);

    *out = NULL;
    if (!list)
        return AGOP_OK;
    if (!json_is_array(list) || count < 1 || count > AGOP__MOST_KNOTS || (*n > 0 && (size_t)*n != count))
        return refuse(e, name, key);
    *n   = (int64_t)count;
    *out = agop__malloc(*n, sizeof **out);
    if (!*out)
        return agop__fail_memory(e, 0, "reading a schema");
    for (size_t i = 0; i < count; i++) {
        const json_t *v = json_array_get(list, i);
        double        x = json_is_number(v) ? json_number_value(v) : NAN;
        if (!(fabs(x) <= most) || (i > 0 && !(distinct ? x > (*out)[i - 1] : x >= (*out)[i - 1])))
            return refuse(e, name, key);
        (*out)[i] = x;
    }
    return AGOP_OK;
}

static agop_status number_in(agop__field *f, const json_t *j, const agop__schema *s, agop__err *e)
{
    agop_status st;
    int         ranks = s->scale == AGOP__SCALE_RANK;

    TRY(real_in(&f->centre, j, "centre", -1e300, 1e300, f->name, e));
    TRY(real_in(&f->spread, j, "spread", 0, 1e301, f->name, e));
    TRY(real_in(&f->mean, j, "mean", -1e300, 1e300, f->name, e));
    TRY(real_in(&f->deviation, j, "deviation", 0, 1e301, f->name, e));
    TRY(bool_in(&f->constant, j, "constant", f->name, e));
    TRY(real_in(&f->missing_share, j, "missing_share", 0, 1, f->name, e));
    if (!(f->spread > 0) || !(f->deviation > 0)) {
        st = refuse(e, f->name, "spread");
        goto done;
    }
    f->has_missing = f->missing_share > 0;
    TRY(rising_in(&f->knot, &f->knots, j, "knots", 1, 1e300, f->name, e));
    TRY(rising_in(&f->score, &f->knots, j, "scores", 0, AGOP__FARTHEST_SCORE, f->name, e));
    TRY(rising_in(&f->rank, &f->knots, j, "ranks", 0, 2, f->name, e));
    if ((f->score != NULL) != (s->normal_scores != 0) || (f->rank != NULL) != ranks ||
        (f->knot != NULL) != (ranks || s->normal_scores))
        st = refuse(e, f->name, "knots");
done:
    return st;
}

static agop_status levels_in(agop__field *f, const json_t *j, agop__err *e)
{
    const json_t *list = json_object_get(j, "levels"), *missing = json_object_get(j, "missing_level");
    size_t        n  = json_array_size(list);
    agop_status   st = AGOP_OK;

    if (!json_is_array(list) || n < 1 || n > MOST_FIELDS)
        return refuse(e, f->name, "levels");
    for (size_t k = 0; k < n; k++) {
        char   *s      = NULL;
        size_t  length = 0;
        int64_t number;
        st = text_in(&s, &length, json_array_get(list, k), e);
        if (st != AGOP_OK)
            return st;
        number = agop__dict_add(&f->levels, s, length);
        free(s);
        if (number < 0)
            return agop__fail_memory(e, 0, "reading a schema");
        if (number != (int64_t)k)
            return refuse(e, f->name, "a level comes twice");
    }
    if (!json_is_integer(missing) || json_integer_value(missing) < -1 || json_integer_value(missing) >= (json_int_t)n)
        return refuse(e, f->name, "missing_level");
    f->missing_level = json_integer_value(missing);
    return AGOP_OK;
}

static agop_status field_in(agop__field *f, const json_t *j, const agop__schema *s, agop__dict *names, agop__err *e)
{
    const char *type   = json_string_value(json_object_get(j, "type"));
    size_t      length = 0;
    int64_t     before = names->count, number;
    agop_status st     = text_in(&f->name, &length, json_object_get(j, "name"), e);

    f->spread = f->deviation = 1;
    f->missing_level         = -1;
    if (st != AGOP_OK)
        return st;
    if (length == 0)
        return refuse(e, NULL, "a column has no name");
    number = agop__dict_add(names, f->name, length);
    if (number < 0)
        return agop__fail_memory(e, 0, "reading a schema");
    if (number != before)
        return refuse(e, f->name, "there are two");
    f->is_text = type && strcmp(type, "text") == 0;
    if (!f->is_text && (!type || strcmp(type, "number") != 0))
        return refuse(e, f->name, "type");
    return f->is_text ? levels_in(f, j, e) : number_in(f, j, s, e);
}

static agop_status head_in(agop__schema *s, const json_t *j, agop__err *e)
{
    const char *scale = json_string_value(json_object_get(j, "scale"));
    agop_status st;

    s->scale = -1;
    for (int k = 0; scale && k < AGOP__SCALES; k++)
        if (strcmp(scale, agop__scale_names[k]) == 0)
            s->scale = k;
    if (s->scale < 0)
        return refuse(e, NULL, "scale");
    TRY(bool_in(&s->normal_scores, j, "normal_scores", NULL, e));
    TRY(real_in(&s->factor, j, "factor", 1e-3, 1e3, NULL, e));
    TRY(real_in(&s->height, j, "height", 1e-3, 1e3, NULL, e));
done:
    return st;
}

agop_status agop__schema_from_json(agop__schema *out, const json_t *j, agop__err *e)
{
    const json_t *fields = json_object_get(j, "fields");
    size_t        n      = json_array_size(fields);
    agop__dict    names  = {0};
    agop_status   st;

    memset(out, 0, sizeof *out);
    TRY(head_in(out, j, e));
    if (!json_is_array(fields) || n < 1 || n > MOST_FIELDS) {
        st = refuse(e, NULL, "fields");
        goto done;
    }
    out->field = agop__calloc((int64_t)n, sizeof *out->field);
    if (!out->field) {
        st = agop__fail_memory(e, (double)n * (double)sizeof *out->field, "reading a schema");
        goto done;
    }
    for (size_t i = 0; i < n; i++) {
        out->fields = (int64_t)i + 1; /* counted first, so that a failure frees the half-read one */
        TRY(field_in(&out->field[i], json_array_get(fields, i), out, &names, e));
    }
    TRY(agop__schema_finish(out, e));
done:
    agop__dict_free(&names);
    if (st != AGOP_OK)
        agop__schema_free(out);
    return st;
}
