#pragma once
#include <wali.h>

int uname(struct utsname *names);
