/* measures.c - correlation, rank correlation, distance correlation, Chatterjee's xi, HSIC; see measures.h. Columns are
 * centred before anything is summed; everything but exact HSIC takes O(n log n). */
#include "depend/measures.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/rng.h"
#include "base/sort.h"
#include "depend/tails.h"

/* ---- order ---- */

/* order[k]: the row with the k-th smallest v; rows with equal v stay as they came in `start` (NULL: 0, 1, ...). */
static agop_status sort_rows(int64_t *order, const double *v, const int64_t *start, int64_t n, agop__err *e)
{
    agop__pair *p = agop__malloc(2 * n, sizeof *p);

    if (!p)
        return agop__fail_memory(e, 2.0 * (double)n * sizeof *p, "a sorted column");
    for (int64_t k = 0; k < n; k++) {
        int64_t i = start ? start[k] : k;
        p[k]      = (agop__pair){.key = agop__key(v[i] + 0.), .value = i}; /* -0 becomes 0 */
    }
    agop__sort_pairs(p, p + n, n);
    for (int64_t k = 0; k < n; k++)
        order[k] = p[k].value;
    free(p);
    return AGOP_OK;
}

/* The rows equal to order[k] end before the place that is returned. */
static int64_t end_of_ties(const int64_t *order, const double *v, int64_t k, int64_t n)
{
    int64_t end = k + 1;

    while (end < n && v[order[end]] == v[order[k]])
        end++;
    return end;
}

/* out = (v - mean) / deviation; 0 where v does not vary. */
static int standardise(double *out, const double *v, int64_t n)
{
    double mean = 0, shift = 0, squares = 0, size = 0;

    for (int64_t i = 0; i < n; i++) {
        size = fmax(size, fabs(v[i]));
        mean += v[i] / (double)n;
    }
    for (int64_t i = 0; i < n; i++)
        shift += (v[i] - mean) / (double)n;
    for (int64_t i = 0; i < n; i++) {
        out[i] = size > 0 ? (v[i] - mean - shift) / size : 0;
        squares += out[i] * out[i];
    }
    squares = sqrt(squares / (double)n);
    if (!(squares > 1e-15)) /* the rounding of a constant */
        return 0;
    for (int64_t i = 0; i < n; i++)
        out[i] /= squares;
    return 1;
}

/* Copies of both columns, standardised; *varies says whether both do. x is to be freed, y is behind it. */
static agop_status take_both(double **both, int *varies, const double *x, const double *y, int64_t n, agop__err *e)
{
    *varies = 0;
    *both   = agop__malloc(2 * n, sizeof **both);
    if (!*both)
        return agop__fail_memory(e, 2.0 * (double)n * sizeof **both, "two columns");
    *varies = standardise(*both, x, n);
    *varies &= standardise(*both + n, y, n);
    return AGOP_OK;
}

/* ---- correlation ---- */

double agop__correlation_log10p(double r, int64_t n)
{
    return agop__t_log10p(r * sqrt((double)(n - 2) / (1 - r * r)), (double)(n - 2));
}

agop_status agop__pearson(agop__measured *out, const double *x, const double *y, int64_t n, agop__err *e)
{
    double      r = 0, *both;
    int         varies = 0;
    agop_status st = take_both(&both, &varies, x, y, n, e);

    *out = (agop__measured){.log10p = NAN};
    if (st != AGOP_OK || !varies)
        goto done;
    for (int64_t i = 0; i < n; i++)
        r += both[i] * both[n + i];
    out->value  = fmax(-1, fmin(1, r / (double)n));
    out->log10p = agop__correlation_log10p(out->value, n);
done:
    free(both);
    return st;
}

/* rank[i]: 1 .. n, the mean over ties; p has room for 2 n. */
static void mid_ranks(double *rank, const double *v, int64_t n, agop__pair *p)
{
    for (int64_t i = 0; i < n; i++) /* + 0: the two zeros are one value */
        p[i] = (agop__pair){.key = agop__key(v[i] + 0.0), .value = i};
    agop__sort_pairs(p, p + n, n);
    for (int64_t i = 0, j; i < n; i = j) {
        for (j = i; j < n && p[j].key == p[i].key;)
            j++;
        for (int64_t k = i; k < j; k++)
            rank[p[k].value] = .5 * (double)(i + 1 + j);
    }
}

agop_status agop__spearman(agop__measured *out, const double *x, const double *y, int64_t n, agop__err *e)
{
    double     *rank    = agop__malloc(2 * n, sizeof *rank);
    agop__pair *scratch = agop__malloc(2 * n, sizeof *scratch);
    agop_status st;

    if (rank && scratch) {
        mid_ranks(rank, x, n, scratch);
        mid_ranks(rank + n, y, n, scratch);
        st = agop__pearson(out, rank, rank + n, n, e);
    } else {
        st = agop__fail_memory(e, 2.0 * (double)n * (sizeof *rank + sizeof *scratch), "ranks");
    }
    free(rank);
    free(scratch);
    return st;
}

agop_status agop__standard_column(double *out, const double *v, int64_t n, int ranked, agop__err *e)
{
    agop__pair *scratch = ranked ? agop__malloc(2 * n, sizeof *scratch) : NULL;

    if (ranked && !scratch)
        return agop__fail_memory(e, 2.0 * (double)n * sizeof *scratch, "ranks");
    if (ranked)
        mid_ranks(out, v, n, scratch);
    if (!standardise(out, ranked ? out : v, n))
        memset(out, 0, (size_t)n * sizeof *out);
    free(scratch);
    return AGOP_OK;
}

/* ---- distance correlation ---- */

/* What is needed of the distances of one column: of every row to all, and their sums. */
typedef struct distances {
    double  *row;   /* sum_j |x_i - x_j| */
    int64_t *order; /* rows by rising x */
    double   sum;   /* of all */
} distances;

static agop_status sum_distances(distances *d, const double *x, int64_t n, agop__err *e)
{
    double      before = 0, total = 0;
    agop_status st;

    TRY(sort_rows(d->order, x, NULL, n, e));
    for (int64_t i = 0; i < n; i++)
        total += x[i];
    for (int64_t k = 0; k < n; k++) { /* before: the sum of the k smaller ones */
        int64_t i = d->order[k];
        d->row[i] = (double)(2 * k - n) * x[i] + total - 2 * before;
        before += x[i];
        d->sum += d->row[i];
    }
done:
    return st;
}

/* Sums over the rows that were added so far, by the rank of their y (Fenwick's tree). */
typedef struct sums {
    double count, x, y, xy;
} sums;

static void add_row(sums *tree, int64_t rank, int64_t n, double x, double y)
{
    for (int64_t k = rank + 1; k <= n; k += k & -k) {
        tree[k].count += 1;
        tree[k].x += x;
        tree[k].y += y;
        tree[k].xy += x * y;
    }
}

static sums sums_below(const sums *tree, int64_t rank)
{
    sums s = {0};

    for (int64_t k = rank; k > 0; k -= k & -k) {
        s.count += tree[k].count;
        s.x += tree[k].x;
        s.y += tree[k].y;
        s.xy += tree[k].xy;
    }
    return s;
}

/* sum_ij |x_i - x_j| |y_i - y_j| (Huo and Szekely, Technometrics 58, 2016): with rows by rising x, each meets those
 * before it, (x_i - x_j)(y_i - y_j) with + where y_j comes before y_i in the order of y, and - elsewhere. */
static agop_status product_sum(double *out, const double *x, const double *y, const distances *a, const distances *b,
                               int64_t n, agop__err *e)
{
    sums    *tree = agop__calloc(n + 1, sizeof *tree), all = {0};
    int64_t *rank = agop__malloc(n, sizeof *rank);

    *out = 0;
    for (int64_t k = 0; k < n && rank; k++)
        rank[b->order[k]] = k;
    for (int64_t k = 0; k < n && rank && tree; k++) {
        int64_t i     = a->order[k];
        sums    below = sums_below(tree, rank[i]);
        *out += 2 * (2 * (below.count * x[i] * y[i] - x[i] * below.y - y[i] * below.x + below.xy) -
                     ((double)k * x[i] * y[i] - x[i] * all.y - y[i] * all.x + all.xy));
        add_row(tree, rank[i], n, x[i], y[i]);
        all.x += x[i];
        all.y += y[i];
        all.xy += x[i] * y[i];
    }
    free(tree);
    free(rank);
    return tree && rank ? AGOP_OK : agop__fail_memory(e, (double)n * sizeof *tree, "a distance correlation");
}

/* Distance covariance^2 from the sum of products of distances: of matrices centred in rows and columns, or "U-centred"
 * (Szekely and Rizzo, Annals of Statistics 42, 2014), where it has no bias. */
static double covariance(double products, const distances *a, const distances *b, int64_t rows, int unbiased)
{
    double n = (double)rows, cross = 0;

    for (int64_t i = 0; i < rows; i++)
        cross += a->row[i] * b->row[i];
    if (unbiased)
        return (products - 2 / (n - 2) * cross + a->sum * b->sum / ((n - 1) * (n - 2))) / (n * (n - 3));
    return (products - 2 / n * cross + a->sum * b->sum / (n * n)) / (n * n);
}

agop_status agop__distance_correlation(agop__measured *out, const double *x, const double *y, int64_t n, int unbiased,
                                       agop__err *e)
{
    double     *both = NULL, *row = agop__malloc(2 * n, sizeof *row), products, corrected = 0, plain = 0;
    int64_t    *order = agop__malloc(2 * n, sizeof *order);
    distances   a = {.row = row, .order = order}, b = {0};
    int         varies = 0;
    agop_status st = AGOP_OK;

    *out = (agop__measured){.log10p = NAN};
    if (!row || !order) {
        st = agop__fail_memory(e, 4.0 * (double)n * sizeof *row, "a distance correlation");
        goto done;
    }
    b = (distances){.row = row + n, .order = order + n};
    TRY(take_both(&both, &varies, x, y, n, e));
    if (!varies)
        goto done;
    TRY(sum_distances(&a, both, n, e));
    TRY(sum_distances(&b, both + n, n, e));
    TRY(product_sum(&products, both, both + n, &a, &b, n, e));
    for (int kind = 0; kind < 2; kind++) { /* sum_ij (x_i - x_j)^2 = 2 n^2, both columns being standardised */
        double squares = 2 * (double)n * (double)n, ab = covariance(products, &a, &b, n, kind);
        double size = covariance(squares, &a, &a, n, kind) * covariance(squares, &b, &b, n, kind);
        if (size > 0)
            *(kind ? &corrected : &plain) = ab / sqrt(size);
    }
    out->value  = unbiased ? corrected : sqrt(fmax(0, plain));
    out->log10p = agop__gamma_log10p(.5, .5 * fmax(0, (double)n * corrected + 1));
done:
    free(both);
    free(row);
    free(order);
    return st;
}

/* ---- xi ---- */

/* at_most[i], at_least[i]: how many y_j are <= y_i, >= y_i; order: rows by rising y. */
static void count_around(double *at_most, double *at_least, const int64_t *order, const double *y, int64_t n)
{
    for (int64_t k = 0, end; k < n; k = end) {
        end = end_of_ties(order, y, k, n);
        for (int64_t i = k; i < end; i++) {
            at_most[order[i]]  = (double)end;
            at_least[order[i]] = (double)(n - k);
        }
    }
}

/* The variance of sqrt(n) xi between independent columns (Chatterjee, JASA 116, 2021, theorem 2.2): estimated from the
 * sorted counts u of rows; 2/5 where no y are equal. */
static double xi_variance(const double *at_most, const int64_t *order, int64_t rows, double spread)
{
    double n = (double)rows, a = 0, b = 0, c = 0, sum = 0;

    for (int64_t k = 0; k < rows; k++) {
        double u = at_most[order[k]] / n, weight = (2 * (n - (double)k) - 1) / n, m;
        sum += u / n;
        m = sum + (n - 1 - (double)k) / n * u;
        a += weight * u * u / n;
        b += m * m / n;
        c += weight * u / n;
    }
    return (a - 2 * b + c * c) / (spread * spread);
}

agop_status agop__xi(agop__measured *out, const double *x, const double *y, int64_t n, uint64_t seed, agop__err *e)
{
    int64_t    *by_x = agop__malloc(3 * n, sizeof *by_x), *by_y, *start;
    double     *at_most = agop__malloc(2 * n, sizeof *at_most), *at_least, steps = 0, spread = 0, rows = (double)n;
    int         ties = 0;
    agop__rng   r;
    agop_status st = AGOP_OK;

    *out = (agop__measured){.log10p = NAN};
    if (!by_x || !at_most) {
        st = agop__fail_memory(e, 5.0 * rows * sizeof *by_x, "Chatterjee's xi");
        goto done;
    }
    by_y     = by_x + n;
    start    = by_y + n;
    at_least = at_most + n;
    for (int64_t i = 0; i < n; i++)
        start[i] = i;
    agop__rng_seed(&r, seed, 0);
    agop__rng_shuffle(&r, start, n);
    TRY(sort_rows(by_x, x, start, n, e));
    TRY(sort_rows(by_y, y, NULL, n, e));
    count_around(at_most, at_least, by_y, y, n);
    for (int64_t i = 0; i < n; i++) {
        spread += at_least[i] / rows * (1 - at_least[i] / rows) / rows;
        ties |= at_most[i] + at_least[i] != rows + 1;
        if (i > 0)
            steps += fabs(at_most[by_x[i]] - at_most[by_x[i - 1]]);
    }
    if (!(spread > 0) || x[by_x[0]] == x[by_x[n - 1]])
        goto done;
    out->value  = 1 - steps / (2 * rows * rows * spread);
    spread      = ties ? xi_variance(at_most, by_y, n, spread) : .4;
    out->log10p = agop__normal_log10p(out->value * sqrt(rows / spread));
done:
    free(by_x);
    free(at_most);
    return st;
}

/* ---- HSIC ---- */

/* What both routes end in: with K, L the centred kernel matrices, their traces and sums of products over n and n^2. */
typedef struct kernel_sums {
    double trace_x, trace_y, xx, yy, xy;
} kernel_sums;

/* Mean and variance of HSIC between independent columns: Gretton et al., NIPS 20, 2008, theorems 3 and 4. */
static void gamma_law(agop__measured *out, const kernel_sums *s, int64_t rows)
{
    double n = (double)rows, mean = s->trace_x * s->trace_y * n / ((n - 1) * (n - 1));
    double variance = 2 * (n - 4) * (n - 5) / (n * (n - 1) * (n - 2) * (n - 3)) * s->xx * s->yy;

    out->value = s->xy;
    if (variance > 0)
        out->log10p = agop__gamma_log10p(mean * mean / variance, s->xy * mean / variance);
}

/* The median distance that is not 0, of up to MEDIAN_ROWS rows drawn at random; x is standardised, so there is one. */
enum { MEDIAN_ROWS = 1000 };

static agop_status median_distance(double *out, const double *x, int64_t n, uint64_t seed, agop__err *e)
{
    int64_t   m = n < MEDIAN_ROWS ? n : MEDIAN_ROWS, room = m * (m - 1) / 2, count = 0;
    double   *d = agop__malloc(room + m, sizeof *d), *v;
    agop__rng r;

    if (!d)
        return agop__fail_memory(e, (double)(room + m) * sizeof *d, "a median distance");
    v = d + room;
    agop__rng_seed(&r, seed, 1);
    for (int64_t i = 0; i < m; i++)
        v[i] = x[m < n ? agop__rng_below(&r, n) : i];
    for (int64_t i = 0; i < m; i++)
        for (int64_t j = 0; j < i; j++)
            if (v[i] != v[j])
                d[count++] = fabs(v[i] - v[j]);
    *out = count ? agop__select(d, count, count / 2) : 1;
    free(d);
    return AGOP_OK;
}

static double gauss(double a, double b, double width)
{
    double t = (a - b) / width;
    return exp(-.5 * t * t);
}

/* Rows of both kernel matrices, computed twice: once for their means, once centred. */
static agop_status hsic_by_pairs(kernel_sums *s, const double *x, const double *y, const double *width, int64_t n,
                                 agop__err *e)
{
    double *mean = agop__calloc(2 * n, sizeof *mean), all_x = 0, all_y = 0, rows = (double)n;

    if (!mean)
        return agop__fail_memory(e, 2.0 * rows * sizeof *mean, "HSIC");
    for (int64_t i = 0; i < n; i++) {
        for (int64_t j = 0; j < n; j++) {
            mean[i] += gauss(x[i], x[j], width[0]) / rows;
            mean[n + i] += gauss(y[i], y[j], width[1]) / rows;
        }
        all_x += mean[i] / rows;
        all_y += mean[n + i] / rows;
    }
    s->trace_x = 1 - all_x;
    s->trace_y = 1 - all_y;
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j <= i; j++) {
            double k = gauss(x[i], x[j], width[0]) - mean[i] - mean[j] + all_x;
            double l = gauss(y[i], y[j], width[1]) - mean[n + i] - mean[n + j] + all_y;
            double weight = (i == j ? 1 : 2) / (rows * rows);
            s->xx += weight * k * k;
            s->yy += weight * l * l;
            s->xy += weight * k * l;
        }
    free(mean);
    return AGOP_OK;
}

/* cos and sin of random frequencies (Rahimi and Recht, NIPS 20, 2008), whose products average to the kernel. */
static void fourier(double *out, double v, const double *frequency, int features)
{
    double scale = sqrt(2. / features);

    for (int k = 0; k < features / 2; k++) {
        out[2 * k]     = scale * cos(frequency[k] * v);
        out[2 * k + 1] = scale * sin(frequency[k] * v);
    }
}

/* sum of squares of the block of (S - m m') over rows 0 .. and columns 0 .. `side` */
static double block_squares(const double *S, const double *mean, int all, int first, int second, int side)
{
    double sum = 0;

    for (int a = 0; a < side; a++)
        for (int b = 0; b < side; b++) {
            int    i = first + a, j = second + b;
            double c = (i > j ? S[i * all + j] : S[j * all + i]) - mean[i] * mean[j];
            sum += c * c;
        }
    return sum;
}

/* The covariance of all features, of x and then of y, holds everything: |centred K|^2 / n^2 is the sum of squares of
 * a block. */
static agop_status hsic_by_features(kernel_sums *s, const double *x, const double *y, const double *width, int64_t n,
                                    const agop__hsic_how *how, agop__err *e)
{
    int       m = how->features, all = 2 * m;
    double   *S = agop__calloc((int64_t)all * all + 3 * all, sizeof *S), *mean, *row, *frequency;
    agop__rng r;

    if (!S)
        return agop__fail_memory(e, 8.0 * all * (all + 3), "HSIC");
    mean      = S + (int64_t)all * all;
    row       = mean + all;
    frequency = row + all;
    agop__rng_seed(&r, how->seed, 0);
    for (int k = 0; k < m; k++) /* Box and Muller */
        frequency[k] = sqrt(-2 * log(1 - agop__rng_uniform(&r))) * cos(6.283185307179586 * agop__rng_uniform(&r)) /
                       width[k >= m / 2];
    for (int64_t i = 0; i < n; i++) {
        fourier(row, x[i], frequency, m);
        fourier(row + m, y[i], frequency + m / 2, m);
        for (int a = 0; a < all; a++) {
            mean[a] += row[a] / (double)n;
            for (int b = 0; b <= a; b++)
                S[a * all + b] += row[a] * row[b] / (double)n;
        }
    }
    for (int a = 0; a < m; a++) {
        s->trace_x += S[a * all + a] - mean[a] * mean[a];
        s->trace_y += S[(m + a) * all + m + a] - mean[m + a] * mean[m + a];
    }
    s->xx = block_squares(S, mean, all, 0, 0, m);
    s->yy = block_squares(S, mean, all, m, m, m);
    s->xy = block_squares(S, mean, all, 0, m, m);
    free(S);
    return AGOP_OK;
}

agop_status agop__hsic(agop__measured *out, const double *x, const double *y, int64_t n, const agop__hsic_how *how,
                       agop__err *e)
{
    kernel_sums s = {0};
    double     *both, width[2] = {0};
    int         varies = 0;
    agop_status st = take_both(&both, &varies, x, y, n, e);

    *out = (agop__measured){.log10p = NAN};
    if (st != AGOP_OK || !varies)
        goto done;
    TRY(median_distance(&width[0], both, n, how->seed, e));
    TRY(median_distance(&width[1], both + n, n, how->seed, e));
    if (n <= how->exact)
        TRY(hsic_by_pairs(&s, both, both + n, width, n, e));
    else
        TRY(hsic_by_features(&s, both, both + n, width, n, how, e));
    gamma_law(out, &s, n);
done:
    free(both);
    return st;
}
