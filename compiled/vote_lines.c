/* Votes as senders write them, from JSON straight to columns. Whatever is not plain is left to the whole decoder.
 *
 * Plain is one object of the fields below, each once, with strings that hold no escape, whole numbers and nulls; of other fields
 * strings, whole numbers and nulls. All limits of `streams.decode_record` hold for a vote that is accepted here, and what is
 * not accepted is not thereby refused. Strings are taken as they are: the caller checks that they are UTF-8. */
#include <stdint.h>
#include <string.h>

#include "siphash.h"

#define MOST_LINES 1024
#define PLACES 4096 /* of a table of the distinct names of so many lines */
#define LONGEST_ID 128
#define LARGEST ((int64_t)1 << 53)
#define MOST_DIGITS 16

enum { EVENT, POLL, ACCOUNT, OPTION, CLIENT, NETWORK, COUNTRY, REFERRER, STRINGS, TS = STRINGS, CREATED, FOLLOWERS, FIELDS, UNKNOWN };

#define REQUIRED (1u << EVENT | 1u << POLL | 1u << ACCOUNT | 1u << OPTION | 1u << TS)

typedef struct {
    const uint8_t *at;
    int64_t length;
} slice;

typedef struct {
    slice text[STRINGS]; /* length -1: null or not there */
    int64_t ts, created, followers;
    int has_created, has_followers;
} vote;

typedef struct {
    int32_t place[PLACES]; /* number of the name + 1; 0: free */
    uint64_t hash[MOST_LINES];
    slice name[MOST_LINES];
    int32_t count;
} names;

static int is(const slice *key, const char *name, int64_t length) {
    return key->length == length && memcmp(key->at, name, (size_t)length) == 0;
}

static int field_of(const slice *key) {
    switch (key->length) {
    case 2: return is(key, "ts", 2) ? TS : UNKNOWN;
    case 6: return is(key, "option", 6) ? OPTION : is(key, "client", 6) ? CLIENT : UNKNOWN;
    case 7: return is(key, "poll_id", 7) ? POLL : is(key, "network", 7) ? NETWORK : is(key, "country", 7) ? COUNTRY : UNKNOWN;
    case 8: return is(key, "event_id", 8) ? EVENT : is(key, "referrer", 8) ? REFERRER : UNKNOWN;
    case 9: return is(key, "followers", 9) ? FOLLOWERS : UNKNOWN;
    case 10: return is(key, "account_id", 10) ? ACCOUNT : UNKNOWN;
    case 18: return is(key, "account_created_at", 18) ? CREATED : UNKNOWN;
    default: return UNKNOWN;
    }
}

static const uint8_t *past_blanks(const uint8_t *at, const uint8_t *end) {
    while (at < end && (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r')) at++;
    return at;
}

/* Of eight bytes, those that are 0, and those below a blank: their highest bits. Right up to the first one, which is all that counts. */
#define EACH 0x0101010101010101ULL
static inline uint64_t is_zero(uint64_t word) { return (word - EACH) & ~word & 0x80 * EACH; }
static inline uint64_t is_below_blank(uint64_t word) { return (word - 0x20 * EACH) & ~word & 0x80 * EACH; }

/* Reads a string from its first quote on; NULL when it has an escape, a control character or no end. */
static const uint8_t *string_at(const uint8_t *at, const uint8_t *end, slice *found, uint8_t *high) {
    if (at == end || *at != '"') return NULL;
    const uint8_t *start = ++at;
    uint64_t seen = 0;
    for (; end - at >= 8; at += 8) {
        uint64_t word = sip_word(at);
        uint64_t stops = is_zero(word ^ 0x22 * EACH) | is_zero(word ^ 0x5c * EACH) | is_below_blank(word);
        if (stops) {
            int before = __builtin_ctzll(stops) >> 3;
            seen |= before ? word << (64 - 8 * before) : 0;
            at += before;
            break;
        }
        seen |= word;
    }
    for (; at < end && *at != '"'; at++) {
        if (*at == '\\' || *at < 0x20) return NULL;
        seen |= *at;
    }
    if (at == end) return NULL;
    *high |= (seen & 0x80 * EACH) != 0;
    found->at = start;
    found->length = at - start;
    return at + 1;
}

static const uint8_t *number_at(const uint8_t *at, const uint8_t *end, int64_t *found) {
    int negative = at < end && *at == '-';
    const uint8_t *start = at += negative;
    int64_t value = 0;
    for (; at < end && *at >= '0' && *at <= '9' && at - start <= MOST_DIGITS; at++) value = 10 * value + (*at - '0');
    int64_t digits = at - start;
    if (digits == 0 || digits > MOST_DIGITS || (*start == '0' && (digits > 1 || negative))) return NULL;
    *found = negative ? -value : value;
    return at; /* what must follow, a fraction or an exponent does not begin with */
}

static const uint8_t *null_at(const uint8_t *at, const uint8_t *end) {
    return end - at >= 4 && memcmp(at, "null", 4) == 0 ? at + 4 : NULL;
}

/* Reads the value of a field into the vote; NULL when it is not plain, or not of the field's type. */
static const uint8_t *value_at(const uint8_t *at, const uint8_t *end, int field, vote *v, uint8_t *high) {
    slice text;
    int64_t number;
    if (at == end) return NULL;
    if (*at == 'n') return field == UNKNOWN || !(REQUIRED >> field & 1) ? null_at(at, end) : NULL;
    if (*at == '"') {
        if (field >= STRINGS && field != UNKNOWN) return NULL;
        at = string_at(at, end, &text, high);
        if (at != NULL && field != UNKNOWN) v->text[field] = text;
        return at;
    }
    at = number_at(at, end, &number);
    if (at == NULL) return NULL;
    switch (field) {
    case TS: v->ts = number; return at;
    case CREATED: v->created = number, v->has_created = 1; return at;
    case FOLLOWERS: v->followers = number, v->has_followers = 1; return at;
    default: return field == UNKNOWN ? at : NULL;
    }
}

static int is_letter(uint8_t c) { return (uint8_t)((c | 0x20) - 'a') < 26; }

static int within_limits(const vote *v) {
    for (int field = EVENT; field <= OPTION; field++)
        if (v->text[field].length < 1 || v->text[field].length > LONGEST_ID) return 0;
    const slice *country = &v->text[COUNTRY];
    if (country->length >= 0 && (country->length != 2 || !is_letter(country->at[0]) || !is_letter(country->at[1]))) return 0;
    if (v->ts < 0 || v->ts > LARGEST) return 0;
    if (v->has_created && (v->created < -LARGEST || v->created > LARGEST)) return 0;
    return !v->has_followers || (v->followers >= 0 && v->followers <= LARGEST);
}

static int read_vote(const uint8_t *at, const uint8_t *end, vote *v, uint8_t *high) {
    unsigned seen = 0;
    memset(v, 0, sizeof *v);
    for (int field = 0; field < STRINGS; field++) v->text[field].length = -1;
    if (at == end || *at != '{') return 0;
    do {
        slice key;
        at = string_at(past_blanks(at + 1, end), end, &key, high);
        if (at == NULL) return 0;
        at = past_blanks(at, end);
        if (at == end || *at != ':') return 0;
        int field = field_of(&key);
        if (field != UNKNOWN && seen >> field & 1) return 0;
        if (field != UNKNOWN) seen |= 1u << field;
        at = value_at(past_blanks(at + 1, end), end, field, v, high);
        if (at == NULL) return 0;
        at = past_blanks(at, end);
    } while (at < end && *at == ',');
    if (at == end || *at != '}' || past_blanks(at + 1, end) != end) return 0;
    return (seen & REQUIRED) == REQUIRED && within_limits(v);
}

static int32_t number_of(names *known, const slice *name, sip_key key) {
    uint64_t hash = siphash24(name->at, (size_t)name->length, key);
    for (uint64_t place = hash % PLACES;; place = (place + 1) % PLACES) {
        int32_t number = known->place[place] - 1;
        if (number < 0) {
            number = known->count++;
            known->place[place] = number + 1;
            known->hash[number] = hash;
            known->name[number] = *name;
            return number;
        }
        const slice *other = &known->name[number];
        if (known->hash[number] == hash && other->length == name->length
            && memcmp(other->at, name->at, (size_t)name->length) == 0)
            return number;
    }
}

static uint32_t code_of(const slice *name, sip_key key) {
    if (name->length < 0) return 0;
    uint32_t code = (uint32_t)hash_string(name->at, (size_t)name->length, key);
    return code ? code : 1;
}

static int64_t tell(const names *known, const uint8_t *text, int64_t *from_to) {
    for (int32_t number = 0; number < known->count; number++) {
        from_to[2 * number] = known->name[number].at - text;
        from_to[2 * number + 1] = from_to[2 * number] + known->name[number].length;
    }
    return known->count;
}

/* Columns of `detectors.senders` and `streams.decode_columns`, one entry a line, which lies in the text at [from, to). `poll` and `option` number the distinct names in
 * order of appearance; where each is in the text goes to `poll_at` and `option_at`, two entries a name, and how many there are to
 * `counts`, whose third entry tells whether any byte is not ASCII. `ids` takes `LONGEST_ID` bytes a line at most. Returns how many
 * lines there were, or 0 when one is not plain. */
int64_t pollwatch_vote_lines(const uint8_t *text, const int64_t *from, const int64_t *to, int64_t lines, int64_t most_bytes,
                             const uint8_t *key_bytes, int64_t no_time,
                             int64_t *ts_ms, uint64_t *event, uint64_t *account, int32_t *poll, int32_t *option,
                             int64_t *created_ms, int32_t *followers, uint32_t *client, uint32_t *network, int16_t *country,
                             uint32_t *referrer, uint8_t *ids, int64_t *id_ends, int64_t *poll_at, int64_t *option_at,
                             int64_t *counts) {
    static const int32_t no_count = -1;
    sip_key key = {sip_word(key_bytes), sip_word(key_bytes + 8)};
    names polls, options;
    uint8_t high = 0;
    int64_t used = 0;
    if (lines > MOST_LINES) return 0;
    memset(polls.place, 0, sizeof polls.place), polls.count = 0;
    memset(options.place, 0, sizeof options.place), options.count = 0;
    for (int64_t i = 0; i < lines; i++) {
        vote v;
        if (from[i] < 0 || to[i] - from[i] > most_bytes) return 0;
        if (!read_vote(text + from[i], text + to[i], &v, &high)) return 0;
        ts_ms[i] = v.ts;
        event[i] = hash_string(v.text[EVENT].at, (size_t)v.text[EVENT].length, key);
        account[i] = hash_string(v.text[ACCOUNT].at, (size_t)v.text[ACCOUNT].length, key);
        poll[i] = number_of(&polls, &v.text[POLL], key);
        option[i] = number_of(&options, &v.text[OPTION], key);
        created_ms[i] = v.has_created ? v.created : no_time;
        followers[i] = !v.has_followers ? no_count : v.followers > INT32_MAX ? INT32_MAX : (int32_t)v.followers;
        client[i] = code_of(&v.text[CLIENT], key);
        network[i] = code_of(&v.text[NETWORK], key);
        referrer[i] = code_of(&v.text[REFERRER], key);
        const slice *letters = &v.text[COUNTRY];
        country[i] = letters->length < 0 ? -1 : (int16_t)(26 * ((letters->at[0] & 0xDF) - 'A') + (letters->at[1] & 0xDF) - 'A');
        memcpy(ids + used, v.text[ACCOUNT].at, (size_t)v.text[ACCOUNT].length);
        id_ends[i] = used += v.text[ACCOUNT].length;
    }
    counts[0] = tell(&polls, text, poll_at);
    counts[1] = tell(&options, text, option_at);
    counts[2] = high != 0;
    return lines;
}
