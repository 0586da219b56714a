/* Places of maxima in their windows: a byte each in memory, and in a vector as wide as
   the numbers they belong to.

   gcc converts between vectors of such different widths number by number, so where it
   does, the machine's own instructions for that stand here. */
#ifndef SYMGRAPH_PLACES_H
#define SYMGRAPH_PLACES_H

#include "vectors.h"

#define SG_PLACES_HEAD(s)                                                              \
    SG_INLINE sg_##s##m sg_load_places_##s(const uint8_t *from)
#define SG_STORE_HEAD(s)                                                               \
    SG_INLINE void sg_store_places_##s(uint8_t *to, sg_##s##m places)

#if defined(__clang__) || !defined(__SSE2__) || defined(SG_WIDE)

#define SG_PLACES(s)                                                                   \
    typedef uint8_t sg_##s##p __attribute__((vector_size(sg_lanes_##s)));              \
    SG_PLACES_HEAD(s)                                                                  \
    {                                                                                  \
        sg_##s##p small;                                                               \
        memcpy(&small, from, sizeof small);                                            \
        return __builtin_convertvector(small, sg_##s##m);                              \
    }                                                                                  \
    SG_STORE_HEAD(s)                                                                   \
    {                                                                                  \
        const sg_##s##p small = __builtin_convertvector(places, sg_##s##p);            \
        memcpy(to, &small, sizeof small);                                              \
    }
SG_PLACES(f32)
SG_PLACES(f64)

#else

typedef char sg_int8s __attribute__((vector_size(16)));
typedef short sg_int16s __attribute__((vector_size(16)));
typedef int sg_int32s __attribute__((vector_size(16)));
typedef long long sg_int64s __attribute__((vector_size(16)));
typedef long long sg_long_int64s __attribute__((vector_size(32)));

/* Vectors of 16 bytes: the lowest 2, 4, 8 or all of them are in use. */
#define SG_LOW_BYTES(T, vector, bytes)                                                 \
    SG_INLINE sg_int8s sg_low_##bytes(const uint8_t *from)                             \
    {                                                                                  \
        T low;                                                                         \
        memcpy(&low, from, bytes);                                                     \
        return (sg_int8s)(vector){low};                                                \
    }                                                                                  \
    SG_INLINE void sg_put_low_##bytes(uint8_t *to, sg_int8s a)                         \
    {                                                                                  \
        const T low = ((vector)a)[0];                                                  \
        memcpy(to, &low, bytes);                                                       \
    }
SG_LOW_BYTES(short, sg_int16s, 2)
SG_LOW_BYTES(int, sg_int32s, 4)
SG_LOW_BYTES(long long, sg_int64s, 8)

SG_INLINE sg_int8s sg_narrow(sg_int32s a, sg_int32s b)
{
    const sg_int16s words = __builtin_ia32_packssdw128(a, b);
    return __builtin_ia32_packuswb128(words, words);
}

#if SG_VECTOR_BYTES == 64
SG_PLACES_HEAD(f32)
{
    sg_int8s small;
    memcpy(&small, from, sizeof small);
    return (sg_f32m)__builtin_ia32_pmovzxbd512_mask(small, (sg_f32m){0}, -1);
}
SG_PLACES_HEAD(f64)
{
    typedef long long wide __attribute__((vector_size(64)));
    return (sg_f64m)__builtin_ia32_pmovzxbq512_mask(sg_low_8(from), (wide){0}, -1);
}
SG_STORE_HEAD(f32)
{
    typedef char small __attribute__((vector_size(16)));
    const small a = __builtin_convertvector(places, small);
    memcpy(to, &a, sizeof a);
}
SG_STORE_HEAD(f64)
{
    typedef char small __attribute__((vector_size(8)));
    const small a = __builtin_convertvector(places, small);
    memcpy(to, &a, sizeof a);
}
#elif SG_VECTOR_BYTES == 32
SG_PLACES_HEAD(f32) { return (sg_f32m)__builtin_ia32_pmovzxbd256(sg_low_8(from)); }
SG_PLACES_HEAD(f64) { return (sg_f64m)__builtin_ia32_pmovzxbq256(sg_low_4(from)); }
SG_INLINE sg_int32s sg_half(sg_long_int64s a, const int half)
{
    return (sg_int32s)(half ? __builtin_ia32_extract128i256(a, 1)
                           : __builtin_ia32_extract128i256(a, 0));
}
SG_STORE_HEAD(f32)
{
    const sg_long_int64s a = (sg_long_int64s)places;
    sg_put_low_8(to, sg_narrow(sg_half(a, 0), sg_half(a, 1)));
}
SG_STORE_HEAD(f64)
{
    const sg_long_int64s a = (sg_long_int64s)places;
    const sg_int32s low = __builtin_shuffle(sg_half(a, 0), sg_half(a, 1),
                                           (sg_int32s){0, 2, 4, 6});
    sg_put_low_4(to, sg_narrow(low, low));
}
#else
SG_INLINE sg_int16s sg_in_int16s(sg_int8s a)
{
    return (sg_int16s)__builtin_ia32_punpcklbw128(a, (sg_int8s){0});
}
SG_INLINE sg_int32s sg_in_int32s(sg_int8s a)
{
    return (sg_int32s)__builtin_ia32_punpcklwd128(sg_in_int16s(a), (sg_int16s){0});
}
SG_PLACES_HEAD(f32) { return (sg_f32m)sg_in_int32s(sg_low_4(from)); }
SG_PLACES_HEAD(f64)
{
    const sg_int32s fours = sg_in_int32s(sg_low_2(from));
    return (sg_f64m)__builtin_ia32_punpckldq128(fours, (sg_int32s){0});
}
SG_STORE_HEAD(f32)
{
    sg_put_low_4(to, sg_narrow((sg_int32s)places, (sg_int32s)places));
}
SG_STORE_HEAD(f64)
{
    const sg_int32s low = __builtin_shuffle((sg_int32s)places, (sg_int32s){0, 2, 0, 2});
    sg_put_low_2(to, sg_narrow(low, low));
}
#endif
#endif

#endif
