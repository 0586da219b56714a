/* The halves of two vectors, put together lane by lane. */
#ifndef SYMGRAPH_HALVES_H
#define SYMGRAPH_HALVES_H

#include "vectors.h"

#if defined(__clang__) || __GNUC__ >= 12
#define SG_SHUFFLE(a, b, index, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
#define SG_SHUFFLE(a, b, index, ...) __builtin_shuffle(a, b, (index){__VA_ARGS__})
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

#define SG_HALVES(s, lower, upper)                                                     \
    SG_INLINE sg_##s##v sg_lower_##s(sg_##s##v a, sg_##s##v b)                         \
    {                                                                                  \
        return SG_SHUFFLE(a, b, sg_##s##m, lower);                                     \
    }                                                                                  \
    SG_INLINE sg_##s##v sg_upper_##s(sg_##s##v a, sg_##s##v b)                         \
    {                                                                                  \
        return SG_SHUFFLE(a, b, sg_##s##m, upper);                                     \
    }

#if SG_VECTOR_BYTES == 64
SG_HALVES(f32, SG_LOWER_16, SG_UPPER_16)
SG_HALVES(f64, SG_LOWER_8, SG_UPPER_8)
#elif SG_VECTOR_BYTES == 32
SG_HALVES(f32, SG_LOWER_8, SG_UPPER_8)
SG_HALVES(f64, SG_LOWER_4, SG_UPPER_4)
#else
SG_HALVES(f32, SG_LOWER_4, SG_UPPER_4)
SG_HALVES(f64, SG_LOWER_2, SG_UPPER_2)
#endif

#endif
