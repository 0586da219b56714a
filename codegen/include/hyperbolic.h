/* Hyperbolic functions and their inverses, on float and double, but for tanh.

   By way of exponentials and logarithms, without branches; errors held by tests. */
#ifndef SYMGRAPH_HYPERBOLIC_H
#define SYMGRAPH_HYPERBOLIC_H

#include "exponential.h"

/* With t = e^|x| - 1: sinh(|x|) = (t + t / (t + 1)) / 2, and e^|x| / 2 where large. */
SG_INLINE double sg_sinh_f64(double x)
{
    const double y = sg_abs_f64(x);
    const double t = sg_expm1_f64(y > 40.0 ? 40.0 : y);
    const double near = 0.5 * (t + t / (t + 1));
    const double value = y > 40.0 ? sg_exp_parts_f64(y, 0, -1) : near;
    return sg_copysign_f64(value, x);
}

SG_INLINE double sg_cosh_f64(double x)
{
    const double half = sg_exp_parts_f64(sg_abs_f64(x), 0, -1);
    return half + 0.25 / half;
}

SG_INLINE double sg_asinh_f64(double x)
{
    const double y = sg_abs_f64(x), z = y * y;
    const double near = sg_log1p_f64(y + z / (1.0 + sg_sqrt_f64(1.0 + z)));
    const double far = sg_log_f64(y) + 0.6931471805599453;
    return sg_copysign_f64(y > 1e9 ? far : near, x);
}

SG_INLINE double sg_acosh_f64(double x)
{
    const double t = x - 1.0;
    const double near = sg_log1p_f64(t + sg_sqrt_f64(2.0 * t + t * t));
    const double far = sg_log_f64(x) + 0.6931471805599453;
    return x > 1e9 ? far : near;
}

SG_INLINE double sg_atanh_f64(double x)
{
    const double y = sg_abs_f64(x);
    return sg_copysign_f64(0.5 * sg_log1p_f64(2.0 * y / (1.0 - y)), x);
}

/* --- float, by way of double --------------------------------------------------- */

SG_INLINE float sg_sinh_f32(float x) { return (float)sg_sinh_f64(x); }
SG_INLINE float sg_cosh_f32(float x) { return (float)sg_cosh_f64(x); }
SG_INLINE float sg_asinh_f32(float x) { return (float)sg_asinh_f64(x); }
SG_INLINE float sg_acosh_f32(float x) { return (float)sg_acosh_f64(x); }
SG_INLINE float sg_atanh_f32(float x) { return (float)sg_atanh_f64(x); }

#endif
