/* Matrix products: register tiles, packing and vector products, by element type. */
#ifndef SYMGRAPH_GEMM_H
#define SYMGRAPH_GEMM_H

#include "halves.h"
#include "squares.h"

/* Rows of a register tile (two vectors wide), and whether part of a vector can be
   loaded at full speed. Python's plan knows the same numbers. */
#if SG_VECTOR_BYTES == 64 || defined(__aarch64__)
#define SG_GEMM_ROWS 12
#else
#define SG_GEMM_ROWS 6
#endif
#define SG_GEMM_MASKS (SG_VECTOR_BYTES >= 32)

/* Whether tiles take steps of k in groups, and of how many. While strips of rows, as many
   as share a panel (Python's plan knows that too), multiply by a packed panel, a group
   asks for so many numbers of the next one that together they ask for all of it. */
#define SG_GEMM_GROUPS (SG_GEMM_ROWS == 6)
#define SG_GROUP 4
#define SG_SHARING 8
#define SG_ASKED (SG_GROUP * 2 * SG_LANES / SG_SHARING)

/* Whether the last one to four columns have tiles of their own: where they fill at most
   half a vector. Older versions of gcc cannot say how those of AVX-512 are shuffled. */
#if SG_VECTOR_BYTES == 64 && (defined(__clang__) || __GNUC__ >= 12)
#define SG_GEMM_EDGES 1
#elif SG_VECTOR_BYTES == 32
#define SG_GEMM_EDGES SG_FLOAT32
#else
#define SG_GEMM_EDGES 0
#endif
#define SG_GEMM_FEW 4 /* of them; ``tiled.py`` knows it too */

/* Loops of constant extent, unrolled so that small arrays become registers. */
#ifdef __clang__
#define SG_UNROLLED _Pragma("clang loop unroll(full)") for
#else
#define SG_UNROLLED _Pragma("GCC unroll 32") for
#endif

/* The tile KIND of a height as a function of its own, so that its loop over k has all
   registers to itself. */
#define SG_GEMM_TILE(KIND, ROWS, WORK, CALL)                                           \
    SG_SHARED void SG_GEMM(KIND##_##ROWS)(const WORK *work) { CALL; }

/* Heights that are seldom wanted are made of two others, which takes less to compile. */
#define SG_GEMM_TWICE(KIND, ROWS, HALF)                                                \
    SG_SHARED void SG_GEMM(KIND##_##ROWS)(const strip *work)                           \
    {                                                                                  \
        strip below = *work;                                                           \
        below.left += HALF * below.row_step, below.out += HALF * below.out_step;       \
        SG_GEMM(KIND##_##HALF)(work);                                                  \
        SG_GEMM(KIND##_##HALF)(&below);                                                \
    }

/* Where part ``part`` of ``parts`` begins in 0 .. size, in whole groups. */
SG_INLINE int64_t sg_gemm_start(int64_t part, int64_t parts, int64_t size,
                                int64_t group)
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
#define vector sg_f32v
#define SG_LANES (SG_VECTOR_BYTES / 4)
#define SG_GEMM(name) sg_gemm_##name##_f32
#define SG_OF(name) sg_##name##_f32
#define SG_FLOAT32 1
#include "gemm_parts.h"
#include "gemm_pack.h"
#include "gemm_tiles.h"
#include "gemm_strips.h"
#include "gemm_vectors.h"
#if SG_VECTOR_BYTES == 64
#include "gemm_slabs.h"
#endif
#undef SG_REAL
#undef vector
#undef SG_LANES
#undef SG_GEMM
#undef SG_OF
#undef SG_FLOAT32

#define SG_REAL double
#define vector sg_f64v
#define SG_LANES (SG_VECTOR_BYTES / 8)
#define SG_GEMM(name) sg_gemm_##name##_f64
#define SG_OF(name) sg_##name##_f64
#define SG_FLOAT32 0
#include "gemm_parts.h"
#include "gemm_pack.h"
#include "gemm_tiles.h"
#include "gemm_strips.h"
#include "gemm_vectors.h"
#if SG_VECTOR_BYTES == 64
#include "gemm_slabs.h"
#endif
#undef SG_REAL
#undef vector
#undef SG_LANES
#undef SG_GEMM
#undef SG_OF
#undef SG_FLOAT32

#endif
