#include <math.h>

/* Results are always rounded to the nearest. */
double nearbyint(double x)
{
	return __builtin_rint(x);
}
