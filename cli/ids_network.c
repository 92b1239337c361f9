/* ids_network.c - programs on a circle, as large as they have members, with their strongest members beside them; lines
 * are as wide as pairs tie two programs together. Those that are tied stand side by side where they can. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ids_picture.h"
#include "svg.h"
#include "words.h"

enum { MOST = 16, LARGEST = 32, SMALLEST = 12, ACROSS = 190, DOWN = 270, HIGH = 680, ROOM = 40 /* cells of a label */ };

typedef struct ring {
    int     count, place[MOST]; /* program of each place */
    double  tie[MOST][MOST], most;
    int64_t largest;
} ring;

/* The program of each variable, -1: none of those shown. */
static int64_t *programs_of(const network_picture *n, int count)
{
    int64_t  variables = agop_ids_variables(n->d, 0);
    int64_t *of        = run_room(variables, sizeof *of);

    for (int64_t v = 0; of && v < variables; v++)
        of[v] = -1;
    for (int k = 0; of && k < count; k++) {
        agop_program g = agop_programs_at(n->p, k);
        for (int64_t i = 0; i < g.members; i++)
            of[g.member[i]] = k;
    }
    return of;
}

/* Sum of scores between two programs, for their sizes. */
static int find_ties(ring *r, const network_picture *n)
{
    int64_t *of = programs_of(n, r->count);

    if (!of)
        return -1;
    for (int64_t i = 0; i < n->pairs; i++) {
        int64_t a = of[n->pair[i].a], b = of[n->pair[i].b];
        if (a >= 0 && b >= 0 && a != b && (n->any_sign || n->pair[i].spearman > 0)) {
            r->tie[a][b] += n->pair[i].score;
            r->tie[b][a] += n->pair[i].score;
        }
    }
    for (int a = 0; a < r->count; a++)
        for (int b = 0; b < r->count; b++) {
            double sizes = (double)agop_programs_at(n->p, a).members * (double)agop_programs_at(n->p, b).members;
            r->tie[a][b] /= sqrt(sizes);
            r->most = fmax(r->most, r->tie[a][b]);
        }
    free(of);
    return 0;
}

/* Each place goes to the program that is tied most to the one before. */
static void find_places(ring *r)
{
    for (int i = 0; i < r->count; i++)
        r->place[i] = i;
    for (int i = 1; i < r->count; i++) {
        int best = i, other;
        for (int k = i + 1; k < r->count; k++)
            if (r->tie[r->place[i - 1]][r->place[k]] > r->tie[r->place[i - 1]][r->place[best]])
                best = k;
        other          = r->place[i];
        r->place[i]    = r->place[best];
        r->place[best] = other;
    }
}

/* ---- drawing ---- */

#define MIDDLE_X (WIDTH / 2.0)
#define MIDDLE_Y (MARGIN + 30 + HIGH / 2.0)
#define FAINTEST .12 /* of the strongest tie: weaker ones are not drawn */

static double turn_of(const ring *r, int place)
{
    return 2 * 3.14159265358979 * (((double)place + .5) / (double)r->count - .25);
}

static void centre(double *x, double *y, const ring *r, int place)
{
    *x = MIDDLE_X + ACROSS * cos(turn_of(r, place));
    *y = MIDDLE_Y + DOWN * sin(turn_of(r, place));
}

static void draw_ties(FILE *f, const ring *r)
{
    for (int i = 0; i < r->count; i++)
        for (int j = 0; j < i; j++) {
            double x[2], y[2], share = r->most > 0 ? r->tie[r->place[i]][r->place[j]] / r->most : 0;
            if (share < FAINTEST)
                continue;
            centre(&x[0], &y[0], r, i);
            centre(&x[1], &y[1], r, j);
            fprintf(f, "<path d=\"M %.1f %.1f Q %.1f %.1f %.1f %.1f\" fill=\"none\" stroke=\"#8a8a8a\" "
                    "stroke-opacity=\"%.2f\" stroke-width=\"%.1f\"/>\n", x[0], y[0],
                    .35 * (x[0] + x[1]) + .3 * MIDDLE_X, .35 * (y[0] + y[1]) + .3 * MIDDLE_Y, x[1], y[1],
                    .3 + .4 * share, .5 + 8 * share);
        }
}

/* As many of the strongest members as there is room for. */
static void list_members(char out[256], const network_picture *n, const agop_program *g)
{
    char   cut[WORDS_CUT];
    int    room = ROOM;
    size_t used = 0;

    *out = '\0';
    for (int64_t i = 0; i < g->members; i++) {
        const char *name  = words_fit(cut, agop_ids_name(n->d, 0, g->member[i]), 24);
        int         cells = words_cells(name) + (i > 0);
        if (cells > room || used + strlen(name) + 2 > 256)
            break;
        used += (size_t)snprintf(out + used, 256 - used, "%s%s", i ? " " : "", name);
        room -= cells;
    }
}

static void draw_program(FILE *f, const network_picture *n, const ring *r, int place)
{
    agop_program g = agop_programs_at(n->p, r->place[place]);
    double       x, y, size = SMALLEST + (LARGEST - SMALLEST) * sqrt((double)g.members / (double)r->largest);
    double       turn = turn_of(r, place), beside = (size + 8) * (cos(turn) < 0 ? -1 : 1), aside = 16 * sin(turn);
    const char  *side = cos(turn) < 0 ? "end" : "start";
    char         said[256];

    centre(&x, &y, r, place);
    fprintf(f, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"%.1f\" fill=\"%s\" stroke=\"white\" stroke-width=\"2\"/>\n", x, y,
            size, IMPORTANCE);
    snprintf(said, sizeof said, "%d", r->place[place] + 1);
    svg_text(f, x, y + 4, "middle", " fill=\"white\" font-weight=\"bold\"", said);
    list_members(said, n, &g);
    svg_text(f, x + beside, y + aside - 2, side, "", said);
    snprintf(said, sizeof said, "%lld members, strength %.2f", (long long)g.members, g.strength);
    svg_text(f, x + beside, y + aside + 12, side, " font-size=\"10\" fill=\"#666666\"", said);
}

int draw_network(FILE *f, const void *what)
{
    const network_picture *n     = what;
    int64_t                count = agop_programs_count(n->p);
    ring                   r     = {.count = (int)(count < MOST ? count : MOST), .largest = 1};
    char                   title[96];

    if (find_ties(&r, n) != 0)
        return -1;
    find_places(&r);
    if (count > 0)
        r.largest = agop_programs_at(n->p, 0).members;
    snprintf(title, sizeof title, count > MOST ? "The %d largest of %lld programs, and what ties them"
                                               : "All %d programs, and what ties them",
             r.count, (long long)count);
    svg_begin(f, MARGIN + 30 + HIGH + MARGIN, count ? title : "There are no programs");
    draw_ties(f, &r);
    for (int i = 0; i < r.count; i++)
        draw_program(f, n, &r, i);
    fputs("</svg>\n", f);
    return 0;
}
