import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import { Cell, type CellEvent, type CellOptions } from '../../src/index.ts';
import { endStarted } from '../end-started.ts';
import { codeOf, eventsOf, short } from './library-cells.ts';

const root = mkdtempSync(`${tmpdir()}/cellos-life-`);
const stateDir = `${root}/state`;

afterAll(async () => {
  await endStarted([], [`${root}/abandoned`]);
  rmSync(root, { recursive: true, force: true });
}, 60_000);

const create = (options: CellOptions = {}): Promise<Cell> => Cell.create({ stateDir, ttl: '2m', ...options });


describe('the end of a cell', () => {
  it('comes once: every close and kill gives the same answer, and later calls are refused [N1]', async () => {
    const cell = await create();
    const running = cell.exec(['sleep', '600']);
    const [first, second, third] = await Promise.all([cell.close(), cell.close(), cell.kill()]);
    expect(first).toMatchObject({ ending: 'closed', outcome: 'succeeded', residue: [] });
    expect(first.teardown.every((line) => line.result === 'clean')).toBe(true);
    expect([second, third]).toEqual([first, first]);
    expect(await running).toMatchObject({ ending: 'cancelled' });
    for (const call of [cell.exec(['true']), cell.spawn(['true']), cell.files.list(), cell.export('x'), cell.usage()]) expect(await codeOf(call)).toBe('cell.closed');
    expect(await cell.evidence.verify()).toMatchObject({ verdict: 'complete', outcome: 'closed' });
  });

  it('comes when its scope is left by a throw', async () => {
    let cell: Cell | undefined;
    const scope = async (): Promise<void> => {
      await using inner = await create();
      cell = inner;
      void inner.exec(['sleep', '600']);
      throw new Error('out');
    };
    await expect(scope()).rejects.toThrow('out');
    expect(await cell?.evidence.verify()).toMatchObject({ verdict: 'complete' });
  });

  it('comes when it is killed, without a time of grace', async () => {
    const cell = await create();
    const stubborn = cell.exec(['sh', '-c', 'trap "" TERM; echo up; while :; do sleep 600; done'], { graceMs: 60_000, onStdout: () => void cell.kill() });
    expect(await stubborn).toMatchObject({ ending: 'cancelled', signal: 'SIGKILL' });
    expect(await cell.close()).toMatchObject({ ending: 'killed', outcome: 'failed', residue: [] });
  });

  it('comes when its signal is aborted, before or after it is made', async () => {
    const stop = new AbortController();
    const cell = await create({ signal: stop.signal });
    stop.abort();
    expect(await cell.close()).toMatchObject({ ending: 'cancelled', outcome: 'failed', residue: [] });
    expect(await codeOf(create({ signal: AbortSignal.abort() }))).toBe('cancelled');
  });

  it('comes at its time to live, idle or not, and is sealed as timed out', async () => {
    const idle = await create({ ttl: 1000 });
    const busy = await create({ ttl: 1000 });
    expect(await busy.exec(['sleep', '600'])).toMatchObject({ exitCode: 124, ending: 'timed-out' });
    let last: CellEvent | undefined;
    for await (const event of idle.evidence.events()) last = event;
    expect(last?.data).toMatchObject({ outcome: 'timed-out', exitCode: 124 });
    for (const cell of [idle, busy]) {
      expect(await cell.close()).toMatchObject({ ending: 'timed-out', outcome: 'failed', residue: [] });
      expect(await codeOf(cell.exec(['true']))).toBe('cell.closed');
      expect(await cell.evidence.verify()).toMatchObject({ verdict: 'complete', outcome: 'timed-out' });
    }
  });

  it('comes when its init dies, and the command in it is lost', async () => {
    const cell = await create();
    const lost = cell.exec(['sh', '-c', 'echo up; sleep 600'], { onStdout: () => void process.kill(cell.facts.initPid, 'SIGKILL') });
    expect(await lost).toMatchObject({ exitCode: 125, ending: 'lost' });
    expect(await cell.close()).toMatchObject({ ending: 'lost', outcome: 'failed', residue: [] });
    expect((await cell.evidence.verify()).verdict).toBe('complete');
  });

  it('waits for a frozen cell to thaw', async () => {
    const cell = await create();
    const ticking = await cell.spawn(['sh', '-c', 'while :; do echo x; sleep 0.01; done']);
    await cell.freeze();
    await cell.thaw();
    await cell.freeze();
    expect(await cell.close()).toMatchObject({ ending: 'closed', residue: [] });
    expect(await ticking.wait()).toMatchObject({ ending: 'cancelled' });
  });

  it('leaves the evidence incomplete until then, and events() sees every record in order', async () => {
    await using cell = await create();
    const seen: CellEvent[] = [];
    const reader = (async () => {
      for await (const event of cell.evidence.events()) seen.push(event);
    })();
    await cell.exec(['true']);
    expect((await cell.evidence.verify()).verdict).toBe('incomplete-tail');
    await cell.close();
    await reader;
    expect(seen).toEqual(await eventsOf(cell));
    expect(short(seen[0] as CellEvent)).toBe('evidence.v1.genesis');
    expect((await cell.evidence.verify({ trust: new Map() })).verdict).toBe('untrusted-key');
  });
});

describe('a document', () => {
  const text = (run: string): string => `apiVersion: cellos.io/v1\nkind: ExecutionCell\nspec:\n  id: from-document\n  authority: {}\n  lifetime: { ttlSeconds: 60 }\n${run}`;

  it('gives the cell its limits, artifacts and command, which runs when asked to', async () => {
    await using cell = await Cell.create({ stateDir, document: text('  run: { argv: [sh, -c, "echo done > out; sleep 60"], timeoutMs: 300 }\n  export: { artifacts: [{ name: result, path: out }] }\n') });
    expect(cell.plan.cellId).toBe('from-document');
    expect(await cell.exec(cell.plan.argv)).toMatchObject({ exitCode: 124, ending: 'timed-out' });
    expect(await cell.export('result')).toMatchObject({ bytes: 5 });
  });

  it('is read strictly, and cannot be contradicted', async () => {
    const wrong = Cell.create({ stateDir, document: text('  runs: {}\n') });
    await expect(wrong).rejects.toMatchObject({ code: 'spec.invalid', message: expect.stringMatching(/spec\.runs.*7:|7.*spec\.runs/s) });
    expect(await codeOf(create({ document: text('') }))).toBe('usage.invalid');
    expect(await codeOf(Cell.create({ stateDir, document: text(''), secrets: { TOKEN: 'env:PATH' } }))).toBe('usage.invalid');
  });
});

describe('many cells', () => {
  it('live side by side, each with a host user of its own, and all are gone after', async () => {
    const cells = await Promise.all(Array.from({ length: 20 }, () => create({ memory: '64M' })));
    const ids = new Set(cells.map((cell) => cell.facts.hostUid));
    const results = await Promise.all(cells.map((cell, i) => cell.exec(['sh', '-c', `echo ${i}`])));
    const ends = await Promise.all(cells.map((cell) => cell.close()));
    expect(results.map((result) => result.stdout.text())).toEqual(cells.map((_, i) => `${i}\n`));
    if (process.geteuid?.() === 0) expect(ids.size).toBe(20);
    expect(ends.flatMap((end) => end.teardown).filter((line) => line.result !== 'clean')).toEqual([]);
    expect(readdirSync(`${stateDir}/live`)).toEqual([]);
    expect(readdirSync(`${stateDir}/scratch`)).toEqual([]);
  });

  it('leave nothing behind when one cannot be made', async () => {
    expect(await codeOf(create({ secrets: { TOKEN: 'env:CELLOS_TEST_NOT_SET' } }))).toBe('secret.missing');
    expect(await codeOf(create({ ro: ['/no/such/path'] }))).toBe('usage.invalid');
    expect(await codeOf(create({ ttl: 'soon' }))).toBe('usage.invalid');
    expect(await codeOf(create({ cpus: -1 }))).toBe('usage.invalid');
    expect(await codeOf(create({ id: '../x' }))).toBe('usage.invalid');
    expect(readdirSync(`${stateDir}/live`)).toEqual([]);
  });

  it('of a program that ended without closing are swept by the next start, which says so', async () => {
    const elsewhere = `${root}/abandoned`;
    const program = `import { Cell } from 'cellos'; const cell = await Cell.create({ stateDir: ${JSON.stringify(elsewhere)} }); await cell.spawn(['sleep', '600']); console.log(cell.id); process.exit(0);`;
    const { stdout } = await promisify(execFile)(process.execPath, ['--conditions=cellos-source', '--input-type=module', '-e', program], { env: { PATH: process.env['PATH'] }, timeout: 30_000 });
    const abandoned = stdout.trim();
    expect(readdirSync(`${elsewhere}/live`)).toEqual([`${abandoned}.json`]);
    const { cgroups } = JSON.parse(readFileSync(`${elsewhere}/live/${abandoned}.json`, 'utf8')) as { cgroups: { path: string }[] };
    const cell = await create({ stateDir: elsewhere });
    await cell.close();
    const swept = (await eventsOf(cell)).find((event) => short(event) === 'recovery.v1.swept');
    expect(swept?.data).toMatchObject({ runs: [{ runId: abandoned, state: 'unsealed', residue: [] }] });
    expect([readdirSync(`${elsewhere}/live`), readdirSync(`${elsewhere}/scratch`), cgroups.filter(({ path }) => existsSync(path))]).toEqual([[], [], []]);
  });
});
