/* sort.c - radix sort, least significant digit first, 11 bits at a time; Hoare's selection; see sort.h. */
#include "base/sort.h"

#include <string.h>

enum { DIGIT_BITS = 11, DIGITS = 6, BINS = 1 << DIGIT_BITS };

typedef uint64_t word __attribute__((may_alias));

static int digit_of(word key, int digit)
{
    return (int)(key >> (digit * DIGIT_BITS)) & (BINS - 1);
}

/* count: how many keys have each value of a digit; then where the first of them goes. 0: all share the digit. */
static int find_starts(int64_t *count, int64_t n)
{
    int64_t sum = 0;

    for (int k = 0; k < BINS; k++) {
        int64_t here = count[k];
        if (here == n)
            return 0;
        count[k] = sum;
        sum += here;
    }
    return 1;
}

/* n entries of `width` words, the first of which is the key; what is sorted ends in v. */
static inline void sort_entries(word *v, word *scratch, int64_t n, int width)
{
    int64_t start[DIGITS][BINS] = {{0}};
    word   *now = v, *other = scratch;

    for (int64_t i = 0; i < n; i++)
        for (int digit = 0; digit < DIGITS; digit++)
            start[digit][digit_of(now[i * width], digit)]++;
    for (int digit = 0; digit < DIGITS; digit++)
        if (find_starts(start[digit], n)) {
            word *from = now;
            for (int64_t i = 0; i < n; i++) {
                int64_t at = start[digit][digit_of(from[i * width], digit)]++;
                for (int k = 0; k < width; k++)
                    other[at * width + k] = from[i * width + k];
            }
            now   = other;
            other = from;
        }
    if (now != v)
        memcpy(v, now, (size_t)(n * width) * sizeof *v);
}

void agop__sort_pairs(agop__pair *v, agop__pair *scratch, int64_t n)
{
    if (n > 1)
        sort_entries((word *)(void *)v, (word *)(void *)scratch, n, (int)(sizeof *v / sizeof(word)));
}

void agop__sort(double *v, double *scratch, int64_t n)
{
    word *key = (word *)(void *)v;

    if (n < 2)
        return;
    for (int64_t i = 0; i < n; i++)
        key[i] = agop__key(v[i]);
    sort_entries(key, (word *)(void *)scratch, n, 1);
    for (int64_t i = 0; i < n; i++)
        v[i] = agop__number_of_key(key[i]);
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
