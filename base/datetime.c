/*
 * The calendar: days and civil dates by Howard Hinnant's era arithmetic (400 years are 146,097
 * days), which needs no loops and no tables and works for negative years.
 */
#include "base/datetime.h"

int64_t ov_days_from_civil(int64_t year, int32_t month, int32_t day)
{
    year -= month <= 2; /* years start in March, so that the leap day is the last one */
    int64_t era = ov_floor_div(year, 400);
    int64_t year_of_era = year - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

void ov_days_to_civil(int64_t days, int32_t *year, int32_t *month, int32_t *day)
{
    days += 719468;
    int64_t era = ov_floor_div(days, 146097);
    uint32_t day_of_era = (uint32_t)(days - era * 146097);
    uint32_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    uint32_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    uint32_t shifted = (5 * day_of_year + 2) / 153;
    *day = (int32_t)(day_of_year - (153 * shifted + 2) / 5 + 1);
    *month = (int32_t)(shifted < 10 ? shifted + 3 : shifted - 9);
    *year = (int32_t)(era * 400 + year_of_era + (*month <= 2));
}

int32_t ov_days_in_month(int64_t year, int32_t month)
{
    static const int8_t lengths[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return lengths[month - 1] + (month == 2 && leap);
}

void ov_civil_from_ms(int64_t ms, ov_civil *out)
{
    int64_t days = ov_floor_div(ms, OV_MS_PER_DAY);
    int32_t rest = (int32_t)(ms % OV_MS_PER_DAY); /* days * OV_MS_PER_DAY may lie outside of 64 bits */
    rest += rest < 0 ? (int32_t)OV_MS_PER_DAY : 0;
    ov_days_to_civil(days, &out->year, &out->month, &out->day);
    out->hour = rest / OV_MS_PER_HOUR;
    out->minute = rest / OV_MS_PER_MINUTE % 60;
    out->second = rest / OV_MS_PER_SECOND % 60;
    out->ms = rest % 1000;
}

int64_t ov_civil_to_ms(const ov_civil *c)
{
    return ov_days_from_civil(c->year, c->month, c->day) * OV_MS_PER_DAY +
           (int64_t)c->hour * OV_MS_PER_HOUR + (int64_t)c->minute * OV_MS_PER_MINUTE +
           (int64_t)c->second * OV_MS_PER_SECOND + c->ms;
}
