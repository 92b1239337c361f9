/* order.h - what is shown first: positions by size. */
#ifndef CLI_ORDER_H
#define CLI_ORDER_H

#include <stdint.h>

typedef struct ranked {
    double  size; /* |value|; 0 where it is not finite */
    int64_t at;   /* its position */
} ranked;

/* v[0..n-1] by falling |v|, equal ones in their own order; malloc'd; NULL: no memory. */
ranked *order_by_size(const double *v, int64_t n);

#endif
