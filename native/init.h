/*
 * What the parts of a cell's init share: the frames of src/wire/cell-control.ts, the commands that run, and how the supervisor is told.
 *   init.c     the socket, the loop, streams and endings
 *   command.c  starting a command
 *   files.c    files, with the cell's own authority
 */
#ifndef CELLOS_INIT_H
#define CELLOS_INIT_H

#include "cell.h"
#include <time.h>

enum host_frame { H_EXEC = 1, H_STDIN, H_STDIN_EOF, H_CREDIT, H_CLOSE_OUTPUT, H_SIGNAL, H_KILLALL, H_READ, H_WRITE, H_LIST, H_SHUTDOWN, H_MKDIR, H_REMOVE };
enum cell_frame { C_HELLO = 1, C_STARTED, C_EXEC_FAILED, C_DATA, C_EOF, C_EXIT, C_STDIN_CREDIT, C_KILLED, C_FILE_DATA, C_FILE_END, C_FILE_ERROR, C_LIST };

#define FRAME_MAX (1u << 20)
#define CHUNK (64u * 1024)
#define STDIN_WINDOW (256u * 1024)
#define JOBS_MAX 64

struct job {
  int used, running;
  uint32_t id;
  pid_t pid;
  int in, out[2];
  uint64_t credit[2];
  uint32_t rest[2]; /* once the command has ended: bytes of its output still to be taken */
  uint8_t *stdin_data;
  uint32_t stdin_start, stdin_size, stdin_owed;
  int stdin_eof;
  struct timespec began;
};

extern struct job jobs[JOBS_MAX];

/* A broken protocol, or nothing left to work with: the cell ends. */
void fail(const char *what);
void send_frame(uint8_t type, uint32_t id, const void *payload, uint32_t size);
void send_number(uint8_t type, uint32_t id, uint32_t value);
void send_two(uint8_t type, uint32_t id, uint8_t first, uint32_t second);
struct job *job_of(uint32_t id);
void close_fd(int *fd);

/* command.c */
void open_oom_score(void);
void on_exec(uint32_t id, uint8_t *data, uint32_t size);

/* files.c */
void on_read(uint32_t id, const uint8_t *data, uint32_t size);
void on_write(uint32_t id, const uint8_t *data, uint32_t size);
void on_change(uint8_t type, uint32_t id, uint8_t *data, uint32_t size);
void on_list(uint32_t id, const uint8_t *data, uint32_t size);
void credit_reading(uint32_t id, uint32_t bytes);
void cancel_reading(uint32_t id);
/* Is there something to read against credit? */
int readings_wait(void);
void pump_readings(void);

#endif
