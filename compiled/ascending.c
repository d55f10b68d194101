/* Where numbers that ascend belong among others that ascend: what a binary search for each would find, in one walk. */
#include <stdint.h>

/* Tells for each number asked for how many of the n are not larger. From one answer to the next it goes in steps that double. */
int64_t pollwatch_not_larger(const int64_t *ordered, int64_t n, const int64_t *asked, int64_t many, int64_t *found) {
    int64_t low = 0;
    for (int64_t i = 0; i < many; i++) {
        int64_t step = 1;
        while (low + step <= n && ordered[low + step - 1] <= asked[i]) low += step, step *= 2;
        for (step /= 2; step > 0; step /= 2)
            if (low + step <= n && ordered[low + step - 1] <= asked[i]) low += step;
        found[i] = low;
    }
    return many;
}
