/* Sums of products in register tiles: the middle stage of Winograd's filtering. */
#ifndef SYMGRAPH_PRODUCTS_H
#define SYMGRAPH_PRODUCTS_H

#include "vectors.h"

/* At each of ``points``, for each of ``parts``:

       to[k][p] (+)= sum_turn filters[turn][k] inputs[turn][p],  p < width,

   where filters and what they make are vectors. Steps from one point, part, turn, k or
   p to the next are counted in elements. */
typedef struct sg_products {
    int64_t points, parts, turns, width;
    int64_t wide; /* of the width, what is done in the wider tiles */
    int64_t input_point, input_turn, input_step;
    int64_t filter_point, filter_part, filter_turn, filter_vector;
    int64_t to_point, to_part, to_vector, to_step;
    bool add; /* to what is there; else it is overwritten */
} sg_products;

/* A pointer ``steps`` elements on. In bytes: gcc would write every loop a second time
   for steps of one element. */
#define SG_AHEAD(T, from, steps)                                                       \
    ((const T *)((const char *)(from) + (steps) * (int64_t)sizeof(T)))

/* V vectors by P numbers. Three numbers share one pointer, as x86 addresses base +
   {0, 1, 2} * step: a pointer for each would not fit in the registers. */
#define SG_PRODUCT_TILE(T, s, V, P)                                                    \
    {                                                                                  \
        sg_##s##v sum[V][P];                                                           \
        const T *filter = from, *in[(P + 2) / 3];                                      \
        SG_UNROLL for (int k = 0; k < V; k++) SG_UNROLL for (int p = 0; p < P; p++)    \
            sum[k][p] = (sg_##s##v){0};                                                \
        SG_UNROLL for (int p = 0; p < P; p += 3)                                       \
            in[p / 3] = SG_AHEAD(T, at, p * g.input_step);                             \
        SG_ROLLED for (int64_t turn = 0; turn < g.turns; turn++)                       \
        {                                                                              \
            sg_##s##v weight[V];                                                       \
            SG_UNROLL for (int k = 0; k < V; k++)                                      \
                weight[k] = sg_load_##s(SG_AHEAD(T, filter, k * g.filter_vector));     \
            SG_UNROLL for (int p = 0; p < P; p++) SG_UNROLL for (int k = 0; k < V; k++)\
                sum[k][p] += weight[k] * *SG_AHEAD(T, in[p / 3], p % 3 * g.input_step);\
            SG_UNROLL for (int p = 0; p < P; p += 3)                                   \
                in[p / 3] = SG_AHEAD(T, in[p / 3], g.input_turn);                      \
            filter = SG_AHEAD(T, filter, g.filter_turn);                               \
        }                                                                              \
        SG_UNROLL for (int p = 0; p < P; p++, out += g.to_step)                        \
            SG_UNROLL for (int k = 0; k < V; k++)                                      \
        {                                                                              \
            T *const place = out + k * g.to_vector;                                    \
            sg_store_##s(place, g.add ? sg_load_##s(place) + sum[k][p] : sum[k][p]);   \
        }                                                                              \
        done += P, at += P * g.input_step;                                             \
    }

/* The width is done in tiles of P, then of Q numbers; the last may reach beyond it. */
#define SG_PRODUCTS_HEAD(T, s, V, P, Q)                                                \
    SG_COMMON void sg_products_##V##_##P##_##Q##_##s(                                  \
        const T *inputs, const T *filters, T *to, const sg_products *size)
#define SG_PRODUCTS(T, s, V, P, Q)                                                     \
    SG_PRODUCTS_HEAD(T, s, V, P, Q)                                                    \
    {                                                                                  \
        const sg_products g = *size; /* no store can change it */                      \
        const int64_t wide = sg_min(g.wide, g.width);                                  \
        for (int64_t point = 0; point < g.points; point++)                             \
            for (int64_t part = 0; part < g.parts; part++) {                           \
                const T *from =                                                        \
                    filters + point * g.filter_point + part * g.filter_part;           \
                const T *at = inputs + point * g.input_point;                          \
                T *out = to + point * g.to_point + part * g.to_part;                   \
                int64_t done = 0;                                                      \
                while (done < wide)                                                    \
                    SG_PRODUCT_TILE(T, s, V, P)                                        \
                while (done < g.width)                                                 \
                    SG_PRODUCT_TILE(T, s, V, Q)                                        \
            }                                                                          \
    }

#endif
