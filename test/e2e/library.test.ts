import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { afterAll, describe, expect, it } from 'vitest';
import { Cell, type CellEvent, type CellOptions } from '../../src/index.ts';
import { codeOf, eventsOf, short } from './library-cells.ts';

const root = mkdtempSync(`${tmpdir()}/cellos-library-`);
const stateDir = `${root}/state`;

afterAll(() => rmSync(root, { recursive: true, force: true }));

const create = (options: CellOptions = {}): Promise<Cell> => Cell.create({ stateDir, ttl: '2m', ...options });

async function textOf(stream: AsyncIterable<Uint8Array>): Promise<string> {
  let text = '';
  for await (const chunk of stream) text += Buffer.from(chunk).toString();
  return text;
}

/** Of the newest checkpoint of this host's log. */
const logSize = (): number => Number(readFileSync(`${stateDir}/log/checkpoint`, 'utf8').split('\n')[1]);

const about = (events: readonly CellEvent[], command: number): string[] => events.filter((event) => (event.data as { command?: number }).command === command).map(short);

describe('policy', () => {
  const pack = (rules: object): string => JSON.stringify({ apiVersion: 'cellos.io/v1', kind: 'PolicyPack', spec: { id: 'lib', rules } });

  it('has to permit the cell; its decision stands before the plan', async () => {
    const cell = await create({ policy: pack({ maxLifetimeTtlSeconds: 120, secretRefAllowlist: { ci: [] } }), caller: 'ci' });
    await cell.close();
    const events = await eventsOf(cell);
    expect(events.slice(0, 3).map(short)).toEqual(['evidence.v1.genesis', 'policy.v1.decided', 'plan.v1.effective']);
    expect(await cell.evidence.verify()).toMatchObject({ verdict: 'complete' });
  });

  it('refuses, listing every violation, and says what is wrong with a pack', async () => {
    const refused: Promise<unknown> = create({ policy: pack({ maxLifetimeTtlSeconds: 60, requireResourceLimits: true }) });
    await expect(refused).rejects.toMatchObject({ code: 'policy.refused', facts: { rules: ['maxLifetimeTtlSeconds', 'requireResourceLimits'], runId: expect.any(String) } });
    expect(await codeOf(create({ policy: pack({ maxLifetimeTtlSecond: 60 }) }))).toBe('document.invalid');
    expect(await codeOf(create({ caller: 'ci' }))).toBe('usage.invalid');
  });
});

describe('exec', () => {
  it('hands back exit code, output and ending, and never throws for a failure of the command', async () => {
    await using cell = await create();
    const failed = await cell.exec(['sh', '-c', 'echo out; echo err >&2; exit 7']);
    expect(failed).toMatchObject({ exitCode: 7, ending: 'exited', truncated: false });
    expect([failed.stdout.text(), failed.stderr.text()]).toEqual(['out\n', 'err\n']);
    expect(await cell.exec(['sh', '-c', 'kill -9 $$'])).toMatchObject({ exitCode: 137, ending: 'signalled', signal: 'SIGKILL' });
    expect(await cell.exec(['sh', '-c', 'exit 137'])).toMatchObject({ exitCode: 137, ending: 'exited' });
    expect(await cell.exec(['no-such-program'])).toMatchObject({ exitCode: 127, ending: 'exec-failed' });
    expect(await cell.exec(['/etc/passwd'])).toMatchObject({ exitCode: 126, ending: 'exec-failed' });
    expect(await cell.exec(['true'], { cwd: 'not/there' })).toMatchObject({ exitCode: 126, ending: 'exec-failed' });
  });

  it('passes stdin through, whole: bytes, text and a source of chunks', async () => {
    await using cell = await create();
    const bytes = new Uint8Array(3 * 1024 * 1024).map((_, i) => i % 251);
    expect([...(await cell.exec(['cat'], { stdin: bytes })).stdout]).toEqual([...bytes]);
    expect((await cell.exec(['cat'], { stdin: 'täxt' })).stdout.text()).toBe('täxt');
    async function* source(): AsyncGenerator<Uint8Array | string> {
      for (let i = 0; i < 100; i += 1) yield `${i}\n`;
    }
    expect((await cell.exec(['wc', '-l'], { stdin: source() })).stdout.text().trim()).toBe('100');
    expect((await cell.exec(['cat'])).stdout.byteLength).toBe(0);
  });

  it('takes what the command reads of an endless stdin, and ends with the command', async () => {
    await using cell = await create();
    let released = false;
    async function* endless(): AsyncGenerator<Uint8Array> {
      try {
        for (;;) yield new Uint8Array(65536);
      } finally {
        released = true;
      }
    }
    expect((await cell.exec(['head', '-c', '5'], { stdin: endless() })).stdout.byteLength).toBe(5);
    expect(released).toBe(true);
  });

  it('collects up to a bound, tells what was cut, and holds the command back while the caller is busy', async () => {
    await using cell = await create();
    let seen = 0;
    let busy = 0;
    const result = await cell.exec(['sh', '-c', 'head -c 20000000 /dev/zero'], {
      outputBytesMax: 1000,
      onStdout: async (chunk) => {
        busy += 1;
        expect(busy).toBe(1);
        await new Promise((resolve) => setImmediate(resolve));
        seen += chunk.byteLength;
        busy -= 1;
      },
    });
    expect(result).toMatchObject({ exitCode: 0, truncated: true });
    expect(result.stdout.byteLength).toBe(1000);
    expect(seen).toBe(20_000_000);
  });

  it('ends a command at its time limit, and one the caller gives up; a signal ignored is followed by a kill', async () => {
    await using cell = await create();
    expect(await cell.exec(['sleep', '60'], { timeoutMs: 50 })).toMatchObject({ exitCode: 124, ending: 'timed-out' });
    const stop = new AbortController();
    const given = cell.exec(['sh', '-c', 'trap "" TERM; echo up; while :; do sleep 60; done'], { signal: stop.signal, graceMs: 50, onStdout: () => stop.abort() });
    expect(await given).toMatchObject({ exitCode: 130, ending: 'cancelled', signal: 'SIGKILL' });
    expect(await cell.exec(['true'], { signal: AbortSignal.abort() })).toMatchObject({ exitCode: 130, ending: 'cancelled' });
    expect(await cell.exec(['true'])).toMatchObject({ exitCode: 0 });
  });

  it('throws back what a callback or a source of the caller throws, after the command is over', async () => {
    await using cell = await create();
    const mine = new Error('mine');
    await expect(
      cell.exec(['sh', '-c', 'echo x; sleep 60'], {
        onStdout: () => {
          throw mine;
        },
      }),
    ).rejects.toBe(mine);
    // biome-ignore lint/correctness/useYield: it fails before it has anything
    async function* broken(): AsyncGenerator<Uint8Array> {
      throw mine;
    }
    await expect(cell.exec(['cat'], { stdin: broken() })).rejects.toBe(mine);
    expect((await cell.exec(['true'])).exitCode).toBe(0);
    const end = await cell.close();
    expect(about(await eventsOf(cell), 1)).toContain('command.v1.completed');
    expect(end.residue).toEqual([]);
  });

  it('refuses what makes no sense before anything runs', async () => {
    await using cell = await create({ secrets: { TOKEN: 'env:PATH' } });
    for (const argv of [[], [''], ['a\0b']]) expect(await codeOf(cell.exec(argv))).toBe('usage.invalid');
    expect(await codeOf(cell.exec(['true'], { env: { 'A=B': 'x' } }))).toBe('usage.invalid');
    expect(await codeOf(cell.exec(['true'], { env: { TOKEN: 'x' } }))).toBe('usage.invalid');
    expect(await codeOf(cell.exec(['true'], { timeoutMs: -1 }))).toBe('usage.invalid');
    expect(await codeOf(cell.exec(['true', 'x'.repeat(2 * 1024 * 1024)]))).toBe('backend.protocol');
    expect((await cell.exec(['true'])).exitCode).toBe(0);
  });

  it('gives variables and secrets, and nothing of the host', async () => {
    writeFileSync(`${root}/token`, 'tell-nobody-0815\n', { mode: 0o600 });
    await using cell = await create({ env: { A: '1' }, secrets: { TOKEN: `file:${root}/token` } });
    expect((await cell.exec(['sh', '-c', 'echo $A-$B-${#TOKEN}-$HOME'], { env: { B: '2' } })).stdout.text()).toBe('1-2-16-/work\n');
    const { bundle } = await cell.close();
    for (const file of readdirSync(bundle)) expect(readFileSync(`${bundle}/${file}`, 'latin1')).not.toContain('tell-nobody-0815');
  });
});

describe('several commands in one cell', () => {
  it('run at once, and the end of one leaves the others alone [V3]', async () => {
    await using cell = await create();
    const server = await cell.spawn(['sh', '-c', 'sleep 600 & until grep -qsx sleep /proc/$!/comm; do :; done; echo ready; read line; echo got $line; wait $! 2>/dev/null'], { stdin: 'pipe' });
    const lines = server.stdout[Symbol.asyncIterator]();
    expect(Buffer.from((await lines.next()).value ?? []).toString()).toBe('ready\n');
    const results = await Promise.all(Array.from({ length: 8 }, (_, i) => cell.exec(['sh', '-c', `sleep 600 & echo ${i}`])));
    expect(results.map((result) => result.stdout.text())).toEqual(Array.from({ length: 8 }, (_, i) => `${i}\n`));
    await server.stdin.write('still here\n');
    expect(Buffer.from((await lines.next()).value ?? []).toString()).toBe('got still here\n');
    // Of the eight, nothing is left; the server still has its own child.
    expect((await cell.exec(['sh', '-c', 'grep -lx sleep /proc/[0-9]*/comm | wc -l'])).stdout.text().trim()).toBe('1');
    server.kill('SIGKILL');
    expect(await server.wait()).toMatchObject({ ending: 'signalled', signal: 'SIGKILL' });
  });

  it('ends what left the session of its command as soon as no command runs [V1]', async () => {
    await using cell = await create();
    const count = ['sh', '-c', 'grep -lx sleep /proc/[0-9]*/comm | wc -l'];
    const holder = await cell.spawn(['cat'], { stdin: 'pipe' });
    // The output of the command ends with it, though a daemon still holds it open. Until the daemon is its own program it may still be in the
    // session of the command, and end with that: the command waits for it.
    expect((await cell.exec(['sh', '-c', 'setsid -f sleep 600; until grep -qsx sleep /proc/[0-9]*/comm; do :; done; echo done'])).stdout.text()).toBe('done\n');
    expect((await cell.exec(count)).stdout.text().trim()).toBe('1');
    holder.stdin.end();
    await holder.wait();
    expect((await cell.exec(count)).stdout.text().trim()).toBe('0');
  });

  it('are each on the record, in order, with their own output kept', async () => {
    await using cell = await create();
    await cell.exec(['echo', 'one']);
    await cell.exec(['sh', '-c', 'echo two; echo zwei >&2; kill -15 $$']);
    await cell.exec(['true']);
    const { bundle } = await cell.close();
    const events = await eventsOf(cell);
    for (const command of [1, 2, 3]) {
      expect(about(events, command)).toEqual(['observability.v1.process_spawned', 'process.v1.exited', 'output.v1.captured', 'command.v1.completed']);
    }
    expect(events.map((event) => event.seq)).toEqual(events.map((_, i) => i));
    expect(short(events.at(-1) as CellEvent)).toBe('evidence.v1.sealed');
    expect(readFileSync(`${bundle}/stdout.log`, 'utf8')).toBe('one\n');
    expect(readFileSync(`${bundle}/stdout.2.log`, 'utf8')).toBe('two\n');
    expect(readFileSync(`${bundle}/stderr.2.log`, 'utf8')).toBe('zwei\n');
    expect(readdirSync(bundle)).not.toContain('stdout.3.log');
    expect(await cell.evidence.verify()).toMatchObject({ verdict: 'complete', findings: [] });
  });

  it('blames the memory limit only for the command it ended', async () => {
    await using cell = await create({ memory: '32M' });
    expect(await cell.exec(['sh', '-c', 'exec tail /dev/zero'])).toMatchObject({ exitCode: 137, ending: 'limit-exceeded' });
    expect(await cell.exec(['sh', '-c', 'kill -9 $$'])).toMatchObject({ exitCode: 137, ending: 'signalled' });
    await cell.close();
    expect((await eventsOf(cell)).filter((event) => short(event) === 'limit.v1.reached')).toHaveLength(1);
  });
});

describe('spawn', () => {
  it('hands out streams and a writer, and waits for what nobody reads no longer than the command lives', async () => {
    await using cell = await create();
    const echo = await cell.spawn(['cat'], { stdin: 'pipe' });
    expect(echo.pid).toBeGreaterThan(1);
    expect(await echo.stdin.write('hello')).toBe(true);
    echo.stdin.end();
    expect(await textOf(echo.stdout)).toBe('hello');
    expect(await echo.wait()).toMatchObject({ exitCode: 0 });
    expect(await echo.stdin.write('late')).toBe(false);
    const flood = await cell.spawn(['yes'], { stderr: 'ignore' });
    flood.kill('SIGINT');
    expect(await flood.wait()).toMatchObject({ ending: 'signalled', signal: 'SIGINT' });
    expect((await textOf(flood.stdout)).replaceAll('y\n', '').replace(/^y$/, '')).toBe('');
  });

  it('closes a stream whose reader leaves, and says why a program could not start', async () => {
    await using cell = await create();
    const flood = await cell.spawn(['yes']);
    for await (const chunk of flood.stdout) {
      expect(chunk.byteLength).toBeGreaterThan(0);
      break;
    }
    expect(await flood.wait()).toMatchObject({ ending: 'signalled', signal: 'SIGPIPE' });
    const missing = await cell.spawn(['no-such-program']);
    expect(missing.pid).toBeUndefined();
    expect(await missing.wait()).toMatchObject({ exitCode: 127, ending: 'exec-failed' });
  });

  it('ends with its scope', async () => {
    await using cell = await create();
    let held: Promise<unknown>;
    {
      await using sleeper = await cell.spawn(['sleep', '600']);
      held = sleeper.wait();
    }
    expect(await held).toMatchObject({ ending: 'signalled', signal: 'SIGKILL' });
  });
});

describe('files', () => {
  it('are read, written and listed from outside, as the cell would see them', async () => {
    await using cell = await create();
    const bytes = new Uint8Array(2_000_000).map((_, i) => i % 253);
    await cell.files.write('data.bin', bytes);
    expect((await cell.exec(['sha256sum', 'data.bin'])).stdout.text().slice(0, 64)).toBe((await cell.exec(['sha256sum'], { stdin: bytes })).stdout.text().slice(0, 64));
    expect((await cell.files.read('data.bin')).byteLength).toBe(bytes.byteLength);
    let streamed = 0;
    for await (const chunk of cell.files.stream('/work/data.bin')) streamed += chunk.byteLength;
    expect(streamed).toBe(bytes.byteLength);
    await cell.files.mkdir('a/b');
    await cell.files.mkdir('a/b');
    await cell.files.write('a/b/text', 'täxt');
    expect(await cell.files.readText('a/b/text')).toBe('täxt');
    expect(await cell.files.list()).toEqual([
      { name: 'a', kind: 'directory', sizeBytes: expect.any(Number) },
      { name: 'data.bin', kind: 'file', sizeBytes: bytes.byteLength },
    ]);
    await cell.files.remove('a/b/text');
    await cell.files.remove('a/b');
    expect(await cell.files.list('a')).toEqual([]);
    await cell.close();
    const touched = (await eventsOf(cell)).filter((event) => short(event) === 'file.v1.touched').map((event) => (event.data as { operation: string }).operation);
    expect(touched).toEqual(['written', 'read', 'read', 'made', 'made', 'written', 'read', 'removed', 'removed']);
  });

  it('refuse links, devices, folders, what is missing, too large or read-only, and stay usable', async () => {
    await using cell = await create();
    await cell.exec(['sh', '-c', 'ln -s /etc/passwd link; ln -s /tmp linked; mkdir folder; mkfifo fifo; echo long > plain; touch folder/x']);
    const refused: [string, () => Promise<unknown>][] = [
      ['read link', () => cell.files.read('link')],
      ['read beneath link', () => cell.files.read('linked/x')],
      ['read fifo', () => cell.files.read('fifo')],
      ['read device', () => cell.files.read('/dev/zero')],
      ['read folder', () => cell.files.read('folder')],
      ['read missing', () => cell.files.read('missing')],
      ['read large', () => cell.files.read('plain', { sizeBytesMax: 3 })],
      ['write link', () => cell.files.write('link', 'x')],
      ['write beneath link', () => cell.files.write('linked/x', 'x')],
      ['write folder', () => cell.files.write('folder', 'x')],
      ['write read-only', () => cell.files.write('/usr/x', 'x')],
      ['list link', () => cell.files.list('linked')],
      ['list file', () => cell.files.list('plain')],
      ['make beneath link', () => cell.files.mkdir('linked/x')],
      ['make over file', () => cell.files.mkdir('plain')],
      ['remove full', () => cell.files.remove('folder')],
      ['remove missing', () => cell.files.remove('missing')],
    ];
    for (const [what, attempt] of refused) expect([what, await codeOf(attempt())]).toEqual([what, 'file.refused']);
    expect((await cell.exec(['sh', '-c', 'ls /tmp; ls -A'])).stdout.text()).toBe('fifo\nfolder\nlink\nlinked\nplain\n');
    // More abandoned reads than the cell has places for.
    await cell.files.write('big', new Uint8Array(4 * 1024 * 1024));
    for (let i = 0; i < 40; i += 1) for await (const chunk of cell.files.stream('big')) if (chunk.byteLength > 0) break;
    expect(await cell.files.readText('plain')).toBe('long\n');
  });
});

describe('export', () => {
  it('copies into the evidence and to a folder, never over a file', async () => {
    const exportDir = `${root}/exported`;
    await using cell = await create({ id: 'exporter', exportDir });
    await cell.exec(['sh', '-c', 'echo result > out.txt; ln -s /etc/passwd link']);
    const artifact = await cell.export('result', 'out.txt');
    expect(artifact).toMatchObject({ name: 'result', destination: 'exporter/result', bytes: 7 });
    const records = readFileSync(`${cell.evidence.path}/records.jsonl`, 'utf8').trim().split('\n');
    expect(records.at(-1)).toContain('export.v2.completed');
    expect(logSize() - Number(JSON.parse(records[0] ?? '').envelope.event.data.log.size)).toBeGreaterThanOrEqual(records.length);
    expect(readFileSync(artifact.path, 'utf8')).toBe('result\n');
    expect(readFileSync(`${exportDir}/exporter/result`, 'utf8')).toBe('result\n');
    expect(await codeOf(cell.export('result', 'out.txt'))).toBe('export.failed');
    expect(await codeOf(cell.export('link'))).toBe('export.refused');
    expect(await codeOf(cell.export('../x'))).toBe('usage.invalid');
    expect(readdirSync(`${exportDir}/exporter`)).toEqual(['result']);
    await cell.close();
    const types = (await eventsOf(cell)).map(short).filter((type) => type.startsWith('export.'));
    expect(types).toEqual(['export.v2.completed', 'export.v2.failed', 'export.v2.failed']);
    expect((await cell.evidence.verify()).verdict).toBe('complete');
  });
});
