/* ids_picture.c - which picture, and what it needs. */
#include "ids_picture.h"

#include <stdlib.h>
#include <string.h>

#include "png.h"
#include "result_file.h"

enum { MAP_MOST = 60 };

static int is_heatmap(const run *r)
{
    const char *form = opt_text(r->opt, "picture-of");

    return form && strcmp(form, "heatmap") == 0;
}

int picture_check(run *r, int kind)
{
    const char *form = opt_text(r->opt, "picture-of");

    if (form && !result_is_picture(kind))
        return run_fail(r, EXIT_USAGE, "--picture-of is for pictures: give -o FILE.svg or FILE.png");
    if (form && opt_flag(r->opt, "programs"))
        return run_fail(r, EXIT_USAGE, "programs are drawn as a network: leave --picture-of away");
    if (form && !is_heatmap(r) && strcmp(form, "scatter") != 0)
        return run_fail(r, EXIT_USAGE, "--picture-of is scatter or heatmap, not '%.40s'", form);
    if (is_heatmap(r) && (r->opt->operands > 1 || *agop_settings_get(r->settings, "target")))
        return run_fail(r, EXIT_USAGE, "a heatmap is of one table against itself: leave %s away",
                        r->opt->operands > 1 ? r->opt->operand[1] : "--target");
    return EXIT_DONE;
}

/* ---- heat map ---- */

/* All variables where they are few; else those of the strongest pairs. */
static void choose_variables(scores_picture *s, int64_t *variable, char *taken, const pairs_picture *p)
{
    for (int64_t i = 0; i < p->pairs && s->shown + 2 <= MAP_MOST && s->all > MAP_MOST; i++) {
        const int64_t both[2] = {p->pair[i].a, p->pair[i].b};
        for (int k = 0; k < 2; k++)
            if (!taken[both[k]]) {
                taken[both[k]]       = 1;
                variable[s->shown++] = both[k];
            }
    }
    for (int64_t v = 0; s->all <= MAP_MOST && v < s->all; v++)
        variable[s->shown++] = v;
}

static int draw_map(run *r, FILE *f, int png, const pairs_picture *p)
{
    int64_t        all = agop_ids_variables(p->d, 0), *variable = run_room(MAP_MOST, sizeof *variable);
    char          *taken = run_room(all, 1);
    agop_mat       m = {.rows = all, .cols = all, .ld = all, .dtype = AGOP_F64};
    scores_picture s = {.d = p->d, .all = all, .variable = variable};
    int            code;

    s.score = m.data = run_room(all * all, sizeof(double));
    if (!variable || !taken || !m.data) {
        code = run_fail(r, EXIT_FAILED, "no memory for %lld x %lld scores", (long long)all, (long long)all);
        goto done;
    }
    DO(run_check(r, agop_ids_matrix(&m, r->ctx, p->d)));
    choose_variables(&s, variable, taken, p);
    code = png_or_svg(r, f, png, draw_heatmap, &s);
done:
    free(variable);
    free(taken);
    free(m.data);
    return code;
}

int picture_of_pairs(run *r, FILE *f, int kind, const pairs_picture *p)
{
    return is_heatmap(r) ? draw_map(r, f, kind == RESULT_PNG, p)
                         : png_or_svg(r, f, kind == RESULT_PNG, draw_scatter, p);
}

/* ---- network ---- */

int picture_of_programs(run *r, FILE *f, int kind, const agop_ids *d, const agop_programs *p)
{
    agop_pair      *pair = NULL;
    network_picture n = {.d = d, .p = p, .any_sign = strcmp(agop_settings_get(r->settings, "any_sign"), "true") == 0};
    int64_t         most;
    int             code;

    DO(run_check(r, agop_ids_pairs(NULL, &most, r->ctx, d, 0)));
    n.pair = pair = run_room(most, sizeof *pair);
    if (!pair) {
        code = run_fail(r, EXIT_FAILED, "no memory for %lld pairs", (long long)most);
        goto done;
    }
    DO(run_check(r, agop_ids_pairs(pair, &n.pairs, r->ctx, d, most)));
    code = png_or_svg(r, f, kind == RESULT_PNG, draw_network, &n);
done:
    free(pair);
    return code;
}
