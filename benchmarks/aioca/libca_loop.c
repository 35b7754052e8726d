/* The floor: what the same work costs in C on libca, without any Python.
 *
 * libca_loop SCENARIO COUNT ROUNDS prints one JSON line with a number per round:
 * microseconds per PV, microseconds of CPU per update, or milliseconds of delay.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include <cadef.h>
#include <epicsEvent.h>
#include <epicsThread.h>
#include <epicsTime.h>

#define MOST 20000
#define MOST_DELAYS 200000

static chid channels[MOST];
static double values[MOST];
static epicsEventId finished;
static volatile int left;
static volatile long updates;
static double delays[MOST_DELAYS];

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec * 1e-9;
}

static double cpu(void) {
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    return used.ru_utime.tv_sec + used.ru_stime.tv_sec +
           (used.ru_utime.tv_usec + used.ru_stime.tv_usec) * 1e-6;
}

static void count_down(void) {
    if (__atomic_sub_fetch(&left, 1, __ATOMIC_ACQ_REL) == 0) epicsEventSignal(finished);
}

static void on_connect(struct connection_handler_args args) {
    if (args.op == CA_OP_CONN_UP) count_down();
}

static void on_value(struct event_handler_args args) {
    const struct dbr_time_double *time_value = args.dbr;
    long i = (long)(size_t)args.usr;
    if (args.status == ECA_NORMAL)
        values[i] = args.type == DBR_TIME_DOUBLE ? time_value->value
                                                 : *(const double *)args.dbr;
    count_down();
}

static void on_put(struct event_handler_args args) {
    (void)args;
    count_down();
}

static void on_update(struct event_handler_args args) {
    const struct dbr_time_double *value = args.dbr;
    values[(size_t)args.usr] = value->value;
    updates++;
}

static void on_burst(struct event_handler_args args) {
    const struct dbr_time_double *value = args.dbr;
    epicsTimeStamp stamp;
    epicsTimeGetCurrent(&stamp);
    if (updates < MOST_DELAYS)
        delays[updates++] = epicsTimeDiffInSeconds(&stamp, &value->stamp) * 1e3;
}

static void wait_all(void) {
    ca_flush_io();
    epicsEventWait(finished);
}

static void open_all(const char *prefix, int count) {
    char name[64];
    int i;
    left = count;
    for (i = 0; i < count; i++) {
        snprintf(name, sizeof name, "%s%d", prefix, i);
        ca_create_channel(name, on_connect, NULL, 0, &channels[i]);
    }
    wait_all();
}

static int by_size(const void *one, const void *other) {
    double a = *(const double *)one, b = *(const double *)other;
    return (a > b) - (a < b);
}

static double once(const char *scenario, int count) {
    double started = now();
    int i;
    left = count;
    if (!strcmp(scenario, "get") || !strcmp(scenario, "get_time")) {
        long type = scenario[3] ? DBR_TIME_DOUBLE : DBR_DOUBLE;
        for (i = 0; i < count; i++)
            ca_array_get_callback(type, 0, channels[i], on_value, (void *)(size_t)i);
        wait_all();
    } else if (!strcmp(scenario, "get_one")) {
        for (i = 0; i < count; i++) {
            left = 1;
            ca_array_get_callback(DBR_DOUBLE, 0, channels[i], on_value,
                                  (void *)(size_t)i);
            wait_all();
        }
    } else if (!strcmp(scenario, "put")) {
        for (i = 0; i < count; i++)
            ca_array_put(DBR_DOUBLE, 1, channels[i], &values[i]);
        ca_flush_io();
    } else if (!strcmp(scenario, "put_wait")) {
        for (i = 0; i < count; i++)
            ca_array_put_callback(DBR_DOUBLE, 1, channels[i], &values[i], on_put, NULL);
        wait_all();
    }
    return (now() - started) / count * 1e6;
}

static double watch(const char *scenario, int count, double seconds) {
    int burst = !strcmp(scenario, "burst");
    double used;
    evid id;
    int i;
    open_all(burst ? "S:" : "M:", count);
    for (i = 0; i < count; i++)
        ca_create_subscription(DBR_TIME_DOUBLE, 0, channels[i], DBE_VALUE | DBE_ALARM,
                               burst ? on_burst : on_update, (void *)(size_t)i, &id);
    ca_flush_io();
    epicsThreadSleep(1.5);
    updates = 0;
    used = cpu();
    epicsThreadSleep(seconds);
    used = cpu() - used;
    if (!burst) return used / updates * 1e6;
    qsort(delays, updates, sizeof *delays, by_size);
    return delays[updates / 2];
}

int main(int argc, char **argv) {
    const char *scenario = argc > 1 ? argv[1] : "get";
    int count = argc > 2 ? atoi(argv[2]) : 1000;
    int rounds = argc > 3 ? atoi(argv[3]) : 5;
    int round;
    ca_context_create(ca_enable_preemptive_callback);
    finished = epicsEventCreate(epicsEventEmpty);
    if (!strcmp(scenario, "monitor") || !strcmp(scenario, "burst")) {
        printf("[%g]\n", watch(scenario, count, rounds));
        return 0;
    }
    if (!strcmp(scenario, "connect")) {
        double started = now();
        open_all("B:", count);
        printf("[%g]\n", (now() - started) / count * 1e6);
        return 0;
    }
    open_all("B:", count);
    once(scenario, count);
    printf("[");
    for (round = 0; round < rounds; round++)
        printf("%s%g", round ? ", " : "", once(scenario, count));
    printf("]\n");
    return 0;
}
