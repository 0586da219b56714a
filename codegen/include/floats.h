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
    SG_INLINE T sg_floor_##s(T a) { return __builtin_floor##f(a); }                    \
    SG_INLINE T sg_ceil_##s(T a) { return __builtin_ceil##f(a); }                      \
    SG_INLINE T sg_trunc_##s(T a) { return __builtin_trunc##f(a); }                    \
    SG_INLINE T sg_round_##s(T a) { return __builtin_rint##f(a); }                     \
    SG_INLINE T sg_sign_##s(T a)                                                       \
    {                                                                                  \
        const T sign = (T)(a > 0) - (T)(a < 0);                                        \
        return a == a ? sign : a;                                                      \
    }                                                                                  \
    /* nan where either is nan, as NumPy */                                            \
    SG_INLINE T sg_maximum_##s(T a, T b)                                               \
    {                                                                                  \
        const T larger = a > b ? a : b;                                                \
        return a == a ? larger : a;                                                    \
    }                                                                                  \
    SG_INLINE T sg_minimum_##s(T a, T b)                                               \
    {                                                                                  \
        const T smaller = a < b ? a : b;                                               \
        return a == a ? smaller : a;                                                   \
    }

SG_FLOAT(float, f32, f)
SG_FLOAT(double, f64, )

/* Extrema in vector loops: the partial results of lanes keep a nan, too. */
#pragma omp declare reduction(sg_maximum : float : omp_out = sg_maximum_f32(           \
        omp_out, omp_in)) initializer(omp_priv = -(float)INFINITY)
#pragma omp declare reduction(sg_minimum : float : omp_out = sg_minimum_f32(           \
        omp_out, omp_in)) initializer(omp_priv = (float)INFINITY)
#pragma omp declare reduction(sg_maximum : double : omp_out = sg_maximum_f64(          \
        omp_out, omp_in)) initializer(omp_priv = -(double)INFINITY)
#pragma omp declare reduction(sg_minimum : double : omp_out = sg_minimum_f64(          \
        omp_out, omp_in)) initializer(omp_priv = (double)INFINITY)

#endif
