/* golden.h - numbers from a JSON file of golden values, as arrays. */
#ifndef TEST_GOLDEN_H
#define TEST_GOLDEN_H

#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>

/* Rows of rows of numbers -> a malloc'd row-major array. */
static inline double *golden_matrix(const json_t *j, int64_t *rows, int64_t *cols)
{
    double *out;
    *rows = (int64_t)json_array_size(j);
    *cols = (int64_t)json_array_size(json_array_get(j, 0));
    out   = calloc((size_t)(*rows * *cols) + 1, sizeof *out);
    for (int64_t r = 0; r < *rows; r++)
        for (int64_t c = 0; c < *cols; c++)
            out[r * *cols + c] = json_number_value(json_array_get(json_array_get(j, (size_t)r), (size_t)c));
    return out;
}

static inline double golden_number(const json_t *j, const char *key)
{
    return json_number_value(json_object_get(j, key));
}

#endif
