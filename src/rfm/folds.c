/* folds.c - rows dealt into parts; see folds.h. */
#include "rfm/folds.h"

#include <string.h>

#include "base/memory.h"
#include "base/rng.h"
#include "base/sort.h"

enum { STREAM = 4242 }; /* of the random numbers: the order of a fit has stream 0 */

static agop_status fail_room(agop__err *e, int64_t n)
{
    return agop__fail_memory(e, 32.0 * (double)n, "folds");
}

void agop__folds_close(agop__folds *f)
{
    free(f->member);
    free(f->first);
    memset(f, 0, sizeof *f);
}

/* Pairs (order of the row's group, row): groups in a random order, then the larger ones first. */
static void order_groups(agop__pair *p, agop__pair *scratch, int64_t *size, int64_t *place, const char *keep,
                         const int64_t *group, int64_t groups, int64_t n, agop__rng *rng)
{
    int64_t rows = 0;

    for (int64_t i = 0; i < n; i++)
        size[group ? group[i] : i] += keep[i] != 0;
    for (int64_t g = 0; g < groups; g++)
        place[g] = g;
    agop__rng_shuffle(rng, place, groups);
    for (int64_t g = 0; g < groups; g++)
        p[g] = (agop__pair){.key = (uint64_t)(n - size[place[g]]), .value = place[g]};
    agop__sort_pairs(p, scratch, groups);
    for (int64_t g = 0; g < groups; g++)
        place[p[g].value] = g;
    for (int64_t i = 0; i < n; i++)
        if (keep[i])
            p[rows++] = (agop__pair){.key = (uint64_t)place[group ? group[i] : i], .value = i};
    agop__sort_pairs(p, scratch, rows);
}

agop_status agop__folds_open(agop__folds *out, const char *keep, const int64_t *group, int64_t groups, int64_t n,
                             uint64_t seed, uint64_t repeat, agop__err *e)
{
    int64_t     count = group ? groups : n, room = n > count ? n : count;
    agop__pair *p     = agop__malloc(2 * room, sizeof *p);
    int64_t    *size = agop__calloc(count, sizeof *size), *place = agop__malloc(count, sizeof *place);
    agop__rng   rng;
    agop_status st = AGOP_OK;

    *out = (agop__folds){.member = agop__malloc(n, sizeof *out->member),
                         .first  = agop__malloc(n + 1, sizeof *out->first)};
    if (!p || !size || !place || !out->member || !out->first) {
        st = fail_room(e, n);
        agop__folds_close(out);
        goto done;
    }
    for (int64_t i = 0; i < n; i++)
        out->rows += keep[i] != 0;
    agop__rng_seed(&rng, seed, STREAM + repeat);
    order_groups(p, p + room, size, place, keep, group, count, n, &rng);
    for (int64_t i = 0; i < out->rows; i++) {
        if (i == 0 || p[i].key != p[i - 1].key)
            out->first[out->groups++] = i;
        out->member[i] = p[i].value;
    }
    out->first[out->groups] = out->rows;
done:
    free(place);
    free(size);
    free(p);
    return st;
}

typedef struct dealing {
    int32_t  folds;
    int64_t  classes;
    double  *count; /* folds x classes: rows so far */
    double  *total; /* classes */
    int64_t *rows;  /* folds */
} dealing;

static int64_t class_at(const double *class_of, int64_t row)
{
    return class_of ? (int64_t)class_of[row] : 0;
}

static int32_t best_fold(const dealing *d, const int64_t *member, int64_t n, const double *class_of)
{
    int32_t best  = 0;
    double  least = 0;

    for (int32_t f = 0; f < d->folds; f++) {
        double share = 0;
        for (int64_t i = 0; i < n; i++) {
            int64_t k = class_at(class_of, member[i]);
            share += d->count[f * d->classes + k] / d->total[k];
        }
        if (f == 0 || share < least || (share == least && d->rows[f] < d->rows[best])) {
            least = share;
            best  = f;
        }
    }
    return best;
}

agop_status agop__folds_deal(int32_t *fold, const agop__folds *f, int32_t folds, const double *class_of,
                             int64_t classes, int64_t n, agop__err *e)
{
    dealing d = {.folds = folds, .classes = class_of ? classes : 1};

    d.count = agop__calloc(folds * d.classes, sizeof *d.count);
    d.total = agop__calloc(d.classes, sizeof *d.total);
    d.rows  = agop__calloc(folds, sizeof *d.rows);
    if (d.count && d.total && d.rows) {
        for (int64_t i = 0; i < n; i++)
            fold[i] = -1;
        for (int64_t i = 0; i < f->rows; i++)
            d.total[class_at(class_of, f->member[i])]++;
        for (int64_t g = 0; g < f->groups; g++) {
            const int64_t *member = f->member + f->first[g];
            int64_t        count  = f->first[g + 1] - f->first[g];
            int32_t        to     = best_fold(&d, member, count, class_of);
            for (int64_t i = 0; i < count; i++) {
                fold[member[i]] = to;
                d.count[to * d.classes + class_at(class_of, member[i])]++;
            }
            d.rows[to] += count;
        }
    }
    int ok = d.count && d.total && d.rows;
    free(d.count);
    free(d.total);
    free(d.rows);
    return ok ? AGOP_OK : fail_room(e, n);
}
