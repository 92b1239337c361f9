/* errors.c - standard errors of scores, for rows that are independent of each other.
 *
 * A score that is a mean over rows has that of a mean, sqrt(s^2 / n). The others are smooth functions of means, which
 * the delta method makes means of influences: with e_i the error of a row, d_i its distance to the mean of the truth,
 *     rmse = sqrt(mean e^2):          (e_i^2 - mean e^2) / (2 rmse)
 *     r2 = 1 - mean e^2 / mean d^2:   -(e_i^2 - (1 - r2) d_i^2) / mean d^2
 * of which the jackknife would give the same to first order. Several targets are averaged row by row, so that what they
 * have in common is counted. */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "io/json.h"
#include "rfm/target.h"

enum { R2, RMSE, MAE, MOST = 3 }; /* as many as there are of classes */

/* Means of squares and of distances of one target. */
typedef struct moments {
    double mean, square, spread;
} moments;

static moments moments_of(const double *predicted, const double *truth, int64_t columns, int64_t rows)
{
    moments m = {.mean = 0};

    for (int64_t i = 0; i < rows; i++)
        m.mean += (truth[i * columns] - truth[0]) / (double)rows;
    m.mean += truth[0];
    for (int64_t i = 0; i < rows; i++) {
        double e = truth[i * columns] - predicted[i * columns], d = truth[i * columns] - m.mean;
        m.square += e * e / (double)rows;
        m.spread += d * d / (double)rows;
    }
    return m;
}

/* influence: rows x MOST */
static void of_numbers(double *influence, const agop__target *g, const double *predicted, const double *truth,
                       int64_t rows)
{
    int64_t columns = g->columns;

    for (int64_t k = 0; k < columns; k++) {
        moments m = moments_of(predicted + k, truth + k, columns, rows);
        for (int64_t i = 0; i < rows; i++) {
            double e = truth[i * columns + k] - predicted[i * columns + k], d = truth[i * columns + k] - m.mean;
            double *v = influence + i * MOST;
            /* NaN where r2 has no meaning; 0 where nothing was missed */
            v[R2] -= (e * e - m.square / m.spread * d * d) / m.spread / (double)columns;
            v[RMSE] += m.square > 0 ? (e * e - m.square) / (2 * sqrt(m.square)) / (double)columns : 0;
            v[MAE] += fabs(e) / (double)columns;
        }
    }
}

static json_t *error_of_mean(const double *influence, int which, int64_t rows)
{
    double mean = 0, square = 0;

    for (int64_t i = 0; i < rows; i++)
        mean += influence[i * MOST + which] / (double)rows;
    for (int64_t i = 0; i < rows; i++) {
        double d = influence[i * MOST + which] - mean;
        square += d * d;
    }
    return agop__json_real(rows > 1 ? sqrt(square / (double)(rows - 1) / (double)rows) : (double)NAN);
}

agop_status agop__scores_errors(json_t **out, const agop__target *g, const double *predicted, const double *truth,
                                int64_t rows, agop__err *e)
{
    static const char *const for_classes[AGOP__ROW_SCORES] = {"accuracy", "log_loss", "brier"};
    static const char *const for_numbers[MOST]             = {"r2", "rmse", "mae"};
    double                  *influence = agop__calloc(rows * MOST, sizeof *influence);
    json_t                  *j         = json_object();
    int                      bad       = !influence || !j;

    if (!bad && g->classification)
        for (int64_t i = 0; i < rows; i++)
            (void)agop__score_row(influence + i * MOST, g, predicted + i * g->classes.count, truth[i]);
    else if (!bad)
        of_numbers(influence, g, predicted, truth, rows);
    for (int k = 0; k < MOST && !bad; k++)
        bad = json_object_set_new(j, g->classification ? for_classes[k] : for_numbers[k],
                                  error_of_mean(influence, k, rows));
    free(influence);
    if (bad) {
        json_decref(j);
        *out = NULL;
        return agop__fail_memory(e, 8.0 * MOST * (double)rows, "standard errors");
    }
    *out = j;
    return AGOP_OK;
}
