/**
 * Events as lines of a file of this host: the reference's raw mirror (reference/07 §4).
 *
 *   J1  a line is one write; after a torn line of somebody before, ours begins on a new one;
 *   J2  the file is made when the first event comes; a link in its place is not followed.
 * LIMIT: what is in the file is not made durable: this is the reference's mirror. The sealed bundle is.
 */
import { closeSync, constants, fstatSync, openSync, readSync, writeSync } from 'node:fs';
import { utf8 } from '../../base/bytes.ts';
import { CellError, errnoOf, messageOf } from '../../base/errors.ts';
import { LIMITS } from '../../base/limits.ts';
import { eventText } from '../../core/events/envelope-codec.ts';
import type { EventSink } from '../../ports/event-sink.ts';

const NEWLINE = 10;

function failed(path: string, why: string, cause?: unknown): CellError {
  return new CellError('evidence.unwritable', `Cannot write events to ${path === '' ? 'a file without a name' : path}: ${why}`, cause === undefined ? {} : { cause });
}

function endsTorn(fd: number): boolean {
  const { size } = fstatSync(fd);
  const last = new Uint8Array(1);
  return size > 0 && readSync(fd, last, 0, 1, size - 1) === 1 && last[0] !== NEWLINE;
}

/** For reading too, which tells how the file ends; what cannot be read, a pipe say, is only written to. */
function open(path: string): { fd: number; torn: boolean } {
  const flags = constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW;
  const fd = openSync(path, flags | constants.O_WRONLY, 0o640);
  if (!fstatSync(fd).isFile()) return { fd, torn: false };
  const reader = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    return { fd, torn: endsTorn(reader) };
  } finally {
    closeSync(reader);
  }
}

export function createJsonlSink(path: string): EventSink {
  let file: number | undefined;
  return {
    name: 'jsonl',
    async emit(event) {
      const line = utf8(`${eventText(event)}\n`);
      if (line.byteLength - 1 > LIMITS.streamEventBytesMax) throw failed(path, `an event has more than ${LIMITS.streamEventBytesMax} bytes`);
      try {
        let torn = false;
        if (file === undefined) ({ fd: file, torn } = open(path));
        const bytes = torn ? Buffer.concat([utf8('\n'), line]) : line; // J1
        for (let at = 0; at < bytes.byteLength; ) at += writeSync(file, bytes, at);
      } catch (error) {
        throw failed(path, errnoOf(error) ?? messageOf(error), error);
      }
    },
    async close() {
      if (file !== undefined) closeSync(file);
      file = undefined;
    },
  };
}
