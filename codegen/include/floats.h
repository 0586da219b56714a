/* Scalar functions on float and double that are exact or correctly rounded.

   All are free of branches, so that a loop around them becomes vectors. */
#ifndef SYMGRAPH_FLOATS_H
#define SYMGRAPH_FLOATS_H

#include "symgraph.h"

/* The builtin of a float function carries an f: __builtin_floor ## f. */
#define SG_FLOAT(T, s, f)                                                              \
    SG_INLINE T sg_abs_##s(T a) { return __builtin_fabs##f(a); }                       \
    SG_INLINE bool sg_isnan_##s(T a) { return a != a; }                                \
    SG_INLINE bool sg_isinf_##s(T a) { return sg_abs_##s(a) == (T)INFINITY; }          \
    SG_INLINE bool sg_isfinite_##s(T a) { return sg_abs_##s(a) < (T)INFINITY; }        \
    SG_INLINE T sg_square_##s(T a) { return a * a; }                                   \
    SG_INLINE T sg_sqrt_##s(T a) { return __builtin_sqrt##f(a); }                      \
    SG_INLINE T sg_sign_##s(T a)                                                       \
    {                                                                                  \
        const T sign = (T)(a > 0) - (T)(a < 0);                                        \
        return a == a ? sign : a;                                                      \
    }                                                                                  \
    SG_INLINE T sg_relu_##s(T a) { return a < 0 ? 0 : a; } /* nan stays */             \
    /* nan where either is nan, as NumPy */                                            \
    SG_INLINE T sg_maximum_##s(T a, T b)                                               \
    {                                                                                  \
        const T larger = a > b ? a : b;                                                \
        return a == a ? larger : a;                                                    \
    }                                                                                  \
    /* a nan in b is passed over; the machine's own, so much faster */                 \
    SG_INLINE T sg_larger_##s(T a, T b) { return b > a ? b : a; }                      \
    SG_INLINE T sg_minimum_##s(T a, T b)                                               \
    {                                                                                  \
        const T smaller = a < b ? a : b;                                               \
        return a == a ? smaller : a;                                                   \
    }

SG_FLOAT(float, f32, f)
SG_FLOAT(double, f64, )

/* --- rounding ------------------------------------------------------------------ */

#if defined(__SSE4_1__) || defined(__aarch64__)

#define SG_ROUNDING(T, s, f, WHOLE)                                                    \
    SG_INLINE T sg_floor_##s(T a) { return __builtin_floor##f(a); }                    \
    SG_INLINE T sg_ceil_##s(T a) { return __builtin_ceil##f(a); }                      \
    SG_INLINE T sg_trunc_##s(T a) { return __builtin_trunc##f(a); }                    \
    SG_INLINE T sg_round_##s(T a) { return __builtin_rint##f(a); }

#else

/* Without an instruction that rounds: adding a number with no place for a fraction
   rounds to even; from WHOLE on every number is whole. */
#define SG_ROUNDING(T, s, f, WHOLE)                                                    \
    SG_INLINE T sg_round_##s(T a)                                                      \
    {                                                                                  \
        const T size = sg_abs_##s(a), rounded = (size + (WHOLE)) - (WHOLE);            \
        return __builtin_copysign##f(size < (WHOLE) ? rounded : size, a);              \
    }                                                                                  \
    SG_INLINE T sg_floor_##s(T a)                                                      \
    {                                                                                  \
        const T near = sg_round_##s(a);                                                \
        return __builtin_copysign##f(near - (T)(near > a), a);                         \
    }                                                                                  \
    SG_INLINE T sg_ceil_##s(T a) { return -sg_floor_##s(-a); }                         \
    SG_INLINE T sg_trunc_##s(T a)                                                      \
    {                                                                                  \
        return __builtin_copysign##f(sg_floor_##s(sg_abs_##s(a)), a);                  \
    }

#endif

SG_ROUNDING(float, f32, f, 0x1p23f)
SG_ROUNDING(double, f64, , 0x1p52)

/* --- division that rounds down ------------------------------------------------- */

/* As NumPy: the rest has the sign of the divisor; by zero, inf or nan. */
#define SG_MODULO(T, s, f)                                                             \
    SG_INLINE T sg_mod_##s(T a, T b)                                                   \
    {                                                                                  \
        const T rest = __builtin_fmod##f(a, b);                                        \
        const T moved = rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;          \
        return moved == 0 ? __builtin_copysign##f(0, b) : moved;                       \
    }                                                                                  \
    SG_INLINE T sg_floordiv_##s(T a, T b)                                              \
    {                                                                                  \
        const T rest = __builtin_fmod##f(a, b);                                        \
        const bool down = rest != 0 && (rest < 0) != (b < 0);                          \
        const T quotient = (a - rest) / b - (T)down;                                   \
        const T near = sg_floor_##s(quotient);                                         \
        const T whole = near + (T)(quotient - near > (T)0.5);                          \
        const T value = quotient == 0 ? __builtin_copysign##f(0, a / b) : whole;       \
        return b == 0 ? a / b : value;                                                 \
    }

SG_MODULO(float, f32, f)
SG_MODULO(double, f64, )

/* --- reductions ---------------------------------------------------------------- */

/* Extrema in vector loops: the partial results of lanes keep a nan, too. */
#pragma omp declare reduction(sg_maximum : float : omp_out = sg_maximum_f32(           \
        omp_out, omp_in)) initializer(omp_priv = -(float)INFINITY)
#pragma omp declare reduction(sg_minimum : float : omp_out = sg_minimum_f32(           \
        omp_out, omp_in)) initializer(omp_priv = (float)INFINITY)
#pragma omp declare reduction(sg_maximum : double : omp_out = sg_maximum_f64(          \
        omp_out, omp_in)) initializer(omp_priv = -(double)INFINITY)
#pragma omp declare reduction(sg_larger : float : omp_out = sg_larger_f32(             \
        omp_out, omp_in)) initializer(omp_priv = -(float)INFINITY)
#pragma omp declare reduction(sg_larger : double : omp_out = sg_larger_f64(            \
        omp_out, omp_in)) initializer(omp_priv = -(double)INFINITY)
#pragma omp declare reduction(sg_minimum : double : omp_out = sg_minimum_f64(          \
        omp_out, omp_in)) initializer(omp_priv = (double)INFINITY)

#endif
