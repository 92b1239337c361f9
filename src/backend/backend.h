/* backend.h - the one seam: algorithms above it, arithmetic below it.
 *
 * A backend is one const table of functions at the height of "a tile of the kernel matrix", "gradients", "factor",
 * "solve". Memory behind a tile belongs to the backend (it may live on a device): above the seam it is
 * only reached by put and get. Tiles are row-major with a leading dimension in elements.
 *
 * Every operation has a plain loop in tests/conform/ that it must agree with. */
#ifndef AGOP_BACKEND_H
#define AGOP_BACKEND_H

#include "base/context.h"

enum { AGOP__I32 = 3 }; /* beside AGOP_F32 and AGOP_F64 */

typedef struct agop__tile {
    void   *mem;
    int64_t rows, cols, ld;
    int32_t dtype;
} agop__tile;

/* Points ready for distances. u: n x r numeric coordinates with the metric already applied, so that the metric
 * distance is the plain one. code: n x g levels of categorical groups, or NULL mem when g = 0; a code outside
 * 0..levels-1 means "no level" (unseen at prediction). */
typedef struct agop__points {
    agop__tile u;    /* f32 or f64 */
    agop__tile code; /* i32 */
} agop__points;

enum { AGOP__L2 = 1, AGOP__L1 = 2, AGOP__LPQ = 3, AGOP__SUM = 4 };

/* k(x,z) = exp(-(s(x,z) / L^q)) with
 *   L2:  s = (|u_x - u_z|^2 + sum_g table_g[code_x][code_z])^(q/2)      radial in the Mahalanobis distance
 *   L1:  s = sum_k |u_xk - u_zk|^q + sum_g table_g[code_x][code_z]      product kernel; tables hold powers already
 *   LPQ: s = (sum_k |u_xk - u_zk|^p + sum_g table_g[code_x][code_z])^(q/p), q <= p; tables hold powers of p
 * or, a polynomial in kernels of single coordinates,
 *   SUM: k = (1 - share s)^power,
 *        s = sum_k (1 - exp(-|u_xk - u_zk|^q / L^q)) + sum_g table_g[code_x][code_z]
 * table_g is symmetric, (levels+1) x (levels+1), dtype of u, zero on the diagonal; its last row and column stand for
 * "no level". The Gaussian exp(-d^2/(2 L^2)) is L2 with q = 2 and sqrt(2) L. */
typedef struct agop__kernel {
    int32_t           kind;
    double            exponent;  /* q, 0 < q <= 2 */
    double            bandwidth; /* L > 0 */
    double            norm;      /* LPQ: p, q <= p <= 2 */
    double            share;     /* SUM: of one coordinate, > 0; share s <= 1 */
    int32_t           power;     /* SUM: >= 1 */
    int32_t           groups;    /* g */
    const int32_t    *levels;    /* g counts (host) */
    const agop__tile *tables;    /* g tiles */
    /* Gradients of other kinds than L2: what category a is in the coordinates of its group, dtype of u. Either levels x
     * 1, the length of the step it makes in its own coordinate; or (levels+1) x levels, points anywhere, "no level" the
     * last. g tiles; see gradient. */
    const agop__tile *steps;
    /* L2 gradients only, f32, after `units`: the product may be taken in bf16; see gradient. */
    int32_t bf16;
    /* L2 gradients and weights only, exponent at least 0.5: the lower triangle of k(z,z), from which distances are had
     * without their coordinates, where x is rows first, first + 1, ... of z. NULL: they are computed. */
    const agop__tile *known;
    int64_t           first;
} agop__kernel;

enum { AGOP__TERMS_MOST = 16 };

/* What is looked at of single variables: phi_k(x) = exp(-rate x^2) x^k / sqrt(k!), k = 0 .. count-1 (InterDependence
 * Score: Radhakrishnan, Jain, Uhler, Lander, PNAS 122, 2025, eq. 4), or x itself. */
typedef struct agop__terms {
    int32_t           count;  /* at most AGOP__TERMS_MOST; 0: x itself, which is one */
    double            rate;
    const agop__tile *shift, *factor; /* of w variables: terms w x 1, f64, number k w + a of term k of variable a */
    int32_t           pairwise; /* 1: squares and presence, too */
    int32_t           bf16;     /* term_sums: 1: of terms that are rounded to bf16 */
} agop__terms;
enum { AGOP__STRENGTH_MAX, AGOP__STRENGTH_MEAN, AGOP__STRENGTH_RMS };

/* Variables most of whose cells hold one value: the others, variable after variable, observations rising in each. */
typedef struct agop__cells {
    agop__tile start; /* i32, 1 x (variables + 1): where each begins, and where the last one ends */
    agop__tile row;   /* i32, 1 x cells: the observation */
    agop__tile x;     /* f64, 1 x cells */
} agop__cells;

typedef struct agop__backend {
    const char *name;
    int         deterministic; /* same seed, threads and build: same bits */

    agop_status (*open)(void **self, const char *spec, int threads, agop__err *e);
    void (*close)(void *self);
    int (*threads)(void *self);

    /* ---- memory ---- */
    agop_status (*alloc)(void *self, agop__tile *out, int64_t rows, int64_t cols, int32_t dtype, agop__err *e);
    void (*release)(void *self, agop__tile *t); /* clears *t; an empty tile is fine */
    /* Views: they share memory and are never released. */
    agop__tile (*rows)(void *self, const agop__tile *t, int64_t first, int64_t count);
    agop__tile (*cols)(void *self, const agop__tile *t, int64_t first, int64_t count);
    /* Host arrays in and out; ld in elements. dtype may differ: f32 <-> f64 converts. */
    agop_status (*put)(void *self, agop__tile *dst, const void *host, int64_t ld, int32_t dtype, agop__err *e);
    agop_status (*get)(void *self, void *host, int64_t ld, int32_t dtype, const agop__tile *src, agop__err *e);

    /* ---- arithmetic ---- */
    /* C = a op(A) op(B) + b C; ta, tb: transpose. One dtype. */
    agop_status (*gemm)(void *self, int ta, int tb, double a, const agop__tile *A, const agop__tile *B, double b,
                        agop__tile *C, agop__err *e);
    /* The lower triangle of C = a op(A) op(A)' + b C; what is above the diagonal stays. One dtype. */
    agop_status (*syrk)(void *self, int ta, double a, const agop__tile *A, double b, agop__tile *C, agop__err *e);
    /* What is above the diagonal becomes what is below it. */
    agop_status (*mirror)(void *self, agop__tile *C, agop__err *e);
    /* K (rows of x) x (rows of z). Pairs whose squared distance is so small that rounding dominates are recomputed from
     * differences, so coincident rows are at distance exactly 0. */
    agop_status (*kernel)(void *self, agop__tile *K, const agop__kernel *k, const agop__points *x,
                          const agop__points *z, agop__err *e);
    /* The lower triangle (with diagonal 1) of k(x,x); the strict upper triangle is left as it is. The same bits as
     * `kernel` gives are not promised; symmetry is, because there is one triangle. */
    agop_status (*kernel_lower)(void *self, agop__tile *K, const agop__kernel *k, const agop__points *x, agop__err *e);
    /* Y = k(x,z) A, never forming the kernel matrix: memory is a few tiles. Y and A share a dtype; when it is f64 over
     * f32 points, the points are widened and everything is double (this is how residuals are checked). */
    agop_status (*kernel_apply)(void *self, agop__tile *Y, const agop__kernel *k, const agop__points *x,
                                const agop__points *z, const agop__tile *A, agop__err *e);
    /* Y = k(x,x) A, every pair of rows looked at once. K: the lower triangle that kernel_lower made, with which nothing
     * is computed again; or NULL, and memory is a few tiles and a copy of Y per thread. Precision as kernel_apply (K:
     * that of Y). The sums depend on the number of threads. */
    agop_status (*kernel_symm)(void *self, agop__tile *Y, const agop__kernel *k, const agop__points *x,
                               const agop__tile *K, const agop__tile *A, agop__err *e);
    /* G: m x (c*e), e = r + sum of levels. For row i of x, output o and coordinate j,
     *   G[i][o*e + j] = d f_o / d(coordinate j) at x_i,  f_o(x) = sum_j A[j][o] k(x, z_j).
     * L2, numeric j:    sum_j A_jo w_ij (u_i - u_j)_j,      w = -(q/L^q) s^((q-2)/q) k, 0 where the points coincide
     * L2, level t of group g:  sum_j A_jo w_ij (1[code_i = t] - 1[code_j = t])
     *   (the caller multiplies by the group's metric block; numeric coordinates are in u, too)
     * L1, numeric j:    sum_j A_jo k_ij (-(q/L^q)) |u_i-u_j|^(q-1) sign(u_i-u_j)      (0 where equal)
     * L1, level t:      sum_j A_jo k_ij (-(q/L^q)) steps_t^(q-1) (1[code_i=t] - 1[code_j=t]), 0 if code_i = code_j
     *   or, where steps are points, the same as a numeric coordinate, u being coordinate t of the level's point
     * LPQ: as L1, with p - 1 for the exponent of the difference, and -(q/L^q) s^((q-p)/q) k_ij, 0 where the points
     *   coincide, in place of -(q/L^q) k_ij
     * SUM: as L1, with exp(-|u_i-u_j|^q / L^q) beside the power of the difference, and
     *   -(q/L^q) power share (1 - share s)^(power - 1) in place of -(q/L^q) k_ij
     * k->bf16: every A_jo w_ij is rounded to bf16 before it is used, and so is u_j, but not u_i. */
    agop_status (*gradient)(void *self, agop__tile *G, const agop__kernel *k, const agop__points *x,
                            const agop__points *z, const agop__tile *A, agop__err *e);
    /* W (rows of x) x (rows of z), L2 only: the w_ij of `gradient`. */
    agop_status (*weights)(void *self, agop__tile *W, const agop__kernel *k, const agop__points *x,
                           const agop__points *z, agop__err *e);

    /* ---- dependence ---- */
    /* Row k w + a of Z is (phi_k(x_a) - shift) factor, 0 where x_a is NaN. X: w x n, f64, variables as rows; Z:
     * (terms w) x n, f32 or f64. Pairwise, with T = terms: row (T + k) w + a is its square, and row 2 T w + a is 1
     * where x_a is a number and 0 where not; Z has (2 T + 1) w rows. */
    agop_status (*terms)(void *self, agop__tile *Z, const agop__terms *t, const agop__tile *X, agop__err *e);
    /* s (rows as pairwise Z, 1 column, f64) += what the rows of pairwise Z sum to, whatever t->pairwise is; in the
     * same order on all processors. */
    agop_status (*term_sums)(void *self, agop__tile *s, const agop__terms *t, const agop__tile *X, agop__err *e);
    /* S (w x v, dtype of G): the largest, mean or root mean square of |r_kl|, the correlations of term k < K of a
     * variable and term l < L of another. G: (K w) x (L v), r_kl of a and b at (k w + a, l v + b). Pairwise, G is that
     * of all rows of Z: with s, q, m the sums of a term, of its square and of 1 over what both variables have,
     * r = (m s_kl - s_k s_l) / sqrt((m q_k - s_k^2)(m q_l - s_l^2)), 0 where m q - s^2 <= 1e-12 m q (f32: 1e-5). */
    agop_status (*strength)(void *self, agop__tile *S, const agop__tile *G, int32_t K, int32_t L, int norm,
                            int pairwise, agop__err *e);

    /* G += sums over observations 0 .. rows - 1 of (phi_k(x_a) - shift) factor of X times the same of Y, 0 where there
     * is no cell. s, t: terms of X and of Y, of one count. G: f64, the variables of either side in panels of `panel`,
     * as many as are left in the last; within a pair of panels of w and v it is what `strength` takes. own: what stands
     * below a panel on the diagonal is not wanted. */
    agop_status (*cell_products)(void *self, agop__tile *G, const agop__terms *s, const agop__cells *X,
                                 const agop__terms *t, const agop__cells *Y, int64_t rows, int64_t panel, int own,
                                 agop__err *e);

    /* ---- matrix units: bf16 numbers (8 bits of precision), products of them summed in float32 ---- */
    /* Make them ready. AGOP_E_UNSUPPORTED with the reason where there are none, or none that are faster than gemm; it
     * may be asked again. Until then the two below, and k->bf16, are AGOP_E_BUG. */
    agop_status (*units)(void *self, agop__err *e);
    /* A = the nearest bf16 numbers, ties to even; A stays f32. */
    agop_status (*round16)(void *self, agop__tile *A, agop__err *e);
    /* As gemm, on f32 tiles, but a A and B are rounded like that first. NaN and infinity in a row of op(A) reach
     * that row of C only, those in a column of op(B) that column. */
    agop_status (*gemm16)(void *self, int ta, int tb, double a, const agop__tile *A, const agop__tile *B, double b,
                          agop__tile *C, agop__err *e);
    /* The lower triangle of C = A A' + b C, likewise; what is above the diagonal is lost. */
    agop_status (*syrk16)(void *self, const agop__tile *A, double b, agop__tile *C, agop__err *e);

    /* ---- bytes: numbers rounded to one of 256, for what is then looked at closely ---- */
    /* 1: they are multiplied faster here than gemm multiplies floats. Where not, the two below are AGOP_E_BUG. */
    int (*bytes)(void *self);
    /* C = A B' + b C on f32 tiles, but every row of A and of B is rounded first, some columns at a time: to one of 256
     * numbers a step apart, from their least to their largest, up or down by chance with the number itself for a mean.
     * So an element is off by sum (r b + a r' + r r') of errors r, r' that are independent, of mean 0, and below a step
     * in size: its variance is at most (step_a^2 sum b^2 + step_b^2 sum a^2) / 4 + columns step_a^2 step_b^2 / 16. Of
     * either side `step` (rows x 1, f64) becomes the largest, where that is larger than what it holds. lower: what is
     * above the diagonal is not wanted, and lost. seed: of chance; of further columns of the same rows it must be
     * higher by as many as there were. Numbers must be finite. */
    agop_status (*gemm8)(void *self, const agop__tile *A, const agop__tile *B, double b, agop__tile *C, int lower,
                         uint64_t seed, agop__tile *step, agop__tile *other, agop__err *e);
    /* s_c += row i_c of A times row j_c of B, as they are, f32. s: n x 1, f64; pairs: i, j, n x 2, i32. Pairs that have
     * rows in common are best near each other. */
    agop_status (*row_products)(void *self, agop__tile *s, const agop__tile *A, const agop__tile *B,
                                const agop__tile *pairs, agop__err *e);

    /* ---- matrices ---- */
    /* A_ij *= B_ij */
    agop_status (*multiply)(void *self, agop__tile *A, const agop__tile *B, agop__err *e);
    /* A_ij += w B_ij */
    agop_status (*add)(void *self, agop__tile *A, double w, const agop__tile *B, agop__err *e);
    /* A_ij *= v_i; v is n x 1 of A's dtype. */
    agop_status (*scale_rows)(void *self, agop__tile *A, const agop__tile *v, agop__err *e);
    /* A_ii += value / weight_i (weight NULL: 1). */
    agop_status (*add_diagonal)(void *self, agop__tile *A, double value, const agop__tile *weight, agop__err *e);
    /* Factor the lower triangle in place, A = L L'. *bad_row = -1, or the first row where A is not positive
     * definite (then AGOP_E_NUMERIC). */
    agop_status (*cholesky)(void *self, agop__tile *A, int64_t *bad_row, agop__err *e);
    /* B = (L L')^-1 B */
    agop_status (*solve)(void *self, const agop__tile *L, agop__tile *B, agop__err *e);
    /* diag((L L')^-1) into d (n x 1, f64). May overwrite L: it is no factor afterwards. */
    agop_status (*inverse_diagonal)(void *self, agop__tile *L, agop__tile *d, agop__err *e);
    /* Symmetric eigenproblem, f64: the top `top` eigenvalues of A (n x n, lower triangle, overwritten), largest first,
     * into w (top x 1), eigenvectors as rows of V (top x n). */
    agop_status (*eigh)(void *self, agop__tile *A, agop__tile *w, agop__tile *V, int64_t top, agop__err *e);
} agop__backend;

extern const agop__backend agop__backend_cpu;

/* A context over a backend that is in no list: for tests. */
agop_status agop__open_backend(agop_ctx **out, const agop__backend *be, const char *spec, int threads);

#endif
