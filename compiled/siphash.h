/* SipHash-2-4 (Aumasson and Bernstein, INDOCRYPT 2012): a keyed 64-bit hash that whoever lacks the key cannot aim. */
#ifndef POLLWATCH_SIPHASH_H
#define POLLWATCH_SIPHASH_H

#include <stdint.h>
#include <string.h>

typedef struct {
    uint64_t k0, k1;
} sip_key;

static inline uint64_t sip_rotl(uint64_t x, int by) { return x << by | x >> (64 - by); }

static inline uint64_t sip_word(const uint8_t *at) {
    uint64_t word;
    memcpy(&word, at, 8);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    return word;
}

#define SIP_ROUND                                                                    \
    do {                                                                             \
        v0 += v1; v1 = sip_rotl(v1, 13); v1 ^= v0; v0 = sip_rotl(v0, 32);            \
        v2 += v3; v3 = sip_rotl(v3, 16); v3 ^= v2;                                   \
        v0 += v3; v3 = sip_rotl(v3, 21); v3 ^= v0;                                   \
        v2 += v1; v1 = sip_rotl(v1, 17); v1 ^= v2; v2 = sip_rotl(v2, 32);            \
    } while (0)

static inline uint64_t siphash24(const uint8_t *data, size_t length, sip_key key) {
    uint64_t v0 = 0x736f6d6570736575ULL ^ key.k0, v1 = 0x646f72616e646f6dULL ^ key.k1;
    uint64_t v2 = 0x6c7967656e657261ULL ^ key.k0, v3 = 0x7465646279746573ULL ^ key.k1;
    uint64_t last = (uint64_t)length << 56;
    size_t whole = length & ~(size_t)7, at;
    for (at = 0; at < whole; at += 8) {
        uint64_t word = sip_word(data + at);
        v3 ^= word;
        SIP_ROUND; SIP_ROUND;
        v0 ^= word;
    }
    for (; at < length; at++) last |= (uint64_t)data[at] << (8 * (at & 7));
    v3 ^= last;
    SIP_ROUND; SIP_ROUND;
    v0 ^= last;
    v2 ^= 0xff;
    SIP_ROUND; SIP_ROUND; SIP_ROUND; SIP_ROUND;
    return v0 ^ v1 ^ v2 ^ v3;
}

/* What pandas' hash_array gives: it puts the finaliser of SplitMix64 behind SipHash. */
static inline uint64_t hash_string(const uint8_t *data, size_t length, sip_key key) {
    uint64_t z = siphash24(data, length, key);
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
    return z ^ z >> 31;
}

#endif
