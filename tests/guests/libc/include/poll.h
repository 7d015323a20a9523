#pragma once
#include <wali.h>

typedef unsigned long long nfds_t;

int poll(struct pollfd *fds, nfds_t count, int timeout);
