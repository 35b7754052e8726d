/* Load without libca: hand-made requests on plain sockets, several circuits, one thread.
 *
 *   raw_load gets    PORT NAME CIRCUITS OUTSTANDING SECONDS
 *   raw_load putcbs  PORT PREFIX OUTSTANDING SECONDS    put callbacks, to as many PVs
 *   raw_load latency PORT NAME SECONDS
 *   raw_load paced   PORT NAME SECONDS PERIOD_US   from when each was due, late or not
 *   raw_load monitor PORT CIRCUITS NAME...
 *
 * PORT is the UDP port of the search. Every answer is one line of JSON on stdout.
 * `monitor` prints a line when every subscription has had its first update, then one
 * snapshot of its counters per line of stdin, until stdin ends. An update of one double
 * is taken as the time it was posted, seconds since 1970, for the latency. */
#include "samples.h"
#include "wire.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BUFFER_SIZE = 1 << 18, LARGEST_WHOLE = 1 << 12, MAX_CIRCUITS = 1024 };

/* One TCP circuit. Messages up to LARGEST_WHOLE are handed on complete; of larger ones
 * the payload is counted and dropped as it comes. */
struct circuit {
    int fd;
    uint8_t *buffer;
    size_t filled;
    uint64_t skip; /* bytes of a large payload still to come */
    int completed; /* messages whose last byte has arrived in this call */
};

struct channel {
    uint32_t sid;
    uint32_t count;
    uint16_t type;
};

typedef void (*message_handler)(const struct header *, const uint8_t *payload);

static uint64_t bytes_received;

/* ---- sockets ---------------------------------------------------------------- */

static struct sockaddr_in loopback(int port) {
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    return address;
}

/* Searches one name until the server answers; returns its TCP port. */
static int search(int udp_port, const char *name) {
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    struct sockaddr_in to = loopback(udp_port);
    uint8_t frame[1024];
    size_t size = put_header(frame, (struct header){.command = CMD_VERSION,
                                                    .type = 1,
                                                    .count = MINOR_VERSION,
                                                    .p1 = 1});
    struct header request = {.command = CMD_SEARCH,
                             .type = 5,
                             .count = MINOR_VERSION,
                             .p1 = 1,
                             .p2 = 1};
    size += put_text(frame + size, request, name);
    for (int attempt = 0; attempt < 300; ++attempt) {
        sendto(fd, frame, size, 0, (struct sockaddr *)&to, sizeof to);
        struct pollfd wait = {.fd = fd, .events = POLLIN};
        if (poll(&wait, 1, 100) <= 0)
            continue;
        uint8_t answer[2048];
        ssize_t got = recv(fd, answer, sizeof answer, 0);
        struct header h = {0};
        for (ssize_t at = 0; at + HEADER_SIZE <= got;) {
            at += (ssize_t)get_header(answer + at, (size_t)(got - at), &h);
            at += (ssize_t)h.payload_size;
            if (h.command == CMD_SEARCH) {
                close(fd);
                return h.type;
            }
        }
    }
    fprintf(stderr, "nobody serves %s\n", name);
    exit(1);
}

static void send_all(int fd, const uint8_t *data, size_t size) {
    while (size) {
        ssize_t sent = send(fd, data, size, MSG_NOSIGNAL);
        if (sent < 0 && errno != EINTR)
            die("send");
        if (sent > 0) {
            data += sent;
            size -= (size_t)sent;
        }
    }
}

static void open_circuit(struct circuit *c, int tcp_port) {
    struct sockaddr_in to = loopback(tcp_port);
    c->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(c->fd, (struct sockaddr *)&to, sizeof to) < 0)
        die("connect");
    int on = 1;
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    c->buffer = malloc(BUFFER_SIZE);
    uint8_t hello[256];
    size_t size = put_header(
        hello, (struct header){.command = CMD_VERSION, .count = MINOR_VERSION});
    size += put_text(hello + size, (struct header){.command = 20}, "bench");
    size += put_text(hello + size, (struct header){.command = 21}, "localhost");
    send_all(c->fd, hello, size);
}

/* ---- receiving -------------------------------------------------------------- */

/* Hands on the messages in the buffer and moves the incomplete rest to its start. */
static void parse(struct circuit *c, message_handler handle) {
    const uint8_t *at = c->buffer, *end = at + c->filled;
    while (at < end) {
        if (c->skip) {
            size_t drop = c->skip < (uint64_t)(end - at) ? c->skip : (size_t)(end - at);
            at += drop;
            c->skip -= drop;
            c->completed += c->skip == 0;
            continue;
        }
        struct header h = {0};
        size_t length = get_header(at, (size_t)(end - at), &h);
        if (!length)
            break;
        if (h.payload_size > LARGEST_WHOLE) {
            c->skip = h.payload_size;
        } else if ((size_t)(end - at) < length + h.payload_size) {
            break;
        } else {
            ++c->completed;
        }
        handle(&h, at + length);
        at += length + (c->skip ? 0 : h.payload_size);
    }
    c->filled = (size_t)(end - at);
    memmove(c->buffer, at, c->filled);
}

/* Receives once and parses; returns the messages completed, or -1 if nothing came. */
static int receive(struct circuit *c, int flags, message_handler handle) {
    ssize_t got =
        recv(c->fd, c->buffer + c->filled, BUFFER_SIZE - c->filled, flags);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return -1;
    if (got <= 0) {
        fprintf(stderr, "the server closed a circuit\n");
        exit(1);
    }
    bytes_received += (uint64_t)got;
    c->filled += (size_t)got;
    c->completed = 0;
    parse(c, handle);
    return c->completed;
}

static void expect_success(const struct header *h, const uint8_t *payload) {
    (void)payload;
    if ((h->command == CMD_READ_NOTIFY || h->command == CMD_WRITE_NOTIFY) &&
        h->p1 != 1) {
        fprintf(stderr, "a request failed with ECA status %u\n", h->p1);
        exit(1);
    }
}

/* ---- channels --------------------------------------------------------------- */

static struct channel *created; /* filled by on_created, indexed by CID */
static int created_count;

static void on_created(const struct header *h, const uint8_t *payload) {
    (void)payload;
    if (h->command != CMD_CREATE_CHAN)
        return;
    created[h->p1] = (struct channel){h->p2, h->count, h->type};
    ++created_count;
}

static void create_channels(struct circuit *c, char **names, int n,
                            struct channel *channels) {
    uint8_t message[1024];
    for (int i = 0; i < n; ++i) {
        struct header h = {.command = CMD_CREATE_CHAN,
                           .p1 = (uint32_t)i,
                           .p2 = MINOR_VERSION};
        send_all(c->fd, message, put_text(message, h, names[i]));
    }
    created = channels;
    created_count = 0;
    while (created_count < n)
        receive(c, 0, on_created);
}

/* ---- gets ------------------------------------------------------------------- */

static int watch(struct circuit *circuits, int n) {
    int poller = epoll_create1(0);
    for (int i = 0; i < n; ++i) {
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = &circuits[i]};
        epoll_ctl(poller, EPOLL_CTL_ADD, circuits[i].fd, &event);
    }
    return poller;
}

static uint8_t *make_reads(const struct channel *channel, int n) {
    uint8_t *requests = malloc((size_t)n * LONG_HEADER_SIZE);
    size_t at = 0;
    for (int i = 0; i < n; ++i)
        at += put_header(requests + at, (struct header){.command = CMD_READ_NOTIFY,
                                                        .type = TYPE_DOUBLE,
                                                        .count = channel->count,
                                                        .p1 = channel->sid,
                                                        .p2 = (uint32_t)i});
    return requests;
}

static void run_gets(int port, char **names, int n, int outstanding, double seconds) {
    static struct circuit circuits[MAX_CIRCUITS];
    int tcp_port = search(port, names[0]);
    uint8_t *requests[MAX_CIRCUITS];
    struct channel channel;
    for (int i = 0; i < n; ++i) {
        open_circuit(&circuits[i], tcp_port);
        create_channels(&circuits[i], names, 1, &channel);
        requests[i] = make_reads(&channel, outstanding);
    }
    size_t request_size = channel.count >= 0xffff ? LONG_HEADER_SIZE : HEADER_SIZE;
    int poller = watch(circuits, n);
    uint64_t operations = 0;
    double start = now(CLOCK_MONOTONIC), end = start;
    bytes_received = 0;
    for (int i = 0; i < n; ++i)
        send_all(circuits[i].fd, requests[i], (size_t)outstanding * request_size);
    while (end < start + seconds) {
        struct epoll_event events[64];
        int ready = epoll_wait(poller, events, 64, 1000);
        for (int i = 0; i < ready; ++i) {
            struct circuit *c = events[i].data.ptr;
            int done = receive(c, MSG_DONTWAIT, expect_success);
            if (done <= 0)
                continue;
            send_all(c->fd, requests[c - circuits], (size_t)done * request_size);
            operations += (uint64_t)done;
        }
        end = now(CLOCK_MONOTONIC);
    }
    printf("{\"operations\": %lu, \"seconds\": %.6f, \"bytes\": %lu}\n",
           (unsigned long)operations, end - start, (unsigned long)bytes_received);
}

/* Put callbacks without a pause: each answer is followed by the next request. ---- */

enum { PUT_SIZE = HEADER_SIZE + 8, MAX_CHANNELS = 1000 };

/* Two rounds of requests, of other values: an unchanged one may cost a server less. */
static uint8_t *make_puts(const struct channel *channels, int n) {
    uint8_t *requests = malloc((size_t)(2 * n) * PUT_SIZE);
    for (int i = 0; i < 2 * n; ++i) {
        uint8_t *at = requests + (size_t)i * PUT_SIZE;
        put_header(at, (struct header){.command = CMD_WRITE_NOTIFY,
                                       .payload_size = 8,
                                       .type = TYPE_DOUBLE,
                                       .count = 1,
                                       .p1 = channels[i % n].sid,
                                       .p2 = (uint32_t)i});
        store_double(at + HEADER_SIZE, i);
    }
    return requests;
}

static void run_put_callbacks(int port, const char *prefix, int n, double seconds) {
    static char texts[MAX_CHANNELS][64];
    static char *names[MAX_CHANNELS];
    struct channel channels[MAX_CHANNELS];
    struct circuit c = {0};
    n = n < MAX_CHANNELS ? n : MAX_CHANNELS;
    for (int i = 0; i < n; ++i) {
        snprintf(texts[i], sizeof texts[i], "%.40s%d", prefix, i);
        names[i] = texts[i];
    }
    open_circuit(&c, search(port, names[0]));
    create_channels(&c, names, n, channels);
    uint8_t *requests = make_puts(channels, n);
    uint64_t operations = 0;
    double start = now(CLOCK_MONOTONIC), end = start;
    send_all(c.fd, requests, (size_t)n * PUT_SIZE);
    int next = n; /* of the 2 n requests, the one to send */
    for (; end < start + seconds; end = now(CLOCK_MONOTONIC)) {
        int done = receive(&c, 0, expect_success);
        operations += (uint64_t)done;
        while (done > 0) {
            int run = done < 2 * n - next ? done : 2 * n - next;
            send_all(c.fd, requests + (size_t)next * PUT_SIZE, (size_t)run * PUT_SIZE);
            next = (next + run) % (2 * n);
            done -= run;
        }
    }
    printf("{\"operations\": %lu, \"seconds\": %.6f}\n", (unsigned long)operations,
           end - start);
}

static void sleep_until(double when) {
    struct timespec at = {.tv_sec = (time_t)when};
    at.tv_nsec = (long)(1e9 * (when - (double)at.tv_sec));
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL) == EINTR)
        ;
}

/* One get after the other; with a `period` each of them is due at a time of its own, so
 * that one that takes long counts for those that it held up. */
static void run_latency(int port, char *name, double seconds, double period) {
    struct circuit c = {0};
    struct samples times = {0};
    struct channel channel;
    open_circuit(&c, search(port, name));
    create_channels(&c, &name, 1, &channel);
    uint8_t *request = make_reads(&channel, 1);
    double start = now(CLOCK_MONOTONIC), end = start + seconds;
    for (; start < end; start = period > 0 ? start + period : now(CLOCK_MONOTONIC)) {
        if (period > 0)
            sleep_until(start);
        send_all(c.fd, request, HEADER_SIZE);
        while (receive(&c, 0, expect_success) < 1)
            ;
        samples_add(&times, now(CLOCK_MONOTONIC) - start);
    }
    printf("{\"operations\": %zu, \"p50_us\": %.2f, \"p99_us\": %.2f, ", times.size,
           1e6 * samples_percentile(&times, 0.5),
           1e6 * samples_percentile(&times, 0.99));
    printf("\"max_us\": %.2f}\n", 1e6 * samples_percentile(&times, 1.0));
}

/* ---- monitors --------------------------------------------------------------- */

static uint64_t updates;
static struct samples delays;
static double received_at; /* taken once per receive: a call per update would count */

static void on_update(const struct header *h, const uint8_t *payload) {
    if (h->command != CMD_EVENT_ADD)
        return;
    ++updates;
    if (h->count == 1 && h->payload_size == 8)
        samples_add(&delays, received_at - load_double(payload));
}

static void subscribe(struct circuit *c, const struct channel *channels, int n) {
    uint8_t message[LONG_HEADER_SIZE + 16];
    for (int i = 0; i < n; ++i) {
        size_t at = put_header(message, (struct header){.command = CMD_EVENT_ADD,
                                                        .payload_size = 16,
                                                        .type = channels[i].type,
                                                        .count = channels[i].count,
                                                        .p1 = channels[i].sid,
                                                        .p2 = (uint32_t)i});
        memset(message + at, 0, 16);
        store16(message + at + 12, 1 | 4); /* DBE_VALUE | DBE_ALARM */
        send_all(c->fd, message, at + 16);
    }
}

static void print_updates(void) {
    printf("{\"updates\": %lu, \"bytes\": %lu, \"p50_us\": %.1f, \"p99_us\": %.1f}\n",
           (unsigned long)updates, (unsigned long)bytes_received,
           1e6 * samples_percentile(&delays, 0.5),
           1e6 * samples_percentile(&delays, 0.99));
    fflush(stdout);
    delays.size = 0;
}

/* True until stdin ends; prints a snapshot for what was typed. */
static int answer_stdin(void) {
    char line[256];
    if (read(STDIN_FILENO, line, sizeof line) <= 0)
        return 0;
    print_updates();
    return 1;
}

static void run_monitor(int port, char **names, int channels, int n) {
    static struct circuit circuits[MAX_CIRCUITS];
    struct channel *made = calloc((size_t)channels, sizeof *made);
    int tcp_port = search(port, names[0]);
    for (int i = 0; i < n; ++i) {
        open_circuit(&circuits[i], tcp_port);
        create_channels(&circuits[i], names, channels, made);
        subscribe(&circuits[i], made, channels);
    }
    int poller = watch(circuits, n), announced = 0, open = 1;
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    epoll_ctl(poller, EPOLL_CTL_ADD, STDIN_FILENO, &event);
    while (open) {
        struct epoll_event events[64];
        int ready = epoll_wait(poller, events, 64, -1);
        for (int i = 0; i < ready; ++i) {
            struct circuit *c = events[i].data.ptr;
            received_at = now(CLOCK_REALTIME);
            if (c)
                receive(c, MSG_DONTWAIT, on_update);
            else
                open = answer_stdin();
        }
        if (!announced && updates >= (uint64_t)n * (uint64_t)channels) {
            announced = 1;
            print_updates();
        }
    }
}

int main(int argc, char **argv) {
    if (argc >= 7 && !strcmp(argv[1], "gets"))
        run_gets(atoi(argv[2]), argv + 3, atoi(argv[4]), atoi(argv[5]), atof(argv[6]));
    else if (argc >= 6 && !strcmp(argv[1], "putcbs"))
        run_put_callbacks(atoi(argv[2]), argv[3], atoi(argv[4]), atof(argv[5]));
    else if (argc >= 5 && !strcmp(argv[1], "latency"))
        run_latency(atoi(argv[2]), argv[3], atof(argv[4]), 0);
    else if (argc >= 6 && !strcmp(argv[1], "paced"))
        run_latency(atoi(argv[2]), argv[3], atof(argv[4]), 1e-6 * atof(argv[5]));
    else if (argc >= 5 && !strcmp(argv[1], "monitor"))
        run_monitor(atoi(argv[2]), argv + 4, argc - 4, atoi(argv[3]));
    else {
        fprintf(stderr, "see the top of raw_load.c for its arguments\n");
        return 2;
    }
    return 0;
}
