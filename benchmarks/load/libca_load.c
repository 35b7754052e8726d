/* Load through libca, as a C client makes it: preemptive callbacks, one context.
 *
 *   libca_load gets    NAME OUTSTANDING SECONDS    batches of ca_get_callback
 *   libca_load latency NAME SECONDS                one get at a time
 *   libca_load puts    NAME OUTSTANDING SECONDS    ca_put, the last one confirmed
 *   libca_load putcbs  NAME OUTSTANDING SECONDS    batches of ca_put_callback
 *   libca_load putlat  NAME SECONDS                one put callback at a time
 *   libca_load connect PREFIX COUNT                channels PREFIX0... from cold
 *
 * The server is found through EPICS_CA_ADDR_LIST and so on. One line of JSON on stdout.
 * The main thread sends; libca's receive thread runs the callbacks. */
#include "samples.h"

#include <cadef.h>
#include <epicsEvent.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const double TIMEOUT = 60.0;
static atomic_long remaining; /* answers still to come in this batch */
static atomic_long failures;
static epicsEventId batch_done;
static chid channel;
static double put_value; /* a new value for each put, or servers may drop it */

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void check(int status, const char *what) {
    if (status == ECA_NORMAL)
        return;
    fprintf(stderr, "%s: %s\n", what, ca_message(status));
    exit(1);
}

static void answer_arrived(void) {
    if (atomic_fetch_sub(&remaining, 1) == 1)
        epicsEventSignal(batch_done);
}

static void on_answer(struct event_handler_args args) {
    if (args.status != ECA_NORMAL)
        atomic_fetch_add(&failures, 1);
    answer_arrived();
}

static void on_connection(struct connection_handler_args args) {
    if (args.op == CA_OP_CONN_UP)
        answer_arrived();
}

static void wait_for_batch(const char *what) {
    if (epicsEventWaitWithTimeout(batch_done, TIMEOUT) != epicsEventOK) {
        fprintf(stderr, "%s: no answer within %g s\n", what, TIMEOUT);
        exit(1);
    }
    if (atomic_load(&failures)) {
        fprintf(stderr, "%s: a request failed\n", what);
        exit(1);
    }
}

static void open_channel(const char *name) {
    atomic_store(&remaining, 1);
    check(ca_create_channel(name, on_connection, NULL, 0, &channel), name);
    ca_flush_io();
    wait_for_batch(name);
}

/* One batch of each kind: all requests, one flush. ------------------------------ */

static void get_batch(long n) {
    atomic_store(&remaining, n);
    for (long i = 0; i < n; ++i)
        check(ca_get_callback(DBR_DOUBLE, channel, on_answer, NULL), "get");
    ca_flush_io();
    wait_for_batch("get");
}

static void put_callback_batch(long n) {
    atomic_store(&remaining, n);
    for (long i = 0; i < n; ++i) {
        put_value += 1;
        check(ca_array_put_callback(DBR_DOUBLE, 1, channel, &put_value, on_answer,
                                    NULL),
              "put callback");
    }
    ca_flush_io();
    wait_for_batch("put callback");
}

/* Plain puts have no answer: a get on the same circuit, which servers answer in order,
 * keeps the client from running ahead without bound. */
static void put_batch(long n) {
    for (long i = 0; i < n; ++i) {
        put_value += 1;
        check(ca_put(DBR_DOUBLE, channel, &put_value), "put");
    }
    get_batch(1);
}

/* Scenarios -------------------------------------------------------------------- */

typedef void (*batch_function)(long n);

static void run_rate(batch_function batch, long outstanding, double seconds) {
    long operations = 0;
    double start = now(), end = start;
    for (; end < start + seconds; end = now()) {
        batch(outstanding);
        operations += outstanding;
    }
    printf("{\"operations\": %ld, \"seconds\": %.6f}\n", operations, end - start);
}

static void run_latency(batch_function batch, double seconds) {
    struct samples times = {0};
    double begin = now();
    for (double start; (start = now()) < begin + seconds;) {
        batch(1);
        samples_add(&times, now() - start);
    }
    printf("{\"operations\": %zu, \"seconds\": %.6f, ", times.size, now() - begin);
    printf("\"p50_us\": %.2f, \"p99_us\": %.2f}\n",
           1e6 * samples_percentile(&times, 0.5),
           1e6 * samples_percentile(&times, 0.99));
}

static void run_connect(const char *prefix, long n) {
    chid *channels = calloc((size_t)n, sizeof *channels);
    char name[64];
    atomic_store(&remaining, n);
    double start = now();
    for (long i = 0; i < n; ++i) {
        snprintf(name, sizeof name, "%s%ld", prefix, i);
        check(ca_create_channel(name, on_connection, NULL, 0, &channels[i]), name);
    }
    ca_flush_io();
    epicsEventStatus status = epicsEventWaitWithTimeout(batch_done, 4 * TIMEOUT);
    long connected = n - atomic_load(&remaining);
    printf("{\"operations\": %ld, \"seconds\": %.6f}\n", connected, now() - start);
    fflush(stdout);
    if (status != epicsEventOK)
        exit(1);
}

static int usage(void) {
    fprintf(stderr, "see the top of libca_load.c for its arguments\n");
    return 2;
}

int main(int argc, char **argv) {
    if (argc < 4)
        return usage();
    const char *what = argv[1], *name = argv[2];
    batch_done = epicsEventMustCreate(epicsEventEmpty);
    check(ca_context_create(ca_enable_preemptive_callback), "context");
    if (!strcmp(what, "connect")) {
        run_connect(name, atol(argv[3]));
        _Exit(0); /* the server's side of the farewell is not measured here */
    }
    open_channel(name);
    put_value = (double)(time(NULL) % 1000000);
    if (!strcmp(what, "latency"))
        run_latency(get_batch, atof(argv[3]));
    else if (!strcmp(what, "putlat"))
        run_latency(put_callback_batch, atof(argv[3]));
    else if (argc > 4 && !strcmp(what, "gets"))
        run_rate(get_batch, atol(argv[3]), atof(argv[4]));
    else if (argc > 4 && !strcmp(what, "puts"))
        run_rate(put_batch, atol(argv[3]), atof(argv[4]));
    else if (argc > 4 && !strcmp(what, "putcbs"))
        run_rate(put_callback_batch, atol(argv[3]), atof(argv[4]));
    else
        return usage();
    ca_context_destroy();
    return 0;
}
