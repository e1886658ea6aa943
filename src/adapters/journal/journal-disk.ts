/**
 * The few file operations the journal makes, so that tests can give it a disk that lies, fails and forgets. One flat folder.
 *
 *   D1  what a call throws is a system error with its errno;
 *   D2  `write` may take less than it is given; `writeWhole` goes on;
 *   D3  content is durable after `sync` of the file, names after `syncFolder`.
 */
import type { Bytes } from '../../base/bytes.ts';
import type { ByteSource } from '../../core/journal/scan.ts';

export interface DiskFile {
  size(): number;
  /** @returns how many bytes there were, fewer than asked only at the end of the file */
  read(into: Bytes, at: number): number;
  /** @returns how many of the bytes were taken [D2] */
  write(bytes: Bytes, at: number): number;
  truncate(size: number): void;
  sync(): Promise<void>;
  close(): void;
}

export interface JournalDisk {
  /** For messages. */
  readonly path: string;
  list(): readonly string[];
  exists(name: string): boolean;
  open(name: string, mode: 'read' | 'write'): DiskFile;
  /** A new empty file; whatever had the name is gone. */
  create(name: string): DiskFile;
  /** In one step; what had the new name is gone. */
  rename(from: string, to: string): void;
  /** Gives the file a second name. @returns false when somebody has that name already */
  link(from: string, to: string): boolean;
  /** One that is not there is fine. */
  remove(name: string): void;
  syncFolder(): Promise<void>;
}

/** @throws Error with errno EIO when a write takes nothing */
export function writeWhole(file: DiskFile, bytes: Bytes, at: number): void {
  for (let done = 0; done < bytes.byteLength; ) {
    const taken = file.write(done === 0 ? bytes : bytes.subarray(done), at + done);
    if (taken <= 0) throw Object.assign(new Error('EIO: a write took nothing'), { code: 'EIO' });
    done += taken;
  }
}

export function sourceOf(file: DiskFile): ByteSource {
  return { size: file.size(), read: (into, at) => file.read(into, at) };
}

/** The first `max + 1` bytes of a file, so that one that is too large is seen to be. @returns undefined when there is none */
export function readFirst(disk: JournalDisk, name: string, max: number): Bytes | undefined {
  if (!disk.exists(name)) return undefined;
  const file = disk.open(name, 'read');
  try {
    const bytes = new Uint8Array(Math.min(max + 1, file.size()));
    return bytes.subarray(0, file.read(bytes, 0));
  } finally {
    file.close();
  }
}

/** A new file, whole and durable but for its name. */
async function prepare(disk: JournalDisk, name: string, bytes: Bytes): Promise<void> {
  const file = disk.create(name);
  try {
    writeWhole(file, bytes, 0);
    await file.sync();
  } finally {
    file.close();
  }
}

/** Replaces a file in one step; durable when it settles. */
export async function replaceFile(disk: JournalDisk, name: string, bytes: Bytes): Promise<void> {
  await prepare(disk, `${name}.part`, bytes);
  disk.rename(`${name}.part`, name);
  await disk.syncFolder();
}

const NO_SPACE: ReadonlySet<unknown> = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);

/** Did the disk say that it has no space? EFBIG: a limit on the size of files. */
export function isNoSpace(error: unknown): boolean {
  return NO_SPACE.has((error as { code?: unknown } | null)?.code);
}
