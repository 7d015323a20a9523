// What string-handling programs do: make text, split it into words, count them in a hash
// table; n times.
#include "kernel.h"

enum { LENGTH = 1 << 16, SLOTS = 1 << 12 };
static char text[LENGTH + 1];
static struct {
  const char *word;
  unsigned length, count;
} table[SLOTS];

static void make_text(unsigned seed) {
  for (int i = 0; i < LENGTH; i++) {
    seed = seed * 1103515245 + 12345;
    unsigned pick = seed >> 16 & 15;
    text[i] = pick < 4 ? ' ' : (char)('a' + pick % 5);
  }
  text[LENGTH] = 0;
}

static int same(const char *a, const char *b, unsigned length) {
  while (length && *a == *b) a++, b++, length--;
  return length == 0;
}

unsigned run(unsigned n) {
  unsigned distinct = 0, most = 0;
  while (n) {
    make_text(n--);
    for (int i = 0; i < SLOTS; i++) table[i].length = table[i].count = 0;
    for (const char *p = text; *p;) {
      while (*p == ' ') p++;
      const char *word = p;
      unsigned hash = 2166136261u;
      for (; *p && *p != ' '; p++) hash = (hash ^ (unsigned char)*p) * 16777619u;
      unsigned length = (unsigned)(p - word), slot = hash % SLOTS, tries = SLOTS;
      while (table[slot].count && tries &&
             !(table[slot].length == length && same(table[slot].word, word, length)))
        slot = (slot + 1) % SLOTS, tries--;
      if (!tries || !length) continue;
      if (!table[slot].count++) table[slot].word = word, table[slot].length = length, distinct++;
      if (table[slot].count > most) most = table[slot].count;
    }
  }
  return distinct * 1000 + most;
}
