/**
 * Claims host uids for cells, so that no two live cells of this host share one, whatever thread or copy of this program made them.
 * The claim is a bound abstract socket: the kernel grants a name once, and takes it back when the process ends, however it ends.
 */
import { createServer } from 'node:net';
import { CellError, errnoOf } from '../../base/errors.ts';

export interface UidClaim {
  readonly slot: number;
  release(): Promise<void>;
}

/** @returns undefined while another process, or another place in this one, has it */
export function claimName(name: string): Promise<{ close(): Promise<void> } | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => void socket.destroy());
    server.unref();
    server.once('error', (error) => (errnoOf(error) === 'EADDRINUSE' ? resolve(undefined) : reject(error)));
    server.listen(`\0${name}`, () => resolve({ close: () => new Promise((closed) => server.close(() => closed())) }));
  });
}

const SLOTS = 256;
let next = 0;

/** @param uidOf host uid of each slot of this process. @throws CellError `backend.failed` when all are taken */
export async function claimUid(uidOf: (slot: number) => number): Promise<UidClaim> {
  for (let tries = 0; tries < SLOTS; tries += 1) {
    const slot = next;
    next = (next + 1) % SLOTS;
    const held = await claimName(`cellos/uid/${uidOf(slot)}`);
    if (held !== undefined) return { slot, release: () => held.close() };
  }
  throw new CellError('backend.failed', `Cannot make another cell: this process has ${SLOTS} already; close one first, or use another process`, { facts: { cellsMax: SLOTS } });
}
