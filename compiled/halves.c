/* Sorted times as spans of the dyadic tree: how many lie in each span, and how many of those in its left half.
 *
 * `shortest` is the length of half a span of level 0; a span of level k + 1 is two of level k. Spans with fewer than `fewest` are left out.
 * Level k is written from `k * room` on, and `counts[k]` says how many spans it has: at most n / fewest, so `room` is more than that. */
#include <stdint.h>

#define MOST_LEVELS 16

int64_t pollwatch_halves(const int64_t *times, int64_t n, int64_t shortest, int64_t levels, int64_t fewest, int64_t room,
                         int64_t *span, int64_t *inside, int64_t *left, int64_t *counts) {
    int64_t at[MOST_LEVELS], all[MOST_LEVELS] = {0}, lefts[MOST_LEVELS] = {0};
    if (levels > MOST_LEVELS || room <= n / fewest) return -1;
    for (int64_t level = 0; level < levels; level++) at[level] = -1, counts[level] = 0;
    for (int64_t i = 0; i <= n; i++) {
        int64_t half = i < n ? times[i] / shortest : -1;
        for (int64_t level = 0; level < levels; level++) {
            int64_t now = half < 0 ? -2 : half >> (level + 1);
            if (now != at[level]) {
                if (all[level] >= fewest) {
                    int64_t place = level * room + counts[level]++;
                    span[place] = at[level], inside[place] = all[level], left[place] = lefts[level];
                }
                at[level] = now, all[level] = lefts[level] = 0;
            }
            all[level]++;
            lefts[level] += !(half >> level & 1);
        }
    }
    return n;
}
