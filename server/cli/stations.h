/*
 * Sample rows: the bike stations of a city, one reading a station and minute, as CSV. Used by
 * `ovate bench gen`, the benchmark and the demo. The same options give the same bytes on every
 * machine.
 *
 * Columns: __time, stationId ("ST-1"..), stationName, stationLatitude, stationLongitude,
 * rackTotCnt, parkingBikeTotCnt, shared (bikes in percent of racks). Rows are in time order, within
 * a minute by station. Bike counts change slowly, as observed ones do: about one minute in thirty,
 * mostly by one bike, with a rhythm of day.
 *
 * Time starts so that 2023-03-08T00:00Z is at the same share of the rows whatever their number: 100
 * M rows of 2,700 stations run from 2023-03-01 to 2023-03-26, and a station has 27 thousand rows
 * from 2023-03-08 on.
 */
#pragma once

#include "base/status.h"

typedef struct ov_stations_options {
    uint64_t rows;     /* lines after the header */
    uint32_t stations; /* 1 .. OV_STATIONS_MAX */
} ov_stations_options;

enum { OV_STATIONS_DEFAULT = 2700, OV_STATIONS_MAX = 1000000 };

/*
 * Write the header line and options->rows lines to the file descriptor.
 *
 * Errors   OV_INVALID for options out of range, OV_IO when a write fails, OV_NOMEM.
 * Cost     about 25 ns a row, one core; memory a few hundred bytes a station.
 */
OV_CHECKED ov_status ov_stations_write(const ov_stations_options *options, int fd, ov_error *err);
