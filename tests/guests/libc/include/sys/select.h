#pragma once
#include <wali.h>

typedef struct fd_set fd_set;

#define FD_SETSIZE 1024
#define __FD_WORD(fd, set) ((set)->fds_bits[(fd) / 64])
#define FD_ZERO(set) __builtin_memset(set, 0, sizeof(fd_set))
#define FD_SET(fd, set) ((void)(__FD_WORD(fd, set) |= 1ull << (fd) % 64))
#define FD_CLR(fd, set) ((void)(__FD_WORD(fd, set) &= ~(1ull << (fd) % 64)))
#define FD_ISSET(fd, set) ((__FD_WORD(fd, set) >> (fd) % 64 & 1) != 0)

int select(int count, fd_set *read, fd_set *write, fd_set *except, struct timeval *timeout);
