/* Square matrices, rows one after another in memory: factors, solutions.

   All loops that do the work go along rows. What returns false met a matrix that it
   cannot do; what it wrote until then is of no use. */
#ifndef SG_MATRICES_H
#define SG_MATRICES_H

/* l, which holds a, becomes its Cholesky factor: column after column is taken off. */
#define SG_CHOLESKY(T, suffix, root)                                                 \
    static inline bool sg_cholesky_##suffix(T *l, T *restrict column, int64_t n) {   \
        for (int64_t k = 0; k < n; k++) {                                            \
            if (!(l[k * n + k] > 0)) return false;                                   \
            const T pivot = l[k * n + k] = root(l[k * n + k]);                       \
            for (int64_t i = k + 1; i < n; i++)                                      \
                column[i] = l[i * n + k] = l[i * n + k] / pivot;                     \
            for (int64_t i = k + 1; i < n; i++)                                      \
                for (int64_t j = k + 1; j <= i; j++)                                 \
                    l[i * n + j] -= column[i] * column[j];                           \
            for (int64_t j = k + 1; j < n; j++) l[k * n + j] = 0;                    \
        }                                                                            \
        return true;                                                                 \
    }

/* a becomes L below its diagonal and U elsewhere, with L U = the rows of a in ``order``;
   the sign of that order, or 0 where a pivot is. */
#define SG_ELIMINATE(T, suffix, size)                                                \
    static inline int sg_eliminate_##suffix(T *a, int64_t *order, int64_t n) {       \
        int sign = 1;                                                                \
        for (int64_t i = 0; i < n; i++) order[i] = i;                                \
        for (int64_t k = 0; k < n; k++) {                                            \
            int64_t best = k;                                                        \
            for (int64_t i = k + 1; i < n; i++)                                      \
                if (size(a[i * n + k]) > size(a[best * n + k])) best = i;            \
            if (best != k) {                                                         \
                const int64_t other = order[k];                                      \
                order[k] = order[best], order[best] = other, sign = -sign;           \
                for (int64_t j = 0; j < n; j++) {                                    \
                    const T moved = a[k * n + j];                                    \
                    a[k * n + j] = a[best * n + j], a[best * n + j] = moved;         \
                }                                                                    \
            }                                                                        \
            if (a[k * n + k] == 0) {                                                 \
                sign = 0;                                                            \
                continue;                                                            \
            }                                                                        \
            for (int64_t i = k + 1; i < n; i++) {                                    \
                const T part = a[i * n + k] /= a[k * n + k];                         \
                for (int64_t j = k + 1; j < n; j++)                                  \
                    a[i * n + j] -= part * a[k * n + j];                             \
            }                                                                        \
        }                                                                            \
        return sign;                                                                 \
    }

/* x, which holds b, becomes t^-1 b for one triangle of t, whose diagonal is 1 or not. */
#define SG_SUBSTITUTE(T, suffix)                                                     \
    static inline bool sg_substitute_##suffix(const T *t, T *x, int64_t n,           \
                                              int64_t m, bool lower, bool ones) {    \
        for (int64_t turn = 0; turn < n; turn++) {                                   \
            const int64_t i = lower ? turn : n - 1 - turn;                           \
            const int64_t from = lower ? 0 : i + 1, to = lower ? i : n;              \
            for (int64_t k = from; k < to; k++)                                      \
                for (int64_t j = 0; j < m; j++)                                      \
                    x[i * m + j] -= t[i * n + k] * x[k * m + j];                     \
            if (ones) continue;                                                      \
            if (t[i * n + i] == 0) return false;                                     \
            for (int64_t j = 0; j < m; j++) x[i * m + j] /= t[i * n + i];            \
        }                                                                            \
        return true;                                                                 \
    }

/* x = a^-1 b; a becomes its factors. */
#define SG_SOLVE(T, suffix)                                                          \
    static inline bool sg_solve_##suffix(T *a, const T *restrict b, T *restrict x,   \
                                         int64_t *order, int64_t n, int64_t m) {     \
        if (!sg_eliminate_##suffix(a, order, n)) return false;                       \
        for (int64_t i = 0; i < n; i++)                                              \
            for (int64_t j = 0; j < m; j++) x[i * m + j] = b[order[i] * m + j];      \
        sg_substitute_##suffix(a, x, n, m, true, true);                              \
        return sg_substitute_##suffix(a, x, n, m, false, false);                     \
    }

/* The determinant of a, and its sign and the logarithm of its size; a is lost. */
#define SG_DETERMINANT(T, suffix, size, logarithm)                                   \
    static inline T sg_det_##suffix(T *a, int64_t *order, int64_t n) {               \
        T product = (T)sg_eliminate_##suffix(a, order, n);                           \
        for (int64_t i = 0; i < n; i++) product *= a[i * n + i];                     \
        return product;                                                              \
    }                                                                                \
    static inline T sg_slogdet_##suffix(T *a, int64_t *order, int64_t n, T *sign) {  \
        T total = 0;                                                                 \
        *sign = (T)sg_eliminate_##suffix(a, order, n);                               \
        for (int64_t i = 0; i < n; i++) {                                            \
            if (a[i * n + i] < 0) *sign = -*sign;                                    \
            total += logarithm(size(a[i * n + i]));                                  \
        }                                                                            \
        return total;                                                                \
    }

#define SG_MATRICES(T, suffix, size, root, logarithm)                                \
    SG_CHOLESKY(T, suffix, root)                                                     \
    SG_ELIMINATE(T, suffix, size)                                                    \
    SG_SUBSTITUTE(T, suffix)                                                         \
    SG_SOLVE(T, suffix)                                                              \
    SG_DETERMINANT(T, suffix, size, logarithm)

SG_MATRICES(float, f32, fabsf, sqrtf, logf)
SG_MATRICES(double, f64, fabs, sqrt, log)

#endif
