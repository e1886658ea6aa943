/** Disks that are really full: a tiny file system of our own where we may mount one, and a limit on the size of files everywhere. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { afterAll, describe, expect, it } from 'vitest';
import { openJournalFolder } from '../../src/adapters/journal/open-journal.ts';
import { recordsOf } from '../../src/testing/contracts/journal.ts';

const root = mkdtempSync(`${tmpdir()}/cellos-no-space-`);
afterAll(() => rmSync(root, { recursive: true, force: true }));

interface Said {
  readonly ordinary: { taken: number; code: string };
  readonly urgent: { taken: number; code: string };
  readonly after?: string;
  readonly wrong?: string;
  readonly acked: [number, string][];
}

function run(argv: readonly string[]): Said {
  const [program = '', ...args] = argv;
  const { stdout, stderr, status } = spawnSync(program, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`it ended with ${status}: ${stderr}`);
  return JSON.parse(stdout) as Said;
}

const mayMount = spawnSync('unshare', ['-m', 'mount', '-t', 'tmpfs', '-o', 'size=64k', 'none', root]).status === 0;

describe('a disk that is full', () => {
  it.runIf(mayMount)('of a megabyte: ordinary records stop, urgent ones still come, and after a clean-up everything goes on', () => {
    const place = `${root}/tiny`;
    mkdirSync(place, { mode: 0o700 });
    const script = 'mount -t tmpfs -o size=1m,mode=0700 none "$1" && head -c 300000 /dev/zero > "$1/ballast" && exec "$2" test/journal/no-space-child.ts "$1/journal" 131072 "$1/ballast"';
    const said = run(['unshare', '-m', 'sh', '-c', script, 'sh', place, process.execPath]);
    expect(said.wrong).toBeUndefined();
    expect(said.ordinary).toMatchObject({ code: 'journal.full' });
    expect(said.ordinary.taken).toBeGreaterThan(20);
    expect(said.urgent).toMatchObject({ code: 'journal.full' });
    expect(said.urgent.taken).toBeGreaterThan(10);
    expect(said.after).toBe('journal.full');
  });

  it('by a limit on the size of files: the same, and what was acknowledged is there without the limit', async () => {
    const place = `${root}/limited`;
    // In blocks of 512 bytes: less than a segment, more than its beginning.
    const said = run(['sh', '-c', 'ulimit -f 1200; exec "$1" test/journal/no-space-child.ts "$2" 1048576', 'sh', process.execPath, place]);
    expect(said.wrong).toBeUndefined();
    expect(said.ordinary).toMatchObject({ code: 'journal.full' });
    expect([said.ordinary.taken > 50, said.urgent.taken > 10, said.urgent.code]).toEqual([true, true, 'journal.full']);
    const opened = await openJournalFolder(place, { whole: true }).catch((error: unknown) => error as { code: string });
    if (!('state' in opened) || opened.state !== 'writable') throw new Error(JSON.stringify(opened));
    const found = new Map((await recordsOf(opened.journal)).map(({ sequence, payload }) => [sequence, Buffer.from(payload).toString('latin1')]));
    await opened.journal.close();
    for (const [sequence, content] of said.acked) expect(found.get(sequence)).toBe(content);
  });
});
