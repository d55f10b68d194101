/* The records of one Kafka record batch, magic 2 and not compressed, as columns. Layout: Kafka protocol, "Record Batch".
 *
 * Keys and values are said by where they lie, from -1 to -1 where there is none. Nothing is read past the end of the bytes. */
#include <stdint.h>

typedef struct {
    const uint8_t *at, *end;
    int broken;
} reader;

/* A zigzag varint of at most ten bytes. */
static int64_t varint(reader *r) {
    uint64_t value = 0;
    for (int shift = 0; shift < 70 && r->at < r->end; shift += 7) {
        uint8_t byte = *r->at++;
        value |= shift < 64 ? (uint64_t)(byte & 0x7f) << shift : 0;
        if (!(byte & 0x80)) return (int64_t)(value >> 1) ^ -(int64_t)(value & 1);
    }
    r->broken = 1;
    return 0;
}

static void skip(reader *r, const uint8_t *data, int64_t *from, int64_t *to) {
    int64_t length = varint(r);
    *from = *to = -1;
    if (length < 0) return;
    if (length > r->end - r->at) {
        r->broken = 1;
        return;
    }
    *from = r->at - data;
    r->at += length;
    *to = r->at - data;
}

/* Reads `records` records from `data[start]` on; returns where they end, or -1 when they are not as they must be.
 * Deltas are told as they are. `headers` tells where a record's headers begin (with how many there are), -1 where there is none. */
int64_t pollwatch_record_batch(const uint8_t *data, int64_t bytes, int64_t start, int64_t records, int64_t *offset_delta, int64_t *time_delta,
                               int64_t *key_from, int64_t *key_to, int64_t *value_from, int64_t *value_to, int64_t *headers) {
    reader r = {data + start, data + bytes, 0};
    for (int64_t i = 0; i < records; i++) {
        int64_t length = varint(&r);
        if (r.broken || length < 1 || length > r.end - r.at) return -1;
        reader one = {r.at + 1, r.at + length, 0}; /* after the attributes, of which there are none yet */
        r.at += length;
        time_delta[i] = varint(&one);
        offset_delta[i] = varint(&one);
        skip(&one, data, &key_from[i], &key_to[i]);
        skip(&one, data, &value_from[i], &value_to[i]);
        const uint8_t *at = one.at;
        int64_t count = varint(&one);
        if (one.broken || count < 0 || (count == 0 && one.at != one.end)) return -1;
        headers[i] = count ? at - data : -1;
    }
    return r.at - data;
}
