// What CoreMark has, in a program of our own: a linked list that is searched, turned and sorted, products
// of small matrices, a state machine over text, and a checksum by bits over all results; n rounds.
#include "kernel.h"

typedef unsigned char u8;
typedef unsigned short u16;

enum { NODES = 60, SIDE = 12, TEXT = 400 };

typedef struct Node {
  struct Node *next;
  short data, index;
} Node;

static Node nodes[NODES];
static short left[SIDE][SIDE], right[SIDE][SIDE];
static int product[SIDE][SIDE];
static char text[TEXT];

static u16 crc8(u8 byte, u16 crc) {
  for (int i = 0; i < 8; i++) {
    unsigned carry = (byte ^ crc) & 1;
    crc >>= 1, byte >>= 1;
    if (carry) crc ^= 0xa001;
  }
  return crc;
}

static u16 crc16(unsigned value, u16 crc) {
  return crc8((u8)(value >> 8), crc8((u8)value, crc));
}

typedef int Order(const Node *, const Node *);

static int by_data(const Node *a, const Node *b) { return a->data - b->data; }
static int by_index(const Node *a, const Node *b) { return a->index - b->index; }

static Node *merge(Node *a, Node *b, Order *order) {
  Node head, *last = &head;
  while (a && b) {
    Node **from = order(a, b) <= 0 ? &a : &b;
    last = last->next = *from;
    *from = last->next;
  }
  last->next = a ? a : b;
  return head.next;
}

static Node *sort(Node *list, Order *order) {
  if (!list || !list->next) return list;
  Node *slow = list, *fast = list->next;
  while (fast && fast->next) slow = slow->next, fast = fast->next->next;
  Node *half = slow->next;
  slow->next = 0;
  return merge(sort(list, order), sort(half, order), order);
}

static Node *turn(Node *list) {
  Node *turned = 0;
  while (list) {
    Node *next = list->next;
    list->next = turned, turned = list, list = next;
  }
  return turned;
}

static const Node *find(const Node *list, short data) {
  while (list && (list->data & 0xff) != (data & 0xff)) list = list->next;
  return list;
}

static u16 lists(unsigned seed, u16 crc) {
  for (int i = 0; i < NODES; i++) {
    seed = seed * 1103515245 + 12345;
    nodes[i] = (Node){i + 1 < NODES ? &nodes[i + 1] : 0, (short)(seed >> 16), (short)i};
  }
  Node *list = nodes;
  for (int i = 0; i < 20; i++) {
    const Node *found = find(list, (short)(seed >> 8 ^ (unsigned)i * 13));
    crc = crc16(found ? (unsigned)found->index : 0xffff, crc);
    list = turn(list);
  }
  list = sort(list, by_data);
  for (const Node *node = list; node; node = node->next) crc = crc16((unsigned)node->data, crc);
  list = sort(list, by_index);
  return crc16((unsigned)list->data, crc);
}

static u16 matrices(unsigned seed, u16 crc) {
  for (int i = 0; i < SIDE; i++) {
    for (int j = 0; j < SIDE; j++) {
      seed = seed * 1103515245 + 12345;
      left[i][j] = (short)(seed >> 20), right[i][j] = (short)(seed >> 12 & 0xff);
    }
  }
  int sum = 0;
  for (int i = 0; i < SIDE; i++) {
    for (int j = 0; j < SIDE; j++) {
      int cell = 0;
      for (int k = 0; k < SIDE; k++) cell += (left[i][k] * right[k][j] >> 2 & 0xf) * (left[i][k] >> 5 & 0x7f);
      product[i][j] = cell;
      sum += cell > 1000 ? 10 : cell;
    }
    crc = crc16((unsigned)(sum ^ product[i][i]), crc);
  }
  return crc;
}

enum { START, SIGN, DIGITS, POINT, FRACTION, EXPONENT, POWER, INVALID, STATES };

static int step(int state, char c) {
  int digit = c >= '0' && c <= '9', sign = c == '+' || c == '-';
  switch (state) {
    case START: return digit ? DIGITS : sign ? SIGN : c == '.' ? POINT : INVALID;
    case SIGN: return digit ? DIGITS : c == '.' ? POINT : INVALID;
    case DIGITS: return digit ? DIGITS : c == '.' ? FRACTION : (c | 32) == 'e' ? EXPONENT : INVALID;
    case POINT: return digit ? FRACTION : INVALID;
    case FRACTION: return digit ? FRACTION : (c | 32) == 'e' ? EXPONENT : INVALID;
    case EXPONENT: return digit || sign ? POWER : INVALID;
    case POWER: return digit ? POWER : INVALID;
    default: return INVALID;
  }
}

static u16 states(unsigned seed, u16 crc) {
  static const char letters[] = "0123456789012345.eE+-,,,x";
  unsigned counts[STATES] = {0};
  for (int i = 0; i < TEXT; i++) {
    seed = seed * 1103515245 + 12345;
    text[i] = letters[(seed >> 16) % (sizeof letters - 1)];
  }
  int state = START;
  for (int i = 0; i < TEXT; i++) {
    if (text[i] == ',') {
      counts[state]++;
      state = START;
    } else {
      state = step(state, text[i]);
    }
  }
  for (int i = 0; i < STATES; i++) crc = crc16(counts[i], crc);
  return crc;
}

unsigned run(unsigned n) {
  u16 crc = 0;
  for (unsigned i = 0; i < n; i++) {
    crc = lists(i ^ crc, crc);
    crc = matrices(i, crc);
    crc = states(i, crc);
  }
  return crc;
}
