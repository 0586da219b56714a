/* From here on products are of double. */
#include "gemm_untyped.h"

#define SG_REAL double
#define vector sg_f64v
#define SG_LANES (SG_VECTOR_BYTES / 8)
#define SG_GEMM(name) sg_gemm_##name##_f64
#define SG_OF(name) sg_##name##_f64
#define SG_FLOAT32 0
