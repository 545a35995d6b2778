/*
 * Station rows. Everything is integer arithmetic on a counter-based mixer, so no compiler, libm or
 * thread count can change a byte. A row is three copies: the minute's text, the station's constant
 * middle, and the tail with the counts, which is rendered again only when the count changes.
 */
#include "server/cli/stations.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"

enum {
    MIDDLE_BYTES = 128,
    TAIL_BYTES = 24,
    TIME_BYTES = 20,
    ROW_BYTES = TIME_BYTES + MIDDLE_BYTES + TAIL_BYTES,
    OUT_BYTES = 1 << 20,
    SPLIT_SECONDS = 1678233600, /* 2023-03-08T00:00:00Z */
    SPLIT_BEFORE = 10080,       /* of every SPLIT_OF minutes this many lie before it */
    SPLIT_OF = 37037,
};

/* What a station's bikes do over the day. */
typedef enum habit { HOME, WORK, PARK, HABITS } habit;

typedef struct station {
    char middle[MIDDLE_BYTES]; /* ",ST-1,name,lat,lon,racks," */
    char tail[TAIL_BYTES];     /* "bikes,shared\n" */
    uint8_t middle_n, tail_n;
    habit kind;
    uint16_t racks;
    uint16_t bikes;
    uint16_t pace; /* chance of a change in a minute at full traffic, of 65,536 */
} station;

static const char HEADER[] =
    "__time,stationId,stationName,stationLatitude,stationLongitude,rackTotCnt,parkingBikeTotCnt,"
    "shared\n";

/* Share of the racks that are full, in percent, by habit and hour of the day (UTC+9). */
static const uint8_t FULL[HABITS][24] = {
    [HOME] = {85, 88, 90, 90, 90, 85, 70, 45, 25, 20, 22, 25,
              28, 30, 30, 32, 35, 42, 55, 65, 72, 76, 80, 83},
    [WORK] = {20, 18, 15, 15, 15, 18, 30, 60, 90, 95, 92, 88,
              85, 85, 84, 82, 78, 60, 40, 32, 28, 25, 23, 21},
    [PARK] = {55, 55, 56, 57, 58, 58, 56, 52, 50, 48, 45, 42,
              38, 34, 30, 28, 28, 30, 34, 40, 45, 48, 52, 54},
};
/* Traffic, in percent of the busiest hour (UTC+9). */
static const uint8_t TRAFFIC[24] = {28, 18, 11, 7,  6,  10, 26,  62, 95, 60, 45, 47,
                                    55, 56, 56, 60, 70, 88, 100, 85, 70, 62, 52, 40};

static const char *const FIRST[] = {"가람", "나루",   "다솜", "라온", "마루", "바다",
                                    "사랑", "아름",   "자연", "초롱", "푸른", "하늘",
                                    "한별", "은빛",   "새봄", "큰솔", "별내", "달빛",
                                    "온새", "해오름", "버들", "느티", "고운", "단비"};
static const char *const SECOND[] = {"역",     "공원",   "시장", "초교", "도서관", "아파트",
                                     "사거리", "광장",   "회관", "병원", "다리",   "체육관",
                                     "우체국", "나들목", "고개", "마을"};
static const char *const THIRD[] = {" 1번출구", " 2번출구", " 앞",   " 건너편",
                                    " 옆",      " 후문",    " 정문", ""};

static uint64_t mix(uint64_t n)
{
    n += 0x9e3779b97f4a7c15u;
    n = (n ^ (n >> 30)) * 0xbf58476d1ce4e5b9u;
    n = (n ^ (n >> 27)) * 0x94d049bb133111ebu;
    return n ^ (n >> 31);
}

static uint32_t below(uint64_t random, uint32_t limit)
{
    return (uint32_t)((random & 0xffffffffu) * limit >> 32);
}

static void render_tail(station *s)
{
    uint32_t shared = (s->bikes * 200u + s->racks) / (s->racks * 2u); /* rounded */
    s->tail_n = (uint8_t)snprintf(s->tail, sizeof s->tail, "%u,%u\n", s->bikes, shared);
}

static void settle(station *s, uint32_t number)
{
    uint64_t r = mix(0x5747a7104e500000u + number);
    s->kind = (habit)below(r, HABITS);
    s->racks = (uint16_t)(5 + below(mix(r), 11) + below(mix(r + 1), 11) +
                          (below(mix(r + 2), 10) == 0 ? 15 : 0));
    s->pace = (uint16_t)(1200 + below(mix(r + 3), 1 + below(mix(r + 4), 14000)));
    s->bikes = (uint16_t)(s->racks * FULL[s->kind][9] / 100);
    uint32_t north = 430000 + below(mix(r + 5), 260000), east = 790000 + below(mix(r + 6), 380000);
    s->middle_n = (uint8_t)snprintf(s->middle, sizeof s->middle,
                                    ",ST-%u,%u. %s%s%s,37.%06u,%u.%06u,%u,", number, number + 100,
                                    FIRST[below(mix(r + 7), sizeof FIRST / sizeof *FIRST)],
                                    SECOND[below(mix(r + 8), sizeof SECOND / sizeof *SECOND)],
                                    THIRD[below(mix(r + 9), sizeof THIRD / sizeof *THIRD)], north,
                                    126 + east / 1000000, east % 1000000, s->racks);
    render_tail(s);
}

/* One minute at one station: mostly nothing; else a bike comes or goes, drawn towards what the hour
 * expects. At night a truck sometimes moves several. */
static void step(station *s, uint64_t random, uint32_t hour)
{
    uint32_t chance = (uint32_t)(random & 0xffff), pace = s->pace * (uint32_t)TRAFFIC[hour] / 100;
    if (chance >= pace)
        return;
    int32_t want = s->racks * FULL[s->kind][hour] / 100, lack = want - s->bikes;
    int32_t lean = 500 + lack * 350 / s->racks; /* per mille that a bike comes rather than goes */
    bool comes = below(random >> 16, 1000) < (uint32_t)(lean < 60 ? 60 : lean > 940 ? 940 : lean);
    int32_t by = hour < 5 && below(random >> 40, 12) == 0 ? 4 : 1, most = s->racks * 2;
    int32_t bikes = s->bikes + (comes ? by : -by);
    bikes = bikes < 0 ? 0 : bikes > most ? most : bikes;
    if (bikes == s->bikes)
        return;
    s->bikes = (uint16_t)bikes;
    render_tail(s);
}

static ov_status write_all(int fd, const char *bytes, size_t n, ov_error *err)
{
    while (n > 0) {
        ssize_t done = write(fd, bytes, n);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return ov_fail_errno(err, errno, "cannot write the station rows");
        bytes += done;
        n -= (size_t)done;
    }
    return OV_OK;
}

static size_t put(char *out, const char *bytes, size_t n)
{
    memcpy(out, bytes, n);
    return n;
}

/* The rows of one minute, at most `rows`, appended to out, which is flushed whenever it might not
 * hold the next row. */
static ov_status write_minute(station *all, uint32_t rows, int64_t seconds, uint64_t minute,
                              char *out, size_t *used, int fd, ov_error *err)
{
    struct tm when;
    char text[TIME_BYTES + 12]; /* room for a year that is not there */
    time_t clock = (time_t)seconds;
    gmtime_r(&clock, &when);
    size_t text_n = strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &when);
    uint32_t hour = (uint32_t)((seconds / 3600 + 9) % 24);
    for (uint32_t i = 0; i < rows; i++) {
        station *s = &all[i];
        step(s, mix(minute * OV_STATIONS_MAX + i), hour);
        if (*used + ROW_BYTES > OUT_BYTES) {
            OV_TRY(write_all(fd, out, *used, err));
            *used = 0;
        }
        *used += put(out + *used, text, text_n);
        *used += put(out + *used, s->middle, s->middle_n);
        *used += put(out + *used, s->tail, s->tail_n);
    }
    return OV_OK;
}

ov_status ov_stations_write(const ov_stations_options *options, int fd, ov_error *err)
{
    const uint64_t most = (uint64_t)1
                          << 40; /* keeps the start after the year 0 even for one station */
    if (options->stations < 1 || options->stations > OV_STATIONS_MAX)
        return ov_fail(err, OV_INVALID, "stations must be 1 to %d, not %u", OV_STATIONS_MAX,
                       options->stations);
    if (options->rows > most / OV_STATIONS_DEFAULT * options->stations)
        return ov_fail(err, OV_INVALID,
                       "too many rows for %u stations: the readings would run for a million years",
                       options->stations);
    uint64_t minutes = (options->rows + options->stations - 1) / options->stations;
    int64_t start = SPLIT_SECONDS - (int64_t)(minutes * SPLIT_BEFORE / SPLIT_OF) * 60;
    station *all = ov_calloc(options->stations, sizeof *all);
    char *out = ov_malloc(OUT_BYTES);
    ov_status st =
        all && out ? OV_OK : ov_fail_nomem(err, OUT_BYTES + options->stations * sizeof *all);
    if (st == OV_OK) {
        for (uint32_t i = 0; i < options->stations; i++)
            settle(&all[i], i + 1);
        size_t used = put(out, HEADER, sizeof HEADER - 1);
        uint64_t left = options->rows;
        for (uint64_t minute = 0; st == OV_OK && left > 0; minute++) {
            uint32_t rows = left < options->stations ? (uint32_t)left : options->stations;
            st = write_minute(all, rows, start + (int64_t)minute * 60, minute, out, &used, fd, err);
            left -= rows;
        }
        if (st == OV_OK)
            st = write_all(fd, out, used, err);
    }
    ov_free(out);
    ov_free(all);
    return st;
}
