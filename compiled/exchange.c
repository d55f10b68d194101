/* What is written to places of a table in a given order, where one place may be written to several times. */
#include <stdint.h>

/* Puts each value in its place and tells what was there until then. */
int64_t pollwatch_exchange(int64_t *held, const int64_t *slots, int64_t n, const int64_t *values, int64_t *before) {
    for (int64_t i = 0; i < n; i++) {
        before[i] = held[slots[i]];
        held[slots[i]] = values[i];
    }
    return n;
}

/* Votes in sequence, each of the voter at `slots[i]`, who is `fresh` when nobody knew him before. A vote stands when it is later, by time
 * and then event, than the one that stood; `left` is the cell of that one, -1 where there was none. */
int64_t pollwatch_tally(const int64_t *slots, const uint8_t *fresh, int64_t n, const int64_t *ts_ms, const uint64_t *event,
                        const int32_t *cell, int64_t *held_ts_ms, uint64_t *held_event, int32_t *held_cell, uint8_t *stands,
                        int32_t *left) {
    int64_t standing = 0;
    for (int64_t i = 0; i < n; i++) {
        int64_t at = slots[i];
        int later = fresh[i] || ts_ms[i] > held_ts_ms[at] || (ts_ms[i] == held_ts_ms[at] && event[i] > held_event[at]);
        left[i] = fresh[i] ? -1 : held_cell[at];
        stands[i] = (uint8_t)later;
        standing += later;
        if (later) held_ts_ms[at] = ts_ms[i], held_event[at] = event[i], held_cell[at] = cell[i];
    }
    return standing;
}
