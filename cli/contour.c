/* contour.c - marching squares: of each cell of the grid the edges on which g(y) - f(x) changes its sign are joined.
 * What is joined is walked from end to end, then what has no end. */
#include "contour.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

/* Edge 2 p leads from point p to the right, 2 p + 1 upwards; points are in rows of steps + 1. */
typedef struct grid {
    const double *f, *g;
    int32_t       points; /* of a row */
    int32_t (*next)[2];   /* of every edge the edges that the curve goes on to, -1: none */
    contour_visit *visit;
    void          *user;
} grid;

static double value_at(const grid *w, int32_t i, int32_t j)
{
    return w->g[j] - w->f[i];
}

static int above(const grid *w, int32_t i, int32_t j)
{
    return value_at(w, i, j) > 0;
}

static void join(grid *w, int32_t one, int32_t other)
{
    w->next[one][w->next[one][0] >= 0]     = other;
    w->next[other][w->next[other][0] >= 0] = one;
}

/* Around a cell the sign changes on no edge, on two or on all four; of four those are joined that cut off the corners
 * whose sign is not that of the middle. */
static void join_cell(grid *w, int32_t i, int32_t j)
{
    const int32_t p = j * w->points + i, right = 2 * (p + 1) + 1, top = 2 * (p + w->points);
    const int32_t around[4] = {2 * p, right, top, 2 * p + 1};
    const int     corner[5] = {above(w, i, j), above(w, i + 1, j), above(w, i + 1, j + 1), above(w, i, j + 1),
                               above(w, i, j)};
    int32_t       crossed[4];
    int           count  = 0, shift;
    double        middle = value_at(w, i, j) + value_at(w, i + 1, j + 1); /* that of the other two corners, too */

    for (int k = 0; k < 4; k++)
        if (corner[k] != corner[k + 1])
            crossed[count++] = around[k];
    shift = count == 4 && (middle > 0) != corner[0] ? 3 : 0;
    for (int k = 0; k < count; k += 2)
        join(w, crossed[(k + shift) % 4], crossed[(k + shift + 1) % 4]);
}

static void tell(const grid *w, int32_t edge, int starts)
{
    const int32_t i = edge / 2 % w->points, j = edge / 2 / w->points, up = edge % 2;
    double        from = value_at(w, i, j), to = value_at(w, i + !up, j + up), part = from / (from - to);

    w->visit(w->user, i + (up ? 0 : part), j + (up ? part : 0), starts);
}

/* From one edge to the end, or around; links that were gone are cut. */
static void walk(grid *w, int32_t edge)
{
    int starts = 1;

    for (int32_t next; edge >= 0; edge = next) {
        tell(w, edge, starts);
        starts                              = 0;
        next                                = w->next[edge][0] >= 0 ? w->next[edge][0] : w->next[edge][1];
        w->next[edge][w->next[edge][0] < 0] = -1;
        if (next >= 0)
            w->next[next][w->next[next][0] != edge] = -1;
    }
}

int contour_trace(const double *f, const double *g, int steps, contour_visit *visit, void *user)
{
    grid    w     = {.f = f, .g = g, .points = steps + 1, .visit = visit, .user = user};
    int32_t edges = 2 * w.points * w.points;

    w.next = run_room(edges, sizeof *w.next);
    if (!w.next)
        return -1;
    memset(w.next, -1, (size_t)edges * sizeof *w.next);
    for (int32_t j = 0; j < steps; j++)
        for (int32_t i = 0; i < steps; i++)
            join_cell(&w, i, j);
    for (int32_t e = 0; e < edges; e++)
        if ((w.next[e][0] >= 0) != (w.next[e][1] >= 0))
            walk(&w, e);
    for (int32_t e = 0; e < edges; e++)
        if (w.next[e][0] >= 0)
            walk(&w, e);
    free(w.next);
    return 0;
}
