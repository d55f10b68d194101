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

/* Votes in sequence, each of the voter at `slots[i]`, who is `fresh` when nobody knew him before. A vote stands when its `rank` is above
 * that of the one that stood; `left` is the cell of that one, -1 where there was none. */
int64_t pollwatch_tally(const int64_t *slots, const uint8_t *fresh, int64_t n, const uint64_t *rank, const int32_t *cell,
                        uint64_t *held_rank, int32_t *held_cell, uint8_t *stands, int32_t *left) {
    int64_t standing = 0;
    for (int64_t i = 0; i < n; i++) {
        int64_t at = slots[i];
        int later = fresh[i] || rank[i] > held_rank[at];
        left[i] = fresh[i] ? -1 : held_cell[at];
        stands[i] = (uint8_t)later;
        standing += later;
        if (later) held_rank[at] = rank[i], held_cell[at] = cell[i];
    }
    return standing;
}
