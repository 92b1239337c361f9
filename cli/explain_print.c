/* explain_print.c - an explanation as a table for people, as CSV, and as JSON. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "explanation.h"
#include "json_print.h"
#include "order.h"
#include "words.h"

enum { NAME_MOST = 32, CELL_MOST = 14, SHOWN = 20 };

void explanation_cell(char text[80], const explanation *x, int64_t row, int64_t column)
{
    int64_t at = x->place[column];
    double  v  = agop_table_number(x->t, row, at);

    if (agop_table_is_text(x->t, at))
        snprintf(text, 80, "%s", v < 0 ? "(missing)" : agop_table_level(x->t, at, (int64_t)v));
    else if (isnan(v))
        snprintf(text, 80, "(missing)");
    else
        snprintf(text, 80, "%.6g", v);
}

int64_t explanation_shown(const explanation *x, int64_t otherwise)
{
    int64_t most = x->top ? x->top : otherwise;

    return most < x->columns ? most : x->columns;
}

static int widest(const explanation *x)
{
    int w = 12;

    for (int64_t j = 0; j < x->columns; j++) {
        int one = words_cells(x->name[j]);
        w       = one > w ? one : w;
    }
    return w < NAME_MOST ? w : NAME_MOST;
}

static const char *output_name(const explanation *x, int64_t row)
{
    return agop_model_output_name(x->m, x->what, x->output[row]);
}

/* "row 7: price 23.4 = 22.1 for the mean row + 1.3" and what the columns add, the largest first. */
static void print_row(FILE *f, const explanation *x, int64_t i, int wide)
{
    const double *part  = x->part + i * x->columns;
    ranked       *r     = order_by_size(part, x->columns);
    int64_t       shown = explanation_shown(x, SHOWN);
    double        moved = x->value[i] - x->base[i], rest = 0;
    char          cell[80];

    fprintf(f, "row %lld: ", (long long)x->number[i]);
    words_line(f, output_name(x, i));
    fprintf(f, " %.5g = %.5g for the mean row %c %.5g\n", x->value[i], x->base[i], moved < 0 ? '-' : '+', fabs(moved));
    for (int64_t k = 0; r && k < shown; k++) {
        int64_t j = r[k].at;
        explanation_cell(cell, x, i, j);
        fputs("  ", f);
        words_padded(f, x->name[j], wide);
        fputs("  ", f);
        words_padded(f, cell, CELL_MOST);
        fprintf(f, " %+.5g\n", part[j]);
    }
    for (int64_t k = shown; r && k < x->columns; k++)
        rest += part[r[k].at];
    if (shown < x->columns) {
        snprintf(cell, sizeof cell, "and %lld more", (long long)(x->columns - shown));
        fputs("  ", f);
        words_padded(f, cell, wide + 2 + CELL_MOST);
        fprintf(f, " %+.5g\n", rest);
    }
    free(r);
}

/* Training rows as numbers from 1. */
static void print_neighbours(FILE *f, const explanation *x, int64_t i)
{
    const agop_neighbour *near = x->near + i * x->neighbours;

    fputs("  training rows of the largest influence:\n", f);
    for (int64_t k = 0; k < x->neighbours && near[k].share > 0; k++) {
        if (near[k].row >= 0)
            fprintf(f, "  row %-10lld", (long long)near[k].row + 1);
        else
            fprintf(f, "  row %-10s", "unknown");
        fprintf(f, " %+.5g  (%.1f %%, %.3g bandwidths away)\n", near[k].influence, 100 * near[k].share,
                near[k].distance);
    }
}

void explanation_print(FILE *f, const explanation *x)
{
    int     wide  = widest(x);
    int64_t shown = explanation_shown(x, SHOWN);
    double  rest  = 0;
    char    more[80];

    for (int64_t i = 0; i < x->rows && x->each; i++) {
        if (i)
            fputc('\n', f);
        print_row(f, x, i, wide);
        if (x->neighbours)
            print_neighbours(f, x, i);
    }
    if (x->each)
        return;
    fprintf(f, "mean |contribution| over %lld rows\n", (long long)x->rows);
    for (int64_t k = 0; k < shown; k++) {
        fputs("  ", f);
        words_padded(f, x->name[x->order[k]], wide);
        fprintf(f, "  %.5g\n", x->mean[x->order[k]]);
    }
    for (int64_t k = shown; k < x->columns; k++)
        rest += x->mean[x->order[k]];
    if (shown < x->columns) {
        snprintf(more, sizeof more, "and %lld more", (long long)(x->columns - shown));
        fputs("  ", f);
        words_padded(f, more, wide);
        fprintf(f, "  %.5g\n", rest);
    }
}

/* Two tables do not fit into one CSV file. */
static void neighbours_csv(FILE *f, const explanation *x)
{
    char number[WORDS_NUMBER];

    fputs("row,output,training_row,influence,share,distance\n", f);
    for (int64_t i = 0; i < x->rows * x->neighbours; i++) {
        const agop_neighbour *near = &x->near[i];
        if (near->share == 0)
            continue;
        fprintf(f, "%lld,", (long long)x->number[i / x->neighbours]);
        words_csv(f, output_name(x, i / x->neighbours));
        if (near->row >= 0)
            fprintf(f, ",%lld", (long long)near->row + 1);
        else
            fputc(',', f);
        fprintf(f, ",%s", words_number(number, near->influence));
        fprintf(f, ",%s", words_number(number, near->share));
        fprintf(f, ",%s\n", isfinite(near->distance) ? words_number(number, near->distance) : "");
    }
}

void explanation_csv(FILE *f, const explanation *x)
{
    char    number[WORDS_NUMBER];
    int64_t shown = explanation_shown(x, x->columns);

    if (x->neighbours) {
        neighbours_csv(f, x);
        return;
    }
    fputs("row,output,value,base", f);
    for (int64_t k = 0; k < shown; k++) {
        fputc(',', f);
        words_csv(f, x->name[x->top ? x->order[k] : k]);
    }
    fputc('\n', f);
    for (int64_t i = 0; i < x->rows; i++) {
        fprintf(f, "%lld,", (long long)x->number[i]);
        words_csv(f, output_name(x, i));
        fprintf(f, ",%s", words_number(number, x->value[i]));
        fprintf(f, ",%s", words_number(number, x->base[i]));
        for (int64_t k = 0; k < shown; k++)
            fprintf(f, ",%s", words_number(number, x->part[i * x->columns + (x->top ? x->order[k] : k)]));
        fputc('\n', f);
    }
}

static json_t *neighbours_as_json(const explanation *x, int64_t i)
{
    const agop_neighbour *near = x->near + i * x->neighbours;
    json_t               *j    = json_array();

    for (int64_t k = 0; k < x->neighbours && near[k].share > 0; k++)
        json_array_append_new(j, json_pack("{s:o, s:o, s:o, s:o}", "training_row",
                                           near[k].row >= 0 ? json_integer(near[k].row + 1) : json_null(), "influence",
                                           json_number(near[k].influence), "share", json_number(near[k].share),
                                           "distance", json_number(near[k].distance)));
    return j;
}

static json_t *row_as_json(const explanation *x, int64_t i)
{
    json_t *parts = json_object(), *row;

    for (int64_t k = 0, shown = explanation_shown(x, x->columns); k < shown; k++) {
        int64_t j = x->top ? x->order[k] : k;
        json_put(parts, x->name[j], json_number(x->part[i * x->columns + j]));
    }
    row = json_pack("{s:I, s:o, s:o, s:o, s:o}", "row", (json_int_t)x->number[i], "output",
                    json_text(output_name(x, i)), "value", json_number(x->value[i]), "base", json_number(x->base[i]),
                    "contributions", parts);
    if (x->neighbours)
        json_object_set_new(row, "neighbours", neighbours_as_json(x, i));
    return row;
}

json_t *explanation_json(const explanation *x)
{
    json_t *rows = json_array(), *mean = json_array();

    for (int64_t k = 0, shown = explanation_shown(x, x->columns); k < shown; k++)
        json_array_append_new(mean, json_pack("{s:o, s:o}", "name", json_text(x->name[x->order[k]]),
                                              "mean_absolute", json_number(x->mean[x->order[k]])));
    for (int64_t i = 0; i < x->rows; i++)
        json_array_append_new(rows, row_as_json(x, i));
    return json_pack("{s:s, s:I, s:o, s:o}", "method", x->method, "n", (json_int_t)x->rows, "columns", mean, "rows",
                     rows);
}
