#pragma once
#include <sys/types.h>
#include <wali.h>

int clock_gettime(clockid_t clock, struct timespec *now);
int clock_getres(clockid_t clock, struct timespec *resolution);
// Returns the error's number, unlike most.
int clock_nanosleep(clockid_t clock, int flags, const struct timespec *wait,
                    struct timespec *left);
int nanosleep(const struct timespec *wait, struct timespec *left);
time_t time(time_t *now);
