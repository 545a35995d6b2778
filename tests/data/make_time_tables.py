#!/usr/bin/env python3
"""Writes tests/data/tz_offsets.def, tz_local.def and gran_floor.def with Python's zoneinfo as the second opinion.

Run from the root of the tree: python3 tests/data/make_time_tables.py
"""
import random
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

ZONES = ["America/Los_Angeles", "Asia/Kolkata", "Australia/Lord_Howe", "Europe/Paris", "Europe/Dublin",
         "America/Sao_Paulo", "Pacific/Apia", "America/St_Johns", "Africa/Casablanca", "Asia/Tehran"]
EPOCH = datetime(1970, 1, 1)
UNSETTLED = "Africa/Casablanca"  # its years to come differ between releases of the time zone data: none of them is written
UTC = timezone.utc
random.seed(1)


def utc_ms(d):
    return round((d.astimezone(UTC).replace(tzinfo=None) - EPOCH) / timedelta(milliseconds=1))


def local_ms(d):
    return round((d.replace(tzinfo=None) - EPOCH) / timedelta(milliseconds=1))


def at(ms, zone):
    return (EPOCH + timedelta(milliseconds=ms)).replace(tzinfo=UTC).astimezone(zone)


def offset_ms(ms, zone):
    return round(at(ms, zone).utcoffset() / timedelta(milliseconds=1))


def changes(zone, first, last):
    """Instants at which the offset changes, found by halving."""
    day = 86400000
    low = first
    while low < last:
        high = low + 5 * day
        if offset_ms(low, zone) != offset_ms(high, zone):
            a, b = low, high
            while b - a > 1:
                mid = (a + b) // 2
                a, b = (mid, b) if offset_ms(mid, zone) == offset_ms(a, zone) else (a, mid)
            yield b
        low = high


def year(y):
    return local_ms(datetime(y, 1, 1))


def header(f, what):
    f.write(f"/* {what}. Written by tests/data/make_time_tables.py from Python's zoneinfo. */\n")


points = {}
for name in ZONES:
    zone = ZoneInfo(name)
    found = list(changes(zone, year(1960), year(2045))) + list(changes(zone, year(2150), year(2153)))
    points[name] = random.sample(found, min(len(found), 30))

with open("tests/data/tz_offsets.def", "w") as f:
    header(f, "zone, UTC ms, offset in ms")
    for name in ZONES:
        zone = ZoneInfo(name)
        list_ms = [c + d for c in points[name] for d in (-1, 0)]
        list_ms += [random.randrange(year(1850), year(9990)) for _ in range(40)]
        for ms in sorted(list_ms):
            if name == UNSETTLED and ms >= year(2025):
                continue
            f.write(f'ROW("{name}", INT64_C({ms}), {offset_ms(ms, zone)})\n')

with open("tests/data/tz_local.def", "w") as f:
    header(f, "zone, ms on the local clock, UTC ms (gap: moved forward; overlap: the first), 1 when it exists")
    for name in ZONES:
        zone = ZoneInfo(name)
        rows = set()
        for c in points[name]:
            for delta in (-7200000, -1800000, -1, 0, 1, 900000, 1800000, 3599999, 3600000, 7200000):
                rows.add(c + offset_ms(c - 1, zone) + delta)
        for local in sorted(rows):
            if name == UNSETTLED and local >= year(2025):
                continue
            d = (EPOCH + timedelta(milliseconds=local)).replace(tzinfo=zone, fold=0)
            ms = utc_ms(d)
            f.write(f'ROW("{name}", INT64_C({local}), INT64_C({ms}), {int(local_ms(at(ms, zone)) == local)})\n')


def floor_local(period, d):
    midnight = d.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    if period == "P1D":
        return midnight
    if period == "P1W":
        return midnight - timedelta(days=d.weekday())
    if period == "P1M":
        return midnight.replace(day=1)
    if period == "P3M":
        return midnight.replace(day=1, month=(d.month - 1) // 3 * 3 + 1)
    if period == "P1Y":
        return midnight.replace(day=1, month=1)
    if period == "P2M":
        return midnight.replace(day=1, month=(d.month - 1) // 2 * 2 + 1)
    if period == "P5D":
        days = (midnight.replace(tzinfo=None) - EPOCH).days
        return midnight - timedelta(days=days % 5)
    if period == "P2W":
        days = (midnight.replace(tzinfo=None) - EPOCH).days
        return midnight - timedelta(days=days % 14)
    raise ValueError(period)


with open("tests/data/gran_floor.def", "w") as f:
    header(f, "zone, period, UTC ms, UTC ms of the start of its bucket")
    for name in ["UTC"] + ZONES[:6]:
        zone = ZoneInfo(name)
        for period in ["P1D", "P1W", "P1M", "P3M", "P1Y", "P2M", "P5D", "P2W"]:
            near = [c + random.randrange(-3 * 86400000, 3 * 86400000) for c in points.get(name, [])[:8]]
            for ms in near + [random.randrange(year(1902), year(2090)) for _ in range(12)]:
                start = utc_ms(floor_local(period, at(ms, zone)))
                f.write(f'ROW("{name}", "{period}", INT64_C({ms}), INT64_C({start}))\n')
