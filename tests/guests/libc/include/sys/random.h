#pragma once
#include <sys/types.h>
#include <wali.h>

ssize_t getrandom(void *buf, size_t size, unsigned flags);
