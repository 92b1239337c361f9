/* test_model.c - models in files: what is saved comes back to the bit, old files stay readable, and a damaged file is
 * either refused with a sentence or loads as something that works; it never crashes, hangs or leaks. */
#include "model_support.h"
#include "rfm/model.h"

#include <fcntl.h>
#include <jansson.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__)
enum { SLOW = 1 };
#else
enum { SLOW = 0 };
#endif

static agop_ctx *ctx;
static char      folder[] = "/tmp/agop_model_XXXXXX";

static const char *const recipes[] = {
    "target=y drop=z,kind,w iters=2 kernel=l2",
    "target=y drop=z,kind,w iters=2",
    "target=kind drop=y,z,w iters=1",
    "target=kind drop=y,z,w iters=1 class_code=onehot precision=double",
    "target=y,z drop=kind,w tune=off iters=2 scale=minmax",
    "target=z drop=kind,y kernel=l1 weights=w scale=rank iters=1 exponent=1.5",
    "target=y drop=z,kind,w,a,b iters=1 metric=diagonal kernel=gaussian",
    "target=z drop=kind,w,y,colour,b iters=0 normal_scores=true scale=none",
    "target=z drop=kind,y,w iters=1 kernel=lpq norm=1.3 exponent=0.9",
    "target=z drop=kind,y,w iters=0 kernel=l2 target_transform=log",
    "target=y,z drop=kind,w iters=0 tune=off target_transform=normal",
    "target=kind drop=y,z,w iters=1 kernel=sum_power const_mix=0.25 power=3 metric=diagonal",
};
enum { RECIPES = sizeof recipes / sizeof recipes[0] };

/* ---- files as bytes ---- */

typedef struct bytes {
    unsigned char *at;
    size_t         count;
} bytes;

static const char *in_folder(const char *name)
{
    static char path[4][128];
    static int  k;
    k = (k + 1) % 4;
    (void)snprintf(path[k], sizeof path[k], "%s/%s", folder, name);
    return path[k];
}

static bytes read_all(const char *path)
{
    FILE       *f = fopen(path, "rb");
    struct stat info;
    bytes       b;

    assert_non_null(f);
    assert_int_equal(fstat(fileno(f), &info), 0);
    b.count = (size_t)info.st_size;
    b.at    = malloc(b.count + 1);
    assert_int_equal(fread(b.at, 1, b.count, f), b.count);
    (void)fclose(f);
    return b;
}

static bytes saved(const agop_model *m)
{
    if (agop_model_save(ctx, m, in_folder("saved.agop")) != AGOP_OK)
        fail_msg("%s", agop_errmsg(ctx));
    return read_all(in_folder("saved.agop"));
}

/* Load from bytes, by a file in memory. */
static agop_status load_bytes(agop_model **m, const void *at, size_t count)
{
    char        path[64];
    int         fd = memfd_create("model", MFD_CLOEXEC);
    agop_status st;

    assert_true(fd >= 0);
    for (size_t done = 0; done < count;) {
        ssize_t n = write(fd, (const char *)at + done, count - done);
        assert_true(n > 0);
        done += (size_t)n;
    }
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    st = agop_model_load(m, ctx, path);
    (void)close(fd);
    return st;
}

/* The header of a safetensors file: 8 bytes of length, then so much JSON. */
static size_t header_length(const bytes *b)
{
    uint64_t n;
    memcpy(&n, b->at, sizeof n);
    return (size_t)n;
}

/* The file with its metadata changed by `edit`; the caller frees .at. */
static bytes with_metadata(const bytes *b, void (*edit)(json_t *all, const void *with), const void *with)
{
    size_t  length = header_length(b);
    json_t *header = json_loadb((const char *)b->at + 8, length, 0, NULL),
           *meta   = json_object_get(header, "__metadata__");
    json_t  *all   = json_loads(json_string_value(json_object_get(meta, "agop")), 0, NULL);
    char    *text;
    uint64_t padded;
    bytes    out;

    assert_non_null(all);
    edit(all, with);
    text = json_dumps(all, JSON_COMPACT | JSON_REAL_PRECISION(17));
    (void)json_object_set_new(meta, "agop", json_string(text));
    free(text);
    text      = json_dumps(header, JSON_COMPACT);
    padded    = (strlen(text) + 7) / 8 * 8;
    out.count = 8 + padded + (b->count - 8 - length);
    out.at    = malloc(out.count);
    memcpy(out.at, &padded, 8);
    memset(out.at + 8, ' ', padded);
    memcpy(out.at + 8, text, strlen(text));
    memcpy(out.at + 8 + padded, b->at + 8 + length, b->count - 8 - length);
    free(text);
    json_decref(header);
    json_decref(all);
    return out;
}

/* ---- there and back ---- */

static void same_predictions(const agop_model *a, const agop_model *b, int what)
{
    int64_t outputs = agop_model_outputs(a, what);
    double *p, *q;

    assert_int_equal(outputs, agop_model_outputs(b, what));
    if (outputs == 0)
        return;
    p = predict_mixed(ctx, a, what, 30);
    q = predict_mixed(ctx, b, what, 30);
    for (int64_t i = 0; i < 30 * outputs; i++)
        assert_true(isfinite(p[i]));
    assert_memory_equal(p, q, (size_t)(30 * outputs) * sizeof *p);
    for (int64_t j = 0; j < outputs; j++)
        assert_string_equal(agop_model_output_name(a, what, j), agop_model_output_name(b, what, j));
    free(p);
    free(q);
}

static void same_features(const agop_model *a, const agop_model *b)
{
    int64_t  d = agop_model_features(a), columns = agop_model_columns(a);
    double  *fa = calloc((size_t)(d * d), sizeof *fa), *fb = calloc((size_t)(d * d), sizeof *fb);
    agop_mat va = {.data = fa, .rows = d, .cols = d, .ld = d, .dtype = AGOP_F64}, vb = va;
    double   ia[16], ib[16];

    vb.data = fb;
    assert_int_equal(d, agop_model_features(b));
    assert_int_equal(columns, agop_model_columns(b));
    assert_int_equal(agop_features(&va, ctx, a), AGOP_OK);
    assert_int_equal(agop_features(&vb, ctx, b), AGOP_OK);
    assert_memory_equal(fa, fb, (size_t)(d * d) * sizeof *fa);
    assert_int_equal(agop_importance(ia, ctx, a), AGOP_OK);
    assert_int_equal(agop_importance(ib, ctx, b), AGOP_OK);
    assert_memory_equal(ia, ib, (size_t)columns * sizeof *ia);
    for (int64_t j = 0; j < d; j++)
        assert_string_equal(agop_model_feature_name(a, j), agop_model_feature_name(b, j));
    for (int64_t j = 0; j < columns; j++)
        assert_string_equal(agop_model_column_name(a, j), agop_model_column_name(b, j));
    free(fa);
    free(fb);
}

static void test_model__what_is_saved_comes_back_to_the_bit(void **state)
{
    (void)state;
    for (int i = 0; i < RECIPES; i++) {
        agop_model *m = fit_mixed(ctx, recipes[i]), *again = NULL;
        bytes       first = saved(m), second;

        assert_int_equal(load_bytes(&again, first.at, first.count), AGOP_OK);
        same_predictions(m, again, AGOP_VALUE);
        same_predictions(m, again, AGOP_PROBA);
        same_features(m, again);
        assert_string_equal(agop_model_info(m), agop_model_info(again));
        assert_int_equal(agop_model_stopped(m), agop_model_stopped(again));
        second = saved(again); /* and the copy of the copy is the same file */
        assert_int_equal(first.count, second.count);
        assert_memory_equal(first.at, second.at, first.count);
        free(first.at);
        free(second.at);
        agop_model_free(m);
        agop_model_free(again);
    }
}

static void test_model__names_that_are_not_utf8_come_back(void **state)
{
    static const char *const city[] = {"K\xf6ln", "Ulm", "Ulm",     "K\xf6ln", "Ulm",
                                       "K\xf6ln", "Ulm", "K\xf6ln", "Ulm",     "Ulm"};
    static const double      x[] = {1, 2, 2, 1, 3, 0, 4, 1, 3, 2}, one[] = {1, 1, 1, 2, 2, 1, 1, 1, 1, 1};
    agop_settings           *s = settings_of(ctx, "target=ville\xe9 weights=g\xfc iters=1");
    agop_table              *t = NULL;
    agop_model              *m = NULL, *again = NULL;
    bytes                    b;

    (void)state;
    assert_int_equal(agop_table_new(&t, ctx, 10), AGOP_OK);
    assert_int_equal(agop_table_add_numeric(t, ctx,
                                            "gr\xf6\xdf"
                                            "e",
                                            x),
                     AGOP_OK);
    assert_int_equal(agop_table_add_text(t, ctx, "ort\xe9", city), AGOP_OK);
    assert_int_equal(agop_table_add_text(t, ctx, "ville\xe9", city), AGOP_OK);
    assert_int_equal(agop_table_add_numeric(t, ctx, "g\xfc", one), AGOP_OK);
    if (agop_fit(&m, ctx, t, NULL, s) != AGOP_OK)
        fail_msg("%s", agop_errmsg(ctx));
    b = saved(m);
    assert_int_equal(load_bytes(&again, b.at, b.count), AGOP_OK);
    assert_string_equal(agop_model_output_name(again, AGOP_VALUE, 0), "ville\xe9");
    assert_string_equal(agop_model_output_name(again, AGOP_PROBA, 0), "K\xf6ln");
    assert_string_equal(agop_model_column_name(again, 0), "gr\xf6\xdf"
                                                          "e");
    assert_string_equal(agop_model_feature_name(again, 1), "ort\xe9=K\xf6ln");
    assert_non_null(strstr(agop_model_info(again), "ville\xef\xbf\xbd")); /* the report shows that something is there */
    same_features(m, again);
    free(b.at);
    agop_model_free(m);
    agop_model_free(again);
    agop_table_free(t);
    agop_settings_free(s);
}

static void test_model__a_failed_save_leaves_the_old_file(void **state)
{
    agop_model *m      = fit_mixed(ctx, recipes[0]);
    bytes       before = saved(m), after;

    (void)state;
    assert_int_equal(agop_model_save(ctx, m, in_folder("no/such/folder.agop")), AGOP_E_IO);
    assert_int_equal(agop_model_save(ctx, m, folder), AGOP_E_IO);
    after = read_all(in_folder("saved.agop"));
    assert_memory_equal(before.at, after.at, before.count);
    free(before.at);
    free(after.at);
    agop_model_free(m);
}

/* ---- refusals ---- */

static void refused(const bytes *b, const char *part)
{
    agop_model *m  = NULL;
    agop_status st = load_bytes(&m, b->at, b->count);
    if (st != AGOP_E_FORMAT || !strstr(agop_errmsg(ctx), part))
        fail_msg("%s '%s', without '%s'", agop_status_name(st), agop_errmsg(ctx), part);
    assert_null(m);
}

static void set_version(json_t *all, const void *with)
{
    (void)json_object_set_new(all, "version", json_integer(*(const int *)with));
}

static void drop_key(json_t *all, const void *with)
{
    assert_int_equal(json_object_del(all, with), 0);
}

typedef struct change {
    const char *path, *value; /* "machine/bandwidth", JSON */
} change;

static void apply(json_t *all, const void *with)
{
    const change *c = with;
    char          path[128], *rest = path, *key;
    json_t       *j = all, *v = json_loads(c->value, JSON_DECODE_ANY, NULL);

    assert_non_null(v);
    (void)snprintf(path, sizeof path, "%s", c->path);
    while ((key = strsep(&rest, "/")) && rest)
        j = json_is_array(j) ? json_array_get(j, (size_t)atoi(key)) : json_object_get(j, key);
    assert_non_null(j);
    assert_int_equal(json_is_array(j) ? json_array_set_new(j, (size_t)atoi(key), v) : json_object_set_new(j, key, v),
                     0);
}

static void test_load__newer_formats_and_other_files_are_refused_with_their_sentence(void **state)
{
    static const char other[] = "\x02\0\0\0\0\0\0\0{}", csv[] = "a,b,c\n1,2,3\n4,5,6\n";
    agop_model       *m = fit_mixed(ctx, recipes[0]), *none = NULL;
    bytes             b          = saved(m), changed;
    int               versions[] = {6, 1000, 0, -1};

    (void)state;
    for (int i = 0; i < 4; i++) {
        changed = with_metadata(&b, set_version, &versions[i]);
        refused(&changed, i == 0   ? "a model of format 6; this agop reads up to 5: take a newer one"
                          : i == 1 ? "a model of format 1000;"
                                   : "damaged model: it names no version");
        free(changed.at);
    }
    changed = (bytes){(unsigned char *)(uintptr_t)other, 10};
    refused(&changed, "a safetensors file, but not a model of agop");
    changed = (bytes){(unsigned char *)(uintptr_t)csv, sizeof csv - 1};
    refused(&changed, "not a safetensors file");
    changed = (bytes){b.at, 0};
    refused(&changed, "too short");
    assert_int_equal(agop_model_load(&none, ctx, in_folder("nothing.agop")), AGOP_E_IO);
    assert_non_null(strstr(agop_errmsg(ctx), "nothing.agop"));
    assert_int_equal(agop_model_load(&none, ctx, folder), AGOP_E_IO);
    assert_null(none);
    free(b.at);
    agop_model_free(m);
}

static void each_is_refused(const bytes *b, const change *bad, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        agop_model *again   = NULL;
        bytes       changed = with_metadata(b, apply, &bad[i]);
        if (load_bytes(&again, changed.at, changed.count) != AGOP_E_FORMAT)
            fail_msg("%s = %s loads", bad[i].path, bad[i].value);
        free(changed.at);
    }
}

/* The only member of a leaf a second time. */
static void add_twin(agop__leaf *leaf)
{
    size_t         size  = (size_t)leaf->n * sizeof(double);
    agop__member   one   = leaf->member[0];
    agop__member  *two   = calloc(2, sizeof *two);

    assert_int_equal(leaf->members, 1);
    two[0] = two[1] = one;
    assert_int_equal(agop__metric_copy(&two[1].metric, &one.metric, &ctx->err), AGOP_OK);
    two[1].alpha = malloc(size);
    memcpy(two[1].alpha, one.alpha, size);
    free(leaf->member);
    leaf->member  = two;
    leaf->members = 2;
}

static void test_load__members_are_looked_at_too(void **state)
{
    static const change bad[] = {{"machine/others", "5"},
                                 {"machine/others", "[5]"},
                                 {"machine/others", "[{}, {}]"},
                                 {"machine/others/0/kind", "7"},
                                 {"machine/others/0/diagonal", "true"},
                                 {"machine/others/0/bandwidth", "-1"},
                                 {"machine/others/0/weight", "-1"},
                                 {"machine/others/0/weight", "\"1\""},
                                 {"machine/weight", "1e300"}};
    agop_model         *m     = fit_mixed(ctx, recipes[0]), *back = NULL;
    bytes               b;

    (void)state;
    add_twin(&m->leaf[0]);
    b = saved(m);
    assert_int_equal(load_bytes(&back, b.at, b.count), AGOP_OK);
    same_predictions(m, back, AGOP_VALUE);
    agop_model_free(back);
    each_is_refused(&b, bad, sizeof bad / sizeof bad[0]);
    free(b.at);
    agop_model_free(m);
}

static void test_load__every_part_is_needed_and_looked_at(void **state)
{
    static const char *const keys[] = {"format", "version", "schema", "target", "report", "weights", "machine"};
    static const change      bad[]  = {{"machine/kind", "0"},
                                       {"machine/kind", "3"},
                                       {"machine/kind", "\"l2\""},
                                       {"machine/kind", "2"},
                                       {"machine/exponent", "0"},
                                       {"machine/exponent", "2.5"},
                                       {"machine/bandwidth", "0"},
                                       {"machine/bandwidth", "-1"},
                                       {"machine/bandwidth", "null"},
                                       {"machine/height", "0"},
                                       {"machine/ridge", "-1"},
                                       {"machine/rows", "0"},
                                       {"machine/rows", "21"},
                                       {"machine/rows", "1e11"},
                                       {"machine/rows", "9007199254740993"},
                                       {"machine/double", "true"},
                                       {"machine/diagonal", "true"},
                                       {"format", "\"other\""},
                                       {"format", "5"},
                                       {"version", "\"1\""},
                                       {"version", "1.0"},
                                       {"schema", "[]"},
                                       {"schema/fields", "[]"},
                                       {"schema/fields/0/name", "\"b\""},
                                       {"schema/fields/0/spread", "0"},
                                       {"schema/fields/0/type", "\"text\""},
                                       {"schema/fields/2/levels/0", "\"red\""},
                                       {"schema/fields/2/missing_level", "4"},
                                       {"target/columns", "[]"},
                                       {"target/spread/0", "0"},
                                       {"target/mean", "[0, 0]"},
                                       {"report", "5"},
                                       {"weights", "5"}};
    agop_model              *m      = fit_mixed(ctx, recipes[0]);
    bytes                    b      = saved(m), changed;

    (void)state;
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        changed = with_metadata(&b, drop_key, keys[i]);
        refused(&changed, i == 0 ? "not a model of agop" : "damaged");
        free(changed.at);
    }
    each_is_refused(&b, bad, sizeof bad / sizeof bad[0]);
    free(b.at);
    agop_model_free(m);
}

/* ---- damage ---- */

static int64_t loaded, told; /* how damage went */

/* A column that the table lacks by now, or numbers too large: said, not more. */
static void worked_or_told(agop_status st, const char *how, size_t where)
{
    if (st != AGOP_OK && st != AGOP_E_DATA && st != AGOP_E_NUMERIC)
        fail_msg("%s at %zu: %s '%s'", how, where, agop_status_name(st), agop_errmsg(ctx));
}

/* Loads, and then all of it works or fails with a sentence; or refused with one. */
static void survives(const void *at, size_t count, const char *how, size_t where)
{
    agop_model *m  = NULL;
    agop_status st = load_bytes(&m, at, count);

    if (st == AGOP_OK) {
        static double p[5 * 64], importance[64];
        int64_t       outputs = agop_model_outputs(m, AGOP_VALUE);
        agop_mat      place   = {.data = p, .rows = 5, .cols = outputs, .ld = outputs, .dtype = AGOP_F64};
        agop_table   *t       = NULL;
        char         *json    = NULL;

        assert_true(outputs <= 64 && agop_model_columns(m) <= 64);
        assert_int_equal(make_mixed(&t, ctx, 5), AGOP_OK);
        worked_or_told(agop_predict(&place, ctx, m, t, AGOP_VALUE), how, where);
        worked_or_told(agop_score(&json, ctx, m, t), how, where);
        worked_or_told(agop_importance(importance, ctx, m), how, where);
        assert_non_null(agop_model_info(m));
        agop_free(json);
        agop_table_free(t);
        agop_model_free(m);
        loaded++;
        return;
    }
    if ((st != AGOP_E_FORMAT && st != AGOP_E_IO) || !*agop_errmsg(ctx) || strchr(agop_errmsg(ctx), '\n'))
        fail_msg("%s at %zu: %s '%s'", how, where, agop_status_name(st), agop_errmsg(ctx));
    assert_null(m);
    told++;
}

static void test_damage__every_byte_of_the_header(void **state)
{
    static const unsigned char masks[] = {0x01, 0x02, 0x04, 0x10, 0x40, 0x80, 0xff};

    (void)state;
    loaded = told = 0;
    for (int r = 0; r < 2; r++) { /* a regression and a classification */
        agop_model *m = fit_mixed(ctx, recipes[r]);
        bytes       b = saved(m);
        size_t      n = 8 + header_length(&b);
        for (size_t i = 0; i < n; i += SLOW && i > 64 ? 2 : 1)
            for (size_t k = SLOW ? i % 7 : 0; k < sizeof masks; k += SLOW ? 7 : 1) {
                b.at[i] ^= masks[k];
                survives(b.at, b.count, "byte", i);
                b.at[i] ^= masks[k];
            }
        free(b.at);
        agop_model_free(m);
    }
    assert_true(loaded > 50 && told > 500); /* both happen: a letter of a name changes, or a brace */
}

static void test_damage__every_length(void **state)
{
    agop_model *m = fit_mixed(ctx, recipes[0]);
    bytes       b = saved(m);

    (void)state;
    loaded = told = 0;
    for (size_t n = 0; n < b.count; n += SLOW && n > 64 && n + 64 < b.count ? 3 : 1) {
        unsigned char *exact = malloc(n + 1); /* so that the sanitizer sees the end */
        memcpy(exact, b.at, n);
        survives(exact, n, "length", n);
        free(exact);
    }
    assert_int_equal(loaded, 0);
    b.at          = realloc(b.at, b.count + 1);
    b.at[b.count] = 0;
    survives(b.at, b.count + 1, "one more", b.count);
    assert_int_equal(loaded, 0);
    free(b.at);
    agop_model_free(m);
}

/* Numbers of tensors that are not finite are always refused, wherever they stand. */
static void test_damage__every_number_as_nan_or_infinite(void **state)
{
    (void)state;
    for (int r = 0; r < RECIPES; r++) {
        agop_model *m      = fit_mixed(ctx, recipes[r]);
        bytes       b      = saved(m);
        size_t      from   = 8 + header_length(&b);
        json_t     *header = json_loadb((const char *)b.at + 8, from - 8, 0, NULL), *entry;
        const char *name;

        json_object_foreach(header, name, entry)
        {
            const char *dtype = json_string_value(json_object_get(entry, "dtype"));
            size_t      begin, end, size;
            if (!dtype || *dtype != 'F')
                continue;
            size  = strcmp(dtype, "F64") == 0 ? 8 : 4;
            begin = (size_t)json_integer_value(json_array_get(json_object_get(entry, "data_offsets"), 0));
            end   = (size_t)json_integer_value(json_array_get(json_object_get(entry, "data_offsets"), 1));
            for (size_t i = from + begin; i < from + end; i += size)
                for (int k = 0; k < 3; k++) {
                    double        v = k == 0 ? (double)NAN : k == 1 ? (double)INFINITY : -(double)INFINITY;
                    float         f = (float)v;
                    unsigned char old[8];
                    memcpy(old, b.at + i, size);
                    memcpy(b.at + i, size == 8 ? (void *)&v : (void *)&f, size);
                    refused(&b, "not finite");
                    memcpy(b.at + i, old, size);
                }
        }
        json_decref(header);
        free(b.at);
        agop_model_free(m);
    }
}

/* Numbers may be anything finite, and categories are looked at. */
static void test_damage__every_number_replaced_by_an_extreme_one(void **state)
{
    static const double extremes[] = {0, -1, 1e300, -1e300, 1e-300, 1.7976931348623157e308};

    (void)state;
    loaded = told = 0;
    for (int r = 0; r < RECIPES; r++) {
        agop_model *m = fit_mixed(ctx, recipes[r]);
        bytes       b = saved(m);
        for (size_t i = 8 + header_length(&b); i + 8 <= b.count; i += SLOW ? 40 : 8)
            for (size_t k = 0; k < 6; k++) {
                unsigned char old[8];
                memcpy(old, b.at + i, 8);
                memcpy(b.at + i, &extremes[k], 8);
                survives(b.at, b.count, "number", i);
                memcpy(b.at + i, old, 8);
            }
        free(b.at);
        agop_model_free(m);
    }
    assert_true(loaded > 500 && told > 100);
}

/* A metric without a diagonal but with something beside it has no factor, however much is added in proportion to
 * nothing. */
static void test_damage__a_metric_that_is_all_zero_on_its_diagonal_ends(void **state)
{
    agop_model *m      = fit_mixed(ctx, "target=y drop=z,kind,w,colour iters=1 tune=off");
    bytes       b      = saved(m);
    size_t      from   = 8 + header_length(&b), d, begin;
    json_t     *header = json_loadb((const char *)b.at + 8, from - 8, 0, NULL),
           *entry      = json_object_get(header, "metric.0");

    (void)state;
    d     = (size_t)json_integer_value(json_array_get(json_object_get(entry, "shape"), 0));
    begin = (size_t)json_integer_value(json_array_get(json_object_get(entry, "data_offsets"), 0));
    assert_int_equal(json_integer_value(json_array_get(json_object_get(entry, "shape"), 1)), d);
    for (size_t i = 0; i < d; i++)
        for (size_t j = 0; j < d; j++) {
            double v = i == j ? 0 : 1;
            memcpy(b.at + from + begin + 8 * (i * d + j), &v, 8);
        }
    (void)alarm(30); /* it must end */
    loaded = told = 0;
    survives(b.at, b.count, "metric", 0);
    (void)alarm(0);
    assert_int_equal(loaded, 1);
    json_decref(header);
    free(b.at);
    agop_model_free(m);
}

/* ---- old files ---- */

/* tests/data/README.md says how they were made. Without vector code of ours only the BLAS is left to choose its sums by
 * the processor: 1e-12. With all that this machine offers: 1e-6. */
static void test_old_files__of_0_1_load_and_predict_as_they_did(void **state)
{
    static const char *const names[] = {"regression", "classes"};

    (void)state;
    for (int i = 0; i < 2; i++) {
        static const char *const backends[] = {"cpu:baseline", "auto"};
        char                     model[80], expected[80];
        double                  *want = NULL;
        json_t                  *list;

        (void)snprintf(model, sizeof model, "tests/data/model-0.1-%s.agop", names[i]);
        (void)snprintf(expected, sizeof expected, "tests/data/model-0.1-%s.json", names[i]);
        list = json_load_file(expected, 0, NULL);
        assert_non_null(list);
        want = calloc(json_array_size(list), sizeof *want);
        for (size_t k = 0; k < json_array_size(list); k++)
            want[k] = json_number_value(json_array_get(list, k));
        for (int k = 0; k < 2; k++) {
            agop_ctx   *c = NULL;
            agop_model *m = NULL;
            int         what;
            double     *p;
            assert_int_equal(agop_open(&c, backends[k], 1), AGOP_OK);
            if (agop_model_load(&m, c, model) != AGOP_OK)
                fail_msg("%s", agop_errmsg(c));
            what = agop_model_outputs(m, AGOP_PROBA) ? AGOP_PROBA : AGOP_VALUE;
            assert_int_equal(json_array_size(list), 30 * agop_model_outputs(m, what));
            p = predict_mixed(c, m, what, 30);
            for (size_t j = 0; j < json_array_size(list); j++)
                if (!(fabs(p[j] - want[j]) <= (k == 0 ? 1e-12 : 1e-6)))
                    fail_msg("%s on %s, number %zu: %.17g, not %.17g", model, backends[k], j, p[j], want[j]);
            free(p);
            agop_model_free(m);
            agop_close(c);
        }
        free(want);
        json_decref(list);
    }
}

/* test_model --make-old-files FOLDER */
static int make_old_files(const char *where)
{
    static const char *const words[] = {"target=y drop=z,kind,w precision=double iters=2",
                                        "target=kind drop=y,z,w precision=double iters=1 ridge=1"};
    static const char *const names[] = {"regression", "classes"};
    agop_ctx                *c       = NULL;

    assert_int_equal(agop_open(&c, "cpu:baseline", 1), AGOP_OK);
    for (int i = 0; i < 2; i++) {
        char        path[512];
        agop_model *m    = fit_mixed(c, words[i]);
        int         what = i ? AGOP_PROBA : AGOP_VALUE;
        double     *p    = predict_mixed(c, m, what, 30);
        json_t     *list = json_array();

        for (int64_t k = 0; k < 30 * agop_model_outputs(m, what); k++)
            (void)json_array_append_new(list, json_real(p[k]));
        (void)snprintf(path, sizeof path, "%s/model-%s-%s.agop", where, "0.1", names[i]);
        if (agop_model_save(c, m, path) != AGOP_OK)
            fail_msg("%s", agop_errmsg(c));
        (void)snprintf(path, sizeof path, "%s/model-%s-%s.json", where, "0.1", names[i]);
        assert_int_equal(json_dump_file(list, path, JSON_INDENT(0) | JSON_REAL_PRECISION(17)), 0);
        json_decref(list);
        free(p);
        agop_model_free(m);
    }
    agop_close(c);
    return 0;
}

/* test_model --make-corpus FOLDER: seeds of tests/fuzz/fuzz_model.c. */
static int make_corpus(const char *where)
{
    agop_ctx *c = NULL;

    assert_int_equal(agop_open(&c, "cpu:baseline", 1), AGOP_OK);
    for (int i = 0; i < RECIPES; i++) {
        char        path[512];
        agop_model *m = fit_mixed(c, recipes[i]);
        (void)snprintf(path, sizeof path, "%s/recipe-%d", where, i);
        if (agop_model_save(c, m, path) != AGOP_OK)
            fail_msg("%s", agop_errmsg(c));
        agop_model_free(m);
    }
    agop_close(c);
    return 0;
}

static int set_up(void **state)
{
    (void)state;
    return mkdtemp(folder) && agop_open(&ctx, "cpu", 1) == AGOP_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    char command[80];
    (void)state;
    agop_close(ctx);
    (void)snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_model__what_is_saved_comes_back_to_the_bit),
        cmocka_unit_test(test_model__names_that_are_not_utf8_come_back),
        cmocka_unit_test(test_model__a_failed_save_leaves_the_old_file),
        cmocka_unit_test(test_load__newer_formats_and_other_files_are_refused_with_their_sentence),
        cmocka_unit_test(test_load__every_part_is_needed_and_looked_at),
        cmocka_unit_test(test_load__members_are_looked_at_too),
        cmocka_unit_test(test_damage__every_byte_of_the_header),
        cmocka_unit_test(test_damage__every_length),
        cmocka_unit_test(test_damage__every_number_as_nan_or_infinite),
        cmocka_unit_test(test_damage__every_number_replaced_by_an_extreme_one),
        cmocka_unit_test(test_damage__a_metric_that_is_all_zero_on_its_diagonal_ends),
        cmocka_unit_test(test_old_files__of_0_1_load_and_predict_as_they_did),
    };
    if (argc == 3 && strcmp(argv[1], "--make-old-files") == 0)
        return make_old_files(argv[2]);
    if (argc == 3 && strcmp(argv[1], "--make-corpus") == 0)
        return make_corpus(argv[2]);
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
