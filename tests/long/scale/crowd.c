/* Many circuits from one process, with channels and subscriptions; one thread.
 *
 *   crowd TCP_PORT PREFIX FIRST PVS HOSTS
 *
 * Channels are of the PVs PREFIX + number, numbers from FIRST, PVS of them in turn.
 * Circuits come from the addresses 127.0.0.2 and following, HOSTS of them. Each line on
 * stdin is a command; each answer is one line of JSON on stdout:
 *
 *   connect N      open N more circuits at once, until the server has greeted all
 *   ask N          open N more circuits, and do not wait for the greeting
 *   greeted        how many circuits have been greeted
 *   create N       N more channels on each circuit, until all are there
 *   subscribe      to all channels, until each has had its first update
 *   until N        wait for N more updates
 *   writes N       a put callback on the first N channels, until all are answered
 *   updates        how many updates there were so far
 *   close          close all circuits
 */
#include "../../../benchmarks/load/wire.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SCRATCH = 1 << 18, BATCH = 1 << 16, MESSAGE = 96 };

struct circuit {
    int fd;
    uint32_t filled; /* bytes of a message whose rest is still to come */
    uint8_t *rest;
};

struct channel {
    uint32_t sid;
    uint16_t type;
    uint16_t created;
};

static struct circuit *circuits;
static struct channel *channels; /* those of circuit i from i * per_circuit */
static long circuit_count, per_circuit, greeted, created, updates, answers, failures;
static int poller, tcp_port, hosts;
static const char *prefix;
static long first, pvs;
static uint8_t scratch[SCRATCH];

static const double PATIENCE = 300.0; /* without anything that arrives */

/* ---- receiving -------------------------------------------------------------- */

static void handle(struct circuit *c, const struct header *h) {
    struct channel *of = channels + (c - circuits) * per_circuit;
    switch (h->command) {
    case CMD_VERSION:
        ++greeted;
        break;
    case CMD_CREATE_CHAN:
        of[h->p1] = (struct channel){h->p2, h->type, 1};
        ++created;
        break;
    case CMD_EVENT_ADD:
        ++updates;
        break;
    case CMD_WRITE_NOTIFY:
        ++answers;
        failures += h->p1 != 1;
        break;
    case CMD_ACCESS_RIGHTS:
        break;
    default:
        fprintf(stderr, "unexpected command %u\n", h->command);
        exit(1);
    }
}

static void keep(struct circuit *c, const uint8_t *at, size_t size) {
    c->filled = (uint32_t)size;
    if (!size)
        return;
    c->rest = realloc(c->rest, size);
    memcpy(c->rest, at, size);
}

static void receive(struct circuit *c) {
    memcpy(scratch, c->rest ? c->rest : scratch, c->filled);
    ssize_t got = recv(c->fd, scratch + c->filled, SCRATCH - c->filled, MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0) {
        fprintf(stderr, "the server closed circuit %ld\n", (long)(c - circuits));
        exit(1);
    }
    size_t size = c->filled + (size_t)got, at = 0;
    struct header h = {0};
    for (size_t length; (length = get_header(scratch + at, size - at, &h)) != 0;) {
        if (size - at < length + h.payload_size)
            break;
        handle(c, &h);
        at += length + h.payload_size;
    }
    keep(c, scratch + at, size - at);
}

/* True once there is something; false after a while without. */
static int receive_some(int timeout_ms) {
    struct epoll_event events[256];
    int ready = epoll_wait(poller, events, 256, timeout_ms);
    for (int i = 0; i < ready; ++i)
        receive(&circuits[events[i].data.u64]);
    return ready > 0;
}

static void wait_until(const long *counter, long wanted) {
    double heard = now(CLOCK_MONOTONIC);
    while (*counter < wanted) {
        if (receive_some(1000))
            heard = now(CLOCK_MONOTONIC);
        else if (now(CLOCK_MONOTONIC) > heard + PATIENCE) {
            fprintf(stderr, "%ld of %ld came\n", *counter, wanted);
            exit(1);
        }
    }
}

/* ---- sending ---------------------------------------------------------------- */

/* The server may wait for us to read. */
static void send_all(int fd, const uint8_t *data, size_t size) {
    while (size) {
        ssize_t sent = send(fd, data, size, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && errno == EAGAIN)
            receive_some(10);
        else if (sent < 0 && errno != EINTR)
            die("send");
        if (sent > 0) {
            data += sent;
            size -= (size_t)sent;
        }
    }
}

static void begin_circuit(struct circuit *c, long number) {
    struct sockaddr_in from = {.sin_family = AF_INET,
                               .sin_addr.s_addr =
                                   htonl(INADDR_LOOPBACK + 1 + (uint32_t)(number % hosts))};
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)tcp_port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int on = 1;
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (c->fd < 0)
        die("socket");
    /* The port is chosen with the destination known: more of them than are free here. */
    setsockopt(c->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (bind(c->fd, (struct sockaddr *)&from, sizeof from) < 0)
        die("bind");
    if (connect(c->fd, (struct sockaddr *)&to, sizeof to) < 0 && errno != EINPROGRESS)
        die("connect");
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = (uint64_t)number};
    epoll_ctl(poller, EPOLL_CTL_ADD, c->fd, &event);
}

static void greet(struct circuit *c) {
    uint8_t hello[256];
    size_t size = put_header(
        hello, (struct header){.command = CMD_VERSION, .count = MINOR_VERSION});
    size += put_text(hello + size, (struct header){.command = 20}, "crowd");
    size += put_text(hello + size, (struct header){.command = 21}, "localhost");
    send_all(c->fd, hello, size);
}

static void open_circuits(long n) {
    if (per_circuit) {
        fprintf(stderr, "there are channels already\n");
        exit(1);
    }
    circuits = realloc(circuits, (size_t)(circuit_count + n) * sizeof *circuits);
    memset(circuits + circuit_count, 0, (size_t)n * sizeof *circuits);
    for (long i = circuit_count; i < circuit_count + n; ++i)
        begin_circuit(&circuits[i], i);
    circuit_count += n;
}

static void connect_circuits(long n) {
    open_circuits(n);
    wait_until(&greeted, circuit_count);
    for (long i = circuit_count - n; i < circuit_count; ++i)
        greet(&circuits[i]);
}

static void create_channels(long n) {
    char name[64];
    uint8_t *batch = malloc((size_t)n * MESSAGE);
    if (per_circuit) {
        fprintf(stderr, "there are channels already\n");
        exit(1);
    }
    per_circuit = n;
    channels = calloc((size_t)(circuit_count * n), sizeof *channels);
    for (long i = 0; i < circuit_count; ++i) {
        size_t size = 0;
        for (long k = 0; k < n; ++k) {
            snprintf(name, sizeof name, "%.32s%ld", prefix, first + (i * n + k) % pvs);
            struct header h = {.command = CMD_CREATE_CHAN,
                               .p1 = (uint32_t)k,
                               .p2 = MINOR_VERSION};
            size += put_text(batch + size, h, name);
        }
        send_all(circuits[i].fd, batch, size);
        receive_some(0);
    }
    wait_until(&created, circuit_count * n);
    free(batch);
}

static void subscribe(void) {
    uint8_t *batch = malloc((size_t)per_circuit * MESSAGE);
    for (long i = 0; i < circuit_count; ++i) {
        size_t size = 0;
        for (long k = 0; k < per_circuit; ++k) {
            const struct channel *channel = &channels[i * per_circuit + k];
            size += put_header(batch + size, (struct header){.command = CMD_EVENT_ADD,
                                                             .payload_size = 16,
                                                             .type = channel->type,
                                                             .count = 1,
                                                             .p1 = channel->sid,
                                                             .p2 = (uint32_t)k});
            memset(batch + size, 0, 16);
            store16(batch + size + 12, 1 | 4); /* DBE_VALUE | DBE_ALARM */
            size += 16;
        }
        send_all(circuits[i].fd, batch, size);
        receive_some(0);
    }
    wait_until(&updates, circuit_count * per_circuit);
    free(batch);
}

static void write_all(long n) {
    uint8_t message[HEADER_SIZE + 8];
    for (long i = 0; i < n; ++i) {
        put_header(message, (struct header){.command = CMD_WRITE_NOTIFY,
                                            .payload_size = 8,
                                            .type = TYPE_DOUBLE,
                                            .count = 1,
                                            .p1 = channels[i].sid,
                                            .p2 = (uint32_t)i});
        store_double(message + HEADER_SIZE, (double)i);
        send_all(circuits[i / per_circuit].fd, message, sizeof message);
    }
    wait_until(&answers, n);
    answers = 0;
}

static void close_all(void) {
    for (long i = 0; i < circuit_count; ++i) {
        close(circuits[i].fd);
        free(circuits[i].rest);
    }
    free(channels);
    channels = NULL;
    circuit_count = per_circuit = greeted = created = updates = 0;
}

/* ---- commands --------------------------------------------------------------- */

static void run(const char *line) {
    long n = 0;
    double start = now(CLOCK_MONOTONIC);
    if (sscanf(line, "connect %ld", &n) == 1)
        connect_circuits(n);
    else if (sscanf(line, "ask %ld", &n) == 1)
        open_circuits(n);
    else if (sscanf(line, "create %ld", &n) == 1)
        create_channels(n);
    else if (sscanf(line, "until %ld", &n) == 1)
        wait_until(&updates, updates + n);
    else if (sscanf(line, "writes %ld", &n) == 1)
        write_all(n);
    else if (!strncmp(line, "subscribe", 9))
        subscribe();
    else if (!strncmp(line, "close", 5))
        close_all();
    printf("{\"seconds\": %.6f, \"greeted\": %ld, \"updates\": %ld, "
           "\"failures\": %ld}\n",
           now(CLOCK_MONOTONIC) - start, greeted, updates, failures);
    fflush(stdout);
}

/* Also receives while there is no command. */
int main(int argc, char **argv) {
    enum { FROM_STDIN = 1 << 30 };
    char line[256];
    struct rlimit files;
    if (argc < 6) {
        fprintf(stderr, "see the top of crowd.c for its arguments\n");
        return 2;
    }
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    tcp_port = atoi(argv[1]);
    prefix = argv[2];
    first = atol(argv[3]);
    pvs = atol(argv[4]);
    hosts = atoi(argv[5]);
    poller = epoll_create1(0);
    int input = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = FROM_STDIN};
    epoll_ctl(input, EPOLL_CTL_ADD, STDIN_FILENO, &event);
    event.data.u64 = 0;
    epoll_ctl(input, EPOLL_CTL_ADD, poller, &event);
    for (;;) {
        struct epoll_event ready[2];
        int n = epoll_wait(input, ready, 2, -1);
        for (int i = 0; i < n; ++i) {
            if (ready[i].data.u64 != FROM_STDIN) {
                receive_some(0);
                continue;
            }
            if (read(STDIN_FILENO, line, sizeof line) <= 0)
                return 0;
            run(line);
        }
    }
}
