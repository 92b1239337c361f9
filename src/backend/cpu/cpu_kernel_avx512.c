/* cpu_kernel_avx512.c - the inner loops for AVX-512. */
#ifdef __x86_64__
#include <immintrin.h>
#include <stdint.h>

#include "backend/cpu/cpu_kernel.h"

/* The whole file is compiled for this instruction set, and nothing else of the library is: no build flag is needed, and
 * the processor is asked before anything here runs (cpu_dispatch.c). */
#ifdef __clang__
#pragma clang attribute push(__attribute__((target("avx512f,avx512dq,avx512vl,avx512bw,avx2,fma"))),                   \
                             apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx512f,avx512dq,avx512vl,avx512bw,avx2,fma")
#endif

#define CPU_ISA  5
#define ISA_NAME "avx512"

#define REAL      float
#define REAL_BITS 32
#include "backend/cpu/cpu_kernel.inc"

#define REAL      double
#define REAL_BITS 64
#include "backend/cpu/cpu_kernel.inc"

#ifdef __clang__
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

const agop__cpu_loops *const agop__cpu_avx512[2] = {&loops_f32, &loops_f64};
#else
typedef int agop__no_avx512; /* a file may not be empty */
#endif
