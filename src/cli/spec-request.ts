/** A document named on the command line: read, checked, and what the options may add to it. A document's own words win. */
import { closeSync, openSync, readSync } from 'node:fs';
import { type Bytes, concatBytes } from '../base/bytes.ts';
import { CellError, errnoOf, messageOf } from '../base/errors.ts';
import { LIMITS } from '../base/limits.ts';
import { readSpec } from '../compose/documents.ts';
import type { SpecDocument } from '../core/spec/document.ts';
import { secretRefsOf } from '../core/plan/plan-cell.ts';
import type { ParsedArgs } from './command.ts';

function unreadable(name: string, why: string): CellError {
  return new CellError('spec.unreadable', `Cannot read the document ${name}: ${why}`);
}

function tooLarge(name: string): CellError {
  return unreadable(name, `it has more than ${LIMITS.documentSizeBytesMax} bytes`);
}

/** No more than the limit is ever read: a path may be a pipe or a device without end. */
export function readDocument(path: string): Bytes {
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch (error) {
    throw unreadable(path, errnoOf(error) === 'ENOENT' ? 'it does not exist; to run a command, put -- before it' : (errnoOf(error) ?? messageOf(error)));
  }
  try {
    const parts: Bytes[] = [];
    for (let size = 0; ; ) {
      const chunk = new Uint8Array(64 * 1024);
      const count = readSync(fd, chunk);
      if (count === 0) return concatBytes(parts);
      size += count;
      if (size > LIMITS.documentSizeBytesMax) throw tooLarge(path);
      parts.push(chunk.subarray(0, count));
    }
  } catch (error) {
    if (error instanceof CellError) throw error;
    throw unreadable(path, errnoOf(error) === 'EISDIR' ? 'it is a folder' : (errnoOf(error) ?? messageOf(error)));
  } finally {
    closeSync(fd);
  }
}

async function readInput(): Promise<Bytes> {
  const parts: Bytes[] = [];
  let size = 0;
  for await (const chunk of process.stdin as AsyncIterable<Uint8Array>) {
    size += chunk.byteLength;
    if (size > LIMITS.documentSizeBytesMax) throw tooLarge('on stdin');
    parts.push(chunk);
  }
  return concatBytes(parts);
}

export function formatOf(path: string): 'json' | 'yaml' | 'auto' {
  if (/\.ya?ml$/i.test(path)) return 'yaml';
  return /\.json$/i.test(path) ? 'json' : 'auto';
}

/** Options that would say again, or otherwise, what the document says. @throws CellError `usage.invalid` */
function refuseContradictions(args: ParsedArgs, { document: { spec } }: SpecDocument): void {
  const says: readonly (readonly [option: string, member: string, said: boolean])[] = [
    ['ttl', 'spec.lifetime.ttlSeconds', true],
    ['memory', 'spec.run.limits.memoryMaxBytes', spec.run?.limits?.memoryMaxBytes !== undefined],
    ['cpus', 'spec.run.limits.cpuMax', spec.run?.limits?.cpuMax !== undefined],
    // A document that does not name a mode asks for its default.
    ['secret-delivery', 'spec.run.secretDelivery', true],
  ];
  for (const [option, member, said] of says) {
    if (said && args.text(option) !== undefined) throw new CellError('usage.invalid', `Cannot use --${option} with this document: its ${member} decides; change it there`);
  }
  if (args.texts('export').length > 0) throw new CellError('usage.invalid', 'Cannot use --export with a document: list the artifact under spec.export.artifacts');
  const refs = new Set(secretRefsOf(spec));
  for (const text of args.texts('secret')) {
    const name = text.split('=')[0] ?? '';
    if (!refs.has(name)) throw new CellError('usage.invalid', `Cannot use --secret ${name}: the document does not ask for it; its spec.authority.secretRefs ${refs.size === 0 ? 'is empty' : `lists ${[...refs].join(', ')}`}`);
  }
}

/**
 * Reads the document at a path, or on stdin for `-`. Nothing it names is opened.
 *
 * @throws CellError `spec.unreadable` | `spec.invalid` | `usage.invalid`
 */
export async function documentOf(args: ParsedArgs, path: string): Promise<SpecDocument> {
  const name = path === '-' ? 'stdin' : path;
  const bytes = path === '-' ? await readInput() : readDocument(path);
  const document = await readSpec(bytes, { name, format: formatOf(path), mode: args.flag('compatible') ? 'compatible' : 'strict' });
  refuseContradictions(args, document);
  return document;
}
