/**
 * `no-space-child.ts FOLDER SEGMENT-BYTES [BALLAST]`: writes until there is no space, then urgently until the reserve is used up; then, when it was given a
 * file to remove, makes space and goes on. Compares all along; says what happened as JSON.
 */
import { rmSync } from 'node:fs';
import { openJournalFolder } from '../../src/adapters/journal/open-journal.ts';
import { CellError, isCellError } from '../../src/base/errors.ts';
import type { Journal } from '../../src/ports/journal.ts';
import { History } from './history.ts';

const [, , path = '', segmentBytes = '', ballast] = process.argv;
const OPTIONS = { segmentBytes: Number(segmentBytes), reserveBytes: 16_384 };

async function opened(): Promise<Journal> {
  const result = await openJournalFolder(path, OPTIONS);
  if (result.state !== 'writable') throw new Error(result.damage.detail);
  return result.journal;
}

const history = new History();
async function until(journal: Journal, size: number, urgent: boolean): Promise<{ taken: number; code: string }> {
  for (let taken = 0; taken < 2000; taken += 1) {
    const error = await history.append(journal, `${history.submitted.length}`.padEnd(size, 'x'), { urgent });
    if (error !== undefined) return { taken, code: isCellError(error) ? error.code : String(error) };
  }
  return { taken: 2000, code: 'none' };
}

const journal = await opened();
const ordinary = await until(journal, 5000, false);
const urgent = await until(journal, 500, true);
let wrong = await history.check(journal);
await journal.close();
let after: string | undefined;
if (ballast !== undefined) {
  const full = await opened().catch((error: unknown) => error);
  after = full instanceof CellError ? full.code : 'opened';
  rmSync(ballast);
  const again = await opened();
  wrong ??= await history.check(again);
  const error = await history.append(again, 'there is space again');
  wrong ??= error === undefined ? undefined : String(error);
  await again.close();
}
console.log(JSON.stringify({ ordinary, urgent, after, wrong, acked: [...history.acked] }));
