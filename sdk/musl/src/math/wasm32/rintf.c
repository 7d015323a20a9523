#include <math.h>

/* Results are always rounded to the nearest. */
float rintf(float x)
{
	return __builtin_rintf(x);
}
