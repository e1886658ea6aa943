import assert from 'node:assert/strict';
import { Secret } from '../../base/secret.ts';
import { utf8 } from '../../base/bytes.ts';
import type { CellPlan } from '../../core/plan/plan.ts';
import type { CellBackend, CellCreateOptions, CellProcess, LiveCell, ProcessEnd } from '../../ports/cell-backend.ts';
import { collect, type ContractCase, never, rejects, textOf } from './contract.ts';

export interface CellBackendHarness {
  readonly backend: CellBackend;
  /** A fresh plan and the scratch folder for it. */
  prepare(): { readonly plan: CellPlan; readonly options: Omit<CellCreateOptions, 'signal'> };
  /** How this backend's cells do these things. */
  readonly argv: {
    exit(code: number): readonly string[];
    crash(signal: number): readonly string[];
    say(text: string): readonly string[];
    complain(text: string): readonly string[];
    zeros(bytes: number): readonly string[];
    env(name: string): readonly string[];
    readonly cat: readonly string[];
    readonly sleep: readonly string[];
    /** Ignores SIGTERM, and says `up` once it does. */
    readonly stubborn: readonly string[];
  };
}

type Argv = CellBackendHarness['argv'];

const start = (cell: LiveCell, argv: readonly string[], stdin = false): CellProcess => cell.exec({ argv, env: { PATH: '/usr/bin:/bin', GIVEN: 'given' }, cwd: '/work', stdin });

async function run(cell: LiveCell, argv: readonly string[]): Promise<{ end: ProcessEnd; out: string; err: string }> {
  const process = start(cell, argv);
  const [end, out, err] = await Promise.all([process.ended, textOf(process.stdout), textOf(process.stderr)]);
  return { end, out, err };
}

type Case = readonly [name: string, run: (cell: LiveCell, argv: Argv) => Promise<void>];

const CELL_CASES: readonly Case[] = [
  [
    'reports what the kernel says: no capabilities, no new privileges, a filter, namespaces [B3]',
    async ({ facts }) => {
      assert.deepEqual([facts.noNewPrivs, facts.seccompMode], [true, 2]);
      for (const [name, mask] of Object.entries(facts.capabilities)) assert.match(mask, /^0+$/, name);
      for (const name of ['pid', 'net']) assert.equal(typeof facts.namespaces[name], 'number', name);
    },
  ],
  [
    'tells exit codes and signals apart, and hands out both streams',
    async (cell, argv) => {
      const { end } = await run(cell, argv.exit(137));
      assert.deepEqual([end.kind, end.kind === 'exited' && end.code], ['exited', 137]);
      const crashed = (await run(cell, argv.crash(11))).end;
      assert.deepEqual([crashed.kind, crashed.kind === 'signalled' && crashed.signal], ['signalled', 11]);
      assert.deepEqual([(await run(cell, argv.say('out'))).out, (await run(cell, argv.complain('err'))).err], ['out', 'err']);
    },
  ],
  [
    'says that a program is not there, and has started nothing',
    async (cell) => {
      const process = start(cell, ['no-such-program']);
      assert.equal(await process.started, undefined);
      const end = await process.ended;
      assert.deepEqual([end.kind, end.kind === 'exec-failed' && end.errno], ['exec-failed', 2]);
      assert.deepEqual([await textOf(process.stdout), await textOf(process.stderr)], ['', '']);
    },
  ],
  [
    'passes stdin through, byte for byte, and swallows what comes after the end',
    async (cell, argv) => {
      const process = start(cell, argv.cat, true);
      assert.equal(typeof (await process.started), 'number');
      const bytes = new Uint8Array(1_000_000).map((_, i) => i % 251);
      const out = collect(process.stdout);
      await process.writeStdin(bytes);
      process.closeStdin();
      assert.deepEqual(await out, bytes);
      await process.ended;
      await process.writeStdin(bytes);
      process.closeStdin();
    },
  ],
  [
    'gives the environment it is told, secrets with it, and an empty stdin',
    async (cell, argv) => {
      assert.equal((await run(cell, argv.env('GIVEN'))).out.trim(), 'given');
      assert.equal((await run(cell, argv.cat)).out, '');
      const process = cell.exec({ argv: argv.env('TOKEN'), env: { PATH: '/usr/bin:/bin' }, secretEnv: new Map([['TOKEN', new Secret(utf8('s3cret'))]]), cwd: '/work', stdin: false });
      assert.equal((await textOf(process.stdout)).trim(), 's3cret');
      await process.ended;
    },
  ],
  [
    'holds a command back while nobody reads, loses nothing, and lets a stream be closed',
    async (cell, argv) => {
      const process = start(cell, argv.zeros(5_000_000));
      assert.equal(await Promise.race([process.ended.then(() => 'ended'), process.started.then(() => 'waits')]), 'waits');
      assert.equal((await collect(process.stdout)).byteLength, 5_000_000);
      const closed = start(cell, argv.zeros(50_000_000));
      await closed.started;
      closed.closeOutput('stdout');
      const end = await closed.ended;
      assert.deepEqual([end.kind, end.kind === 'signalled' && end.signal], ['signalled', 13]);
      for await (const chunk of closed.stdout) assert.ok(chunk.byteLength >= 0);
    },
  ],
  [
    'runs several at once; a signal reaches the one it is for, and one that is gone not at all',
    async (cell, argv) => {
      const [one, two] = [start(cell, argv.sleep), start(cell, argv.sleep)];
      await Promise.all([one.started, two.started]);
      one.signal(15);
      const end = await one.ended;
      assert.deepEqual([end.kind, end.kind === 'signalled' && end.signal], ['signalled', 15]);
      one.signal(9);
      assert.equal((await run(cell, argv.exit(0))).end.kind, 'exited');
      two.signal(9);
      assert.equal((await two.ended).kind, 'signalled');
    },
  ],
  [
    'killAll() ends everything, asked or not, and the cell goes on',
    async (cell, argv) => {
      const processes = [start(cell, argv.stubborn), start(cell, argv.sleep)];
      for (const process of processes) assert.equal(typeof (await process.started), 'number');
      for await (const chunk of processes[0]?.stdout ?? []) {
        assert.ok(new TextDecoder().decode(chunk).startsWith('up'));
        break;
      }
      processes[0]?.signal(15);
      await Promise.all([cell.killAll({ signal: AbortSignal.timeout(20_000) }), cell.killAll({ signal: AbortSignal.timeout(20_000) })]);
      for (const process of processes) {
        const end = await process.ended;
        assert.deepEqual([end.kind, end.kind === 'signalled' && end.signal], ['signalled', 9]);
      }
      assert.equal((await run(cell, argv.say('on'))).out, 'on');
    },
  ],
  [
    'writes, reads, lists, makes and removes files',
    async ({ files }) => {
      const signal = never();
      const bytes = new Uint8Array(1_500_000).map((_, i) => i % 253);
      await files.makeFolder('/work/a/b', { signal });
      await files.makeFolder('/work/a/b', { signal });
      await Promise.all([files.write('/work/a/b/f', bytes, { signal }), files.write('/work/a/b/f', bytes, { signal }), files.write('/work/empty', new Uint8Array(0), { signal })]);
      assert.deepEqual(await collect(files.read('/work/a/b/f', { sizeBytesMax: 2_000_000, signal })), bytes);
      assert.deepEqual(await files.list('/work/a/b', { signal }), [{ name: 'f', kind: 'file', sizeBytes: bytes.byteLength }]);
      await files.remove('/work/a/b/f', { signal });
      await files.remove('/work/a/b', { signal });
      assert.deepEqual((await files.list('/work', { signal })).map((entry) => entry.name).sort(), ['a', 'empty']);
    },
  ],
  [
    'refuses files that are missing, too large or of another kind, and callers who gave up',
    async ({ files }) => {
      const signal = never();
      await files.write('/work/f', utf8('12345'), { signal });
      await files.makeFolder('/work/folder/full', { signal });
      await rejects(collect(files.read('/work/none', { sizeBytesMax: 10, signal })), 'file.refused');
      await rejects(collect(files.read('/work/f', { sizeBytesMax: 4, signal })), 'file.refused');
      await rejects(collect(files.read('/work/folder', { sizeBytesMax: 4, signal })), 'file.refused');
      await rejects(files.write('/work/none/f', utf8('x'), { signal }), 'file.refused');
      await rejects(files.write('/work/folder', utf8('x'), { signal }), 'file.refused');
      await rejects(files.list('/work/f', { signal }), 'file.refused');
      await rejects(files.makeFolder('/work/f', { signal }), 'file.refused');
      await rejects(files.remove('/work/folder', { signal }), 'file.refused');
      await rejects(files.remove('/work/none', { signal }), 'file.refused');
      await rejects(collect(files.read('/work/f', { sizeBytesMax: 10, signal: AbortSignal.abort() })), 'cancelled');
      await rejects(files.write('/work/f', utf8('x'), { signal: AbortSignal.abort() }), 'cancelled');
      assert.equal(await textOf(files.read('/work/f', { sizeBytesMax: 5, signal })), '12345');
    },
  ],
  [
    'destroy() ends what runs, certifies it once, and leaves a cell that answers: lost [B2]',
    async (cell, argv) => {
      const process = start(cell, argv.stubborn);
      await process.started;
      const [lines, again] = await Promise.all([cell.destroy(), cell.destroy()]);
      assert.equal(lines, again);
      assert.ok(lines.length > 0);
      assert.deepEqual(lines.filter((line) => line.result !== 'clean'), []);
      assert.equal((await process.ended).kind, 'lost');
      await cell.gone;
      assert.equal((await start(cell, argv.exit(0)).ended).kind, 'lost');
    },
  ],
];

/** What every `CellBackend` keeps. */
export function cellBackendContract(make: () => CellBackendHarness): ContractCase[] {
  const inCell: ContractCase[] = CELL_CASES.map(([name, body]) => ({
    name,
    run: async () => {
      const { backend, prepare, argv } = make();
      const { plan, options } = prepare();
      await using cell = await backend.create(plan, { ...options, signal: never() });
      await body(cell, argv);
    },
  }));
  const notMade: ContractCase = {
    name: 'makes nothing for a caller who gave up',
    run: async () => {
      const { backend, prepare } = make();
      const { plan, options } = prepare();
      await assert.rejects(backend.create(plan, { ...options, signal: AbortSignal.abort() }));
    },
  };
  return [...inCell, notMade];
}
