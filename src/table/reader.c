/* reader.c - tables from files, all at once or block by block.
 *
 * Opening decides everything: for every column of the file, the name it gets in the table (or that it is left out)
 * and its type. Without a model the settings decide; with one, its schema does, and of a CSV file only what the
 * model needs is parsed. A target may live beside the data, in another file or in another array of an .npz: it is read
 * whole, and its rows are handed out with the rows of the data. A table that is read whole is packed on the way
 * (packing.c): of a CSV file no more than a block is ever there as doubles. A model must outlive its readers: its
 * dictionaries are used where they are. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "table/packing.h"
#include "table/reader_private.h"

struct agop_reader {
    agop__file        file;
    agop__wanted      wanted;  /* schema NULL: no model */
    agop__dict        names;   /* of the columns in the file */
    const char      **as;      /* name in the table; NULL: left out */
    int              *type;    /* AGOP__UNKNOWN, or what it must be */
    int64_t          *field;   /* of the model's schema, from 1; 0: none */
    agop__dict        owned;   /* names that are in no other dictionary */
    agop_table       *beside;  /* targets from other files */
    agop__buffer      targets; /* names of the target columns, comma separated */
    int64_t           found;   /* how many */
    agop__csv_column *block;
    int64_t           given; /* rows handed out */
    double            started;
};

/* ---- names ---- */

static int64_t find(const agop_reader *r, const char *name, size_t length)
{
    return agop__dict_find(&r->names, name, length);
}

/* A name that stays: NULL when there is no memory. */
static const char *keep_name(agop_reader *r, const char *name, size_t length)
{
    int64_t k = agop__dict_add(&r->owned, name, length);
    return k < 0 ? NULL : r->owned.text[k];
}

static agop_status list_names(agop_reader *r, agop__err *e)
{
    int64_t n = r->file.csv ? agop__csv_cols(r->file.csv) : r->file.table->cols;

    for (int64_t j = 0; j < n; j++) {
        const char *name = r->file.csv ? agop__csv_name(r->file.csv, j) : r->file.table->column[j].name;
        if (agop__dict_add(&r->names, name, strlen(name)) < 0)
            return agop__fail_memory(e, 0, "names of columns");
    }
    r->as    = agop__calloc(n, sizeof *r->as);
    r->type  = agop__calloc(n, sizeof *r->type);
    r->field = agop__calloc(n, sizeof *r->field);
    r->block = agop__calloc(n, sizeof *r->block);
    if (!r->as || !r->type || !r->field || !r->block)
        return agop__fail_memory(e, 0, "names of columns");
    return AGOP_OK;
}

/* ---- targets ---- */

/* Target number k of the model; 0 where it has fewer, or there is no model. */
static size_t wanted_target(const char **name, const agop_reader *r, int64_t k)
{
    const char *rest = r->wanted.schema ? r->wanted.targets : "";
    size_t      n    = agop__next_name(name, &rest);

    while (n > 0 && k-- > 0)
        n = agop__next_name(name, &rest);
    return n;
}

/* One more target, of this name; with a model, under the name that the model knows. */
static agop_status add_target(const char **as, agop_reader *r, const char *name, agop__err *e)
{
    const char *known;
    size_t      n = wanted_target(&known, r, r->found);

    if (r->wanted.schema && n == 0) {
        (void)agop__fail(e, AGOP_E_DATA, "%s: more target columns than the model has (%s)", r->file.name,
                         r->wanted.targets);
        return AGOP_E_DATA;
    }
    *as = n > 0 ? keep_name(r, known, n) : keep_name(r, name, strlen(name));
    if (!*as)
        return agop__fail_memory(e, 0, "names of columns");
    if (r->targets.text && agop__name_in(*as, r->targets.text))
        return agop__fail(e, AGOP_E_PARAM, "target names '%.60s' twice", *as);
    agop__buffer_print(&r->targets, "%s%s", r->found++ ? "," : "", *as);
    return r->targets.failed ? agop__fail_memory(e, 0, "names of columns") : AGOP_OK;
}

static int target_type(const agop_reader *r)
{
    return !r->wanted.schema ? AGOP__UNKNOWN : r->wanted.target_is_text ? AGOP__TEXT : AGOP__NUMERIC;
}

static agop_status target_inside(agop_reader *r, int64_t j, agop__err *e)
{
    const char *as = NULL;
    int64_t     other;
    agop_status st;

    if (!r->wanted.schema && !r->as[j])
        return agop__fail(e, AGOP_E_PARAM, "column '%.60s' is in both target and drop: name it in one",
                          r->names.text[j]);
    TRY(add_target(&as, r, r->names.text[j], e));
    other = find(r, as, strlen(as));
    if (other >= 0 && other != j) /* its name is given away */
        r->as[other] = NULL;
    r->as[j]   = as;
    r->type[j] = target_type(r);
done:
    return st;
}

/* All columns of another file. A column of an array has no name of its own: "y", or "y1", "y2", ... */
static agop_status target_beside(agop_reader *r, agop_table *from, int named, agop__err *e)
{
    agop_status st = AGOP_OK;

    if (!r->beside)
        TRY(agop__table_make(&r->beside, from->rows, e));
    if (r->beside->rows != from->rows) {
        st = agop__fail(e, AGOP_E_SHAPE, "the files of the target have %" PRId64 " and %" PRId64 " rows",
                        r->beside->rows, from->rows);
        goto done;
    }
    for (int64_t j = 0; j < from->cols; j++) {
        char        numbered[32];
        const char *as = NULL;
        (void)snprintf(numbered, sizeof numbered, from->cols == 1 ? "y" : "y%" PRId64, j + 1);
        TRY(add_target(&as, r, named ? from->column[j].name : numbered, e));
        if (target_type(r) == AGOP__TEXT)
            TRY(agop__make_text(&from->column[j], from->rows, e));
        TRY(agop__table_add_copy(r->beside, as, &from->column[j], 0, e));
    }
done:
    return st;
}

static agop_status read_beside(agop_table **out, agop_ctx *ctx, const char *path, int *named)
{
    agop_reader *r = NULL;
    agop_status  st;

    *out = NULL;
    TRY(agop__reader_open(&r, ctx, path, NULL, NULL));
    *named = r->file.kind == AGOP__FILE_CSV;
    TRY(agop_reader_next(out, ctx, r, 0));
    if (!*out)
        st = agop__fail(&ctx->err, AGOP_E_DATA, "%s: no rows", path);
done:
    agop_reader_close(r);
    return st;
}

/* One entry of the setting target that is no column's name: a column number of an array file, an array inside an
 * .npz file, or a file. */
static agop_status target_elsewhere(agop_reader *r, agop_ctx *ctx, const char *path, const char *item)
{
    agop__err  *e    = &ctx->err;
    agop__file  file = {0};
    agop_table *t    = NULL;
    int64_t     j, cols = r->names.count;
    int         named = 0;
    agop_status st    = AGOP_E_DATA;

    if (r->file.kind != AGOP__FILE_CSV && agop__parse_int(item, &j)) {
        if (j < -cols || j >= cols)
            return agop__fail(e, AGOP_E_DATA, "%s: there is no column %s (target): it has %" PRId64 ", counted from 0",
                              r->file.name, item, cols);
        return target_inside(r, j < 0 ? j + cols : j, e);
    }
    if (r->file.kind == AGOP__FILE_NPZ) {
        st = agop__file_inner(&file, ctx, path, item, "");
        if (st == AGOP_OK) {
            st = target_beside(r, file.table, 0, e);
            goto done;
        }
        if (st == AGOP_E_NOMEM || access(item, F_OK) != 0)
            goto done; /* the sentence of the .npz names its arrays */
    }
    if (access(item, F_OK) != 0) {
        st = agop__no_column(e, r->file.name, item, strlen(item), "target, nor such a file", &r->names);
        goto done;
    }
    TRY(read_beside(&t, ctx, item, &named));
    TRY(target_beside(r, t, named, e));
done:
    agop__file_close(&file);
    agop_table_free(t);
    return st;
}

static agop_status targets_of_setting(agop_reader *r, agop_ctx *ctx, const char *path, const char *setting)
{
    const char *rest = setting, *item;
    agop_status st   = AGOP_OK;

    for (size_t n; (n = agop__next_name(&item, &rest)) > 0;) {
        int64_t j    = find(r, item, n);
        char   *copy = NULL;
        if (j >= 0) {
            TRY(target_inside(r, j, &ctx->err));
            continue;
        }
        copy = agop__malloc((int64_t)n + 1, 1);
        if (!copy)
            return agop__fail_memory(&ctx->err, 0, "names of columns");
        memcpy(copy, item, n);
        copy[n] = '\0';
        st      = target_elsewhere(r, ctx, path, copy);
        free(copy);
        if (st != AGOP_OK)
            goto done;
    }
    if (wanted_target(&item, r, r->found) > 0)
        st = agop__fail(&ctx->err, AGOP_E_DATA, "%s: fewer target columns than the model has (%s)", r->file.name,
                        r->wanted.targets);
done:
    return st;
}

/* The target columns of a model that this file has under their own names: they need not be there. */
static void targets_of_model(agop_reader *r)
{
    const char *name;
    size_t      n;

    for (int64_t k = 0; (n = wanted_target(&name, r, k)) > 0; k++) {
        int64_t j = find(r, name, n);
        if (j < 0)
            continue;
        r->as[j]   = r->names.text[j];
        r->type[j] = target_type(r);
    }
}

static agop_status choose_targets(agop_reader *r, agop_ctx *ctx, const char *path, const char *setting)
{
    agop_status st;

    if (*setting) {
        st = targets_of_setting(r, ctx, path, setting);
        /* the labels of a libsvm file that were not asked for are no feature */
        if (st == AGOP_OK && r->file.kind == AGOP__FILE_LIBSVM && !agop__name_in(r->names.text[0], r->targets.text))
            r->as[0] = NULL;
        return st;
    }
    if (r->wanted.schema)
        targets_of_model(r);
    else if (r->file.kind == AGOP__FILE_LIBSVM)
        return target_inside(r, 0, &ctx->err);
    return AGOP_OK;
}

/* ---- types, by the settings ---- */

static agop_status drop_columns(agop_reader *r, const agop_settings *s, agop__err *e)
{
    const char *rest = agop__text(s, "drop"), *name;

    for (size_t n; (n = agop__next_name(&name, &rest)) > 0;) {
        int64_t j = find(r, name, n);
        if (j < 0)
            return agop__no_column(e, r->file.name, name, n, "drop", &r->names);
        r->as[j] = NULL;
    }
    return AGOP_OK;
}

/* The columns in the setting `role` are of this type. A target that came from another file may be meant, too. */
static agop_status force_columns(agop_reader *r, const agop_settings *s, const char *role, int type, agop__err *e)
{
    const char *rest = agop__text(s, role), *name;
    agop_status st   = AGOP_OK;

    for (size_t n; (n = agop__next_name(&name, &rest)) > 0;) {
        int64_t       j = find(r, name, n), k = r->beside ? agop__dict_find(&r->beside->names, name, n) : -1;
        agop__column *c = k < 0 ? NULL : &r->beside->column[k];
        if (j < 0 && !c)
            return agop__no_column(e, r->file.name, name, n, role, &r->names);
        if (j >= 0 && r->type[j] != AGOP__UNKNOWN && r->type[j] != type)
            return agop__fail(e, AGOP_E_PARAM, "column '%.60s' is to be both text and numbers (%s): name it once",
                              r->names.text[j], role);
        if (j >= 0)
            r->type[j] = type;
        if (c)
            TRY(type == AGOP__TEXT ? agop__make_text(c, r->beside->rows, e)
                                   : agop__make_number(c, r->beside->rows, "the target's file", e));
    }
done:
    return st;
}

static agop_status choose_by_settings(agop_reader *r, agop_ctx *ctx, const char *path, const agop_settings *s)
{
    agop__err  *e = &ctx->err;
    agop_status st;

    for (int64_t j = 0; j < r->names.count; j++)
        r->as[j] = r->names.text[j];
    TRY(drop_columns(r, s, e));
    TRY(choose_targets(r, ctx, path, agop__text(s, "target")));
    TRY(force_columns(r, s, "categorical", AGOP__TEXT, e));
    TRY(force_columns(r, s, "numeric", AGOP__NUMERIC, e));
    TRY(force_columns(r, s, "weights", AGOP__NUMERIC, e));
done:
    return st;
}

/* ---- types, by the model ---- */

/* "x12" -> 12, else 0. */
static int64_t array_index(const char *name)
{
    int64_t k;
    return name[0] == 'x' && name[1] >= '1' && name[1] <= '9' && agop__parse_int(name + 1, &k) ? k : 0;
}

/* The number of columns an array must have for this model; 0 where its columns have names of their own. */
static int64_t array_width(const agop__schema *s)
{
    int64_t width = 0;
    for (int64_t i = 0; s && i < s->fields; i++) {
        int64_t k = array_index(s->field[i].name);
        if (k == 0)
            return 0;
        width = k > width ? k : width;
    }
    return width;
}

static agop_status lost_column(const agop_reader *r, const char *name, agop__err *e)
{
    int64_t width = array_width(r->wanted.schema);

    if (r->file.kind == AGOP__FILE_CSV)
        return agop__lost_column(e, r->file.name, name, &r->names);
    if (width > 0)
        return agop__fail(e, AGOP_E_DATA, "%s: %" PRId64 " columns, the model was fitted with %" PRId64, r->file.name,
                          r->names.count, width);
    return agop__fail(e, AGOP_E_DATA,
                      "%s: the model was fitted with the column '%.60s', the columns of an array are x1, x2, ...",
                      r->file.name, name);
}

static agop_status choose_by_model(agop_reader *r, agop_ctx *ctx, const char *path, const agop_settings *s)
{
    const agop__schema *schema  = r->wanted.schema;
    const char         *weights = r->wanted.weights;
    agop_status         st      = AGOP_OK;

    for (int64_t i = 0; i < schema->fields; i++) {
        const agop__field *f = &schema->field[i];
        int64_t            j = find(r, f->name, strlen(f->name));
        if (j < 0)
            return lost_column(r, f->name, &ctx->err);
        r->as[j] = r->names.text[j];
        /* numbers of an array stay numbers: encoding finds their category */
        if (!f->is_text || r->file.csv)
            r->type[j] = f->is_text ? AGOP__TEXT : AGOP__NUMERIC;
        r->field[j] = i + 1;
    }
    if (weights && *weights) {
        int64_t j = find(r, weights, strlen(weights));
        if (j >= 0) {
            r->as[j]   = r->names.text[j];
            r->type[j] = AGOP__NUMERIC;
        }
    }
    TRY(choose_targets(r, ctx, path, agop__text(s, "target")));
done:
    return st;
}

/* ---- putting the choice into effect ---- */

static void instruct_csv(agop_reader *r)
{
    for (int64_t j = 0; j < r->names.count; j++) {
        if (!r->as[j]) {
            agop__csv_skip(r->file.csv, j);
            continue;
        }
        if (r->type[j] != AGOP__UNKNOWN)
            agop__csv_force(r->file.csv, j, r->type[j]);
        if (r->field[j] > 0 && r->wanted.schema->field[r->field[j] - 1].is_text)
            agop__csv_freeze(r->file.csv, j, &r->wanted.schema->field[r->field[j] - 1].levels);
    }
}

static agop_status check_rows(const agop_reader *r, int64_t rows, int all, agop__err *e)
{
    if (r->beside && (all ? rows != r->beside->rows : rows > r->beside->rows))
        return agop__fail(e, AGOP_E_SHAPE, "%s has %s%" PRId64 " rows, the file of the target has %" PRId64,
                          r->file.name, all ? "" : "at least ", rows, r->beside->rows);
    return AGOP_OK;
}

/* Add the rows of the targets that belong to the next rows(t) rows. */
static agop_status add_beside(agop_table *t, agop_reader *r, agop__err *e)
{
    agop_status st = AGOP_OK;
    for (int64_t j = 0; r->beside && j < r->beside->cols; j++)
        TRY(agop__table_add_copy(t, r->beside->column[j].name, &r->beside->column[j], r->given, e));
done:
    return st;
}

/* The table as it will be handed out: chosen columns under their names. Nothing is copied. */
static agop_status arrange_table(agop_reader *r, agop__err *e)
{
    agop_table *from = r->file.table, *t = NULL;
    agop_status st;

    TRY(agop__table_make(&t, from->rows, e));
    for (int64_t j = 0; j < from->cols; j++) {
        if (!r->as[j])
            continue;
        if (r->type[j] == AGOP__TEXT)
            TRY(agop__make_text(&from->column[j], from->rows, e));
        if (r->type[j] == AGOP__NUMERIC)
            TRY(agop__make_number(&from->column[j], from->rows, r->file.name, e));
        TRY(agop__table_move(t, r->as[j], &from->column[j], e));
    }
    TRY(check_rows(r, from->rows, 1, e));
    TRY(add_beside(t, r, e));
    t->block      = from->block;
    from->block   = NULL;
    r->file.table = t;
    t             = from;
done:
    agop_table_free(t);
    return st;
}

agop_status agop__reader_open(agop_reader **out, agop_ctx *ctx, const char *path, const agop_settings *s,
                              const agop__wanted *wanted)
{
    agop_reader *r = agop__calloc(1, sizeof *r);
    const char  *label, *second = NULL;
    agop_status  st = AGOP_OK;

    *out = NULL;
    if (!r)
        return agop__fail_memory(&ctx->err, 0, "opening a file");
    if (wanted)
        r->wanted = *wanted;
    /* the labels of a libsvm file are the model's target, whatever that was called */
    if (wanted_target(&label, r, 0) == 0 || wanted_target(&second, r, 1) > 0 || strchr(label, ','))
        label = "target";
    r->started = agop__now();
    TRY(agop__file_open(&r->file, ctx, path, label, array_width(r->wanted.schema), agop__text(s, "cache")));
    TRY(list_names(r, &ctx->err));
    TRY(wanted ? choose_by_model(r, ctx, path, s) : choose_by_settings(r, ctx, path, s));
    if (r->file.csv)
        instruct_csv(r);
    else
        TRY(arrange_table(r, &ctx->err));
    *out = r;
    r    = NULL;
done:
    agop_reader_close(r);
    return st;
}

/* ---- blocks ---- */

static agop_status name_targets(agop_table *t, const agop_reader *r, agop__err *e)
{
    if (r->targets.length > 0 && !t->targets) {
        t->targets = agop__strdup(r->targets.text);
        if (!t->targets)
            return agop__fail_memory(e, 0, "names of columns");
    }
    return AGOP_OK;
}

/* All of an array file that nothing was taken from is handed out as it is; else rows are copied, so that a
 * table never depends on its reader. */
static agop_status next_of_table(agop_table **out, agop_reader *r, int64_t rows, agop__err *e)
{
    agop_table *whole = r->file.table, *t = NULL;
    int64_t     left = whole ? whole->rows - r->given : 0;
    agop_status st   = AGOP_OK;

    if (left == 0)
        return AGOP_OK;
    if (rows == 0 || rows > left)
        rows = left;
    if (rows == whole->rows) {
        TRY(name_targets(whole, r, e));
        t             = whole;
        r->file.table = NULL;
    } else {
        TRY(agop__table_make(&t, rows, e));
        for (int64_t j = 0; j < whole->cols; j++)
            TRY(agop__table_add_copy(t, whole->column[j].name, &whole->column[j], r->given, e));
        TRY(name_targets(t, r, e));
    }
    r->given += rows;
    *out = t;
    t    = NULL;
done:
    agop_table_free(t);
    return st;
}

static agop_status take_block(agop_table *t, agop_reader *r, agop__err *e)
{
    agop_status st = AGOP_OK;

    for (int64_t j = 0; j < r->names.count; j++) {
        agop__csv_column c = r->block[j];
        r->block[j]        = (agop__csv_column){0}; /* taken, whatever comes of it */
        if (c.number)
            TRY(agop__table_take_number(t, r->as[j], c.number, e));
        else if (c.code)
            TRY(agop__table_take_text(t, r->as[j], c.code, agop__csv_levels(r->file.csv, j), e));
    }
done:
    return st;
}

/* What the CSV reader advises is for a fit; a model's types stand. */
static void advise(const agop_reader *r, agop__err *e)
{
    char *advice = r->wanted.schema ? strstr(e->text, " (use --categorical ") : NULL;

    if (advice)
        (void)snprintf(advice, sizeof e->text - (size_t)(advice - e->text),
                       ": the model was fitted with numbers there");
}

static void free_block(agop_reader *r)
{
    for (int64_t j = 0; j < r->names.count; j++) {
        free(r->block[j].number);
        free(r->block[j].code);
        r->block[j] = (agop__csv_column){0};
    }
}

static agop_status next_of_csv(agop_table **out, agop_reader *r, int64_t rows, agop__err *e)
{
    agop_table *t   = NULL;
    int64_t     got = 0;
    agop_status st;

    memset(r->block, 0, (size_t)r->names.count * sizeof *r->block);
    st = agop__csv_next(r->file.csv, rows, r->block, &got, e);
    if (st != AGOP_OK) {
        advise(r, e);
        goto done;
    }
    TRY(check_rows(r, r->given + got, got == 0 || rows == 0, e));
    if (got == 0)
        goto done;
    TRY(agop__table_make(&t, got, e));
    TRY(take_block(t, r, e));
    TRY(add_beside(t, r, e));
    TRY(name_targets(t, r, e));
    r->given += got;
    *out = t;
    t    = NULL;
done:
    agop_table_free(t);
    free_block(r);
    return st;
}

/* ---- all of a CSV file, packed ---- */

typedef struct filling {
    agop_reader *r;
    int64_t     *col; /* in the file, of each packed column */
    int64_t      got; /* rows of the block */
} filling;

static agop_status fill_column(void *user, int64_t k, agop__pack *pack, agop__err *e)
{
    filling          *f = user;
    agop__csv_column *c = &f->r->block[f->col[k]];
    agop_status       st;

    st = c->number ? agop__pack_add(pack, c->number, f->got, e) : agop__pack_add_codes(pack, c->code, f->got, e);
    free(c->number); /* at once: what is packed is not held twice */
    free(c->code);
    *c = (agop__csv_column){0};
    return st;
}

/* The next block into the packed columns; f->got = 0 at the end. */
static agop_status pack_block(filling *f, agop__packing *p, agop_ctx *ctx)
{
    agop_reader *r = f->r;
    int64_t      done, total;
    agop_status  st;

    agop__csv_progress(r->file.csv, &done, &total);
    if (agop__tell(ctx, "read", done, total, r->started, r->file.name))
        return agop__fail(&ctx->err, AGOP_E_STOPPED, "stopped while reading %s", r->file.name);
    memset(r->block, 0, (size_t)r->names.count * sizeof *r->block);
    st = agop__csv_next(r->file.csv, p->chunk_rows, r->block, &f->got, &ctx->err);
    if (st != AGOP_OK) {
        advise(r, &ctx->err);
        goto done;
    }
    TRY(agop__packing_add(p, ctx->threads, fill_column, f, &ctx->err));
    r->given += f->got;
done:
    free_block(r);
    return st;
}

/* The packed columns become a table, behind them the targets from other files. */
static agop_status take_packed(agop_table *t, filling *f, agop__packing *p, agop__err *e)
{
    agop_reader *r  = f->r;
    agop_status  st = AGOP_OK;

    for (int64_t k = 0; k < p->cols; k++) {
        int64_t     j    = f->col[k];
        agop__pack *pack = p->pack[k];
        int         text = agop__csv_type(r->file.csv, j) == AGOP__TEXT;
        p->pack[k]       = NULL; /* taken, whatever comes of it */
        TRY(agop__table_take_packed(t, r->as[j], pack, text ? agop__csv_levels(r->file.csv, j) : NULL, e));
    }
    for (int64_t j = 0; r->beside && j < r->beside->cols; j++)
        TRY(agop__table_move(t, r->beside->column[j].name, &r->beside->column[j], e));
    TRY(name_targets(t, r, e));
done:
    return st;
}

static agop_status read_packed(agop_table **out, agop_ctx *ctx, agop_reader *r, const char *cache, int64_t chunk_rows)
{
    filling       f = {.r = r, .col = agop__malloc(r->names.count, sizeof(int64_t))};
    agop__packing p = {0};
    agop_table   *t = NULL;
    int64_t       cols = 0;
    agop_status   st;

    if (!f.col)
        return agop__fail_memory(&ctx->err, 0, "packed columns");
    for (int64_t j = 0; j < r->names.count; j++)
        if (r->as[j])
            f.col[cols++] = j;
    TRY(agop__packing_open(&p, cols, cache, chunk_rows, &ctx->err));
    do
        TRY(pack_block(&f, &p, ctx));
    while (f.got > 0);
    TRY(check_rows(r, r->given, 1, &ctx->err));
    if (r->given == 0)
        goto done;
    TRY(agop__table_make(&t, r->given, &ctx->err));
    TRY(take_packed(t, &f, &p, &ctx->err));
    *out = t;
    t    = NULL;
done:
    agop_table_free(t);
    agop__packing_close(&p);
    free(f.col);
    return st;
}

/* ---- the public functions ---- */

agop_status agop_reader_open(agop_reader **out, agop_ctx *ctx, const char *path, const agop_settings *s,
                             const agop_model *model)
{
    agop__wanted w = {0};

    if (!ctx)
        return AGOP_E_ARG;
    if (!out)
        return agop__fail(&ctx->err, AGOP_E_ARG, "opening a file needs a place for the reader");
    *out = NULL;
    if (!path) {
        (void)agop__fail(&ctx->err, AGOP_E_ARG, "a reader needs the path of a file");
        return AGOP_E_ARG;
    }
    if (!model)
        return agop__reader_open(out, ctx, path, s, NULL);
    w.schema         = agop__model_schema(model);
    w.targets        = agop__model_targets(model);
    w.target_is_text = agop__model_target_is_text(model);
    w.weights        = agop__model_weights(model);
    return agop__reader_open(out, ctx, path, s, &w);
}

agop_status agop_reader_next(agop_table **out, agop_ctx *ctx, agop_reader *r, int64_t rows)
{
    if (!ctx)
        return AGOP_E_ARG;
    if (!out)
        return agop__fail(&ctx->err, AGOP_E_ARG, "a block needs a place for the table");
    *out = NULL;
    if (!r || rows < 0)
        return agop__fail(&ctx->err, AGOP_E_ARG, "a block needs a reader and a number of rows that is not negative");
    if (agop__tell(ctx, "read", r->given, 0, r->started, r->file.name))
        return agop__fail(&ctx->err, AGOP_E_STOPPED, "stopped while reading %s", r->file.name);
    return r->file.csv ? next_of_csv(out, r, rows, &ctx->err) : next_of_table(out, r, rows, &ctx->err);
}

void agop_reader_close(agop_reader *r)
{
    if (!r)
        return;
    agop__file_close(&r->file);
    agop__dict_free(&r->names);
    agop__dict_free(&r->owned);
    agop__buffer_free(&r->targets);
    agop_table_free(r->beside);
    free(r->as);
    free(r->type);
    free(r->field);
    free(r->block);
    free(r);
}

agop_status agop__table_read(agop_table **out, agop_ctx *ctx, const char *path, const agop_settings *s,
                             const agop_model *model, int64_t chunk_rows)
{
    agop_reader *r = NULL;
    agop_status  st;

    if (!ctx)
        return AGOP_E_ARG;
    if (!out)
        return agop__fail(&ctx->err, AGOP_E_ARG, "reading a file needs a place for the table");
    *out = NULL;
    TRY(agop_reader_open(&r, ctx, path, s, model));
    TRY(r->file.csv ? read_packed(out, ctx, r, agop__text(s, "cache"), chunk_rows) : agop_reader_next(out, ctx, r, 0));
    if (!*out)
        st = agop__fail(&ctx->err, AGOP_E_DATA, "%s: no rows", r->file.name);
done:
    agop_reader_close(r);
    return st;
}

agop_status agop_table_read(agop_table **out, agop_ctx *ctx, const char *path, const agop_settings *s,
                            const agop_model *model)
{
    return agop__table_read(out, ctx, path, s, model, 0);
}
