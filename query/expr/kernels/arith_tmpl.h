/*
 * Two operands to one result. Three loops, so that a constant operand stays in a register.
 *
 * Parameters  KT (lane type), KNAME (function), KOP (expression of x and y).
 */
static void KNAME(const KT *restrict a, size_t sa, const KT *restrict b, size_t sb, size_t rows,
                  KT *restrict out)
{
    if (sb == 0) {
        const KT y = b[0];
        for (size_t i = 0; i < rows; i++) {
            const KT x = a[i];
            out[i] = KOP;
        }
    } else if (sa == 0) {
        const KT x = a[0];
        for (size_t i = 0; i < rows; i++) {
            const KT y = b[i];
            out[i] = KOP;
        }
    } else {
        for (size_t i = 0; i < rows; i++) {
            const KT x = a[i], y = b[i];
            out[i] = KOP;
        }
    }
}

#undef KT
#undef KNAME
#undef KOP
