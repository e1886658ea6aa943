/* Tries to reach something outside by a socket, and tries against the secret socket. See attack.h. */
#include "attack.h"
#include <arpa/inet.h>
#include <dirent.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <net/route.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>

static socklen_t address_of(const char *text, int port, struct sockaddr_storage *out) {
  struct sockaddr_in *four = (struct sockaddr_in *)out;
  struct sockaddr_in6 *six = (struct sockaddr_in6 *)out;
  memset(out, 0, sizeof *out);
  if (inet_pton(AF_INET, text, &four->sin_addr) == 1) return four->sin_family = AF_INET, four->sin_port = htons((uint16_t)port), sizeof *four;
  inet_pton(AF_INET6, text, &six->sin6_addr);
  six->sin6_family = AF_INET6, six->sin6_port = htons((uint16_t)port);
  return sizeof *six;
}

static void probe_tcp(char **argument) {
  struct sockaddr_storage to;
  socklen_t size = address_of(argument[0], atoi(argument[1]), &to);
  int fd = socket(to.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  answer(fd < 0 ? -1 : connect(fd, (struct sockaddr *)&to, size));
}

static void probe_udp(char **argument) {
  struct sockaddr_storage to;
  socklen_t size = address_of(argument[0], atoi(argument[1]), &to);
  int fd = socket(to.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  answer(fd < 0 ? -1 : sendto(fd, "x", 1, 0, (struct sockaddr *)&to, size));
}

static void probe_bind(char **argument) {
  struct sockaddr_storage to;
  socklen_t size = address_of("0.0.0.0", atoi(argument[0]), &to);
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  answer(fd < 0 ? -1 : bind(fd, (struct sockaddr *)&to, size));
}

static int connect_unix(const char *path, int abstract) {
  struct sockaddr_un to = {.sun_family = AF_UNIX};
  size_t length = strlen(path);
  if (length + 1 >= sizeof to.sun_path) return errno = ENAMETOOLONG, -1;
  memcpy(to.sun_path + abstract, path, length);
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + 1);
  if (fd < 0 || connect(fd, (struct sockaddr *)&to, size) == 0) return fd;
  int error = errno;
  close(fd);
  errno = error;
  return -1;
}

static void probe_unix(char **argument) { answer(connect_unix(argument[0], 0)); }
static void probe_abstract(char **argument) { answer(connect_unix(argument[0], 1)); }

static void probe_interfaces(char **argument) {
  struct if_nameindex *list = if_nameindex();
  (void)argument;
  if (!list) return answer(-1);
  for (struct if_nameindex *one = list; one->if_index; one++) printf("%s%s", one == list ? "" : " ", one->if_name);
  printf("\n");
}

static void probe_interface_down(char **argument) {
  struct ifreq request = {.ifr_flags = 0};
  snprintf(request.ifr_name, sizeof request.ifr_name, "%s", argument[0]);
  answer(ioctl(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), SIOCSIFFLAGS, &request));
}

static void probe_add_route(char **argument) {
  struct rtentry route = {.rt_flags = RTF_UP};
  struct sockaddr_in any = {.sin_family = AF_INET};
  memcpy(&route.rt_dst, &any, sizeof any), memcpy(&route.rt_genmask, &any, sizeof any), memcpy(&route.rt_gateway, &any, sizeof any);
  route.rt_dev = argument[0];
  answer(ioctl(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), SIOCADDRT, &route));
}

static void probe_add_link(char **argument) {
  struct { struct nlmsghdr head; struct ifinfomsg info; char room[64]; } message = {0};
  struct { struct nlmsghdr head; struct nlmsgerr error; char room[1024]; } reply;
  (void)argument;
  message.head = (struct nlmsghdr){.nlmsg_len = NLMSG_LENGTH(sizeof message.info), .nlmsg_type = RTM_NEWLINK, .nlmsg_flags = NLM_F_REQUEST | NLM_F_CREATE | NLM_F_ACK};
  int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
  if (fd < 0 || send(fd, &message, message.head.nlmsg_len, 0) < 0 || recv(fd, &reply, sizeof reply, 0) < (ssize_t)sizeof reply.head) return answer(-1);
  errno = -reply.error.error;
  answer(reply.error.error ? -1 : 0);
}

static void probe_socket_option(char **argument) {
  int value = 1, fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  answer(setsockopt(fd, atoi(argument[0]), atoi(argument[1]), &value, sizeof value));
}

/* ---- the secret socket ---- */

static const char *secret_path(void) { return getenv("CELLOS_RUNTIME_SECRET_SOCKET") ? getenv("CELLOS_RUNTIME_SECRET_SOCKET") : "/run/cellos/secrets/broker.sock"; }

/* What came back, without a value: `error TEXT`, `value of N bytes`, `no answer`. */
static void read_reply(int fd, char *out, size_t size) {
  char reply[4096];
  size_t got = 0;
  for (ssize_t n; got < sizeof reply - 1 && (n = read(fd, reply + got, sizeof reply - 1 - got)) > 0;) got += (size_t)n;
  reply[got] = 0;
  char *value = strstr(reply, "{\"value\":\""), *error = strstr(reply, "{\"error\":\"");
  if (value) snprintf(out, size, "value of %zu bytes", strcspn(value + 10, "\""));
  else if (error) snprintf(out, size, "error %.*s", (int)strcspn(error + 10, "\""), error + 10);
  else snprintf(out, size, "no answer");
}

static void ask_secret(const char *line, size_t length, char *out, size_t size) {
  int fd = connect_unix(secret_path(), 0);
  if (fd < 0) {
    snprintf(out, size, "%s", strerrorname_np(errno));
    return;
  }
  for (size_t sent = 0; sent < length;) {
    ssize_t wrote = send(fd, line + sent, length - sent, MSG_NOSIGNAL);
    if (wrote <= 0) break;
    sent += (size_t)wrote;
  }
  read_reply(fd, out, size);
  close(fd);
}

static void ask_with(const char *token, const char *key, char *out, size_t size) {
  char line[1024];
  int length = snprintf(line, sizeof line, "{\"token\":\"%s\",\"key\":\"%s\"}\n", token, key);
  ask_secret(line, (size_t)length, out, size);
}

static const char *own_token(void) { return getenv("CELLOS_RUNTIME_SECRET_TOKEN") ? getenv("CELLOS_RUNTIME_SECRET_TOKEN") : ""; }

static void probe_secret_token(char **argument) {
  char reply[512];
  ask_with(argument[0], argument[1], reply, sizeof reply);
  printf("%s\n", reply);
}

static void probe_secret_key(char **argument) {
  char reply[512];
  ask_with(own_token(), argument[0], reply, sizeof reply);
  printf("%s\n", reply);
}

static void probe_secret_raw(char **argument) {
  char reply[512], line[1024];
  int length = snprintf(line, sizeof line, "%s\n", argument[0]);
  ask_secret(line, (size_t)length, reply, sizeof reply);
  printf("%s\n", reply);
}

static void probe_secret_long(char **argument) {
  char reply[512], *line = malloc(8 << 20);
  if (!line) return answer(-1);
  memset(line, 'x', 8 << 20);
  (void)argument;
  ask_secret(line, 8 << 20, reply, sizeof reply);
  printf("%s\n", reply);
}

static void probe_secret_guess(char **argument) {
  int refused = 0, count = atoi(argument[0]);
  char token[64], reply[512];
  for (int i = 0; i < count; i++) {
    snprintf(token, sizeof token, "%08x-0000-4000-8000-%012x", i * 2654435761u, i);
    ask_with(token, argument[1], reply, sizeof reply);
    refused += strcmp(reply, "error unauthorized") == 0;
  }
  printf("%d of %d refused\n", refused, count);
}

/* Idle connections, many more than are served at once; when they are given up, the socket has to answer again. */
static void probe_secret_idle(char **argument) {
  int count = atoi(argument[0]), *fds = calloc((size_t)count, sizeof *fds);
  char reply[512] = "";
  if (!fds) return answer(-1);
  for (int i = 0; i < count; i++) fds[i] = connect_unix(secret_path(), 0);
  for (int i = 0; i < count; i++) close(fds[i]);
  for (int tries = 0; tries < 200 && strncmp(reply, "value", 5) != 0; tries++) {
    ask_with(own_token(), argument[1], reply, sizeof reply);
    poll(NULL, 0, 10);
  }
  printf("%s\n", reply);
}

/* Descriptors nobody asked for, sent beside a good request. */
static void probe_secret_rights(char **argument) {
  char line[1024], reply[512], room[CMSG_SPACE(64 * sizeof(int))] = {0};
  int fd = connect_unix(secret_path(), 0), null = open("/dev/null", O_RDWR | O_CLOEXEC);
  int length = snprintf(line, sizeof line, "{\"token\":\"%s\",\"key\":\"%s\"}\n", own_token(), argument[0]);
  struct iovec data = {line, (size_t)length};
  struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = room, .msg_controllen = sizeof room};
  struct cmsghdr *head = CMSG_FIRSTHDR(&message);
  head->cmsg_level = SOL_SOCKET, head->cmsg_type = SCM_RIGHTS, head->cmsg_len = CMSG_LEN(64 * sizeof(int));
  for (int i = 0; i < 64; i++) ((int *)CMSG_DATA(head))[i] = null;
  if (fd < 0 || sendmsg(fd, &message, MSG_NOSIGNAL) != length) return answer(-1);
  read_reply(fd, reply, sizeof reply);
  printf("%s\n", reply);
}

const struct probe socket_probes[] = {
  {"tcp", 2, probe_tcp}, {"udp", 2, probe_udp}, {"bind", 1, probe_bind}, {"unix", 1, probe_unix}, {"abstract", 1, probe_abstract}, {"interfaces", 0, probe_interfaces},
  {"interface-down", 1, probe_interface_down}, {"add-route", 1, probe_add_route}, {"add-link", 0, probe_add_link}, {"socket-option", 2, probe_socket_option},
  {"secret-token", 2, probe_secret_token}, {"secret-key", 1, probe_secret_key}, {"secret-raw", 1, probe_secret_raw}, {"secret-long", 0, probe_secret_long}, {"secret-guess", 2, probe_secret_guess},
  {"secret-idle", 2, probe_secret_idle}, {"secret-rights", 1, probe_secret_rights}, {NULL, 0, NULL},
};
