/* A wall clock that a test steps while the program runs: milliseconds of offset, read from the file
 * that RUSHGATE_TEST_CLOCK names. The monotonic clock is left alone. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static long long offset_ms(void) {
    const char *path = getenv("RUSHGATE_TEST_CLOCK");
    char text[32] = {0};
    int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (file < 0) return 0;
    ssize_t length = read(file, text, sizeof text - 1);
    close(file);
    return length > 0 ? atoll(text) : 0;
}

int clock_gettime(clockid_t clock, struct timespec *at) {
    int result = (int)syscall(SYS_clock_gettime, clock, at);
    if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
        long long ms = offset_ms();
        at->tv_sec += ms / 1000;
        at->tv_nsec += (ms % 1000) * 1000000;
        if (at->tv_nsec < 0) { at->tv_sec -= 1; at->tv_nsec += 1000000000; }
        if (at->tv_nsec >= 1000000000) { at->tv_sec += 1; at->tv_nsec -= 1000000000; }
    }
    return result;
}

int gettimeofday(struct timeval *at, void *zone) {
    struct timespec now;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &now);
    at->tv_sec = now.tv_sec;
    at->tv_usec = now.tv_nsec / 1000;
    return 0;
}
