/* Products in register tiles, with what packs their operands; compiled once for a type. */
#include "squares.h"

#include "gemm_parts.h"

/* Whether part of a vector can be loaded at full speed. Python's plan knows it too. */
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

/* Rows of each tile, the highest first. */
#if SG_GEMM_ROWS == 12
static const int sg_gemm_heights[] = {12, 8, 4, 2, 1};
#else
static const int sg_gemm_heights[] = {6, 4, 2, 1};
#endif

#include "gemm_pack.h"
#include "gemm_tiles.h"
#include "gemm_strips.h"
#if SG_VECTOR_BYTES == 64
#include "gemm_slabs.h"
#endif
