/* Strings picked from a column of them. */
#include <stdint.h>
#include <string.h>

/* Writes data[starts[i]:ends[i]] end to end, and to `to_ends` where each ends. `to` has room for all of them. Returns the bytes written, or
 * -1 at one that does not lie in `data`, or that there is no room for. */
int64_t pollwatch_strings(const uint8_t *data, int64_t size, const int64_t *starts, const int64_t *ends, int64_t n, uint8_t *to, int64_t room,
                          int64_t *to_ends) {
    int64_t used = 0;
    for (int64_t i = 0; i < n; i++) {
        int64_t length = ends[i] - starts[i];
        if (starts[i] < 0 || length < 0 || ends[i] > size || length > room - used) return -1;
        memcpy(to + used, data + starts[i], (size_t)length);
        to_ends[i] = used += length;
    }
    return used;
}
