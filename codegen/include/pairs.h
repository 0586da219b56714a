/* Sums and products of doubles without loss: a pair is what it says, high + low.

   Dekker (1971) and Knuth (TAOCP 2, 4.2.2). The compiler may fuse products with sums,
   but not here: the product of ``sg_product`` is used by more than one sum. */
#ifndef SYMGRAPH_PAIRS_H
#define SYMGRAPH_PAIRS_H

#include "symgraph.h"

typedef struct sg_pair {
    double high, low;
} sg_pair;

/* a + b */
SG_INLINE sg_pair sg_sum(double a, double b)
{
    const double high = a + b, of_b = high - a;
    return (sg_pair){high, (a - (high - of_b)) + (b - of_b)};
}

/* a + b where |a| >= |b| or a is zero */
SG_INLINE sg_pair sg_quick_sum(double a, double b)
{
    const double high = a + b;
    return (sg_pair){high, (a - high) + b};
}

#if defined(__FMA__) || defined(__aarch64__)

/* a b */
SG_INLINE sg_pair sg_product(double a, double b)
{
    const double high = a * b;
    return (sg_pair){high, __builtin_fma(a, b, -high)};
}

#else

/* The upper half of the bits of a, below 2^996. */
SG_INLINE double sg_upper_half(double a)
{
    const double spread = a * 134217729.0; /* 2^27 + 1 */
    return spread - (spread - a);
}

SG_INLINE sg_pair sg_product(double a, double b)
{
    const double high = a * b;
    const double a1 = sg_upper_half(a), a2 = a - a1;
    const double b1 = sg_upper_half(b), b2 = b - b1;
    return (sg_pair){high, ((a1 * b1 - high) + a1 * b2 + a2 * b1) + a2 * b2};
}

#endif

/* (a + b) of pairs where |a| >= |b| */
SG_INLINE sg_pair sg_pair_sum(sg_pair a, sg_pair b)
{
    const sg_pair sum = sg_sum(a.high, b.high);
    return sg_quick_sum(sum.high, sum.low + (a.low + b.low));
}

/* a b of pairs, to about 2^-104 of it */
SG_INLINE sg_pair sg_pair_product(sg_pair a, sg_pair b)
{
    const sg_pair product = sg_product(a.high, b.high);
    return sg_quick_sum(product.high, product.low + (a.high * b.low + a.low * b.high));
}

#endif
