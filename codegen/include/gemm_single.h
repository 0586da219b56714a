/* From here on products are of float. */
#include "gemm_untyped.h"

#define SG_REAL float
#define vector sg_f32v
#define SG_LANES (SG_VECTOR_BYTES / 4)
#define SG_GEMM(name) sg_gemm_##name##_f32
#define SG_OF(name) sg_##name##_f32
#define SG_FLOAT32 1
