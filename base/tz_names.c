/*
 * Short names of zones that the time zone database only knows as "+11". Java, and so Druid's TIME_FORMAT with the pattern letter z,
 * has names for them; this is the list of zones in use. A span whose offset is the zone's standard one gets the first
 * name, one that is ahead of it by daylight saving the second; others keep their number.
 */
#include "base/tz_int.h"

#include <stdlib.h>
#include <string.h>

typedef struct zone_names {
    const char *zone, *standard, *daylight;
    int16_t minutes; /* of standard time */
} zone_names;

/* Sorted by zone. */
static const zone_names names[] = {
    {"America/Araguaina", "BRT", "BRST", -180},
    {"America/Argentina/Buenos_Aires", "ART", "ARST", -180},
    {"America/Asuncion", "PYT", "PYST", -240},
    {"America/Bahia", "BRT", "BRST", -180},
    {"America/Boa_Vista", "AMT", "AMST", -240},
    {"America/Bogota", "COT", "COST", -300},
    {"America/Campo_Grande", "AMT", "AMST", -240},
    {"America/Caracas", "VET", "VET", -240},
    {"America/Cayenne", "GFT", "GFT", -180},
    {"America/Cuiaba", "AMT", "AMST", -240},
    {"America/Fortaleza", "BRT", "BRST", -180},
    {"America/Guayaquil", "ECT", "ECT", -300},
    {"America/Guyana", "GYT", "GYT", -240},
    {"America/La_Paz", "BOT", "BOT", -240},
    {"America/Lima", "PET", "PEST", -300},
    {"America/Manaus", "AMT", "AMST", -240},
    {"America/Montevideo", "UYT", "UYST", -180},
    {"America/Noronha", "FNT", "FNST", -120},
    {"America/Paramaribo", "SRT", "SRT", -180},
    {"America/Porto_Velho", "AMT", "AMST", -240},
    {"America/Recife", "BRT", "BRST", -180},
    {"America/Rio_Branco", "ACT", "ACST", -300},
    {"America/Santiago", "CLT", "CLST", -240},
    {"America/Sao_Paulo", "BRT", "BRST", -180},
    {"Antarctica/Davis", "DAVT", "DAVT", 420},
    {"Antarctica/Mawson", "MAWT", "MAWT", 300},
    {"Asia/Aden", "AST", "AST", 180},
    {"Asia/Anadyr", "ANAT", "ANAST", 720},
    {"Asia/Aqtau", "AQTT", "AQTT", 300},
    {"Asia/Ashgabat", "TMT", "TMT", 300},
    {"Asia/Baghdad", "AST", "ADT", 180},
    {"Asia/Bahrain", "AST", "AST", 180},
    {"Asia/Baku", "AZT", "AZST", 240},
    {"Asia/Bangkok", "ICT", "ICT", 420},
    {"Asia/Bishkek", "KGT", "KGT", 360},
    {"Asia/Brunei", "BNT", "BNT", 480},
    {"Asia/Choibalsan", "CHOT", "CHOST", 480},
    {"Asia/Colombo", "IST", "IST", 330},
    {"Asia/Dhaka", "BDT", "BDT", 360},
    {"Asia/Dili", "TLT", "TLT", 540},
    {"Asia/Dubai", "GST", "GST", 240},
    {"Asia/Dushanbe", "TJT", "TJT", 300},
    {"Asia/Ho_Chi_Minh", "ICT", "ICT", 420},
    {"Asia/Hovd", "HOVT", "HOVST", 420},
    {"Asia/Irkutsk", "IRKT", "IRKST", 480},
    {"Asia/Kabul", "AFT", "AFT", 270},
    {"Asia/Kamchatka", "PETT", "PETST", 720},
    {"Asia/Kathmandu", "NPT", "NPT", 345},
    {"Asia/Krasnoyarsk", "KRAT", "KRAST", 420},
    {"Asia/Kuala_Lumpur", "MYT", "MYT", 480},
    {"Asia/Kuwait", "AST", "AST", 180},
    {"Asia/Magadan", "MAGT", "MAGST", 660},
    {"Asia/Muscat", "GST", "GST", 240},
    {"Asia/Novosibirsk", "NOVT", "NOVST", 420},
    {"Asia/Omsk", "OMST", "OMSST", 360},
    {"Asia/Phnom_Penh", "ICT", "ICT", 420},
    {"Asia/Qatar", "AST", "AST", 180},
    {"Asia/Riyadh", "AST", "AST", 180},
    {"Asia/Sakhalin", "SAKT", "SAKST", 660},
    {"Asia/Samarkand", "UZT", "UZT", 300},
    {"Asia/Singapore", "SGT", "SGT", 480},
    {"Asia/Srednekolymsk", "SRET", "SRET", 660},
    {"Asia/Tashkent", "UZT", "UZT", 300},
    {"Asia/Tbilisi", "GET", "GEST", 240},
    {"Asia/Tehran", "IRST", "IRDT", 210},
    {"Asia/Thimphu", "BTT", "BTT", 360},
    {"Asia/Ulaanbaatar", "ULAT", "ULAST", 480},
    {"Asia/Vientiane", "ICT", "ICT", 420},
    {"Asia/Vladivostok", "VLAT", "VLAST", 600},
    {"Asia/Yakutsk", "YAKT", "YAKST", 540},
    {"Asia/Yangon", "MMT", "MMT", 390},
    {"Asia/Yekaterinburg", "YEKT", "YEKST", 300},
    {"Asia/Yerevan", "AMT", "AMST", 240},
    {"Atlantic/Azores", "AZOT", "AZOST", -60},
    {"Atlantic/Cape_Verde", "CVT", "CVT", -60},
    {"Atlantic/South_Georgia", "GST", "GST", -120},
    {"Australia/Lord_Howe", "LHST", "LHDT", 630},
    {"Europe/Istanbul", "TRT", "TRT", 180},
    {"Europe/Minsk", "MSK", "MSK", 180},
    {"Europe/Samara", "SAMT", "SAMST", 240},
    {"Indian/Chagos", "IOT", "IOT", 360},
    {"Indian/Christmas", "CXT", "CXT", 420},
    {"Indian/Cocos", "CCT", "CCT", 390},
    {"Indian/Mahe", "SCT", "SCT", 240},
    {"Indian/Maldives", "MVT", "MVT", 300},
    {"Indian/Mauritius", "MUT", "MUST", 240},
    {"Indian/Reunion", "RET", "RET", 240},
    {"Pacific/Apia", "WSST", "WSDT", 780},
    {"Pacific/Bougainville", "BST", "BST", 660},
    {"Pacific/Chatham", "CHAST", "CHADT", 765},
    {"Pacific/Easter", "EAST", "EASST", -360},
    {"Pacific/Efate", "VUT", "VUT", 660},
    {"Pacific/Fakaofo", "TKT", "TKT", 780},
    {"Pacific/Fiji", "FJT", "FJST", 720},
    {"Pacific/Funafuti", "TVT", "TVT", 720},
    {"Pacific/Galapagos", "GALT", "GALT", -360},
    {"Pacific/Gambier", "GAMT", "GAMT", -540},
    {"Pacific/Guadalcanal", "SBT", "SBT", 660},
    {"Pacific/Kiritimati", "LINT", "LINT", 840},
    {"Pacific/Kosrae", "KOST", "KOST", 660},
    {"Pacific/Kwajalein", "MHT", "MHT", 720},
    {"Pacific/Majuro", "MHT", "MHT", 720},
    {"Pacific/Marquesas", "MART", "MART", -570},
    {"Pacific/Nauru", "NRT", "NRT", 720},
    {"Pacific/Niue", "NUT", "NUT", -660},
    {"Pacific/Norfolk", "NFT", "NFDT", 660},
    {"Pacific/Noumea", "NCT", "NCT", 660},
    {"Pacific/Palau", "PWT", "PWT", 540},
    {"Pacific/Pitcairn", "PST", "PST", -480},
    {"Pacific/Pohnpei", "PONT", "PONT", 660},
    {"Pacific/Port_Moresby", "PGT", "PGT", 600},
    {"Pacific/Rarotonga", "CKT", "CKHST", -600},
    {"Pacific/Tahiti", "TAHT", "TAHT", -600},
    {"Pacific/Tarawa", "GILT", "GILT", 720},
    {"Pacific/Tongatapu", "TOT", "TOST", 780},
    {"Pacific/Wake", "WAKT", "WAKT", 720},
    {"Pacific/Wallis", "WFT", "WFT", 720},
};

static int compare(const void *zone, const void *entry)
{
    return strcmp(zone, ((const zone_names *)entry)->zone);
}

static void name_span(const zone_names *n, ovi_tz_span *span)
{
    if (span->abbreviation[0] != '+' && span->abbreviation[0] != '-')
        return;
    int32_t ahead = span->offset_ms / 60000 - n->minutes;
    if (ahead == 0 || ahead == 30 || ahead == 60)
        memcpy(span->abbreviation, ahead ? n->daylight : n->standard, strlen(ahead ? n->daylight : n->standard) + 1);
}

void ovi_tz_name_spans(ov_tz *zone)
{
    const zone_names *n = bsearch(zone->name, names, OV_COUNT_OF(names), sizeof names[0], compare);
    if (!n)
        return;
    for (size_t i = 0; i < zone->count; i++)
        name_span(n, &zone->spans[i]);
    name_span(n, &zone->rule.standard);
    name_span(n, &zone->rule.daylight);
}
