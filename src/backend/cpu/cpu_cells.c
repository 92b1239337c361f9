/* cpu_cells.c - products of features of sparse variables: what is done is in proportion to the pairs of cells that meet
 * in an observation (Gustavson 1978).
 *
 * The right side is turned around: observation after observation, the features of its cells. Then every thread takes
 * variables of the left side. Each of its cells, whose features are in registers, meets the row of its observation, and
 * each cell there adds terms x terms products to the sums of its variable. The sums of one variable with all of the
 * right side stay in the second cache; the caller gives as many observations at a time as stay in the third. */
#include <stdatomic.h>
#include <string.h>

#include "backend/cpu/cpu.h"
#include "base/memory.h"

enum { PIECE = 256 }; /* cells at a time */

typedef struct multiplying {
    const agop__cpu   *self;
    agop__tile        *G;
    const agop__terms *s, *t;
    const agop__cells *X, *Y;
    int64_t            rows, panel, padded; /* terms with what fills vectors */
    int                own;
    agop__cell_rows    right;
    atomic_long       *next; /* the first variable that no thread has taken */
    double            *room; /* of each thread: sums of one variable with all others, then features of PIECE cells */
} multiplying;

static int64_t variables_of(const agop__cells *c)
{
    return c->start.cols - 1;
}

static int32_t start_of(const agop__cells *c, int64_t variable)
{
    return *(const int32_t *)agop__at(&c->start, 0, variable);
}

static const int32_t *rows_of(const agop__cells *c)
{
    return c->row.mem;
}

static int64_t sums_of(const multiplying *q)
{
    return variables_of(q->Y) * q->right.terms * q->padded;
}

static double *room_of(const multiplying *q, int thread)
{
    return q->room + thread * (sums_of(q) + PIECE * q->right.terms);
}

/* z (n x terms) of cells first .. first + n - 1, all of variable a. */
static void features(double *z, const multiplying *q, const agop__terms *t, const agop__cells *c, int64_t a,
                     int64_t first, int64_t n)
{
    int64_t            T = q->right.terms;
    double             Z[AGOP__TERMS_MOST * PIECE];
    agop__cpu_variable v;

    agop__cpu_variable_of(&v, t, a, variables_of(c));
    q->self->loops[1]->terms(Z, PIECE, AGOP_F64, (const double *)c->x.mem + first, n, &v);
    for (int64_t k = 0; k < T; k++)
        for (int64_t i = 0; i < n; i++)
            z[i * T + k] = Z[k * PIECE + i];
}

/* ---- the right side by observations; a thread has a range of them ---- */

/* The first cell of a variable that is not before `row`. */
static int64_t first_from(const agop__cells *c, int64_t variable, int64_t row)
{
    int64_t low = start_of(c, variable), high = start_of(c, variable + 1);

    while (low < high) {
        int64_t middle = (low + high) / 2;
        if (rows_of(c)[middle] < row)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* start[i + 2] = how many cells observation i has */
static void count_rows(void *arg, int thread, int of)
{
    const multiplying *q = arg;
    int64_t            first = q->rows * thread / of, end = q->rows * (thread + 1) / of;

    for (int64_t b = 0; b < variables_of(q->Y); b++)
        for (int64_t j = first_from(q->Y, b, first), to = first_from(q->Y, b, end); j < to; j++)
            q->right.start[rows_of(q->Y)[j] + 2]++;
}

/* start[i + 1] goes on from the beginning of observation i to its end. */
static void fill_rows(void *arg, int thread, int of)
{
    const multiplying     *q = arg;
    const agop__cell_rows *r = &q->right;
    int64_t                first = q->rows * thread / of, end = q->rows * (thread + 1) / of, T = r->terms;
    double                *z = room_of(q, thread) + sums_of(q);

    for (int64_t b = 0; b < variables_of(q->Y); b++)
        for (int64_t j = first_from(q->Y, b, first), to = first_from(q->Y, b, end); j < to; j += PIECE) {
            int64_t n = to - j < PIECE ? to - j : PIECE;
            features(z, q, q->t, q->Y, b, j, n);
            for (int64_t i = 0; i < n; i++) {
                int32_t at      = r->start[rows_of(q->Y)[j + i] + 1]++;
                r->variable[at] = (int32_t)b;
                memcpy(r->z + at * T, z + i * T, (size_t)T * sizeof *z);
            }
        }
}

static agop_status turn(multiplying *q, agop__err *e)
{
    agop__cell_rows *r     = &q->right;
    int64_t          cells = q->Y->row.cols;

    r->start    = agop__calloc(q->rows + 2, sizeof *r->start);
    r->variable = agop__malloc(cells, sizeof *r->variable);
    r->z        = agop__aligned(cells * r->terms + q->padded, sizeof *r->z);
    if (!r->start || !r->variable || !r->z)
        return agop__fail_memory(e, 8.0 * (double)(cells * r->terms), "features");
    memset(r->z + cells * r->terms, 0, (size_t)q->padded * sizeof *r->z);
    agop__cpu_parallel(q->self->threads, count_rows, q);
    for (int64_t i = 0; i < q->rows; i++)
        r->start[i + 2] += r->start[i + 1];
    agop__cpu_parallel(q->self->threads, fill_rows, q);
    return AGOP_OK;
}

/* ---- products ---- */

/* Where term k of a variable stands in G, of `count` variables in panels. */
static int64_t place_of(const multiplying *q, int64_t count, int64_t variable, int64_t k)
{
    int64_t first = variable - variable % q->panel, units = count - first < q->panel ? count - first : q->panel;

    return first * q->right.terms + k * units + variable - first;
}

/* Sums of variable a with all from `least` on, to where they belong. */
static void put_sums(const multiplying *q, const double *sums, int64_t a, int64_t least)
{
    int64_t T = q->right.terms, v = variables_of(q->Y);

    for (int64_t k = 0; k < T; k++)
        for (int64_t first = least; first < v; first += q->panel)
            for (int64_t l = 0; l < T; l++) {
                double       *to   = agop__at(q->G, place_of(q, variables_of(q->X), a, k), place_of(q, v, first, l));
                const double *from = sums + (first * T + k) * q->padded + l;
                for (int64_t b = 0; b < q->panel && first + b < v; b++)
                    to[b] += from[b * T * q->padded];
            }
}

static void add_products(void *arg, int thread, int of)
{
    const multiplying *q = arg;
    int64_t            one = q->right.terms * q->padded;
    double            *sums = room_of(q, thread), *z = sums + sums_of(q);

    (void)of;
    for (int64_t a; (a = atomic_fetch_add(q->next, 1)) < variables_of(q->X);) {
        int64_t least = q->own ? a - a % q->panel : 0, end = start_of(q->X, a + 1);
        memset(sums + least * one, 0, (size_t)(sums_of(q) - least * one) * sizeof *sums);
        for (int64_t j = start_of(q->X, a); j < end; j += PIECE) {
            int64_t n = end - j < PIECE ? end - j : PIECE;
            features(z, q, q->s, q->X, a, j, n);
            q->self->loops[1]->cell_sums(sums, &q->right, rows_of(q->X) + j, z, n, (int32_t)least);
        }
        put_sums(q, sums, a, least);
    }
}

agop_status agop__cpu_cell_products(void *self, agop__tile *G, const agop__terms *s, const agop__cells *X,
                                    const agop__terms *t, const agop__cells *Y, int64_t rows, int64_t panel, int own,
                                    agop__err *e)
{
    const agop__cpu *cpu = self;
    int64_t          T   = agop__cpu_term_count(t);
    multiplying      q   = {.self = cpu, .G = G, .s = s, .t = t, .X = X, .Y = Y, .rows = rows, .panel = panel,
                            .own = own, .right = {.terms = T}, .padded = AGOP__PADDED_TERMS(T)};
    atomic_long      next = 0;
    agop_status      st;

    q.next = &next;
    if (T > AGOP__TERMS_MOST || s->count != t->count || G->dtype != AGOP_F64 || G->rows != T * variables_of(X) ||
        G->cols != T * variables_of(Y))
        return agop__fail(e, AGOP_E_BUG, "products of %lld and %lld sparse variables do not fit",
                          (long long)variables_of(X), (long long)variables_of(Y));
    q.room = agop__aligned(cpu->threads * (sums_of(&q) + PIECE * T), sizeof *q.room);
    if (!q.room)
        TRY(agop__fail_memory(e, 8.0 * (double)sums_of(&q), "sums of products"));
    TRY(turn(&q, e));
    agop__cpu_parallel(cpu->threads, add_products, &q);
done:
    free(q.right.start);
    free(q.right.variable);
    free(q.right.z);
    free(q.room);
    return st;
}
