/* ids_programs.c - programs as a table with their strongest members, as .csv with a line per member, as .json; and how
 * active they are, a line per row, as .csv. */
#include "ids_programs.h"

#include <stdlib.h>
#include <string.h>

#include "ids_picture.h"
#include "json_print.h"
#include "result_file.h"
#include "words.h"

enum { LINE = 100, SHOWN = 20 }; /* of the table: cells, programs */

typedef struct told {
    const agop_ids *d;
    agop_programs  *p;
} told;

/* ---- programs ---- */

/* The strongest members, as many as the line has room for. */
static void print_members(FILE *f, const told *t, const agop_program *g, int room)
{
    for (int64_t i = 0; i < g->members; i++) {
        const char *name  = agop_ids_name(t->d, 0, g->member[i]);
        int         cells = words_cells(name) + (g->sign[i] < 0) + (i > 0) + (i + 1 < g->members);
        if (i > 0 && cells > room - 4) {
            fputs(" ...", f);
            break;
        }
        fputs(i ? " " : "", f);
        fputs(g->sign[i] < 0 ? "-" : "", f);
        words_line(f, name);
        room -= cells;
    }
    fputc('\n', f);
}

static void print_table(FILE *f, const told *t)
{
    int64_t count = agop_programs_count(t->p);

    if (count == 0)
        fputs("no programs: no pairs are strong enough\n", f);
    else
        fputs("program  members  strength  the strongest members\n", f);
    for (int64_t k = 0; k < count && k < SHOWN; k++) {
        agop_program g = agop_programs_at(t->p, k);
        fprintf(f, "%-7lld  %-7lld  %-8.4f  ", (long long)(k + 1), (long long)g.members, g.strength);
        print_members(f, t, &g, LINE - 28);
    }
    if (count > SHOWN)
        fprintf(f, "and %lld smaller ones: -o FILE.csv has all\n", (long long)(count - SHOWN));
}

static void print_csv(FILE *f, const told *t)
{
    char number[WORDS_NUMBER];

    fputs("program,members,strength,member,within,sign\n", f);
    for (int64_t k = 0; k < agop_programs_count(t->p); k++) {
        agop_program g = agop_programs_at(t->p, k);
        for (int64_t i = 0; i < g.members; i++) {
            fprintf(f, "%lld,%lld,%s,", (long long)(k + 1), (long long)g.members, words_number(number, g.strength));
            words_csv(f, agop_ids_name(t->d, 0, g.member[i]));
            fprintf(f, ",%s,%d\n", words_number(number, g.within[i]), g.sign[i] < 0 ? -1 : 1);
        }
    }
}

static json_t *members_of(const told *t, const agop_program *g)
{
    json_t *all = json_array();

    for (int64_t i = 0; i < g->members; i++) {
        json_t *one = json_object();
        json_put(one, "name", json_text(agop_ids_name(t->d, 0, g->member[i])));
        json_put(one, "within", json_number(g->within[i]));
        json_put(one, "sign", json_integer(g->sign[i] < 0 ? -1 : 1));
        json_array_append_new(all, one);
    }
    return all;
}

static json_t *report_of(run *r, const told *t)
{
    json_t *j = json_read(r, agop_ids_info(t->d)), *all = json_array();

    for (int64_t k = 0; k < agop_programs_count(t->p); k++) {
        agop_program g   = agop_programs_at(t->p, k);
        json_t      *one = json_object();
        json_put(one, "strength", json_number(g.strength));
        json_put(one, "members", members_of(t, &g));
        json_array_append_new(all, one);
    }
    if (j)
        json_put(j, "programs", all);
    else
        json_decref(all);
    return j;
}

static int write_told(run *r, FILE *f, int kind, const void *what)
{
    const told *t = what;

    if (result_is_picture(kind))
        return picture_of_programs(r, f, kind, t->d, t->p);
    (kind == RESULT_CSV ? print_csv : print_table)(f, t);
    return EXIT_DONE;
}

static int tell(run *r, const told *t, int kind)
{
    json_t *j = NULL;
    int     code;

    if ((kind == RESULT_JSON || r->json) && !(j = report_of(r, t)))
        return EXIT_FAILED;
    code = report_tell(r, j, opt_text(r->opt, "output"), kind, write_told, t);
    json_decref(j);
    return code;
}

/* ---- activities ---- */

static void print_activities(FILE *f, const agop_mat *m, const int64_t *most, const row_names *names)
{
    char number[WORDS_NUMBER];

    fputs("row", f);
    for (int64_t k = 0; k < m->cols; k++)
        fprintf(f, ",program_%lld", (long long)(k + 1));
    fputs(",most_active\n", f);
    for (int64_t i = 0; i < m->rows; i++) {
        if (names->name)
            words_csv(f, names->name[i]);
        else
            fprintf(f, "%lld", (long long)(i + 1));
        for (int64_t k = 0; k < m->cols; k++)
            fprintf(f, ",%s", words_number(number, ((const double *)m->data)[i * m->ld + k]));
        if (most[i] < 0)
            fputs(",\n", f);
        else
            fprintf(f, ",%lld\n", (long long)(most[i] + 1));
    }
}

static int write_activities(run *r, const told *t, const row_names *names, const char *path)
{
    agop_mat m    = {NULL, names->rows, agop_programs_count(t->p), agop_programs_count(t->p), AGOP_F64};
    int64_t *most = run_room(m.rows, sizeof *most);
    result  *o    = NULL;
    int      code;

    m.data = run_room(m.rows * m.cols, sizeof(double));
    if (!m.data || !most) {
        code = run_fail(r, EXIT_FAILED, "no memory for %lld x %lld activities", (long long)m.rows, (long long)m.cols);
        goto done;
    }
    DO(run_check(r, agop_programs_activity(&m, most, r->ctx, t->p)));
    DO(result_open(&o, r, path));
    print_activities(result_file(o), &m, most, names);
    code = result_commit(r, o);
    o    = NULL;
done:
    result_abandon(o);
    free(m.data);
    free(most);
    return code;
}

int programs_run(run *r, const agop_ids *d, const row_names *names, int kind)
{
    const char *path = opt_text(r->opt, "activities");
    told        t    = {.d = d};
    int         code;

    DO(run_check(r, agop_ids_programs(&t.p, r->ctx, d, r->settings)));
    if (path)
        DO(write_activities(r, &t, names, path));
    DO(tell(r, &t, kind));
done:
    agop_programs_free(t.p);
    return code;
}
