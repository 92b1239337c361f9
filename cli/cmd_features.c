/* cmd_features.c - agop features: what a model learned to look at.
 *
 * `look` holds all that is known: importances of the columns and the top eigenvectors of the AGOP. Each way of
 * telling it (a table, CSV, JSON, a picture) reads only that. */
#include <langinfo.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "direction.h"
#include "json_print.h"
#include "order.h"
#include "picture.h"
#include "png.h"
#include "result_file.h"
#include "words.h"

static const opt own[] = {
    {"output", 'o', OPT_TEXT, "FILE", NULL, 0, 0, "a .csv, .json, .svg or .png file instead of the table"},
    {"top", 0, OPT_COUNT, "K", NULL, 1, 1e9, "so many columns; all in files, 20 in the table"},
    {"vectors", 0, OPT_COUNT, "K", NULL, 0, 1e6,
     "so many eigenvectors of the AGOP, each as a sentence and with its loadings; 3 in .json and pictures, none in the "
     "table"},
    {"image-shape", 0, OPT_TEXT, "HxW", NULL, 0, 0,
     "the columns are the cells of an image, row by row: draw importance and eigenvectors as images"},
    {NULL, 0, OPT_FLAG, NULL, NULL, 0, 0, NULL},
};

const opt_verb verb_features = {
    "features",
    "MODEL",
    "what a model learned to look at",
    "The importance of each column: its share in the trace of the average gradient outer product (AGOP), in units of "
    "one standard deviation of each column. With --vectors also the directions along which the answers change most. "
    "A picture is made by -o FILE.svg or FILE.png (the latter needs rsvg-convert).",
    1,
    1,
    own,
    cmd_features,
};

enum { TABLE_TOP = 20, LOADINGS_SHOWN = 10, DEFAULT_VECTORS = 3, DIAGONAL_MOST = 4096 };

typedef struct look {
    agop_model  *m;
    int64_t      columns, features, vectors, top;
    double      *importance; /* by column */
    int64_t     *order;      /* columns, the largest first */
    double      *eigenvalue;
    double      *loading;  /* vectors x features */
    double      *diagonal; /* of the AGOP by feature, where features are not the columns; or NULL */
    const char **column_name, **feature_name;
    int64_t      height, width;
} look;

/* ---- gathering ---- */

/* order[0..n-1]: positions by falling |v|; -1: no memory. */
static int rank(int64_t *order, const double *v, int64_t n)
{
    ranked *r      = order_by_size(v, n);
    int     failed = r == NULL;

    for (int64_t i = 0; r && i < n; i++)
        order[i] = r[i].at;
    free(r);
    return failed ? -1 : 0;
}

static int make_room(run *r, look *k)
{
    k->importance   = run_room(k->columns, sizeof *k->importance);
    k->order        = run_room(k->columns, sizeof *k->order);
    k->column_name  = run_room(k->columns, sizeof *k->column_name);
    k->feature_name = run_room(k->features, sizeof *k->feature_name);
    k->eigenvalue   = run_room(k->vectors, sizeof *k->eigenvalue);
    k->loading      = run_room(k->vectors * k->features, sizeof *k->loading);
    if (!k->importance || !k->order || !k->column_name || !k->feature_name || !k->eigenvalue || !k->loading)
        return run_fail(r, EXIT_FAILED, "no memory for %lld columns", (long long)k->columns);
    for (int64_t j = 0; j < k->columns; j++)
        k->column_name[j] = agop_model_column_name(k->m, j);
    for (int64_t j = 0; j < k->features; j++)
        k->feature_name[j] = agop_model_feature_name(k->m, j);
    return EXIT_DONE;
}

/* The diagonal by feature; only where it says more than the importances do and d x d is no burden. */
static int gather_diagonal(run *r, look *k)
{
    agop_mat A    = {NULL, k->features, k->features, k->features, AGOP_F64};
    double  *a    = NULL;
    int      code = EXIT_DONE;

    if (k->features == k->columns || k->features > DIAGONAL_MOST)
        return EXIT_DONE;
    A.data = a  = run_room(k->features * k->features, sizeof *a);
    k->diagonal = run_room(k->features, sizeof *k->diagonal);
    if (!a || !k->diagonal) {
        code = run_fail(r, EXIT_FAILED, "no memory for the AGOP of %lld features", (long long)k->features);
        goto done;
    }
    DO(run_check(r, agop_features(&A, r->ctx, k->m)));
    for (int64_t j = 0; j < k->features; j++)
        k->diagonal[j] = a[j * k->features + j];
done:
    free(a);
    return code;
}

static int gather(run *r, look *k, int64_t vectors, int diagonal)
{
    agop_mat V;
    int      code;

    k->columns  = agop_model_columns(k->m);
    k->features = agop_model_features(k->m);
    k->vectors  = vectors < k->features ? vectors : k->features;
    DO(make_room(r, k));
    DO(run_check(r, agop_importance(k->importance, r->ctx, k->m)));
    if (rank(k->order, k->importance, k->columns) != 0) {
        code = run_fail(r, EXIT_FAILED, "no memory for %lld columns", (long long)k->columns);
        goto done;
    }
    if (diagonal)
        DO(gather_diagonal(r, k));
    if (k->vectors == 0)
        goto done;
    V = (agop_mat){k->loading, k->vectors, k->features, k->features, AGOP_F64};
    DO(run_check(r, agop_vectors(&V, k->eigenvalue, r->ctx, k->m)));
done:
    return code;
}

static void look_free(look *k)
{
    free(k->importance);
    free(k->order);
    free(k->eigenvalue);
    free(k->loading);
    free(k->diagonal);
    free(k->column_name);
    free(k->feature_name);
    agop_model_free(k->m);
}

/* ---- telling ---- */

/* Eighths of a block, so that small shares still differ. */
static void print_bar(FILE *f, double share, double most, int cells)
{
    static const char *const part[]  = {"",
                                        "\xE2\x96\x8F",
                                        "\xE2\x96\x8E",
                                        "\xE2\x96\x8D",
                                        "\xE2\x96\x8C",
                                        "\xE2\x96\x8B",
                                        "\xE2\x96\x8A",
                                        "\xE2\x96\x89"};
    int                      eighths = (int)lround(most > 0 ? share / most * cells * 8 : 0);

    for (int i = 0; i < eighths / 8; i++)
        fputs("\xE2\x96\x88", f);
    fputs(part[eighths % 8], f);
}

static int widest(const look *k, int64_t rows)
{
    int w = 8;

    for (int64_t i = 0; i < rows; i++) {
        int one = words_cells(k->column_name[k->order[i]]);
        w       = one > w ? one : w;
    }
    return w < 40 ? w : 40;
}

static void print_vector(FILE *f, const look *k, int64_t v)
{
    const double *loading = k->loading + v * k->features;
    int64_t      *order   = run_room(k->features, sizeof *order);
    int64_t       shown   = k->features < LOADINGS_SHOWN ? k->features : LOADINGS_SHOWN;
    char          text[DIRECTION_TEXT];

    fprintf(f, "\neigenvector %lld, %.1f %% of the trace: ", (long long)v + 1, 100 * k->eigenvalue[v]);
    words_line(f, direction_text(text, loading, k->feature_name, k->features));
    fputc('\n', f);
    if (order && rank(order, loading, k->features) == 0)
        for (int64_t i = 0; i < shown && fabs(loading[order[i]]) >= 5e-5; i++) { /* what would not print as 0 */
            fputs("  ", f);
            words_padded(f, k->feature_name[order[i]], 40);
            fprintf(f, " %+.4f\n", loading[order[i]]);
        }
    free(order);
}

static void print_table(FILE *f, const look *k)
{
    int64_t rows     = k->top ? k->top : TABLE_TOP;
    int     terminal = isatty(fileno(f)) && strcmp(nl_langinfo(CODESET), "UTF-8") == 0, wide;
    double  rest     = 0;

    rows = rows < k->columns ? rows : k->columns;
    wide = widest(k, rows);
    for (int64_t i = 0; i < rows; i++) {
        double share = k->importance[k->order[i]];
        words_padded(f, k->column_name[k->order[i]], wide);
        fprintf(f, "  %6.2f %%", 100 * share);
        if (terminal) {
            fputs("  ", f);
            print_bar(f, share, k->importance[k->order[0]], opt_width(fileno(f)) - wide - 14);
        }
        fputc('\n', f);
    }
    for (int64_t i = rows; i < k->columns; i++)
        rest += k->importance[k->order[i]];
    if (rows < k->columns)
        fprintf(f, "and %lld more (%.2f %%)\n", (long long)(k->columns - rows), 100 * rest);
    for (int64_t v = 0; v < k->vectors; v++)
        print_vector(f, k, v);
}

/* Importances by column; or, with vectors, one row per loading: two tables do not fit into one CSV file. */
static void write_csv(FILE *f, const look *k)
{
    char    number[WORDS_NUMBER];
    int64_t rows = k->top && k->top < k->columns ? k->top : k->columns;

    if (k->vectors == 0) {
        fputs("name,importance\n", f);
        for (int64_t i = 0; i < rows; i++) {
            words_csv(f, k->column_name[k->order[i]]);
            fprintf(f, ",%s\n", words_number(number, k->importance[k->order[i]]));
        }
        return;
    }
    fputs("vector,share,name,loading\n", f);
    for (int64_t v = 0; v < k->vectors; v++)
        for (int64_t j = 0; j < k->features; j++) {
            fprintf(f, "%lld,%s,", (long long)v + 1, words_number(number, k->eigenvalue[v]));
            words_csv(f, k->feature_name[j]);
            fprintf(f, ",%s\n", words_number(number, k->loading[v * k->features + j]));
        }
}

static json_t *named(const char *name, double share)
{
    json_t *j = json_object();

    json_object_set_new(j, "name", json_text(name));
    json_object_set_new(j, "importance", json_number(share));
    return j;
}

/* The diagonal by feature ("COL=LEVEL"), which `features` sums up by column. */
static json_t *levels_as_json(const look *k)
{
    json_t  *j     = json_array();
    int64_t *order = run_room(k->features, sizeof *order);

    if (order && rank(order, k->diagonal, k->features) == 0)
        for (int64_t i = 0; i < k->features; i++)
            json_array_append_new(j, named(k->feature_name[order[i]], k->diagonal[order[i]]));
    free(order);
    return j;
}

static json_t *as_json(const look *k)
{
    json_t *j = json_object(), *features = json_array(), *vectors = json_array();
    int64_t rows = k->top && k->top < k->columns ? k->top : k->columns;
    char    text[DIRECTION_TEXT];

    for (int64_t i = 0; i < rows; i++)
        json_array_append_new(features, named(k->column_name[k->order[i]], k->importance[k->order[i]]));
    for (int64_t v = 0; v < k->vectors; v++) {
        json_t *one = json_object(), *loadings = json_object();
        json_object_set_new(one, "eigenvalue", json_number(k->eigenvalue[v]));
        json_object_set_new(one, "share", json_number(k->eigenvalue[v])); /* the trace is 1 */
        direction_text(text, k->loading + v * k->features, k->feature_name, k->features);
        json_object_set_new(one, "sentence", json_text(text));
        for (int64_t i = 0; i < k->features; i++)
            json_put(loadings, k->feature_name[i], json_number(k->loading[v * k->features + i]));
        json_object_set_new(one, "loadings", loadings);
        json_array_append_new(vectors, one);
    }
    json_object_set_new(j, "features", features);
    if (k->diagonal)
        json_object_set_new(j, "levels", levels_as_json(k));
    json_object_set_new(j, "vectors", vectors);
    return j;
}

/* "houses.agop: regression of price" */
static void name_picture(char title[512], const run *r, const agop_model *m)
{
    const char *slash = strrchr(r->opt->operand[0], '/');
    json_t     *info  = json_loads(agop_model_info(m), 0, NULL);

    snprintf(title, 512, "%s: %s of %s", slash ? slash + 1 : r->opt->operand[0], json_get_text(info, "task", "model"),
             json_get_text(info, "target", "its target"));
    json_decref(info);
}

static int draw(run *r, const look *k, FILE *f, int png)
{
    char    title[512];
    picture p    = {.title      = title,
                    .columns    = k->columns,
                    .column     = k->column_name,
                    .importance = k->importance,
                    .features   = k->features,
                    .feature    = k->feature_name,
                    .vectors    = (int)(k->vectors < DEFAULT_VECTORS ? k->vectors : DEFAULT_VECTORS),
                    .share      = k->eigenvalue,
                    .loading    = k->loading,
                    .height     = k->height,
                    .width      = k->width};

    name_picture(title, r, k->m);
    return png_or_svg(r, f, png, picture_write, &p);
}

/* ---- the command line ---- */

static int check_request(run *r, const char *path, int kind, look *k)
{
    const char *shape = opt_text(r->opt, "image_shape");
    char       *end   = NULL;

    if (kind < 0)
        return run_fail(r, EXIT_USAGE, "what should %s be? its name must end in .csv, .json, .svg or .png", path);
    if (path && r->json && strcmp(path, r->json) == 0)
        return run_fail(r, EXIT_USAGE, "-o and --json cannot both go to %s", path);
    if (path && result_same(path, r->opt->operand[0]))
        return run_fail(r, EXIT_USAGE, "%s is the model itself: name another file", path);
    if (shape && !result_is_picture(kind))
        return run_fail(r, EXIT_USAGE, "--image-shape is for pictures: give -o FILE.png or FILE.svg");
    if (shape) {
        k->height = strtol(shape, &end, 10);
        k->width  = *end == 'x' || *end == 'X' ? strtol(end + 1, &end, 10) : 0;
        if (*end || k->height < 1 || k->width < 1 || k->height > 100000 || k->width > 100000)
            return run_fail(r, EXIT_USAGE, "--image-shape must be HEIGHTxWIDTH such as 8x8, not '%.40s'", shape);
    }
    return path ? result_check(r, path) : EXIT_DONE;
}

static int check_shape(run *r, const look *k)
{
    if (!k->height || (k->height * k->width == k->columns && k->columns == k->features))
        return EXIT_DONE;
    if (k->height * k->width == k->columns)
        return run_fail(r, EXIT_USAGE, "--image-shape needs plain numeric columns: %s has categories or missing cells",
                        r->opt->operand[0]);
    return run_fail(r, EXIT_USAGE, "--image-shape %lldx%lld has %lld cells, but %s has %lld columns",
                    (long long)k->height, (long long)k->width, (long long)(k->height * k->width), r->opt->operand[0],
                    (long long)k->columns);
}

static int write_look(run *r, FILE *f, int kind, const void *what)
{
    if (result_is_picture(kind))
        return draw(r, what, f, kind == RESULT_PNG);
    (kind == RESULT_CSV ? write_csv : print_table)(f, what);
    return EXIT_DONE;
}

int cmd_features(run *r)
{
    const char *path = opt_text(r->opt, "output");
    int         kind = result_kind(path), machine = kind == RESULT_JSON || r->json, code;
    json_t     *report = NULL;
    look        k      = {0};

    k.top = opt_count(r->opt, "top", 0);
    DO(check_request(r, path, kind, &k));
    DO(run_check(r, agop_model_load(&k.m, r->ctx, r->opt->operand[0])));
    DO(gather(r, &k, opt_count(r->opt, "vectors", machine || result_is_picture(kind) ? DEFAULT_VECTORS : 0), machine));
    DO(check_shape(r, &k));
    if (machine)
        report = as_json(&k);
    DO(report_tell(r, report, path, kind, write_look, &k));
done:
    json_decref(report);
    look_free(&k);
    return code;
}
