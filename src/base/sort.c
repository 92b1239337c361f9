/* sort.c - radix sort, least significant digit first, 11 bits at a time; Hoare's selection; see sort.h. */
#include "base/sort.h"

#include <string.h>

enum { DIGIT_BITS = 11, DIGITS = 6, BINS = 1 << DIGIT_BITS };

/* The bits of a double in an order that integers share: negatives flipped, the sign turned round. */
uint64_t agop__key(double v)
{
    uint64_t u;
    memcpy(&u, &v, sizeof u);
    return u >> 63 ? ~u : u | (UINT64_C(1) << 63);
}

double agop__number_of_key(uint64_t k)
{
    uint64_t u = k >> 63 ? k & ~(UINT64_C(1) << 63) : ~k;
    double   v;
    memcpy(&v, &u, sizeof v);
    return v;
}

static int digit_of(const agop__pair *p, int digit)
{
    return (int)(p->key >> (digit * DIGIT_BITS)) & (BINS - 1);
}

/* One digit: *v -> scratch, and the two change places. Nothing to do where all share the digit. */
static void sort_digit(agop__pair **v, agop__pair **scratch, int64_t n, int digit)
{
    int64_t     start[BINS] = {0}, sum = 0;
    agop__pair *swap = *v;

    for (int64_t i = 0; i < n; i++)
        start[digit_of(&(*v)[i], digit)]++;
    for (int k = 0; k < BINS; k++) {
        int64_t here = start[k];
        if (here == n)
            return;
        start[k] = sum;
        sum += here;
    }
    for (int64_t i = 0; i < n; i++)
        (*scratch)[start[digit_of(&(*v)[i], digit)]++] = (*v)[i];
    *v       = *scratch;
    *scratch = swap;
}

void agop__sort_pairs(agop__pair *v, agop__pair *scratch, int64_t n)
{
    agop__pair *now = v, *other = scratch;

    if (n < 2)
        return;
    for (int digit = 0; digit < DIGITS; digit++)
        sort_digit(&now, &other, n, digit);
    if (now != v)
        memcpy(v, now, (size_t)n * sizeof *v);
}

int agop__rising(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double middle_of(double a, double b, double c)
{
    return a < b ? (b < c ? b : a < c ? c : a) : (a < c ? a : b < c ? c : b);
}

double agop__select(double *v, int64_t n, int64_t k)
{
    int64_t low = 0, high = n - 1;

    while (low < high) {
        double  pivot = middle_of(v[low], v[low + (high - low) / 2], v[high]);
        int64_t i = low, j = high;
        while (i <= j) { /* equal ones change places, too, so that many of them are halved as well */
            while (v[i] < pivot)
                i++;
            while (v[j] > pivot)
                j--;
            if (i <= j) {
                double swap = v[i];
                v[i++]      = v[j];
                v[j--]      = swap;
            }
        }
        if (k <= j)
            high = j;
        else if (k >= i)
            low = i;
        else
            break;
    }
    return v[k];
}
