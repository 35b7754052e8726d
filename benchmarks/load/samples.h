/* A growing list of times in seconds, and its percentiles. */
#ifndef BENCHMARKS_SAMPLES_H
#define BENCHMARKS_SAMPLES_H

#include <stddef.h>
#include <stdlib.h>

struct samples {
    double *values;
    size_t size, capacity;
};

static inline void samples_add(struct samples *s, double value) {
    if (s->size == s->capacity) {
        s->capacity = s->capacity ? 2 * s->capacity : 4096;
        s->values = realloc(s->values, s->capacity * sizeof *s->values);
        if (!s->values)
            abort();
    }
    s->values[s->size++] = value;
}

static inline int samples_compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The value below which `share` of the samples lie; sorts the list; 0 when empty. */
static inline double samples_percentile(struct samples *s, double share) {
    if (s->size == 0)
        return 0;
    qsort(s->values, s->size, sizeof *s->values, samples_compare);
    size_t at = (size_t)(share * (double)s->size);
    return s->values[at < s->size ? at : s->size - 1];
}

#endif
