// A name service that does not answer until a file exists: LD_PRELOAD for tests. Only
// for names that begin with "slow"; then they are this host.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char* asked(const char* name) {
    if (!name || strncmp(name, "slow", 4) != 0) return name;
    const char* file = getenv("SLOW_NAMES_FILE");
    while (file && access(file, F_OK) != 0) usleep(1000);
    return "127.0.0.1";
}

int getaddrinfo(const char* name, const char* service, const struct addrinfo* hints,
                struct addrinfo** found) {
    static int (*real)(const char*, const char*, const struct addrinfo*,
                       struct addrinfo**);
    if (!real) *(void**)&real = dlsym(RTLD_NEXT, "getaddrinfo");
    return real(asked(name), service, hints, found);
}

struct hostent* gethostbyname(const char* name) {
    static struct hostent* (*real)(const char*);
    if (!real) *(void**)&real = dlsym(RTLD_NEXT, "gethostbyname");
    return real(asked(name));
}
