/* cmd_ids.c - agop ids: which columns depend on each other. The strongest pairs as a table, all that were kept as .csv
 * or .json, all scores as a matrix in .npy; ids_picture.c draws them, ids_programs.c makes programs of them. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "ids_picture.h"
#include "ids_programs.h"
#include "json_print.h"
#include "result_file.h"
#include "words.h"

static const opt own[] = {
    {"output", 'o', OPT_TEXT, "FILE", NULL, 0, 0,
     "a .csv or .json file of pairs, a .npy file of all scores, or a picture: .svg or .png"},
    {"pairs", 0, OPT_COUNT, "N", NULL, 1, 1e9, "so many pairs, the strongest; all in files, 20 in the table"},
    {"picture-of", 0, OPT_TEXT, "FORM", NULL, 0, 0,
     "scatter: pairs as plots, the least monotonic of the strong ones first; heatmap: scores of up to 60 columns; without "
     "it scatter, and with --programs a network of them"},
    {"programs", 0, OPT_FLAG, NULL, NULL, 0, 0,
     "groups of columns that rise and fall together in place of pairs, by the Leiden algorithm"},
    {"activities", 0, OPT_TEXT, "FILE", NULL, 0, 0,
     "with --programs: a .csv file of how active each program is in every row, and the one that is most"},
    {NULL, 0, OPT_FLAG, NULL, NULL, 0, 0, NULL},
};

const opt_verb verb_ids = {
    "ids",
    "DATA [DATA2]",
    "which columns depend on each other",
    "The InterDependence Score of every pair of columns, from 0 to 1: it sees dependence that is not linear and not even "
    "monotonic, and takes time that grows with the rows, not with their square. DATA against itself; against the columns "
    "of DATA2, whose rows belong to the same things; or with --target those columns against the others. The sign is that "
    "of Spearman's correlation.",
    1,
    2,
    own,
    cmd_ids,
};

enum { SHOWN = 20, DRAWN = 10000, WIDEST = 40 }; /* pairs in the table, for a picture; cells of a name */

typedef struct found {
    const agop_table *x, *y; /* of a pair */
    agop_ids         *d;
    agop_pair        *pair;
    int64_t           count;
    int               tested;   /* 1: with p-values */
    int               permuted; /* 1: with those by permutation */
} found;

/* ---- telling ---- */

static const char *name_of(const found *f, int64_t i, int side)
{
    return agop_ids_name(f->d, side, side ? f->pair[i].b : f->pair[i].a);
}

/* 10^x in nine cells, also where it is below the least double. */
static void print_power(FILE *f, double x)
{
    double whole = floor(x), lead = pow(10, x - whole);

    if (x > -3)
        fprintf(f, "%-9.4f", pow(10, x));
    else if (lead >= 9.95) /* it would be rounded to 10 */
        fprintf(f, "1.0e%-5.0f", whole + 1);
    else
        fprintf(f, "%.1fe%-5.0f", lead, whole);
}

static void print_table(FILE *f, const found *all)
{
    int wide[2] = {1, 1};

    for (int64_t i = 0; i < all->count; i++)
        for (int side = 0; side < 2; side++) {
            int cells  = words_cells(name_of(all, i, side));
            wide[side] = cells > wide[side] ? cells < WIDEST ? cells : WIDEST : wide[side];
        }
    fputs("score   sign  ", f);
    if (all->tested)
        fputs("p        q        ", f);
    if (all->permuted)
        fputs("permuted ", f);
    words_padded(f, "a", wide[0]);
    fputs("  b\n", f);
    for (int64_t i = 0; i < all->count; i++) {
        double s = all->pair[i].spearman;
        fprintf(f, "%.4f  %-4s  ", all->pair[i].score, isnan(s) ? "" : s < 0 ? "-" : "+");
        if (all->tested) {
            print_power(f, all->pair[i].log10_p);
            print_power(f, all->pair[i].log10_q);
        }
        if (all->permuted)
            print_power(f, log10(all->pair[i].permuted));
        words_padded(f, name_of(all, i, 0), wide[0]);
        fputs("  ", f);
        words_line(f, name_of(all, i, 1));
        fputc('\n', f);
    }
}

static void print_csv(FILE *f, const found *all)
{
    char number[WORDS_NUMBER];

    fprintf(f, "a,b,score,spearman%s%s\n", all->tested ? ",log10_p,log10_q" : "", all->permuted ? ",permuted" : "");
    for (int64_t i = 0; i < all->count; i++) {
        words_csv(f, name_of(all, i, 0));
        fputc(',', f);
        words_csv(f, name_of(all, i, 1));
        fprintf(f, ",%s", words_number(number, all->pair[i].score));
        fprintf(f, ",%s", isnan(all->pair[i].spearman) ? "" : words_number(number, all->pair[i].spearman));
        if (all->tested) {
            fprintf(f, ",%s", words_number(number, all->pair[i].log10_p));
            fprintf(f, ",%s", words_number(number, all->pair[i].log10_q));
        }
        if (all->permuted)
            fprintf(f, ",%s", isnan(all->pair[i].permuted) ? "" : words_number(number, all->pair[i].permuted));
        fputc('\n', f);
    }
}

static json_t *report_of(run *r, const found *all)
{
    json_t *j = json_read(r, agop_ids_info(all->d)), *pairs = json_array();

    for (int64_t i = 0; j && i < all->count; i++) {
        json_t *one = json_object();
        json_put(one, "a", json_text(name_of(all, i, 0)));
        json_put(one, "b", json_text(name_of(all, i, 1)));
        json_put(one, "score", json_number(all->pair[i].score));
        json_put(one, "spearman", json_number(all->pair[i].spearman));
        if (all->tested) {
            json_put(one, "p", json_number(pow(10, all->pair[i].log10_p)));
            json_put(one, "q", json_number(pow(10, all->pair[i].log10_q)));
            json_put(one, "log10_p", json_number(all->pair[i].log10_p));
            json_put(one, "log10_q", json_number(all->pair[i].log10_q));
        }
        if (all->permuted)
            json_put(one, "permuted", json_number(all->pair[i].permuted));
        json_array_append_new(pairs, one);
    }
    if (j)
        json_put(j, "pairs", pairs);
    else
        json_decref(pairs);
    return j;
}

/* All scores, in the order of the columns: NumPy's format 1.0, a header of a multiple of 64 bytes, then the numbers. */
static int write_matrix(run *r, FILE *f, const found *all)
{
    agop_mat m = {NULL, agop_ids_variables(all->d, 0), agop_ids_variables(all->d, 1), 0, AGOP_F64};
    char     head[128];
    int      code, length;

    m.ld   = m.cols;
    m.data = run_room(m.rows * m.cols, sizeof(double));
    if (!m.data)
        return run_fail(r, EXIT_FAILED, "no memory for %lld x %lld scores", (long long)m.rows, (long long)m.cols);
    DO(run_check(r, agop_ids_matrix(&m, r->ctx, all->d)));
    length = snprintf(head, sizeof head, "\x93NUMPY%c%c%c%c{'descr': '<f8', 'fortran_order': False, 'shape': (%lld, "
                      "%lld), }", 1, 0, 118, 0, (long long)m.rows, (long long)m.cols);
    memset(head + length, ' ', sizeof head - (size_t)length);
    head[sizeof head - 1] = '\n';
    fwrite(head, 1, sizeof head, f);
    fwrite(m.data, sizeof(double), (size_t)(m.rows * m.cols), f);
done:
    free(m.data);
    return code;
}

/* ---- reading ---- */

/* Is one of the settings asked for that only sparse matrices have? */
static int asks_for_sparse(const agop_settings *s)
{
    static const char *const names[] = {"genes_in_rows", "layer", "text", "min_rows", "normalise", "log1p"};
    const agop_setting      *row;
    int                      asks = 0;

    for (int i = 0; (row = agop_setting_at(i)) != NULL; i++)
        for (int k = 0; k < 6; k++)
            asks |= strcmp(row->name, names[k]) == 0 && strcmp(agop_settings_get(s, row->name), row->fallback) != 0;
    return asks;
}

static int copy_names(run *r, row_names *names, const agop_sparse *m)
{
    int64_t rows = agop_sparse_rows(m);

    names->name = agop_sparse_row_name(m, 0) ? run_room(rows, sizeof *names->name) : NULL;
    if (!names->name)
        return agop_sparse_row_name(m, 0) ? run_fail(r, EXIT_FAILED, "no memory for the names of rows") : EXIT_DONE;
    for (names->rows = 0; names->rows < rows; names->rows++) {
        names->name[names->rows] = strdup(agop_sparse_row_name(m, names->rows));
        if (!names->name[names->rows])
            return run_fail(r, EXIT_FAILED, "no memory for the names of rows");
    }
    return EXIT_DONE;
}

/* A table, or a matrix that is mostly zero: counts, .mtx, .h5ad, words of a text. */
static int read_data(run *r, agop_table **out, row_names *names, const char *path)
{
    agop_sparse *m = NULL;
    int          code, sparse = asks_for_sparse(r->settings);

    if (!sparse)
        DO(run_check(r, agop_sparse_is(&sparse, r->ctx, path)));
    if (!sparse)
        return run_table(r, out, path, NULL);
    DO(run_check(r, agop_sparse_read(&m, r->ctx, path, r->settings)));
    DO(run_check(r, agop_table_from_sparse(out, r->ctx, m, r->settings)));
    if (names)
        DO(copy_names(r, names, m));
done:
    agop_sparse_free(m);
    return code;
}

/* ---- the verb ---- */

enum { AS_MATRIX = 100 }; /* beside the kinds of result_file.h */

static int kind_of(run *r, int *kind)
{
    const char *path = opt_text(r->opt, "output"), *state = opt_text(r->opt, "resume");

    *kind = path && words_ends(path, "npy") ? AS_MATRIX : result_kind(path);
    if (state && ((path && strcmp(state, path) == 0) || (r->json && strcmp(state, r->json) == 0)))
        return run_fail(r, EXIT_USAGE, "the state of the run needs a file of its own: %s is written otherwise", state);
    if (*kind == RESULT_TABLE || *kind == RESULT_CSV || *kind == RESULT_JSON || *kind == AS_MATRIX ||
        result_is_picture(*kind))
        return path ? result_check(r, path) : EXIT_DONE;
    return run_fail(r, EXIT_USAGE, "-o must name a .csv, .json, .npy, .svg or .png file, not '%.60s'", path);
}

static int write_found(run *r, FILE *f, int kind, const void *what)
{
    const found  *all = what;
    pairs_picture p   = {.x = all->x, .y = all->y, .d = all->d, .pair = all->pair, .pairs = all->count, .ctx = r->ctx,
                         .winners = strcmp(agop_settings_get(r->settings, "measure"), "ids") == 0};

    if (kind == AS_MATRIX)
        return write_matrix(r, f, all);
    if (result_is_picture(kind))
        return picture_of_pairs(r, f, kind, &p);
    (kind == RESULT_CSV ? print_csv : print_table)(f, all);
    return EXIT_DONE;
}

static int tell(run *r, const found *all, int kind)
{
    json_t *j = NULL;
    int     code;

    if ((kind == RESULT_JSON || r->json) && !(j = report_of(r, all)))
        return EXIT_FAILED;
    code = report_tell(r, j, opt_text(r->opt, "output"), kind, write_found, all);
    json_decref(j);
    return code;
}

/* The strongest pairs; none are gathered for a matrix alone. */
static int gather(run *r, found *all, int kind)
{
    int64_t few = kind == RESULT_TABLE ? SHOWN : result_is_picture(kind) ? DRAWN : 0;
    int64_t every, most = opt_count(r->opt, "pairs", r->json ? 0 : few);
    int     code;

    if (kind == AS_MATRIX && !r->json)
        return EXIT_DONE;
    DO(run_check(r, agop_ids_pairs(NULL, &every, r->ctx, all->d, 0)));
    most      = most == 0 || most > every ? every : most;
    all->pair = run_room(most, sizeof *all->pair);
    if (!all->pair)
        return run_fail(r, EXIT_FAILED, "no memory for %lld pairs: ask for fewer with --pairs", (long long)most);
    code = run_check(r, agop_ids_pairs(all->pair, &all->count, r->ctx, all->d, most));
done:
    return code;
}

static int tell_pairs(run *r, found *all, int kind)
{
    int code;

    all->tested   = strcmp(agop_settings_get(r->settings, "p_values"), "true") == 0 ||
                    strcmp(agop_settings_get(r->settings, "fdr"), "auto") != 0;
    all->permuted = strcmp(agop_settings_get(r->settings, "permutations"), "0") != 0;
    DO(gather(r, all, kind));
    code = tell(r, all, kind);
done:
    return code;
}

/* Programs look at the strongest partners only: no more are kept, unless asked for. */
static int prepare_programs(run *r, int kind)
{
    const char *path = opt_text(r->opt, "activities");
    int         code = EXIT_DONE;

    if (!opt_flag(r->opt, "programs"))
        return path ? run_fail(r, EXIT_USAGE, "--activities belongs to --programs: add it, or leave %s away", path)
                    : EXIT_DONE;
    if (r->opt->operands > 1 || *agop_settings_get(r->settings, "target"))
        return run_fail(r, EXIT_USAGE, "programs are made of one table against itself: leave %s away",
                        r->opt->operands > 1 ? r->opt->operand[1] : "--target");
    if (kind == AS_MATRIX)
        return run_fail(r, EXIT_USAGE, "programs are no matrix: -o must name a .csv, .json, .svg or .png file");
    if (path && result_kind(path) != RESULT_CSV)
        return run_fail(r, EXIT_USAGE, "--activities must name a .csv file, not '%.60s'", path);
    if (path)
        DO(result_check(r, path));
    if (strcmp(agop_settings_get(r->settings, "top"), "auto") == 0 &&
        strcmp(agop_settings_get(r->settings, "min_score"), "auto") == 0)
        DO(run_check(r, agop_settings_set(r->settings, r->ctx, "top", agop_settings_get(r->settings, "partners"))));
done:
    return code;
}

int cmd_ids(run *r)
{
    agop_table *x = NULL, *y = NULL;
    found       all   = {0};
    row_names   names = {0};
    int         code, kind;

    DO(kind_of(r, &kind));
    DO(picture_check(r, kind));
    DO(prepare_programs(r, kind));
    if (r->opt->operands > 1 && *agop_settings_get(r->settings, "target")) {
        code = run_fail(r, EXIT_USAGE, "--target is for one table: leave it or %s away", r->opt->operand[1]);
        goto done;
    }
    DO(read_data(r, &x, &names, r->opt->operand[0]));
    names.rows = agop_table_rows(x);
    if (r->opt->operands > 1)
        DO(read_data(r, &y, NULL, r->opt->operand[1]));
    DO(run_check(r, agop_ids_score(&all.d, r->ctx, x, y, r->settings)));
    all.x = x;
    all.y = y ? y : x;
    DO(opt_flag(r->opt, "programs") ? programs_run(r, all.d, &names, kind) : tell_pairs(r, &all, kind));
    if (opt_text(r->opt, "resume"))
        (void)unlink(opt_text(r->opt, "resume")); /* nothing is left to go on with */
done:
    for (int64_t i = 0; names.name && i < names.rows; i++)
        free(names.name[i]);
    free(names.name);
    free(all.pair);
    agop_ids_free(all.d);
    agop_table_free(x);
    agop_table_free(y);
    return code;
}
