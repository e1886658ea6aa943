/*
 * `secret get KEY`: one request to the runtime secret socket, the value on stdout without a newline.
 * One JSON line each way (reference/03 §9.3). Never prints the token, and a value only when the server sent one.
 */
#include "cell.h"
#include <sys/socket.h>
#include <sys/un.h>

#define ANSWER_MAX (1u << 20)

static int complain(const char *text, const char *detail) {
  fprintf(stderr, "Error: %s%s\n", text, detail);
  return 1;
}

static size_t escape(char *out, const char *in) {
  size_t n = 0;
  for (; *in; in++) {
    unsigned char c = (unsigned char)*in;
    if (c == '"' || c == '\\') out[n++] = '\\', out[n++] = (char)c;
    else if (c < 0x20) n += (size_t)sprintf(out + n, "\\u%04x", c);
    else out[n++] = (char)c;
  }
  return n;
}

static int hex4(const char *p, unsigned *value) {
  *value = 0;
  for (int i = 0; i < 4; i++) {
    char c = p[i];
    unsigned digit = c >= '0' && c <= '9' ? (unsigned)(c - '0') : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a' + 10) : c >= 'A' && c <= 'F' ? (unsigned)(c - 'A' + 10) : 16;
    if (digit == 16) return 0;
    *value = *value << 4 | digit;
  }
  return 1;
}

static size_t put_utf8(char *out, unsigned c) {
  if (c < 0x80) return out[0] = (char)c, 1;
  if (c < 0x800) return out[0] = (char)(0xc0 | c >> 6), out[1] = (char)(0x80 | (c & 63)), 2;
  if (c < 0x10000) return out[0] = (char)(0xe0 | c >> 12), out[1] = (char)(0x80 | (c >> 6 & 63)), out[2] = (char)(0x80 | (c & 63)), 3;
  return out[0] = (char)(0xf0 | c >> 18), out[1] = (char)(0x80 | (c >> 12 & 63)), out[2] = (char)(0x80 | (c >> 6 & 63)), out[3] = (char)(0x80 | (c & 63)), 4;
}

/* Reads the string after `"name":` of a flat object; unescapes in place. Returns its length, or -1. */
static long member(char *text, const char *name, char **value) {
  char key[32];
  snprintf(key, sizeof key, "{\"%s\":\"", name);
  if (strncmp(text, key, strlen(key)) != 0) return -1;
  char *in = text + strlen(key), *out = in;
  *value = in;
  while (*in && *in != '"') {
    if (*in != '\\') {
      *out++ = *in++;
      continue;
    }
    unsigned c, low;
    in++;
    switch (*in++) {
      case 'n': *out++ = '\n'; break;
      case 't': *out++ = '\t'; break;
      case 'r': *out++ = '\r'; break;
      case 'b': *out++ = '\b'; break;
      case 'f': *out++ = '\f'; break;
      case '"': *out++ = '"'; break;
      case '\\': *out++ = '\\'; break;
      case '/': *out++ = '/'; break;
      case 'u':
        if (!hex4(in, &c)) return -1;
        in += 4;
        if (c >= 0xd800 && c < 0xdc00 && in[0] == '\\' && in[1] == 'u' && hex4(in + 2, &low) && low >= 0xdc00 && low < 0xe000) {
          c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
          in += 6;
        }
        out += put_utf8(out, c);
        break;
      default: return -1;
    }
  }
  return *in == '"' ? out - *value : -1;
}

static int ask(const char *path, const char *request, size_t size, char *answer) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  if (strlen(path) >= sizeof address.sun_path) return complain("secret socket path is too long: ", path), -1;
  strcpy(address.sun_path, path);
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address)) return complain("cannot reach the secret socket: ", strerror(errno)), -1;
  while (size > 0) {
    ssize_t wrote = send(fd, request, size, MSG_NOSIGNAL);
    if (wrote <= 0) return complain("cannot ask the secret socket: ", strerror(errno)), -1;
    request += wrote;
    size -= (size_t)wrote;
  }
  size_t got = 0;
  for (ssize_t n; got < ANSWER_MAX - 1 && (n = read(fd, answer + got, ANSWER_MAX - 1 - got)) > 0;) got += (size_t)n;
  answer[got] = 0;
  close(fd);
  return 0;
}

int secret_main(int argc, char **argv) {
  /* Both spellings: `secret get KEY` and `cellos-supervisor secret get KEY`. */
  int at = argc > 1 && strcmp(argv[1], "secret") == 0 ? 2 : 1;
  if (argc - at != 2 || strcmp(argv[at], "get") != 0) return complain("usage: secret get KEY (needs secretDelivery runtimeBroker or runtimeLeasedBroker)", "");
  const char *key = argv[at + 1];
  const char *path = getenv("CELLOS_RUNTIME_SECRET_SOCKET"), *token = getenv("CELLOS_RUNTIME_SECRET_TOKEN");
  if (!path) return complain("CELLOS_RUNTIME_SECRET_SOCKET not set", "");
  if (!token) return complain("CELLOS_RUNTIME_SECRET_TOKEN not set", "");
  char *request = malloc(6 * (strlen(token) + strlen(key)) + 64), *answer = malloc(ANSWER_MAX), *value;
  if (!request || !answer) return complain("out of memory", "");
  size_t size = (size_t)sprintf(request, "{\"token\":\"");
  size += escape(request + size, token);
  size += (size_t)sprintf(request + size, "\",\"key\":\"");
  size += escape(request + size, key);
  size += (size_t)sprintf(request + size, "\"}\n");
  if (ask(path, request, size, answer)) return 1;
  long length = member(answer, "value", &value);
  if (length >= 0) return fwrite(value, 1, (size_t)length, stdout) == (size_t)length && fflush(stdout) == 0 ? 0 : 1;
  length = member(answer, "error", &value);
  if (length < 0) return complain("runtime secret broker returned empty response", "");
  value[length] = 0;
  return complain(value, "");
}
