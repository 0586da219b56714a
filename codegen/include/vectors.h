/* Vectors of float and double as wide as the target's registers.

   sg_f32v is a vector, sg_f32m what a comparison of two gives: all ones or zeros.
   With SG_WIDE they are as wide as AVX-512's on any machine: slow, but that runs. */
#ifndef SYMGRAPH_VECTORS_H
#define SYMGRAPH_VECTORS_H

#include "symgraph.h"

#if defined(__AVX512F__) || defined(SG_WIDE)
#define SG_VECTOR_BYTES 64
#elif defined(__AVX2__)
#define SG_VECTOR_BYTES 32
#else
#define SG_VECTOR_BYTES 16
#endif

#define SG_LINE_BYTES 64 /* of the cache */

/* SG_UNROLL stands before a loop of constant extent: small arrays in it become
   registers. SG_ROLLED keeps the loop around them from using up those registers. */
#ifdef __clang__
#define SG_UNROLL _Pragma("clang loop unroll(full)")
#define SG_ROLLED _Pragma("clang loop unroll(disable)")
#else
#define SG_UNROLL _Pragma("GCC unroll 64")
#define SG_ROLLED _Pragma("GCC unroll 1")
#endif

/* The machine's larger and smaller of two vectors: b where either is nan. */
#if defined(__AVX512F__) && defined(__clang__)
#define SG_EXTREMUM(name, s, a, b) __builtin_ia32_##name##s##512(a, b, 4)
#elif defined(__AVX512F__)
#define SG_EXTREMUM(name, s, a, b) __builtin_ia32_##name##s##512_mask(a, b, a, -1, 4)
#elif SG_VECTOR_BYTES == 32
#define SG_EXTREMUM(name, s, a, b) __builtin_ia32_##name##s##256(a, b)
#elif SG_VECTOR_BYTES == 16 && defined(__SSE2__)
#define SG_EXTREMUM(name, s, a, b) __builtin_ia32_##name##s(a, b)
#else
#define SG_EXTREMUM(name, s, a, b) SG_COMPARED_##name##s(a, b)
#define SG_COMPARED_maxps(a, b) sg_select_f32v(a > b, a, b)
#define SG_COMPARED_minps(a, b) sg_select_f32v(a < b, a, b)
#define SG_COMPARED_maxpd(a, b) sg_select_f64v(a > b, a, b)
#define SG_COMPARED_minpd(a, b) sg_select_f64v(a < b, a, b)
#endif

/* Whether any number of a vector is nan. */
#if defined(__AVX512F__)
#define SG_HAS_NAN(p, a) (__builtin_ia32_cmp##p##512_mask(a, a, 3, -1, 4) != 0)
#elif SG_VECTOR_BYTES == 32
#define SG_HAS_NAN(p, a) (__builtin_ia32_movmsk##p##256((__typeof__(a))(a != a)) != 0)
#elif SG_VECTOR_BYTES == 16 && defined(__SSE2__)
#define SG_HAS_NAN(p, a) (__builtin_ia32_movmsk##p((__typeof__(a))(a != a)) != 0)
#else
#define SG_HAS_NAN(p, a)                                                               \
    __extension__({                                                                    \
        int found = 0;                                                                 \
        for (unsigned lane = 0; lane < sizeof a / sizeof a[0]; lane++)                 \
            found |= a[lane] != a[lane];                                               \
        found;                                                                         \
    })
#endif

/* Nothing in memory is taken for unchanged over this. What was read before it is not
   carried over to the next turn of a loop, where it would push sums out of registers;
   nor is what is in a register then read anew for each use. */
#define SG_REREAD __asm__ volatile("" : : : "memory")

/* sum += a b, in the register of the sum. Where many steps are written out gcc keeps
   sums of narrow tiles in memory, and each multiply-add waits for that. */
#if SG_VECTOR_BYTES == 32
#define SG_ADD_PRODUCT(p, sum, a, b)                                                   \
    __asm__("vfmadd231" #p " %2, %1, %0" : "+x"(sum) : "x"(a), "x"(b))
#else
#define SG_ADD_PRODUCT(p, sum, a, b) ((sum) += (a) * (b))
#endif

/* T the type, s its suffix, I the integer of its size, p the ending of instructions. */
#define SG_VECTOR(T, s, I, p)                                                          \
    typedef T sg_##s##v __attribute__((vector_size(SG_VECTOR_BYTES)));                 \
    typedef I sg_##s##m __attribute__((vector_size(SG_VECTOR_BYTES)));                 \
    typedef T sg_##s##u                                                                \
        __attribute__((vector_size(SG_VECTOR_BYTES), aligned(sizeof(T)), may_alias));  \
    enum { sg_lanes_##s = SG_VECTOR_BYTES / sizeof(T) };                               \
    SG_INLINE sg_##s##v sg_load_##s(const T *from)                                     \
    {                                                                                  \
        return *(const sg_##s##u *)from;                                               \
    }                                                                                  \
    SG_INLINE void sg_store_##s(T *to, sg_##s##v a) { *(sg_##s##u *)to = a; }          \
    SG_INLINE sg_##s##v sg_splat_##s(T a) { return a - (sg_##s##v){0}; }               \
    SG_INLINE void sg_add_product_##s(sg_##s##v *sum, T a, sg_##s##v b)                \
    {                                                                                  \
        SG_ADD_PRODUCT(p, *sum, sg_splat_##s(a), b);                                   \
    }                                                                                  \
    SG_INLINE sg_##s##v sg_select_##s##v(sg_##s##m choice, sg_##s##v a, sg_##s##v b)   \
    {                                                                                  \
        return (sg_##s##v)((choice & (sg_##s##m)a) | (~choice & (sg_##s##m)b));        \
    }                                                                                  \
    SG_INLINE sg_##s##v sg_larger_##s##v(sg_##s##v a, sg_##s##v b)                     \
    {                                                                                  \
        return SG_EXTREMUM(max, p, a, b);                                              \
    }                                                                                  \
    SG_INLINE sg_##s##v sg_smaller_##s##v(sg_##s##v a, sg_##s##v b)                    \
    {                                                                                  \
        return SG_EXTREMUM(min, p, a, b);                                              \
    }                                                                                  \
    /* nan where either is nan */                                                      \
    SG_INLINE sg_##s##v sg_maximum_##s##v(sg_##s##v a, sg_##s##v b)                    \
    {                                                                                  \
        return sg_select_##s##v(a == a, sg_larger_##s##v(a, b), a);                    \
    }                                                                                  \
    SG_INLINE sg_##s##v sg_minimum_##s##v(sg_##s##v a, sg_##s##v b)                    \
    {                                                                                  \
        return sg_select_##s##v(a == a, sg_smaller_##s##v(a, b), a);                   \
    }                                                                                  \
    SG_INLINE int sg_has_nan_##s(sg_##s##v a) { return SG_HAS_NAN(p, a); }             \
    SG_INLINE sg_##s##v sg_square_##s##v(sg_##s##v a) { return a * a; }                \
    /* the first ``count`` lanes of a, zeros after them */                             \
    SG_INLINE sg_##s##v sg_first_##s##v(sg_##s##v a, int64_t count)                    \
    {                                                                                  \
        static const I lanes[16] = {0, 1, 2,  3,  4,  5,  6,  7,                       \
                                    8, 9, 10, 11, 12, 13, 14, 15};                     \
        sg_##s##m lane;                                                                \
        memcpy(&lane, lanes, sizeof lane);                                             \
        return (sg_##s##v)((lane < (I)count) & (sg_##s##m)a);                          \
    }

SG_VECTOR(float, f32, int32_t, ps)
SG_VECTOR(double, f64, int64_t, pd)

#endif
