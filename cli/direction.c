/* direction.c - a direction among features as a sentence; see direction.h. */
#include "direction.h"

#include <math.h>
#include <stdio.h>

#include "words.h"

enum { MOST_TERMS = 5, NAME_CELLS = 60 };
#define TOLD 0.9 /* of the squared length */

/* The largest |loading| that is not among the terms told; of equal ones the first. */
static int64_t next_term(const double *loading, int64_t n, const int64_t *told, int terms)
{
    int64_t best = -1;

    for (int64_t j = 0; j < n; j++) {
        int is_told = 0;
        for (int i = 0; i < terms; i++)
            is_told |= told[i] == j;
        if (!is_told && (best < 0 || fabs(loading[j]) > fabs(loading[best])))
            best = j;
    }
    return best;
}

const char *direction_text(char out[DIRECTION_TEXT], const double *loading, const char *const *name, int64_t n)
{
    int64_t told[MOST_TERMS];
    double  square = 0, held = 0;
    size_t  used   = 0;
    char    cut[WORDS_CUT];

    snprintf(out, DIRECTION_TEXT, "0");
    for (int64_t j = 0; j < n; j++)
        square += loading[j] * loading[j];
    for (int i = 0; i < MOST_TERMS && i < n && held < TOLD * square; i++) {
        double v = loading[told[i] = next_term(loading, n, told, i)];
        used += (size_t)snprintf(out + used, DIRECTION_TEXT - used, "%s%.2f %s",
                                 i ? v < 0 ? " - " : " + " : v < 0 ? "-" : "", fabs(v),
                                 words_fit(cut, name[told[i]], NAME_CELLS));
        held += v * v;
    }
    return out;
}
