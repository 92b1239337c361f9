/* contour.h - where two functions, one of x and one of y, are equal: the curve { (x, y): f(x) = g(y) } on a grid. */
#ifndef CLI_CONTOUR_H
#define CLI_CONTOUR_H

/* A point of the curve, in steps of the grid from its first corner; starts: 1: of a new piece, else joined to the point
 * before. */
typedef void contour_visit(void *user, double x, double y, int starts);

/* f and g: steps + 1 values each. 0, or -1: no memory. */
int contour_trace(const double *f, const double *g, int steps, contour_visit *visit, void *user);

#endif
