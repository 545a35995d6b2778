"""XXH3-64 with seed 0 and the default secret, in plain Python: enough for small files, no package needed.

The algorithm is public (xxHash specification); lengths up to 16, 128, 240 and above take different paths.
"""
import struct

MASK = (1 << 64) - 1
P32 = (0x9E3779B1, 0x85EBCA77, 0xC2B2AE3D)
P64 = (0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0x85EBCA77C2B2AE63, 0x27D4EB2F165667C5)
SECRET = bytes.fromhex(
    'b8fe6c3923a44bbe7c01812cf721ad1cded46de9839097db7240a4a4b7b3671f'
    'cb79e64eccc0e578825ad07dccff7221b8084674f743248ee03590e6813a264c'
    '3c2852bb91c300cb88d0658b1b532ea371644897a20df94e3819ef46a9deacd8'
    'a8fa763fe39c343ff9dcbbc7c70b4f1d8a51e04bcdb45931c89f7ec9d9787364'
    'eac5ac8334d3ebc3c581a0fffa1363eb170ddd51b7f0da49d316552629d4689e'
    '2b16be587d47a1fc8ff8b8d17ad031ce45cb3a8f95160428afd7fbcabb4b407e')


def u32(b, at):
    return struct.unpack_from('<I', b, at)[0]


def u64(b, at):
    return struct.unpack_from('<Q', b, at)[0]


def fold(a, b):
    m = a * b
    return (m & MASK) ^ (m >> 64)


def rotl(v, n):
    return (v << n | v >> (64 - n)) & MASK


def avalanche(h):
    h ^= h >> 37
    h = h * 0x165667919E3779F9 & MASK
    return h ^ h >> 32


def avalanche64(h):
    h ^= h >> 33
    h = h * P64[1] & MASK
    h ^= h >> 29
    h = h * P64[2] & MASK
    return h ^ h >> 32


def mix16(data, at, secret_at):
    return fold(u64(data, at) ^ u64(SECRET, secret_at), u64(data, at + 8) ^ u64(SECRET, secret_at + 8))


def short(d):
    n = len(d)
    if n > 8:
        low = u64(d, 0) ^ u64(SECRET, 24) ^ u64(SECRET, 32)
        high = u64(d, n - 8) ^ u64(SECRET, 40) ^ u64(SECRET, 48)
        swapped = int.from_bytes(struct.pack('<Q', low), 'big')
        return avalanche((n + swapped + high + fold(low, high)) & MASK)
    if n >= 4:
        h = (u32(d, n - 4) + (u32(d, 0) << 32)) ^ u64(SECRET, 8) ^ u64(SECRET, 16)
        h ^= rotl(h, 49) ^ rotl(h, 24)
        h = h * 0x9FB21C651E98DF25 & MASK
        h ^= (h >> 35) + n
        h = h * 0x9FB21C651E98DF25 & MASK
        return h ^ h >> 28
    if n:
        combined = d[0] << 16 | d[n >> 1] << 24 | d[n - 1] | n << 8
        return avalanche64(combined ^ u32(SECRET, 0) ^ u32(SECRET, 4))
    return avalanche64(u64(SECRET, 56) ^ u64(SECRET, 64))


def middle(d):
    n = len(d)
    acc = n * P64[0]
    if n <= 128:
        for i in reversed(range((n - 1) // 32 + 1)):
            acc += mix16(d, 16 * i, 32 * i) + mix16(d, n - 16 * (i + 1), 32 * i + 16)
        return avalanche(acc & MASK)
    for i in range(8):
        acc += mix16(d, 16 * i, 16 * i)
    acc = avalanche(acc & MASK)
    for i in range(8, n // 16):
        acc += mix16(d, 16 * i, 16 * (i - 8) + 3)
    acc += mix16(d, n - 16, 136 - 17)
    return avalanche(acc & MASK)


def accumulate(acc, d, at, secret_at):
    values = struct.unpack_from('<8Q', d, at)
    keys = struct.unpack_from('<8Q', SECRET, secret_at)
    for i in range(8):
        key = values[i] ^ keys[i]
        acc[i ^ 1] += values[i]
        acc[i] += (key & 0xFFFFFFFF) * (key >> 32)
    for i in range(8):
        acc[i] &= MASK


def long(d):
    n = len(d)
    stripes = (len(SECRET) - 64) // 8
    block = 64 * stripes
    acc = [P32[2], P64[0], P64[1], P64[2], P64[3], P32[1], P64[4], P32[0]]
    blocks = (n - 1) // block
    for b in range(blocks):
        for s in range(stripes):
            accumulate(acc, d, b * block + s * 64, s * 8)
        keys = struct.unpack_from('<8Q', SECRET, len(SECRET) - 64)
        for i in range(8):
            acc[i] = ((acc[i] ^ acc[i] >> 47) ^ keys[i]) * P32[0] & MASK
    for s in range((n - 1 - block * blocks) // 64):
        accumulate(acc, d, blocks * block + s * 64, s * 8)
    accumulate(acc, d, n - 64, len(SECRET) - 64 - 7)
    result = n * P64[0]
    for i in range(4):
        result += fold(acc[2 * i] ^ u64(SECRET, 11 + 16 * i), acc[2 * i + 1] ^ u64(SECRET, 19 + 16 * i))
    return avalanche(result & MASK)


def xxh3_64(data):
    data = bytes(data)
    return short(data) if len(data) <= 16 else middle(data) if len(data) <= 240 else long(data)
