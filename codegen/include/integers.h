/* Scalar functions on integers, with NumPy's results: arithmetic wraps around,
   division rounds down, division by zero and shifts too far give 0. */
#ifndef SYMGRAPH_INTEGERS_H
#define SYMGRAPH_INTEGERS_H

#include "symgraph.h"

/* Whether an integer is nan or infinite; whether it is finite. */
SG_INLINE bool sg_never(int64_t a) { return (void)a, false; }
SG_INLINE bool sg_always(int64_t a) { return (void)a, true; }

/* T the type, s its suffix, U an unsigned type at least as wide as int. */
#define SG_ANY_INTEGER(T, s, U)                                                        \
    SG_INLINE T sg_maximum_##s(T a, T b) { return a > b ? a : b; }                     \
    SG_INLINE T sg_minimum_##s(T a, T b) { return a < b ? a : b; }                     \
    SG_INLINE T sg_square_##s(T a) { return (T)((U)a * (U)a); }                        \
    SG_INLINE T sg_pow_##s(T base, T exponent)                                         \
    {                                                                                  \
        U power = 1, factor = (U)base;                                                 \
        for (T left = exponent; left > 0; left = (T)(left / 2)) {                      \
            power = left % 2 ? power * factor : power;                                 \
            factor *= factor;                                                          \
        }                                                                              \
        return exponent < 0 ? 0 : (T)power;                                            \
    }

#define SG_SIGNED_INTEGER(T, s, U, BITS)                                               \
    SG_ANY_INTEGER(T, s, U)                                                            \
    SG_INLINE T sg_relu_##s(T a) { return a < 0 ? 0 : a; }                             \
    SG_INLINE T sg_abs_##s(T a) { return a < 0 ? (T)(0 - (U)a) : a; }                  \
    SG_INLINE T sg_sign_##s(T a) { return (T)((a > 0) - (a < 0)); }                    \
    SG_INLINE T sg_mod_##s(T a, T b)                                                   \
    {                                                                                  \
        const T divisor = b == 0 || b == -1 ? 1 : b;                                   \
        const T rest = (T)(a % divisor);                                               \
        return rest != 0 && (rest < 0) != (divisor < 0) ? (T)(rest + divisor) : rest;  \
    }                                                                                  \
    SG_INLINE T sg_floordiv_##s(T a, T b)                                              \
    {                                                                                  \
        const T divisor = b == 0 || b == -1 ? 1 : b;                                   \
        const T quotient = (T)(a / divisor);                                           \
        const bool down = a % divisor != 0 && (a < 0) != (divisor < 0);                \
        const T rounded = (T)(quotient - down);                                        \
        return b == 0 ? 0 : b == -1 ? (T)(0 - (U)a) : rounded;                         \
    }                                                                                  \
    SG_INLINE T sg_left_shift_##s(T a, T b)                                            \
    {                                                                                  \
        return b >= 0 && b < (BITS) ? (T)((U)a << b) : 0;                              \
    }                                                                                  \
    SG_INLINE T sg_right_shift_##s(T a, T b)                                           \
    {                                                                                  \
        return (T)(a >> (b >= 0 && b < (BITS) ? b : (BITS)-1));                        \
    }

#define SG_UNSIGNED_INTEGER(T, s, U, BITS)                                             \
    SG_ANY_UNSIGNED(T, s, U)                                                           \
    SG_INLINE T sg_sign_##s(T a) { return a > 0; }                                     \
    SG_INLINE T sg_mod_##s(T a, T b) { return b == 0 ? 0 : (T)(a % b); }               \
    SG_INLINE T sg_floordiv_##s(T a, T b) { return b == 0 ? 0 : (T)(a / b); }          \
    SG_INLINE T sg_left_shift_##s(T a, T b)                                            \
    {                                                                                  \
        return b < (BITS) ? (T)((U)a << b) : 0;                                        \
    }                                                                                  \
    SG_INLINE T sg_right_shift_##s(T a, T b) { return b < (BITS) ? (T)(a >> b) : 0; }

/* As SG_ANY_INTEGER, without comparisons that are never true. */
#define SG_ANY_UNSIGNED(T, s, U)                                                       \
    SG_INLINE T sg_maximum_##s(T a, T b) { return a > b ? a : b; }                     \
    SG_INLINE T sg_minimum_##s(T a, T b) { return a < b ? a : b; }                     \
    SG_INLINE T sg_square_##s(T a) { return (T)((U)a * (U)a); }                        \
    SG_INLINE T sg_pow_##s(T base, T exponent)                                         \
    {                                                                                  \
        U power = 1, factor = (U)base;                                                 \
        for (T left = exponent; left != 0; left = (T)(left / 2)) {                     \
            power = left % 2 ? power * factor : power;                                 \
            factor *= factor;                                                          \
        }                                                                              \
        return (T)power;                                                               \
    }

SG_SIGNED_INTEGER(int8_t, i8, uint32_t, 8)
SG_SIGNED_INTEGER(int16_t, i16, uint32_t, 16)
SG_SIGNED_INTEGER(int32_t, i32, uint32_t, 32)
SG_SIGNED_INTEGER(int64_t, i64, uint64_t, 64)
SG_UNSIGNED_INTEGER(uint8_t, u8, uint32_t, 8)
SG_UNSIGNED_INTEGER(uint16_t, u16, uint32_t, 16)
SG_UNSIGNED_INTEGER(uint32_t, u32, uint32_t, 32)
SG_UNSIGNED_INTEGER(uint64_t, u64, uint64_t, 64)

#endif
