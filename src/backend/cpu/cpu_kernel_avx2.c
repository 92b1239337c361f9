/* cpu_kernel_avx2.c - the inner loops for AVX2 and FMA. */
#ifdef __x86_64__
#include <immintrin.h>
#include <stdint.h>

#include "backend/cpu/cpu_kernel.h"

/* The whole file is compiled for this instruction set, and nothing else of the library is: no build flag is needed, and
 * the processor is asked before anything here runs (cpu_dispatch.c). */
#ifdef __clang__
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,fma")
#endif

#define CPU_ISA  2
#define ISA_NAME "avx2"

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

const agop__cpu_loops *const agop__cpu_avx2[2] = {&loops_f32, &loops_f64};
#else
typedef int agop__no_avx2; /* a file may not be empty */
#endif
