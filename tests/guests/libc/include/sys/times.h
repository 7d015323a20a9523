#pragma once
#include <wali.h>

long long times(struct tms *used);
