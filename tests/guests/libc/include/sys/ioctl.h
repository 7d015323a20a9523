#pragma once
#include <wali.h>
