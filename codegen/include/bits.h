/* Floats as their bits, and powers of two made from bits. */
#ifndef SYMGRAPH_BITS_H
#define SYMGRAPH_BITS_H

#include "symgraph.h"

SG_INLINE uint32_t sg_bits_f32(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

SG_INLINE uint64_t sg_bits_f64(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

SG_INLINE float sg_from_bits_f32(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

SG_INLINE double sg_from_bits_f64(uint64_t bits)
{
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* x where the condition holds, else 0, without a branch: a choice that is stored would
   become a masked store behind one. */
SG_INLINE float sg_keep_f32(float x, bool condition)
{
    return sg_from_bits_f32(sg_bits_f32(x) & -(uint32_t)condition);
}
SG_INLINE double sg_keep_f64(double x, bool condition)
{
    return sg_from_bits_f64(sg_bits_f64(x) & -(uint64_t)condition);
}

/* Adding this rounds to an integer, which then stands in the low bits of the sum. */
#define SG_SHIFT_F32 12582912.0f        /* 1.5 * 2^23 */
#define SG_SHIFT_F64 6755399441055744.0 /* 1.5 * 2^52 */

SG_INLINE float sg_nearest_f32(float x)
{
    return (x + SG_SHIFT_F32) - SG_SHIFT_F32;
}

SG_INLINE double sg_nearest_f64(double x)
{
    return (x + SG_SHIFT_F64) - SG_SHIFT_F64;
}

/* 2^n for the whole n that stands in the low bits of ``shifted``, a number plus
   SG_SHIFT; only those bits count, as all others are shifted out. */
SG_INLINE float sg_power_at_f32(float shifted)
{
    return sg_from_bits_f32((sg_bits_f32(shifted) << 23) + 0x3f800000u);
}

SG_INLINE double sg_power_at_f64(double shifted)
{
    return sg_from_bits_f64((sg_bits_f64(shifted) << 52) + 0x3ff0000000000000u);
}

/* 2^n for a whole n between -127 (which gives 0) and 128 (infinity). */
SG_INLINE float sg_power_of_two_f32(float n)
{
    return sg_power_at_f32(n + SG_SHIFT_F32);
}

/* 2^n for a whole n between -1023 (which gives 0) and 1024 (infinity). */
SG_INLINE double sg_power_of_two_f64(double n)
{
    return sg_power_at_f64(n + SG_SHIFT_F64);
}

/* p 2^(n + more) for the whole n in the low bits of ``shifted``, as two factors: the
   smallest and largest results come out right. */
SG_INLINE float sg_scaled_f32(float p, float shifted, int more)
{
    const uint32_t n = sg_bits_f32(shifted), half = n >> 1;
    const uint32_t rest = n - half + (uint32_t)more;
    const float scale = sg_from_bits_f32((half << 23) + 0x3f800000u);
    return p * scale * sg_from_bits_f32((rest << 23) + 0x3f800000u);
}

SG_INLINE double sg_scaled_f64(double p, double shifted, int more)
{
    const uint64_t n = sg_bits_f64(shifted), half = n >> 1;
    const uint64_t rest = n - half + (uint64_t)(int64_t)more;
    const double scale = sg_from_bits_f64((half << 52) + 0x3ff0000000000000u);
    return p * scale * sg_from_bits_f64((rest << 52) + 0x3ff0000000000000u);
}

/* ``odd`` where n is odd, else ``even``: with masks, as not every processor compares
   vectors of 64-bit integers. */
SG_INLINE double sg_by_parity_f64(uint64_t n, double odd, double even)
{
    const uint64_t mask = 0 - (n & 1);
    return sg_from_bits_f64((sg_bits_f64(odd) & mask) | (sg_bits_f64(even) & ~mask));
}

SG_INLINE float sg_by_parity_f32(uint32_t n, float odd, float even)
{
    return n & 1 ? odd : even;
}

/* -|x| in one operation. */
SG_INLINE float sg_minus_abs_f32(float x)
{
    return sg_from_bits_f32(sg_bits_f32(x) | 0x80000000u);
}

SG_INLINE double sg_minus_abs_f64(double x)
{
    return sg_from_bits_f64(sg_bits_f64(x) | 0x8000000000000000u);
}

/* |x| with the sign of y. */
SG_INLINE float sg_copysign_f32(float x, float y)
{
    return __builtin_copysignf(x, y);
}

SG_INLINE double sg_copysign_f64(double x, double y)
{
    return __builtin_copysign(x, y);
}

#endif
