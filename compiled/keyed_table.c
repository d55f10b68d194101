/* Places of 64-bit keys in an open-addressed table: linear probing, what is empty holds EMPTY. `detectors.keyed_table` owns it.
 *
 * `steps` counts how often a key was not where it was looked for first; once it passes `most_steps` a call stops and
 * returns how many keys it has done. The table has at least one empty place. */
#include <stdint.h>
#include <string.h>

#define EMPTY UINT64_MAX
#define AHEAD 16 /* keys whose places are fetched from memory while those before them are compared */

/* The one key that stands for an empty place is its neighbour. */
static inline uint64_t storable(uint64_t key) { return key - (key == EMPTY); }

/* Fibonacci hashing: the product's high bits depend on every bit of the key; they are scaled to the table's size. */
static inline int64_t home(uint64_t key, uint64_t odd, int64_t size) {
    return (int64_t)(((key * odd) >> 32) * (uint64_t)size >> 32);
}

static inline int64_t next(int64_t at, int64_t size) { return at + 1 == size ? 0 : at + 1; }

int64_t pollwatch_find(const uint64_t *table, int64_t size, uint64_t odd, const uint64_t *keys, int64_t n,
                       int64_t most_steps, int64_t *slots, int64_t *steps) {
    int64_t taken = *steps, i;
    for (i = 0; i < n && taken <= most_steps; i++) {
        if (i + AHEAD < n) __builtin_prefetch(&table[home(keys[i + AHEAD], odd, size)], 0, 1);
        uint64_t key = storable(keys[i]);
        int64_t at = home(key, odd, size);
        while (table[at] != key && table[at] != EMPTY) {
            at = next(at, size);
            taken++;
        }
        slots[i] = table[at] == EMPTY ? -1 : at;
    }
    *steps = taken;
    return i;
}

/* As `pollwatch_find`, but a key that is absent takes the place where it was missed, and is `fresh`; a later equal one is not. */
int64_t pollwatch_enter(uint64_t *table, int64_t size, uint64_t odd, const uint64_t *keys, int64_t n,
                        int64_t most_steps, int64_t *slots, uint8_t *fresh, int64_t *steps) {
    int64_t taken = *steps, i;
    for (i = 0; i < n && taken <= most_steps; i++) {
        if (i + AHEAD < n) __builtin_prefetch(&table[home(keys[i + AHEAD], odd, size)], 1, 1);
        uint64_t key = storable(keys[i]);
        int64_t at = home(key, odd, size);
        while (table[at] != key && table[at] != EMPTY) {
            at = next(at, size);
            taken++;
        }
        fresh[i] = table[at] == EMPTY;
        table[at] = key;
        slots[i] = at;
    }
    *steps = taken;
    return i;
}

/* Puts the keys of a table, or those of them that are `kept` (NULL: all), into an empty one. Where a key of place i goes is
 * written to `places[i]`, -1 where none does (NULL: nobody asks). Returns the steps taken, or -1 when they pass `most_steps`. */
int64_t pollwatch_move(const uint64_t *table, int64_t size, const uint8_t *kept, uint64_t *to, int64_t to_size, uint64_t odd,
                       int64_t most_steps, int32_t *places) {
    int64_t taken = 0;
    for (int64_t i = 0; i < size; i++) {
        if (places) places[i] = -1;
        if (table[i] == EMPTY || (kept && !kept[i])) continue;
        int64_t at = home(table[i], odd, to_size);
        while (to[at] != EMPTY) {
            at = next(at, to_size);
            taken++;
        }
        if (taken > most_steps) return -1;
        to[at] = table[i];
        if (places) places[i] = (int32_t)at;
    }
    return taken;
}

/* Copies one of `width` bytes; of those that columns have, the compiler makes a single move. */
static inline void copy(uint8_t *to, const uint8_t *from, int64_t width) {
    switch (width) {
        case 1: *to = *from; break;
        case 2: memcpy(to, from, 2); break;
        case 4: memcpy(to, from, 4); break;
        case 8: memcpy(to, from, 8); break;
        default: memcpy(to, from, (size_t)width);
    }
}

/* Puts what lies beside the keys, `width` bytes each, where `pollwatch_move` has put those. */
int64_t pollwatch_follow(const uint8_t *column, int64_t size, int64_t width, const int32_t *places, uint8_t *to) {
    for (int64_t i = 0; i < size; i++) {
        if (places[i] >= 0) copy(to + places[i] * width, column + i * width, width);
    }
    return 0;
}

/* Copies what lies beside the keys, `width` bytes each, or the keys themselves, without the empty places. Returns how many there are. */
int64_t pollwatch_compact(const uint64_t *table, int64_t size, const uint8_t *column, int64_t width, uint8_t *to) {
    int64_t n = 0;
    for (int64_t i = 0; i < size; i++) {
        if (table[i] != EMPTY) copy(to + n++ * width, column + i * width, width);
    }
    return n;
}
