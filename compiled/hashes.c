/* Keyed hashes of a column of strings. */
#include <stdint.h>

#include "siphash.h"

/* String i is data[ends[i - 1]:ends[i]], the first one from 0. */
int64_t pollwatch_hashes(const uint8_t *data, const int64_t *ends, int64_t n, const uint8_t *key_bytes, uint64_t *hashes) {
    sip_key key = {sip_word(key_bytes), sip_word(key_bytes + 8)};
    int64_t start = 0;
    for (int64_t i = 0; i < n; start = ends[i++]) hashes[i] = hash_string(data + start, (size_t)(ends[i] - start), key);
    return n;
}
