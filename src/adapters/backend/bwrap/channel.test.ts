import { duplexPair } from 'node:stream';
import { describe, expect, it } from 'vitest';
import type { CellProcess } from '../../../ports/cell-backend.ts';
import { collect, never } from '../../../testing/contracts/contract.ts';
import { CellChannel } from './channel.ts';

const request = (stdin: boolean) => ({ argv: ['true'], env: {}, cwd: '/', stdin }) as const;

/** A channel, and the end of the socket that the init of the cell holds. */
function pair() {
  const [ours, theirs] = duplexPair();
  theirs.resume();
  return { channel: new CellChannel(ours), cell: theirs };
}

async function expectLost(command: CellProcess): Promise<void> {
  const [pid, end, ...output] = await Promise.all([command.started, command.ended, collect(command.stdout), collect(command.stderr), command.writeStdin(new Uint8Array(3))]);
  expect(pid).toBeUndefined();
  expect(end).toMatchObject({ kind: 'lost' });
  expect(output.slice(0, 2)).toEqual([new Uint8Array(), new Uint8Array()]);
  command.closeStdin();
  command.closeOutput('stdout');
  command.signal(9);
}

async function expectNoFiles({ read, list, write, makeFolder, remove }: Record<'read' | 'list' | 'write' | 'makeFolder' | 'remove', Promise<unknown>>, code: string): Promise<void> {
  for (const answer of await Promise.allSettled([read, list, write, makeFolder, remove])) expect(answer).toMatchObject({ status: 'rejected', reason: { code } });
}

function files(channel: CellChannel) {
  const signal = never();
  return {
    read: collect(channel.read('/a', { sizeBytesMax: 10, signal })),
    list: channel.list('/a', { signal }),
    write: channel.write('/a', new Uint8Array(1), { signal }),
    makeFolder: channel.makeFolder('/a', { signal }),
    remove: channel.remove('/a', { signal }),
  };
}

describe('CellChannel', () => {
  it('ends everything that waits when the socket ends, and hangs on nothing that is asked later [H2]', async () => {
    const { channel, cell } = pair();
    const waiting = [channel.exec(request(true)), channel.exec(request(false))];
    const killed = channel.killAll(never());
    const asked = files(channel);
    cell.end();
    await Promise.all([...waiting.map(expectLost), killed, expectNoFiles(asked, 'backend.failed'), expect(channel.hello).rejects.toMatchObject({ code: 'backend.failed' })]);
    await channel.closed;
    for (const stdin of [true, false]) await expectLost(channel.exec(request(stdin)));
    await channel.killAll(never());
    await expectNoFiles(files(channel), 'backend.failed');
  });

  it('gives up a cell that does not keep to the protocol [H2]', async () => {
    const { channel, cell } = pair();
    const command = channel.exec(request(true));
    const asked = files(channel);
    cell.write(new Uint8Array(64).fill(0xff));
    await Promise.all([expectLost(command), expectNoFiles(asked, 'backend.protocol')]);
    await channel.closed;
  });

  it('waits for nothing the caller gave up', async () => {
    const { channel } = pair();
    const stop = new AbortController();
    const asked = [collect(channel.read('/a', { sizeBytesMax: 10, signal: stop.signal })), channel.list('/a', { signal: stop.signal }), channel.remove('/a', { signal: stop.signal })];
    const killed = channel.killAll(stop.signal);
    stop.abort(new Error('enough'));
    for (const answer of await Promise.allSettled(asked)) expect(answer).toMatchObject({ status: 'rejected', reason: { code: 'cancelled' } });
    await expect(killed).rejects.toThrow('enough');
  });
});
