/**
 * One at a time on this host, by a name. The lock is a bound abstract socket (uid-claim.ts): the kernel takes it back when its holder ends,
 * however it ends. LIMIT: it reaches as far as a network namespace does.
 */
import { setTimeout as after } from 'node:timers/promises';
import { CellError } from '../../base/errors.ts';
import { claimName } from './uid-claim.ts';

/** Between two looks whether it is free, ms. */
const LOOK_MS = 20;

/** @param options.looks how often it is tried; 1: not waited for. @param options.what for the error. @throws CellError `state.unusable` when it stays taken, and what `work` throws */
export async function withLock<T>(name: string, options: { looks: number; what: string }, work: () => T): Promise<T> {
  for (let look = 0; look < options.looks; look += 1) {
    if (look > 0) await after(LOOK_MS);
    const held = await claimName(`cellos/${name}`);
    if (held === undefined) continue;
    try {
      return work();
    } finally {
      await held.close();
    }
  }
  throw new CellError('state.unusable', `Cannot change ${options.what}: another program is changing it; try again when it is done`);
}
