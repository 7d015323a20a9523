#pragma once
#include <wali.h>

int sysinfo(struct sysinfo *info);
