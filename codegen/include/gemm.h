/* Matrix products: register tiles, packing and vector products, by element type. */
#ifndef SYMGRAPH_GEMM_H
#define SYMGRAPH_GEMM_H

#include "symgraph.h"

/* Bytes of a vector, rows of a register tile (two vectors wide), and whether part of
   a vector can be loaded at full speed. Python's plan knows the same numbers. */
#if defined(__AVX512F__) || defined(SG_WIDE)
#define SG_GEMM_BYTES 64
#define SG_GEMM_ROWS 12
#define SG_GEMM_MASKS 1
#elif defined(__AVX2__)
#define SG_GEMM_BYTES 32
#define SG_GEMM_ROWS 6
#define SG_GEMM_MASKS 1
#else
#define SG_GEMM_BYTES 16
#if defined(__aarch64__)
#define SG_GEMM_ROWS 12
#else
#define SG_GEMM_ROWS 6
#endif
#define SG_GEMM_MASKS 0
#endif

/* Loops of constant extent, unrolled so that small arrays become registers. */
#ifdef __clang__
#define SG_UNROLLED _Pragma("clang loop unroll(full)") for
#else
#define SG_UNROLLED _Pragma("GCC unroll 32") for
#endif

/* Lanes chosen from two vectors: SG_LOWER_n alternates the lower halves of a and b,
   SG_UPPER_n the upper halves. */
#define SG_LOWER_2 0, 2
#define SG_UPPER_2 1, 3
#define SG_LOWER_4 0, 4, 1, 5
#define SG_UPPER_4 2, 6, 3, 7
#define SG_LOWER_8 0, 8, 1, 9, 2, 10, 3, 11
#define SG_UPPER_8 4, 12, 5, 13, 6, 14, 7, 15
#define SG_LOWER_16 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23
#define SG_UPPER_16 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31
#if defined(__clang__) || __GNUC__ >= 12
#define SG_SHUFFLE(a, b, index, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
#define SG_SHUFFLE(a, b, index, ...) __builtin_shuffle(a, b, (index){__VA_ARGS__})
#endif

/* Where part ``part`` of ``parts`` begins in 0 .. size, in whole groups. */
SG_INLINE int64_t sg_gemm_start(int64_t part, int64_t parts, int64_t size, int64_t group)
{
    const int64_t groups = (size + group - 1) / group;
    return sg_min(part * groups / parts * group, size);
}

/* Where strip ``strip`` of ``strips`` begins in 0 .. rows. */
SG_INLINE int64_t sg_gemm_strip_start(int64_t strip, int64_t strips, int64_t rows)
{
    return sg_gemm_start(strip, strips, rows, SG_GEMM_ROWS / 3);
}

/* Rows of each tile, the highest first. */
#if SG_GEMM_ROWS == 12
static const int sg_gemm_heights[] = {12, 8, 4, 2, 1};
#else
static const int sg_gemm_heights[] = {6, 4, 2, 1};
#endif

#define SG_REAL float
#define SG_INTEGER int32_t
#define SG_LANES (SG_GEMM_BYTES / 4)
#define SG_GEMM(name) sg_gemm_##name##_f32
#define SG_FLOAT32 1
#include "gemm_parts.h"
#include "gemm_pack.h"
#include "gemm_tiles.h"
#include "gemm_vectors.h"
#undef SG_REAL
#undef SG_INTEGER
#undef SG_LANES
#undef SG_GEMM
#undef SG_FLOAT32

#define SG_REAL double
#define SG_INTEGER int64_t
#define SG_LANES (SG_GEMM_BYTES / 8)
#define SG_GEMM(name) sg_gemm_##name##_f64
#define SG_FLOAT32 0
#include "gemm_parts.h"
#include "gemm_pack.h"
#include "gemm_tiles.h"
#include "gemm_vectors.h"
#undef SG_REAL
#undef SG_INTEGER
#undef SG_LANES
#undef SG_GEMM
#undef SG_FLOAT32

#endif
