/*
 * Frames of reference opened as decimals: (double)(base + lane) / divisor, to the last bit.
 *
 * A vector division takes some sixteen cycles. Where products are added in one rounding (FMA) the quotient by a constant is made
 * of products: with r = 1 / d rounded to nearest and q within one unit of x / d, q + r (x - q d) rounds as the division does
 * (Markstein 1990; Handbook of Floating-Point Arithmetic, correctly rounded division). The first step brings x * r within
 * that unit. Whole numbers over powers of ten neither overflow nor underflow.
 *
 * Parameters  KT (lane type), KNAME (function).
 */
static void KNAME(const KT *restrict v, int64_t base, double divisor, size_t rows, double *restrict out)
{
    const double r = 1 / divisor, from = (double)base;
    if (base > INT64_C(1) << 53 || base < -(INT64_C(1) << 53)) { /* from + lane would round twice */
        for (size_t i = 0; i < rows; i++)
            out[i] = (double)(int64_t)((uint64_t)base + v[i]) / divisor;
        return;
    }
    for (size_t i = 0; i < rows; i++) {
        const double x = from + (double)v[i];
#if defined(__FMA__)
        double q = x * r;
        q = __builtin_fma(__builtin_fma(-q, divisor, x), r, q);
        out[i] = __builtin_fma(__builtin_fma(-q, divisor, x), r, q);
#else
        (void)r;
        out[i] = x / divisor;
#endif
    }
}

#undef KT
#undef KNAME
