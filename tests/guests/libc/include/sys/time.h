#pragma once
#include <wali.h>

int gettimeofday(struct timeval *now, void *zone);
