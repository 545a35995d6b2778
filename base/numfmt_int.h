/* Between numfmt.c and numfmt_float.c. */
#pragma once

#include "base/numfmt.h"

/* Digits and decimal exponent of a finite float that is not zero; bits without the sign. */
void ovi_java_float_digits(uint32_t bits, uint64_t *digits, int *exponent);
