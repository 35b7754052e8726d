/* The physical limit: a server that answers by rote, with one thread and one epoll.
 *
 *   rote_server PORT
 *
 * Every name exists. The SID tells how many doubles a channel has: the digits behind the
 * last "x" of its name (BENCH:ARRAYx1000), else one. Values are never stored or checked;
 * answers are copied from ready-made bytes. It knows the commands of control.py:
 * rounds, stamps and array; see control() below. */
#include "../load/wire.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

enum { INPUT_SIZE = 1 << 16, OUTPUT_SIZE = 1 << 17, MAX_CIRCUITS = 4096 };

struct circuit {
    int fd;
    size_t filled;
    uint8_t input[INPUT_SIZE];
    size_t pending; /* answers in `output` that are not sent yet */
    uint8_t output[OUTPUT_SIZE];
    int subscriptions;  /* of one double each; SUBIDs 0 ... subscriptions - 1 */
    uint32_t array_sid; /* of the one array subscription, 0 without */
};

static struct circuit *circuits[MAX_CIRCUITS];
static int circuit_count;
static int poller, udp, listener;
static uint8_t *zeros; /* a payload as large as any */
static size_t zeros_size = 16 << 20;

static void send_all(struct circuit *c, const uint8_t *data, size_t size) {
    while (size) {
        ssize_t sent = send(c->fd, data, size, MSG_NOSIGNAL);
        if (sent < 0 && errno != EINTR)
            return; /* the circuit's next read tells why */
        if (sent > 0) {
            data += sent;
            size -= (size_t)sent;
        }
    }
}

static void flush(struct circuit *c) {
    send_all(c, c->output, c->pending);
    c->pending = 0;
}

static uint8_t *reserve(struct circuit *c, size_t size) {
    if (c->pending + size > OUTPUT_SIZE)
        flush(c);
    uint8_t *at = c->output + c->pending;
    c->pending += size;
    return at;
}

static void reply(struct circuit *c, struct header h) {
    uint8_t *at = reserve(c, LONG_HEADER_SIZE);
    c->pending -= LONG_HEADER_SIZE - put_header(at, h);
}

/* A value of `count` doubles: small ones into the buffer, large ones straight out. */
static void reply_value(struct circuit *c, struct header h, uint32_t count) {
    h.type = TYPE_DOUBLE;
    h.count = count;
    h.payload_size = 8 * count;
    h.p1 = 1;
    reply(c, h);
    if (h.payload_size <= 64) {
        memset(reserve(c, h.payload_size), 0, h.payload_size);
        return;
    }
    flush(c);
    send_all(c, zeros, h.payload_size);
}

static void create_channel(struct circuit *c, const struct header *h,
                           const uint8_t *name) {
    const char *digits = strrchr((const char *)name, 'x');
    uint32_t count = digits ? (uint32_t)atol(digits + 1) : 1;
    reply(c, (struct header){.command = CMD_ACCESS_RIGHTS, .p1 = h->p1, .p2 = 3});
    reply(c, (struct header){.command = CMD_CREATE_CHAN,
                             .type = TYPE_DOUBLE,
                             .count = count,
                             .p1 = h->p1,
                             .p2 = count});
}

static void answer(struct circuit *c, const struct header *h, const uint8_t *payload) {
    switch (h->command) {
    case CMD_READ_NOTIFY:
        reply_value(c, *h, h->count ? h->count : h->p1);
        break;
    case CMD_WRITE_NOTIFY:
        reply(c, (struct header){.command = h->command,
                                 .type = h->type,
                                 .count = h->count,
                                 .p1 = 1,
                                 .p2 = h->p2});
        break;
    case CMD_CREATE_CHAN:
        create_channel(c, h, payload);
        break;
    case CMD_EVENT_ADD:
        if (h->p1 == 1)
            ++c->subscriptions;
        else
            c->array_sid = h->p1;
        reply_value(c, *h, h->p1);
        break;
    case CMD_ECHO:
        reply(c, *h);
        break;
    }
}

static void close_circuit(struct circuit *c) {
    for (int i = 0; i < circuit_count; ++i)
        if (circuits[i] == c)
            circuits[i] = circuits[--circuit_count];
    close(c->fd);
    free(c);
}

static void read_circuit(struct circuit *c) {
    ssize_t got = recv(c->fd, c->input + c->filled, INPUT_SIZE - c->filled, 0);
    if (got <= 0) {
        close_circuit(c);
        return;
    }
    const uint8_t *at = c->input, *end = at + c->filled + got;
    for (;;) {
        struct header h;
        size_t length = get_header(at, (size_t)(end - at), &h);
        if (!length || (size_t)(end - at) < length + h.payload_size)
            break;
        answer(c, &h, at + length);
        at += length + h.payload_size;
    }
    c->filled = (size_t)(end - at);
    memmove(c->input, at, c->filled);
    flush(c);
}

static void accept_circuit(void) {
    if (circuit_count == MAX_CIRCUITS)
        return;
    struct circuit *c = calloc(1, sizeof *c);
    c->fd = accept(listener, NULL, NULL);
    int on = 1;
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    circuits[circuit_count++] = c;
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
    epoll_ctl(poller, EPOLL_CTL_ADD, c->fd, &event);
    reply(c, (struct header){.command = CMD_VERSION, .count = MINOR_VERSION});
    flush(c);
}

static void answer_searches(int tcp_port) {
    uint8_t frame[65536], out[2048];
    struct sockaddr_in from;
    socklen_t from_size = sizeof from;
    ssize_t got = recvfrom(udp, frame, sizeof frame, 0, (struct sockaddr *)&from,
                           &from_size);
    size_t size = 0;
    for (ssize_t at = 0; at + HEADER_SIZE <= got;) {
        struct header h = {0};
        at += (ssize_t)get_header(frame + at, (size_t)(got - at), &h);
        at += (ssize_t)h.payload_size;
        if (h.command == CMD_VERSION)
            size += put_header(out + size, (struct header){.command = CMD_VERSION,
                                                           .type = 1,
                                                           .count = MINOR_VERSION,
                                                           .p1 = h.p1});
        if (h.command != CMD_SEARCH)
            continue;
        size += put_header(out + size, (struct header){.command = CMD_SEARCH,
                                                       .payload_size = 8,
                                                       .type = (uint16_t)tcp_port,
                                                       .p1 = 0xffffffff,
                                                       .p2 = h.p2});
        memset(out + size, 0, 8);
        store16(out + size, MINOR_VERSION);
        size += 8;
        if (size > 1000) {
            sendto(udp, out, size, 0, (struct sockaddr *)&from, from_size);
            size = 0;
        }
    }
    if (size)
        sendto(udp, out, size, 0, (struct sockaddr *)&from, from_size);
}

/* ---- posts ------------------------------------------------------------------ */

static long post_doubles(double value) {
    long posted = 0;
    for (int i = 0; i < circuit_count; ++i) {
        struct circuit *c = circuits[i];
        for (int s = 0; s < c->subscriptions; ++s) {
            uint8_t *at = reserve(c, HEADER_SIZE + 8);
            put_header(at, (struct header){.command = CMD_EVENT_ADD,
                                           .payload_size = 8,
                                           .type = TYPE_DOUBLE,
                                           .count = 1,
                                           .p1 = 1,
                                           .p2 = (uint32_t)s});
            store_double(at + HEADER_SIZE, value);
        }
        posted += c->subscriptions;
        flush(c);
    }
    return posted;
}

static long post_arrays(void) {
    for (int i = 0; i < circuit_count; ++i)
        if (circuits[i]->array_sid)
            reply_value(circuits[i], (struct header){.command = CMD_EVENT_ADD},
                        circuits[i]->array_sid);
    return 1;
}

/* Repeats rounds of doubles, `times` over, or array posts if 0, each `period`. */
static void post_for(double seconds, double period, int times) {
    double start = now(CLOCK_MONOTONIC), next = start;
    long posted = 0, rounds = 0;
    while (now(CLOCK_MONOTONIC) < start + seconds) {
        if (!times)
            posted += post_arrays();
        for (int i = 0; i < times; ++i)
            posted += post_doubles(now(CLOCK_REALTIME));
        ++rounds;
        next += period;
        double rest = next - now(CLOCK_MONOTONIC);
        if (rest > 0)
            usleep((useconds_t)(1e6 * rest));
        else
            next -= rest;
    }
    printf("{\"posts\": %ld, \"rounds\": %ld}\n", posted, rounds);
}

static int control(void) {
    char line[256];
    ssize_t got = read(STDIN_FILENO, line, sizeof line - 1);
    if (got <= 0)
        return 0;
    line[got] = 0;
    double seconds, period;
    int count;
    if (sscanf(line, "rounds %lf %lf %d", &seconds, &period, &count) == 3)
        post_for(seconds, period, strstr(line, "same") ? count : 1);
    else if (sscanf(line, "stamps %d %lf", &count, &period) == 2)
        post_for(count * period, period, 1);
    else if (sscanf(line, "array %lf", &seconds) == 1)
        post_for(seconds, 0, 0);
    else
        printf("{}\n");
    fflush(stdout);
    return 1;
}

static int listen_on(int type, int port) {
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, type, 0), on = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    int size = 4 << 20;
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    if (bind(fd, (struct sockaddr *)&address, sizeof address) < 0)
        die("bind");
    if (type == SOCK_STREAM && listen(fd, 128) < 0)
        die("listen");
    return fd;
}

int main(int argc, char **argv) {
    int port = argc > 1 ? atoi(argv[1]) : 5064;
    zeros = calloc(1, zeros_size);
    memset(zeros, 0, zeros_size);
    udp = listen_on(SOCK_DGRAM, port);
    listener = listen_on(SOCK_STREAM, port);
    poller = epoll_create1(0);
    void *special[] = {&udp, &listener, &poller};
    int fds[] = {udp, listener, STDIN_FILENO};
    for (int i = 0; i < 3; ++i) {
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = special[i]};
        epoll_ctl(poller, EPOLL_CTL_ADD, fds[i], &event);
    }
    printf("{}\n");
    fflush(stdout);
    for (int open = 1; open;) {
        struct epoll_event events[64];
        int ready = epoll_wait(poller, events, 64, -1);
        for (int i = 0; i < ready; ++i) {
            void *what = events[i].data.ptr;
            if (what == &udp)
                answer_searches(port);
            else if (what == &listener)
                accept_circuit();
            else if (what == &poller)
                open = control();
            else
                read_circuit(what);
        }
    }
    return 0;
}
