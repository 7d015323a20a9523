// Floating point: n steps of five bodies that attract one another.
#include "kernel.h"

struct body {
  double p[3], v[3], mass;
};

static struct body bodies[5];

static void reset(void) {
  // A sun and four planets, roughly.
  static const struct body start[5] = {
      {{0, 0, 0}, {0, 0, 0}, 39.47841760435743},
      {{4.84143144246472, -1.16032004402742, -0.10362204447112},
       {0.60632639299583, 2.81198684491626, -0.02521836165988},
       0.03769367487038},
      {{8.34336671824457, 4.12479856412430, -0.40352341711432},
       {-1.01077434617879, 1.82566237123041, 0.00841576137658},
       0.01128632613196},
      {{12.89436956213913, -15.11115140169863, -0.22330757889265},
       {1.08279100644153, 0.86871301816960, -0.01083263740136},
       0.00172372405705},
      {{15.37969711485091, -25.91931460998796, 0.17925877295037},
       {0.97909073224389, 0.59469899864767, -0.03475595555078},
       0.00203368686992},
  };
  for (int i = 0; i < 5; i++) bodies[i] = start[i];
}

static void step(double dt) {
  for (int i = 0; i < 5; i++) {
    struct body *a = &bodies[i];
    for (int j = i + 1; j < 5; j++) {
      struct body *b = &bodies[j];
      double d[3], square = 0;
      for (int k = 0; k < 3; k++) d[k] = a->p[k] - b->p[k], square += d[k] * d[k];
      double pull = dt / (square * __builtin_sqrt(square));
      for (int k = 0; k < 3; k++) {
        a->v[k] -= d[k] * b->mass * pull;
        b->v[k] += d[k] * a->mass * pull;
      }
    }
  }
  for (int i = 0; i < 5; i++)
    for (int k = 0; k < 3; k++) bodies[i].p[k] += dt * bodies[i].v[k];
}

unsigned run(unsigned n) {
  reset();
  while (n--) step(0.01);
  unsigned long long bits, sum = 0;
  for (int i = 0; i < 5; i++)
    for (int k = 0; k < 3; k++) {
      __builtin_memcpy(&bits, &bodies[i].p[k], sizeof bits);
      sum = sum * 31 + bits;
    }
  return (unsigned)(sum ^ sum >> 32);
}
