/* cpu_units.c - oneDNN, found at run time: its names, its two versions, and a matrix product; see cpu_units.h.
 *
 * Nothing of its headers is needed to build. What is declared here is the documented C interface of versions 2 and 3,
 * which differ in how a matrix is described: version 2 fills a struct of the caller's, version 3 makes an object. Those
 * structs are only handed on, so room that is large enough stands for them. */
#include "backend/cpu/cpu_units.h"

#include <dlfcn.h>
#ifdef __x86_64__
#include <cpuid.h>
#endif
#include <string.h>

#include "backend/cpu/cpu.h"
#include "base/memory.h"

/* ---- what the documentation says ---- */

enum {
    BF16 = 2, F32 = 3,                                /* data types */
    CPU = 1,                                          /* kind of engine */
    STREAM_DEFAULT = 1,
    SCRATCH_BY_USER = 1,                              /* else concurrent runs would share theirs */
    ASK_IMPLEMENTATION = 8, ASK_SCRATCH = 136,        /* queries */
    ARG_A = 1, ARG_B = 33, ARG_C = 17, ARG_SCRATCH = 80,
    RUNTIME_SERIAL = 1, RUNTIME_OPENMP = 2,
    MOST_DIMENSIONS = 12,
};

typedef struct version {
    int         major, minor, patch;
    const char *hash;
    unsigned    cpu_runtime, gpu_runtime;
} version;

typedef struct argument {
    int   which;
    void *memory;
} argument;

/* Version 2's struct of a matrix, 696 bytes in 2.6; that of a product, in make_plan, has 2800. */
typedef union matrix {
    void  *object;     /* 3 */
    char   room[2048]; /* 2 */
    double aligned;
} matrix;

struct agop__units {
    int   major;
    void *engine;
    int (*engine_create)(void **out, int kind, size_t index);
    int (*engine_destroy)(void *engine);
    int (*stream_create)(void **out, void *engine, unsigned flags);
    int (*stream_destroy)(void *stream);
    int (*stream_wait)(void *stream);
    int (*attr_create)(void **out);
    int (*attr_destroy)(void *attr);
    int (*attr_scratch)(void *attr, int mode);
    int (*plan_query)(const void *plan, int what, int index, void *out);
    const void *(*plan_matrix)(const void *plan, int what, int index);
    int (*plan_destroy)(void *plan);
    int (*primitive_create)(void **out, const void *plan);
    int (*primitive_destroy)(void *primitive);
    int (*primitive_run)(const void *primitive, void *stream, int arguments, const argument *list);
    int (*memory_create)(void **out, const void *matrix, void *engine, void *handle);
    int (*memory_destroy)(void *memory);
    int (*memory_set)(void *memory, void *handle);
    /* version 2 */
    int (*matrix_fill)(void *matrix, int n, const int64_t *sizes, int type, const int64_t *strides);
    int (*product_fill)(void *product, const void *A, const void *B, const void *bias, const void *C);
    int (*plan_create)(void **out, const void *product, const void *attr, void *engine, const void *hint);
    /* version 3 */
    int (*matrix_create)(void **out, int n, const int64_t *sizes, int type, const int64_t *strides);
    int (*matrix_destroy)(void *matrix);
    int (*product_plan)(void **out, void *engine, const void *A, const void *B, const void *bias, const void *C,
                        const void *attr);
};

/* ---- the processor ---- */

/* bf16 in the vector or in the matrix unit; every processor with the second has the first. cpu_dispatch.c has asked
 * whether the system saves the wide registers; for the matrix unit's oneDNN asks. */
static int has_bf16(void)
{
#ifdef __x86_64__
    unsigned a, b, c, d;
    return __get_cpuid_count(7, 1, &a, &b, &c, &d) && (a >> 5 & 1);
#else
    return 0;
#endif
}

/* ---- finding the library ---- */

/* Every name that both versions have. dlsym gives an object's address: copied, because C knows no cast from it. */
static int find_names(agop__units *u, void *handle)
{
    const struct {
        const char *name;
        void       *slot;
        int         major; /* that has it; 0: both */
    } wanted[] = {
        {"dnnl_engine_create", &u->engine_create, 0},
        {"dnnl_engine_destroy", &u->engine_destroy, 0},
        {"dnnl_stream_create", &u->stream_create, 0},
        {"dnnl_stream_destroy", &u->stream_destroy, 0},
        {"dnnl_stream_wait", &u->stream_wait, 0},
        {"dnnl_primitive_attr_create", &u->attr_create, 0},
        {"dnnl_primitive_attr_destroy", &u->attr_destroy, 0},
        {"dnnl_primitive_attr_set_scratchpad_mode", &u->attr_scratch, 0},
        {"dnnl_primitive_desc_query", &u->plan_query, 0},
        {"dnnl_primitive_desc_query_md", &u->plan_matrix, 0},
        {"dnnl_primitive_desc_destroy", &u->plan_destroy, 0},
        {"dnnl_primitive_create", &u->primitive_create, 0},
        {"dnnl_primitive_destroy", &u->primitive_destroy, 0},
        {"dnnl_primitive_execute", &u->primitive_run, 0},
        {"dnnl_memory_create", &u->memory_create, 0},
        {"dnnl_memory_destroy", &u->memory_destroy, 0},
        {"dnnl_memory_set_data_handle", &u->memory_set, 0},
        {"dnnl_memory_desc_init_by_strides", &u->matrix_fill, 2},
        {"dnnl_matmul_desc_init", &u->product_fill, 2},
        {"dnnl_primitive_desc_create", &u->plan_create, 2},
        {"dnnl_memory_desc_create_with_strides", &u->matrix_create, 3},
        {"dnnl_memory_desc_destroy", &u->matrix_destroy, 3},
        {"dnnl_matmul_primitive_desc_create", &u->product_plan, 3},
    };

    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        void *address = NULL;
        if (wanted[i].major && wanted[i].major != u->major)
            continue;
        address = dlsym(handle, wanted[i].name);
        if (!address)
            return 0;
        memcpy(wanted[i].slot, &address, sizeof address);
    }
    return 1;
}

static agop_status find_library(agop__units *u, agop__err *e)
{
    static const char *const names[] = {"libdnnl.so.3", "libdnnl.so.2"};
    const version           *v;
    void                    *handle = NULL, *address;
    const version *(*ask)(void) = NULL;

    /* Never unloaded: what it keeps for each thread may outlive us. */
    for (size_t i = 0; i < sizeof names / sizeof *names && !handle; i++)
        handle = dlopen(names[i], RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (!handle)
        return agop__fail(e, AGOP_E_UNSUPPORTED, "matrix units are reached through oneDNN, and there is no "
                          "libdnnl.so.2 or .3 here: install libdnnl2 or libdnnl3, or leave matrix_units at auto");
    address = dlsym(handle, "dnnl_version");
    memcpy(&ask, &address, sizeof address);
    v        = ask ? ask() : NULL;
    u->major = v ? v->major : 0;
    if (u->major < 2 || u->major > 3 || !find_names(u, handle))
        return agop__fail(e, AGOP_E_UNSUPPORTED, "oneDNN %d is not known here: versions 2 and 3 are", u->major);
    if (v->cpu_runtime != RUNTIME_SERIAL && v->cpu_runtime != RUNTIME_OPENMP)
        return agop__fail(e, AGOP_E_UNSUPPORTED, "this oneDNN (%d.%d) brings threads of its own: install a build for "
                          "OpenMP", v->major, v->minor);
    return AGOP_OK;
}

/* ---- a product ---- */

/* What a thread holds: memory objects are pointed at its arrays before each run. */
typedef struct runner {
    void *stream, *A, *B, *C, *scratch;
} runner;

struct agop__product {
    agop__units *u;
    int64_t      m, n;
    void        *primitive;
    float       *C; /* m x n per thread, before it is added */
    int          threads;
    runner       runner[]; /* one per thread */
};

void agop__product_close(agop__product *p)
{
    if (!p)
        return;
    for (int t = 0; t < p->threads; t++) {
        runner *r = &p->runner[t];
        (void)p->u->memory_destroy(r->A); /* NULL is fine for all of these */
        (void)p->u->memory_destroy(r->B);
        (void)p->u->memory_destroy(r->C);
        (void)p->u->memory_destroy(r->scratch);
        (void)p->u->stream_destroy(r->stream);
    }
    (void)p->u->primitive_destroy(p->primitive);
    free(p->C);
    free(p);
}

static const void *shown(const agop__units *u, const matrix *m)
{
    return u->major == 2 ? (const void *)m : m->object;
}

/* rows x cols elements, which lie in memory without gaps, perhaps transposed; 0 is success, as everywhere in oneDNN */
static int describe(const agop__units *u, matrix *m, int64_t rows, int64_t cols, int transposed, int type)
{
    int64_t sizes[MOST_DIMENSIONS]   = {rows, cols};
    int64_t strides[MOST_DIMENSIONS] = {transposed ? 1 : cols, transposed ? rows : 1};
    return u->major == 2 ? u->matrix_fill(m, 2, sizes, type, strides)
                         : u->matrix_create(&m->object, 2, sizes, type, strides);
}

static int make_plan(const agop__units *u, void **plan, const matrix M[3], const void *attr)
{
    double product[8192 / sizeof(double)];

    if (u->major == 3)
        return u->product_plan(plan, u->engine, shown(u, &M[0]), shown(u, &M[1]), NULL, shown(u, &M[2]), attr);
    return u->product_fill(product, shown(u, &M[0]), shown(u, &M[1]), NULL, shown(u, &M[2])) ||
           u->plan_create(plan, product, attr, u->engine, NULL);
}

static int make_runner(const agop__units *u, runner *r, const matrix M[3], const void *plan)
{
    void *const allocate = (void *)(intptr_t)-1;

    return u->stream_create(&r->stream, u->engine, STREAM_DEFAULT) ||
           u->memory_create(&r->A, shown(u, &M[0]), u->engine, NULL) ||
           u->memory_create(&r->B, shown(u, &M[1]), u->engine, NULL) ||
           u->memory_create(&r->C, shown(u, &M[2]), u->engine, NULL) ||
           u->memory_create(&r->scratch, u->plan_matrix(plan, ASK_SCRATCH, 0), u->engine, allocate);
}

/* 1: right, but by plain loops, as where the environment forbids the instructions. */
static int is_slow(const agop__units *u, const void *plan, const char **name)
{
    return u->plan_query(plan, ASK_IMPLEMENTATION, 0, name) != 0 || strncmp(*name, "brg", 3) != 0;
}

static agop_status plan_product(agop__product *p, const agop__product_shape *s, agop__err *e)
{
    agop__units *u    = p->u;
    matrix       M[3] = {{0}, {0}, {0}};
    void        *attr = NULL, *plan = NULL;
    const char  *name = "nothing";
    agop_status  st   = AGOP_OK;
    int bad = describe(u, &M[0], s->m, s->k, s->ta, BF16) || describe(u, &M[1], s->k, s->n, s->tb, BF16) ||
              describe(u, &M[2], s->m, s->n, 0, F32) || u->attr_create(&attr) ||
              u->attr_scratch(attr, SCRATCH_BY_USER) || make_plan(u, &plan, M, attr);

    if (bad || is_slow(u, plan, &name)) {
        st = agop__fail(e, AGOP_E_UNSUPPORTED, "oneDNN %d has no fast bf16 product of %lld x %lld and %lld x %lld here "
                        "(it offers %.40s): leave matrix_units at auto", u->major, (long long)s->m, (long long)s->k,
                        (long long)s->k, (long long)s->n, name);
        goto done;
    }
    bad = u->primitive_create(&p->primitive, plan);
    for (int t = 0; t < p->threads && !bad; t++)
        bad = make_runner(u, &p->runner[t], M, plan);
    if (bad)
        st = agop__fail_memory(e, 0, "a product in bf16");
done:
    (void)u->plan_destroy(plan);
    (void)u->attr_destroy(attr);
    for (int i = 0; i < 3 && u->major == 3; i++)
        (void)u->matrix_destroy(M[i].object);
    return st;
}

/* oneDNN plans for as many threads as it would get now, so it is told: one. */
agop_status agop__product_open(agop__product **out, agop__units *u, const agop__product_shape *s, int threads,
                               agop__err *e)
{
    agop__product *p = agop__calloc(1, sizeof *p + (size_t)threads * sizeof(runner));
    agop_status    st;
    int            before;

    *out = NULL;
    if (!p)
        return agop__fail_memory(e, 0, "a product in bf16");
    p->u       = u;
    p->m       = s->m;
    p->n       = s->n;
    p->threads = threads;
    p->C       = agop__aligned(threads * s->m * s->n, sizeof *p->C);
    if (!p->C) {
        agop__product_close(p);
        return agop__fail_memory(e, (double)(threads * s->m * s->n) * sizeof *p->C, "a product in bf16");
    }
    before     = agop__blas_begin(1);
    st         = plan_product(p, s, e);
    agop__blas_end(before);
    if (st == AGOP_OK)
        *out = p;
    else
        agop__product_close(p);
    return st;
}

/* const is cast away because memory objects know none; A and B are only read. */
int agop__product_add(const agop__product *p, int thread, const uint16_t *A, const uint16_t *B, float *C, int64_t ldc,
                      int64_t rows, int64_t cols)
{
    const agop__units *u = p->u;
    const runner      *r = &p->runner[thread];
    const argument     list[] = {{ARG_A, r->A}, {ARG_B, r->B}, {ARG_C, r->C}, {ARG_SCRATCH, r->scratch}};
    float             *own    = p->C + thread * p->m * p->n;

    if (u->memory_set(r->A, (void *)(uintptr_t)A) || u->memory_set(r->B, (void *)(uintptr_t)B) ||
        u->memory_set(r->C, own) || u->primitive_run(p->primitive, r->stream, 4, list) || u->stream_wait(r->stream))
        return 0;
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < cols; j++)
            C[i * ldc + j] += own[i * p->n + j];
    return 1;
}

/* ---- life ---- */

void agop__units_close(agop__units *u)
{
    if (u && u->engine)
        (void)u->engine_destroy(u->engine);
    free(u);
}

/* The last thing asked is a product like those to come, so that `open` is the only place that can refuse. */
agop_status agop__units_open(agop__units **out, agop__err *e)
{
    const agop__product_shape trial = {.m = 64, .n = 64, .k = 64, .ta = 1};
    agop__product            *p     = NULL;
    agop__units              *u     = NULL;
    agop_status               st;

    *out = NULL;
    if (!has_bf16())
        return agop__fail(e, AGOP_E_UNSUPPORTED, "this processor does not multiply bf16 numbers (neither avx512_bf16 "
                          "nor amx_bf16): leave matrix_units at auto");
    u = agop__calloc(1, sizeof *u);
    if (!u)
        return agop__fail_memory(e, (double)sizeof *u, "matrix units");
    TRY(find_library(u, e));
    if (u->engine_create(&u->engine, CPU, 0))
        TRY(agop__fail_memory(e, 0, "oneDNN"));
    TRY(agop__product_open(&p, u, &trial, 1, e));
    *out = u;
    u    = NULL;
done:
    agop__product_close(p);
    agop__units_close(u);
    return st;
}
