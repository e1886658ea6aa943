/** The document of a supervisor: a file whose last part is no link, or standard input, read once and as JSON only. */
import { closeSync, constants, openSync, readSync } from 'node:fs';
import { type Bytes, concatBytes, tryDecodeUtf8 } from '../../base/bytes.ts';
import { CellError, errnoOf, isCellError, messageOf } from '../../base/errors.ts';
import { LIMITS } from '../../base/limits.ts';
import type { SpecDocument } from '../../core/spec/document.ts';
import { parseSpec } from '../../core/spec/parse.ts';
import { startRefused } from './start-refused.ts';

const WHY: Readonly<Record<string, string>> = { ENOENT: 'there is no such file', ELOOP: 'it is a symbolic link', EISDIR: 'it is a folder', EACCES: 'it may not be read' };

const tooLarge = (name: string): CellError => new CellError('spec.unreadable', `it has more than ${LIMITS.documentSizeBytesMax} bytes`, { facts: { name } });

function readAll(fd: number, name: string): Bytes {
  const parts: Bytes[] = [];
  for (let size = 0; ; ) {
    const chunk = new Uint8Array(64 * 1024);
    const count = readSync(fd, chunk);
    if (count === 0) return concatBytes(parts);
    size += count;
    if (size > LIMITS.documentSizeBytesMax) throw tooLarge(name);
    parts.push(chunk.subarray(0, count));
  }
}

async function standardInput(): Promise<Bytes> {
  const parts: Bytes[] = [];
  let size = 0;
  for await (const chunk of process.stdin as AsyncIterable<Uint8Array>) {
    size += chunk.byteLength;
    if (size > LIMITS.documentSizeBytesMax) throw tooLarge('-');
    parts.push(chunk);
  }
  return concatBytes(parts);
}

function fileBytes(path: string): Bytes {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    return readAll(fd, path);
  } finally {
    closeSync(fd);
  }
}

/** As the reference reads one: unknown members are passed over. @throws CellError with the fact `rule` */
export async function readSupervisorSpec(path: string): Promise<SpecDocument> {
  const name = path === '-' ? 'standard input' : path;
  let bytes: Bytes;
  try {
    bytes = path === '-' ? await standardInput() : fileBytes(path);
    if (tryDecodeUtf8(bytes) === undefined) throw new CellError('spec.unreadable', 'it is not UTF-8 text', { facts: { name } });
  } catch (error) {
    const why = isCellError(error) ? error.message : (WHY[errnoOf(error) ?? ''] ?? errnoOf(error) ?? messageOf(error));
    throw startRefused('spec-unreadable', `Cannot read the document ${name}: ${why}`, { code: 'spec.unreadable', cause: error });
  }
  try {
    return parseSpec(bytes, { name, format: 'json', mode: 'compatible' });
  } catch (error) {
    if (!isCellError(error, 'spec.invalid')) throw error;
    const { rules } = error.facts;
    throw startRefused(`spec.${String(Array.isArray(rules) ? rules[0] : 'syntax')}`, error.message, { code: 'spec.invalid', cause: error });
  }
}
