#pragma once
#include <wali.h>

int eventfd(unsigned initial, int flags);
