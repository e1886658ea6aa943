/** What a contract suite is: named cases that any test runner can run. `for (const { name, run } of clockContract(make)) it(name, run)`. */
import assert from 'node:assert/strict';
import { isCellError, type ErrorCode } from '../../base/errors.ts';
import { concatBytes } from '../../base/bytes.ts';

export interface ContractCase {
  readonly name: string;
  readonly run: () => Promise<void>;
}

/** Asserts that it fails with one of these codes. */
export async function rejects(promise: Promise<unknown>, ...codes: readonly ErrorCode[]): Promise<void> {
  await assert.rejects(promise, (error) => {
    assert.ok(isCellError(error), `a CellError is thrown, not ${String(error)}`);
    assert.ok(codes.includes(error.code), `the code is ${codes.join(' or ')}, not ${error.code}: ${error.message}`);
    return true;
  });
}

export async function collect(stream: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const chunk of stream) parts.push(Uint8Array.from(chunk));
  return concatBytes(parts);
}

export const textOf = async (stream: AsyncIterable<Uint8Array>): Promise<string> => new TextDecoder().decode(await collect(stream));

export async function* chunks(...parts: readonly (Uint8Array | string | Error)[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) {
    if (part instanceof Error) throw part;
    yield typeof part === 'string' ? new TextEncoder().encode(part) : part;
  }
}

export const never = (): AbortSignal => new AbortController().signal;
