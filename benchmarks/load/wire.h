/* Channel Access bytes for the raw load generator and the server by rote.
 *
 * Written by hand, apart from any EPICS library, so that neither the client nor the
 * physical limit depends on code that is being measured. Linux only; one thread. */
#ifndef BENCHMARKS_WIRE_H
#define BENCHMARKS_WIRE_H

#include <arpa/inet.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    CMD_VERSION = 0,
    CMD_EVENT_ADD = 1,
    CMD_WRITE = 4,
    CMD_SEARCH = 6,
    CMD_CLEAR_CHANNEL = 12,
    CMD_READ_NOTIFY = 15,
    CMD_CREATE_CHAN = 18,
    CMD_WRITE_NOTIFY = 19,
    CMD_ACCESS_RIGHTS = 22,
    CMD_ECHO = 23,
    TYPE_DOUBLE = 6,
    MINOR_VERSION = 13,
    HEADER_SIZE = 16,
    LONG_HEADER_SIZE = 24,
};

struct header {
    uint16_t command;
    uint16_t type;
    uint32_t payload_size;
    uint32_t count;
    uint32_t p1;
    uint32_t p2;
};

static inline uint16_t load16(const uint8_t *p) {
    uint16_t v;
    memcpy(&v, p, sizeof v);
    return ntohs(v);
}

static inline uint32_t load32(const uint8_t *p) {
    uint32_t v;
    memcpy(&v, p, sizeof v);
    return ntohl(v);
}

static inline void store16(uint8_t *p, uint32_t value) {
    uint16_t v = htons((uint16_t)value);
    memcpy(p, &v, sizeof v);
}

static inline void store32(uint8_t *p, uint32_t value) {
    uint32_t v = htonl(value);
    memcpy(p, &v, sizeof v);
}

static inline double load_double(const uint8_t *p) {
    uint64_t bits = (uint64_t)load32(p) << 32 | load32(p + 4);
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static inline void store_double(uint8_t *p, double value) {
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    store32(p, (uint32_t)(bits >> 32));
    store32(p + 4, (uint32_t)bits);
}

static inline size_t padded(size_t size) { return (size + 7) & ~(size_t)7; }

/* Writes a header of 16 or 24 bytes, as the sizes ask, and returns its length. */
static inline size_t put_header(uint8_t *to, struct header h) {
    int is_long = h.payload_size >= 0xffff || h.count >= 0xffff;
    store16(to, h.command);
    store16(to + 2, is_long ? 0xffff : h.payload_size);
    store16(to + 4, h.type);
    store16(to + 6, is_long ? 0 : h.count);
    store32(to + 8, h.p1);
    store32(to + 12, h.p2);
    if (!is_long)
        return HEADER_SIZE;
    store32(to + 16, h.payload_size);
    store32(to + 20, h.count);
    return LONG_HEADER_SIZE;
}

/* Reads a header and returns its length, or 0 while it is incomplete. */
static inline size_t get_header(const uint8_t *from, size_t size, struct header *h) {
    if (size < HEADER_SIZE)
        return 0;
    h->command = load16(from);
    h->payload_size = load16(from + 2);
    h->type = load16(from + 4);
    h->count = load16(from + 6);
    h->p1 = load32(from + 8);
    h->p2 = load32(from + 12);
    if (h->payload_size != 0xffff)
        return HEADER_SIZE;
    if (size < LONG_HEADER_SIZE)
        return 0;
    h->payload_size = load32(from + 16);
    h->count = load32(from + 20);
    return LONG_HEADER_SIZE;
}

/* Writes a message whose payload is a text, and returns its length. */
static inline size_t put_text(uint8_t *to, struct header h, const char *text) {
    size_t size = padded(strlen(text) + 1);
    h.payload_size = (uint32_t)size;
    size_t at = put_header(to, h);
    memset(to + at, 0, size);
    memcpy(to + at, text, strlen(text));
    return at + size;
}

static inline double now(clockid_t clock) {
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static inline void die(const char *what) {
    perror(what);
    exit(1);
}

#endif
