/* ids_curve.c - what a score has found of a pair: the curve where the functions whose correlation it is are equal, both
 * standardised, and the second turned over where the correlation is negative. Functions that rise and fall meet in
 * places without rows, too: the curve is drawn where dots are not rare. */
#include <math.h>

#include "contour.h"
#include "ids_scatter.h"
#include "svg.h"

enum { STEPS = 200, PIECE = 512 }; /* of the grid along each axis; points that wait to be drawn */
#define AROUND   10.               /* what is near a point, on the page */
#define DENSE    .5                /* times the dots that the panel has in the mean: there are enough */
#define SHORTEST 15.               /* shorter pieces are no lines */

typedef struct point {
    double x, y;
} point;

typedef struct curve {
    FILE        *f;
    const frame *a;
    const dots  *d;
    point        piece[PIECE];
    int          count;
    double       length;
    int          drawn; /* 1: some of this piece is */
} curve;

static point place_of(const curve *c, int64_t i)
{
    return (point){frame_x(c->a, c->d->x[i]), frame_y(c->a, c->d->y[i])};
}

/* A box from the nearest dots on one side to those on the other, and a little more: columns of few values have no dots
 * between these. */
static void find_box(point *low, point *high, const curve *c, point p)
{
    *low  = (point){-INFINITY, -INFINITY};
    *high = (point){INFINITY, INFINITY};
    for (int64_t i = c->d->first; i < c->d->n; i += c->d->every) {
        point q = place_of(c, i);
        low->x  = q.x <= p.x ? fmax(low->x, q.x) : low->x;
        low->y  = q.y <= p.y ? fmax(low->y, q.y) : low->y;
        high->x = q.x >= p.x ? fmin(high->x, q.x) : high->x;
        high->y = q.y >= p.y ? fmin(high->y, q.y) : high->y;
    }
    *low  = (point){fmax(low->x, c->a->left) - AROUND, fmax(low->y, c->a->top) - AROUND};
    *high = (point){fmin(high->x, c->a->left + c->a->width) + AROUND, fmin(high->y, c->a->top + PANEL_HIGH) + AROUND};
}

static int has_dots(const curve *c, point p)
{
    point  low, high;
    double inside = 0, all = 0, share;

    find_box(&low, &high, c, p);
    for (int64_t i = c->d->first; i < c->d->n; i += c->d->every) {
        point q = place_of(c, i);
        inside += q.x >= low.x && q.x <= high.x && q.y >= low.y && q.y <= high.y;
        all++;
    }
    share = (high.x - low.x) * (high.y - low.y) / (c->a->width * PANEL_HIGH);
    return inside >= 1 && inside >= DENSE * share * all;
}

/* What waits is drawn, or forgotten where it is too short. */
static void end_piece(curve *c)
{
    for (int i = 0; i < c->count && (c->drawn || c->length >= SHORTEST); i++)
        fprintf(c->f, "%s%.1f %.1f", i == 0 && !c->drawn ? "M" : " ", c->piece[i].x, c->piece[i].y);
    c->count = c->drawn = 0;
    c->length           = 0;
}

static void add_point(void *user, double x, double y, int starts)
{
    curve       *c     = user;
    const frame *a     = c->a;
    point        p     = {frame_x(a, a->first[0] + x / STEPS * (a->last[0] - a->first[0])),
                          frame_y(a, a->first[1] + y / STEPS * (a->last[1] - a->first[1]))};
    int          there = has_dots(c, p);

    if (starts || !there)
        end_piece(c);
    if (!there)
        return;
    if (c->count == PIECE) {
        end_piece(c);
        c->drawn = 1;
    }
    c->length += c->count ? hypot(p.x - c->piece[c->count - 1].x, p.y - c->piece[c->count - 1].y) : 0;
    c->piece[c->count++] = p;
}

/* A winning function of one axis, at the points of the grid. */
static void take_function(double *to, const frame *a, int axis, const agop_ids *scores, const agop_winner *w, int side)
{
    for (int i = 0; i <= STEPS; i++)
        to[i] = a->first[axis] + (double)i / STEPS * (a->last[axis] - a->first[axis]);
    agop_ids_winning(to, scores, w, side, to, STEPS + 1);
}

int draw_curve(FILE *f, const frame *a, const dots *d, const agop_ids *scores, const agop_winner *w, const char *stroke)
{
    curve  c = {.f = f, .a = a, .d = d};
    double across[STEPS + 1], up[STEPS + 1];
    int    failed;

    take_function(across, a, 0, scores, w, d->side);
    take_function(up, a, 1, scores, w, !d->side);
    for (int i = 0; w->r < 0 && i <= STEPS; i++)
        across[i] = -across[i];
    fprintf(f, "<path fill=\"none\" stroke-linejoin=\"round\"%s d=\"", stroke);
    failed = contour_trace(across, up, STEPS, add_point, &c);
    end_piece(&c);
    fputs("\"/>\n", f);
    return failed;
}
