/* nonzeros.c - see nonzeros.h. */
#include "table/nonzeros.h"

#include <string.h>

#include "base/memory.h"

/* Up to here products of non-zeros take less time than those of all cells (docs/performance.md), and eight bytes each
 * about as much memory as packed cells. */
static const double most_share = .25;

int agop__mostly_zero(int64_t count, int64_t rows)
{
    return (double)count <= most_share * (double)rows;
}

agop_status agop__nonzeros_copy(agop__nonzeros **out, const int32_t *row, const float *value, int64_t count,
                                agop__err *e)
{
    agop__nonzeros *z = agop__calloc(1, sizeof *z);

    if (z) {
        z->count = count;
        z->row   = agop__malloc(count, sizeof *z->row);
        z->value = agop__malloc(count, sizeof *z->value);
    }
    if (!z || !z->row || !z->value) {
        agop__nonzeros_free(z);
        return agop__fail_memory(e, 8.0 * (double)count, "the non-zeros of a column");
    }
    if (count > 0) {
        memcpy(z->row, row, (size_t)count * sizeof *row);
        memcpy(z->value, value, (size_t)count * sizeof *value);
    }
    *out = z;
    return AGOP_OK;
}

void agop__nonzeros_free(agop__nonzeros *z)
{
    if (!z)
        return;
    free(z->row);
    free(z->value);
    free(z);
}

int64_t agop__nonzeros_from(const agop__nonzeros *z, int64_t row)
{
    int64_t low = 0, high = z->count;

    while (low < high) {
        int64_t middle = (low + high) / 2;
        if (z->row[middle] < row)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

double agop__nonzeros_at(const agop__nonzeros *z, int64_t row)
{
    int64_t at = agop__nonzeros_from(z, row);

    return at < z->count && z->row[at] == row ? (double)z->value[at] : 0;
}

void agop__nonzeros_take(double *v, const agop__nonzeros *z, int64_t first, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        v[i] = 0;
    for (int64_t at = agop__nonzeros_from(z, first); at < z->count && z->row[at] < first + n; at++)
        v[z->row[at] - first] = (double)z->value[at];
}
