/* tails_dump.c - the scores that are significant, for tails_against_python.py to see how often independent columns
 * reach them.
 *
 * One line in: rows, terms, then of x and of y the correlations of the features (terms x terms) and their skewness.
 * One line out: for the norms max, 1 and 2 the scores whose p is .05, 1e-3 and 1e-4; 2 where no score has it. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "backend/backend.h"
#include "depend/tails.h"

static int read_numbers(double *to, int count)
{
    for (int k = 0; k < count; k++)
        if (scanf("%lf", &to[k]) != 1)
            return 0;
    return 1;
}

static int read_column(agop__null *a, int terms)
{
    double corr[AGOP__TERMS_MOST * AGOP__TERMS_MOST], skew[AGOP__TERMS_MOST];

    if (!read_numbers(corr, terms * terms) || !read_numbers(skew, terms))
        return 0;
    agop__null_make(a, corr, terms);
    agop__null_skew(a, skew);
    return 1;
}

static int significant(const agop__null *x, const agop__null *y, int64_t n, int norm, double score, double level)
{
    return agop__null_log10p(x, y, n, norm, score, level) < level;
}

static double least_score(const agop__null *x, const agop__null *y, int64_t n, int norm, double level)
{
    double low = 0, high = 1;

    if (!significant(x, y, n, norm, 1, level))
        return 2;
    for (int step = 0; step < 14; step++) {
        double middle = .5 * (low + high);
        if (significant(x, y, n, norm, middle, level))
            high = middle;
        else
            low = middle;
    }
    return high;
}

int main(void)
{
    static const double level[] = {-1.3010299956639813, -3, -4};
    int64_t             n;
    int                 terms;
    agop__null          x, y;

    while (scanf("%" SCNd64 " %d", &n, &terms) == 2) {
        if (terms < 1 || terms > AGOP__TERMS_MOST || !read_column(&x, terms) || !read_column(&y, terms))
            return 1;
        for (int norm = AGOP__STRENGTH_MAX; norm <= AGOP__STRENGTH_RMS; norm++)
            for (int k = 0; k < 3; k++)
                (void)printf("%.9g ", least_score(&x, &y, n, norm, level[k]));
        (void)printf("\n");
        (void)fflush(stdout);
    }
    return 0;
}
