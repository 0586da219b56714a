/* Vectors of SG_REAL, whole and in part. Included for each type.

   The compiler's builtins stand here instead of <immintrin.h>, which alone takes
   gcc longer to read than most programs take to compile. */
#include "halves.h"

/* Loops of constant extent, unrolled so that small arrays become registers. */
#ifdef __clang__
#define SG_UNROLLED _Pragma("clang loop unroll(full)") for
#else
#define SG_UNROLLED _Pragma("GCC unroll 32") for
#endif

/* The first ``count`` numbers, 1 to SG_LANES of them; the rest are zero. */
SG_INLINE vector SG_GEMM(load_part)(const SG_REAL *from, int64_t count)
{
#if SG_VECTOR_BYTES == 64 && SG_FLOAT32
    const unsigned short mask = (unsigned short)((1u << count) - 1u);
    return __builtin_ia32_loadups512_mask((const void *)from, (vector){0}, mask);
#elif SG_VECTOR_BYTES == 64
    const unsigned char mask = (unsigned char)((1u << count) - 1u);
    return __builtin_ia32_loadupd512_mask((const void *)from, (vector){0}, mask);
#elif SG_VECTOR_BYTES == 32 && SG_FLOAT32
    typedef int32_t lanes __attribute__((vector_size(32)));
    const lanes places = {0, 1, 2, 3, 4, 5, 6, 7};
    return __builtin_ia32_maskloadps256((const void *)from, places < (int32_t)count);
#elif SG_VECTOR_BYTES == 32
    typedef long long lanes __attribute__((vector_size(32)));
    const lanes places = {0, 1, 2, 3};
    return __builtin_ia32_maskloadpd256((const void *)from, places < (long long)count);
#else
    vector value = {0};
    memcpy(&value, from, (size_t)count * sizeof(SG_REAL));
    return value;
#endif
}

/* Store the first ``count`` numbers, 1 to SG_LANES of them. */
SG_INLINE void SG_GEMM(store_part)(SG_REAL *to, vector value, int64_t count)
{
#if SG_VECTOR_BYTES == 64 && SG_FLOAT32
    const unsigned short mask = (unsigned short)((1u << count) - 1u);
    __builtin_ia32_storeups512_mask((void *)to, value, mask);
#elif SG_VECTOR_BYTES == 64
    const unsigned char mask = (unsigned char)((1u << count) - 1u);
    __builtin_ia32_storeupd512_mask((void *)to, value, mask);
#else
    memcpy(to, &value, (size_t)count * sizeof(SG_REAL));
#endif
}

#if SG_VECTOR_BYTES == 64
/* Half vectors: two of them start in the time of one whole on some processors, so a
   last panel of few columns is done in halves. */
typedef SG_REAL SG_GEMM(half) __attribute__((vector_size(32)));

SG_INLINE SG_GEMM(half) SG_GEMM(load_half)(const SG_REAL *from, int64_t count)
{
    const unsigned char mask = (unsigned char)((1u << count) - 1u);
#if SG_FLOAT32
    return __builtin_ia32_loadups256_mask((const void *)from, (SG_GEMM(half)){0}, mask);
#else
    return __builtin_ia32_loadupd256_mask((const void *)from, (SG_GEMM(half)){0}, mask);
#endif
}

SG_INLINE void SG_GEMM(store_half)(SG_REAL *to, SG_GEMM(half) value, int64_t count)
{
    const unsigned char mask = (unsigned char)((1u << count) - 1u);
#if SG_FLOAT32
    __builtin_ia32_storeups256_mask((void *)to, value, mask);
#else
    __builtin_ia32_storeupd256_mask((void *)to, value, mask);
#endif
}
#endif

/* The first ``count`` numbers of ``to``, overwritten or added to. */
SG_INLINE void SG_GEMM(put)(SG_REAL *to, vector value, int64_t count, bool add)
{
    if (count == SG_LANES) {
        SG_OF(store)(to, add ? value + SG_OF(load)(to) : value);
    } else {
        if (add)
            value += SG_GEMM(load_part)(to, count);
        SG_GEMM(store_part)(to, value, count);
    }
}

/* Halves added to halves, of a in the even lanes and of b in the odd ones. */
SG_INLINE vector SG_GEMM(fold)(vector a, vector b)
{
    return SG_OF(lower)(a, b) + SG_OF(upper)(a, b);
}

/* The sum of all lanes. */
SG_INLINE SG_REAL SG_GEMM(lane_sum)(vector value)
{
    SG_UNROLLED (int turn = 1; turn < SG_LANES; turn *= 2)
        value = SG_GEMM(fold)(value, value);
    return value[0];
}

/* to[i * step] = the sum of all lanes of rows[i], for four rows. */
SG_INLINE void SG_GEMM(four_sums)(const vector *rows, SG_REAL *to, int64_t step)
{
#if SG_VECTOR_BYTES == 16 && !SG_FLOAT32
    const vector low = SG_GEMM(fold)(rows[0], rows[1]);
    const vector high = SG_GEMM(fold)(rows[2], rows[3]);
    to[0] = low[0], to[step] = low[1], to[2 * step] = high[0], to[3 * step] = high[1];
#else
    const vector even = SG_GEMM(fold)(rows[0], rows[2]);
    vector all = SG_GEMM(fold)(even, SG_GEMM(fold)(rows[1], rows[3]));
    SG_UNROLLED (int turn = 4; turn < SG_LANES; turn *= 2)
        all = SG_GEMM(fold)(all, all);
    SG_UNROLLED (int i = 0; i < 4; i++)
        to[i * step] = all[i * (SG_LANES / 4)];
#endif
}

/* A pointer ``steps`` elements on. In bytes: gcc would write every loop a second time
   for steps of one element. */
SG_INLINE const SG_REAL *SG_GEMM(ahead)(const SG_REAL *from, int64_t steps)
{
    return (const SG_REAL *)((const char *)from + steps * (int64_t)sizeof(SG_REAL));
}

/* Ask for the line ``steps`` elements behind ``from``, for the second-level cache. */
SG_INLINE void SG_GEMM(fetch)(const SG_REAL *from, int64_t steps)
{
    const uintptr_t there = (uintptr_t)from + (uintptr_t)steps * sizeof(SG_REAL);
    __builtin_prefetch((const void *)there, 0, 2);
}
