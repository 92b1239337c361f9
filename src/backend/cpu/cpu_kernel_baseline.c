/* cpu_kernel_baseline.c - the inner loops for what every processor has (on x86-64: SSE2). */
#include <stdint.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "backend/cpu/cpu_kernel.h"

#define CPU_ISA  0
#define ISA_NAME "baseline"

#define REAL      float
#define REAL_BITS 32
#include "backend/cpu/cpu_kernel.inc"

#define REAL      double
#define REAL_BITS 64
#include "backend/cpu/cpu_kernel.inc"

const agop__cpu_loops *const agop__cpu_baseline[2] = {&loops_f32, &loops_f64};
