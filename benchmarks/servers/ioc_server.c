/* The reference IOC in C: ao records (and waveforms) of EPICS base behind rsrv.
 *
 *   ioc_server DBD_FOLDER MODE COUNT
 *
 * Posts are made with dbPutField, the way a C program inside an IOC does it. It knows
 * the commands rounds, stamps and array of control.py, all carried out by main. */
#include <dbAccess.h>
#include <dbStaticLib.h>
#include <epicsStdlib.h>
#include <epicsThread.h>
#include <iocInit.h>
#include <iocshRegisterCommon.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { MONITORED_COUNT = 100000, READ_COUNT = 1000000 };

static DBADDR *pvs;
static int pv_count;
static DBADDR monitored;
static double *array_values;

static double now(clockid_t clock) {
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static long resident_bytes(void) {
    long size = 0, resident = 0;
    FILE *statm = fopen("/proc/self/statm", "r");
    if (fscanf(statm, "%ld %ld", &size, &resident) != 2)
        resident = 0;
    fclose(statm);
    return resident * sysconf(_SC_PAGESIZE);
}

static void write_database(const char *path, const char *mode, int count) {
    static const int sizes[] = {MONITORED_COUNT, READ_COUNT};
    FILE *db = fopen(path, "w");
    if (!strcmp(mode, "arrays"))
        for (int i = 0; i < 2; ++i)
            fprintf(db,
                    "record(waveform, \"BENCH:ARRAYx%d\") {\n"
                    "field(FTVL, \"DOUBLE\") field(NELM, \"%d\") }\n",
                    sizes[i], sizes[i]);
    else
        for (int i = 0; i < count; ++i)
            fprintf(db,
                    "record(ao, \"BENCH:%d\") {\n"
                    "field(PREC, \"3\") field(EGU, \"mA\") }\n",
                    i);
    fclose(db);
}

static void start(const char *dbd, const char *database) {
    iocshRegisterCommon();
    if (dbLoadDatabase("base.dbd", dbd, NULL) ||
        registerAllRecordDeviceDrivers(pdbbase) || dbLoadRecords(database, NULL) ||
        iocInit()) {
        fprintf(stderr, "the IOC did not start\n");
        exit(1);
    }
}

static void find_records(const char *mode, int count) {
    char name[64];
    array_values = calloc(READ_COUNT, sizeof *array_values);
    if (!strcmp(mode, "arrays")) {
        DBADDR large;
        dbNameToAddr("BENCH:ARRAYx100000", &monitored);
        dbNameToAddr("BENCH:ARRAYx1000000", &large);
        dbPutField(&monitored, DBR_DOUBLE, array_values, MONITORED_COUNT);
        dbPutField(&large, DBR_DOUBLE, array_values, READ_COUNT);
        return;
    }
    pv_count = count;
    pvs = calloc((size_t)count, sizeof *pvs);
    for (int i = 0; i < count; ++i) {
        snprintf(name, sizeof name, "BENCH:%d", i);
        dbNameToAddr(name, &pvs[i]);
    }
}

static long post_round(int count, int same) {
    for (int i = 0; i < count && (same || i < pv_count); ++i) {
        double value = now(CLOCK_REALTIME);
        dbPutField(&pvs[same ? 0 : i], DBR_DOUBLE, &value, 1);
    }
    return count;
}

static long post_array(long round) {
    array_values[0] = (double)round;
    dbPutField(&monitored, DBR_DOUBLE, array_values, MONITORED_COUNT);
    return 1;
}

/* Rounds of `pvs` posts (to the same PV when asked), or of one array post when `pvs` is 0, each `period`. */
static void post_for(double seconds, double period, int pvs, int same) {
    double begin = now(CLOCK_MONOTONIC), next = begin;
    long posts = 0, rounds = 0;
    while (now(CLOCK_MONOTONIC) < begin + seconds) {
        posts += pvs ? post_round(pvs, same) : post_array(rounds);
        ++rounds;
        next += period;
        double rest = next - now(CLOCK_MONOTONIC);
        if (rest > 0)
            epicsThreadSleep(rest);
        else
            next -= rest;
    }
    printf("{\"posts\": %ld, \"rounds\": %ld}\n", posts, rounds);
}

static void run_command(const char *line) {
    double seconds, period;
    int count;
    if (sscanf(line, "rounds %lf %lf %d", &seconds, &period, &count) == 3)
        post_for(seconds, period, count, strstr(line, "same") != NULL);
    else if (sscanf(line, "stamps %d %lf", &count, &period) == 2)
        post_for(count * period, period, 1, 0);
    else if (sscanf(line, "array %lf", &seconds) == 1)
        post_for(seconds, 0, 0, 0);
    else
        printf("{}\n");
    fflush(stdout);
}

int main(int argc, char **argv) {
    if (argc < 4)
        return 2;
    const char *mode = argv[2];
    int count = atoi(argv[3]);
    char path[] = "/tmp/benchXXXXXX", line[256];
    close(mkstemp(path));
    write_database(path, mode, count);
    long before = resident_bytes();
    double begin = now(CLOCK_MONOTONIC);
    start(argv[1], path);
    double seconds = now(CLOCK_MONOTONIC) - begin;
    long grown = resident_bytes() - before;
    unlink(path);
    find_records(mode, count);
    printf("{\"create_s\": %.6f, \"grown_bytes\": %ld}\n", seconds, grown);
    fflush(stdout);
    while (fgets(line, sizeof line, stdin))
        run_command(line);
    _exit(0);
}
