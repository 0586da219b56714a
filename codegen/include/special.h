/* The error function, random words. */
#ifndef SYMGRAPH_SPECIAL_H
#define SYMGRAPH_SPECIAL_H

#include "exponential.h"

/* --- the error function -------------------------------------------------------- */

/* erf(x) = x P(x^2) for |x| <= 1 */
SG_INLINE float sg_small_erf_f32(float x)
{
    const float z = x * x;
    float p = 7.888792e-05f;
    p = p * z + -0.0008020752f;
    p = p * z + 0.0051895264f;
    p = p * z + -0.02685444f;
    p = p * z + 0.112836f;
    p = p * z + -0.37612626f;
    p = p * z + 1.1283791f;
    return x * p;
}

SG_INLINE double sg_small_erf_f64(double x)
{
    const double z = x * x;
    double p = -7.800839175999492e-10;
    p = p * z + 1.3722791772818954e-08;
    p = p * z + -1.6209133929830624e-07;
    p = p * z + 1.6447512285754424e-06;
    p = p * z + -1.4924744233822195e-05;
    p = p * z + 0.0001205529529854395;
    p = p * z + -0.0008548325988977334;
    p = p * z + 0.005223977607408793;
    p = p * z + -0.026866170643274477;
    p = p * z + 0.11283791670945242;
    p = p * z + -0.3761263890318355;
    p = p * z + 1.1283791670955126;
    return x * p;
}

/* erfc(y) = e^(-y^2) P(t) / (1 + 2y) with t = (y - k) / (y + k), for y >= 1/2. The
   square is taken in two parts, lest its rounding be magnified by the exponential. */
SG_INLINE float sg_large_erfc_f32(float y)
{
    const float inside = y > 10.2f ? 10.2f : y;
    const float t = (inside - 2.0f) / (inside + 2.0f);
    float p = 0.00023251418f;
    p = p * t + -0.00032075681f;
    p = p * t + -0.0014836171f;
    p = p * t + 0.0012231841f;
    p = p * t + 0.0087313792f;
    p = p * t + -0.0080261156f;
    p = p * t + -0.054221116f;
    p = p * t + 0.16405074f;
    p = p * t + -0.16603035f;
    p = p * t + -0.09276382f;
    p = p * t + 1.2769784f;
    const float head = sg_from_bits_f32(sg_bits_f32(inside) & 0xfffff000u);
    const float rest = (head - inside) * (head + inside);
    const float power = sg_exp_parts_f32(-head * head, rest, 0);
    return y > 10.2f ? 0.0f : power * p / (1.0f + 2.0f * inside);
}

SG_INLINE double sg_large_erfc_f64(double y)
{
    const double inside = y > 28.0 ? 28.0 : y;
    const double t = (inside - 4.0) / (inside + 4.0);
    double p = -1.0026322845278161e-08;
    p = p * t + -1.2126464881623319e-08;
    p = p * t + 1.0430987212041729e-07;
    p = p * t + 6.675966102447847e-08;
    p = p * t + -8.20770381602519e-07;
    p = p * t + 2.998619470250734e-07;
    p = p * t + 5.70733378940658e-06;
    p = p * t + -1.1224924348226895e-05;
    p = p * t + -2.439839589977563e-05;
    p = p * t + 0.00015062256796074635;
    p = p * t + -0.00019925688037976234;
    p = p * t + -0.0007577734656254952;
    p = p * t + 0.005031970005357129;
    p = p * t + -0.016197734035889734;
    p = p * t + 0.0371675155349996;
    p = p * t + -0.06633036581379598;
    p = p * t + 0.09373283499847569;
    p = p * t + -0.10103906603624625;
    p = p * t + 0.0680970542546897;
    p = p * t + 0.015379652102618914;
    p = p * t + -0.1396211168405625;
    p = p * t + 1.2329951186255526;
    const double head = sg_from_bits_f64(sg_bits_f64(inside) & 0xfffffffff8000000u);
    const double rest = (head - inside) * (head + inside);
    const double power = sg_exp_parts_f64(-head * head, rest, 0);
    return y > 28.0 ? 0.0 : power * p / (1.0 + 2.0 * inside);
}

#define SG_ERROR_FUNCTION(T, s)                                                        \
    SG_INLINE T sg_erf_##s(T x)                                                        \
    {                                                                                  \
        const T y = sg_abs_##s(x);                                                     \
        const T far = sg_copysign_##s(1 - sg_large_erfc_##s(y), x);                    \
        return y > 1 ? far : sg_small_erf_##s(x);                                      \
    }                                                                                  \
    SG_INLINE T sg_erfc_##s(T x)                                                       \
    {                                                                                  \
        const T tail = sg_large_erfc_##s(sg_abs_##s(x));                               \
        const T value = x < 0 ? 2 - tail : tail;                                       \
        return sg_abs_##s(x) < (T)0.5 ? 1 - sg_small_erf_##s(x) : value;               \
    }

SG_ERROR_FUNCTION(float, f32)
SG_ERROR_FUNCTION(double, f64)

/* --- random words -------------------------------------------------------------- */

/* Word ``which`` of the block that Philox4x32-10 makes of a counter under a key
   (Salmon et al., SC 2011): ten rounds of two 32-bit products each. */
SG_INLINE uint32_t sg_philox4x32(uint64_t key, uint64_t high, uint64_t low,
                                 uint32_t which)
{
    uint32_t c0 = (uint32_t)low, c1 = (uint32_t)(low >> 32);
    uint32_t c2 = (uint32_t)high, c3 = (uint32_t)(high >> 32);
    uint32_t k0 = (uint32_t)key, k1 = (uint32_t)(key >> 32);
#pragma GCC unroll 10
    for (int round = 0; round < 10; round++) {
        const uint64_t a = (uint64_t)0xD2511F53u * c0, b = (uint64_t)0xCD9E8D57u * c2;
        c0 = (uint32_t)(b >> 32) ^ c1 ^ k0;
        c1 = (uint32_t)b;
        c2 = (uint32_t)(a >> 32) ^ c3 ^ k1;
        c3 = (uint32_t)a;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    const uint32_t even = which & 2 ? c2 : c0, odd = which & 2 ? c3 : c1;
    return which & 1 ? odd : even;
}

#endif
