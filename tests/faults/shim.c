/* Makes one process's disk slow and its wall clock wrong: built by shim.py, loaded by LD_PRELOAD.
 *
 * RAFTMAKER_SHIM names a file of two 64-bit numbers, which may change at any time: how many
 * milliseconds each sync waits before it syncs, and by how many seconds CLOCK_REALTIME is off.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

struct settings {
    volatile int64_t sync_ms;
    volatile int64_t clock_s;
};

static struct settings none;
static struct settings *settings = &none;
static int (*real_fsync)(int);
static int (*real_fdatasync)(int);
static int (*real_clock_gettime)(clockid_t, struct timespec *);
static int (*real_gettimeofday)(struct timeval *, void *);

static void find(void)
{
    if (real_clock_gettime)
        return;
    real_fsync = dlsym(RTLD_NEXT, "fsync");
    real_fdatasync = dlsym(RTLD_NEXT, "fdatasync");
    real_gettimeofday = dlsym(RTLD_NEXT, "gettimeofday");
    real_clock_gettime = dlsym(RTLD_NEXT, "clock_gettime");
}

__attribute__((constructor)) static void start(void)
{
    const char *path = getenv("RAFTMAKER_SHIM");
    int file;
    void *mapped;

    find();
    if (!path || (file = open(path, O_RDONLY | O_CLOEXEC)) < 0)
        return;
    mapped = mmap(NULL, sizeof(struct settings), PROT_READ, MAP_SHARED, file, 0);
    close(file);
    if (mapped != MAP_FAILED)
        settings = mapped;
}

static void wait_for_disk(void)
{
    int64_t ms = settings->sync_ms;
    struct timespec left = {ms / 1000, ms % 1000 * 1000000};

    while (ms > 0 && nanosleep(&left, &left) != 0)
        ;
}

int fsync(int file)
{
    find();
    wait_for_disk();
    return real_fsync(file);
}

int fdatasync(int file)
{
    find();
    wait_for_disk();
    return real_fdatasync(file);
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
    int result;

    find();
    result = real_clock_gettime(clock, now);
    if (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)
        now->tv_sec += settings->clock_s;
    return result;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
    int result;

    find();
    result = real_gettimeofday(now, zone);
    now->tv_sec += settings->clock_s;
    return result;
}
