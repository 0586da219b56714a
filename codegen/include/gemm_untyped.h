/* From here on products are of no type. */
#undef SG_REAL
#undef vector
#undef SG_LANES
#undef SG_GEMM
#undef SG_OF
#undef SG_FLOAT32
